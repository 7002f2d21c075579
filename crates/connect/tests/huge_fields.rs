//! A field of 100 MB, which no batch has room for: a reject with its place and the remedy, the rows
//! around it loaded, and no more memory taken than without it.
#![cfg(all(feature = "csv", feature = "ndjson"))]

#[allow(dead_code, reason = "calls are not counted here")]
#[path = "../../engine/tests/common/counting.rs"]
mod counting;

use counting::{Counting, measure};
use std::io::{Cursor, Read, repeat};
use std::sync::{Arc, Mutex};
use trommel::{
    DeadLetter, Engine, Options, Pipeline, Reject, RejectPolicy, Result, RunReport, sinks,
};
use trommel_connect::{csv, ndjson};

#[global_allocator]
static ALLOCATOR: Counting = Counting;

const FIELD: u64 = 100_000_000;
/// Twice as much as a batch has room for with [`LIMIT`], and a size that takes little time.
const LARGE: u64 = 8_000_000;
const MIB: usize = 1 << 20;
const LIMIT: usize = 16 * MIB;

/// `before`, a field of so many bytes, `after`: never in memory as a whole.
fn input(before: &str, field: u64, after: &str) -> impl Read + Send + 'static {
    let (before, after) = (before.to_owned().into_bytes(), after.to_owned().into_bytes());
    Cursor::new(before).chain(repeat(b'x').take(field)).chain(Cursor::new(after))
}

/// Keeps what is said of rejects, and how much of each row is kept.
#[derive(Clone, Default)]
struct Said(Arc<Mutex<Vec<(String, usize)>>>);

impl DeadLetter for Said {
    fn write(&mut self, reject: &Reject) -> Result<()> {
        let Reject { source: Some(source), record: Some(record), line: Some(line), .. } = reject
        else {
            panic!("{reject:?}");
        };
        let offset = reject.offset.unwrap();
        let reason = &reject.reason;
        let said = format!("{reason}, in {source}, line {line}, byte {offset}, record {record}");
        self.0.lock().unwrap().push((said, reject.raw.len()));
        Ok(())
    }
}

fn options(said: &Said, limit: usize) -> Options {
    let policy = RejectPolicy::dead_letter(said.clone(), 10);
    Options::builder().memory_limit(limit).on_reject(policy).build().unwrap()
}

fn csv_lengths(limit: usize, said: &Said, input: impl Read + Send + 'static) -> Vec<usize> {
    let mut lengths = sinks::collect();
    let run = || -> Result<RunReport> {
        Pipeline::from(csv::Source::from_reader("huge.csv", input)?)
            .options(options(said, limit))
            .transform(|row: csv::Row<'_>, out| out.emit(row.str("b")?.len()))
            .load_into(&mut lengths)
            .run(&Engine::builder().workers(2).build()?)
    };
    run().unwrap();
    lengths.into_vec()
}

fn json_lengths(
    limit: usize,
    said: &Said,
    array: bool,
    input: impl Read + Send + 'static,
) -> Vec<usize> {
    let mut lengths = sinks::collect();
    let run = || -> Result<RunReport> {
        let builder = ndjson::Source::builder().array(array);
        Pipeline::from(builder.from_reader("huge.json", input)?)
            .options(options(said, limit))
            .transform(|row: ndjson::Row<'_>, out| out.emit(row.get::<&str>("b")?.len()))
            .load_into(&mut lengths)
            .run(&Engine::builder().workers(2).build()?)
    };
    run().unwrap();
    lengths.into_vec()
}

#[test]
fn it_is_a_reject_that_names_the_place_and_the_remedy() {
    let csv =
        |before, after| move |said: &Said| csv_lengths(LIMIT, said, input(before, FIELD, after));
    let json = |array, before, after| {
        move |said: &Said| json_lengths(LIMIT, said, array, input(before, FIELD, after))
    };
    type Run = Box<dyn Fn(&Said) -> Vec<usize>>;
    let cases: [(&str, Run, [&str; 2]); 4] = [
        (
            "plain",
            Box::new(csv("a,b\n1,one\n2,", "\n3,three\n")),
            ["raise memory_limit", "in huge.csv, line 3, byte 10, record 1"],
        ),
        (
            "quoted",
            Box::new(csv("a,b\n1,one\n2,\"\n", "\"\n3,three\n")),
            ["close the quote at line 3, byte 12", "in huge.csv, line 3, byte 10, record 1"],
        ),
        (
            "line",
            Box::new(json(false, "{\"b\":\"one\"}\n{\"b\":\"", "\"}\n{\"b\":\"three\"}\n")),
            ["raise memory_limit", "in huge.json, line 2, byte 12, record 1"],
        ),
        (
            "element",
            Box::new(json(true, "[{\"b\":\"one\"},\n{\"b\":\"", "\"},{\"b\":\"three\"}]")),
            ["raise memory_limit", "in huge.json, line 2, byte 14, record 1"],
        ),
    ];
    for (name, run, parts) in cases {
        let said = Said::default();
        let (lengths, used) = measure(|| run(&said));
        assert_eq!(lengths, [3, 5], "{name}");
        let said = said.0.lock().unwrap();
        let [(message, kept)] = &said[..] else { panic!("{name}: {said:?}") };
        assert!(message.contains("larger than the limit"), "{name}: {message}");
        for part in parts {
            assert!(message.contains(part), "{name}: {message}");
        }
        // Of what is passed over, the start is kept.
        assert!(*kept <= 4096, "{name}: {kept}");
        assert!(used.peak_bytes < 2 * LIMIT, "{name}: {} MiB", used.peak_bytes / MIB);
    }
}

#[test]
fn with_the_room_that_the_message_asks_for_it_is_a_field_like_any_other() {
    let csv = || input("a,b\n1,one\n2,", LARGE, "\n3,three\n");
    let json = || input("{\"b\":\"one\"}\n{\"b\":\"", LARGE, "\"}\n{\"b\":\"three\"}\n");
    for (limit, lengths) in [(LIMIT, vec![3, 5]), (4096 * MIB, vec![3, LARGE as usize, 5])] {
        let said = Said::default();
        assert_eq!(csv_lengths(limit, &said, csv()), lengths);
        assert_eq!(json_lengths(limit, &said, false, json()), lengths);
        assert_eq!(said.0.lock().unwrap().len(), 2 * (3 - lengths.len()));
    }
}
