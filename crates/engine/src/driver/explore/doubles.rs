//! A source and a sink whose faults a case names.

use crate::batch::Batch;
use crate::error::{Error, Result};
use crate::options::Order;
use crate::page::Page;
use crate::position::Checkpoint;
use crate::sink::{Commit, Durability, Encode, Sink};
use crate::source::{Fill, Limit, Source};

/// Rows of the source.
pub(super) const ROWS: u64 = 7;

/// What goes wrong, and where.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Fault {
    None,
    RowError(u64),
    Reject(u64),
    Panic(u64),
    SourceError(u64),
    SinkError(u64),
    /// After the batch with that row.
    CommitError(u64),
    FinishError,
    Cancel,
    /// Without grace: what is in flight is dropped.
    CancelNow,
    FullPages,
}

#[derive(Debug, Clone, Copy)]
pub(super) struct Case {
    pub(super) slots: usize,
    pub(super) source_blocks: bool,
    pub(super) sink_blocks: bool,
    pub(super) on_caller: bool,
    pub(super) order: Order,
    pub(super) nests: bool,
    pub(super) batch_rows: usize,
    /// Pieces that a batch is cut into.
    pub(super) pieces: usize,
    pub(super) fault: Fault,
}

pub(super) struct Ids {
    next: u64,
    case: Case,
}

#[derive(Default)]
pub(super) struct IdBatch(Vec<u64>);

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

impl Ids {
    pub(super) fn new(case: Case) -> Self {
        Ids { next: 0, case }
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
pub(super) struct Ids8(Vec<u64>);

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

pub(super) struct Kept {
    pub(super) values: Vec<u64>,
    pub(super) finished: u32,
    pub(super) aborted: u32,
    case: Case,
}

impl Kept {
    pub(super) fn new(case: Case) -> Self {
        Kept { values: Vec::new(), finished: 0, aborted: 0, case }
    }
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
    fn commit(&mut self, _: &Checkpoint, _: Commit) -> Result<Durability> {
        match self.case.fault {
            Fault::CommitError(id) if self.values.contains(&id) => {
                Err(Error::fatal("the sink could not commit"))
            }
            _ => Ok(Durability::Stored),
        }
    }
    fn finish(&mut self) -> Result<()> {
        self.finished += 1;
        match self.case.fault {
            Fault::FinishError => Err(Error::fatal("the sink could not finish")),
            _ => Ok(()),
        }
    }
    fn abort(&mut self) -> Durability {
        self.aborted += 1;
        Durability::Stored
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
