//! Explores schedules of the ring: whatever thread runs when, nothing is lost and nothing hangs.
//!
//! Run with `RUSTFLAGS="--cfg shuttle" cargo test -p trommel --lib --release explore`. The ring is
//! the real one; threads, channels and locks are shuttle's (`sync.rs`), which fails a test whose
//! threads all wait, and a channel fails one whose send would block.

use super::{Pool, Request, run};
use crate::batch::Batch;
use crate::cancel::CancelToken;
use crate::error::{Error, ErrorKind, Result};
use crate::options::{Options, Order};
use crate::out::Out;
use crate::page::Page;
use crate::reject::RejectPolicy;
use crate::sink::{Encode, Sink};
use crate::source::{Fill, Limit, Source};
use crate::stage::{Closure, Rows};
use std::sync::Arc;

const ROWS: u64 = 7;
/// Random schedules of each case.
const SCHEDULES: usize = 500;
/// The same where the cases are each row's fault.
const SCHEDULES_EACH: usize = 100;

/// What goes wrong, and where.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Fault {
    None,
    RowError(u64),
    Reject(u64),
    Panic(u64),
    SourceError(u64),
    SinkError(u64),
    Cancel,
    FullPages,
}

#[derive(Debug, Clone, Copy)]
struct Case {
    slots: usize,
    source_blocks: bool,
    sink_blocks: bool,
    on_caller: bool,
    order: Order,
    nests: bool,
    batch_rows: usize,
    /// Pieces that a batch is cut into.
    pieces: usize,
    fault: Fault,
}

struct Ids {
    next: u64,
    case: Case,
}

#[derive(Default)]
struct IdBatch(Vec<u64>);

impl Batch for IdBatch {
    type Row<'a> = u64;
    fn len(&self) -> usize {
        self.0.len()
    }
    fn for_each<'a, F>(&'a mut self, from: usize, mut visit: F) -> Result<()>
    where
        F: FnMut(Result<Self::Row<'a>>) -> Result<()>,
    {
        self.0[from..].iter().try_for_each(|id| visit(Ok(*id)))
    }
    fn split_off(&mut self, at: usize, tail: &mut Self) -> bool {
        Batch::split_off(&mut self.0, at, &mut tail.0)
    }
}

impl Source for Ids {
    type Batch = IdBatch;
    fn fill(&mut self, batch: &mut IdBatch, limit: &Limit<'_>) -> Result<Fill> {
        if self.case.fault == Fault::SourceError(self.next) {
            return Err(Error::fatal("the source broke"));
        }
        let end = (self.next + limit.rows() as u64).min(ROWS);
        batch.0.clear();
        batch.0.extend(self.next..end);
        self.next = end;
        Ok(if end == ROWS { Fill::End } else { Fill::More })
    }
    fn may_block(&self) -> bool {
        self.case.source_blocks
    }
}

/// A page whose rows take a byte each.
#[derive(Default)]
struct Ids8(Vec<u64>);

impl Page for Ids8 {
    fn clear(&mut self) {
        self.0.clear();
    }
    fn bytes(&self) -> usize {
        self.0.len()
    }
    fn mark(&self) -> usize {
        self.0.len()
    }
    fn rewind(&mut self, mark: usize) {
        self.0.truncate(mark);
    }
}

struct Kept {
    values: Vec<u64>,
    finished: u32,
    aborted: u32,
    case: Case,
}

impl Sink for Kept {
    type Page = Ids8;
    type Encoder = ();
    fn encoder(&mut self) -> Result<()> {
        Ok(())
    }
    fn write(&mut self, Ids8(page): &mut Ids8) -> Result<()> {
        if let Fault::SinkError(id) = self.case.fault
            && page.contains(&id)
        {
            return Err(Error::fatal("the sink broke"));
        }
        self.values.append(page);
        Ok(())
    }
    fn finish(&mut self) -> Result<()> {
        self.finished += 1;
        Ok(())
    }
    fn abort(&mut self) -> crate::Durability {
        self.aborted += 1;
        crate::Durability::Stored
    }
    fn may_block(&self) -> bool {
        self.case.sink_blocks
    }
    fn stays_on_caller(&self) -> bool {
        self.case.on_caller
    }
}

impl Encode<u64> for Kept {
    fn encode((): &(), Ids8(page): &mut Ids8, value: u64) -> Result<()> {
        page.push(value);
        Ok(())
    }
}

fn explore(pool: &Pool, case: Case) {
    let options = Options::builder()
        .fixed_batch_size(case.batch_rows)
        .channel_capacity(case.slots)
        .transform_concurrency(case.pieces)
        .order(case.order)
        .on_reject(match case.fault {
            Fault::Reject(_) => RejectPolicy::skip(1),
            _ => RejectPolicy::Stop,
        });
    let mut options = options.build().unwrap();
    if case.fault == Fault::FullPages {
        // A page of more than one row is full.
        options.memory_limit = 2 * case.slots;
    }
    let mut source = Ids { next: 0, case };
    let mut sink = Kept { values: Vec::new(), finished: 0, aborted: 0, case };
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
    let canceller = (case.fault == Fault::Cancel).then(|| {
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
}

fn check(case: Case, result: &Result<crate::RunReport>, sink: &Kept) {
    let report = match result {
        Ok(report) => report,
        Err(error) => error.report().expect("a failed run reports too"),
    };
    let counts = report.counts;
    assert!(counts.add_up(), "{case:?}: {counts:?}");
    // The first batch runs on the caller's thread, all others go around the ring.
    let early = matches!(case.fault, Fault::Cancel | Fault::RowError(0) | Fault::SourceError(0));
    assert!(report.workers > 0 || early || case.fault == Fault::SinkError(0), "{case:?}");
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
        Fault::Cancel => {
            let cancelled =
                result.as_ref().is_err_and(|error| error.kind() == ErrorKind::Cancelled);
            assert!(result.is_ok() || cancelled, "{case:?}: {result:?}");
            if case.order == Order::Ordered {
                assert_eq!(values, all[..values.len()], "{case:?}: not contiguous");
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
                for (order, nests) in
                    [(Order::Ordered, false), (Order::Ordered, true), (Order::Completion, false)]
                {
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
                    let pool = Arc::clone(&pool);
                    shuttle::check_random(
                        move || {
                            // Two pipelines on one pool is what tells the ring to nest.
                            let _other = case.nests.then(|| (pool.join(), pool.join()));
                            explore(&pool, case);
                        },
                        schedules,
                    );
                }
            }
        }
    }
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
fn explore_cancels() {
    explore_all(Fault::Cancel, WHOLE, SCHEDULES);
}

#[test]
fn explore_full_pages() {
    explore_all(Fault::FullPages, (3, 1), SCHEDULES);
}

#[test]
fn explore_cut_batches() {
    for shape in CUT {
        let faults = [Fault::None, Fault::Cancel, Fault::FullPages];
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
                // A source breaks between two batches.
                Fault::SourceError(at - at % shape.0 as u64),
            ];
            faults.into_iter().for_each(|fault| explore_all(fault, shape, SCHEDULES_EACH / 4));
        }
    }
}
