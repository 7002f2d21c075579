//! Law 9: when the grace period runs out, what is in flight is dropped, wherever it is: in a worker's
//! hands or on its way to the sink.

mod common;

use common::{batches_of, engine, is_cancelled, no_hang, one_page_each};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering::SeqCst};
use std::thread;
use std::time::Duration;
use trommel::testing::{Gate, GatedSink, Ledger, Recorder, SinkCall, SlowSource};
use trommel::{Batch, CancelToken, Error, Pipeline, RejectPolicy, Source, sources};

/// Over as soon as somebody looks, and yet not "at once": what is in flight is not dropped by the
/// cancel itself.
const SHORT: Duration = Duration::from_nanos(1);

/// Numbers without end, from a source that may block: only workers transform them, but for the first
/// batch.
fn endless() -> impl Source<Batch: for<'a> Batch<Row<'a> = u64>> {
    SlowSource::new(sources::generate(1 << 40, |id| id), Duration::ZERO)
}

/// A worker is in the middle of its batch, which has thousands of rows to go.
#[test]
fn a_worker_leaves_its_batch_when_the_grace_period_is_over() {
    no_hang("grace in the pool", || {
        for workers in [1, 2] {
            let (gate, sink) = (Gate::new(), Recorder::new());
            let last = Arc::new(AtomicU64::new(0));
            let (door, seen) = (gate.clone(), Arc::clone(&last));
            let options = batches_of(10_000).transform_concurrency(1).grace(SHORT);
            let run = Pipeline::from(endless())
                .options(options.build().unwrap())
                .map(move |id| {
                    if id == 25_000 {
                        let thread = thread::current();
                        assert!(thread.name().is_some_and(|name| name.starts_with("trommel-")));
                        door.pass();
                    }
                    if (20_000..30_000).contains(&id) {
                        seen.fetch_max(id, SeqCst);
                    }
                    id
                })
                .load_into(sink.clone())
                .start(&engine(workers))
                .unwrap();
            assert!(gate.await_arrivals(1));
            while sink.len() < 20_000 {
                thread::yield_now();
            }
            run.cancel();
            gate.open();
            let result = run.wait();
            is_cancelled(&result);
            let counts = result.unwrap_err().report().unwrap().counts;
            // Light rows are visited in stretches of 32 between two looks.
            let last = last.load(SeqCst);
            assert!((25_000..25_064).contains(&last), "{workers} workers: up to row {last}");
            assert!(counts.loaded == 20_000 && counts.abandoned > 5_000, "{counts:?}");
            assert!(sink.values().into_iter().eq(0..20_000));
            assert_eq!((sink.count("finish"), sink.count("abort")), (0, 0));
        }
    });
}

/// The drain is in the middle of a page, and more of them wait behind it.
#[test]
fn pages_that_wait_for_the_sink_are_dropped_when_the_grace_period_is_over() {
    no_hang("grace in the drain", || {
        for workers in [1, 2] {
            let (gate, sink) = (Gate::new(), Recorder::new());
            let rows = Arc::new(AtomicU64::new(0));
            let seen = Arc::clone(&rows);
            let run = Pipeline::from(endless())
                .options(one_page_each(10).grace(SHORT).channel_capacity(4).build().unwrap())
                .map(move |id| {
                    seen.fetch_add(1, SeqCst);
                    id
                })
                .load_into(GatedSink::new(sink.clone(), SinkCall::Write, 50, gate.clone()))
                .start(&engine(workers))
                .unwrap();
            assert!(gate.await_arrivals(1));
            // Its slot and the three others have been filled.
            while rows.load(SeqCst) < 540 {
                thread::yield_now();
            }
            run.cancel();
            gate.open();
            let result = run.wait();
            is_cancelled(&result);
            let counts = result.unwrap_err().report().unwrap().counts;
            assert_eq!((counts.read, counts.loaded, counts.abandoned), (540, 510, 30));
            assert!(sink.values().into_iter().eq(0..510));
            assert_eq!((sink.count("finish"), sink.count("abort")), (0, 0));
        }
    });
}

/// Symptom: the next run of a cancelled job counted the rows that had been dropped once more. Cause: they were
/// counted as read in the checkpoint, which stood before them.
#[test]
fn what_was_dropped_is_not_counted_in_the_checkpoint() {
    no_hang("dropped", || {
        let (token, mut ledger) = (CancelToken::new(), Ledger::new(0));
        let cancel = token.clone();
        let result = Pipeline::from(sources::generate(10_000, |id| id))
            .options(one_page_each(100).grace(Duration::ZERO).build().unwrap())
            .cancel_with(&token)
            .map(move |id| {
                if id == 2_550 {
                    cancel.cancel();
                }
                id
            })
            .load_into(&mut ledger)
            .resumable("job")
            .run(&engine(1));
        is_cancelled(&result);
        assert!(result.unwrap_err().report().unwrap().counts.abandoned > 0);
        let checkpoint = ledger.checkpoint().expect("what was written is stored");
        let position = checkpoint.position.as_ref().unwrap().numbers().unwrap()[0];
        assert_eq!(checkpoint.counts.read, position, "{:?}", checkpoint.counts);
        assert!(checkpoint.counts.add_up() && checkpoint.counts.abandoned == 0);
        assert_eq!(ledger.stored().len() as u64, position);
    });
}

/// Symptom: rejects that were stored twice, by a job that was cancelled in the middle of a batch of which a part
/// had only rejects, and by its next run. Cause: only pages that were written made a batch one that has begun.
#[test]
fn rejects_of_a_batch_that_is_dropped_halfway_are_not_stored() {
    no_hang("halfway", || {
        let (token, mut ledger) = (CancelToken::new(), Ledger::<u64>::new(0));
        let cancel = token.clone();
        let options = one_page_each(1_000).memory_limit(64 << 10).grace(Duration::ZERO);
        let result = Pipeline::from(sources::generate(10_000, |id| id))
            .options(options.on_reject(RejectPolicy::with_data(u64::MAX)).build().unwrap())
            .cancel_with(&token)
            .try_map(move |id| {
                if id == 500 {
                    cancel.cancel();
                }
                Err::<u64, _>(Error::row("refused"))
            })
            .load_into(&mut ledger)
            .resumable("job")
            .run(&engine(1));
        is_cancelled(&result);
        let stored = ledger.checkpoint().map_or(0, |checkpoint| {
            checkpoint.position.as_ref().map_or(0, |at| at.numbers().unwrap()[0])
        });
        assert_eq!(ledger.rejects().len() as u64, stored, "rejects, and where a resume begins");
    });
}
