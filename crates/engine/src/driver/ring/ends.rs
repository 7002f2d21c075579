//! The two ends of the ring: who asks the source, and who calls the sink.

use super::{BoxedSlot, Done, Drains, FILLING, HELP, Ring, deeper};
use crate::driver::drain::Drain;
use crate::driver::feed::Fed;
use crate::driver::slot::Slot;
use crate::driver::sync::{PoolScope, fence, yield_now};
use crate::sink::Sink;
use crate::source::Source;
use crate::stage::Transform;
use std::sync::atomic::Ordering::{Relaxed, SeqCst};
use std::time::Instant;

impl<'r, S: Source, T: Transform<S::Batch, K>, K: Sink> Ring<'r, S, T, K> {
    pub(super) fn feed_or_help<'s>(&'s self, scope: &PoolScope<'s>) {
        if !self.self_feeding {
            self.wake(scope);
            return self.feed_until_end(scope);
        }
        // This thread is one of the workers for a while: a pool that sleeps takes as long to wake as
        // a small job takes to do. Not for long, since what a transform asks of rayon on this thread
        // does not run in the pool.
        let began = Instant::now();
        let entered = self.enter();
        for _ in 1..self.control.limit {
            self.wake(scope);
        }
        let mut ended_ns = None;
        while entered && began.elapsed() < HELP {
            let Some(slot) = self.next() else { break };
            ended_ns = Some(self.process(slot, None, ended_ns, scope));
        }
        if entered {
            self.control.active.fetch_sub(1, SeqCst);
        }
        self.wake(scope);
    }

    pub(super) fn feed_until_end<'s>(&'s self, scope: &PoolScope<'s>) {
        // What it costs to hand a batch over counts as part of making one, for the adaptive model.
        let mut overhead_ns = 0;
        loop {
            let mut slot = match self.free.try_recv() {
                Some(slot) => slot,
                None => {
                    let began = Instant::now();
                    let slot = self.free.recv();
                    self.clock.source.waited(began.elapsed());
                    slot
                }
            };
            let fed = loop {
                match self.fill(&mut slot) {
                    Fed::Nothing => continue,
                    fed => break fed,
                }
            };
            if fed == Fed::Batch {
                slot.sample.fill_ns += overhead_ns;
                let began = Instant::now();
                self.ready.send(slot);
                self.wake(scope);
                overhead_ns = began.elapsed().as_nanos() as u64;
            } else {
                self.free.send(slot);
                return;
            }
        }
    }

    /// Both ends on this thread: what is done goes before what could be begun, and this waits only
    /// where nothing could be begun.
    pub(super) fn feed_and_drain<'s>(&'s self, scope: &PoolScope<'s>) {
        if self.self_feeding {
            for _ in 0..self.control.limit {
                self.wake(scope);
            }
            return self.drain_until_end(scope);
        }
        self.wake(scope);
        loop {
            let mut slot = loop {
                while let Some(message) = self.done.try_recv() {
                    self.take_done(message, scope);
                }
                if let Some(slot) = self.free.try_recv() {
                    break slot;
                }
                let began = Instant::now();
                let message = self.done.recv();
                self.clock.sink.waited(began.elapsed());
                self.take_done(message, scope);
            };
            match self.fill(&mut slot) {
                Fed::Batch => {
                    self.ready.send(slot);
                    self.wake(scope);
                }
                Fed::Nothing => self.free.send(slot),
                Fed::Ended => {
                    self.free.send(slot);
                    return self.drain_until_end(scope);
                }
            }
        }
    }

    /// Gives a slot to the drain; that the source has ended, this thread knows.
    fn take_done<'s>(&'s self, message: Done<BoxedSlot<S, K>>, scope: &PoolScope<'s>) {
        if let Done::Slot(slot) = message {
            self.accept(&mut self.drain.lock(), slot, scope);
        }
    }

    /// Asks the source for the next batch, and tells the drain when there is none.
    pub(super) fn fill(&self, slot: &mut Slot<S::Batch, K::Page>) -> Fed {
        let mut feed = self.feed.lock();
        let already_ended = feed.has_ended();
        let ring = std::ptr::from_ref(self).addr();
        FILLING.with(|rings| rings.borrow_mut().push(ring));
        let fed = deeper(|| feed.fill(slot, None));
        FILLING.with(|rings| rings.borrow_mut().pop());
        self.issued.store(feed.issued(), SeqCst);
        if feed.has_ended() && (!already_ended || !self.ended.load(SeqCst)) {
            self.ended.store(true, SeqCst);
            if self.drains != Drains::Workers {
                self.done.send(Done::Ended);
            }
        }
        fed
    }

    pub(super) fn deliver<'s>(&'s self, slot: BoxedSlot<S, K>, scope: &PoolScope<'s>) {
        self.done.send(Done::Slot(slot));
        if self.drains != Drains::Workers {
            return;
        }
        loop {
            // Pairs with the one below: a worker that finds the drain taken has sent before the
            // holder's last look, so the holder sees its slot.
            fence(SeqCst);
            let Some(mut drain) = self.drain.try_lock() else {
                return;
            };
            while let Some(Done::Slot(slot)) = self.done.try_recv() {
                self.accept(&mut drain, slot, scope);
            }
            drop(drain);
            fence(SeqCst);
            if self.done.is_empty() {
                return;
            }
        }
    }

    pub(super) fn drain_until_end<'s>(&'s self, scope: &PoolScope<'s>) {
        let mut drain = self.drain.lock();
        // Where this thread fed as well it may have taken that message already.
        let mut ended = self.ended.load(SeqCst);
        while !(ended && drain.settled() == self.issued.load(SeqCst)) {
            let message = match self.done.try_recv() {
                Some(message) => message,
                None => {
                    let began = Instant::now();
                    let message = self.done.recv();
                    self.clock.sink.waited(began.elapsed());
                    message
                }
            };
            match message {
                Done::Slot(slot) => self.accept(&mut drain, slot, scope),
                Done::Ended => ended = true,
            }
        }
    }

    pub(super) fn accept<'s>(
        &'s self,
        drain: &mut Drain<'r, K, S::Batch>,
        slot: BoxedSlot<S, K>,
        scope: &PoolScope<'s>,
    ) {
        drain.accept(slot, |slot| {
            if slot.unfinished {
                self.ready.send(slot);
                self.wake(scope);
            } else {
                self.free.send(slot);
                if self.self_feeding {
                    self.wake(scope);
                }
            }
        });
        self.settled.store(drain.settled(), SeqCst);
        self.control.steps.fetch_add(1, Relaxed);
    }

    /// Stays awake for the last batches: to be woken costs more than they do.
    pub(super) fn linger(&self) {
        for _ in 0..64 {
            let done = self.ended.load(SeqCst)
                && self.settled.load(SeqCst) == self.issued.load(SeqCst)
                && self.control.active.load(SeqCst) == 0;
            if done {
                return;
            }
            yield_now();
        }
    }
}
