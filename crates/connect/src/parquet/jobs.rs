//! Encoding columns: work that the drain posts and the workers do between batches.
//!
//! A row group has one task per column. The drain puts pieces of columns into the inboxes of the
//! tasks; whoever takes a task off the queue encodes and compresses what its inbox holds. A worker
//! looks at the queue when it begins a page, so no thread is added and no worker ever waits. The
//! drain does tasks itself only when the workers fall behind, and at the end.

use super::chunk::Chunk;
use super::nested::Nested;
use crate::arrow::Building;
use arrow_array::ArrayRef;
use arrow_schema::FieldRef;
use bytes::Bytes;
use parquet::arrow::arrow_writer::ArrowColumnChunk;
use parquet::column::writer::ColumnCloseResult;
use parquet::errors::ParquetError;
use parquet::file::writer::SerializedRowGroupWriter;
use std::collections::VecDeque;
use std::fmt;
use std::io::Write;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use trommel::{Error, ErrorKind, Result};

/// Rows in an inbox that are worth a visit.
const WORTH_ROWS: usize = 8192;

/// A piece of a column.
#[derive(Debug)]
pub(super) enum Piece {
    Column(Building),
    Array(ArrayRef),
}

impl Piece {
    pub(super) fn into_array(self) -> Result<ArrayRef> {
        match self {
            Piece::Column(column) => column.into_array(),
            Piece::Array(array) => Ok(array),
        }
    }

    pub(super) fn rows(&self) -> usize {
        match self {
            Piece::Column(column) => column.len(),
            Piece::Array(array) => array.len(),
        }
    }
}

/// What encodes the column of a row group.
pub(super) enum Writer {
    /// A flat one of a usual type.
    Flat(Box<dyn Chunk>),
    /// By the crate.
    Nested(Nested),
    /// A thread has it, or it has been closed.
    Away,
}

/// A column of a row group, encoded.
pub(super) enum Encoded {
    Flat(Bytes, Box<ColumnCloseResult>),
    Nested(Vec<ArrowColumnChunk>),
}

impl Encoded {
    pub(super) fn append_to<W: Write + Send>(
        self,
        group: &mut SerializedRowGroupWriter<'_, W>,
    ) -> Result<(), ParquetError> {
        match self {
            Encoded::Flat(bytes, close) => group.append_column(&bytes, *close),
            Encoded::Nested(chunks) => {
                chunks.into_iter().try_for_each(|chunk| chunk.append_to_row_group(group))
            }
        }
    }
}

/// The column of a row group.
#[derive(Debug)]
pub(super) struct Task {
    field: FieldRef,
    state: Mutex<State>,
}

#[derive(Debug)]
struct State {
    inbox: Vec<Piece>,
    inbox_rows: usize,
    writer: Writer,
    /// In the queue or being done, so not to be queued again.
    is_active: bool,
    /// Nothing more comes.
    is_closing: bool,
    done: Option<Result<Encoded>>,
}

impl Task {
    pub(super) fn new(field: FieldRef, writer: Writer) -> Arc<Self> {
        let state = State {
            inbox: Vec::new(),
            inbox_rows: 0,
            writer,
            is_active: false,
            is_closing: false,
            done: None,
        };
        Arc::new(Task { field, state: Mutex::new(state) })
    }

    /// What became of it, once.
    pub(super) fn take_done(&self) -> Option<Result<Encoded>> {
        locked(&self.state).done.take()
    }

    pub(super) fn is_done(&self) -> bool {
        locked(&self.state).done.is_some()
    }

    fn encode(&self, inbox: Vec<Piece>, writer: &mut Writer) -> Result<()> {
        for piece in inbox {
            let array = piece.into_array()?;
            match writer {
                Writer::Flat(chunk) => chunk.write(&array),
                Writer::Nested(nested) => nested.write(&array),
                Writer::Away => Ok(()),
            }
            .map_err(|error| self.explain(error))?;
        }
        Ok(())
    }

    fn close(&self, writer: Writer) -> Result<Encoded> {
        match writer {
            Writer::Flat(chunk) => {
                chunk.close().map(|(bytes, close)| Encoded::Flat(bytes, Box::new(close)))
            }
            Writer::Nested(nested) => nested.close().map(Encoded::Nested),
            Writer::Away => return Err(Error::fatal("a column of the row group was lost")),
        }
        .map_err(|error| self.explain(error))
    }

    fn explain(&self, error: ParquetError) -> Error {
        Error::fatal("the column can't be encoded")
            .in_column(self.field.name().as_str())
            .caused_by(error)
    }
}

impl fmt::Debug for Writer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Writer::Flat(_) => "Flat",
            Writer::Nested(_) => "Nested",
            Writer::Away => "Away",
        })
    }
}

impl fmt::Debug for Encoded {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Encoded")
    }
}

/// The queue, shared by the drain and the workers.
#[derive(Debug, Default)]
pub(super) struct Jobs {
    queue: Mutex<VecDeque<Arc<Task>>>,
    /// Tasks in the queue, to be read without its lock.
    waiting: AtomicUsize,
    /// Signalled whenever a task has been closed.
    closed: Condvar,
    /// Guards nothing; what `closed` needs.
    closings: Mutex<()>,
}

impl Jobs {
    /// Gives a task a piece of its column.
    pub(super) fn post(&self, task: &Arc<Task>, piece: Piece) {
        let mut state = locked(&task.state);
        state.inbox_rows += piece.rows();
        state.inbox.push(piece);
        if state.inbox_rows >= WORTH_ROWS {
            self.activate(task, &mut state);
        }
    }

    /// Says that a task has got its last piece.
    pub(super) fn close(&self, task: &Arc<Task>) {
        let mut state = locked(&task.state);
        state.is_closing = true;
        self.activate(task, &mut state);
    }

    fn activate(&self, task: &Arc<Task>, state: &mut State) {
        if !std::mem::replace(&mut state.is_active, true) {
            locked(&self.queue).push_back(Arc::clone(task));
            self.waiting.fetch_add(1, Ordering::Release);
        }
    }

    /// Tasks that wait for somebody.
    #[inline]
    pub(super) fn waiting(&self) -> usize {
        self.waiting.load(Ordering::Acquire)
    }

    /// Does the task that has waited longest; `false` when there is none.
    pub(super) fn help(&self) -> bool {
        let Some(task) = locked(&self.queue).pop_front() else {
            return false;
        };
        self.waiting.fetch_sub(1, Ordering::Release);
        self.work(&task);
        true
    }

    fn work(&self, task: &Task) {
        loop {
            let mut state = locked(&task.state);
            if state.inbox.is_empty() && !(state.is_closing && state.done.is_none()) {
                state.is_active = false;
                return;
            }
            let inbox = std::mem::take(&mut state.inbox);
            state.inbox_rows = 0;
            if state.done.is_some() {
                // It has failed; what comes now is dropped.
                continue;
            }
            let mut writer = std::mem::replace(&mut state.writer, Writer::Away);
            let is_closing = state.is_closing;
            drop(state);
            let encode = AssertUnwindSafe(|| {
                task.encode(inbox, &mut writer)?;
                if !is_closing {
                    return Ok(None);
                }
                task.close(std::mem::replace(&mut writer, Writer::Away)).map(Some)
            });
            let encoded = catch_unwind(encode).unwrap_or_else(|_| {
                Err(Error::new(ErrorKind::Panic, "the encoder of a column panicked")
                    .in_column(task.field.name().as_str()))
            });
            let mut state = locked(&task.state);
            state.writer = writer;
            if let Some(done) = encoded.transpose() {
                state.done = Some(done);
                drop(state);
                drop(locked(&self.closings));
                self.closed.notify_all();
            }
        }
    }

    /// Works until all of these are done. The last ones may be with workers, which don't wait
    /// themselves, so they end.
    pub(super) fn finish(&self, tasks: &[Arc<Task>]) {
        while self.help() {}
        let is_open = |_: &mut ()| tasks.iter().any(|task| !task.is_done());
        let closings = locked(&self.closings);
        drop(self.closed.wait_while(closings, is_open).unwrap_or_else(PoisonError::into_inner));
    }
}

/// A panic inside these locks is caught before it gets here, so their data is whole.
fn locked<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
