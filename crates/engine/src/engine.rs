//! The engine: a pool of workers and the limits under which pipelines run on it.

use crate::driver::{self, Pool};
use crate::error::{Error, Result};
use crate::pipeline::Runnable;
use crate::report::RunReport;
use std::sync::Arc;
use std::thread;

/// Most workers that an engine accepts.
const MAX_WORKERS: usize = 1024;

/// Least stack of a worker: with less a transform overflows it, which ends the process.
const MIN_STACK_BYTES: usize = 128 * 1024;

/// Largest stack of a worker. More is a mistake, and the standard library panics on some of it.
const MAX_STACK_BYTES: usize = 1 << 30;

/// Owns the thread pool; runs one or several pipelines. Cheap to clone: clones share the pool.
///
/// The pool is private, rayon's global one is never touched, and its threads have ended when the
/// last clone has been dropped. A transform may use rayon itself; it then shares the engine's
/// workers. A pipeline that a transform runs on the same engine runs on that worker alone; on
/// another engine it holds the worker until it has ended, so two engines must not run pipelines
/// inside each other.
#[derive(Debug, Clone)]
pub struct Engine {
    pool: Arc<Pool>,
}

impl Engine {
    /// An engine with as many workers as there are cores available.
    ///
    /// # Errors
    /// When the threads can't be started.
    pub fn new() -> Result<Self> {
        Self::builder().build()
    }

    /// Starts from the defaults.
    pub fn builder() -> EngineBuilder {
        EngineBuilder { workers: 0, thread_name: "trommel".into(), stack_bytes: None }
    }

    /// Threads in the pool.
    pub fn workers(&self) -> usize {
        self.pool.workers()
    }

    /// Runs several pipelines, up to `limit` at once (0: as many as there are workers), and answers
    /// every result, in the order of `pipelines`. One that fails leaves its siblings alone.
    ///
    /// ```
    /// use trommel::{Engine, Pipeline, Runnable, sinks, sources};
    /// let engine = Engine::new()?;
    /// let job = |rows| {
    ///     Pipeline::from(sources::generate(rows, |id| id)).map(|id| id).load_into(sinks::count())
    /// };
    /// let results = engine.run_all(vec![Box::new(job(10)), Box::new(job(20))], 2);
    /// let rows: Vec<u64> = results.into_iter().map(|result| result.unwrap().counts.read).collect();
    /// assert_eq!(rows, [10, 20]);
    /// # Ok::<(), trommel::Error>(())
    /// ```
    pub fn run_all<'a>(
        &self,
        pipelines: Vec<Box<dyn Runnable + 'a>>,
        limit: usize,
    ) -> Vec<Result<RunReport>> {
        driver::run_all(pipelines, self.together(limit), |pipeline| self.run_one(pipeline))
    }

    /// As [`run_all`](Self::run_all), but the first failure cancels the others: those that run, and
    /// those that have not begun.
    pub fn run_all_or_none<'a>(
        &self,
        mut pipelines: Vec<Box<dyn Runnable + 'a>>,
        limit: usize,
    ) -> Vec<Result<RunReport>> {
        let together = crate::CancelToken::new();
        for pipeline in &mut pipelines {
            pipeline.also_cancel_with(&together);
        }
        driver::run_all(pipelines, self.together(limit), |pipeline| {
            let result = self.run_one(pipeline);
            if result.is_err() {
                together.cancel();
            }
            result
        })
    }

    fn run_one<'a>(&self, pipeline: Box<dyn Runnable + 'a>) -> Result<RunReport> {
        // A hook that panics, or a `Runnable` of the user's: the others' results are not lost with it.
        driver::guarded("a pipeline", || pipeline.run_on(self))
    }

    /// How many pipelines run at once; 0 stands for on this thread, one after the other.
    fn together(&self, limit: usize) -> usize {
        match limit {
            // Inside a transform of this engine: other threads would wait for the worker that waits
            // for them.
            _ if self.pool.is_worker() => 0,
            0 => self.workers(),
            limit => limit,
        }
    }

    pub(crate) fn pool(&self) -> &Pool {
        &self.pool
    }
}

/// Builds an [`Engine`].
#[derive(Debug, Clone)]
#[must_use = "a builder does nothing until `build`"]
pub struct EngineBuilder {
    workers: usize,
    thread_name: String,
    stack_bytes: Option<usize>,
}

impl EngineBuilder {
    /// Threads in the pool, up to 1,024. Default 0: the cores available to this process.
    pub fn workers(mut self, workers: usize) -> Self {
        self.workers = workers;
        self
    }

    /// What the threads are called, followed by their number. Default `trommel`. One with a zero byte
    /// is an error.
    pub fn thread_name(mut self, name: impl Into<String>) -> Self {
        self.thread_name = name.into();
        self
    }

    /// Stack of each worker in bytes, 128 KiB to 1 GiB. Default: what Rust gives a thread, 2 MiB.
    pub fn stack_bytes(mut self, bytes: usize) -> Self {
        self.stack_bytes = Some(bytes);
        self
    }

    /// Starts the threads.
    ///
    /// # Errors
    /// [`ErrorKind::Config`](crate::ErrorKind::Config) when a value can't work or the threads can't
    /// be started.
    pub fn build(self) -> Result<Engine> {
        if self.workers > MAX_WORKERS {
            return Err(Error::config(format!(
                "workers is {}; choose up to {MAX_WORKERS}, or 0 for the cores available",
                self.workers
            )));
        }
        if let Some(bytes) = self.stack_bytes
            && !(MIN_STACK_BYTES..=MAX_STACK_BYTES).contains(&bytes)
        {
            return Err(Error::config(format!(
                "stack_bytes is {bytes}; choose {MIN_STACK_BYTES} to {MAX_STACK_BYTES}, or leave it"
            )));
        }
        if self.thread_name.contains('\0') {
            // The standard library panics on it.
            return Err(Error::config(format!(
                "thread_name is {:?}; choose one without a zero byte",
                self.thread_name
            )));
        }
        let workers = match self.workers {
            0 => thread::available_parallelism().map_or(1, usize::from),
            workers => workers,
        };
        let pool = Pool::new(workers, &self.thread_name, self.stack_bytes)?;
        Ok(Engine { pool: Arc::new(pool) })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::error::ErrorKind;

    /// Symptom of the last: `build` panicked. Cause: the standard library does, on a name that can't be
    /// that of a thread. Fix: it is an error like the others.
    #[test]
    fn bad_values_are_errors_that_name_the_knob_its_value_and_the_remedy() {
        let stack = |bytes| Engine::builder().workers(1).stack_bytes(bytes);
        let cases = [
            (Engine::builder().workers(MAX_WORKERS + 1), "workers is 1025; choose up to 1024"),
            (stack(0), "stack_bytes is 0; choose 131072 to 1073741824"),
            (stack(MIN_STACK_BYTES - 1), "stack_bytes is 131071; choose"),
            (stack(MAX_STACK_BYTES + 1), "stack_bytes is 1073741825; choose"),
            (Engine::builder().thread_name("a\0b"), "thread_name is \"a\\0b\"; choose"),
        ];
        for (builder, message) in cases {
            let error = builder.build().unwrap_err();
            assert_eq!(error.kind(), ErrorKind::Config, "{error}");
            assert!(error.message().starts_with(message), "{error}");
        }
    }

    #[test]
    fn values_at_the_edge_are_fine_and_none_is_the_cores_available() {
        let cores = thread::available_parallelism().unwrap().get();
        assert_eq!(Engine::builder().workers(0).build().unwrap().workers(), cores);
        assert_eq!(Engine::new().unwrap().workers(), cores);
        for bytes in [MIN_STACK_BYTES, MAX_STACK_BYTES] {
            let engine = Engine::builder().workers(1).stack_bytes(bytes).build().unwrap();
            assert_eq!(engine.workers(), 1);
        }
    }
}
