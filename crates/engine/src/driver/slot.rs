//! Slots: what travels around the ring.

use super::outlet::drop_guarded;
use crate::batch::Batch;
use crate::error::{Error, Origin, Result};
use crate::page::Page;
use crate::position::{Counts, Position};
use crate::text::Texts;
use bumpalo::Bump;
use smallvec::SmallVec;

/// So many batches that are not cut make a slot give back what it takes to cut one. Where workers
/// are idle now and then, one in ten is cut: given back each time, buffers of a megabyte would leave an
/// allocator with ever more memory in holes.
const UNCUT: u32 = 64;

/// The set that travels together. It has its batch *and* its page from the start: taken apart,
/// later batches could hold every page while the earliest, which the ordered drain waits for, waits
/// for one.
#[derive(Debug)]
pub(super) struct Slot<B, P> {
    /// Sequence number of the batch, from 0.
    pub(super) seq: u64,
    /// The batch, in one lane or cut over several. Lane 0 is always there.
    pub(super) lanes: Vec<Lane<B, P>>,
    /// Lanes in use.
    pub(super) used: usize,
    /// Lanes that have been written to their end.
    pub(super) written: usize,
    /// Where the source stood after this batch.
    pub(super) position: Option<Position>,
    /// A page was full before its lane was done: the slot comes back to a worker.
    pub(super) unfinished: bool,
    /// Rows of this batch that earlier turns have settled.
    pub(super) settled_rows: u64,
    /// Batches since the latest one that was cut.
    uncut: u32,
    /// What the last use took; absorbed by the feeder.
    pub(super) sample: Sample,
}

/// What one batch took, for the adaptive model.
#[derive(Debug, Default, Clone, Copy)]
pub(super) struct Sample {
    /// Rows visited; 0 when there is nothing to learn.
    pub(super) rows: u64,
    /// Time in the worker, and between the batches of a worker.
    pub(super) work_ns: u64,
    /// Time in the source.
    pub(super) fill_ns: u64,
    /// Time in the sink.
    pub(super) write_ns: u64,
    /// Heap bytes of batch, page, arena and rejects, summed over the turns of a batch that paused.
    pub(super) bytes: usize,
}

impl Sample {
    /// Time in all stages, ns.
    pub(super) fn ns(&self) -> u64 {
        self.work_ns + self.fill_ns + self.write_ns
    }

    /// Time of one row in all stages, ns.
    pub(super) fn row_ns(&self) -> u128 {
        u128::from(self.ns() / self.rows.max(1))
    }
}

/// A batch or a piece of one, and what it becomes.
#[derive(Debug)]
pub(super) struct Lane<B, P> {
    pub(super) batch: B,
    pub(super) page: P,
    pub(super) arena: Bump,
    pub(super) texts: Texts,
    pub(super) rejects: SmallVec<[Rejected; 2]>,
    /// Of each value in the page the row that emitted it, when the sink may refuse single values.
    pub(super) owners: Vec<u32>,
    /// Index of the lane's first row in the batch.
    pub(super) first_row: usize,
    /// Rows visited so far; the next visit starts here.
    pub(super) visited: usize,
    /// All rows have been visited.
    pub(super) done: bool,
    /// Where the page stood before the row that is being visited.
    pub(super) mark: usize,
    /// Since the slot was last settled. `loaded` counts rows that emitted something.
    pub(super) counts: Counts,
    /// Why the batch ended before its last row.
    pub(super) error: Option<Error>,
}

/// A bad row on its way to the drain.
#[derive(Debug)]
pub(super) struct Rejected {
    /// Index within the lane.
    pub(super) row: usize,
    pub(super) error: Error,
    pub(super) origin: Origin,
    pub(super) raw: Vec<u8>,
}

impl<B: Batch, P: Page> Default for Lane<B, P> {
    fn default() -> Self {
        Lane {
            batch: B::default(),
            page: P::default(),
            arena: Bump::new(),
            texts: Texts::default(),
            rejects: SmallVec::new(),
            owners: Vec::new(),
            first_row: 0,
            visited: 0,
            done: false,
            mark: 0,
            counts: Counts::default(),
            error: None,
        }
    }
}

impl Rejected {
    pub(super) fn new(row: usize, error: Error) -> Self {
        Rejected { row, error, origin: Origin::default(), raw: Vec::new() }
    }
}

impl<B: Batch, P: Page> Slot<B, P> {
    pub(super) fn new() -> Box<Self> {
        Box::new(Slot { lanes: vec![Lane::default()], used: 1, ..Slot::spent() })
    }

    /// A slot without a lane, which is never filled again.
    pub(super) fn spent() -> Self {
        Slot {
            seq: 0,
            lanes: Vec::new(),
            used: 0,
            written: 0,
            position: None,
            unfinished: false,
            settled_rows: 0,
            uncut: 0,
            sample: Sample::default(),
        }
    }

    pub(super) fn used(&self) -> &[Lane<B, P>] {
        &self.lanes[..self.used]
    }

    pub(super) fn used_mut(&mut self) -> &mut [Lane<B, P>] {
        &mut self.lanes[..self.used]
    }

    /// Cuts the batch over up to `pieces` lanes.
    pub(super) fn split(&mut self, pieces: usize) {
        let rows = self.lanes[0].batch.len();
        let pieces = pieces.min(rows);
        while self.lanes.len() < pieces {
            self.lanes.push(Lane::default());
        }
        for piece in (1..pieces).rev() {
            let (head, tail) = self.lanes.split_at_mut(piece);
            tail[0].first_row = rows * piece / pieces;
            if !head[0].batch.split_off(tail[0].first_row, &mut tail[0].batch) {
                // The pieces behind this one have been cut: they follow lane 0 directly.
                self.lanes[1..pieces].rotate_left(piece);
                break;
            }
            self.used += 1;
        }
    }

    /// Empties the lanes from `first` to the one that goes on next; those behind it wait with their
    /// pages. The batch stays.
    pub(super) fn settle(&mut self, first: usize, keep_bytes: usize) {
        let last = self.written.min(self.used - 1);
        for lane in &mut self.lanes[first..=last] {
            lane.settle(keep_bytes);
        }
    }

    /// Rows visited in all turns.
    pub(super) fn visited(&self) -> u64 {
        self.used().iter().map(|lane| lane.visited as u64).sum()
    }

    /// Drops what the slot holds, each part by itself: where one destructor panics, the others' values do not
    /// go in its unwinding, in which a second panic would end the process. Answers the first panic.
    pub(super) fn drop_values(self) -> Result<()> {
        let mut dropped = Ok(());
        for Lane { batch, page, rejects, error, .. } in self.lanes {
            dropped = dropped.and(drop_guarded(batch)).and(drop_guarded(page));
            for reject in rejects {
                dropped = dropped.and(drop_guarded(reject));
            }
            dropped = dropped.and(drop_guarded(error));
        }
        dropped
    }

    /// Makes the slot ready for its next batch. Buffers of more than `keep_bytes` are given back:
    /// one huge batch must not hold its memory for ever.
    pub(super) fn recycle(&mut self, keep_bytes: usize) {
        for lane in &mut self.lanes[..self.used] {
            if lane.batch.bytes() > keep_bytes {
                lane.batch = B::default();
            }
            lane.settle(keep_bytes);
            lane.visited = 0;
            lane.done = false;
            lane.error = None;
        }
        self.uncut = if self.used == 1 { self.uncut.saturating_add(1) } else { 0 };
        if self.uncut >= UNCUT {
            // Batches are no longer cut: the other lanes' buffers would count nowhere.
            self.lanes.truncate(1);
        }
        self.used = 1;
        self.written = 0;
        self.position = None;
        self.unfinished = false;
        self.settled_rows = 0;
    }
}

impl<B: Batch, P: Page> Lane<B, P> {
    /// Empties what the drain has taken; the batch stays where it is.
    pub(super) fn settle(&mut self, keep_bytes: usize) {
        if self.page.bytes() > keep_bytes {
            self.page = P::default();
        }
        // An arena keeps its largest chunk and counts it as used: kept too large, it would make the
        // lane look full for ever.
        if self.arena.allocated_bytes() > keep_bytes / 8 {
            self.arena = Bump::new();
        }
        self.page.clear();
        self.arena.reset();
        self.texts.shrink(keep_bytes / 8);
        self.rejects.clear();
        self.owners.clear();
        self.counts = Counts::default();
    }

    pub(super) fn bytes(&self) -> usize {
        let rejects: usize =
            self.rejects.iter().map(|reject| size_of::<Rejected>() + reject.raw.len()).sum();
        self.batch.bytes()
            + self.page.bytes()
            + self.arena.allocated_bytes()
            + self.texts.bytes()
            + self.owners.len() * size_of::<u32>()
            + rejects
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A batch of eight rows goes around; what the buffers of its second lane can hold by then.
    fn around(slot: &mut Slot<Vec<u8>, Vec<u8>>, pieces: usize) -> Option<(usize, usize)> {
        slot.lanes[0].batch = (0..8).collect();
        slot.split(pieces);
        for lane in slot.used_mut() {
            lane.page.extend_from_slice(&lane.batch);
        }
        slot.recycle(1 << 20);
        slot.lanes.get(1).map(|lane| (lane.batch.capacity(), lane.page.capacity()))
    }

    #[test]
    fn a_slot_that_is_cut_now_and_then_keeps_its_lanes_and_one_that_is_not_gives_them_back() {
        let mut slot = *Slot::new();
        assert_eq!(around(&mut slot, 1), None);
        let kept = around(&mut slot, 2);
        assert!(kept.is_some_and(|(batch, page)| batch >= 4 && page >= 4), "{kept:?}");
        for _ in 0..3 {
            for _ in 1..UNCUT {
                assert_eq!(around(&mut slot, 1), kept);
            }
            assert_eq!(around(&mut slot, 2), kept, "what was kept is what is used");
        }
        for _ in 1..UNCUT {
            assert_eq!(around(&mut slot, 1), kept);
        }
        assert_eq!(around(&mut slot, 1), None);
    }
}
