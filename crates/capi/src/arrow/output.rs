//! Rows on their way to the reader of a stream.

use super::rows::ArrowRows;
use crate::page::{Form, Page};
use arrow_array::RecordBatch;
use engine::{Checkpoint, Commit, Durability, Error, ErrorKind, Result};
use std::sync::mpsc::SyncSender;

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

impl ArrowOut {
    pub(super) fn new(sender: SyncSender<RecordBatch>) -> Self {
        ArrowOut(Some(sender))
    }
}

impl engine::Sink for ArrowOut {
    type Page = Page;
    type Encoder = Form;

    fn encoder(&mut self) -> Result<Form> {
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
