//! The only names of threads, rayon and channels; under `--cfg shuttle` they are replaced by ones
//! whose every interleaving a test can choose.

#[cfg(not(shuttle))]
mod real {
    pub(crate) use parking_lot::Mutex;
    pub(crate) use std::sync::atomic::{AtomicBool, AtomicU8, AtomicU64, AtomicUsize, fence};
    use std::thread::{Scope, ScopedJoinHandle};
    pub(crate) use std::thread::{scope as thread_scope, yield_now};
    pub(crate) use std::thread_local;

    /// Starts a thread of a scope, where the system lets it.
    pub(crate) fn spawn_scoped<'scope, R: Send + 'scope>(
        scope: &'scope Scope<'scope, '_>,
        work: impl FnOnce() -> R + Send + 'scope,
    ) -> std::io::Result<ScopedJoinHandle<'scope, R>> {
        std::thread::Builder::new().spawn_scoped(scope, work)
    }

    /// A scope of the pool: what is spawned in it ends before it does.
    pub(crate) type PoolScope<'scope> = rayon::ScopeFifo<'scope>;

    /// Lets this worker run one task of another pipeline.
    pub(crate) fn yield_worker() {
        rayon::yield_now();
    }

    /// Index of this thread in the pool it belongs to.
    pub(crate) fn worker_index() -> Option<usize> {
        rayon::current_thread_index()
    }

    /// Works on the pieces of one batch, each on a worker of its own where there are enough.
    pub(crate) fn each_piece<T: Send>(pieces: &mut [T], work: impl Fn(&mut T) + Sync) {
        use rayon::prelude::*;
        pieces.par_chunks_mut(1).for_each(|piece| piece.iter_mut().for_each(&work));
    }

    /// A bounded channel between stages.
    #[derive(Debug)]
    pub(crate) struct Channel<T> {
        sender: crossbeam_channel::Sender<T>,
        receiver: crossbeam_channel::Receiver<T>,
    }

    impl<T> Channel<T> {
        pub(crate) fn bounded(capacity: usize) -> Self {
            let (sender, receiver) = crossbeam_channel::bounded(capacity);
            Channel { sender, receiver }
        }

        /// Never blocks where the capacity is the number of things that can be sent.
        pub(crate) fn send(&self, value: T) {
            self.sender.send(value).unwrap_or_else(|_| unreachable!("the ring holds the receiver"));
        }

        pub(crate) fn try_recv(&self) -> Option<T> {
            self.receiver.try_recv().ok()
        }

        pub(crate) fn recv(&self) -> T {
            self.receiver.recv().unwrap_or_else(|_| unreachable!("the ring holds the sender"))
        }

        pub(crate) fn is_empty(&self) -> bool {
            self.receiver.is_empty()
        }
    }
}

#[cfg(shuttle)]
mod explored {
    pub(crate) use shuttle::sync::atomic::{AtomicBool, AtomicU8, AtomicU64, AtomicUsize, fence};
    use shuttle::thread::{Scope, ScopedJoinHandle};
    pub(crate) use shuttle::thread::{scope as thread_scope, yield_now};
    pub(crate) use shuttle::thread_local;
    use std::collections::VecDeque;

    /// `parking_lot`'s interface over shuttle's mutex.
    #[derive(Debug, Default)]
    pub(crate) struct Mutex<T>(shuttle::sync::Mutex<T>);

    impl<T> Mutex<T> {
        pub(crate) fn new(value: T) -> Self {
            Mutex(shuttle::sync::Mutex::new(value))
        }
        pub(crate) fn lock(&self) -> shuttle::sync::MutexGuard<'_, T> {
            self.0.lock().unwrap_or_else(|poisoned| poisoned.into_inner())
        }
        pub(crate) fn try_lock(&self) -> Option<shuttle::sync::MutexGuard<'_, T>> {
            match self.0.try_lock() {
                Ok(guard) => Some(guard),
                Err(std::sync::TryLockError::Poisoned(poisoned)) => Some(poisoned.into_inner()),
                Err(std::sync::TryLockError::WouldBlock) => None,
            }
        }
        pub(crate) fn into_inner(self) -> T {
            self.0.into_inner().unwrap_or_else(|poisoned| poisoned.into_inner())
        }
    }

    /// Starts a thread of a scope.
    pub(crate) fn spawn_scoped<'scope, R: Send + 'scope>(
        scope: &'scope Scope<'scope, '_>,
        work: impl FnOnce() -> R + Send + 'scope,
    ) -> std::io::Result<ScopedJoinHandle<'scope, R>> {
        Ok(scope.spawn(work))
    }

    type Job<'scope> = Box<dyn FnOnce(&PoolScope<'scope>) + Send + 'scope>;

    /// A pool of as many threads as workers, that run jobs from one queue.
    pub(crate) struct PoolScope<'scope> {
        state: shuttle::sync::Mutex<PoolState<'scope>>,
        changed: shuttle::sync::Condvar,
    }

    struct PoolState<'scope> {
        jobs: VecDeque<Job<'scope>>,
        unfinished: usize,
        closed: bool,
    }

    pub(crate) fn worker_index() -> Option<usize> {
        Some(0)
    }

    impl<'scope> PoolScope<'scope> {
        /// As rayon's `in_place_scope_fifo`: runs `work` here and jobs on `workers` threads, and
        /// returns when all are done.
        pub(crate) fn run(workers: usize, work: impl FnOnce(&PoolScope<'scope>)) {
            let pool = PoolScope {
                state: shuttle::sync::Mutex::new(PoolState {
                    jobs: VecDeque::new(),
                    unfinished: 0,
                    closed: false,
                }),
                changed: shuttle::sync::Condvar::new(),
            };
            shuttle::thread::scope(|threads| {
                for _ in 0..workers {
                    threads.spawn(|| while pool.run_one(true) {});
                }
                work(&pool);
                let mut state = pool.state.lock().unwrap();
                while state.unfinished > 0 {
                    state = pool.changed.wait(state).unwrap();
                }
                state.closed = true;
                pool.changed.notify_all();
            });
        }

        pub(crate) fn spawn_fifo(&self, job: impl FnOnce(&PoolScope<'scope>) + Send + 'scope) {
            let mut state = self.state.lock().unwrap();
            state.unfinished += 1;
            state.jobs.push_back(Box::new(job));
            self.changed.notify_all();
        }

        /// Runs one job; `wait` for one or return at once. Answers whether to go on.
        ///
        /// Called inside a job with `wait: false` it is what a nested rayon call does: it runs
        /// another job on top of the one that waits.
        pub(crate) fn run_one(&self, wait: bool) -> bool {
            let job = {
                let mut state = self.state.lock().unwrap();
                loop {
                    if let Some(job) = state.jobs.pop_front() {
                        break job;
                    }
                    if state.closed || !wait {
                        return false;
                    }
                    state = self.changed.wait(state).unwrap();
                }
            };
            job(self);
            self.state.lock().unwrap().unfinished -= 1;
            self.changed.notify_all();
            true
        }
    }

    pub(crate) fn yield_worker() {
        yield_now();
    }

    pub(crate) fn each_piece<T: Send>(pieces: &mut [T], work: impl Fn(&mut T) + Sync) {
        pieces.iter_mut().for_each(work);
    }

    pub(crate) struct Channel<T> {
        queue: shuttle::sync::Mutex<VecDeque<T>>,
        capacity: usize,
        arrived: shuttle::sync::Condvar,
    }

    impl<T> Channel<T> {
        pub(crate) fn bounded(capacity: usize) -> Self {
            Channel {
                queue: shuttle::sync::Mutex::new(VecDeque::new()),
                capacity,
                arrived: shuttle::sync::Condvar::new(),
            }
        }
        pub(crate) fn send(&self, value: T) {
            let mut queue = self.queue.lock().unwrap();
            queue.push_back(value);
            assert!(queue.len() <= self.capacity, "law 1: a send would have blocked");
            self.arrived.notify_one();
        }
        pub(crate) fn try_recv(&self) -> Option<T> {
            self.queue.lock().unwrap().pop_front()
        }
        pub(crate) fn recv(&self) -> T {
            let mut queue = self.queue.lock().unwrap();
            loop {
                match queue.pop_front() {
                    Some(value) => return value,
                    None => queue = self.arrived.wait(queue).unwrap(),
                }
            }
        }
        pub(crate) fn is_empty(&self) -> bool {
            self.queue.lock().unwrap().is_empty()
        }
    }
}

#[cfg(shuttle)]
pub(crate) use explored::*;
#[cfg(not(shuttle))]
pub(crate) use real::*;
