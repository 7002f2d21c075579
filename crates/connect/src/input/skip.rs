//! Passing over what is too large to be read.

use super::block::Block;
use super::cut::Cut;
use super::feed::{Feeder, LARGEST};
use super::place::Place;

/// Bytes kept of a record that is too large to be read.
const KEPT: usize = 4096;

/// A record that is too large.
#[derive(Debug)]
pub(super) struct Skip {
    head: Vec<u8>,
    start: Place,
    limit: usize,
    /// The quote that was open where the limit was reached.
    quote: Option<Place>,
}

impl<C: Cut> Feeder<C> {
    /// Passes a comment that is longer than a record may be, as far as it has been read.
    pub(super) fn drop_comment(&mut self) {
        let count = self.cutter.drop_comment(self.window.data());
        self.drop_bytes(count);
    }

    /// Starts to pass over the record in the window, which is longer than `limit`.
    pub(super) fn start_skipping(&mut self, limit: usize) {
        let data = self.window.data();
        let quote = self.cutter.open_quote();
        self.skipping = Some(Skip {
            head: data[..data.len().min(KEPT)].to_vec(),
            start: self.place,
            limit,
            quote: quote.map(|at| self.place.after(&data[..at], 0)),
        });
    }

    /// Goes on passing over a record; once it is behind, the block says what was wrong with it.
    pub(super) fn skip(&mut self, block: &mut Block) -> bool {
        self.cutter.walk(self.window.data(), 1);
        if self.cutter.rows() == 0 && self.ended {
            self.cutter.finish(self.window.data());
        }
        if self.cutter.rows() == 0 {
            // The last byte stays: it decides whether a quote that follows opens a field.
            self.drop_bytes(self.window.len() - 1);
            self.cutter.skip();
            return false;
        }
        if let Some(skip) = self.skipping.take() {
            let end = self.place.offset + self.cutter.last().1 as u64;
            let remedy = match skip.limit < LARGEST {
                true => "raise memory_limit",
                false => "no record may be larger",
            };
            let mut reason = format!(
                "the record of {} bytes is larger than the limit of {} bytes; {remedy}",
                end - skip.start.offset,
                skip.limit
            );
            if let Some(quote) = skip.quote {
                reason.push_str(&format!(
                    ", or close the quote at line {}, byte {}",
                    quote.line, quote.offset
                ));
            }
            block.clear(self.inputs.name(), skip.start);
            block.refuse(&skip.head, reason);
        }
        let end = self.cutter.end();
        self.place = self.place.after(&self.window.data()[..end], 1);
        self.done = self.place;
        self.window.consume(end);
        self.cutter.cut();
        true
    }
}
