//! User code at the edges of a run: values that panic when they are dropped, panics between two rows, errors
//! that look like a cancel. Each test opens with the symptom that it was written for.

mod common;

use common::{batches_of, engine, no_hang, spin};
use std::fmt;
use std::panic::panic_any;
use std::sync::atomic::{AtomicUsize, Ordering::SeqCst};
use std::time::Duration;
use trommel::testing::Recorder;
use trommel::{
    CancelToken, Encode, Error, ErrorKind, Fill, Limit, Page, PanicPolicy, Pipeline, RejectPolicy,
    Result, Retry, Sink, Source, sinks, sources,
};

/// Panics when it is dropped, unless a panic is under way already.
#[derive(Debug)]
struct Bomb;

impl Drop for Bomb {
    fn drop(&mut self) {
        if !std::thread::panicking() {
            panic!("dropped");
        }
    }
}

impl fmt::Display for Bomb {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a bomb")
    }
}

impl std::error::Error for Bomb {}

/// Where [`Armed`] goes off.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum At {
    RefusesValues,
    EncoderDropped,
    Write,
    FinishFails,
    Finish,
}

/// A sink that panics, or whose parts do.
struct Armed {
    at: At,
    tried: bool,
}

struct Encoder(Option<Bomb>);

impl Sink for Armed {
    type Page = Vec<u64>;
    type Encoder = Encoder;

    fn encoder(&mut self) -> Result<Encoder> {
        Ok(Encoder((self.at == At::EncoderDropped).then_some(Bomb)))
    }

    fn write(&mut self, _: &mut Vec<u64>) -> Result<()> {
        if self.at == At::Write {
            panic_any(Bomb);
        }
        Ok(())
    }

    fn finish(&mut self) -> Result<()> {
        match self.at {
            At::Finish => panic_any(Bomb),
            At::FinishFails if !std::mem::replace(&mut self.tried, true) => {
                Err(Error::transient("not now").caused_by(Bomb))
            }
            _ => Ok(()),
        }
    }

    fn refuses_values(&self) -> bool {
        assert!(self.at != At::RefusesValues, "refuses_values");
        false
    }
}

impl Encode<u64> for Armed {
    fn encode(encoder: &Encoder, page: &mut Vec<u64>, value: u64) -> Result<()> {
        let _ = &encoder.0;
        page.push(value);
        Ok(())
    }
}

/// Of `rows` rows the first is worth the pool.
fn some_work(id: u64) -> u64 {
    if id == 0 {
        spin(Duration::from_micros(500));
    }
    id
}

/// Symptom: `run` unwound, or the drain's thread died and the run hung, when the sink's `refuses_values`
/// panicked, when what a panic threw or a retried error held panicked when it was dropped, or the encoder did.
/// Cause: these were called or dropped outside of any guard. Expected: an error of kind `Panic`.
#[test]
fn a_sink_that_goes_off_ends_the_run_with_an_error() {
    for at in [At::RefusesValues, At::EncoderDropped, At::Write, At::FinishFails, At::Finish] {
        for rows in [10, 2_000] {
            no_hang(&format!("{at:?}, {rows} rows"), move || {
                let retry = Retry { initial: Duration::ZERO, ..Retry::times(1) };
                let error = Pipeline::from(sources::generate(rows, |id| id))
                    .options(batches_of(50).retry(retry).build().unwrap())
                    .map(some_work)
                    .load_into(Armed { at, tried: false })
                    .run(&engine(2))
                    .unwrap_err();
                assert_eq!(error.kind(), ErrorKind::Panic, "{at:?}: {error}");
                assert!(error.report().unwrap().counts.add_up());
            });
        }
    }
}

/// Throws a bomb in its second batch.
struct Thrower(u64);

impl Source for Thrower {
    type Batch = Vec<u64>;

    fn fill(&mut self, batch: &mut Vec<u64>, _: &Limit<'_>) -> Result<Fill> {
        batch.clear();
        self.0 += 1;
        if self.0 > 2 {
            panic_any(Bomb);
        }
        batch.extend(0..50);
        Ok(Fill::More)
    }
}

/// Symptom: the run hung. Cause: what the panic had thrown panicked again when the guard dropped it.
#[test]
fn what_a_source_or_transform_throws_may_be_a_bomb() {
    no_hang("source", || {
        let error = Pipeline::from(Thrower(0))
            .map(|id| some_work(*id))
            .load_into(sinks::count())
            .run(&engine(2))
            .unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Panic, "{error}");
        assert_eq!(error.report().unwrap().counts.read, 100);
    });
    for bad in [3, 1_500] {
        no_hang("transform", move || {
            let error = Pipeline::from(sources::generate(2_000, |id| id))
                .options(batches_of(50).build().unwrap())
                .map(move |id| if id == bad { panic_any(Bomb) } else { some_work(id) })
                .load_into(sinks::count())
                .run(&engine(2))
                .unwrap_err();
            assert_eq!(error.kind(), ErrorKind::Panic, "{error}");
        });
    }
}

static PAGES: AtomicUsize = AtomicUsize::new(0);

/// A page of which the second one can't be made.
struct Scarce(Vec<u64>);

impl Default for Scarce {
    fn default() -> Self {
        assert!(PAGES.fetch_add(1, SeqCst) != 1, "no more pages");
        Scarce(Vec::new())
    }
}

impl Page for Scarce {
    fn clear(&mut self) {
        self.0.clear();
    }
    fn bytes(&self) -> usize {
        self.0.len() * 8
    }
    fn mark(&self) -> usize {
        self.0.len()
    }
    fn rewind(&mut self, mark: usize) {
        self.0.truncate(mark);
    }
}

struct OnScarce;

impl Sink for OnScarce {
    type Page = Scarce;
    type Encoder = ();

    fn encoder(&mut self) -> Result<()> {
        Ok(())
    }
    fn write(&mut self, _: &mut Scarce) -> Result<()> {
        Ok(())
    }
}

impl Encode<u64> for OnScarce {
    fn encode(_: &(), page: &mut Scarce, value: u64) -> Result<()> {
        page.0.push(value);
        Ok(())
    }
}

/// Symptom: `run` unwound. Cause: the pages of the ring were made outside of any guard.
#[test]
fn a_page_that_cannot_be_made_is_an_error() {
    no_hang("default", || {
        let error = Pipeline::from(sources::generate(2_000, |id| id))
            .options(batches_of(50).build().unwrap())
            .map(some_work)
            .load_into(OnScarce)
            .run(&engine(2))
            .unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Panic, "{error}");
        assert!(error.to_string().contains("no more pages"), "{error}");
    });
}

/// Symptom: `run` unwound where rejects of a batch that is dropped hold errors that panic when they are.
/// Cause: the rest of a slot was dropped without a guard when one of its parts had panicked.
#[test]
fn rejects_that_go_off_in_a_dropped_batch_are_contained() {
    for first in [0, 1_500] {
        no_hang("rejects", move || {
            let error = Pipeline::from(sources::generate(2_000, |id| id))
                .options(batches_of(50).on_reject(RejectPolicy::skip(10)).build().unwrap())
                .transform(move |id, out| match some_work(id).wrapping_sub(first) {
                    0 | 1 => Err(Error::row("refused").caused_by(Bomb)),
                    2 => Err(Error::fatal("the end")),
                    _ => out.emit(id),
                })
                .load_into(sinks::count())
                .run(&engine(2))
                .unwrap_err();
            let all = error.siblings().iter().chain([&error]);
            assert!(all.map(Error::kind).any(|kind| kind == ErrorKind::Fatal), "{error}");
            assert!(error.report().unwrap().counts.add_up());
        });
    }
}

/// Symptom: a row counted as loaded was not in the sink. Cause: a source that panics while it makes a row was
/// taken for a transform that panics in the row before, whose value was taken back.
/// Expected: the row that could not be made is the reject, all others are loaded.
#[test]
fn a_row_that_cannot_be_made_takes_no_other_along() {
    for bad in [5, 1_777] {
        no_hang("make", move || {
            let mut kept = sinks::collect();
            let policy = RejectPolicy::skip(1);
            let options = batches_of(50).on_panic(PanicPolicy::Reject).on_reject(policy);
            let report = Pipeline::from(sources::generate(2_000, move |id| {
                assert!(id != bad, "no row {id}");
                id
            }))
            .options(options.build().unwrap())
            .map(some_work)
            .load_into(&mut kept)
            .run(&engine(2))
            .unwrap();
            assert_eq!((report.counts.loaded, report.counts.rejected), (1_999, 1));
            assert!(kept.into_vec().into_iter().eq((0..2_000).filter(|id| *id != bad)));
        });
    }
}

/// Symptom: a run that nobody had cancelled ended well, with rows of a batch left unread, when a transform or
/// sink answered an error of kind `Cancelled` (of a run inside it, say). Cause: the driver took it for its own.
/// Expected: it is an error like any other.
#[test]
fn a_cancelled_error_of_a_run_that_nobody_cancelled_fails_it() {
    let cancelled = || Error::new(ErrorKind::Cancelled, "what it called was cancelled");
    for bad in [5, 1_500] {
        no_hang("transform", move || {
            let sink = Recorder::new();
            let error = Pipeline::from(sources::generate(2_000, |id| id))
                .options(batches_of(50).build().unwrap())
                .transform(
                    move |id, out| {
                        if some_work(id) == bad { Err(cancelled()) } else { out.emit(id) }
                    },
                )
                .load_into(sink.clone())
                .run(&engine(2))
                .unwrap_err();
            assert_eq!(error.message(), "what it called was cancelled");
            assert_eq!((sink.count("finish"), sink.count("abort")), (0, 1));
        });
        no_hang("sink", move || {
            let error = Pipeline::from(sources::generate(2_000, |id| id))
                .options(batches_of(50).build().unwrap())
                .map(some_work)
                .load_into(sinks::for_each(
                    move |id: u64| {
                        if id == bad { Err(cancelled()) } else { Ok(()) }
                    },
                ))
                .run(&engine(2))
                .unwrap_err();
            assert_eq!(error.message(), "what it called was cancelled");
        });
    }
}

/// Where the run has been cancelled with it, such an error is part of that: what is in flight is dropped, and
/// no row that was not read is taken for done.
#[test]
fn a_cancelled_error_of_a_cancelled_run_drops_the_batch() {
    no_hang("cancelled", || {
        let (token, sink) = (CancelToken::new(), Recorder::new());
        let cancel = token.clone();
        let error = Pipeline::from(sources::generate(2_000, |id| id))
            .options(batches_of(50).grace(Duration::from_secs(3_600)).build().unwrap())
            .cancel_with(&token)
            .transform(move |id, out| {
                if some_work(id) == 1_525 {
                    cancel.cancel();
                    return Err(Error::new(ErrorKind::Cancelled, "within"));
                }
                out.emit(id)
            })
            .load_into(sink.clone())
            .run(&engine(1))
            .unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Cancelled);
        let counts = error.report().unwrap().counts;
        assert!(counts.add_up() && counts.loaded <= 1_500 && counts.abandoned > 0, "{counts:?}");
        assert!(sink.values().into_iter().eq(0..counts.loaded));
        assert_eq!(sink.count("abort"), 0);
    });
}
