//! A block of whole records, as the feeder hands it over.

use super::place::Place;
use super::window::grow;
use std::fmt;
use std::sync::Arc;
use trommel::Origin;

/// Bytes of whole records and where they came from. The buffer is recycled.
pub(crate) struct Block {
    /// Initialised beyond `length`, so that reading into it needs no clearing.
    bytes: Vec<u8>,
    length: usize,
    rows: usize,
    start: Place,
    /// The file or stream.
    source: Arc<str>,
    /// Why the only record, of which `bytes` holds the start, could not be read.
    refused: Option<Box<str>>,
    /// The input ended too early, within the last record or behind it.
    is_cut_off: bool,
    /// It holds what the input begins with, if the format asks for that.
    opens: bool,
}

impl Default for Block {
    fn default() -> Self {
        Block {
            bytes: Vec::new(),
            length: 0,
            rows: 0,
            start: Place::default(),
            source: Arc::from(""),
            refused: None,
            is_cut_off: false,
            opens: false,
        }
    }
}

impl Block {
    /// Throws the records away, keeping the capacity.
    pub(crate) fn clear(&mut self, source: &Arc<str>, start: Place) {
        if !Arc::ptr_eq(&self.source, source) {
            self.source = Arc::clone(source);
        }
        self.length = 0;
        self.rows = 0;
        self.start = start;
        self.refused = None;
        self.is_cut_off = false;
        self.opens = false;
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
    pub(crate) fn copy(&mut self, data: &[u8], rows: usize) {
        grow(&mut self.bytes, data.len());
        self.bytes[..data.len()].copy_from_slice(data);
        self.length = data.len();
        self.rows = rows;
    }

    /// Stands for one record, starting with `data`, that was not read for the given reason.
    pub(super) fn refuse(&mut self, data: &[u8], reason: String) {
        self.copy(data, 1);
        self.refused = Some(reason.into());
    }

    /// Moves what is behind the first `length` bytes, which are `rows` records, to `tail`.
    pub(crate) fn split_off(&mut self, length: usize, rows: usize, tail: &mut Block) {
        let (head, rest) = self.bytes[..self.length].split_at(length);
        tail.clear(&self.source, self.start.after(head, rows));
        tail.copy(rest, self.rows - rows);
        tail.is_cut_off = std::mem::take(&mut self.is_cut_off);
        self.length = length;
        self.rows = rows;
    }

    pub(super) fn set_opens(&mut self) {
        self.opens = true;
    }

    pub(crate) fn opens(&self) -> bool {
        self.opens
    }

    pub(super) fn set_cut_off(&mut self) {
        self.is_cut_off = true;
    }

    pub(crate) fn is_cut_off(&self) -> bool {
        self.is_cut_off
    }

    #[inline(always)]
    pub(crate) fn data(&self) -> &[u8] {
        &self.bytes[..self.length]
    }

    #[inline(always)]
    pub(crate) fn rows(&self) -> usize {
        self.rows
    }

    pub(crate) fn start(&self) -> Place {
        self.start
    }

    pub(crate) fn source(&self) -> &Arc<str> {
        &self.source
    }

    pub(crate) fn refused(&self) -> Option<&str> {
        self.refused.as_deref()
    }

    pub(crate) fn heap_bytes(&self) -> usize {
        self.bytes.capacity()
    }

    /// As [`find`](Self::find), with the places as the driver wants them.
    pub(crate) fn locate(
        &self,
        cutter: impl super::Cut,
        rows: &[usize],
        found: &mut dyn FnMut(usize, Origin, &[u8]),
    ) {
        self.find(cutter, rows, &mut |row, place, raw| {
            found(row, place.origin(&self.source), raw);
        });
    }

    /// Calls `found` for the records at the given indices (ascending) with their places and bytes,
    /// walking the block once with a new cutter.
    pub(crate) fn find(
        &self,
        mut cutter: impl super::Cut,
        rows: &[usize],
        found: &mut dyn FnMut(usize, Place, &[u8]),
    ) {
        let data = self.data();
        if self.refused.is_some() {
            if rows.first() == Some(&0) {
                found(0, self.start, data);
            }
            return;
        }
        let mut place = self.start;
        let mut counted = 0;
        for &row in rows.iter().filter(|row| **row < self.rows) {
            cutter.walk(data, row + 1);
            if cutter.rows() <= row {
                cutter.finish(data);
            }
            let (start, end) = cutter.last();
            place = place.after(&data[counted..start], 0);
            counted = start;
            place.record = self.start.record + row as u64;
            found(row, place, &data[start..end]);
        }
    }
}

impl fmt::Debug for Block {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Block")
            .field("source", &self.source)
            .field("rows", &self.rows)
            .field("bytes", &self.length)
            .field("start", &self.start)
            .finish_non_exhaustive()
    }
}
