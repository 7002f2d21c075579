//! Values that panic when they are dropped, wherever the driver drops them.

use crate::common::{batches_of, engine, no_hang, some_work, spin};
use std::fmt;
use std::panic::panic_any;
use std::sync::atomic::{AtomicUsize, Ordering::SeqCst};
use std::time::Duration;
use trommel::{
    Encode, Error, ErrorKind, Fill, Limit, Page, Pipeline, RejectPolicy, Result, Retry, Sink,
    Source, sinks, sources,
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
        Ok(Encoder((self.at == At::EncoderDropped).then(|| Bomb)))
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

/// Leaves its pages to the driver, which clears them.
struct Forget(bool);

impl Sink for Forget {
    type Page = Vec<Option<Bomb>>;
    type Encoder = ();

    fn encoder(&mut self) -> Result<()> {
        Ok(())
    }

    fn write(&mut self, _: &mut Vec<Option<Bomb>>) -> Result<()> {
        Ok(())
    }

    fn may_block(&self) -> bool {
        self.0
    }
}

impl Encode<Option<Bomb>> for Forget {
    fn encode(_: &(), page: &mut Vec<Option<Bomb>>, value: Option<Bomb>) -> Result<()> {
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
                        out.emit((id >= live_from).then(|| Bomb))?;
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
                let records =
                    sources::iter((0..1_000u64).map(|id| (id, (id >= fails_at).then(|| Bomb))));
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
                        .transform(move |record: &mut (u64, Option<Bomb>), out| {
                            refuse(record.0)?;
                            out.emit(record.0)
                        })
                        .load_into(sinks::count())
                        .run(&engine),
                    true => Pipeline::from(records.owned())
                        .options(options)
                        .transform(move |record: (u64, Option<Bomb>), out| {
                            let (id, bomb) = record;
                            // Only those that are left in the batch are to go off.
                            std::mem::forget(bomb);
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
