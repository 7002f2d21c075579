//! Pages of encoded bytes.

use super::compress::Packer;
use crate::input::Compression;
use std::ops::Range;

/// Encoded values, one behind the other, and where each ends.
///
/// When the output is compressed, [`seal`](trommel::Page::seal) compresses all of it at once, in the
/// worker.
#[derive(Debug, Default)]
pub struct Page {
    bytes: Vec<u8>,
    /// Where each value ends, in order; what lies behind the last end is a value under way.
    ends: Vec<usize>,
    compression: Compression,
    packer: Packer,
    packed: Vec<u8>,
    /// Values that `packed` holds, the first ones: all of them once the page is sealed.
    packed_values: usize,
}

impl Page {
    /// Where a value is written to; [`end_value`](Self::end_value) or
    /// [`take_back`](Self::take_back) concludes it.
    #[inline]
    pub(crate) fn buffer(&mut self) -> &mut Vec<u8> {
        &mut self.bytes
    }

    /// Ends the value under way.
    #[inline]
    pub(crate) fn end_value(&mut self, compression: Compression) {
        self.ends.push(self.bytes.len());
        self.compression = compression;
    }

    /// Drops the value under way.
    #[cold]
    pub(crate) fn take_back(&mut self) {
        self.bytes.truncate(self.start_of(self.ends.len()));
    }

    /// Values in it.
    pub(crate) fn values(&self) -> usize {
        self.ends.len()
    }

    /// The bytes of a range of values as they are, not compressed.
    pub(crate) fn plain(&self, values: Range<usize>) -> &[u8] {
        &self.bytes[self.start_of(values.start)..self.start_of(values.end)]
    }

    /// The bytes of a range of values as they go to the file.
    pub(crate) fn encoded(&mut self, values: Range<usize>) -> &[u8] {
        if !self.compression.packs() {
            return self.plain(values);
        }
        if values != (0..self.packed_values) {
            self.pack(values.clone());
            // A part of the page does not stand for the whole.
            self.packed_values = if values.start == 0 { values.end } else { 0 };
        }
        &self.packed
    }

    fn pack(&mut self, values: Range<usize>) {
        let (from, to) = (self.start_of(values.start), self.start_of(values.end));
        self.packer.pack(self.compression, &self.bytes[from..to], &mut self.packed);
    }

    /// How many values from `from` on take no more than `bytes`.
    pub(crate) fn fitting(&self, from: usize, bytes: u64) -> usize {
        let start = self.start_of(from) as u64;
        self.ends[from..].partition_point(|end| *end as u64 - start <= bytes)
    }

    #[inline]
    fn start_of(&self, value: usize) -> usize {
        match value {
            0 => 0,
            _ => self.ends[value - 1],
        }
    }
}

impl trommel::Page for Page {
    fn clear(&mut self) {
        self.bytes.clear();
        self.ends.clear();
        self.packed.clear();
        self.packed_values = 0;
    }

    #[inline]
    fn bytes(&self) -> usize {
        self.bytes.len() + self.ends.len() * size_of::<usize>() + self.packed.len()
    }

    #[inline]
    fn mark(&self) -> usize {
        self.ends.len()
    }

    fn rewind(&mut self, mark: usize) {
        self.ends.truncate(mark);
        self.take_back();
    }

    fn seal(&mut self) {
        if self.compression.packs() && !self.ends.is_empty() {
            self.pack(0..self.ends.len());
            self.packed_values = self.ends.len();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use trommel::Page as _;

    #[test]
    fn values_are_found_taken_back_and_counted_by_bytes() {
        let mut page = Page::default();
        for text in ["a\n", "bcd\n", "ef\n"] {
            page.buffer().extend_from_slice(text.as_bytes());
            page.end_value(Compression::None);
        }
        assert_eq!(page.plain(1..2), b"bcd\n");
        assert_eq!([5, 6, 100].map(|bytes| page.fitting(0, bytes)), [1, 2, 3]);
        assert_eq!(page.fitting(1, 4), 1);
        page.buffer().extend_from_slice(b"half");
        page.take_back();
        assert_eq!(page.encoded(0..3), b"a\nbcd\nef\n");
        page.rewind(1);
        assert_eq!((page.values(), page.plain(0..1)), (1, &b"a\n"[..]));
        page.rewind(0);
        assert_eq!(page.bytes(), 0);
    }
}
