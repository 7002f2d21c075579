//! Transient errors of a sink are tried again, as often as allowed and no row twice; and a cancel ends
//! that too.

mod common;

use common::{batches_of, engine, is_cancelled, no_hang, one_page_each, spin};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering::SeqCst};
use std::thread;
use std::time::Duration;
use trommel::testing::{Fault, FaultySink, Ledger, Recorder, SinkCall, SlowSource, Trap};
use trommel::{
    CancelToken, Error, ErrorKind, Pipeline, RejectPolicy, Retry, Stage, sinks, sources,
};

/// Retries: as many as allowed, no row twice, and then the error.
#[test]
fn transient_errors_are_retried_as_often_as_allowed() {
    no_hang("retry", || {
        let retry = |attempts| Retry { attempts, initial: Duration::ZERO, max: Duration::ZERO };
        for (call, first) in [(SinkCall::Write, 2), (SinkCall::Commit, 2), (SinkCall::Finish, 0)] {
            for (failures, attempts) in [(0, 0), (1, 1), (3, 3), (3, 5), (1, 0), (4, 3)] {
                let sink = Recorder::new();
                let trap = Trap::during(first..first + failures, Fault::TRANSIENT);
                let result = Pipeline::from(sources::generate(100, |id| id))
                    .options(batches_of(10).retry(retry(attempts)).build().unwrap())
                    .map(|id| id)
                    .load_into(FaultySink::new(sink.clone(), call, trap.clone()))
                    .run(&engine(1));
                let label = format!("{call:?}: {failures} failures, {attempts} retries");
                if failures <= u64::from(attempts) {
                    let report = result.unwrap();
                    assert_eq!((report.retries, report.counts.loaded), (failures, 100), "{label}");
                    assert!(sink.values().into_iter().eq(0..100), "{label}");
                    assert_eq!((sink.count("abort"), sink.count("finish")), (0, 1), "{label}");
                } else {
                    let error = result.unwrap_err();
                    assert_eq!(error.kind(), ErrorKind::Transient, "{label}");
                    assert_eq!(error.stage(), Some(Stage::Sink), "{label}");
                    assert_eq!(error.report().unwrap().retries, u64::from(attempts), "{label}");
                    // A sink that could not finish has been asked for its end already.
                    let aborts = usize::from(call != SinkCall::Finish);
                    assert_eq!((sink.count("abort"), sink.count("finish")), (aborts, 0), "{label}");
                }
            }
        }
    });
}

/// Every tenth row is bad and kept with the data; the sink does not take one of them at once.
#[test]
fn a_reject_that_the_sink_can_not_keep_at_once_is_tried_again() {
    no_hang("retried rejects", || {
        for (failures, attempts) in [(2, 2), (3, 2)] {
            let mut ledger = Ledger::new(0);
            let trap = Trap::during(4..4 + failures, Fault::TRANSIENT);
            let retry = Retry { attempts, initial: Duration::ZERO, max: Duration::ZERO };
            let options = batches_of(10).retry(retry).on_reject(RejectPolicy::with_data(10));
            let result = Pipeline::from(sources::generate(100, |id| id))
                .options(options.build().unwrap())
                .try_map(|id| if id % 10 == 3 { Err(Error::row("a three")) } else { Ok(id) })
                .load_into(FaultySink::new(&mut ledger, SinkCall::KeepReject, trap.clone()))
                .run(&engine(1));
            if failures <= u64::from(attempts) {
                let report = result.unwrap();
                assert_eq!((report.retries, trap.steps()), (failures, 10 + failures));
                let records: Vec<_> = ledger.rejects().iter().map(|reject| reject.record).collect();
                assert!(records.into_iter().eq((0..10).map(|ten| Some(10 * ten + 3))));
                assert_eq!((ledger.stored().len(), report.counts.rejected), (90, 10));
            } else {
                let error = result.unwrap_err();
                assert_eq!((error.kind(), error.batch()), (ErrorKind::Transient, Some(4)));
                assert!(ledger.stored().is_empty() && ledger.rejects().is_empty());
            }
        }
    });
}

/// Symptom: a cancel that came while a transient error was being retried made the run a failed one,
/// and the sink was told to abort. Expected: cancelled, and what was written is committed.
#[test]
fn a_cancel_between_two_retries_is_a_cancel() {
    no_hang("cancel in retry", || {
        let sink = Recorder::new();
        let retry = Retry {
            attempts: u32::MAX,
            initial: Duration::from_millis(1),
            max: Duration::from_millis(1),
        };
        let trap = Trap::from(3, Fault::TRANSIENT);
        let flaky = FaultySink::new(sink.clone(), SinkCall::Write, trap.clone());
        let (token, canceller) = cancel_after(&trap, 6);
        let result =
            Pipeline::from(SlowSource::new(sources::generate(1_000, |id| id), Duration::ZERO))
                .options(one_page_each(10).retry(retry).grace(Duration::ZERO).build().unwrap())
                .cancel_with(&token)
                .map(|id| {
                    spin(Duration::from_micros(20));
                    id
                })
                .load_into(flaky)
                .run(&engine(2));
        canceller.join().unwrap();
        is_cancelled(&result);
        assert_eq!(sink.count("abort"), 0);
        assert!(sink.values().into_iter().eq(0..30));
    });
}

/// Waits until the sink has failed at least `steps` times, and cancels.
fn cancel_after(trap: &Trap, steps: u64) -> (CancelToken, thread::JoinHandle<()>) {
    let (token, trap) = (CancelToken::new(), trap.clone());
    let cancel = token.clone();
    let canceller = thread::spawn(move || {
        while trap.steps() < steps {
            thread::yield_now();
        }
        cancel.cancel();
    });
    (token, canceller)
}

/// The pauses are up to an hour long, and longer than the grace period with it: the run does not sleep
/// through its end, neither on the caller's thread, which writes the first batch, nor on the drain's.
#[test]
fn a_cancel_wakes_a_sink_that_waits_to_be_tried_again() {
    no_hang("sleeping retry", || {
        // A job of one batch never leaves the caller's thread.
        for (rows, failing_batch) in [(10, 0), (1_000, 5)] {
            for grace in [Duration::ZERO, Duration::from_nanos(1)] {
                let sink = Recorder::new();
                let hour = Duration::from_secs(3_600);
                let retry = Retry { attempts: u32::MAX, initial: hour, max: hour };
                let trap = Trap::from(failing_batch, Fault::TRANSIENT);
                let (token, canceller) = cancel_after(&trap, failing_batch + 1);
                let numbers = SlowSource::new(sources::generate(rows, |id| id), Duration::ZERO);
                let result = Pipeline::from(numbers)
                    .options(one_page_each(10).retry(retry).grace(grace).build().unwrap())
                    .cancel_with(&token)
                    .map(|id| {
                        spin(Duration::from_micros(20));
                        id
                    })
                    .load_into(FaultySink::new(sink.clone(), SinkCall::Write, trap))
                    .run(&engine(2));
                canceller.join().unwrap();
                is_cancelled(&result);
                let report = result.as_ref().unwrap_err().report().unwrap();
                assert_eq!(report.workers > 0, failing_batch > 0, "who wrote the batch");
                assert_eq!(report.counts.loaded, 10 * failing_batch);
                assert!(sink.values().into_iter().eq(0..10 * failing_batch));
                assert_eq!((sink.count("finish"), sink.count("abort")), (0, 0));
            }
        }
    });
}

/// Symptom: rows counted as loaded that `for_each` had never been given. Cause: it had taken the values out of
/// their page when it answered an error that passes, and the retry found the page empty.
#[test]
fn for_each_is_not_tried_again_with_what_it_has_given_away() {
    no_hang("for_each", || {
        let calls = Arc::new(AtomicUsize::new(0));
        let seen = Arc::clone(&calls);
        let error = Pipeline::from(sources::generate(100, |id| id))
            .options(batches_of(50).retry(Retry::times(5)).build().unwrap())
            .map(|id| id)
            .load_into(sinks::for_each(move |id: u64| {
                seen.fetch_add(1, SeqCst);
                if id == 70 { Err(Error::transient("busy")) } else { Ok(()) }
            }))
            .run(&engine(1))
            .unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Fatal, "{error}");
        assert_eq!(calls.load(SeqCst), 71);
        assert_eq!(error.report().unwrap().counts.loaded, 50);
    });
}
