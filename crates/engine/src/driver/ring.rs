//! The parallel run: slots go around, workers take them as they come.

use super::clock::Clock;
use super::control::Control;
use super::drain::Drain;
use super::feed::{Fed, Feed};
use super::outlet::guarded;
use super::slot::Slot;
use super::sync::{
    AtomicBool, AtomicU64, Channel, Mutex, PoolScope, fence, thread_local, thread_scope,
    worker_index, yield_now, yield_worker,
};
use super::work::Work;
use crate::batch::Batch;
use crate::sink::Sink;
use crate::source::Source;
use crate::stage::Transform;
use std::cell::{Cell, RefCell};
use std::sync::atomic::Ordering::{Relaxed, SeqCst};
use std::time::{Duration, Instant};

/// How long a worker stays with one pipeline while others wait for the pool.
const TURN: Duration = if cfg!(shuttle) { Duration::ZERO } else { Duration::from_millis(1) };
/// How long the caller's thread stands in for a worker.
const HELP: Duration = Duration::from_micros(500);
/// A batch is worth cutting when each piece keeps a worker busy for this long, ns.
const PIECE_NS: f64 = 50_000.0;

thread_local! {
    /// Batches that this thread is in the middle of. More than 0 when a chain starts: the thread
    /// waits inside a transform (a nested rayon call) and has been given this chain meanwhile.
    #[cfg_attr(not(shuttle), allow(clippy::missing_const_for_thread_local))]
    static DEPTH: Cell<usize> = Cell::new(0);
    /// The rings, by address, in whose source's `fill` this thread is.
    #[cfg_attr(not(shuttle), allow(clippy::missing_const_for_thread_local))]
    static FILLING: RefCell<Vec<usize>> = RefCell::new(Vec::new());
}

/// Calls what may be given other chains to run meanwhile. It must not panic.
fn deeper<R>(work: impl FnOnce() -> R) -> R {
    DEPTH.with(|depth| depth.set(depth.get() + 1));
    let result = work();
    DEPTH.with(|depth| depth.set(depth.get() - 1));
    result
}

type BoxedSlot<S, K> = Box<Slot<<S as Source>::Batch, <K as Sink>::Page>>;

/// What comes to the drain.
enum Done<T> {
    Slot(T),
    /// The source has ended; all batches that it gave have been issued.
    Ended,
}

pub(super) struct Ring<'r, S: Source, T, K: Sink> {
    work: Work<'r, T, K::Encoder>,
    feed: Mutex<Feed<'r, S>>,
    drain: Mutex<Drain<'r, K, S::Batch>>,
    control: &'r Control,
    clock: &'r Clock,
    /// Empty slots.
    free: Channel<BoxedSlot<S, K>>,
    /// Filled slots, and those that want another turn.
    ready: Channel<BoxedSlot<S, K>>,
    /// Slots that have been through a worker. It has a place for every slot, so that a worker's
    /// send can't block.
    done: Channel<Done<BoxedSlot<S, K>>>,
    /// The workers ask the source themselves.
    self_feeding: bool,
    /// The workers call the sink themselves.
    self_draining: bool,
    ended: AtomicBool,
    issued: AtomicU64,
    settled: AtomicU64,
    /// Pieces of one batch; 0 is automatic.
    pieces: usize,
    /// Other pipelines share the pool.
    shares_pool: &'r (dyn Fn() -> bool + Sync),
    /// Transforms behave as if they called rayon.
    #[cfg(shuttle)]
    nests: bool,
}

/// What the parallel run starts from.
pub(super) struct Start<'r, S: Source, T, K: Sink> {
    pub(super) work: Work<'r, T, K::Encoder>,
    pub(super) feed: Feed<'r, S>,
    pub(super) drain: Drain<'r, K, S::Batch>,
    pub(super) control: &'r Control,
    pub(super) clock: &'r Clock,
    pub(super) slots: usize,
    pub(super) first: BoxedSlot<S, K>,
    pub(super) first_is_filled: bool,
    pub(super) self_feeding: bool,
    pub(super) self_draining: bool,
    pub(super) pieces: usize,
    pub(super) shares_pool: &'r (dyn Fn() -> bool + Sync),
}

impl<'r, S: Source, T: Transform<S::Batch, K>, K: Sink> Ring<'r, S, T, K> {
    pub(super) fn new(start: Start<'r, S, T, K>) -> Self {
        let slots = start.slots;
        let free = Channel::bounded(slots);
        let issued = start.feed.issued();
        let settled = start.drain.settled();
        let ready = Channel::bounded(slots);
        if start.first_is_filled { &ready } else { &free }.send(start.first);
        for _ in 1..slots {
            free.send(Slot::new());
        }
        Ring {
            work: start.work,
            feed: Mutex::new(start.feed),
            drain: Mutex::new(start.drain),
            control: start.control,
            clock: start.clock,
            free,
            ready,
            done: Channel::bounded(slots + 1),
            self_feeding: start.self_feeding,
            self_draining: start.self_draining,
            ended: AtomicBool::new(false),
            issued: AtomicU64::new(issued),
            settled: AtomicU64::new(settled),
            pieces: start.pieces,
            #[cfg(shuttle)]
            nests: (start.shares_pool)(),
            shares_pool: start.shares_pool,
        }
    }

    /// Runs until the source has ended and every slot has come back. The caller's thread feeds, or
    /// helps until the workers have arrived.
    pub(super) fn run<'s>(&'s self, scope: &PoolScope<'s>) {
        // The feeder stays on the caller's thread on purpose. Inside the pool it would hold a
        // worker while it waits for a free slot, and with one worker nothing could ever free one.
        if self.self_draining {
            self.feed_or_help(scope);
            self.linger();
            return;
        }
        thread_scope(|threads| {
            threads.spawn(|| self.drain_until_end(scope));
            self.feed_or_help(scope);
        });
    }

    pub(super) fn into_parts(self) -> (Feed<'r, S>, Drain<'r, K, S::Batch>) {
        // The destructors of the values in the slots are user code.
        let emptied = guarded("a value's destructor", || {
            while let Some(slot) = self.free.try_recv() {
                drop(slot);
            }
            Ok(())
        });
        if let Err(error) = emptied {
            self.control.fail(u64::MAX, error);
        }
        (self.feed.into_inner(), self.drain.into_inner())
    }

    fn feed_or_help<'s>(&'s self, scope: &PoolScope<'s>) {
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

    fn feed_until_end<'s>(&'s self, scope: &PoolScope<'s>) {
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

    /// Asks the source for the next batch, and tells the drain when there is none.
    fn fill(&self, slot: &mut Slot<S::Batch, K::Page>) -> Fed {
        let mut feed = self.feed.lock();
        let already_ended = feed.has_ended();
        let ring = std::ptr::from_ref(self).addr();
        FILLING.with(|rings| rings.borrow_mut().push(ring));
        let fed = deeper(|| feed.fill(slot, None));
        FILLING.with(|rings| rings.borrow_mut().pop());
        self.issued.store(feed.issued(), SeqCst);
        if feed.has_ended() && (!already_ended || !self.ended.load(SeqCst)) {
            self.ended.store(true, SeqCst);
            if !self.self_draining {
                self.done.send(Done::Ended);
            }
        }
        fed
    }

    /// The next slot that wants a worker: one that was filled by the feeder or, where workers feed
    /// themselves, one that this call fills.
    fn next(&self) -> Option<BoxedSlot<S, K>> {
        if let Some(slot) = self.ready.try_recv() {
            return Some(slot);
        }
        if !self.self_feeding || self.ended.load(SeqCst) {
            return None;
        }
        let mut slot = self.free.try_recv()?;
        loop {
            match self.fill(&mut slot) {
                Fed::Batch => return Some(slot),
                Fed::Nothing => {}
                Fed::Ended => {
                    self.free.send(slot);
                    return None;
                }
            }
        }
    }

    fn has_work(&self) -> bool {
        !self.ready.is_empty()
            || (self.self_feeding && !self.ended.load(SeqCst) && !self.free.is_empty())
    }

    /// Starts one more chain if there is work and a worker may be free for it.
    fn wake<'s>(&'s self, scope: &PoolScope<'s>) {
        // Pairs with the fence in `chain`: either the chain that ends there sees the work that was
        // made before this fence, or this sees that it has ended.
        fence(SeqCst);
        if self.has_work() && self.enter() {
            scope.spawn_fifo(move |scope| self.chain(scope));
        }
    }

    fn enter(&self) -> bool {
        self.control
            .active
            .fetch_update(SeqCst, SeqCst, |active| {
                (active < self.control.limit).then_some(active + 1)
            })
            .is_ok()
    }

    /// One worker's turn: takes slots while there are any, and ends rather than wait for one.
    fn chain<'s>(&'s self, scope: &PoolScope<'s>) {
        let ring = std::ptr::from_ref(self).addr();
        if FILLING.with(|rings| rings.borrow().contains(&ring)) {
            // On top of this ring's own `fill`, whose source uses rayon: the lock is this thread's.
            // The chain below takes the work when it is done.
            self.control.active.fetch_sub(1, SeqCst);
            return;
        }
        let nested = DEPTH.with(Cell::get) > 0;
        let began = Instant::now();
        let mut turn_ends = TURN;
        loop {
            let mut ended_ns = None;
            while let Some(slot) = self.next() {
                ended_ns = Some(self.process(slot, worker_index(), ended_ns, scope));
                if (nested || (self.shares_pool)()) && began.elapsed() > turn_ends {
                    // What is given to this thread now runs on top of this chain, and must come to
                    // an end before its own pipeline does: it is nested.
                    deeper(yield_worker);
                    if nested {
                        // What lies below goes first: a batch that others may wait for, or a chain.
                        scope.spawn_fifo(move |scope| self.chain(scope));
                        return;
                    }
                    turn_ends = began.elapsed() + TURN;
                }
            }
            self.control.active.fetch_sub(1, SeqCst);
            fence(SeqCst);
            if !self.has_work() || !self.enter() {
                return;
            }
        }
    }

    /// Transforms a filled slot and delivers it. Takes and answers when this thread was done with a
    /// batch, ns: what lies between two batches counts as part of the second.
    fn process<'s>(
        &'s self,
        mut slot: BoxedSlot<S, K>,
        worker: Option<usize>,
        ended_ns: Option<u64>,
        scope: &PoolScope<'s>,
    ) -> u64 {
        let clock = self.clock.worker(worker);
        let began = clock.begin();
        let visited = slot.visited();
        self.control.enforce_grace();
        #[cfg(shuttle)]
        if worker.is_some() && self.nests {
            deeper(|| scope.run_one(false));
        }
        deeper(|| {
            self.work.guarded_turn::<S::Batch, K>(&mut slot, |slot| {
                if worker.is_some() { self.pieces_for(slot) } else { 1 }
            });
        });
        clock.count_rows(slot.visited() - visited);
        if slot.used().iter().any(|lane| lane.error.is_some()) {
            self.control.stop_feeding();
        }
        let took = clock.end(began);
        slot.sample.work_ns += took + ended_ns.map_or(0, |ended| began.at_ns.saturating_sub(ended));
        self.control.steps.fetch_add(1, Relaxed);
        self.deliver(slot, scope);
        began.at_ns + took
    }

    /// How many workers should share this batch.
    fn pieces_for(&self, slot: &Slot<S::Batch, K::Page>) -> usize {
        let rows = slot.lanes[0].batch.len();
        // A batch that has been begun goes on in one piece: its pages are in order.
        if self.pieces == 1 || rows < 2 || slot.lanes[0].visited > 0 {
            return 1;
        }
        if self.pieces > 1 {
            return self.pieces.min(rows);
        }
        let idle = self.control.limit.saturating_sub(self.control.active.load(Relaxed));
        // Unknown rows count as light: the first batches find out.
        let row_ns = Some(self.control.row_ns()).filter(|ns| *ns < u64::MAX).unwrap_or(0);
        let batch_ns = row_ns as f64 * rows as f64;
        if idle == 0 || batch_ns < 2.0 * PIECE_NS || self.has_work() {
            return 1;
        }
        (idle + 1).min((batch_ns / PIECE_NS) as usize).min(rows)
    }

    fn deliver<'s>(&'s self, slot: BoxedSlot<S, K>, scope: &PoolScope<'s>) {
        self.done.send(Done::Slot(slot));
        if !self.self_draining {
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

    fn drain_until_end<'s>(&'s self, scope: &PoolScope<'s>) {
        let mut drain = self.drain.lock();
        let mut ended = false;
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

    fn accept<'s>(
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
    fn linger(&self) {
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
