//! The faults known of the engine that Trommel replaces. Each test opens with the symptom, its
//! cause there, and how the design avoids it here.

mod common;

use common::{batches_of, engine, no_hang, one_page_each, spin};
use std::collections::HashSet;
use std::sync::atomic::{AtomicUsize, Ordering::SeqCst};
use std::sync::{Arc, Barrier, Mutex};
use std::thread;
use std::time::Duration;
use trommel::testing::{Fault, Gate, GatedSink, Recorder, SinkCall, SlowSource};
use trommel::{
    Batch, CancelToken, Error, ErrorKind, Fill, Limit, Order, PanicPolicy, Pipeline, RejectPolicy,
    Result, Source, sinks, sources,
};

/// Numbers without end, from a source that may block and whose batches are always full.
fn endless() -> impl Source<Batch: for<'a> Batch<Row<'a> = u64>> {
    SlowSource::new(sources::generate(1 << 40, |id| id), Duration::ZERO)
}

/// Symptom: every worker had failed and the run hung. Cause: the producer waited for room in a
/// channel whose readers were gone. Here: slots come back on every path, and the feeder, the only
/// one to wait for them, sees at its next turn that the run is ending.
#[test]
fn all_workers_fail_and_the_producer_goes_on_waiting() {
    for fault in [Fault::FATAL, Fault::Panic] {
        for workers in [1, 2, 4] {
            no_hang("all workers fail", move || {
                let error = Pipeline::from(endless())
                    .options(batches_of(10).channel_capacity(2).build().unwrap())
                    .transform(move |id, out| {
                        spin(Duration::from_micros(5));
                        if id >= 500 {
                            fault.raise()?;
                        }
                        out.emit(id)
                    })
                    .load_into(sinks::for_each(|_: u64| Ok(())))
                    .run(&engine(workers))
                    .unwrap_err();
                assert_eq!((error.batch(), error.batch_row()), (Some(50), Some(0)), "{error}");
                assert_eq!(error.report().unwrap().counts.loaded, 500);
            });
        }
    }
}

/// Counts the batches that were asked for.
struct Counted<S>(S, Arc<AtomicUsize>);

impl<S: Source> Source for Counted<S> {
    type Batch = S::Batch;
    fn fill(&mut self, batch: &mut S::Batch, limit: &Limit<'_>) -> Result<Fill> {
        self.1.fetch_add(1, SeqCst);
        self.0.fill(batch, limit)
    }
}

/// Symptom: a cancel had no effect while the sink was slow. Cause: the producer stood in a blocking
/// send and never looked at the token. Here: the feeder waits for an empty slot and nothing else, and
/// looks at the run's state when it has one.
#[test]
fn a_producer_that_waits_for_room_can_be_cancelled() {
    no_hang("blocked producer", || {
        let slots = 3;
        let gate = Gate::new();
        let fills = Arc::new(AtomicUsize::new(0));
        let run = Pipeline::from(Counted(endless(), Arc::clone(&fills)))
            .options(one_page_each(10).channel_capacity(slots).build().unwrap())
            .map(|id| {
                spin(Duration::from_micros(20));
                id
            })
            .load_into(GatedSink::new(sinks::count(), SinkCall::Write, 5, gate.clone()))
            .start(&engine(2))
            .unwrap();
        assert!(gate.await_arrivals(1));
        // Five batches are written, one is being written; with the others every slot is taken.
        while fills.load(SeqCst) < 5 + slots {
            thread::yield_now();
        }
        run.cancel();
        gate.open();
        let error = run.wait().unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Cancelled);
        let counts = error.report().unwrap().counts;
        assert_eq!(counts.read, 10 * (5 + slots) as u64, "nothing was read after the cancel");
        assert_eq!((counts.abandoned, counts.loaded), (0, counts.read));
    });
}

/// Symptom: rows vanished when a worker failed. Cause: the batch that it held went with it, counted
/// by nobody. Here: the slot comes back with what was done, and the report accounts for each row.
#[test]
fn a_worker_that_fails_does_not_take_its_batch_along() {
    no_hang("failed worker", || {
        for order in [Order::Ordered, Order::Completion] {
            let options = batches_of(50)
                .order(order)
                .on_panic(PanicPolicy::Reject)
                .on_reject(RejectPolicy::skip(1_000));
            let mut kept = sinks::collect();
            let report = Pipeline::from(sources::iter(0..5_000u64))
                .options(options.build().unwrap())
                .transform(|id: &mut u64, out| {
                    spin(Duration::from_micros(1));
                    if *id % 100 == 99 {
                        panic!("row {id}");
                    }
                    out.emit(*id)
                })
                .load_into(&mut kept)
                .run(&engine(2))
                .unwrap();
            let counts = report.counts;
            assert_eq!((counts.read, counts.loaded, counts.rejected), (5_000, 4_950, 50));
            let kept: HashSet<u64> = kept.into_vec().into_iter().collect();
            assert!((0..5_000).all(|id| kept.contains(&id) == (id % 100 != 99)));
        }
    });
}

/// Symptom: totals came out double. Cause: both the last worker and the coordinator ran the
/// post-processing. Here: `after` is called by the caller's thread alone, and the sink finishes in
/// one place.
#[test]
fn what_comes_after_comes_once() {
    no_hang("after", || {
        for workers in [1, 2, 4] {
            for rows in [0u64, 1, 50, 5_000] {
                let after = Arc::new(AtomicUsize::new(0));
                let calls = Arc::clone(&after);
                let caller = thread::current().id();
                let sink = Recorder::new();
                Pipeline::from(sources::generate(rows, |id| id))
                    .options(batches_of(10).build().unwrap())
                    .after(move |_| {
                        assert_eq!(thread::current().id(), caller);
                        calls.fetch_add(1, SeqCst);
                    })
                    .map(|id| {
                        spin(Duration::from_micros(1));
                        id
                    })
                    .load_into(sink.clone())
                    .run(&engine(workers))
                    .unwrap();
                assert_eq!(after.load(SeqCst), 1);
                assert_eq!((sink.count("finish"), sink.count("abort")), (1, 0));
                assert_eq!(sink.call_names().last(), Some(&"finish"));
            }
        }
    });
}

/// Symptom: of several failures one was shown, often the least telling. Cause: the first error to
/// arrive ended the collection. Here: the earliest batch names the error, the others are its
/// siblings; and of several pipelines each has its own result.
#[test]
fn the_first_error_does_not_hide_its_siblings() {
    no_hang("siblings", || {
        let both = Barrier::new(2);
        let error = Pipeline::from(sources::generate(200, |id| id))
            .options(batches_of(10).build().unwrap())
            .transform(|id, out| {
                if id == 0 {
                    spin(Duration::from_micros(500)); // worth the pool
                }
                if id == 105 || id == 113 {
                    both.wait();
                    return Err(Error::fatal(id.to_string()));
                }
                out.emit(id)
            })
            .load_into(sinks::for_each(|_: u64| Ok(())))
            .run(&engine(2))
            .unwrap_err();
        assert_eq!((error.message(), error.batch()), ("105", Some(10)));
        let siblings: Vec<_> =
            error.siblings().iter().map(|error| (error.message(), error.batch())).collect();
        assert_eq!(siblings, [("113", Some(11))]);
    });
}

/// Symptom: rows came out in the order in which workers happened to finish. Cause: results were
/// appended as they came. Here: the drain puts batches back by their sequence number, also when an
/// early batch is the slowest of all.
#[test]
fn order_is_kept_when_the_first_batch_is_the_last_to_be_done() {
    no_hang("order", || {
        for workers in [2, 4] {
            let gate = Gate::new();
            let door = gate.clone();
            let done = Arc::new(AtomicUsize::new(0));
            let sink = Recorder::new();
            Pipeline::from(sources::iter(0..2_000u64))
                .options(batches_of(10).build().unwrap())
                .map(move |id: &mut u64| {
                    if *id == 0 {
                        spin(Duration::from_micros(500)); // worth the pool
                    }
                    if *id == 20 {
                        door.pass(); // the third batch waits for later ones
                    }
                    if *id >= 30 && done.fetch_add(1, SeqCst) == 20 {
                        door.open();
                    }
                    *id
                })
                .load_into(sink.clone())
                .run(&engine(workers))
                .unwrap();
            assert!(gate.is_open());
            assert!(sink.values().into_iter().eq(0..2_000));
        }
    });
}

/// Neither `Clone` nor `Copy`; counts its drops.
struct Record {
    id: u64,
    drops: Arc<AtomicUsize>,
}

impl Drop for Record {
    fn drop(&mut self) {
        self.drops.fetch_add(1, SeqCst);
    }
}

fn records(count: u64) -> (Vec<Record>, Arc<AtomicUsize>) {
    let drops = Arc::new(AtomicUsize::new(0));
    let records = (0..count).map(|id| Record { id, drops: Arc::clone(&drops) }).collect();
    (records, drops)
}

/// Symptom: a "zero-copy" transform copied every record. Cause: records were cloned into each batch.
/// Here: a batch of a slice *is* a piece of the slice. The type can't be cloned, its records keep
/// their addresses, none is dropped.
#[test]
fn in_place_means_in_place() {
    no_hang("in place", || {
        let (mut records, drops) = records(10_000);
        let addresses = |records: &[Record]| -> HashSet<usize> {
            records.iter().map(|record| std::ptr::from_ref(record) as usize).collect()
        };
        let before = addresses(&records);
        let seen = Mutex::new(HashSet::new());
        Pipeline::from(sources::slice_mut(&mut records))
            .options(batches_of(100).build().unwrap())
            .transform_in_place(|record: &mut Record| -> Result<()> {
                seen.lock().unwrap().insert(std::ptr::from_mut(record) as usize);
                record.id *= 2;
                Ok(())
            })
            .run(&engine(2))
            .unwrap();
        assert_eq!(*seen.lock().unwrap(), before);
        assert!(records.iter().enumerate().all(|(at, record)| record.id == 2 * at as u64));
        assert_eq!(drops.load(SeqCst), 0);
    });
}

/// As above for records that are handed over: moved, and dropped once each.
#[test]
fn owned_records_are_moved_and_dropped_once() {
    no_hang("owned", || {
        let (records, drops) = records(10_000);
        let mut kept = sinks::collect();
        Pipeline::from(sources::iter(records).owned())
            .options(batches_of(100).build().unwrap())
            .map(|record| {
                spin(Duration::from_micros(1));
                record
            })
            .filter(|record: &Record| record.id.is_multiple_of(2))
            .load_into(&mut kept)
            .run(&engine(2))
            .unwrap();
        assert_eq!(drops.load(SeqCst), 5_000);
        assert!(kept.as_slice().iter().map(|record| record.id).eq((0..10_000).step_by(2)));
        drop(kept);
        assert_eq!(drops.load(SeqCst), 10_000);
    });
}

/// Records in flight when a run fails or is cancelled are dropped too, none twice.
#[test]
fn records_of_a_run_that_ends_early_are_dropped_once() {
    no_hang("dropped once", || {
        for cancelled in [false, true] {
            let (records, drops) = records(5_000);
            let token = CancelToken::new();
            let cancel = token.clone();
            let result = Pipeline::from(sources::iter(records).owned())
                .options(batches_of(100).grace(Duration::ZERO).build().unwrap())
                .cancel_with(&token)
                .try_map(move |record: Record| {
                    spin(Duration::from_micros(1));
                    if record.id == 2_345 {
                        if !cancelled {
                            return Err(Error::fatal("2345"));
                        }
                        cancel.cancel();
                    }
                    Ok(record)
                })
                .load_into(sinks::collect())
                .run(&engine(2));
            assert!(result.is_err());
            drop(result);
            assert_eq!(drops.load(SeqCst), 5_000, "cancelled: {cancelled}");
        }
    });
}

/// A slow source keeps nobody from ending: its batch is waited for, then no other.
#[test]
fn a_failure_does_not_wait_for_the_rest_of_a_slow_source() {
    no_hang("slow source", || {
        let fills = Arc::new(AtomicUsize::new(0));
        let slow = SlowSource::new(sources::iter(0u64..), Duration::from_millis(1));
        let error = Pipeline::from(Counted(slow, Arc::clone(&fills)))
            .options(batches_of(10).build().unwrap())
            .transform(
                |id: &mut u64, out| {
                    if *id == 42 { Err(Error::fatal("42")) } else { out.emit(*id) }
                },
            )
            .load_into(sinks::count())
            .run(&engine(2))
            .unwrap_err();
        assert_eq!(error.message(), "42");
        assert!(fills.load(SeqCst) < 1_000);
    });
}

/// A batch that lies about its length is walked to its real end.
#[test]
fn an_estimated_length_is_an_estimate() {
    #[derive(Default)]
    struct Estimate(Vec<u64>);
    impl Batch for Estimate {
        type Row<'a> = u64;
        fn len(&self) -> usize {
            self.0.len() / 2 + 1
        }
        fn for_each<'a, F>(&'a mut self, from: usize, mut visit: F) -> Result<()>
        where
            F: FnMut(Result<Self::Row<'a>>) -> Result<()>,
        {
            self.0[from..].iter().try_for_each(|id| visit(Ok(*id)))
        }
    }
    struct Estimated(u64);
    impl Source for Estimated {
        type Batch = Estimate;
        fn fill(&mut self, batch: &mut Estimate, _: &Limit<'_>) -> Result<Fill> {
            batch.0 = (self.0..self.0 + 77).collect();
            self.0 += 77;
            Ok(if self.0 == 7_700 { Fill::End } else { Fill::More })
        }
    }
    no_hang("estimate", || {
        for pieces in [0, 1, 3] {
            let mut kept = sinks::collect();
            let report = Pipeline::from(Estimated(0))
                .options(batches_of(100).transform_concurrency(pieces).build().unwrap())
                .map(|id| {
                    spin(Duration::from_micros(1));
                    id
                })
                .load_into(&mut kept)
                .run(&engine(2))
                .unwrap();
            assert_eq!(report.counts.loaded, 7_700);
            assert!(kept.into_vec().into_iter().eq(0..7_700));
        }
    });
}
