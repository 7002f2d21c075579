//! A sink that hands record batches to a reader.

use crate::arrow::gather::{Declared, Gather};
use crate::arrow::{Encoder, Page, RecordBatch};
use serde::Serialize;
use std::sync::mpsc::SyncSender;
use trommel::{Checkpoint, Commit, Durability, Encode, Error, ErrorKind, Result, Sink};

/// Rows after which the schema is settled whatever is still unknown.
const MOST_ROWS: usize = 1 << 16;

/// Takes records, makes columns of them as [`arrow::Sink`](crate::arrow::Sink) does, and sends record
/// batches to the reader of a stream; what the closures of
/// [`export_transform!`](crate::export_transform) emit into.
#[derive(Debug)]
pub struct Batches {
    sender: Option<SyncSender<RecordBatch>>,
    declared: Declared,
    gather: Gather,
}

impl Batches {
    pub(super) fn new(sender: SyncSender<RecordBatch>, declared: Declared) -> Self {
        Batches { sender: Some(sender), declared, gather: Gather::default() }
    }

    fn flush(&mut self, now: bool) -> Result<()> {
        for batch in self.gather.batches(MOST_ROWS, now)? {
            let sent = self.sender.as_ref().is_some_and(|sender| sender.send(batch).is_ok());
            if !sent {
                // Which has cancelled the run as well.
                let message = "the stream's reader has released it";
                return Err(Error::new(ErrorKind::Cancelled, message));
            }
        }
        Ok(())
    }
}

impl Sink for Batches {
    type Page = Page;
    type Encoder = Encoder;

    fn encoder(&mut self) -> Result<Encoder> {
        self.declared.check()?;
        self.gather = Gather::new(self.declared.schema.clone());
        Ok(Encoder::new(self.declared.clone()))
    }

    fn write(&mut self, page: &mut Page) -> Result<()> {
        self.gather.take(page);
        Ok(())
    }

    /// What has come so far is handed over as soon as its schema is settled: a reader may be waiting.
    fn commit(&mut self, _: &Checkpoint, _: Commit) -> Result<Durability> {
        self.flush(false)?;
        Ok(Durability::Stored)
    }

    /// The reader is told that it is over.
    fn finish(&mut self) -> Result<()> {
        self.flush(true)?;
        self.sender = None;
        Ok(())
    }

    fn abort(&mut self) -> Durability {
        self.sender = None;
        Durability::Stored
    }
}

impl<R: Serialize> Encode<R> for Batches {
    #[inline]
    fn encode(encoder: &Encoder, page: &mut Page, record: R) -> Result<()> {
        encoder.push(page, &record)
    }
}
