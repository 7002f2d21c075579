//! Law 3: user code that panics or fails, wherever it is called, ends the run with an error: nothing
//! hangs, nothing unwinds through `run`, the hooks are called, the counts add up.

mod bombs;
#[path = "../common/mod.rs"]
mod common;

use bombs::{Bomb, PLACES, Place, Rows, Store};
use common::{HANG, batches_of, engine, no_hang, spin};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering::SeqCst};
use std::time::Duration;
use trommel::{
    Batch, Encode, Error, ErrorKind, Fill, Limit, Options, PanicPolicy, Pipeline, RejectPolicy,
    Result, Sink, Source, sinks, sources,
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

/// Panics when it is dropped, unless a panic is under way already.
struct Grenade(bool);

impl Drop for Grenade {
    fn drop(&mut self) {
        if self.0 && !std::thread::panicking() {
            panic!("dropped");
        }
    }
}

/// Leaves its pages to the driver, which clears them.
struct Forget(bool);

impl Sink for Forget {
    type Page = Vec<Grenade>;
    type Encoder = ();

    fn encoder(&mut self) -> Result<()> {
        Ok(())
    }

    fn write(&mut self, _: &mut Vec<Grenade>) -> Result<()> {
        Ok(())
    }

    fn may_block(&self) -> bool {
        self.0
    }
}

impl Encode<Grenade> for Forget {
    fn encode(_: &(), page: &mut Vec<Grenade>, value: Grenade) -> Result<()> {
        page.push(value);
        Ok(())
    }
}

/// A value that panics when it is dropped while the page is rewound or emptied is contained as well.
///
/// Symptom: of a batch that had been cut, with such values in each piece, the panic left `run`. Cause: when
/// one piece had panicked, the others' values were dropped with the slot, outside of any guard. Fix: each
/// part of a slot is dropped by itself, guarded.
#[test]
fn a_destructor_that_panics_is_contained() {
    for (label, refuses, live_from) in
        [("refused", true, 0), ("refused late", true, 500), ("cleared", false, 500)]
    {
        for (sink_blocks, pieces) in [(false, 1), (true, 1), (false, 2), (true, 3)] {
            no_hang(label, move || {
                let options = batches_of(50)
                    .transform_concurrency(pieces)
                    .on_reject(RejectPolicy::skip(u64::MAX))
                    .build()
                    .unwrap();
                let result = Pipeline::from(sources::generate(1_000, |id| id))
                    .options(options)
                    .transform(move |id, out| {
                        if id == 0 {
                            spin(Duration::from_micros(200));
                        }
                        out.emit(Grenade(id >= live_from))?;
                        if refuses { Err(Error::row("refused")) } else { Ok(()) }
                    })
                    .load_into(Forget(sink_blocks))
                    .run(&engine(2));
                let error = result.expect_err(label);
                assert_eq!(error.kind(), ErrorKind::Panic, "{label}: {error}");
                assert!(error.report().unwrap().counts.add_up(), "{label}");
            });
        }
    }
}

/// Symptom: a run that failed unwound instead of answering its error, where records of the batch that was
/// left panicked when they were dropped. Cause: the slot of the caller's thread, and what the ring held
/// behind the first that panicked, were dropped outside of any guard. Fix: as above.
#[test]
fn records_that_panic_when_they_are_dropped_with_the_run_are_contained() {
    for owned in [false, true] {
        for (fails_at, workers) in [(5, 1), (800, 1), (800, 2)] {
            let label = format!("owned: {owned}, fails at {fails_at}, {workers} workers");
            no_hang(&label.clone(), move || {
                let records = sources::iter((0..1_000u64).map(|id| (id, Grenade(id >= fails_at))));
                let refuse = move |id: u64| {
                    if id == 0 && fails_at > 100 {
                        spin(Duration::from_micros(200));
                    }
                    if id == fails_at { Err(Error::fatal("a bad record")) } else { Ok(()) }
                };
                let options = batches_of(50).build().unwrap();
                let engine = engine(workers);
                let result = match owned {
                    false => Pipeline::from(records)
                        .options(options)
                        .transform(move |record: &mut (u64, Grenade), out| {
                            refuse(record.0)?;
                            out.emit(record.0)
                        })
                        .load_into(sinks::count())
                        .run(&engine),
                    true => Pipeline::from(records.owned())
                        .options(options)
                        .transform(move |record: (u64, Grenade), out| {
                            let (id, grenade) = record;
                            // Only those that are left in the batch are to go off.
                            std::mem::forget(grenade);
                            refuse(id)?;
                            out.emit(id)
                        })
                        .load_into(sinks::count())
                        .run(&engine),
                };
                let error = result.expect_err(&label);
                assert!(error.report().unwrap().counts.add_up(), "{label}: {error}");
                let told = error.siblings().iter().chain([&error]);
                let kinds: Vec<_> = told.map(Error::kind).collect();
                assert!(kinds.contains(&ErrorKind::Fatal), "{label}: {kinds:?}");
            });
        }
    }
}
