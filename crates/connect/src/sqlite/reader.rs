//! The thread that steps a query.
//!
//! A statement borrows its connection and can't be sent to another thread, while a source is called
//! by whichever thread feeds. So connection and statement stay on a thread of their own, which fills
//! one batch at a time, when it is asked to: nothing is read ahead.

use super::error::{Place, explain};
use super::source::owned;
use crate::table::{Batch, Shape};
use crate::threads;
use rusqlite::types::{Value as Owned, ValueRef};
use rusqlite::{Connection, InterruptHandle, Rows, Statement};
use std::sync::Arc;
use std::sync::mpsc::{Receiver, RecvTimeoutError, SyncSender, sync_channel};
use std::thread::JoinHandle;
use std::time::Duration;
use trommel::{Error, ErrorKind, Fill, Limit, Result};

/// How often a feeder that waits looks whether the run has been cancelled.
const LOOK: Duration = Duration::from_millis(20);

/// What is to be read.
#[derive(Debug)]
pub(super) struct Read {
    pub(super) place: Place,
    pub(super) sql: String,
    pub(super) parameters: Vec<Owned>,
    pub(super) order: Option<Order>,
    pub(super) shape: Arc<Shape>,
}

/// By which key the rows come.
#[derive(Debug)]
pub(super) struct Order {
    pub(super) column: usize,
    pub(super) name: String,
    pub(super) after: Option<Owned>,
}

/// A batch to be filled, and how far.
struct Task {
    batch: Batch,
    first: u64,
    rows: usize,
    bytes: usize,
}

/// A filled batch, and the key of its last row.
type Done = (Batch, Result<(Fill, Option<Owned>)>);

/// The thread's other end.
pub(super) struct Reader {
    tasks: Option<SyncSender<Task>>,
    done: Receiver<Done>,
    interrupt: InterruptHandle,
    thread: Option<JoinHandle<()>>,
    /// A task that was given up on waiting for is still on its way.
    under_way: bool,
}

impl Reader {
    pub(super) fn start(connection: Connection, read: Read) -> Result<Self> {
        let (tasks, todo) = sync_channel(1);
        let (answers, done) = sync_channel(1);
        let interrupt = connection.get_interrupt_handle();
        let serve = move || serve(&connection, &read, &todo, &answers);
        let thread = threads::start("trommel-sqlite", serve)?;
        Ok(Reader { tasks: Some(tasks), done, interrupt, thread: Some(thread), under_way: false })
    }

    /// Has the batch filled, and waits for it.
    pub(super) fn read(
        &mut self,
        batch: &mut Batch,
        first: u64,
        limit: &Limit<'_>,
    ) -> Result<(Fill, Option<Owned>)> {
        let gone = || Error::fatal("the thread that reads the database has ended");
        if !self.under_way {
            let task = Task {
                batch: std::mem::take(batch),
                first,
                rows: limit.rows(),
                bytes: limit.bytes(),
            };
            self.tasks.as_ref().ok_or_else(gone)?.send(task).map_err(|_| gone())?;
            self.under_way = true;
        }
        loop {
            match self.done.recv_timeout(LOOK) {
                Ok((filled, answer)) => {
                    *batch = filled;
                    self.under_way = false;
                    return answer;
                }
                Err(RecvTimeoutError::Timeout) if limit.is_cancelled() => {
                    return Ok((Fill::More, None));
                }
                Err(RecvTimeoutError::Timeout) => {}
                Err(RecvTimeoutError::Disconnected) => return Err(gone()),
            }
        }
    }
}

impl Drop for Reader {
    fn drop(&mut self) {
        // Without the tasks' end the thread has nothing left to wait for; a step that takes long,
        // as a sort may, is cut short.
        self.tasks = None;
        self.interrupt.interrupt();
        if let Some(thread) = self.thread.take() {
            _ = thread.join();
        }
    }
}

/// What the thread does.
fn serve(connection: &Connection, read: &Read, todo: &Receiver<Task>, answers: &SyncSender<Done>) {
    let answer = |batch, answer| answers.send((batch, answer)).is_ok();
    let failed = |error| explain(&read.place, "the query failed", error);
    let mut statement = match prepare(connection, read) {
        Ok(statement) => statement,
        Err(error) => {
            if let Ok(task) = todo.recv() {
                answer(task.batch, Err(failed(error)));
            }
            return;
        }
    };
    let mut rows = statement.raw_query();
    let mut last = read.order.as_ref().and_then(|order| order.after.clone());
    while let Ok(mut task) = todo.recv() {
        let filled = fill(&mut rows, read, &mut task, &mut last);
        let more = matches!(filled, Ok(Fill::More));
        let filled = filled.map(|fill| (fill, last.clone()));
        if !answer(task.batch, filled) || !more {
            // The statement ends here and with it the read lock.
            return;
        }
    }
}

fn prepare<'c>(connection: &'c Connection, read: &Read) -> rusqlite::Result<Statement<'c>> {
    let mut statement = connection.prepare(&read.sql)?;
    for (index, parameter) in read.parameters.iter().enumerate() {
        statement.raw_bind_parameter(index + 1, parameter)?;
    }
    if let Some(after) = read.order.as_ref().and_then(|order| order.after.as_ref()) {
        statement.raw_bind_parameter(read.parameters.len() + 1, after)?;
    }
    Ok(statement)
}

fn fill(
    rows: &mut Rows<'_>,
    read: &Read,
    task: &mut Task,
    last: &mut Option<Owned>,
) -> Result<Fill> {
    let failed = |error| explain(&read.place, "the query failed", error);
    let columns = read.shape.names().len();
    task.batch.start(&read.shape, task.first);
    let mut count = 0;
    while count < task.rows && (count == 0 || trommel::Batch::bytes(&task.batch) < task.bytes) {
        let Some(row) = rows.next().map_err(failed)? else {
            return Ok(Fill::End);
        };
        if let Some(order) = &read.order {
            advance(last, row.get_ref(order.column).map_err(failed)?, order)?;
        }
        for column in 0..columns {
            use crate::table::Value;
            match row.get_ref(column).map_err(failed)? {
                ValueRef::Null => task.batch.push(Value::Null)?,
                ValueRef::Integer(number) => task.batch.push(Value::Int(number))?,
                ValueRef::Real(number) => task.batch.push(Value::Float(number))?,
                ValueRef::Text(text) => task.batch.push_text(text)?,
                ValueRef::Blob(bytes) => task.batch.push(Value::Blob(bytes))?,
            }
        }
        task.batch.end_row();
        count += 1;
    }
    Ok(Fill::More)
}

/// Takes the next key; one that says less than where a row is ends the run, since a restart would
/// lose rows or bring them twice.
fn advance(last: &mut Option<Owned>, key: ValueRef<'_>, order: &Order) -> Result<()> {
    let wrong = |what: &str| {
        Err(Error::new(
            ErrorKind::Config,
            format!("key: column `{}` has {what}: use a column that is unique", order.name),
        ))
    };
    match (last.as_mut(), key) {
        (_, ValueRef::Null) => wrong("a NULL"),
        (_, ValueRef::Text(text)) if std::str::from_utf8(text).is_err() => {
            wrong("a text that is not valid UTF-8")
        }
        // The usual cases without an allocation.
        (Some(Owned::Integer(before)), ValueRef::Integer(now)) if *before != now => {
            *before = now;
            Ok(())
        }
        (Some(Owned::Text(before)), ValueRef::Text(now)) if before.as_bytes() != now => {
            before.clear();
            before.push_str(std::str::from_utf8(now)?);
            Ok(())
        }
        (Some(before), now) if ValueRef::from(&*before) == now => wrong("a value twice"),
        (_, now) => {
            *last = Some(owned(now));
            Ok(())
        }
    }
}
