//! Callbacks written in Rust that panic: an error of the run, whichever it is and whoever calls it.

use crate::abi::{
    self, Batch, Call, Engine, Error, Page, Pipeline, Progress, Report, Sized32, c, text,
};
use std::ffi::{c_int, c_void};
use std::ptr::null_mut;
use std::sync::atomic::{AtomicU32, Ordering};

const PANIC: c_int = 9;

/// Who panics, and what was seen.
#[derive(Debug, Default)]
struct Case {
    at: &'static str,
    left: AtomicU32,
    drops: AtomicU32,
    aborts: AtomicU32,
}

impl Case {
    fn of<'a>(user: *mut c_void) -> &'a Case {
        // SAFETY: `run` hands its case over and outlives the pipeline.
        unsafe { &*user.cast() }
    }

    fn reach(&self, place: &str) {
        assert!(self.at != place, "a panic of the {place}");
    }
}

unsafe extern "C-unwind" fn fill(
    user: *mut c_void,
    records: *mut c_void,
    room: usize,
    count: *mut usize,
    _: *mut Call,
) -> c_int {
    let case = Case::of(user);
    case.reach("source");
    let came = room.min(case.left.load(Ordering::Relaxed) as usize);
    // SAFETY: the engine has that much room.
    unsafe { records.cast::<u8>().write_bytes(1, came * 8) };
    // SAFETY: the engine's place for the count.
    unsafe { *count = came };
    c_int::from(case.left.fetch_sub(came as u32, Ordering::Relaxed) == came as u32)
}

unsafe extern "C-unwind" fn apply(user: *mut c_void, _: *mut Batch, _: *mut Call) -> c_int {
    Case::of(user).reach("transform");
    0
}

unsafe extern "C-unwind" fn write(user: *mut c_void, _: *const Page, _: *mut Call) -> c_int {
    Case::of(user).reach("sink");
    0
}

unsafe extern "C-unwind" fn commit(user: *mut c_void, _: *mut Call) -> c_int {
    Case::of(user).reach("commit");
    0
}

unsafe extern "C-unwind" fn finish(user: *mut c_void, _: *mut Call) -> c_int {
    Case::of(user).reach("finish");
    0
}

unsafe extern "C-unwind" fn abort(user: *mut c_void, _: *mut Call) -> c_int {
    Case::of(user).aborts.fetch_add(1, Ordering::Relaxed);
    Case::of(user).reach("abort");
    0
}

unsafe extern "C-unwind" fn on_progress(user: *mut c_void, _: *const Progress) -> c_int {
    Case::of(user).reach("progress");
    0
}

unsafe extern "C-unwind" fn drop_user(user: *mut c_void) {
    Case::of(user).drops.fetch_add(1, Ordering::Relaxed);
    Case::of(user).reach("drop");
}

/// Runs a pipeline whose callback `at` panics: status and message.
fn run(engine: *mut Engine, at: &'static str, started: bool, on_panic: u32) -> (c_int, String) {
    let case = Case { at, left: 5000.into(), ..Case::default() };
    let user: *mut c_void = (&raw const case).cast_mut().cast();
    let drop = Some(drop_user as abi::DropUser);
    let mut pipeline: *mut Pipeline = null_mut();
    assert_eq!(c!(trommel_pipeline_new(engine, &raw mut pipeline, null_mut())), 0);
    let source = abi::Source { record_size: 8, fill: Some(fill), user, drop, ..Sized32::sized() };
    let transform = abi::Transform { apply: Some(apply), user, drop, ..Sized32::sized() };
    let sink = abi::Sink {
        record_size: 8,
        write: Some(write),
        commit: Some(commit),
        finish: Some(finish),
        abort: Some(abort),
        user,
        drop,
        ..Sized32::sized()
    };
    let options = abi::Options { on_reject: on_panic, on_panic, ..Sized32::sized() };
    assert_eq!(c!(trommel_pipeline_source(pipeline, &raw const source, null_mut())), 0);
    assert_eq!(c!(trommel_pipeline_transform(pipeline, &raw const transform, null_mut())), 0);
    assert_eq!(c!(trommel_pipeline_sink(pipeline, &raw const sink, null_mut())), 0);
    assert_eq!(c!(trommel_pipeline_options(pipeline, &raw const options, null_mut())), 0);
    let progress = Some(on_progress as abi::OnProgress);
    assert_eq!(c!(trommel_pipeline_on_progress(pipeline, progress, user, drop, null_mut())), 0);
    let mut error: *mut Error = null_mut();
    let mut report = Report::sized();
    let status = if started {
        assert_eq!(c!(trommel_pipeline_start(pipeline, null_mut())), 0);
        c!(trommel_pipeline_wait(pipeline, &raw mut report, &raw mut error))
    } else {
        c!(trommel_pipeline_run(pipeline, &raw mut report, &raw mut error))
    };
    let said = text(c!(trommel_error_text(error))).to_owned();
    assert_eq!(c!(trommel_error_free(error)), 0);
    assert_eq!(c!(trommel_pipeline_report(pipeline, &raw mut report)), 0);
    let Report { read, loaded, rejected, filtered, abandoned, .. } = report;
    assert_eq!(read, loaded + rejected + filtered + abandoned, "{at}: {report:?}");
    assert_eq!(c!(trommel_pipeline_free(pipeline)), 0);
    assert_eq!(case.drops.load(Ordering::Relaxed), 4, "{at}: each user once");
    let fails_before_its_end = ["source", "transform", "sink", "commit"].contains(&at);
    assert_eq!(case.aborts.load(Ordering::Relaxed), u32::from(fails_before_its_end && status != 0));
    (status, said)
}

fn with_engine(check: impl Fn(*mut Engine)) {
    let mut engine = null_mut();
    let options = abi::EngineOptions { workers: 2, ..Sized32::sized() };
    assert_eq!(c!(trommel_engine_new(&raw const options, &raw mut engine, null_mut())), 0);
    check(engine);
    assert_eq!(c!(trommel_engine_free(engine)), 0);
}

#[test]
fn a_panic_of_a_callback_is_an_error_of_the_run() {
    with_engine(|engine| {
        for started in [false, true] {
            for at in ["source", "transform", "sink", "commit", "finish"] {
                let (status, said) = run(engine, at, started, 0);
                assert_eq!(status, PANIC, "{at}: {said}");
                assert!(said.contains(&format!("a panic of the {at}")), "{said}");
            }
            // The engine is as good as before.
            assert_eq!(run(engine, "nowhere", started, 0).0, 0);
        }
    });
}

#[test]
fn a_panic_of_what_only_listens_or_drops_stays_where_it_is() {
    with_engine(|engine| {
        for at in ["drop", "progress", "abort"] {
            let (status, said) = run(engine, at, true, 0);
            assert!(status == 0 || (at == "progress" && status == PANIC), "{at}: {said}");
        }
    });
}

/// A batch-wise callback that panics judged no row of its batch, so that none can be told apart as
/// the bad one: the run fails under either policy.
#[test]
fn a_panic_of_a_transform_fails_the_run_also_when_panics_reject() {
    with_engine(|engine| {
        let (status, said) = run(engine, "transform", false, 1);
        assert_eq!(status, PANIC, "{said}");
    });
}
