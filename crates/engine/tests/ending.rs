//! Laws 9 and 11: a cancel ends a run in every state it can be in, and a source that stands still is
//! named.

mod common;

use common::{HANG, batches_of, engine, is_cancelled, no_hang, some_work, spin};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering::SeqCst};
use std::thread;
use std::time::Duration;
use trommel::testing::{Gate, GatedSink, GatedSource, Ledger, Recorder, SinkCall};
use trommel::{CancelToken, Error, ErrorKind, Options, Pipeline, Stage, sinks, sources};

/// Cancelled while the source waits for input, with nothing in flight.
#[test]
fn a_cancel_wakes_a_source_that_waits() {
    no_hang("waiting source", || {
        for rows in [0u64, 1, 10_000] {
            let (sender, receiver) = crossbeam_channel::unbounded();
            (0..rows).for_each(|id| sender.send(id).unwrap());
            let sink = Recorder::new();
            let run = Pipeline::from(sources::channel(receiver))
                .map(|id: u64| id)
                .load_into(sink.clone())
                .start(&engine(2))
                .unwrap();
            while sink.len() < rows as usize {
                thread::yield_now();
            }
            run.cancel();
            let error = run.wait().unwrap_err();
            assert_eq!(error.kind(), ErrorKind::Cancelled);
            assert_eq!(error.report().unwrap().counts.loaded, rows);
            assert_eq!((sink.count("finish"), sink.count("abort")), (0, 0));
        }
    });
}

#[test]
fn a_token_cancelled_before_the_run_lets_nothing_in() {
    let token = CancelToken::new();
    token.cancel();
    let sink = Recorder::new();
    let result = Pipeline::from(sources::iter(0..1_000u64))
        .cancel_with(&token)
        .map(|id: &mut u64| *id)
        .load_into(sink.clone())
        .run(&engine(1));
    is_cancelled(&result);
    assert!(sink.is_empty());
}

/// With time left, what is in flight is finished: all that was read is loaded.
#[test]
fn a_cancel_with_grace_drains_what_is_in_flight() {
    no_hang("drain", || {
        for workers in [1, 2] {
            let (token, cancel) = twice(CancelToken::new());
            let mut ledger = Ledger::new(0);
            let result = Pipeline::from(sources::generate(1 << 40, |id| id))
                .options(batches_of(20).grace(HANG).build().unwrap())
                .cancel_with(&token)
                .map(move |id| {
                    if id == 3_000 {
                        cancel.cancel();
                    }
                    spin(Duration::from_micros(1));
                    id
                })
                .load_into(&mut ledger)
                .run(&engine(workers));
            is_cancelled(&result);
            let counts = result.unwrap_err().report().unwrap().counts;
            assert_eq!((counts.abandoned, counts.loaded), (0, counts.read));
            assert!(counts.read > 3_000);
            assert!(ledger.stored().iter().copied().eq(0..counts.loaded), "stored without a gap");
            let position =
                ledger.checkpoint().unwrap().position.as_ref().unwrap().numbers().unwrap();
            assert_eq!(position[0], counts.loaded);
        }
    });
}

/// Without grace, what is in flight is dropped at the next row.
#[test]
fn a_cancel_without_grace_drops_what_is_in_flight() {
    no_hang("drop", || {
        for workers in [1, 2] {
            let (token, cancel) = twice(CancelToken::new());
            let after = Arc::new(AtomicU64::new(0));
            let seen = Arc::clone(&after);
            let flag = token.clone();
            let mut ledger = Ledger::new(0);
            let result = Pipeline::from(sources::generate(1 << 40, |id| id))
                .options(batches_of(10_000).grace(Duration::ZERO).build().unwrap())
                .cancel_with(&token)
                .map(move |id| {
                    if flag.is_cancelled() {
                        seen.fetch_add(1, SeqCst);
                    }
                    if id == 55_000 {
                        cancel.cancel();
                    }
                    spin(Duration::from_micros(1));
                    id
                })
                .load_into(&mut ledger)
                .run(&engine(workers));
            is_cancelled(&result);
            let counts = result.unwrap_err().report().unwrap().counts;
            // A row that had begun in each worker, and the moment before the flag was seen.
            assert!(after.load(SeqCst) < 5_000, "{} rows after the cancel", after.load(SeqCst));
            assert_eq!(ledger.stored().len() as u64, counts.loaded);
            assert!(ledger.stored().iter().copied().eq(0..counts.loaded), "stored without a gap");
            assert!(counts.abandoned > 0, "{counts:?}");
        }
    });
}

/// Symptom: a cancelled run went on until its first batch was done, however long that took and
/// however short the grace. Cause: nobody watches the grace period while the caller's thread works
/// alone. Expected: it ends at the first row after the grace period.
#[test]
fn the_grace_period_ends_on_the_callers_thread_too() {
    no_hang("grace inline", || {
        let (token, cancel) = twice(CancelToken::new());
        let rows = Arc::new(AtomicU64::new(0));
        let seen = Arc::clone(&rows);
        let result = Pipeline::from(sources::iter(0..1_000u64))
            .options(batches_of(1_000).grace(Duration::from_millis(1)).build().unwrap())
            .cancel_with(&token)
            .map(move |id: &mut u64| {
                cancel.cancel();
                seen.fetch_add(1, SeqCst);
                spin(Duration::from_millis(2)); // a slow row
                *id
            })
            .load_into(sinks::count())
            .run(&engine(1));
        is_cancelled(&result);
        assert!(rows.load(SeqCst) < 500, "{} rows after the grace period", rows.load(SeqCst));
    });
}

/// Cancelled while the sink is stuck and the feeder waits for a free slot.
#[test]
fn a_cancel_while_everyone_waits_for_the_sink() {
    no_hang("stuck sink", || {
        for grace in [Duration::ZERO, HANG] {
            let gate = Gate::new();
            let sink = Recorder::new();
            let run = Pipeline::from(sources::iter(0..1_000_000u64))
                .options(batches_of(10).grace(grace).build().unwrap())
                .map(|id: &mut u64| {
                    spin(Duration::from_micros(2));
                    *id
                })
                .load_into(GatedSink::new(sink.clone(), SinkCall::Write, 10, gate.clone()))
                .start(&engine(2))
                .unwrap();
            assert!(gate.await_arrivals(1));
            run.cancel();
            gate.open();
            let error = run.wait().unwrap_err();
            assert_eq!(error.kind(), ErrorKind::Cancelled);
            let counts = error.report().unwrap().counts;
            assert_eq!(counts.loaded, sink.len() as u64);
            assert!(counts.loaded < 1_000, "{counts:?}");
            assert!(sink.values().into_iter().eq(0..counts.loaded));
        }
    });
}

fn twice<T: Clone>(value: T) -> (T, T) {
    (value.clone(), value)
}

/// The source is released by the end of the run, which the watchdog brings about.
fn stuck_source(at_fill: u64) {
    no_hang("stuck source", move || {
        let source =
            GatedSource::new(sources::iter(0..1_000u64), at_fill, Gate::new()).heeding_cancel();
        let error = Pipeline::from(source)
            .options(batches_of(10).watchdog(Duration::from_millis(300)).build().unwrap())
            .map(|id: &mut u64| {
                spin(Duration::from_micros(20));
                *id
            })
            .load_into(sinks::for_each(|_: u64| Ok(())))
            .run(&engine(2))
            .unwrap_err();
        is_stalled(&error, Stage::Source);
    });
}

#[test]
fn the_watchdog_names_a_stuck_source() {
    stuck_source(20);
}

/// Symptom: nothing was reported. Cause: the watchdog begins when the pool takes over. Expected: it
/// watches from the first batch on.
#[test]
fn the_watchdog_names_a_source_stuck_in_its_first_batch() {
    stuck_source(0);
}

fn is_stalled(error: &Error, stage: Stage) {
    assert_eq!((error.kind(), error.stage()), (ErrorKind::Stalled, Some(stage)), "{error}");
    let report = error.report().unwrap();
    assert!(!report.stalls.is_empty(), "{error}");
    assert!(report.stalls[0].starts_with(&stage.to_string()), "{:?}", report.stalls);
    assert!(report.counts.add_up());
}

#[test]
fn a_run_that_moves_is_left_alone_by_the_watchdog() {
    no_hang("watched run", || {
        let report = Pipeline::from(sources::iter(0..2_000u64))
            .options(Options::builder().watchdog(HANG).build().unwrap())
            .map(|id: &mut u64| {
                spin(Duration::from_micros(5));
                *id
            })
            .load_into(sinks::count())
            .run(&engine(2))
            .unwrap();
        assert!(report.stalls.is_empty());
    });
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
