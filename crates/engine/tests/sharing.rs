//! Several pipelines on one pool: each moves, and each can be ended.

mod common;

use common::{engine, no_hang};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};
use std::time::Duration;
use trommel::{
    CancelToken, Encode, ErrorKind, Options, Outcome, Pipeline, Result, Sink, sinks, sources,
};

/// Symptom: of two pipelines that never wait, one stood still while the other ran, and could not be
/// cancelled. Cause: a worker that yielded was given the other pipeline's chain on top of its own and
/// kept it to the end of that run. Fix: such a chain counts as nested and goes to the back of the
/// queue after its turn.
#[test]
fn pipelines_that_never_wait_take_turns() {
    for (workers, pipelines) in [(1, 2), (2, 3)] {
        no_hang("sharing a pool", move || {
            let engine = engine(workers);
            let rows: Vec<Arc<AtomicU64>> = (0..pipelines).map(|_| Arc::default()).collect();
            let runs: Vec<_> = rows
                .iter()
                .map(|rows| {
                    let rows = Arc::clone(rows);
                    let options = Options::builder().grace(Duration::ZERO).build().unwrap();
                    Pipeline::from(sources::generate(u64::MAX, |id| id))
                        .options(options)
                        .map(move |id| {
                            rows.fetch_add(1, Relaxed);
                            id
                        })
                        .load_into(sinks::count())
                        .start(&engine)
                        .unwrap()
                })
                .collect();
            for _ in 0..3 {
                let seen: Vec<u64> = rows.iter().map(|rows| rows.load(Relaxed)).collect();
                // Each comes on while all the others go on: the guard against hangs is the judge.
                for (rows, seen) in rows.iter().zip(seen) {
                    while rows.load(Relaxed) < seen + 5_000 {
                        std::thread::yield_now();
                    }
                }
            }
            for run in runs {
                run.cancel();
                assert_eq!(run.wait().unwrap_err().kind(), ErrorKind::Cancelled);
            }
        });
    }
}

/// A sink in whose `finish` the user cancels.
struct CancelsInFinish(CancelToken);

impl Sink for CancelsInFinish {
    type Page = Vec<u64>;
    type Encoder = ();
    fn encoder(&mut self) -> Result<()> {
        Ok(())
    }
    fn write(&mut self, _: &mut Vec<u64>) -> Result<()> {
        Ok(())
    }
    fn finish(&mut self) -> Result<()> {
        self.0.cancel();
        Ok(())
    }
}

impl Encode<u64> for CancelsInFinish {
    fn encode((): &(), page: &mut Vec<u64>, value: u64) -> Result<()> {
        page.push(value);
        Ok(())
    }
}

/// Symptom: a cancel while the sink finished made a run that had stored everything fail.
#[test]
fn a_cancel_during_finish_is_too_late() {
    no_hang("late cancel", || {
        let token = CancelToken::new();
        let sink = CancelsInFinish(token.clone());
        let report = Pipeline::from(sources::generate(1_000, |id| id))
            .cancel_with(&token)
            .map(|id| id)
            .load_into(sink)
            .run(&engine(1))
            .unwrap();
        assert_eq!((report.outcome, report.counts.loaded), (Outcome::Finished, 1_000));
    });
}

/// Symptom: a run inside a transform, which stays on one thread, was called stalled while it moved.
#[test]
fn a_nested_run_that_moves_is_not_stalled() {
    no_hang("nested watchdog", || {
        let outer = engine(1);
        let inner = outer.clone();
        let mut kept = sinks::collect();
        Pipeline::from(sources::iter(0..1u64).owned())
            .options(Options::builder().transform_concurrency(1).build().unwrap())
            .before(|| {
                std::thread::sleep(Duration::from_millis(1));
                Ok(())
            })
            .map(move |_| {
                let options = Options::builder()
                    .fixed_batch_size(10)
                    .watchdog(Duration::from_millis(200))
                    .build()
                    .unwrap();
                Pipeline::from(sources::generate(1_000, |id| id))
                    .options(options)
                    .map(|id| {
                        std::thread::sleep(Duration::from_micros(500));
                        id
                    })
                    .load_into(sinks::count())
                    .run(&inner)
                    .map(|report| (report.counts.loaded, report.stalls))
                    .map_err(|error| error.to_string())
            })
            .load_into(&mut kept)
            .run(&outer)
            .unwrap();
        assert_eq!(kept.into_vec(), [Ok((1_000, vec![]))]);
    });
}
