//! Random programs over the header: which handles live, and what may be done with them.

use super::tape::Tape;
use super::{
    Engine, EngineOptions, Error, ErrorInfo, Options, Pipeline, Progress, Report, c, text,
};
use super::{Sink, Sized32, Source, Transform, callbacks};
use arrow_array::ffi_stream::{FFI_ArrowArrayStream, RecordBatchStreamReader};
use arrow_array::{
    ArrayRef, BooleanArray, Date32Array, Float64Array, Int64Array, RecordBatch,
    RecordBatchIterator, StringArray,
};
use arrow_schema::ArrowError;
use std::ffi::{CStr, CString, c_char, c_int, c_void};
use std::ptr::{null, null_mut};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};

/// Plays a program to its end and frees all. The current folder is where its files are.
///
/// # Panics
/// When the library does something else than the header says.
pub(crate) fn play(program: &[u8]) {
    let mut world = World::new(program);
    for _ in 0..80 {
        if world.tape.is_over() {
            break;
        }
        world.step();
    }
    world.end();
}

const OK: c_int = 0;
const STATE: c_int = 5;

#[derive(Debug)]
struct Slot {
    pipeline: *mut Pipeline,
    engine: *mut Engine,
    /// It has begun to run, so that nothing of it can be changed any more.
    has_run: bool,
    written: Arc<AtomicU64>,
    stream: Option<RecordBatchStreamReader>,
}

struct World<'a> {
    tape: Tape<'a>,
    engines: Vec<*mut Engine>,
    slots: Vec<Slot>,
    errors: Vec<*mut Error>,
    alive: Arc<AtomicUsize>,
}

/// A pipeline for another thread.
#[derive(Clone, Copy)]
struct Shared(*mut Pipeline);

// SAFETY: the header lets any thread use a pipeline that nobody frees meanwhile.
unsafe impl Send for Shared {}

fn pointer(text: Option<&CString>) -> *const c_char {
    text.map_or(null(), |text| text.as_ptr())
}

impl<'a> World<'a> {
    fn new(program: &'a [u8]) -> Self {
        World {
            tape: Tape(program),
            engines: Vec::new(),
            slots: Vec::new(),
            errors: Vec::new(),
            alive: Arc::default(),
        }
    }

    /// Calls what reports through an error object, and looks at the object.
    fn call(&mut self, call: impl FnOnce(*mut *mut Error) -> c_int) -> c_int {
        let mut error = null_mut();
        let wants = !self.tape.rarely(4);
        let status = call(if wants { &raw mut error } else { null_mut() });
        assert_eq!(error.is_null(), status == OK || !wants, "an error object exactly on failure");
        if !error.is_null() {
            assert_eq!(c!(trommel_error_status(error)), status);
            look_at(error);
            self.errors.push(error);
        }
        status
    }

    /// The number of a pipeline; none when there is none, and now and then.
    fn some_slot(&mut self) -> Option<usize> {
        let index = self.tape.below(4);
        if self.slots.is_empty() || index == 3 && self.tape.rarely(4) {
            return None;
        }
        Some(index % self.slots.len())
    }

    /// Changes a pipeline's setup.
    fn change(&mut self, change: impl FnOnce(*mut Pipeline, *mut *mut Error) -> c_int) -> c_int {
        let slot = self.some_slot();
        let pipeline = slot.map_or(null_mut(), |slot| self.slots[slot].pipeline);
        let status = self.call(|error| change(pipeline, error));
        if slot.is_none_or(|slot| self.slots[slot].has_run) {
            assert_ne!(status, OK, "what runs, or is no pipeline, can't be changed");
        }
        status
    }

    fn step(&mut self) {
        match self.tape.below(30) {
            0 => self.new_engine(),
            1 => {
                let engine = self.some_engine();
                let used = self.slots.iter().any(|slot| slot.engine == engine);
                let status = c!(trommel_engine_free(engine));
                if !engine.is_null() {
                    assert_eq!(status, if used { STATE } else { OK });
                    self.engines.retain(|known| used || *known != engine);
                }
            }
            2 => {
                let engine = self.some_engine();
                assert_eq!(c!(trommel_engine_workers(engine)) == 0, engine.is_null());
                assert!(text(c!(trommel_version())).starts_with("0."));
                assert!(text(c!(trommel_features())).contains("csv"));
                assert!(c!(trommel_abi_version()) > 0);
            }
            3 => {
                self.new_pipeline();
            }
            4 => {
                if let Some(slot) = self.some_slot() {
                    self.free(slot);
                }
            }
            5 => self.describe(),
            6 | 7 => self.urls(),
            8 => self.columns(),
            9 | 10 => self.options(),
            11 | 12 => {
                let slot = self.some_slot();
                self.source(slot);
            }
            13 | 14 => {
                let slot = self.some_slot();
                self.transform(slot);
            }
            15 | 16 => {
                let slot = self.some_slot();
                self.sink(slot);
            }
            17 => self.on_progress(),
            18 => {
                let slot = self.some_slot();
                self.arrow_in(slot);
            }
            19 | 20 => self.run(),
            21 => self.start(),
            22 => self.wait(),
            23 => {
                let slot = self.some_slot();
                let pipeline = slot.map_or(null_mut(), |slot| self.slots[slot].pipeline);
                c!(trommel_pipeline_cancel(pipeline));
            }
            24 => self.ask(),
            25 => {
                let slot = self.some_slot();
                self.stream(slot);
            }
            26 => self.pull(),
            27 => {
                if let Some(error) = self.errors.pop() {
                    assert_eq!(c!(trommel_error_free(error)), OK);
                }
            }
            28 => {
                // A whole pipeline of callbacks, so that programs come to running something.
                let slot = self.new_pipeline();
                self.source(slot);
                self.transform(slot);
                self.sink(slot);
            }
            _ => {
                let slot = self.new_pipeline();
                self.arrow_in(slot);
                self.transform(slot);
                self.stream(slot);
            }
        }
    }

    fn some_engine(&mut self) -> *mut Engine {
        let index = self.tape.below(3);
        self.engines.get(index).copied().unwrap_or(null_mut())
    }

    fn new_engine(&mut self) {
        if self.engines.len() == 2 {
            return;
        }
        let mut options = EngineOptions::sized();
        options.size = self.tape.size(options.size);
        options.workers = self.tape.pick(&[1, 2, 3, 1, 2, u32::MAX]);
        options.stack_bytes = self.tape.pick(&[0, 0, 0, 1, 1 << 18, u64::MAX]);
        let name = self.tape.text(&["", "worker", "a name that is longer than threads may have"]);
        options.thread_name = pointer(name.as_ref());
        let mut engine = null_mut();
        let given = if self.tape.rarely(8) { null() } else { &raw const options };
        if self.call(|error| c!(trommel_engine_new(given, &raw mut engine, error))) == OK {
            self.engines.push(engine);
        } else {
            assert!(engine.is_null(), "outputs are written only on success");
        }
    }

    fn new_pipeline(&mut self) -> Option<usize> {
        if self.slots.len() == 3 {
            return None;
        }
        if self.engines.is_empty() {
            self.new_engine();
        }
        let engine = self.engines.first().copied().unwrap_or(null_mut());
        let mut pipeline = null_mut();
        if self.call(|error| c!(trommel_pipeline_new(engine, &raw mut pipeline, error))) != OK {
            assert!(engine.is_null() && pipeline.is_null());
            return None;
        }
        let written = Arc::default();
        self.slots.push(Slot { pipeline, engine, has_run: false, written, stream: None });
        Some(self.slots.len() - 1)
    }

    fn free(&mut self, slot: usize) {
        let Slot { pipeline, stream, .. } = self.slots.swap_remove(slot);
        // A pipeline is freed after its stream.
        drop(stream);
        assert_eq!(c!(trommel_pipeline_free(pipeline)), OK);
    }

    fn describe(&mut self) {
        let name = self.tape.text(&["", "a", "nightly", "name with \"quotes\"\n"]);
        let name = pointer(name.as_ref());
        match self.tape.rarely(2) {
            true => self.change(|p, e| c!(trommel_pipeline_name(p, name, e))),
            false => self.change(|p, e| c!(trommel_pipeline_resumable(p, name, e))),
        };
    }

    fn urls(&mut self) {
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

    fn columns(&mut self) {
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

    fn options(&mut self) {
        let mut options = Options::sized();
        let tape = &mut self.tape;
        options.size = tape.size(options.size);
        options.tier = tape.below(7) as u32;
        options.batch_size = tape.number() as u32;
        (options.batch_min, options.batch_max) =
            tape.pick(&[(0, 0), (1, 1), (1, 7), (16, 128), (7, 1), (1, u32::MAX), (0, 1)]);
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
        (options.retry_initial_ms, options.retry_max_ms) = tape.pick(&[(1, 1), (1, 2), (2, 1)]);
        let given = if tape.rarely(16) { null() } else { &raw const options };
        self.change(|p, e| c!(trommel_pipeline_options(p, given, e)));
    }

    /// What callbacks get, and their script.
    fn user(&mut self, slot: Option<usize>, record_size: u32) -> *mut c_void {
        let steps = self.tape.below(20);
        let script = (0..steps).map(|_| self.tape.byte()).collect();
        let rows = u16::from(self.tape.byte()) * self.tape.pick(&[1, 16]);
        let nobody = Arc::default();
        let written = slot.map_or(&nobody, |slot| &self.slots[slot].written);
        callbacks::User::hand_out(script, rows, record_size, written, &self.alive)
    }

    /// Hands `user` over, which stays the caller's on failure.
    fn give(
        &mut self,
        slot: Option<usize>,
        user: *mut c_void,
        give: impl FnOnce(*mut Pipeline, *mut *mut Error) -> c_int,
    ) {
        let pipeline = slot.map_or(null_mut(), |slot| self.slots[slot].pipeline);
        if self.call(|error| give(pipeline, error)) != OK {
            // SAFETY: made just now, and refused.
            unsafe { callbacks::drop_user(user) };
        } else {
            assert!(slot.is_some_and(|slot| !self.slots[slot].has_run));
        }
    }

    fn record_size(&mut self) -> u32 {
        self.tape.pick(&[8, 8, 8, 0, 0, 1, 12, 64, 1000])
    }

    fn source(&mut self, slot: Option<usize>) {
        let mut source = Source::sized();
        source.size = self.tape.size(source.size);
        source.record_size = self.record_size();
        source.rows = self.tape.number();
        source.fill = (!self.tape.rarely(16)).then_some(callbacks::fill as _);
        source.user = self.user(slot, source.record_size);
        source.drop = Some(callbacks::drop_user);
        self.give(slot, source.user, |p, e| c!(trommel_pipeline_source(p, &raw const source, e)));
    }

    fn transform(&mut self, slot: Option<usize>) {
        let mut transform = Transform::sized();
        transform.size = self.tape.size(transform.size);
        transform.output_size = self.tape.pick(&[0, 0, 0, 8, 12, 64]);
        transform.apply = (!self.tape.rarely(16)).then_some(callbacks::apply as _);
        transform.user = self.user(slot, 8);
        transform.drop = Some(callbacks::drop_user);
        let given = &raw const transform;
        self.give(slot, transform.user, |p, e| c!(trommel_pipeline_transform(p, given, e)));
    }

    fn sink(&mut self, slot: Option<usize>) {
        let mut sink = Sink::sized();
        sink.size = self.tape.size(sink.size);
        sink.record_size = self.record_size();
        sink.write = (!self.tape.rarely(16)).then_some(callbacks::write as _);
        let which = self.tape.byte();
        sink.commit = (which & 1 > 0).then_some(callbacks::step as _);
        sink.finish = (which & 2 > 0).then_some(callbacks::step as _);
        sink.abort = (which & 4 > 0).then_some(callbacks::step as _);
        sink.user = self.user(slot, sink.record_size);
        sink.drop = Some(callbacks::drop_user);
        self.give(slot, sink.user, |p, e| c!(trommel_pipeline_sink(p, &raw const sink, e)));
    }

    fn on_progress(&mut self) {
        let slot = self.some_slot();
        let user = self.user(slot, 0);
        let call = (!self.tape.rarely(8)).then_some(callbacks::on_progress as _);
        let release = Some(callbacks::drop_user as _);
        self.give(slot, user, |p, e| c!(trommel_pipeline_on_progress(p, call, user, release, e)));
    }

    fn arrow_in(&mut self, slot: Option<usize>) {
        let mut stream = self.arrow();
        let given = if self.tape.rarely(16) { null_mut() } else { &raw mut stream };
        let pipeline = slot.map_or(null_mut(), |slot| self.slots[slot].pipeline);
        self.call(|error| c!(trommel_pipeline_from_arrow(pipeline, given, error)));
    }

    /// A stream of some batches, which may end in an error.
    fn arrow(&mut self) -> FFI_ArrowArrayStream {
        let with_dates = self.tape.rarely(4);
        let make = |rows: usize| {
            let numbers = (0..rows as i64).map(|row| (row % 5 > 0).then_some(row));
            let texts = (0..rows).map(|row| (row % 7 > 0).then(|| format!("text {row}")));
            let mut columns: Vec<(&str, ArrayRef)> = vec![
                ("number", Arc::new(Int64Array::from_iter(numbers))),
                ("text", Arc::new(StringArray::from_iter(texts))),
                ("real", Arc::new(Float64Array::from(vec![0.5; rows]))),
                ("flag", Arc::new(BooleanArray::from(vec![true; rows]))),
            ];
            if with_dates {
                columns.push(("day", Arc::new(Date32Array::from(vec![1; rows]))));
            }
            let columns = columns.into_iter().map(|(name, column)| (name, column, true));
            RecordBatch::try_from_iter_with_nullable(columns).expect("columns of one length")
        };
        let schema = make(0).schema();
        let mut batches: Vec<Result<RecordBatch, ArrowError>> = Vec::new();
        for _ in 0..self.tape.below(6) {
            let rows = self.tape.pick(&[0, 1, 5, 100, 3000]);
            let batch = make(rows);
            let start = self.tape.below(3).min(rows);
            batches.push(Ok(batch.slice(start, rows - start)));
        }
        if self.tape.rarely(6) {
            batches.push(Err(ArrowError::ComputeError("as the program says".into())));
        }
        FFI_ArrowArrayStream::new(Box::new(RecordBatchIterator::new(batches, schema)))
    }

    fn report_room(&mut self) -> Report {
        let mut report = Report::sized();
        report.size = self.tape.size(report.size);
        report
    }

    fn run(&mut self) {
        let Some(slot) = self.some_slot() else { return };
        let mut report = self.report_room();
        let with_others = self.tape.rarely(4);
        let acts = [self.tape.byte(), self.tape.byte()];
        let pipeline = Shared(self.slots[slot].pipeline);
        let before = self.slots[slot].has_run;
        let size = report.size;
        let report_at = &raw mut report;
        let status = self.call(|error| {
            std::thread::scope(|scope| {
                let acts = acts.into_iter().filter(|_| with_others);
                let others: Vec<_> =
                    acts.map(|act| scope.spawn(move || meddle(pipeline, act))).collect();
                let status = c!(trommel_pipeline_run(pipeline.0, report_at, error));
                // A scope waits for closures: a thread that still ends would look like a leak.
                for other in others {
                    other.join().expect("it does not panic");
                }
                status
            })
        });
        if size == size_of::<Report>() as u32 {
            self.slots[slot].has_run = true;
            assert!(!before || status == STATE, "it runs once");
        } else if !before && status != OK {
            // Perhaps refused because of its size, perhaps because of what it found.
            self.slots[slot].has_run = status != 3;
        } else {
            self.slots[slot].has_run = true;
        }
        if status == OK {
            assert_eq!(report.outcome, 0);
            self.balance(slot, &report);
        }
    }

    fn balance(&self, slot: usize, report: &Report) {
        let Report { read, loaded, rejected, filtered, abandoned, .. } = *report;
        assert_eq!(read, loaded + rejected + filtered + abandoned, "nothing is lost: {report:?}");
        let written = self.slots[slot].written.load(Ordering::SeqCst);
        assert!(written == 0 || report.outcome != 0 || written == report.emitted, "{report:?}");
    }

    fn start(&mut self) {
        let Some(slot) = self.some_slot() else { return };
        let pipeline = self.slots[slot].pipeline;
        let status = self.call(|error| c!(trommel_pipeline_start(pipeline, error)));
        assert!(!self.slots[slot].has_run || status == STATE);
        self.slots[slot].has_run = true;
    }

    fn wait(&mut self) {
        let Some(slot) = self.some_slot() else { return };
        let mut report = self.report_room();
        let pipeline = self.slots[slot].pipeline;
        let status = self.call(|error| c!(trommel_pipeline_wait(pipeline, &raw mut report, error)));
        if status == OK {
            assert!(self.slots[slot].has_run);
            self.balance(slot, &report);
        }
    }

    /// Everything that only reads.
    fn ask(&mut self) {
        let slot = self.some_slot();
        let pipeline = slot.map_or(null_mut(), |slot| self.slots[slot].pipeline);
        let mut progress = Progress::sized();
        progress.size = self.tape.size(progress.size);
        c!(trommel_pipeline_progress(pipeline, &raw mut progress));
        let ended = c!(trommel_pipeline_is_finished(pipeline));
        assert!(ended == 0 || slot.is_some_and(|slot| self.slots[slot].has_run));
        let mut report = Report::sized();
        if c!(trommel_pipeline_report(pipeline, &raw mut report)) == OK {
            let json = text(c!(trommel_pipeline_report_json(pipeline)));
            assert!(json.starts_with('{') && json.ends_with('}'), "{json}");
            self.balance(slot.expect("a pipeline has answered"), &report);
        }
    }

    fn stream(&mut self, slot: Option<usize>) {
        let Some(slot) = slot else { return };
        let mut stream = FFI_ArrowArrayStream::empty();
        let pipeline = self.slots[slot].pipeline;
        let at = &raw mut stream;
        let status = self.call(|error| c!(trommel_pipeline_stream(pipeline, at, error)));
        if status == OK {
            self.slots[slot].has_run = true;
            let reader = RecordBatchStreamReader::try_new(stream).expect("a schema at once");
            self.slots[slot].stream = Some(reader);
        } else {
            let mut status = OK;
            // Whether it was consumed shows when it is asked to do something harmless.
            self.call(|error| {
                status = c!(trommel_pipeline_name(pipeline, c"name".as_ptr(), error));
                status
            });
            self.slots[slot].has_run = status == STATE;
        }
    }

    fn pull(&mut self) {
        let Some(slot) = self.some_slot() else { return };
        let times = self.tape.below(8);
        let release = self.tape.rarely(3);
        let stream = &mut self.slots[slot].stream;
        if let Some(reader) = stream {
            reader.take(times).flatten().for_each(|batch| assert_eq!(batch.num_columns() / 2, 2));
            if release {
                *stream = None;
            }
        }
    }

    fn end(mut self) {
        while !self.slots.is_empty() {
            self.free(0);
        }
        for engine in self.engines.drain(..) {
            assert_eq!(c!(trommel_engine_free(engine)), OK);
        }
        for error in self.errors.drain(..) {
            look_at(error);
            assert_eq!(c!(trommel_error_free(error)), OK);
        }
        assert_eq!(self.alive.load(Ordering::SeqCst), 0, "each user is dropped once");
    }
}

/// What other threads may do with a pipeline that runs.
fn meddle(pipeline: Shared, act: u8) {
    let Shared(pipeline) = pipeline;
    let (mut progress, mut report) = (Progress::sized(), Report::sized());
    let (progress, report) = (&raw mut progress, &raw mut report);
    for turn in 0..act % 8 {
        match (act / 8 + turn) % 8 {
            0 => c!(trommel_pipeline_cancel(pipeline)),
            1 => c!(trommel_pipeline_progress(pipeline, progress)),
            2 => c!(trommel_pipeline_is_finished(pipeline)),
            3 => c!(trommel_pipeline_report(pipeline, report)),
            4 => c!(trommel_pipeline_report_json(pipeline)).is_null().into(),
            5 => c!(trommel_pipeline_wait(pipeline, null_mut(), null_mut())),
            6 => c!(trommel_pipeline_resumable(pipeline, c"late".as_ptr(), null_mut())),
            _ => {
                std::thread::yield_now();
                OK
            }
        };
    }
}

fn look_at(error: *const Error) {
    assert!(!text(c!(trommel_error_text(error))).is_empty());
    let mut error = error;
    while !error.is_null() {
        let mut info = ErrorInfo::sized();
        assert_eq!(c!(trommel_error_info_get(error, &raw mut info)), OK);
        for text in [info.text, info.message, info.source, info.column] {
            // SAFETY: texts of the error, which lives.
            let text = (!text.is_null()).then(|| unsafe { CStr::from_ptr(text) });
            assert!(text.is_none_or(|text| text.to_str().is_ok()));
        }
        assert!((1..=18).contains(&info.status) && (0..=3).contains(&info.stage), "{info:?}");
        error = info.cause;
    }
}
