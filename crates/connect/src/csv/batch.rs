//! A block of whole records, parsed by the worker that walks it.

use super::cutter::Cutter;
use super::parse::{Kind, Parsed, Strictness};
use super::row::Row;
use super::shape::Shape;
use crate::decode::{Hints, same};
use crate::input::{Block, Cut as _, Place};
use std::fmt;
use std::sync::Arc;
use trommel::{Error, Origin, Result};

/// Raw CSV records, and where their fields are once they have been parsed.
///
/// [`Source`](super::Source) fills it with a block that ends on a record boundary;
/// [`for_each`](trommel::Batch::for_each) parses it on the worker. The number of rows is exact from
/// the start.
#[derive(Default)]
pub struct Batch {
    shape: Option<Arc<Shape>>,
    block: Block,
    parsed: Parsed,
    is_parsed: bool,
    hints: Hints,
}

impl Batch {
    /// Throws the rows away, keeping the capacity; answers the block to be filled.
    pub(super) fn begin(&mut self, shape: &Arc<Shape>) -> &mut Block {
        if !self.shape.as_ref().is_some_and(|mine| Arc::ptr_eq(mine, shape)) {
            self.shape = Some(Arc::clone(shape));
            self.hints = Hints::default();
        }
        self.parsed.clear();
        self.is_parsed = false;
        &mut self.block
    }

    /// A batch of these records.
    pub(super) fn of(shape: &Arc<Shape>, block: Block) -> Self {
        let mut batch = Batch::default();
        *batch.begin(shape) = block;
        batch
    }

    pub(super) fn data(&self) -> &[u8] {
        self.block.data()
    }

    #[inline(always)]
    pub(super) fn parsed(&self) -> &Parsed {
        &self.parsed
    }

    pub(super) fn shape(&self) -> Option<&Shape> {
        self.shape.as_deref()
    }

    pub(super) fn shared_shape(&self) -> Option<Arc<Shape>> {
        self.shape.clone()
    }

    /// Number of the first record.
    pub(super) fn first_record(&self) -> u64 {
        self.block.start().record
    }

    /// The column called `name`, if there is one; an error when there are several.
    #[inline(always)]
    pub(super) fn find_column(&self, shape: &Shape, name: &str) -> Result<Option<usize>> {
        let (place, column) = self.hints.guess(name);
        match shape.headers.names.get(column) {
            Some(known) if same(known, name) => Ok(Some(column)),
            _ => self.find_near(shape, place, name),
        }
    }

    #[inline(never)]
    fn find_near(&self, shape: &Shape, place: usize, name: &str) -> Result<Option<usize>> {
        let names = &shape.headers.names;
        let is = |column: usize| names.get(column).is_some_and(|known| same(known, name));
        self.hints.find(place, is, || shape.headers.find(name, &shape.name))
    }

    pub(super) fn parse(&mut self) {
        if self.is_parsed || self.block.refused().is_some() {
            return;
        }
        if let Some(shape) = &self.shape {
            let strict = Strictness { width: shape.width, lenient_eof: shape.lenient_eof };
            let fields = shape.width.unwrap_or(shape.headers.names.len());
            self.parsed.expect(self.block.rows(), fields, self.block.data().len());
            self.parsed.parse(self.block.data(), &shape.rules, strict);
            self.is_parsed = true;
            debug_assert_eq!(
                self.parsed.spans.len(),
                self.block.rows(),
                "cutter and parser disagree"
            );
        }
    }

    /// The row at `index`, or what is wrong with it; `text` is the block, or empty where that is no
    /// text.
    #[inline(always)]
    fn row<'a>(&'a self, text: &'a str, index: usize) -> Result<Row<'a>> {
        match (self.parsed.spans.get(index), self.shape()) {
            (Some(span), Some(shape)) if span.kind == Kind::Good => {
                let starts = self.parsed.starts(*span);
                Ok(Row::new(self.data(), text, starts, shape, self, index as u32))
            }
            _ => Err(self.fault(index)),
        }
    }

    #[cold]
    fn fault(&self, index: usize) -> Error {
        let (mut origin, mut message) = (Origin::default(), String::new());
        self.find(&[index], &mut |_, place, _| origin = place.origin(self.block.source()));
        if let Some(reason) = self.block.refused() {
            message.push_str(reason);
        } else if let Some(span) = self.parsed.spans.get(index) {
            if span.kind == Kind::Unclosed {
                let quote = self.block.start().after(&self.data()[..span.starts as usize], 0);
                message = format!(
                    "the input ends inside a quoted field; the quote at line {}, byte {} is never \
                     closed",
                    quote.line, quote.offset
                );
            } else {
                let width = self.shape().and_then(|shape| shape.width).unwrap_or(0);
                message = format!("{} where {width} are expected", fields(span.fields as usize));
            }
        }
        Error::row(message).at(origin)
    }

    fn find(&self, rows: &[usize], found: &mut dyn FnMut(usize, Place, &[u8])) {
        if let Some(shape) = self.shape() {
            self.block.find(Cutter::new(shape.rules), rows, found);
        }
    }

    pub(super) fn origin(&self, row: usize) -> Origin {
        self.place(row).origin(self.block.source())
    }

    pub(super) fn place(&self, row: usize) -> Place {
        let mut found = self.block.start();
        self.find(&[row], &mut |_, place, _| found = place);
        found
    }
}

impl fmt::Debug for Batch {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Batch").field("block", &self.block).finish_non_exhaustive()
    }
}

impl trommel::Batch for Batch {
    type Row<'a> = Row<'a>;

    fn len(&self) -> usize {
        self.block.rows()
    }

    fn bytes(&self) -> usize {
        self.block.heap_bytes() + self.parsed.heap_bytes()
    }

    fn for_each<'a, F>(&'a mut self, from: usize, mut visit: F) -> Result<()>
    where
        F: FnMut(Result<Row<'a>>) -> Result<()>,
    {
        self.parse();
        let batch: &'a Batch = self;
        // All at once, which leaves a look at the ends of each field.
        let text = simdutf8::basic::from_utf8(batch.data()).unwrap_or_default();
        (from..batch.block.rows()).try_for_each(|index| visit(batch.row(text, index)))
    }

    /// Cuts exactly at row `at`.
    fn split_off(&mut self, at: usize, tail: &mut Self) -> bool {
        let Some(shape) = self.shape.clone().filter(|_| 0 < at && at < self.block.rows()) else {
            return false;
        };
        let mut cutter = Cutter::new(shape.rules);
        cutter.walk(self.data(), at);
        let rest = tail.begin(&shape);
        self.block.split_off(cutter.end(), at, rest);
        self.is_parsed = false;
        true
    }

    /// Gives the record's exact number, line and byte offset, and its bytes without the terminator.
    fn locate(&self, rows: &[usize], found: &mut dyn FnMut(usize, Origin, &[u8])) {
        if let Some(shape) = self.shape() {
            self.block.locate(Cutter::new(shape.rules), rows, found);
        }
    }
}

/// "1 field", "2 fields".
pub(super) fn fields(count: usize) -> String {
    format!("{count} field{}", if count == 1 { "" } else { "s" })
}
