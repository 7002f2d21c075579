//! Law 8: a slow source is not waited for; a record does not wait for a full batch.

mod common;

use common::{HANG, batches_of, engine, no_hang, spin};
use std::time::Duration;
use trommel::testing::Gate;
use trommel::{Order, Pipeline, sinks, sources};

/// Symptom of the origin: a record waited for a full batch. Expected: one record, and nothing after
/// it, is loaded.
#[test]
fn a_single_record_is_loaded_while_the_source_stays_open() {
    no_hang("one record", || {
        for workers in [1, 2] {
            let (sender, receiver) = crossbeam_channel::unbounded();
            let (loaded, arrived) = crossbeam_channel::unbounded();
            let run = Pipeline::from(sources::channel(receiver))
                .options(batches_of(1_000).build().unwrap())
                .map(|id: u64| id)
                .load_into(sinks::channel(loaded))
                .start(&engine(workers))
                .unwrap();
            for id in 0..5 {
                sender.send(id).unwrap();
                assert_eq!(arrived.recv_timeout(HANG / 2), Ok(id));
            }
            drop(sender);
            assert_eq!(run.wait().unwrap().0.counts.loaded, 5);
        }
    });
}

/// The busy stretch is over, the source stays open: what came in it is loaded, to the last record.
#[test]
fn a_channel_that_turns_slow_holds_nothing_back() {
    no_hang("slow channel", || {
        let (sender, receiver) = crossbeam_channel::unbounded();
        let (loaded, arrived) = crossbeam_channel::unbounded();
        (0..100_000u64).for_each(|id| sender.send(id).unwrap());
        let run = Pipeline::from(sources::channel(receiver))
            .map(|id: u64| id)
            .load_into(sinks::channel(loaded))
            .start(&engine(2))
            .unwrap();
        for id in 0..100_000 {
            assert_eq!(arrived.recv_timeout(HANG / 3), Ok(id), "with the source still open");
        }
        drop(sender);
        assert_eq!(run.wait().unwrap().0.counts.loaded, 100_000);
    });
}

/// Symptom: records behind a busy stretch waited for a thousand others. Cause: `iter` pulled up to
/// 1,024 items at once from an iterator that had been quick. Expected: nobody can see that an
/// iterator waits, so some wait with it, but only for a few further items.
#[test]
fn an_iterator_that_turns_slow_holds_little_back() {
    no_hang("slow iterator", || {
        let (sender, receiver) = crossbeam_channel::unbounded();
        let (loaded, arrived) = crossbeam_channel::unbounded();
        (0..100_000u64).for_each(|id| sender.send(id).unwrap());
        let run = Pipeline::from(sources::iter(receiver))
            .map(|id: &mut u64| *id)
            .load_into(sinks::channel(loaded))
            .start(&engine(2))
            .unwrap();
        let mut further = 0;
        for id in 0..100_000 {
            while let Err(error) = arrived.recv_timeout(Duration::from_millis(20)) {
                assert!(further < 1_000, "{error} at {id} after {further} further records");
                sender.send(100_000 + further).unwrap();
                further += 1;
            }
        }
        // Those between two looks at the clock (128), twice for a machine that is busy; a batch of the
        // size that the quick rows had would be thousands.
        assert!(further <= 256, "{further} further records to get the last ones loaded");
        drop(sender);
        assert_eq!(run.wait().unwrap().0.counts.loaded, 100_000 + further);
    });
}

#[test]
fn a_record_is_loaded_while_workers_are_busy_and_the_flush_timeout_runs() {
    no_hang("busy workers", || {
        let (sender, receiver) = crossbeam_channel::unbounded();
        let (loaded, arrived) = crossbeam_channel::unbounded();
        let gate = Gate::new();
        let door = gate.clone();
        let run = Pipeline::from(sources::channel(receiver))
            .options(
                batches_of(1_000)
                    .order(Order::Completion)
                    .flush_timeout(Duration::from_millis(5))
                    .build()
                    .unwrap(),
            )
            .map(move |id: u64| {
                if id == 0 {
                    spin(Duration::from_millis(1)); // worth the pool
                }
                if id == 1 {
                    door.pass(); // one of the two workers is busy for long
                }
                id
            })
            .load_into(sinks::channel(loaded))
            .start(&engine(2))
            .unwrap();
        sender.send(0).unwrap();
        assert_eq!(arrived.recv_timeout(HANG / 2), Ok(0));
        sender.send(1).unwrap();
        assert!(gate.await_arrivals(1));
        sender.send(2).unwrap();
        assert_eq!(arrived.recv_timeout(HANG / 2), Ok(2));
        gate.open();
        assert_eq!(arrived.recv_timeout(HANG / 2), Ok(1));
        drop(sender);
        run.wait().unwrap();
    });
}
