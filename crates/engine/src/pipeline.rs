//! Pipelines: a source, steps, a transform, a sink and options.

mod job;

pub use job::{Job, Runnable};

use crate::cancel::CancelToken;
use crate::engine::Engine;
use crate::error::Result;
use crate::options::Options;
use crate::out::Out;
use crate::progress::Progress;
use crate::report::RunReport;
use crate::sink::{Encode, Sink};
use crate::sinks;
use crate::source::Source;
use crate::stage::{Closure, EmitAll, Filter, InPlace, Map, Rows, Step, TryMap, ZeroCopyTransform};
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
        K: Sink + for<'b> Encode<P::Item<'b>>,
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
            /// ([`Source::fingerprint`]), or the sink not where the job was begun.
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
            /// end. To start that thread takes some 50 µs, which a small job pays as well.
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
settings!(S, P, F, K; Transformed<S, P, F, K>);
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
