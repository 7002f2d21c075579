//! Where the time goes: per stage, relaxed, read by progress and the watchdog while it runs.

use crossbeam_utils::CachePadded;
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};
use std::time::{Duration, Instant};

/// Times and counts of one run.
#[derive(Debug)]
pub(super) struct Clock {
    pub(super) started: Instant,
    pub(super) source: StageClock,
    pub(super) sink: StageClock,
    /// One for each worker and, last, one for the caller's thread.
    pub(super) workers: Box<[CachePadded<StageClock>]>,
    bytes_read: AtomicU64,
}

/// One thread's or stage's time.
#[derive(Debug)]
pub(super) struct StageClock {
    run_started: Instant,
    busy_ns: AtomicU64,
    waiting_ns: AtomicU64,
    rows: AtomicU64,
    /// When the present piece of work began, ns from the start of the run; 0 while there is none.
    since_ns: AtomicU64,
}

/// A piece of work that has begun.
#[derive(Debug, Clone, Copy)]
pub(super) struct Began {
    /// ns from the start of the run.
    pub(super) at_ns: u64,
    /// When the work around it began; 0 when there is none.
    outer_ns: u64,
}

impl Clock {
    pub(super) fn new(workers: usize) -> Self {
        let started = Instant::now();
        let clock = || StageClock {
            run_started: started,
            busy_ns: AtomicU64::new(0),
            waiting_ns: AtomicU64::new(0),
            rows: AtomicU64::new(0),
            since_ns: AtomicU64::new(0),
        };
        Clock {
            started,
            source: clock(),
            sink: clock(),
            workers: (0..=workers).map(|_| CachePadded::new(clock())).collect(),
            bytes_read: AtomicU64::new(0),
        }
    }

    /// The clock of this thread, which is worker `index` or the caller's.
    pub(super) fn worker(&self, index: Option<usize>) -> &StageClock {
        let caller = self.workers.len() - 1;
        &self.workers[index.map_or(caller, |index| index.min(caller))]
    }

    pub(super) fn bytes_read(&self, bytes: u64) {
        self.bytes_read.store(bytes, Relaxed);
    }

    pub(super) fn bytes(&self) -> u64 {
        self.bytes_read.load(Relaxed)
    }

    pub(super) fn rows(&self) -> u64 {
        self.workers.iter().map(|worker| worker.rows.load(Relaxed)).sum()
    }

    pub(super) fn work_busy(&self) -> Duration {
        self.workers.iter().map(|worker| worker.busy()).sum()
    }
}

impl StageClock {
    /// Begins a piece of work, which [`end`](Self::end) ends. It may lie within another one of the
    /// same thread.
    pub(super) fn begin(&self) -> Began {
        self.begin_at(self.now())
    }

    /// As [`begin`](Self::begin) at a time that is known, ns from the start of the run: a look at
    /// the clock takes as long as two light rows.
    pub(super) fn begin_at(&self, at_ns: u64) -> Began {
        Began { at_ns, outer_ns: self.since_ns.swap(at_ns, Relaxed) }
    }

    /// Ends it and answers how long it took, ns.
    pub(super) fn end(&self, began: Began) -> u64 {
        let took = self.now().saturating_sub(began.at_ns);
        self.busy_ns.fetch_add(took, Relaxed);
        self.since_ns.store(began.outer_ns, Relaxed);
        took
    }

    pub(super) fn waited(&self, time: Duration) {
        self.waiting_ns.fetch_add(time.as_nanos() as u64, Relaxed);
    }

    pub(super) fn count_rows(&self, rows: u64) {
        self.rows.fetch_add(rows, Relaxed);
    }

    pub(super) fn busy(&self) -> Duration {
        Duration::from_nanos(self.busy_ns.load(Relaxed))
    }

    pub(super) fn waiting(&self) -> Duration {
        Duration::from_nanos(self.waiting_ns.load(Relaxed))
    }

    /// For how long the present piece of work has been going on.
    pub(super) fn busy_for(&self) -> Option<Duration> {
        let since = self.since_ns.load(Relaxed);
        (since > 0).then(|| Duration::from_nanos(self.now().saturating_sub(since)))
    }

    /// ns from the start of the run. At least 1, since 0 means none.
    pub(super) fn now(&self) -> u64 {
        (self.run_started.elapsed().as_nanos() as u64).max(1)
    }
}
