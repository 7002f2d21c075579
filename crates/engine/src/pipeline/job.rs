//! Pipelines with all their parts.

use super::Setup;
use crate::cancel::CancelToken;
use crate::driver::{self, Request};
use crate::engine::Engine;
use crate::error::Result;
use crate::handle::RunHandle;
use crate::report::RunReport;
use crate::sink::Sink;
use crate::source::Source;
use crate::stage::{ByStretches, Stretch, Transform};

/// A complete pipeline.
#[must_use = "a pipeline does nothing until `run`"]
pub struct Job<S, T, K> {
    pub(super) source: S,
    pub(super) transform: T,
    pub(super) sink: K,
    pub(super) setup: Setup,
}

impl<S, T, K> Job<S, T, K>
where
    S: Source,
    T: Transform<S::Batch, K>,
    K: Sink,
{
    /// For batches that know as a whole what becomes of their rows: before rows are visited one by
    /// one, `stretch` may take any number of them together. It is given the batch, the index of the
    /// first row, the sink's encoder, the page, and the bytes that the page has room for; it appends
    /// at most one value for each row, in order, and says how many. Where it takes none the rest of
    /// the batch goes the usual way, row by row. Where the sink may
    /// [refuse values](crate::Sink::refuses_values), each is known by its row: a stretch has a value
    /// for all of its rows then, or for none. One that claims something else ends the run with an
    /// error.
    ///
    /// ```
    /// use trommel::{Engine, Options, Pipeline, Stretch, sinks, sources};
    /// let mut evens = sinks::collect::<u64>();
    /// let report = Pipeline::from(sources::generate(100, |id| id))
    ///     .options(Options::builder().fixed_batch_size(100).transform_concurrency(1).build()?)
    ///     .filter(|id| id % 2 == 0)
    ///     .load_into(&mut evens)
    ///     .by_stretches(|_, from, _, page: &mut Vec<u64>, _| {
    ///         // Rows 0 to 9 are known to be all alike.
    ///         let known = if from == 0 { 10 } else { 0 };
    ///         page.extend(0..known);
    ///         Ok(Stretch { rows: known as usize, values: known as usize })
    ///     })
    ///     .run(&Engine::new()?)?;
    /// assert_eq!((report.counts.read, report.counts.loaded), (100, 55));
    /// # Ok::<(), trommel::Error>(())
    /// ```
    pub fn by_stretches<F>(self, stretch: F) -> Job<S, ByStretches<T, F>, K>
    where
        F: Fn(&mut S::Batch, usize, &K::Encoder, &mut K::Page, usize) -> Result<Stretch> + Sync,
    {
        Job {
            source: self.source,
            transform: ByStretches { each: self.transform, stretch },
            sink: self.sink,
            setup: self.setup,
        }
    }

    /// Runs the pipeline to its end. What fits one batch, or takes less time than waking a thread,
    /// runs on this thread alone.
    ///
    /// # Errors
    /// The first error in the order of the input, with its place, further ones as
    /// [`siblings`](crate::Error::siblings), and the [report](crate::Error::report) of what was
    /// done until then.
    pub fn run(mut self, engine: &Engine) -> Result<RunReport> {
        self.run_once(engine)
    }

    /// As [`run`](Self::run), and gives the sink back. One that is needed after an error as well is
    /// lent instead: `load_into(&mut sink)`.
    ///
    /// # Errors
    /// As [`run`](Self::run).
    pub fn run_and_return(mut self, engine: &Engine) -> Result<(RunReport, K)> {
        let report = self.run_once(engine)?;
        Ok((report, self.sink))
    }

    /// Runs the pipeline on a thread of its own; the handle shows its progress, cancels it and
    /// waits for it.
    ///
    /// # Errors
    /// When the thread can't be started.
    pub fn start(mut self, engine: &Engine) -> Result<RunHandle<K>>
    where
        S: 'static,
        T: Send + 'static,
        K: 'static,
    {
        let token = CancelToken::new();
        self.setup.cancel.push(token.clone());
        let user = self.setup.on_progress.take();
        let (handle, latest) = RunHandle::parts(token);
        self.setup.on_progress = Some(Box::new(move |progress| {
            *latest.lock() = Some(*progress);
            if let Some(user) = &user {
                user(progress);
            }
        }));
        let engine = engine.clone();
        let thread = driver::in_background(format!("{}-run", self.setup.name), move || {
            self.run_and_return(&engine)
        })?;
        Ok(handle.on(thread))
    }

    fn run_once(&mut self, engine: &Engine) -> Result<RunReport> {
        let after = self.setup.after.take();
        let before = self.setup.before.take();
        let result = driver::guarded("the `before` hook", || before.map_or(Ok(()), |hook| hook()))
            .map_err(|error| driver::failed_early(&self.setup.name, error))
            .and_then(|()| self.drive(engine));
        let Some(after) = after else { return result };
        let told = driver::guarded("the `after` hook", || {
            after(&result);
            Ok(())
        });
        match told {
            Ok(()) => result,
            Err(error) => result.and_then(|report| {
                Err(error.in_pipeline(self.setup.name.as_str()).with_report(report))
            }),
        }
    }

    fn drive(&mut self, engine: &Engine) -> Result<RunReport> {
        let request = Request {
            name: &self.setup.name,
            job: self.setup.job.as_deref(),
            source: &mut self.source,
            transform: &self.transform,
            sink: &mut self.sink,
            options: &self.setup.options,
            cancel: &self.setup.cancel,
            on_progress: self.setup.on_progress.as_deref().map(|report| report as _),
        };
        driver::run(engine.pool(), request)
    }
}

/// A complete pipeline whose parts have been forgotten, for
/// [`Engine::run_all`](crate::Engine::run_all).
pub trait Runnable: Send {
    /// Runs it.
    ///
    /// # Errors
    /// As [`Job::run`].
    fn run_on(self: Box<Self>, engine: &Engine) -> Result<RunReport>;

    /// Lets one more token end it.
    fn also_cancel_with(&mut self, token: &CancelToken);
}

impl<S, T, K> Runnable for Job<S, T, K>
where
    S: Source,
    T: Transform<S::Batch, K> + Send,
    K: Sink,
{
    fn run_on(self: Box<Self>, engine: &Engine) -> Result<RunReport> {
        self.run(engine)
    }

    fn also_cancel_with(&mut self, token: &CancelToken) {
        self.setup.cancel.push(token.clone());
    }
}
