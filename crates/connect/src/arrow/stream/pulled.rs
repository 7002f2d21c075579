//! The stream that comes out.

use super::Settings;
use super::sink::Batches;
use crate::arrow::{RecordBatch, Row, Source};
use arrow_array::RecordBatchReader;
use arrow_schema::{ArrowError, Schema, SchemaRef};
use std::cell::RefCell;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::sync::mpsc::{Receiver, sync_channel};
use trommel::{CancelToken, Engine, Error, Out, Pipeline, Result, RunHandle};

/// Record batches that may wait for the reader.
const WAITING: usize = 2;

/// A run whose output is pulled.
pub(super) struct Pulled {
    /// Asking for the schema may have to wait for the first batch.
    state: RefCell<State>,
}

#[derive(Default)]
struct State {
    schema: Option<SchemaRef>,
    /// Pulled to know the schema, and not handed out yet.
    first: Option<Result<RecordBatch>>,
    batches: Option<Receiver<RecordBatch>>,
    cancel: CancelToken,
    run: Option<RunHandle<Batches>>,
    /// Dropped last, and with it its threads.
    engine: Option<Engine>,
}

impl Pulled {
    pub(super) fn start<F>(source: Source, settings: Settings, transform: F) -> Result<Self>
    where
        F: for<'b> Fn(Row<'b>, &mut Out<'b, Batches>) -> Result<()> + Send + Sync + 'static,
    {
        let Settings { workers, options, declared } = settings;
        let schema = declared.schema.clone();
        let engine = Engine::builder().workers(workers).build()?;
        let cancel = CancelToken::new();
        let (sender, batches) = sync_channel(WAITING);
        let run = Pipeline::from(source)
            .options(options)
            .cancel_with(&cancel)
            .transform(transform)
            .load_into(Batches::new(sender, declared))
            .start(&engine)?;
        let (batches, run, engine) = (Some(batches), Some(run), Some(engine));
        let state = State { schema, first: None, batches, cancel, run, engine };
        Ok(Pulled { state: RefCell::new(state) })
    }

    /// A stream that has nothing but an error.
    pub(super) fn failed(error: Error) -> Self {
        let state = State { first: Some(Err(error)), ..State::default() };
        Pulled { state: RefCell::new(state) }
    }
}

impl State {
    fn pull(&mut self) -> Option<Result<RecordBatch>> {
        if let (Some(batches), Some(run)) = (&self.batches, &self.run)
            && let Some(batch) = run.receive(batches)
        {
            return Some(Ok(batch));
        }
        self.batches = None;
        self.end().err().map(Err)
    }

    fn end(&mut self) -> Result<()> {
        let ended = self.run.take().map_or(Ok(()), |run| run.wait().map(drop));
        self.engine = None;
        ended
    }

    fn schema(&mut self) -> SchemaRef {
        if self.schema.is_none() && self.first.is_none() {
            self.first = self.pull();
        }
        if let (None, Some(Ok(first))) = (&self.schema, &self.first) {
            self.schema = Some(first.schema());
        }
        Arc::clone(self.schema.get_or_insert_with(|| Arc::new(Schema::empty())))
    }
}

/// The exported stream calls these without a guard, so that a panic must end here.
fn guarded<T>(body: impl FnOnce() -> T) -> Option<T> {
    catch_unwind(AssertUnwindSafe(body)).ok()
}

fn external(error: &Error) -> ArrowError {
    ArrowError::ExternalError(error.to_string().into())
}

impl Iterator for Pulled {
    type Item = Result<RecordBatch, ArrowError>;

    fn next(&mut self) -> Option<Self::Item> {
        let state = self.state.get_mut();
        let next = guarded(|| state.first.take().or_else(|| state.pull()));
        next.unwrap_or_else(|| {
            state.batches = None;
            Some(Err(Error::new(trommel::ErrorKind::Panic, "the stream panicked")))
        })
        .map(|next| next.map_err(|error| external(&error)))
    }
}

impl RecordBatchReader for Pulled {
    fn schema(&self) -> SchemaRef {
        let schema = guarded(|| self.state.try_borrow_mut().ok().map(|mut state| state.schema()));
        schema.flatten().unwrap_or_else(|| Arc::new(Schema::empty()))
    }
}

impl Drop for Pulled {
    /// Released before its end, it cancels the run and waits for it.
    fn drop(&mut self) {
        let state = self.state.get_mut();
        guarded(|| {
            state.cancel.cancel();
            // A sink that waits for room finds that nobody reads any more.
            state.batches = None;
            // Nobody is left to be told how it ended.
            let _ = state.end();
        });
    }
}
