//! What a pipeline is told before it runs.

use super::world::{World, pointer};
use super::{Options, Sized32, c};
use std::ptr::null;

impl World<'_> {
    pub(super) fn describe(&mut self) {
        let name = self.tape.text(&["", "a", "nightly", "name with \"quotes\"\n"]);
        let name = pointer(name.as_ref());
        match self.tape.rarely(2) {
            true => self.change(|p, e| c!(trommel_pipeline_name(p, name, e))),
            false => self.change(|p, e| c!(trommel_pipeline_resumable(p, name, e))),
        };
    }

    pub(super) fn urls(&mut self) {
        const FROM: [&str; 6] = [
            "csv:in.csv",
            "csv:in.csv?delimiter=;",
            "csv:none",
            "csv:in.csv?has_headers=false",
            "csv:in.csv?flexible=true&nulls=,NA&trim=all&block_size=16",
            "x:y",
        ];
        const INTO: [&str; 6] = [
            "sqlite:out.db?table=t",
            "sqlite::memory:?table=t&mode=replace",
            "sqlite:none/x?table=t",
            "sqlite:out.db?table=t&mode=upsert&key=a&wal=true&commit_rows=10",
            "sqlite:out.db",
            "x:y",
        ];
        const KEYS: [&str; 9] = [
            "source.delimiter",
            "source.quote",
            "source.headers",
            "source.block_size",
            "sink.table",
            "sink.mode",
            "sink.commit_rows",
            "sink.key",
            "sink",
        ];
        const VALUES: [&str; 9] = ["a", "b,c", ";", "1", "0", "true", "replace", "", "%41"];
        match self.tape.below(4) {
            0 | 1 => {
                let (from, into) = (self.tape.text(&FROM), self.tape.text(&INTO));
                let (from, into) = (pointer(from.as_ref()), pointer(into.as_ref()));
                self.change(|p, e| c!(trommel_pipeline_from(p, from, e)));
                self.change(|p, e| c!(trommel_pipeline_into(p, into, e)));
            }
            2 => {
                let (key, value) = (self.tape.text(&KEYS), self.tape.text(&VALUES));
                let (key, value) = (pointer(key.as_ref()), pointer(value.as_ref()));
                self.change(|p, e| c!(trommel_pipeline_set(p, key, value, e)));
            }
            _ => {
                let length = self.tape.below(200);
                let rows: Vec<u8> = (0..length).map(|_| self.tape.byte()).collect();
                let mut file = b"a,b,c\n1,2,3\n4,5,\"6\"\n".to_vec();
                file.extend(rows);
                std::fs::write("in.csv", file).expect("the folder can be written to");
            }
        }
    }

    pub(super) fn columns(&mut self) {
        const TYPES: [&str; 8] =
            ["TEXT", "INTEGER", "REAL", "BOOLEAN", "BLOB", "INTEGER NOT NULL", "VARCHAR", ""];
        let from = self.tape.text(&["a", "b", "c", "#0", "#9", "number", "text"]);
        let to = self.tape.text(&["a", "b", "x\"y"]);
        let kind = self.tape.text(&TYPES);
        let (from, to) = (pointer(from.as_ref()), pointer(to.as_ref()));
        let kind = pointer(kind.as_ref());
        match self.tape.rarely(2) {
            true => self.change(|p, e| c!(trommel_pipeline_column(p, from, to, kind, e))),
            false => self.change(|p, e| c!(trommel_pipeline_output(p, to, kind, e))),
        };
    }

    pub(super) fn options(&mut self) {
        let mut options = Options::sized();
        let tape = &mut self.tape;
        options.size = tape.size(options.size);
        options.tier = tape.below(7) as u32;
        options.batch_size = tape.number() as u32;
        (options.batch_min, options.batch_max) =
            tape.pick(&[(0, 0), (1, 1), (1, 7), (16, 0), (7, 1), (1, u32::MAX), (0, 1), (0, 128)]);
        options.transform_concurrency = tape.number() as u32;
        options.channel_capacity = tape.number() as u32;
        options.order = u32::from(tape.byte() % 8 == 7) + u32::from(tape.byte() % 32 == 31);
        options.memory_limit = tape.number();
        options.flush_timeout_ms = tape.pick(&[0, 0, 1, -1, i64::MAX, i64::MIN]);
        // Runs that are cut off wait for no one here.
        options.grace_ms = tape.pick(&[0, 1, -1, i64::MAX]);
        options.watchdog_ms = tape.pick(&[0, 0, 0, 1000, -1, i64::MAX]);
        options.on_reject = tape.pick(&[0, 1, 1, 1, 2, 3, 9]);
        options.on_panic = tape.pick(&[0, 0, 1, 1, 2]);
        options.max_rejects = tape.number();
        let file = tape.text(&["rejects.jsonl", "none/x"]);
        options.reject_file = pointer(file.as_ref());
        options.retries = tape.below(3) as u32;
        (options.retry_initial_ms, options.retry_max_ms) =
            tape.pick(&[(1, 1), (1, 2), (2, 1), (1, 0), (0, 1)]);
        let given = if tape.rarely(16) { null() } else { &raw const options };
        self.change(|p, e| c!(trommel_pipeline_options(p, given, e)));
    }
}
