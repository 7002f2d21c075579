//! The feeding end: asks the source for batches, one caller at a time.

use super::adaptive::Batcher;
use super::clock::Clock;
use super::control::Control;
use super::outlet::guarded;
use super::slot::Slot;
use crate::batch::Batch;
use crate::error::{Result, Stage};
use crate::page::Page;
use crate::source::{Fill, Limit, Source};
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
    /// When the last fill had ended, ns from the start of the run.
    filled_ns: u64,
    /// Batches handed out.
    issued: u64,
    ended: bool,
    /// It ended by itself.
    exhausted: bool,
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
            filled_ns: 0,
            issued: 0,
            ended: false,
            exhausted: false,
        }
    }

    pub(super) fn has_ended(&self) -> bool {
        self.ended
    }

    /// Whether the source has given all it had.
    pub(super) fn is_exhausted(&self) -> bool {
        self.exhausted
    }

    pub(super) fn issued(&self) -> u64 {
        self.issued
    }

    pub(super) fn filled_ns(&self) -> u64 {
        self.filled_ns
    }

    /// Takes over what the slot's latest batch took.
    pub(super) fn learn<P: Page>(&mut self, slot: &mut Slot<S::Batch, P>) {
        self.batcher.learn(&std::mem::take(&mut slot.sample));
        if let Some((ns, bytes)) = self.batcher.row_cost() {
            self.control.learn_row(ns, bytes);
        }
    }

    /// Fills the slot with the next batch, of about `rows` rows or as many as the batcher wants.
    pub(super) fn fill<P: Page>(
        &mut self,
        slot: &mut Slot<S::Batch, P>,
        rows: Option<usize>,
    ) -> Fed {
        self.learn(slot);
        if self.ended || !self.control.is_running() {
            self.ended = true;
            return Fed::Ended;
        }
        let wanted = self.batcher.rows(self.issued);
        let limit = Limit::new(
            rows.map_or(wanted, |rows| self.batcher.clamp(rows)),
            self.batch_bytes,
            self.flush_timeout,
            self.control,
        );
        let started = self.clock.source.begin();
        let filled = guarded("the source", || self.ask(slot, &limit));
        slot.sample.fill_ns = self.clock.source.end(started);
        self.filled_ns = started.at_ns + slot.sample.fill_ns;
        filled.unwrap_or_else(|error| {
            self.ended = true;
            // It comes after all batches before it, which are written.
            let seq = self.issued;
            self.control.fail(seq, error.in_stage(Stage::Source).in_batch(seq));
            Fed::Ended
        })
    }

    fn ask<P: Page>(&mut self, slot: &mut Slot<S::Batch, P>, limit: &Limit<'_>) -> Result<Fed> {
        let batch = &mut slot.lanes[0].batch;
        self.exhausted = self.source.fill(batch, limit)? == Fill::End;
        self.ended = self.exhausted;
        if batch.is_empty() {
            return Ok(if self.ended { Fed::Ended } else { Fed::Nothing });
        }
        slot.seq = self.issued;
        slot.position = self.source.position();
        self.clock.bytes_read(self.source.bytes_read());
        self.batcher.issued(slot.lanes[0].batch.len());
        self.issued += 1;
        Ok(Fed::Batch)
    }
}
