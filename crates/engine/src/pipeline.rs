//! Pipelines: a source, steps, a transform, a sink and options.

use crate::cancel::CancelToken;
use crate::driver::{self, Request};
use crate::engine::Engine;
use crate::error::Result;
use crate::handle::RunHandle;
use crate::options::Options;
use crate::out::Out;
use crate::progress::Progress;
use crate::report::RunReport;
use crate::sink::Sink;
use crate::sinks;
use crate::source::Source;
use crate::stage::{
    ByStretches, Closure, EmitAll, Filter, InPlace, Map, Rows, Step, Stretch, Transform, TryMap,
    ZeroCopyTransform,
};
use std::fmt;
use std::marker::PhantomData;

/// The beginning of a pipeline: a source and the steps behind it.
///
/// ```
/// use trommel::{Engine, Pipeline, sinks, sources};
///
/// let mut words = sinks::collect::<String>();
/// let report = Pipeline::from(sources::iter(["sand", "gravel", "clay"]))
///     .filter(|word| word.len() > 4)
///     .map(|word| word.to_uppercase())
///     .load_into(&mut words)
///     .run(&Engine::new()?)?;
/// assert_eq!(words.into_vec(), ["GRAVEL"]);
/// assert_eq!((report.counts.read, report.counts.filtered), (3, 2));
/// # Ok::<(), trommel::Error>(())
/// ```
#[must_use = "a pipeline does nothing until `run`"]
pub struct Pipeline<S, P = Rows> {
    source: S,
    steps: P,
    setup: Setup,
}

type Before = Box<dyn FnOnce() -> Result<()> + Send>;
type After = Box<dyn FnOnce(&Result<RunReport>) + Send>;
type OnProgress = Box<dyn Fn(&Progress) + Send + Sync>;

/// What a pipeline is told besides its parts.
struct Setup {
    name: String,
    job: Option<String>,
    options: Options,
    cancel: Vec<CancelToken>,
    on_progress: Option<OnProgress>,
    before: Option<Before>,
    after: Option<After>,
}

impl<S: Source> Pipeline<S> {
    /// Begins with a source.
    pub fn from(source: S) -> Self {
        let setup = Setup {
            name: "pipeline".into(),
            job: None,
            options: Options::default(),
            cancel: Vec::new(),
            on_progress: None,
            before: None,
            after: None,
        };
        Pipeline { source, steps: Rows, setup }
    }
}

impl<S: Source, P: Step<S::Batch>> Pipeline<S, P> {
    /// Lets pass the items for which `keep` is true.
    pub fn filter<F>(self, keep: F) -> Pipeline<S, Filter<P, F>>
    where
        F: for<'i, 'b> Fn(&'i P::Item<'b>) -> bool + Sync,
    {
        self.step(|before| Filter { before, keep })
    }

    /// Makes a value of each item. The value owns what it holds; for one that borrows from the row
    /// or the arena use [`transform`](Self::transform).
    pub fn map<F, T>(self, make: F) -> Pipeline<S, Map<P, F, T>>
    where
        F: for<'b> Fn(P::Item<'b>) -> T + Sync,
    {
        self.step(|before| Map { before, make, makes: PhantomData })
    }

    /// As [`map`](Self::map), for a closure that can refuse the row.
    pub fn try_map<F, T>(self, make: F) -> Pipeline<S, TryMap<P, F, T>>
    where
        F: for<'b> Fn(P::Item<'b>) -> Result<T> + Sync,
    {
        self.step(|before| TryMap { before, make, makes: PhantomData })
    }

    /// Ends the steps with a closure that gets each item and a way [`Out`], through which it emits
    /// any number of values.
    pub fn transform<F, K>(self, transform: F) -> Transformed<S, P, F, K>
    where
        K: Sink,
        F: for<'b> Fn(P::Item<'b>, &mut Out<'b, K>) -> Result<()> + Sync,
    {
        Transformed {
            source: self.source,
            steps: self.steps,
            setup: self.setup,
            transform,
            sink: PhantomData,
        }
    }

    /// Sends every item to `sink`.
    pub fn load_into<K>(self, sink: K) -> Job<S, EmitAll<P>, K>
    where
        K: Sink,
        EmitAll<P>: Transform<S::Batch, K>,
    {
        Job {
            source: self.source,
            transform: EmitAll { steps: self.steps },
            sink,
            setup: self.setup,
        }
    }

    fn step<Q>(self, step: impl FnOnce(P) -> Q) -> Pipeline<S, Q> {
        Pipeline { source: self.source, steps: step(self.steps), setup: self.setup }
    }
}

impl<S, P, T> Pipeline<S, P>
where
    S: Source,
    T: ?Sized + 'static,
    P: for<'b> Step<S::Batch, Item<'b> = &'b mut T>,
{
    /// Changes every record where it is; no record is copied.
    pub fn transform_in_place<Z>(self, change: Z) -> Pipeline<S, InPlace<P, Z, T>>
    where
        Z: ZeroCopyTransform<T>,
    {
        self.step(|before| InPlace { before, change, record: PhantomData })
    }
}

impl<S, P, Z, T> Pipeline<S, InPlace<P, Z, T>>
where
    S: Source,
    T: ?Sized + 'static,
    P: for<'b> Step<S::Batch, Item<'b> = &'b mut T>,
    Z: ZeroCopyTransform<T>,
{
    /// Runs a pipeline whose work is done in place and that has nothing to load.
    ///
    /// # Errors
    /// As [`Job::run`].
    pub fn run(self, engine: &Engine) -> Result<RunReport> {
        self.transform(|_: &mut T, out| out.emit(())).load_into(sinks::null()).run(engine)
    }
}

macro_rules! settings {
    ($($parameter:ident),*; $type:ty) => {
        impl<$($parameter),*> $type {
            /// What the pipeline is called in reports, errors and logs. Default `pipeline`.
            pub fn name(mut self, name: impl Into<String>) -> Self {
                self.setup.name = name.into();
                self
            }

            /// How it runs.
            pub fn options(mut self, options: Options) -> Self {
                self.setup.options = options;
                self
            }

            /// Makes the run one of a job that is done exactly once: the sink stores under this
            /// name how far the job has come, together with the data. A run that was cut off, run
            /// again, goes on from there; one that has ended does nothing.
            ///
            /// The source must have positions (files, `generate`, queries by key), the sink must
            /// store checkpoints, and the run must be ordered; else
            /// [`ErrorKind::Unsupported`](crate::ErrorKind::Unsupported) before anything is read.
            /// It is an error, too, when the source is not what it was
            /// ([`Source::fingerprint`]).
            pub fn resumable(mut self, job: impl Into<String>) -> Self {
                self.setup.job = Some(job.into());
                self
            }

            /// Lets `token` end the run. Several tokens may.
            pub fn cancel_with(mut self, token: &CancelToken) -> Self {
                self.setup.cancel.push(token.clone());
                self
            }

            /// Calls `report` about ten times a second from a thread of its own, and once at the
            /// end.
            pub fn on_progress(
                mut self,
                report: impl Fn(&Progress) + Send + Sync + 'static,
            ) -> Self {
                self.setup.on_progress = Some(Box::new(report));
                self
            }

            /// Calls `hook` once, before anything is read. Its error ends the run.
            pub fn before(
                mut self,
                hook: impl FnOnce() -> Result<()> + Send + 'static,
            ) -> Self {
                self.setup.before = Some(Box::new(hook));
                self
            }

            /// Calls `hook` once with the outcome, however the run ends.
            pub fn after(
                mut self,
                hook: impl FnOnce(&Result<RunReport>) + Send + 'static,
            ) -> Self {
                self.setup.after = Some(Box::new(hook));
                self
            }
        }
    };
}
settings!(S, P; Pipeline<S, P>);
settings!(S, T, K; Job<S, T, K>);

/// A pipeline that ends in a closure and wants a sink.
#[must_use = "a pipeline does nothing until `run`"]
pub struct Transformed<S, P, F, K> {
    source: S,
    steps: P,
    setup: Setup,
    transform: F,
    sink: PhantomData<fn(K)>,
}

impl<S, P, F, K> Transformed<S, P, F, K>
where
    S: Source,
    P: Step<S::Batch>,
    K: Sink,
    F: for<'b> Fn(P::Item<'b>, &mut Out<'b, K>) -> Result<()> + Sync,
{
    /// Sends what the closure emits to `sink`. A `&mut` sink can be looked at after the run.
    pub fn load_into(self, sink: K) -> Job<S, Closure<P, F>, K> {
        Job {
            source: self.source,
            transform: Closure { steps: self.steps, transform: self.transform },
            sink,
            setup: self.setup,
        }
    }
}

/// A complete pipeline.
#[must_use = "a pipeline does nothing until `run`"]
pub struct Job<S, T, K> {
    source: S,
    transform: T,
    sink: K,
    setup: Setup,
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
    /// the batch goes the usual way, row by row. It is not asked when the sink may
    /// [refuse values](crate::Sink::refuses_values), since each must then be known by its row.
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

    /// As [`run`](Self::run), and gives the sink back.
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

macro_rules! named_debug {
    ($($name:ident<$($parameter:ident),*>),*) => {$(
        impl<$($parameter),*> fmt::Debug for $name<$($parameter),*> {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.debug_struct(stringify!($name))
                    .field("name", &self.setup.name)
                    .field("options", &self.setup.options)
                    .finish_non_exhaustive()
            }
        }
    )*};
}
named_debug!(Pipeline<S, P>, Transformed<S, P, F, K>, Job<S, T, K>);
