//! Explores schedules of the ring: whatever thread runs when, nothing is lost and nothing hangs.
//!
//! Run with `RUSTFLAGS="--cfg shuttle" cargo test -p trommel --lib --release explore`. The ring is
//! the real one; threads, channels and locks are shuttle's (`sync.rs`), which fails a test whose
//! threads all wait, and a channel fails one whose send would block.

mod doubles;

use super::{Pool, Request, run};
use crate::cancel::CancelToken;
use crate::error::{Error, ErrorKind, Result};
use crate::options::{Options, Order};
use crate::out::Out;
use crate::reject::RejectPolicy;
use crate::stage::{Closure, Rows};
use doubles::{Case, Fault, Ids, Kept, ROWS};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering::SeqCst};
use std::time::Duration;

/// Random schedules of each case.
const SCHEDULES: usize = 300;
/// The same where the cases are each row's fault.
const SCHEDULES_EACH: usize = 60;

/// Answers how many rows were read and then dropped.
fn explore(pool: &Pool, case: Case) -> u64 {
    let options = Options::builder()
        .fixed_batch_size(case.batch_rows)
        .channel_capacity(case.slots)
        .transform_concurrency(case.pieces)
        .order(case.order)
        .on_reject(match case.fault {
            Fault::Reject(_) => RejectPolicy::skip(1),
            _ => RejectPolicy::Stop,
        })
        .grace(match case.fault {
            Fault::CancelNow => Duration::ZERO,
            // No schedule lasts so long.
            _ => Duration::from_secs(3_600),
        });
    let mut options = options.build().unwrap();
    if case.fault == Fault::FullPages {
        // A page of more than one row is full.
        options.memory_limit = 2 * case.slots;
    }
    let mut source = Ids::new(case);
    let mut sink = Kept::new(case);
    let transform = Closure {
        steps: Rows,
        transform: move |id: u64, out: &mut Out<'_, Kept>| {
            shuttle::thread::yield_now();
            match case.fault {
                Fault::RowError(bad) if bad == id => Err(Error::fatal("a bad row")),
                Fault::Reject(bad) if bad == id => Err(Error::row("a bad row")),
                Fault::Panic(bad) if bad == id => std::panic::resume_unwind(Box::new("a panic")),
                _ => out.emit(id),
            }
        },
    };
    let token = CancelToken::new();
    let canceller = matches!(case.fault, Fault::Cancel | Fault::CancelNow).then(|| {
        let token = token.clone();
        shuttle::thread::spawn(move || token.cancel())
    });
    let result = run(
        pool,
        Request {
            name: "explored",
            source: &mut source,
            transform: &transform,
            sink: &mut sink,
            options: &options,
            cancel: std::slice::from_ref(&token),
            on_progress: None,
            job: None,
        },
    );
    if let Some(canceller) = canceller {
        canceller.join().unwrap();
    }
    check(case, &result, &sink);
    result.map_or_else(|error| error.report().map_or(0, |report| report.counts.abandoned), |_| 0)
}

fn check(case: Case, result: &Result<crate::RunReport>, sink: &Kept) {
    let report = match result {
        Ok(report) => report,
        Err(error) => error.report().expect("a failed run reports too"),
    };
    let counts = report.counts;
    assert!(counts.add_up(), "{case:?}: {counts:?}");
    // The first batch may run on the caller's thread, all others go around the ring.
    let early = match case.fault {
        Fault::Cancel | Fault::CancelNow => true,
        Fault::SourceError(at) => at == 0,
        Fault::RowError(at) | Fault::Panic(at) | Fault::SinkError(at) | Fault::CommitError(at) => {
            at < case.batch_rows as u64
        }
        _ => false,
    };
    assert!(report.workers > 0 || early, "{case:?}");
    assert_eq!(counts.loaded, sink.values.len() as u64, "{case:?}: {counts:?}");
    let mut values = sink.values.clone();
    if case.order == Order::Completion {
        values.sort_unstable();
    }
    assert!(values.is_sorted() && values.windows(2).all(|pair| pair[0] < pair[1]), "{case:?}");
    let all: Vec<u64> = (0..ROWS).collect();
    match case.fault {
        Fault::None | Fault::FullPages => {
            assert!(result.is_ok(), "{case:?}: {result:?}");
            assert_eq!((values, sink.finished, sink.aborted), (all, 1, 0), "{case:?}");
        }
        Fault::Reject(bad) => {
            assert!(result.is_ok(), "{case:?}: {result:?}");
            assert_eq!(counts.rejected, 1);
            assert!(!values.contains(&bad) && values.len() as u64 == ROWS - 1);
        }
        Fault::Cancel | Fault::CancelNow => {
            let cancelled =
                result.as_ref().is_err_and(|error| error.kind() == ErrorKind::Cancelled);
            assert!(result.is_ok() || cancelled, "{case:?}: {result:?}");
            if case.order == Order::Ordered {
                assert_eq!(values, all[..values.len()], "{case:?}: not contiguous");
            }
            if case.fault == Fault::Cancel {
                assert_eq!((counts.abandoned, sink.aborted), (0, 0), "{case:?}: {counts:?}");
            }
        }
        Fault::FinishError => {
            assert!(result.is_err(), "{case:?}");
            assert_eq!((values, sink.finished, sink.aborted), (all, 1, 0), "{case:?}");
        }
        Fault::CommitError(at) => {
            assert!(result.is_err(), "{case:?}");
            assert_eq!((sink.finished, sink.aborted), (0, 1), "{case:?}");
            if case.order == Order::Ordered {
                let end = (at as usize / case.batch_rows + 1) * case.batch_rows;
                assert_eq!(values, all[..end.min(all.len())], "{case:?}: up to the failed commit");
            }
        }
        Fault::RowError(at) | Fault::Panic(at) | Fault::SourceError(at) | Fault::SinkError(at) => {
            assert!(result.is_err(), "{case:?}");
            assert_eq!((sink.finished, sink.aborted), (0, 1), "{case:?}");
            if case.order == Order::Ordered {
                // Of the batch itself a sink may have kept the pieces before the one that failed.
                let first = at as usize / case.batch_rows * case.batch_rows;
                let kept = values.len();
                assert_eq!(values, all[..kept], "{case:?}: not contiguous");
                assert!((first..=at as usize).contains(&kept), "{case:?}: {kept} rows");
            }
        }
    }
}

/// Explores one fault through every pool, ring and kind of ends. `shape`: rows of a batch and the
/// pieces that it is cut into.
fn explore_all(fault: Fault, shape: (usize, usize), schedules: usize) {
    let (batch_rows, pieces) = shape;
    let dropped = Arc::new(AtomicU64::new(0));
    for workers in [1, 2, 3] {
        let pool = Arc::new(Pool::new(workers, "explored", None).unwrap());
        for slots in [2, 3] {
            for (source_blocks, sink_blocks, on_caller) in [
                (false, false, false),
                (false, true, false),
                (true, false, false),
                (true, true, false),
                (false, true, true),
                (true, true, true),
            ] {
                for (order, nests) in [
                    (Order::Ordered, false),
                    (Order::Ordered, true),
                    (Order::Completion, false),
                    (Order::Completion, true),
                ] {
                    let case = Case {
                        slots,
                        source_blocks,
                        sink_blocks,
                        on_caller,
                        order,
                        nests,
                        batch_rows,
                        pieces,
                        fault,
                    };
                    let (pool, dropped) = (Arc::clone(&pool), Arc::clone(&dropped));
                    shuttle::check_random(
                        move || {
                            // Two pipelines on one pool is what tells the ring to nest.
                            let _other = case.nests.then(|| (pool.join(), pool.join()));
                            dropped.fetch_add(explore(&pool, case), SeqCst);
                        },
                        schedules,
                    );
                }
            }
        }
    }
    let drops = dropped.load(SeqCst) > 0;
    assert!(drops || fault != Fault::CancelNow, "no schedule dropped what was in flight");
}

/// Explores a fault in each row, batches of one row.
fn explore_each(fault: impl Fn(u64) -> Fault) {
    (0..ROWS).for_each(|at| explore_all(fault(at), WHOLE, SCHEDULES_EACH));
}

/// Batches of one row.
const WHOLE: (usize, usize) = (1, 1);
/// Batches that are cut, whose pieces are as long as each other or not.
const CUT: [(usize, usize); 2] = [(2, 2), (3, 2)];

#[test]
fn explore_success() {
    explore_all(Fault::None, WHOLE, SCHEDULES);
}

#[test]
fn explore_row_errors() {
    explore_each(Fault::RowError);
}

#[test]
fn explore_rejects() {
    explore_each(Fault::Reject);
}

#[test]
fn explore_panics() {
    explore_each(Fault::Panic);
}

#[test]
fn explore_source_errors() {
    explore_each(Fault::SourceError);
}

#[test]
fn explore_sink_errors() {
    explore_each(Fault::SinkError);
}

#[test]
fn explore_commit_errors() {
    explore_each(Fault::CommitError);
}

#[test]
fn explore_finish_errors() {
    explore_all(Fault::FinishError, WHOLE, SCHEDULES_EACH);
}

#[test]
fn explore_cancels() {
    explore_all(Fault::Cancel, WHOLE, SCHEDULES);
}

#[test]
fn explore_cancels_without_grace() {
    explore_all(Fault::CancelNow, WHOLE, SCHEDULES);
}

#[test]
fn explore_full_pages() {
    explore_all(Fault::FullPages, (3, 1), SCHEDULES);
}

#[test]
fn explore_cut_batches() {
    for shape in CUT {
        let faults = [Fault::None, Fault::Cancel, Fault::CancelNow, Fault::FullPages];
        faults.into_iter().for_each(|fault| explore_all(fault, shape, SCHEDULES_EACH));
    }
}

#[test]
fn explore_cut_batches_with_faults() {
    for shape in CUT {
        for at in 2..6 {
            let faults = [
                Fault::RowError(at),
                Fault::Reject(at),
                Fault::Panic(at),
                Fault::SinkError(at),
                Fault::CommitError(at),
                // A source breaks between two batches.
                Fault::SourceError(at - at % shape.0 as u64),
            ];
            faults.into_iter().for_each(|fault| explore_all(fault, shape, SCHEDULES_EACH / 4));
        }
    }
}
