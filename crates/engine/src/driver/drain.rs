//! The draining end: puts batches back in order and gives their pages to the sink.

use super::clock::Clock;
use super::control::Control;
use super::outlet::{Outlet, guarded};
use super::resume::Before;
use super::slot::{Rejected, Slot};
use crate::batch::Batch;
use crate::error::{Error, ErrorKind, Result, Stage};
use crate::options::{Options, Order};
use crate::position::{Checkpoint, Counts, Position};
use crate::reject::{Reject, RejectPolicy};
use crate::sink::{Commit, Durability, Sink};

type BoxedSlot<B, K> = Box<Slot<B, <K as Sink>::Page>>;

pub(super) struct Drain<'r, K: Sink, B> {
    outlet: Outlet<'r, K>,
    control: &'r Control,
    clock: &'r Clock,
    policy: RejectPolicy,
    ordered: bool,
    /// Slots that came before their turn, at `seq % window.len()`.
    window: Vec<Option<BoxedSlot<B, K>>>,
    /// Sequence number of the batch whose turn it is.
    next: u64,
    /// What earlier runs of the same job have done; checkpoints count from the very first on.
    before: &'r Before,
    counts: Counts,
    /// What of it would survive: moves up with each commit.
    stored: Counts,
    position: Option<Position>,
    /// Batches that have come back, whatever became of them.
    settled: u64,
    /// The sink has failed; nothing more is written to it.
    broken: bool,
    /// A part of the present batch has been written, and the rest has not.
    halfway: bool,
    /// Bytes beyond which a recycled buffer is given back.
    keep_bytes: usize,
}

/// What a run came to, as its sink saw it.
#[derive(Debug, Default)]
pub(super) struct Drained {
    pub(super) counts: Counts,
    /// What earlier runs of the same job had done.
    pub(super) before: Counts,
    pub(super) batches: u64,
    pub(super) retries: u64,
}

impl<'r, K: Sink, B: Batch> Drain<'r, K, B> {
    pub(super) fn new(
        sink: &'r mut K,
        control: &'r Control,
        clock: &'r Clock,
        options: &Options,
        before: &'r Before,
        keep_bytes: usize,
    ) -> Self {
        Drain {
            outlet: Outlet::new(sink, control, options.retry),
            control,
            clock,
            policy: options.on_reject.clone(),
            ordered: options.order == Order::Ordered,
            window: Vec::new(),
            next: 0,
            before,
            counts: Counts::default(),
            stored: Counts::default(),
            position: None,
            settled: 0,
            broken: false,
            halfway: false,
            keep_bytes,
        }
    }

    /// Makes room for as many batches as can come before their turn.
    pub(super) fn expect(&mut self, slots: usize) {
        self.window.resize_with(slots, || None);
    }

    /// Batches that have come back.
    pub(super) fn settled(&self) -> u64 {
        self.settled
    }

    /// Takes a slot that has been through a worker, and gives back every slot whose turn has come.
    pub(super) fn accept(
        &mut self,
        mut slot: BoxedSlot<B, K>,
        mut give_back: impl FnMut(BoxedSlot<B, K>),
    ) {
        if !self.ordered {
            self.settle(&mut slot, self.clock.sink.now());
            give_back(slot);
            return;
        }
        // No more slots than places are in flight, and their sequence numbers follow on each other.
        let places = self.window.len() as u64;
        let place = (slot.seq % places) as usize;
        self.window[place] = Some(slot);
        while let Some(mut slot) = self.window[(self.next % places) as usize].take() {
            self.settle(&mut slot, self.clock.sink.now());
            give_back(slot);
        }
    }

    /// Writes what a slot holds, or drops it after a failure, and makes the slot ready for its next
    /// use: another batch, or the rest of this one. Takes and answers the time, ns from the start of
    /// the run.
    pub(super) fn settle(&mut self, slot: &mut Slot<B, K::Page>, now_ns: u64) -> u64 {
        let began = self.clock.sink.begin_at(now_ns);
        let seq = slot.seq;
        // Pages and batches are user code as well, down to the destructors of their values.
        let first = slot.written;
        let stored = guarded("the sink's page", || {
            slot.sample.bytes += slot.used().iter().map(|lane| lane.bytes()).sum::<usize>();
            self.store(slot)
        });
        if let Err(error) = stored {
            slot.unfinished = false;
            // A cancel in the middle of a retry leaves page and destination as they were.
            if !self.control.is_part_of_a_cancel(&error) {
                self.broken = true;
                self.control.fail(seq, error.in_stage(Stage::Sink).in_batch(seq));
            }
        }
        let took = self.clock.sink.end(began);
        slot.sample.write_ns += took;
        let goes_on = slot.unfinished && !self.drops(seq);
        let keep_bytes = self.keep_bytes;
        let emptied = guarded("a value's destructor", || {
            if goes_on {
                slot.settle(first, keep_bytes)
            } else {
                slot.recycle(keep_bytes)
            }
            Ok(())
        });
        if let Err(error) = emptied {
            self.control.fail(seq, error.in_stage(Stage::Sink).in_batch(seq));
            // What is left of the buffers is not to be trusted, the error is known, and the run has failed:
            // nothing is filled any more.
            let _ = std::mem::replace(slot, Slot::spent()).drop_values();
        }
        if !slot.unfinished {
            self.next += 1;
            self.settled += 1;
        }
        now_ns + took
    }

    /// Whether batch `seq` is left unwritten.
    fn drops(&self, seq: u64) -> bool {
        self.broken || self.control.is_dropping() || self.control.has_failed_by(seq)
    }

    fn store(&mut self, slot: &mut Slot<B, K::Page>) -> Result<()> {
        let seq = slot.seq;
        for lane in slot.used_mut() {
            if let Some(error) = lane.error.take()
                && !self.control.is_part_of_a_cancel(&error)
            {
                let row = (lane.first_row + lane.visited) as u64;
                self.control.fail(seq, error.in_row(row).in_batch(seq));
            }
        }
        let unwritten = &slot.used()[slot.written..];
        let rejected = unwritten.iter().map(|lane| lane.counts.rejected).sum();
        let read: u64 = unwritten.iter().map(|lane| lane.counts.read).sum();
        if !self.drops(seq)
            && let Some(error) = self.too_many_rejects(rejected)
        {
            let last = slot.used_mut().iter_mut().rev().find_map(|lane| lane.rejects.pop());
            let error = because_of(error, last.map(|last| last.error.at(last.origin)));
            self.control.fail(seq, error.in_stage(Stage::Transform).in_batch(seq));
        }
        if self.drops(seq) {
            // Whole batches only; of one that has paused, what comes after the failure.
            self.counts.read += read;
            self.counts.abandoned += read;
            return Ok(());
        }
        let first_record = self.before.counts.read + self.counts.read - slot.settled_rows;
        for lane in &mut slot.lanes[slot.written..slot.used] {
            let mut counts = lane.counts;
            slot.settled_rows += counts.read;
            slot.sample.rows += counts.read;
            if counts.emitted > 0 {
                if let Err(error) = self.outlet.write(&mut lane.page) {
                    self.counts.read += counts.read;
                    self.counts.abandoned += counts.read;
                    return Err(error);
                }
                if !self.outlet.faults.is_empty() {
                    lane.refuse(&mut self.outlet.faults, &mut counts);
                    if self.policy.stops()
                        && let Some(refused) = lane.rejects.drain(..).next()
                    {
                        self.counts.read += counts.read;
                        self.counts.abandoned += counts.read;
                        return Err(refused.error.at(refused.origin));
                    }
                }
            }
            // Rejects and filtered rows count as well: the next run would meet them again.
            self.halfway |= counts.read > 0;
            self.counts.add(&counts);
            self.keep_rejects(&mut lane.rejects, first_record + lane.first_row as u64)?;
            if !lane.done {
                break;
            }
            slot.written += 1;
        }
        if slot.unfinished {
            return Ok(());
        }
        self.halfway = false;
        self.commit(slot.position.take(), Commit::Grouped)
    }

    fn commit(&mut self, position: Option<Position>, when: Commit) -> Result<()> {
        if position.is_some() {
            self.position = position;
        }
        let mut counts = self.before.counts;
        counts.add(&self.counts);
        // What was dropped is read again by the next run.
        counts.read -= self.counts.abandoned;
        counts.abandoned -= self.counts.abandoned;
        let checkpoint = Checkpoint {
            position: self.position.clone().filter(|_| self.ordered),
            counts,
            source: self.before.source.clone(),
            finished: false,
            epoch: self.before.epoch,
        };
        if self.outlet.commit(&checkpoint, when)? == Durability::Stored {
            self.stored = self.counts;
        }
        Ok(())
    }

    /// The error of a batch with so many rejects that they are too many in all.
    fn too_many_rejects(&self, more: u64) -> Option<Error> {
        let (all, max) = (self.counts.rejected + more, self.policy.max());
        if self.policy.stops() || all <= max {
            return None;
        }
        let message = format!(
            "{all} rows were rejected, those of the batch at hand included, more than the {max} allowed"
        );
        Some(Error::new(ErrorKind::RejectLimit, message))
    }

    fn keep_rejects(
        &mut self,
        rejects: &mut smallvec::SmallVec<[Rejected; 2]>,
        first_record: u64,
    ) -> Result<()> {
        let too_many = self.too_many_rejects(0);
        let mut last = None;
        for rejected in rejects.drain(..) {
            let record = self.ordered.then_some(first_record + rejected.row as u64);
            let Rejected { error, origin, raw, .. } = rejected;
            let place = too_many.as_ref().map(|_| origin.clone());
            self.keep(&Reject::new(&error, origin, record, raw))?;
            last = place.map(|place| error.at(place));
        }
        match too_many {
            Some(error) => Err(because_of(error, last)),
            None => Ok(()),
        }
    }

    fn keep(&mut self, reject: &Reject) -> Result<()> {
        match &self.policy {
            RejectPolicy::DeadLetter { sink, .. } => {
                guarded("the dead letter sink", || sink.lock().write(reject))
            }
            RejectPolicy::WithData { .. } => self.outlet.keep_reject(reject),
            RejectPolicy::Stop | RejectPolicy::Skip { .. } => Ok(()),
        }
    }

    /// Ends the run: finishes, commits what is contiguous, or takes back, as it deserves.
    /// `exhausted` says that the source had nothing more to give.
    pub(super) fn end(mut self, exhausted: bool) -> Drained {
        let all_written = exhausted && !self.broken && self.counts.abandoned == 0;
        // Decided once: a cancel that comes later finds a finished run.
        let cancelled = self.control.close(all_written);
        let began = self.clock.sink.begin();
        if self.broken || self.control.has_failed() || (cancelled && self.halfway) {
            self.take_back();
        } else if cancelled {
            if let Err(error) = self.commit(None, Commit::Now) {
                self.control.fail(self.next, error.in_stage(Stage::Sink));
                self.take_back();
            }
        } else {
            match self.outlet.finish() {
                Ok(()) => self.stored = self.counts,
                Err(error) => self.control.fail(self.next, error.in_stage(Stage::Sink)),
            }
        }
        self.clock.sink.end(began);
        if let RejectPolicy::DeadLetter { sink, .. } = &self.policy
            && let Err(error) = guarded("the dead letter sink", || sink.lock().finish())
        {
            self.control.fail(self.next, error.in_stage(Stage::Sink));
        }
        let mut counts = self.stored;
        counts.read = self.counts.read;
        counts.abandoned = counts.read - counts.loaded - counts.rejected - counts.filtered;
        Drained {
            counts,
            before: self.before.counts,
            batches: self.settled,
            retries: self.outlet.retries,
        }
    }

    fn take_back(&mut self) {
        if self.outlet.abort() == Durability::Stored {
            self.stored = self.counts;
        }
    }
}

/// An error with the last reject that led to it.
fn because_of(error: Error, last: Option<Error>) -> Error {
    match last {
        Some(last) => error.caused_by(last),
        None => error,
    }
}
