//! Arrow C streams, in and out.

use crate::boundary::export;
use crate::cast::Ref;
use crate::error::Failure;
use crate::job::{self, Ended};
use crate::page::{Form, Page};
use crate::pipeline::{PipelineHandle, SinkChoice, SourceChoice, State};
use crate::plan::{Column, Kind, Plan};
use crate::rows::Rows;
use crate::run::not_now;
use crate::sink::{Output, Sink};
use crate::source::Input;
use crate::value::Value;
use arrow_array::cast::AsArray;
use arrow_array::ffi_stream::{FFI_ArrowArrayStream, RecordBatchStreamReader};
use arrow_array::types::{
    ArrowPrimitiveType, Float32Type, Float64Type, Int8Type, Int16Type, Int32Type, Int64Type,
    UInt8Type, UInt16Type, UInt32Type, UInt64Type,
};
use arrow_array::{Array, RecordBatch, RecordBatchReader};
use arrow_schema::{ArrowError, DataType, SchemaRef};
use engine::{
    CancelToken, Checkpoint, Commit, Durability, Error, ErrorKind, Fill, Limit, Result, RunHandle,
};
use parking_lot::Mutex;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::sync::mpsc::{Receiver, RecvTimeoutError, SyncSender, sync_channel};
use std::time::Duration;

/// Batches that may wait for the reader of a stream.
const WAITING: usize = 2;

/// How long the reader waits before it looks whether the run has ended.
const LOOK: Duration = Duration::from_millis(50);

/// Rows of one Arrow batch, not copied.
#[derive(Debug)]
pub(crate) struct ArrowRows(RecordBatch);

impl ArrowRows {
    pub(crate) fn len(&self) -> usize {
        self.0.num_rows()
    }

    /// The buffers are the producer's and shared; what counts is that a batch is held at all.
    pub(crate) fn bytes(&self) -> usize {
        self.0.num_columns() * size_of::<usize>()
    }

    pub(crate) fn split_off(&mut self, at: usize) -> ArrowRows {
        let tail = self.0.slice(at, self.len() - at);
        self.0 = self.0.slice(0, at);
        ArrowRows(tail)
    }

    /// Appends the values of all rows, which point into the batch.
    pub(crate) fn decode(&self, plan: &Plan, values: &mut Vec<Value>) {
        let width = plan.inputs.len();
        values.resize(self.len() * width, Value::NULL);
        for (place, (index, _)) in plan.inputs.iter().enumerate() {
            let column = self.0.column(*index).as_ref();
            let cells = values[place..].iter_mut().step_by(width);
            // Types were checked when the job was made; anything else stays NULL.
            if let Some(read) = reader(column) {
                cells.enumerate().filter(|(row, _)| column.is_valid(*row)).for_each(
                    |(row, cell)| {
                        *cell = read(row);
                    },
                );
            }
        }
    }
}

fn integers<T: ArrowPrimitiveType>(column: &dyn Array) -> Box<dyn Fn(usize) -> Value + '_>
where
    T::Native: TryInto<i64>,
{
    let numbers = column.as_primitive::<T>();
    Box::new(|row| numbers.value(row).try_into().map_or(Value::NULL, Value::integer))
}

/// What reads the values of a column; `None` for types that have no value here.
fn reader(column: &dyn Array) -> Option<Box<dyn Fn(usize) -> Value + '_>> {
    let text = |bytes| Value::text(bytes).unwrap_or(Value::NULL);
    let blob = |bytes| Value::blob(bytes).unwrap_or(Value::NULL);
    Some(match column.data_type() {
        DataType::Int8 => integers::<Int8Type>(column),
        DataType::Int16 => integers::<Int16Type>(column),
        DataType::Int32 => integers::<Int32Type>(column),
        DataType::Int64 => integers::<Int64Type>(column),
        DataType::UInt8 => integers::<UInt8Type>(column),
        DataType::UInt16 => integers::<UInt16Type>(column),
        DataType::UInt32 => integers::<UInt32Type>(column),
        DataType::UInt64 => integers::<UInt64Type>(column),
        DataType::Float32 => {
            let numbers = column.as_primitive::<Float32Type>();
            Box::new(|row| Value::real(numbers.value(row).into()))
        }
        DataType::Float64 => {
            let numbers = column.as_primitive::<Float64Type>();
            Box::new(|row| Value::real(numbers.value(row)))
        }
        DataType::Boolean => {
            let flags = column.as_boolean();
            Box::new(|row| Value::integer(flags.value(row).into()))
        }
        DataType::Utf8 => {
            let texts = column.as_string::<i32>();
            Box::new(move |row| text(texts.value(row).as_bytes()))
        }
        DataType::LargeUtf8 => {
            let texts = column.as_string::<i64>();
            Box::new(move |row| text(texts.value(row).as_bytes()))
        }
        DataType::Binary => {
            let bytes = column.as_binary::<i32>();
            Box::new(move |row| blob(bytes.value(row)))
        }
        DataType::LargeBinary => {
            let bytes = column.as_binary::<i64>();
            Box::new(move |row| blob(bytes.value(row)))
        }
        _ => return None,
    })
}

/// The SQL type of an Arrow type, where it has one.
fn declaration(kind: &DataType) -> Option<(&'static str, Kind)> {
    Some(match kind {
        kind if kind.is_integer() => ("INTEGER", Kind::Integer),
        DataType::Float32 | DataType::Float64 => ("REAL", Kind::Real),
        DataType::Boolean => ("BOOLEAN", Kind::Boolean),
        DataType::Utf8 | DataType::LargeUtf8 => ("TEXT", Kind::Text),
        DataType::Binary | DataType::LargeBinary => ("BLOB", Kind::Blob),
        _ => return None,
    })
}

/// A source that reads a stream.
#[derive(Debug)]
pub(crate) struct ArrowIn {
    reader: RecordBatchStreamReader,
    /// What is left of the batch read last.
    rest: Option<RecordBatch>,
}

impl ArrowIn {
    /// The columns as the sink of a table would have them.
    pub(crate) fn columns(&self) -> Vec<Column> {
        let column = |field: &Arc<arrow_schema::Field>| {
            let (text, kind) = declaration(field.data_type()).unwrap_or(("BLOB", Kind::Blob));
            let name = field.name().clone();
            Column { from: name.clone(), to: name, declaration: text.to_owned(), kind }
        };
        self.reader.schema().fields().iter().map(column).collect()
    }

    /// Refuses columns whose values can't be read one by one.
    pub(crate) fn check(&self, plan: &Plan) -> Result<()> {
        let schema = self.reader.schema();
        for (index, _) in &plan.inputs {
            let field = schema.field(*index);
            if declaration(field.data_type()).is_none() {
                let message = format!(
                    "column `{}` is {}; whole numbers, floats, booleans, texts and bytes can be \
                     read: choose columns, or convert it before",
                    field.name(),
                    field.data_type()
                );
                return Err(Error::new(ErrorKind::Unsupported, message));
            }
        }
        Ok(())
    }
}

impl Input for ArrowIn {
    fn fill(&mut self, rows: &mut Rows, limit: &Limit<'_>, _: &Plan) -> Result<Fill> {
        let batch = match self.rest.take() {
            Some(rest) => rest,
            None => match self.reader.next() {
                Some(Ok(batch)) => batch,
                Some(Err(error)) => {
                    let message = "the Arrow stream has failed";
                    return Err(Error::new(ErrorKind::Io, message).caused_by(error));
                }
                None => {
                    *rows = Rows::Empty;
                    return Ok(Fill::End);
                }
            },
        };
        let wanted = limit.rows();
        if batch.num_rows() > wanted {
            self.rest = Some(batch.slice(wanted, batch.num_rows() - wanted));
            *rows = Rows::Arrow(ArrowRows(batch.slice(0, wanted)));
        } else {
            *rows = Rows::Arrow(ArrowRows(batch));
        }
        Ok(Fill::More)
    }
}

/// Rows on their way out: stretches of batches, not copied.
#[derive(Debug, Default)]
pub(crate) struct ArrowPage {
    stretches: Vec<Stretch>,
    rows: usize,
}

#[derive(Debug)]
struct Stretch {
    batch: RecordBatch,
    /// Where the batch lay, to know the next row's again.
    home: usize,
    start: usize,
    rows: usize,
}

impl ArrowPage {
    /// Appends `count` rows from `row` on.
    #[inline]
    pub(crate) fn push(&mut self, rows: &ArrowRows, row: usize, count: usize) {
        let home = std::ptr::from_ref(rows).addr();
        self.rows += count;
        if let Some(last) = self.stretches.last_mut()
            && last.home == home
            && last.start + last.rows == row
        {
            last.rows += count;
            return;
        }
        self.stretches.push(Stretch { batch: rows.0.clone(), home, start: row, rows: count });
    }

    pub(crate) fn clear(&mut self) {
        self.stretches.clear();
        self.rows = 0;
    }

    pub(crate) fn bytes(&self) -> usize {
        self.stretches.len() * size_of::<Stretch>()
    }

    pub(crate) fn mark(&self) -> usize {
        self.rows
    }

    pub(crate) fn rewind(&mut self, mark: usize) {
        while self.rows > mark {
            let Some(last) = self.stretches.last_mut() else { break };
            let gone = last.rows.min(self.rows - mark);
            last.rows -= gone;
            self.rows -= gone;
            if last.rows == 0 {
                self.stretches.pop();
            }
        }
    }
}

/// A sink that hands batches to the reader of a stream.
#[derive(Debug)]
pub(crate) struct ArrowOut(Option<SyncSender<RecordBatch>>);

impl Output for ArrowOut {
    fn begin(&mut self) -> Result<Form> {
        Ok(Form::Arrow)
    }

    fn write(&mut self, page: &mut Page) -> Result<()> {
        let Page::Arrow(page) = page else { return Ok(()) };
        for Stretch { batch, start, rows, .. } in page.stretches.drain(..) {
            let whole = start == 0 && rows == batch.num_rows();
            let batch = if whole { batch } else { batch.slice(start, rows) };
            let sent = self.0.as_ref().is_some_and(|sender| sender.send(batch).is_ok());
            if !sent {
                // Which has cancelled the run as well.
                let message = "the stream's reader has released it";
                return Err(Error::new(ErrorKind::Cancelled, message));
            }
        }
        Ok(())
    }

    fn commit(&mut self, _: &Checkpoint, _: Commit) -> Result<Durability> {
        Ok(Durability::Stored)
    }

    /// The sink outlives the run, in the handle's hands: the reader is told here that it is over.
    fn finish(&mut self) -> Result<()> {
        self.0 = None;
        Ok(())
    }

    fn abort(&mut self) -> Durability {
        self.0 = None;
        Durability::Stored
    }
}

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
        loop {
            match self.batches.as_ref()?.recv_timeout(LOOK) {
                Ok(batch) => return Some(Ok(batch)),
                Err(RecvTimeoutError::Disconnected) => break,
                // A run that was cancelled neither finishes its sink nor aborts it.
                Err(RecvTimeoutError::Timeout) => {
                    if self.run.as_ref().is_none_or(RunHandle::is_finished) {
                        match self.batches.as_ref()?.try_recv() {
                            Ok(batch) => return Some(Ok(batch)),
                            Err(_) => break,
                        }
                    }
                }
            }
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
            let source = ArrowIn { reader: stream.take()?, rest: None };
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
            Some(SourceChoice::Arrow(source)) => source.reader.schema(),
            _ => return Err(Failure::state("the pipeline has no Arrow stream")),
        };
        let (sender, batches) = sync_channel(WAITING);
        setup.sink = Some(SinkChoice::Arrow(ArrowOut(Some(sender))));
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
