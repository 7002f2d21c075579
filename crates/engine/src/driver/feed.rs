//! The feeding end: asks the source for batches, one caller at a time.

use super::adaptive::Batcher;
use super::clock::Clock;
use super::control::Control;
use super::panic_message;
use super::slot::Slot;
use crate::batch::Batch;
use crate::error::{Error, ErrorKind, Result, Stage};
use crate::page::Page;
use crate::source::{Fill, Limit, Source};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::time::Duration;

#[derive(Debug)]
pub(super) struct Feed<'r, S> {
    pub(super) source: &'r mut S,
    pub(super) batcher: Batcher,
    control: &'r Control,
    clock: &'r Clock,
    flush_timeout: Duration,
    /// Bytes that a batch may take: half a slot's share, the other half is for what it becomes.
    batch_bytes: usize,
    /// Batches handed out.
    issued: u64,
    ended: bool,
}

/// What asking the source came to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Fed {
    /// The slot holds the next batch.
    Batch,
    /// Nothing arrived in time; ask again.
    Nothing,
    /// There is no more.
    Ended,
}

impl<'r, S: Source> Feed<'r, S> {
    pub(super) fn new(
        source: &'r mut S,
        batcher: Batcher,
        control: &'r Control,
        clock: &'r Clock,
        flush_timeout: Duration,
        batch_bytes: usize,
    ) -> Self {
        Feed {
            source,
            batcher,
            control,
            clock,
            flush_timeout,
            batch_bytes,
            issued: 0,
            ended: false,
        }
    }

    pub(super) fn has_ended(&self) -> bool {
        self.ended
    }

    pub(super) fn issued(&self) -> u64 {
        self.issued
    }

    /// Fills the slot with the next batch, of `rows` rows or as many as the batcher wants.
    pub(super) fn fill<P: Page>(
        &mut self,
        slot: &mut Slot<S::Batch, P>,
        rows: Option<usize>,
    ) -> Fed {
        self.batcher.learn(&std::mem::take(&mut slot.sample));
        if self.ended || !self.control.is_running() {
            self.ended = true;
            return Fed::Ended;
        }
        let wanted = self.batcher.rows(self.issued);
        let limit = Limit::new(
            rows.map_or(wanted, |rows| rows.min(wanted)),
            self.batch_bytes,
            self.flush_timeout,
            self.control,
        );
        let batch = &mut slot.lanes[0].batch;
        let started = self.clock.source.begin();
        let filled = catch_unwind(AssertUnwindSafe(|| self.source.fill(batch, &limit)));
        slot.sample.fill_ns = self.clock.source.end(started);
        match flatten(filled) {
            Ok(fill) => {
                self.ended = fill == Fill::End;
                if slot.lanes[0].batch.is_empty() {
                    return if self.ended { Fed::Ended } else { Fed::Nothing };
                }
                slot.seq = self.issued;
                slot.position = self.source.position();
                self.issued += 1;
                self.clock.bytes_read(self.source.bytes_read());
                Fed::Batch
            }
            Err(error) => {
                self.ended = true;
                // Batches before it are loaded; it comes after all of them.
                self.control.fail(
                    self.issued,
                    error.in_stage(Stage::Source).in_batch(self.issued),
                );
                Fed::Ended
            }
        }
    }
}

fn flatten(filled: std::thread::Result<Result<Fill>>) -> Result<Fill> {
    filled.unwrap_or_else(|panic| {
        Err(Error::new(
            ErrorKind::Panic,
            format!("the source panicked: {}", panic_message(&*panic)),
        ))
    })
}
