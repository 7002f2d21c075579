//! A block of whole records, parsed by the worker that walks it.

use super::cutter::Cutter;
use super::parse::{Kind, Parsed, Strictness};
use super::row::Row;
use super::shape::{Place, Shape};
use std::fmt;
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use trommel::{Error, Origin, Result};

/// Columns remembered by where in memory their names lie.
const REMEMBERED: usize = 64;

/// Raw CSV records, and where their fields are once they have been parsed.
///
/// [`Source`](super::Source) fills it with a block that ends on a record boundary;
/// [`for_each`](trommel::Batch::for_each) parses it on the worker. The number of rows is exact from
/// the start.
pub struct Batch {
    shape: Option<Arc<Shape>>,
    /// Initialised beyond `length`, so that reading into it needs no clearing.
    bytes: Vec<u8>,
    length: usize,
    rows: usize,
    start: Place,
    parsed: Parsed,
    is_parsed: bool,
    /// Why the only record, of which `bytes` holds the start, could not be read.
    too_large: Option<Box<str>>,
    /// Columns by a hash of the address of the name that was asked for. Only a hint: names are
    /// compared. Atomic so that rows may be shared between threads.
    hints: [AtomicU32; REMEMBERED],
}

impl Batch {
    /// Throws the rows away, keeping the capacity.
    pub(super) fn clear(&mut self, shape: &Arc<Shape>, start: Place) {
        if !self.shape.as_ref().is_some_and(|mine| Arc::ptr_eq(mine, shape)) {
            self.shape = Some(Arc::clone(shape));
            self.hints = no_hints();
        }
        self.length = 0;
        self.rows = 0;
        self.start = start;
        self.parsed.clear();
        self.is_parsed = false;
        self.too_large = None;
    }

    /// Takes over a buffer whose first `length` bytes are `rows` records, and gives back its own.
    /// Answers the `tail` bytes that follow.
    pub(super) fn swap(
        &mut self,
        bytes: &mut Vec<u8>,
        length: usize,
        rows: usize,
        tail: usize,
    ) -> &[u8] {
        std::mem::swap(&mut self.bytes, bytes);
        self.length = length;
        self.rows = rows;
        &self.bytes[length..length + tail]
    }

    /// Copies `rows` records.
    pub(super) fn copy(&mut self, data: &[u8], rows: usize) {
        if self.bytes.len() < data.len() {
            self.bytes.reserve_exact(data.len() - self.bytes.len());
            self.bytes.resize(data.len(), 0);
        }
        self.bytes[..data.len()].copy_from_slice(data);
        self.length = data.len();
        self.rows = rows;
    }

    /// Stands for one record, starting with `data`, that was not read for the given reason.
    pub(super) fn refuse(&mut self, data: &[u8], reason: String) {
        self.copy(data, 1);
        self.too_large = Some(reason.into());
    }

    pub(super) fn data(&self) -> &[u8] {
        &self.bytes[..self.length]
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

    pub(super) fn source_name(&self) -> &str {
        self.shape().map_or("", |shape| &shape.name)
    }

    /// Number of the first record.
    pub(super) fn first_record(&self) -> u64 {
        self.start.record
    }

    /// The column called `name`, if there is one; an error when there are several.
    #[inline]
    pub(super) fn find_column(&self, shape: &Shape, name: &str) -> Result<Option<usize>> {
        // Literals have a fixed address, so the address finds the column without hashing letters.
        let hash = (name.as_ptr().addr() ^ name.len() << 6).wrapping_mul(0x9e37_79b9);
        let hint = &self.hints[hash >> 20 & (REMEMBERED - 1)];
        let column = hint.load(Ordering::Relaxed) as usize;
        match shape.headers.names.get(column) {
            Some(found) if **found == *name => Ok(Some(column)),
            _ => {
                let column = shape.headers.find(name, &shape.name)?;
                if let Some(column) = column {
                    hint.store(column, Ordering::Relaxed);
                }
                Ok(column.map(|column| column as usize))
            }
        }
    }

    pub(super) fn parse(&mut self) {
        if self.is_parsed || self.too_large.is_some() {
            return;
        }
        if let Some(shape) = &self.shape {
            let strict = Strictness { width: shape.width, lenient_eof: shape.lenient_eof };
            self.parsed.parse(&self.bytes[..self.length], &shape.rules, strict);
            self.is_parsed = true;
            debug_assert_eq!(self.parsed.spans.len(), self.rows, "cutter and parser disagree");
        }
    }

    /// The row at `index`, or what is wrong with it.
    #[inline]
    pub(super) fn row(&self, index: usize) -> Result<Row<'_>> {
        if let Some(span) = self.parsed.spans.get(index)
            && let Some(shape) = self.shape()
        {
            if span.kind != Kind::Good {
                return Err(self.fault(index));
            }
            let starts = self.parsed.starts(*span);
            return Ok(Row::new(self.data(), starts, shape, self, index as u32));
        }
        Err(self.fault(index))
    }

    #[cold]
    fn fault(&self, index: usize) -> Error {
        let (mut origin, mut message) = (Origin::default(), String::new());
        self.find(&[index], &mut |_, place, _| origin = place.origin(self.source_name()));
        if let Some(reason) = &self.too_large {
            message.push_str(reason);
        } else if let Some(span) = self.parsed.spans.get(index) {
            if span.kind == Kind::Unclosed {
                let quote = self.start.after(&self.data()[..span.starts as usize], 0);
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

    /// Calls `found` for the records at the given indices (ascending), walking the block once.
    fn find(&self, rows: &[usize], found: &mut dyn FnMut(usize, Place, &[u8])) {
        let (Some(shape), data) = (self.shape(), self.data()) else {
            return;
        };
        if self.too_large.is_some() {
            if rows.first() == Some(&0) {
                found(0, self.start, data);
            }
            return;
        }
        let mut cutter = Cutter::new(shape.rules);
        let mut place = self.start;
        let mut counted = 0;
        for &row in rows.iter().filter(|row| **row < self.rows) {
            cutter.walk(data, row + 1);
            if cutter.rows <= row {
                cutter.finish(data);
            }
            let (start, end) = cutter.last;
            place = place.after(&data[counted..start], 0);
            counted = start;
            place.record = self.start.record + row as u64;
            found(row, place, &data[start..end]);
        }
    }

    pub(super) fn place(&self, row: usize) -> Place {
        let mut found = self.start;
        self.find(&[row], &mut |_, place, _| found = place);
        found
    }
}

impl Default for Batch {
    fn default() -> Self {
        Batch {
            shape: None,
            bytes: Vec::new(),
            length: 0,
            rows: 0,
            start: Place::default(),
            parsed: Parsed::default(),
            is_parsed: false,
            too_large: None,
            hints: no_hints(),
        }
    }
}

impl fmt::Debug for Batch {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Batch")
            .field("source", &self.source_name())
            .field("rows", &self.rows)
            .field("bytes", &self.length)
            .field("start", &self.start)
            .finish_non_exhaustive()
    }
}

impl trommel::Batch for Batch {
    type Row<'a> = Row<'a>;

    fn len(&self) -> usize {
        self.rows
    }

    fn bytes(&self) -> usize {
        self.bytes.capacity() + self.parsed.heap_bytes()
    }

    fn for_each<'a, F>(&'a mut self, from: usize, mut visit: F) -> Result<()>
    where
        F: FnMut(Result<Row<'a>>) -> Result<()>,
    {
        self.parse();
        let batch: &'a Batch = self;
        (from..batch.rows).try_for_each(|index| visit(batch.row(index)))
    }

    /// Cuts exactly at row `at`.
    fn split_off(&mut self, at: usize, tail: &mut Self) -> bool {
        let Some(shape) = self.shape.clone().filter(|_| 0 < at && at < self.rows) else {
            return false;
        };
        let mut cutter = Cutter::new(shape.rules);
        cutter.walk(self.data(), at);
        let (head, rest) = self.bytes[..self.length].split_at(cutter.end);
        tail.clear(&shape, self.start.after(head, at));
        tail.copy(rest, self.rows - at);
        self.length = head.len();
        self.rows = at;
        self.is_parsed = false;
        true
    }

    /// Gives the record's exact number, line and byte offset, and its bytes without the terminator.
    fn locate(&self, rows: &[usize], found: &mut dyn FnMut(usize, Origin, &[u8])) {
        self.find(rows, &mut |row, place, raw| {
            found(row, place.origin(self.source_name()), raw);
        });
    }
}

fn no_hints() -> [AtomicU32; REMEMBERED] {
    std::array::from_fn(|_| AtomicU32::new(u32::MAX))
}

/// "1 field", "2 fields".
pub(super) fn fields(count: usize) -> String {
    format!("{count} field{}", if count == 1 { "" } else { "s" })
}
