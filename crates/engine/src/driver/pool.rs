//! The engine's threads.

use super::sync::PoolScope;
use crate::error::{Error, Result};
use parking_lot::Mutex;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread::{self, JoinHandle};

const REMEDY: &str = "allow more of them (`ulimit -u`), or leave more memory";

/// A private rayon pool whose threads have ended when it has been dropped.
#[derive(Debug)]
pub(crate) struct Pool {
    pool: Option<rayon::ThreadPool>,
    workers: usize,
    /// rayon's pool does not wait for its threads when it is dropped; these do.
    threads: Arc<Mutex<Vec<JoinHandle<()>>>>,
    running: AtomicUsize,
}

impl Pool {
    /// Starts `workers` threads, named after `name`.
    pub(crate) fn new(workers: usize, name: &str, stack_bytes: Option<usize>) -> Result<Self> {
        // The pools of a process share one collector of rayon's queues. Made by the first of a pool's
        // threads, it would be half made for ever in a child that is forked meanwhile, whose own pools
        // would wait for it.
        crossbeam_epoch::default_collector();
        let threads = Arc::new(Mutex::new(Vec::new()));
        let handles = Arc::clone(&threads);
        let name = name.to_owned();
        let mut builder = rayon::ThreadPoolBuilder::new().num_threads(workers);
        if let Some(bytes) = stack_bytes {
            builder = builder.stack_size(bytes);
        }
        let pool = builder
            .thread_name(move |index| format!("{name}-{index}"))
            .spawn_handler(move |worker| {
                let mut builder = thread::Builder::new();
                if let Some(name) = worker.name() {
                    builder = builder.name(name.to_owned());
                }
                if let Some(bytes) = worker.stack_size() {
                    builder = builder.stack_size(bytes);
                }
                handles.lock().push(builder.spawn(|| worker.run())?);
                Ok(())
            })
            .build()
            .map_err(|error| {
                Error::config(format!(
                    "workers is {workers}; the threads could not be started: {REMEDY}"
                ))
                .caused_by(error)
            })?;
        Ok(Pool { pool: Some(pool), workers, threads, running: AtomicUsize::new(0) })
    }

    pub(crate) fn workers(&self) -> usize {
        self.workers
    }

    /// Whether this thread is one of the pool's.
    pub(crate) fn is_worker(&self) -> bool {
        self.pool.as_ref().is_some_and(|pool| pool.current_thread_index().is_some())
    }

    /// Runs `work` on this thread; what it spawns in the scope runs in the pool.
    #[cfg(not(shuttle))]
    pub(crate) fn scope<'scope, R>(&self, work: impl FnOnce(&PoolScope<'scope>) -> R) -> R {
        match &self.pool {
            Some(pool) => pool.in_place_scope_fifo(work),
            None => unreachable!("only drop takes the pool"),
        }
    }

    #[cfg(shuttle)]
    pub(crate) fn scope<'scope>(&self, work: impl FnOnce(&PoolScope<'scope>)) {
        PoolScope::run(self.workers, work);
    }

    /// Pipelines that use the pool at this moment.
    pub(crate) fn running(&self) -> usize {
        self.running.load(Ordering::Relaxed)
    }

    /// Counts one more pipeline until the answer is dropped.
    pub(crate) fn join(&self) -> Running<'_> {
        self.running.fetch_add(1, Ordering::Relaxed);
        Running(&self.running)
    }
}

impl Drop for Pool {
    fn drop(&mut self) {
        drop(self.pool.take());
        let me = thread::current().id();
        for thread in self.threads.lock().drain(..) {
            // The last handle on the engine may go in one of its own workers.
            if thread.thread().id() != me {
                let _ = thread.join();
            }
        }
    }
}

/// A pipeline that uses the pool.
pub(crate) struct Running<'p>(&'p AtomicUsize);

impl Drop for Running<'_> {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::Relaxed);
    }
}

/// Calls each of `tasks`, up to `limit` at once (0: on this thread), and answers their results in
/// their order.
pub(crate) fn run_all<T: Send, R: Send>(
    tasks: Vec<T>,
    limit: usize,
    call: impl Fn(T) -> R + Sync,
) -> Vec<R> {
    if limit == 0 {
        return tasks.into_iter().map(call).collect();
    }
    let count = tasks.len();
    let queue = Mutex::new(tasks.into_iter().enumerate());
    let results = Mutex::new((0..count).map(|_| None).collect::<Vec<Option<R>>>());
    let work = || {
        loop {
            let Some((index, task)) = queue.lock().next() else {
                return;
            };
            let result = call(task);
            results.lock()[index] = Some(result);
        }
    };
    thread::scope(|threads| {
        let start = |_| thread::Builder::new().spawn_scoped(threads, work).ok();
        let threads: Vec<_> = (0..limit.min(count)).map_while(start).collect();
        if threads.is_empty() {
            // The system allows no more of them.
            work();
        }
        for thread in threads {
            // As in the monitor: a scope does not wait until a thread is gone.
            if let Err(panic) = thread.join() {
                std::panic::resume_unwind(panic);
            }
        }
    });
    results.into_inner().into_iter().flatten().collect()
}

/// Calls `work` on a thread of its own.
pub(crate) fn in_background<R: Send + 'static>(
    name: String,
    work: impl FnOnce() -> R + Send + 'static,
) -> Result<JoinHandle<R>> {
    thread::Builder::new().name(name).spawn(work).map_err(not_started)
}

/// The error of a thread that the system refuses.
pub(super) fn not_started(error: std::io::Error) -> Error {
    Error::fatal(format!("a thread of the run could not be started: {REMEDY}")).caused_by(error)
}
