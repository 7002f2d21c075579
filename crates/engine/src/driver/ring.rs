//! The parallel run: slots go around, workers take them as they come.

mod ends;

use super::clock::Clock;
use super::control::Control;
use super::drain::Drain;
use super::feed::{Fed, Feed};
use super::outlet::{drop_guarded, guarded};
use super::pool::not_started;
use super::slot::Slot;
use super::sync::{
    AtomicBool, AtomicU64, Channel, Mutex, PoolScope, fence, spawn_scoped, thread_local,
    thread_scope, worker_index, yield_worker,
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

/// Who calls the sink.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Drains {
    /// A thread of its own.
    Thread,
    /// The workers: a call takes no time.
    Workers,
    /// The caller's thread, in turns with the source.
    Caller,
}

impl Drains {
    pub(super) fn of<K: Sink>(sink: &K) -> Self {
        match (sink.stays_on_caller(), sink.may_block()) {
            (true, _) => Drains::Caller,
            (false, true) => Drains::Thread,
            (false, false) => Drains::Workers,
        }
    }
}

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
    drains: Drains,
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
    pub(super) drains: Drains,
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
            match guarded("the default of a batch or page", || Ok(Slot::new())) {
                Ok(slot) => free.send(slot),
                Err(error) => start.control.fail(u64::MAX, error),
            }
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
            drains: start.drains,
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
        if self.drains == Drains::Workers {
            self.feed_or_help(scope);
            self.linger();
            return;
        }
        if self.drains == Drains::Caller {
            self.feed_and_drain(scope);
            return;
        }
        thread_scope(|threads| {
            let drainer = match spawn_scoped(threads, || self.drain_until_end(scope)) {
                Ok(drainer) => drainer,
                Err(error) => {
                    // Nothing more is read; what is in the ring already is settled here.
                    self.control.fail(u64::MAX, not_started(error));
                    return self.feed_and_drain(scope);
                }
            };
            self.feed_or_help(scope);
            // As in the monitor: a scope does not wait until a thread is gone.
            if let Err(panic) = drainer.join() {
                std::panic::resume_unwind(panic);
            }
        });
    }

    pub(super) fn into_parts(self) -> (Feed<'r, S>, Drain<'r, K, S::Batch>) {
        // The destructors of the values in the slots are user code.
        while let Some(slot) = self.free.try_recv() {
            if let Err(error) = slot.drop_values() {
                self.control.fail(u64::MAX, error);
            }
        }
        let Ring { work, feed, drain, control, .. } = self;
        if let Err(error) = drop_guarded(work) {
            control.fail(u64::MAX, error);
        }
        (feed.into_inner(), drain.into_inner())
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
        // While batches wait for the sink, a quicker one would only wait longer, and each piece is one more
        // page for it.
        let sink_is_behind = !self.done.is_empty();
        if idle == 0 || batch_ns < 2.0 * PIECE_NS || sink_is_behind || self.has_work() {
            return 1;
        }
        (idle + 1).min((batch_ns / PIECE_NS) as usize).min(rows)
    }
}
