//! Law 3: user code that panics or fails, wherever it is called, ends the run with an error: nothing
//! hangs, nothing unwinds through `run`, the hooks are called, the counts add up.

mod bombs;
#[path = "../common/mod.rs"]
mod common;
mod drops;

use bombs::{Bomb, PLACES, Place, Rows, Store};
use common::{HANG, batches_of, engine, no_hang, some_work, spin};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering::SeqCst};
use std::time::Duration;
use trommel::{
    Batch, Error, ErrorKind, Fill, Limit, Options, PanicPolicy, Pipeline, RejectPolicy, Result,
    Source, sinks, sources,
};

/// Symptom: a panic in `position`, `len`, `bytes`, `clear` or `rewind` hung the run (the feeder or
/// the drain died and the other waited for it) or left `run` as a panic, and `after` was not called.
/// Cause: calls outside `catch_unwind`. Expected: an error of kind `Panic`, from every place.
#[test]
fn a_panic_anywhere_in_user_code_is_an_error() {
    let mut wrong = Vec::new();
    for place in PLACES {
        for (armed_at, workers) in [(0, 1), (1_000, 1), (1_000, 2)] {
            for (source_blocks, sink_blocks) in
                [(false, false), (false, true), (true, false), (true, true)]
            {
                let label = format!(
                    "{place:?} from row {armed_at} on, {workers} workers, source blocks: \
                     {source_blocks}, sink blocks: {sink_blocks}"
                );
                let outcome =
                    bounded(move || explode(place, armed_at, workers, source_blocks, sink_blocks));
                if let Err(reason) = outcome {
                    wrong.push(format!("{label}: {reason}"));
                }
            }
        }
    }
    assert!(wrong.is_empty(), "{} cases\n{}", wrong.len(), wrong.join("\n"));
}

/// As `no_hang`, for many cases: all that are wrong are told.
fn bounded(
    case: impl FnOnce() -> std::result::Result<(), String> + Send + 'static,
) -> std::result::Result<(), String> {
    let (done, ended) = std::sync::mpsc::channel();
    std::thread::spawn(move || {
        let outcome = std::panic::catch_unwind(std::panic::AssertUnwindSafe(case))
            .unwrap_or_else(|_| Err("the panic left `run`".into()));
        let _ = done.send(outcome);
    });
    ended.recv_timeout(HANG).unwrap_or_else(|_| Err("hangs".into()))
}

fn explode(
    place: Place,
    armed_at: u64,
    workers: usize,
    source_blocks: bool,
    sink_blocks: bool,
) -> std::result::Result<(), String> {
    // Called once, before a row was read, these can only go off at once.
    let early =
        matches!(place, Place::Size | Place::SourceMayBlock | Place::SinkMayBlock | Place::Encoder);
    let bomb = Arc::new(Bomb { place: Some(place), armed: AtomicBool::new(early) });
    let after = Arc::new(AtomicUsize::new(0));
    let called = Arc::clone(&after);
    let fuse = Arc::clone(&bomb);
    let source = Rows { bomb: Arc::clone(&bomb), at: 0, armed_at, blocks: source_blocks };
    let result = Pipeline::from(source)
        .options(batches_of(100).transform_concurrency(2).build().unwrap())
        .after(move |_| {
            called.fetch_add(1, SeqCst);
        })
        .transform(move |id, out| {
            if id == 0 {
                spin(Duration::from_micros(200)); // worth the pool
            }
            fuse.check(Place::Transform);
            if matches!(fuse.place, Some(Place::PageRewind | Place::Locate | Place::Abort))
                && fuse.armed.load(SeqCst)
            {
                return Err(Error::fatal("so that there is something to take back"));
            }
            out.emit(id)
        })
        .load_into(Store { bomb, blocks: sink_blocks })
        .run(&engine(workers));
    // Not every place is reached in every case (a batch that runs on the caller's thread is not
    // cut); but no case may do anything else than succeed or report.
    let report = match &result {
        Ok(report) => Some(report),
        Err(error) => {
            let expected = match place {
                Place::Locate | Place::Abort => ErrorKind::Fatal,
                _ => ErrorKind::Panic,
            };
            // A batch that panics while it is taken back has two errors, either may come first.
            if error.kind() != expected && place != Place::PageRewind {
                return Err(format!("{error}"));
            }
            error.report()
        }
    };
    // A page that can't be emptied has been written by then; the driver may throw it away.
    let harmless =
        matches!(place, Place::SplitOff | Place::PageRewind | Place::PageClear | Place::PageMark);
    if result.is_ok() && !harmless {
        return Err("no error".into());
    }
    if report.is_some_and(|report| !report.counts.add_up()) {
        return Err(format!("{:?}", report.unwrap().counts));
    }
    match after.load(SeqCst) {
        1 => Ok(()),
        times => Err(format!("`after` was called {times} times")),
    }
}

/// Symptom: endless loop under `PanicPolicy::Reject` when the batch itself panics each time it is
/// walked. Cause: each panic rejected one more row, past the end of the batch. Expected: at most one
/// reject per row, then an error.
#[test]
fn a_batch_that_always_panics_is_given_up() {
    #[derive(Default)]
    struct Rotten(Arc<AtomicUsize>);
    impl Batch for Rotten {
        type Row<'a> = u64;
        fn len(&self) -> usize {
            10
        }
        fn for_each<'a, F>(&'a mut self, from: usize, mut visit: F) -> Result<()>
        where
            F: FnMut(Result<Self::Row<'a>>) -> Result<()>,
        {
            // Without the limit the test would fill the memory rather than fail.
            if self.0.fetch_add(1, SeqCst) > 1_000 {
                return Ok(());
            }
            if from < 3 {
                (from as u64..3).try_for_each(|id| visit(Ok(id)))?;
            }
            panic!("row 3 can't be decoded, nor passed over");
        }
    }
    struct Once(Arc<AtomicUsize>);
    impl Source for Once {
        type Batch = Rotten;
        fn fill(&mut self, batch: &mut Rotten, _: &Limit<'_>) -> Result<Fill> {
            batch.0 = Arc::clone(&self.0);
            Ok(Fill::End)
        }
    }
    no_hang("rotten batch", || {
        let walks = Arc::new(AtomicUsize::new(0));
        let options = Options::builder()
            .on_reject(RejectPolicy::skip(u64::MAX))
            .on_panic(PanicPolicy::Reject)
            .build()
            .unwrap();
        let result = Pipeline::from(Once(Arc::clone(&walks)))
            .options(options)
            .map(|id| id)
            .load_into(sinks::count())
            .run(&engine(1));
        assert!(walks.load(SeqCst) <= 11, "walked {} times", walks.load(SeqCst));
        let error = result.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Panic, "{error}");
    });
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
