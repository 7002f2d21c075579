//! Several pipelines on one engine: how many run at once, and what becomes of the others when one fails.

mod common;

use common::{batches_of, engine, heavy, no_hang};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering::SeqCst};
use trommel::testing::Gate;
use trommel::{
    CancelToken, Engine, ErrorKind, Order, Pipeline, Result, RunReport, Runnable, sinks, sources,
};

/// Several pipelines on one pool: the limit holds, results keep their places, one failure is one
/// failure.
#[test]
fn run_all_keeps_its_limit_and_its_order() {
    no_hang("run_all", || {
        let engine = engine(2);
        let running = Arc::new(AtomicUsize::new(0));
        let most = Arc::new(AtomicUsize::new(0));
        for limit in [1, 2, 3, 0] {
            most.store(0, SeqCst);
            let jobs: Vec<Box<dyn Runnable>> = (0..8u64)
                .map(|number| {
                    let (enter, leave, peak) =
                        (Arc::clone(&running), Arc::clone(&running), Arc::clone(&most));
                    Box::new(
                        Pipeline::from(sources::generate(500 + number, |id| id))
                            .options(batches_of(20).order(Order::Completion).build().unwrap())
                            .before(move || {
                                peak.fetch_max(enter.fetch_add(1, SeqCst) + 1, SeqCst);
                                Ok(())
                            })
                            .after(move |_| {
                                leave.fetch_sub(1, SeqCst);
                            })
                            .try_map(move |id| {
                                if number == 3 && id == 200 {
                                    return Err(trommel::Error::fatal("three"));
                                }
                                Ok(heavy(id))
                            })
                            .load_into(sinks::count()),
                    ) as Box<dyn Runnable>
                })
                .collect();
            let results = engine.run_all(jobs, limit);
            let read: Vec<Option<u64>> = results
                .iter()
                .map(|result| result.as_ref().ok().map(|report| report.counts.loaded))
                .collect();
            let expected: Vec<Option<u64>> =
                (0..8).map(|number| (number != 3).then_some(500 + number)).collect();
            assert_eq!(read, expected, "limit {limit}");
            let allowed = if limit == 0 { 2 } else { limit };
            assert!(most.load(SeqCst) <= allowed, "{} at once, limit {limit}", most.load(SeqCst));
        }
        assert_eq!(engine.run_all(Vec::new(), 2).len(), 0);
    });
}

#[test]
fn run_all_or_none_cancels_those_that_run_and_those_that_wait() {
    no_hang("all or none", || {
        let engine = engine(2);
        let gate = Gate::new();
        let door = gate.clone();
        let endless = |rows| {
            Pipeline::from(sources::generate(rows, |id| id)).map(heavy).load_into(sinks::count())
        };
        let failing = Pipeline::from(sources::generate(10, |id| id))
            .try_map(move |_| -> trommel::Result<u64> {
                door.pass();
                Err(trommel::Error::fatal("the first failure"))
            })
            .load_into(sinks::count());
        let opener = gate.clone();
        // Long enough that only a cancel can end it in time.
        let running = endless(1 << 40).before(move || {
            opener.open();
            Ok(())
        });
        let jobs: Vec<Box<dyn Runnable>> =
            vec![Box::new(failing), Box::new(running), Box::new(endless(1 << 40))];
        let kinds: Vec<_> = engine
            .run_all_or_none(jobs, 2)
            .into_iter()
            .map(|result| result.unwrap_err().kind())
            .collect();
        use trommel::ErrorKind::{Cancelled, Fatal};
        assert_eq!(kinds, [Fatal, Cancelled, Cancelled]);
    });
}

struct Panicking;

impl Runnable for Panicking {
    fn run_on(self: Box<Self>, _: &Engine) -> Result<RunReport> {
        panic!("not a pipeline");
    }
    fn also_cancel_with(&mut self, _: &CancelToken) {}
}

/// Symptom: one of several pipelines that panicked took the others' results along.
#[test]
fn a_runnable_that_panics_leaves_the_others_their_results() {
    no_hang("run_all", || {
        for limit in [1, 2] {
            let job = Pipeline::from(sources::generate(10, |id| id)).load_into(sinks::count());
            let jobs: Vec<Box<dyn Runnable>> = vec![Box::new(Panicking), Box::new(job)];
            let results = engine(1).run_all(jobs, limit);
            assert_eq!(results[0].as_ref().unwrap_err().kind(), ErrorKind::Panic);
            assert_eq!(results[1].as_ref().unwrap().counts.loaded, 10);
        }
    });
}
