//! Arrow C streams, in and out.

mod input;
mod output;
mod rows;

pub(crate) use input::ArrowIn;
pub(crate) use output::{ArrowOut, ArrowPage};
pub(crate) use rows::ArrowRows;

use crate::boundary::export;
use crate::cast::Ref;
use crate::error::Failure;
use crate::job::{self, Ended};
use crate::pipeline::{PipelineHandle, SinkChoice, SourceChoice, State};
use crate::run::not_now;
use crate::sink::Sink;
use arrow_array::ffi_stream::{FFI_ArrowArrayStream, RecordBatchStreamReader};
use arrow_array::{RecordBatch, RecordBatchReader};
use arrow_schema::{ArrowError, SchemaRef};
use engine::{CancelToken, Result, RunHandle};
use parking_lot::Mutex;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::sync::mpsc::{Receiver, sync_channel};

/// Batches that may wait for the reader of a stream.
const WAITING: usize = 2;

/// The stream that a pipeline's output is: what C pulls from.
struct Pulled {
    schema: SchemaRef,
    batches: Option<Receiver<RecordBatch>>,
    run: Option<RunHandle<Sink>>,
    cancel: CancelToken,
    state: Arc<Mutex<State>>,
    ended: Arc<Mutex<Option<Ended>>>,
}

impl Pulled {
    fn next_batch(&mut self) -> Option<Result<RecordBatch, ArrowError>> {
        if let (Some(batches), Some(run)) = (&self.batches, &self.run)
            && let Some(batch) = run.receive(batches)
        {
            return Some(Ok(batch));
        }
        self.batches = None;
        self.end().err().map(|error| Err(ArrowError::ExternalError(error.to_string().into())))
    }

    fn end(&mut self) -> Result<()> {
        let Some(run) = self.run.take() else { return Ok(()) };
        let result = run.wait().map(|(report, _)| report);
        let seen = match &result {
            Ok(report) => Some(report),
            Err(error) => error.report(),
        };
        *self.ended.lock() = seen.map(Ended::of);
        *self.state.lock() = State::Ended;
        result.map(drop)
    }
}

impl Iterator for Pulled {
    type Item = Result<RecordBatch, ArrowError>;

    /// The exported stream calls this without a guard of its own, so that a panic must end here.
    fn next(&mut self) -> Option<Self::Item> {
        catch_unwind(AssertUnwindSafe(|| self.next_batch())).unwrap_or_else(|_| {
            self.batches = None;
            Some(Err(ArrowError::ExternalError("the library panicked".into())))
        })
    }
}

impl RecordBatchReader for Pulled {
    fn schema(&self) -> SchemaRef {
        Arc::clone(&self.schema)
    }
}

impl Drop for Pulled {
    /// Releasing a stream before its end cancels the run, and waits for it.
    fn drop(&mut self) {
        let _ = catch_unwind(AssertUnwindSafe(|| {
            self.cancel.cancel();
            // A sink that waits for room finds that nobody reads any more.
            self.batches = None;
            let _ = self.end();
        }));
    }
}

/// `struct ArrowArrayStream *`.
#[derive(Debug, Clone, Copy)]
#[repr(transparent)]
pub(crate) struct Stream(*mut FFI_ArrowArrayStream);

impl Stream {
    fn required(self) -> Result<Self, Failure> {
        if self.0.is_null() { Err(Failure::null("stream")) } else { Ok(self) }
    }

    /// Takes the stream over: what is left has been released.
    fn take(self) -> Result<RecordBatchStreamReader, Failure> {
        self.required()?;
        // SAFETY: not NULL; the caller vouches for a stream that has not been released.
        let reader = unsafe { RecordBatchStreamReader::from_raw(self.0) };
        reader.map_err(|error| Failure::argument(format!("stream: {error}")))
    }

    fn set(self, stream: FFI_ArrowArrayStream) {
        // SAFETY: not NULL, as was asked before; the caller vouches for the room, whose old content
        // is not a stream.
        unsafe { self.0.write(stream) };
    }
}

export! {
    /// Reads from an Arrow stream, which on success is the pipeline's and is marked as released.
    status fn trommel_pipeline_from_arrow(pipeline: Ref<PipelineHandle>, stream: Stream) => {
        let (pipeline, stream) = (pipeline.get()?, stream.required()?);
        pipeline.change(|setup| {
            let source = ArrowIn::new(stream.take()?);
            setup.source = Some(SourceChoice::Arrow(source));
            Ok(())
        })
    }

    /// Starts the pipeline and answers what comes out of it as an Arrow stream.
    status fn trommel_pipeline_stream(pipeline: Ref<PipelineHandle>, stream: Stream) => {
        let (pipeline, stream) = (pipeline.get()?, stream.required()?);
        pipeline.home.check()?;
        let mut setup = pipeline.take(|state| match state {
            State::Setup(setup) => match (&setup.source, &setup.sink) {
                (Some(SourceChoice::Arrow(_)), None) => Ok(setup),
                (_, Some(_)) => {
                    let failure = Failure::state("the pipeline has a sink already");
                    Err((State::Setup(setup), failure))
                }
                _ => {
                    let failure = Failure::state("only rows of an Arrow stream can become one");
                    Err((State::Setup(setup), failure))
                }
            },
            other => Err(not_now(other)),
        })?;
        let schema = match &setup.source {
            Some(SourceChoice::Arrow(source)) => source.schema(),
            _ => return Err(Failure::state("the pipeline has no Arrow stream")),
        };
        let (sender, batches) = sync_channel(WAITING);
        setup.sink = Some(SinkChoice::Arrow(ArrowOut::new(sender)));
        let started =
            job::make(pipeline, *setup).and_then(|job| Ok(job.start(&pipeline.engine)?));
        let run = started.inspect_err(|_| *pipeline.state.lock() = State::Ended)?;
        let pulled = Pulled {
            schema,
            batches: Some(batches),
            run: Some(run),
            cancel: pipeline.cancel.clone(),
            state: Arc::clone(&pipeline.state),
            ended: Arc::clone(&pipeline.ended),
        };
        stream.set(FFI_ArrowArrayStream::new(Box::new(pulled)));
        Ok(())
    }
}
