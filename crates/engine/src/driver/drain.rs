//! The draining end: puts batches back in order and gives their pages to the sink.

use super::clock::Clock;
use super::control::Control;
use super::panic_message;
use super::slot::{Rejected, Slot};
use crate::batch::Batch;
use crate::error::{Class, Error, ErrorKind, Origin, Result, Stage};
use crate::options::{Options, Order, Retry};
use crate::position::{Checkpoint, Counts, Position};
use crate::reject::{Reject, RejectPolicy};
use crate::sink::{Commit, Durability, Sink};
use std::panic::{AssertUnwindSafe, catch_unwind};

#[derive(Debug)]
pub(super) struct Drain<'r, K: Sink, B> {
    sink: &'r mut K,
    control: &'r Control,
    clock: &'r Clock,
    policy: RejectPolicy,
    retry: Retry,
    ordered: bool,
    /// Slots that came before their turn, at `seq % window.len()`.
    window: Vec<Option<Box<Slot<B, K::Page>>>>,
    /// Sequence number of the batch whose turn it is.
    next: u64,
    counts: Counts,
    /// What of it would survive: moves up with each commit.
    stored: Counts,
    position: Option<Position>,
    /// Batches that have come back, whatever became of them.
    settled: u64,
    retries: u64,
    faults: Vec<(usize, Error)>,
    /// Bytes beyond which a recycled buffer is given back.
    keep_bytes: usize,
}

/// What a run came to, as its sink saw it.
#[derive(Debug)]
pub(super) struct Drained {
    pub(super) counts: Counts,
    pub(super) batches: u64,
    pub(super) retries: u64,
}

impl<'r, K: Sink, B: Batch> Drain<'r, K, B> {
    pub(super) fn new(
        sink: &'r mut K,
        control: &'r Control,
        clock: &'r Clock,
        options: &Options,
        slots: usize,
        keep_bytes: usize,
    ) -> Self {
        Drain {
            sink,
            control,
            clock,
            policy: options.on_reject.clone(),
            retry: options.retry,
            ordered: options.order == Order::Ordered,
            window: (0..slots).map(|_| None).collect(),
            next: 0,
            counts: Counts::default(),
            stored: Counts::default(),
            position: None,
            settled: 0,
            retries: 0,
            faults: Vec::new(),
            keep_bytes,
        }
    }

    /// Batches that have come back.
    pub(super) fn settled(&self) -> u64 {
        self.settled
    }

    /// Takes a slot that has been through a worker, and gives back every slot whose turn has come.
    pub(super) fn accept(
        &mut self,
        slot: Box<Slot<B, K::Page>>,
        mut give_back: impl FnMut(Box<Slot<B, K::Page>>),
    ) {
        if !self.ordered {
            let mut slot = slot;
            self.settle(&mut slot);
            give_back(slot);
            return;
        }
        // No more slots than places are in flight, and their sequence numbers follow on each other.
        let place = (slot.seq % self.window.len() as u64) as usize;
        self.window[place] = Some(slot);
        loop {
            let place = (self.next % self.window.len() as u64) as usize;
            let Some(mut slot) = self.window[place].take() else {
                return;
            };
            self.settle(&mut slot);
            give_back(slot);
        }
    }

    /// Writes what a slot holds, or drops it after a failure, and makes the slot ready for its next
    /// use: another batch, or the rest of this one.
    pub(super) fn settle(&mut self, slot: &mut Slot<B, K::Page>) {
        slot.sample.bytes = slot.used().iter().map(|lane| lane.bytes()).sum();
        slot.sample.rows += slot.used().iter().map(|lane| lane.counts.read).sum::<u64>();
        let began = self.clock.sink.begin();
        if let Err(error) = self.store(slot) {
            let stage = if error.kind() == ErrorKind::RejectLimit {
                Stage::Transform
            } else {
                Stage::Sink
            };
            self.control
                .fail(slot.seq, error.in_stage(stage).in_batch(slot.seq));
        }
        slot.sample.write_ns += self.clock.sink.end(began);
        if slot.unfinished && !self.control.has_failed() && !self.control.is_dropping() {
            slot.used_mut().iter_mut().for_each(|lane| lane.settle());
            return;
        }
        let keep_bytes = self.keep_bytes;
        if catch_unwind(AssertUnwindSafe(|| slot.recycle(keep_bytes))).is_err() {
            // A record's destructor panicked; what is left of the buffers is not to be trusted.
            *slot = *Slot::new();
        }
        self.next += 1;
        self.settled += 1;
    }

    fn store(&mut self, slot: &mut Slot<B, K::Page>) -> Result<()> {
        let seq = slot.seq;
        let failed = slot
            .used_mut()
            .iter_mut()
            .find_map(|lane| lane.error.take());
        if let Some(error) = failed
            && error.kind() != ErrorKind::Cancelled
        {
            self.control.fail(seq, error.in_batch(seq));
        }
        if self.control.has_failed() || self.control.is_dropping() {
            // A batch is written whole or not at all.
            let read: u64 = slot.used().iter().map(|lane| lane.counts.read).sum();
            self.counts.read += read;
            self.counts.abandoned += read;
            return Ok(());
        }
        for lane in slot.used_mut() {
            let before = self.counts.read;
            let mut counts = lane.counts;
            if counts.emitted > 0 {
                if let Err(error) = self.write(&mut lane.page) {
                    self.counts.read += counts.read;
                    self.counts.abandoned += counts.read;
                    return Err(error);
                }
                let faults = (self.faults.len() as u64).min(counts.loaded);
                counts.loaded -= faults;
                counts.rejected += faults;
            }
            self.counts.add(&counts);
            self.reject(&mut lane.rejects, before)?;
        }
        if slot.unfinished {
            return Ok(());
        }
        self.commit(slot.position.take(), Commit::Grouped)
    }

    /// Writes a page, again and again while it fails in passing; collects the rows that the sink
    /// itself refused.
    fn write(&mut self, page: &mut K::Page) -> Result<()> {
        self.faults.clear();
        let mut attempt = 0;
        loop {
            let written = guarded("the sink", || self.sink.write(page));
            match written {
                Ok(()) => {
                    let Drain { sink, faults, .. } = self;
                    return guarded("the sink", || {
                        sink.take_faults(faults);
                        Ok(())
                    });
                }
                Err(error) => attempt = self.pause(attempt, error)?,
            }
        }
    }

    fn commit(&mut self, position: Option<Position>, when: Commit) -> Result<()> {
        if position.is_some() {
            self.position = position;
        }
        let checkpoint = Checkpoint {
            position: self.position.clone().filter(|_| self.ordered),
            counts: self.counts,
            epoch: 0,
        };
        let mut attempt = 0;
        loop {
            match guarded("the sink", || self.sink.commit(&checkpoint, when)) {
                Ok(Durability::Stored) => {
                    self.stored = self.counts;
                    return Ok(());
                }
                Ok(Durability::Pending) => return Ok(()),
                Err(error) => attempt = self.pause(attempt, error)?,
            }
        }
    }

    /// Waits before the next attempt, or passes on an error that can't be retried (any more).
    fn pause(&mut self, attempt: u32, error: Error) -> Result<u32> {
        if error.class() != Class::Transient
            || attempt >= self.retry.attempts
            || self.control.is_dropping()
        {
            return Err(error);
        }
        let longest = self
            .retry
            .initial
            .saturating_mul(1 << attempt.min(20))
            .min(self.retry.max);
        let pause = longest.mul_f64(fastrand::f64());
        tracing::debug!(attempt, ?pause, %error, "a sink call is tried again");
        // In short naps, so that a cancel is not slept through.
        let naps = pause.as_nanos().div_ceil(10_000_000) as u32;
        for _ in 0..naps {
            if self.control.is_dropping() {
                return Err(error);
            }
            std::thread::sleep(pause / naps);
            self.control.enforce_grace();
        }
        self.retries += 1;
        Ok(attempt + 1)
    }

    fn reject(
        &mut self,
        rejects: &mut smallvec::SmallVec<[Rejected; 2]>,
        before: u64,
    ) -> Result<()> {
        let stored = self.counts.rejected;
        for rejected in rejects.drain(..) {
            let record = self.ordered.then_some(before + rejected.row as u64);
            self.keep(&Reject::new(
                &rejected.error,
                rejected.origin,
                record,
                rejected.raw,
            ))?;
        }
        for (_, error) in std::mem::take(&mut self.faults) {
            let error = error.in_stage(Stage::Sink);
            if self.policy.stops() {
                return Err(error);
            }
            self.keep(&Reject::new(&error, Origin::default(), None, Vec::new()))?;
        }
        if !self.policy.stops() && stored > self.policy.max() {
            return Err(Error::new(
                ErrorKind::RejectLimit,
                format!(
                    "{stored} rows were rejected, more than the {} allowed",
                    self.policy.max()
                ),
            ));
        }
        Ok(())
    }

    fn keep(&mut self, reject: &Reject) -> Result<()> {
        match &self.policy {
            RejectPolicy::DeadLetter { sink, .. } => {
                guarded("the dead letter sink", || sink.lock().write(reject))
            }
            _ => Ok(()),
        }
    }

    /// Ends the run: finishes, commits what is contiguous, or takes back, as it deserves.
    pub(super) fn end(mut self) -> Drained {
        if !self.control.has_failed() {
            let ended = if self.control.is_cancelled() {
                self.commit(None, Commit::Now)
            } else {
                guarded("the sink", || self.sink.finish())
            };
            match ended {
                Ok(()) if !self.control.is_cancelled() => self.stored = self.counts,
                Ok(()) => {}
                Err(error) => self.control.fail(self.next, error.in_stage(Stage::Sink)),
            }
        } else {
            let _ = guarded("the sink", || {
                self.sink.abort();
                Ok(())
            });
        }
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
            batches: self.settled,
            retries: self.retries,
        }
    }
}

/// Calls user code; a panic becomes an error.
fn guarded<R>(who: &str, call: impl FnOnce() -> Result<R>) -> Result<R> {
    catch_unwind(AssertUnwindSafe(call)).unwrap_or_else(|panic| {
        Err(Error::new(
            ErrorKind::Panic,
            format!("{who} panicked: {}", panic_message(&*panic)),
        ))
    })
}
