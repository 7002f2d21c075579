//! Encoding columns: work that the drain posts and the workers do between batches.
//!
//! A row group has one task per column. The drain puts pieces of columns into the inboxes of the
//! tasks; whoever takes a task off the queue encodes and compresses what its inbox holds. A worker
//! looks at the queue when it begins a page, so no thread is added and no worker ever waits. The
//! drain does tasks itself only when the workers fall behind, and at the end.

use crate::arrow::Building;
use arrow_array::ArrayRef;
use arrow_schema::FieldRef;
use parquet::arrow::arrow_writer::{ArrowColumnChunk, ArrowColumnWriter, compute_leaves};
use parquet::errors::ParquetError;
use std::collections::VecDeque;
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
    pub(super) fn rows(&self) -> usize {
        match self {
            Piece::Column(column) => column.len(),
            Piece::Array(array) => array.len(),
        }
    }
}

/// The column of a row group.
#[derive(Debug)]
pub(super) struct Task {
    field: FieldRef,
    state: Mutex<State>,
}

#[derive(Debug, Default)]
struct State {
    inbox: Vec<Piece>,
    inbox_rows: usize,
    /// Taken out by the thread that encodes; one for each leaf of a nested column.
    writers: Vec<ArrowColumnWriter>,
    /// In the queue or being done, so not to be queued again.
    is_active: bool,
    /// Nothing more comes.
    is_closing: bool,
    done: Option<Result<Vec<ArrowColumnChunk>>>,
}

impl Task {
    pub(super) fn new(field: FieldRef, writers: Vec<ArrowColumnWriter>) -> Arc<Self> {
        Arc::new(Task { field, state: Mutex::new(State { writers, ..State::default() }) })
    }

    /// What became of it, once.
    pub(super) fn take_done(&self) -> Option<Result<Vec<ArrowColumnChunk>>> {
        locked(&self.state).done.take()
    }

    pub(super) fn is_done(&self) -> bool {
        locked(&self.state).done.is_some()
    }

    fn encode(
        &self,
        inbox: Vec<Piece>,
        writers: &mut Vec<ArrowColumnWriter>,
        close: bool,
    ) -> Result<Vec<ArrowColumnChunk>> {
        let failed = |error: ParquetError| {
            Error::fatal("the column can't be encoded")
                .in_column(self.field.name().as_str())
                .caused_by(error)
        };
        for piece in inbox {
            let array = match piece {
                Piece::Column(column) => column.into_array()?,
                Piece::Array(array) => array,
            };
            let leaves = compute_leaves(&self.field, &array).map_err(failed)?;
            for (writer, leaf) in writers.iter_mut().zip(&leaves) {
                writer.write(leaf).map_err(failed)?;
            }
        }
        if !close {
            return Ok(Vec::new());
        }
        writers.drain(..).map(|writer| writer.close().map_err(failed)).collect()
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
            let mut writers = std::mem::take(&mut state.writers);
            let close = state.is_closing;
            drop(state);
            let encode = AssertUnwindSafe(|| task.encode(inbox, &mut writers, close));
            let encoded = catch_unwind(encode).unwrap_or_else(|_| {
                Err(Error::new(ErrorKind::Panic, "the encoder of a column panicked")
                    .in_column(task.field.name().as_str()))
            });
            let mut state = locked(&task.state);
            state.writers = writers;
            if close || encoded.is_err() {
                state.done = Some(encoded);
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
