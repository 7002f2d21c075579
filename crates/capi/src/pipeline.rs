//! Pipelines: what they are made of.

use crate::boundary::export;
use crate::cast::{Given, Out, Ref, Text};
use crate::engines::{EngineHandle, Home};
use crate::error::Failure;
use crate::handle::{self, Handle};
use crate::job::Ended;
use crate::knobs::OptionsView;
use crate::plan::Column;
use crate::report::ProgressView;
use crate::sink::{CallbackSink, Sink, SinkSpec};
use crate::source::{CallbackSource, SourceSpec};
use crate::transform::{Transform, TransformSpec};
use crate::url::Url;
use crate::user::{DropFn, User};
use engine::{CancelToken, Engine, Options, Progress, RunHandle};
use parking_lot::Mutex;
use std::ffi::{c_int, c_void};
use std::fmt;
use std::fs::File;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

/// `trommel_pipeline`. All its state is behind locks: any thread may call any function.
#[derive(Debug)]
pub(crate) struct PipelineHandle {
    pub(crate) engine: Engine,
    pub(crate) home: Home,
    pub(crate) cancel: CancelToken,
    pub(crate) latest: Arc<Mutex<Option<Progress>>>,
    pub(crate) state: Arc<Mutex<State>>,
    pub(crate) ended: Arc<Mutex<Option<Ended>>>,
    _counted: Counted,
}

impl Handle for PipelineHandle {
    const NAME: &'static str = "trommel_pipeline";
}

/// One of an engine's pipelines, until it is dropped.
#[derive(Debug)]
struct Counted(Arc<AtomicUsize>);

impl Drop for Counted {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::SeqCst);
    }
}

/// Where a pipeline is in its life.
pub(crate) enum State {
    /// Being put together.
    Setup(Box<Setup>),
    /// Started, and waited for by nobody.
    Started(RunHandle<Sink>),
    /// In a `run` or `wait`.
    Running,
    /// Over.
    Ended,
}

impl fmt::Debug for State {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            State::Setup(_) => "Setup",
            State::Started(_) => "Started",
            State::Running => "Running",
            State::Ended => "Ended",
        })
    }
}

/// What a pipeline has been told.
#[derive(Debug, Default)]
pub(crate) struct Setup {
    pub(crate) name: Option<String>,
    pub(crate) source: Option<SourceChoice>,
    pub(crate) columns: Vec<Column>,
    pub(crate) outputs: Vec<Column>,
    pub(crate) transform: Option<Transform>,
    pub(crate) sink: Option<SinkChoice>,
    pub(crate) options: Options,
    /// The file that takes bad rows.
    pub(crate) rejects: Option<File>,
    pub(crate) progress: Option<ProgressCallback>,
    pub(crate) job: Option<String>,
}

#[derive(Debug)]
pub(crate) enum SourceChoice {
    Url(Url),
    Callback(CallbackSource),
    #[cfg(feature = "arrow")]
    Arrow(crate::arrow::ArrowIn),
}

#[derive(Debug)]
pub(crate) enum SinkChoice {
    Url(Url),
    Callback(CallbackSink),
    #[cfg(feature = "arrow")]
    Arrow(crate::arrow::ArrowOut),
}

type ProgressFn = unsafe extern "C-unwind" fn(*mut c_void, *const ProgressView) -> c_int;

/// A callback that is told of the progress.
#[derive(Debug)]
pub(crate) struct ProgressCallback {
    call: ProgressFn,
    user: User,
}

impl ProgressCallback {
    /// Whether the run shall go on.
    pub(crate) fn goes_on(&self, progress: &ProgressView) -> bool {
        // SAFETY: the header obliges the caller that the function takes these arguments.
        unsafe { (self.call)(self.user.pointer(), progress) == 0 }
    }
}

impl PipelineHandle {
    /// Changes the setup.
    pub(crate) fn change(
        &self,
        change: impl FnOnce(&mut Setup) -> Result<(), Failure>,
    ) -> Result<(), Failure> {
        self.home.check()?;
        match &mut *self.state.lock() {
            State::Setup(setup) => change(setup),
            State::Started(_) | State::Running => Err(Failure::state("the pipeline is running")),
            State::Ended => Err(Failure::state("the pipeline has run; make a new one")),
        }
    }
}

/// Refuses names that no sink can give a column.
fn check_name(to: &str) -> Result<(), Failure> {
    match to.is_empty() {
        false => Ok(()),
        true => Err(Failure::argument("to: a column needs a name; NULL takes that of the source")),
    }
}

fn function(name: &'static str) -> Failure {
    Failure::null(name)
}

export! {
    /// Makes an empty pipeline.
    status fn trommel_pipeline_new(
        engine: Ref<EngineHandle>, pipeline: Out<*mut PipelineHandle>,
    ) => {
        let engine = engine.get()?;
        let pipeline = pipeline.required("pipeline")?;
        engine.home.check()?;
        engine.pipelines.fetch_add(1, Ordering::SeqCst);
        pipeline.set(handle::hand_out(PipelineHandle {
            engine: engine.engine.clone(),
            home: engine.home,
            cancel: CancelToken::new(),
            latest: Arc::default(),
            state: Arc::new(Mutex::new(State::Setup(Box::default()))),
            ended: Arc::default(),
            _counted: Counted(Arc::clone(&engine.pipelines)),
        }));
        Ok(())
    }

    /// Cancels what runs, waits for it, and frees all.
    quiet fn trommel_pipeline_free(pipeline: Ref<PipelineHandle>) => {
        if pipeline.address().is_null() {
            return Ok(());
        }
        let handle = pipeline.get()?;
        handle.home.check()?;
        let mut state = handle.state.lock();
        match std::mem::replace(&mut *state, State::Ended) {
            State::Running => {
                *state = State::Running;
                return Err(Failure::state("another thread runs the pipeline, or waits for it"));
            }
            State::Started(run) => {
                handle.cancel.cancel();
                // Whoever wanted to know would have waited.
                let _ = run.wait();
            }
            other => drop(other),
        }
        drop(state);
        handle::take_back(pipeline.address()).map(drop)
    }

    /// Names it, for reports and errors.
    status fn trommel_pipeline_name(pipeline: Ref<PipelineHandle>, name: Text) => {
        let name = name.get("name")?;
        pipeline.get()?.change(|setup| {
            setup.name = Some(name.to_owned());
            Ok(())
        })
    }

    /// Reads from what a URL names.
    status fn trommel_pipeline_from(pipeline: Ref<PipelineHandle>, url: Text) => {
        let (pipeline, url) = (pipeline.get()?, url.get("url")?);
        pipeline.change(|setup| {
            setup.source = Some(SourceChoice::Url(Url::parse(url)?));
            Ok(())
        })
    }

    /// Writes to what a URL names.
    status fn trommel_pipeline_into(pipeline: Ref<PipelineHandle>, url: Text) => {
        let (pipeline, url) = (pipeline.get()?, url.get("url")?);
        pipeline.change(|setup| {
            setup.sink = Some(SinkChoice::Url(Url::parse(url)?));
            Ok(())
        })
    }

    /// Sets `source.KEY` or `sink.KEY` of what a URL named.
    status fn trommel_pipeline_set(pipeline: Ref<PipelineHandle>, key: Text, value: Text) => {
        let (pipeline, key, value) = (pipeline.get()?, key.get("key")?, value.get("value")?);
        pipeline.change(|setup| {
            let Some((part, key)) = key.split_once('.') else {
                return Err(Failure::argument(format!("key: `{key}` is not source.KEY or sink.KEY")));
            };
            let url = match (part, &mut setup.source, &mut setup.sink) {
                ("source", Some(SourceChoice::Url(url)), _) => url,
                ("sink", _, Some(SinkChoice::Url(url))) => url,
                ("source" | "sink", ..) => {
                    return Err(Failure::state(format!("no URL names the {part} yet")));
                }
                _ => {
                    let message = format!("key: `{part}.{key}` is not source.KEY or sink.KEY");
                    return Err(Failure::argument(message));
                }
            };
            url.set(key, value);
            Ok(())
        })
    }

    /// Reads a column of the source and calls it something in the sink. NULL: the same name, TEXT.
    status fn trommel_pipeline_column(
        pipeline: Ref<PipelineHandle>, from: Text, to: Text, declaration: Text,
    ) => {
        let (pipeline, from) = (pipeline.get()?, from.get("from")?);
        let to = to.optional("to")?.unwrap_or(from);
        check_name(to)?;
        let column = Column::new(from, to, declaration.optional("declaration")?)?;
        pipeline.change(|setup| {
            setup.columns.push(column);
            Ok(())
        })
    }

    /// Declares a column that the transform emits a value for.
    status fn trommel_pipeline_output(
        pipeline: Ref<PipelineHandle>, to: Text, declaration: Text,
    ) => {
        let (pipeline, to) = (pipeline.get()?, to.get("to")?);
        check_name(to)?;
        let declaration = declaration.optional("declaration")?.filter(|text| !text.is_empty());
        let column = Column::new("", to, declaration.or(Some("TEXT")))?;
        pipeline.change(|setup| {
            setup.outputs.push(column);
            Ok(())
        })
    }

    /// Sets the knobs of the run.
    status fn trommel_pipeline_options(
        pipeline: Ref<PipelineHandle>, options: Given<OptionsView>,
    ) => {
        let (pipeline, options) = (pipeline.get()?, options.get()?);
        pipeline.change(|setup| {
            (setup.options, setup.rejects) = options.build()?;
            Ok(())
        })
    }

    /// Makes it a job that goes on where an earlier run was cut off.
    status fn trommel_pipeline_resumable(pipeline: Ref<PipelineHandle>, job: Text) => {
        let (pipeline, job) = (pipeline.get()?, job.get("job")?);
        pipeline.change(|setup| {
            setup.job = Some(job.to_owned());
            Ok(())
        })
    }

    /// Reads from callbacks. On success `user` belongs to the pipeline.
    status fn trommel_pipeline_source(
        pipeline: Ref<PipelineHandle>, source: Given<SourceSpec>,
    ) => {
        let (pipeline, source) = (pipeline.get()?, source.get()?);
        pipeline.change(|setup| {
            let source = CallbackSource::new(source).ok_or_else(|| function("fill"))?;
            setup.source = Some(SourceChoice::Callback(source));
            Ok(())
        })
    }

    /// Transforms with a callback. On success `user` belongs to the pipeline.
    status fn trommel_pipeline_transform(
        pipeline: Ref<PipelineHandle>, transform: Given<TransformSpec>,
    ) => {
        let (pipeline, transform) = (pipeline.get()?, transform.get()?);
        pipeline.change(|setup| {
            setup.transform = Some(Transform::new(transform).ok_or_else(|| function("apply"))?);
            Ok(())
        })
    }

    /// Writes to callbacks. On success `user` belongs to the pipeline.
    status fn trommel_pipeline_sink(pipeline: Ref<PipelineHandle>, sink: Given<SinkSpec>) => {
        let (pipeline, sink) = (pipeline.get()?, sink.get()?);
        let cancel = pipeline.cancel.clone();
        pipeline.change(|setup| {
            let sink = CallbackSink::new(sink, cancel).ok_or_else(|| function("write"))?;
            setup.sink = Some(SinkChoice::Callback(sink));
            Ok(())
        })
    }

    /// Has a callback told of the progress, about ten times a second and once at the end. On
    /// success `user` belongs to the pipeline.
    status fn trommel_pipeline_on_progress(
        pipeline: Ref<PipelineHandle>,
        call: Option<ProgressFn>,
        user: *mut c_void,
        release: Option<DropFn>,
    ) => {
        let pipeline = pipeline.get()?;
        let call = call.ok_or_else(|| function("call"))?;
        pipeline.change(|setup| {
            setup.progress = Some(ProgressCallback { call, user: User::new(user, release) });
            Ok(())
        })
    }
}
