//! The bytes that have been read and not yet handed over.

use std::io::{Error, ErrorKind, Result};

/// Buffers grow by at least so many bytes.
const SMALLEST_STEP: usize = 4096;

/// A growing stretch of the input. Its buffer is initialised once and then only overwritten.
#[derive(Debug, Default)]
pub(super) struct Window {
    bytes: Vec<u8>,
    start: usize,
    end: usize,
}

impl Window {
    pub(super) fn data(&self) -> &[u8] {
        &self.bytes[self.start..self.end]
    }

    pub(super) fn len(&self) -> usize {
        self.end - self.start
    }

    pub(super) fn clear(&mut self) {
        self.start = 0;
        self.end = 0;
    }

    /// Room for `wanted` bytes more, to be told of with [`grew`](Self::grew).
    ///
    /// # Errors
    /// There is no memory for it: how large a record is, the input decides.
    pub(super) fn space(&mut self, wanted: usize) -> Result<&mut [u8]> {
        if self.start > 0 && self.bytes.len() - self.end < wanted {
            self.bytes.copy_within(self.start..self.end, 0);
            self.end -= self.start;
            self.start = 0;
        }
        let needed = self.end + wanted;
        self.bytes.try_reserve_exact(more(&self.bytes, needed)).map_err(|_| {
            let message = format!(
                "there is no memory for {needed} bytes at a time: lower memory_limit, so that large \
                 records are refused and not held"
            );
            Error::new(ErrorKind::OutOfMemory, message)
        })?;
        grow(&mut self.bytes, needed);
        Ok(&mut self.bytes[self.end..needed])
    }

    pub(super) fn grew(&mut self, count: usize) {
        self.end += count;
    }

    pub(super) fn consume(&mut self, count: usize) {
        self.start += count;
        if self.start == self.end {
            self.clear();
        }
    }

    /// The buffer, when nothing of it has been consumed, so that it may be given away whole.
    pub(super) fn untouched(&mut self) -> Option<&mut Vec<u8>> {
        (self.start == 0).then_some(&mut self.bytes)
    }

    /// Starts anew with these bytes, in whatever buffer there is now.
    pub(super) fn restart(&mut self, bytes: &[u8]) {
        self.clear();
        grow(&mut self.bytes, bytes.len());
        self.bytes[..bytes.len()].copy_from_slice(bytes);
        self.end = bytes.len();
    }
}

/// Makes a buffer at least so long. Its length is one of few: blocks of ever so slightly different
/// sizes, each given back for one a little larger, would leave an allocator with memory that it can
/// use for nothing else.
pub(super) fn grow(bytes: &mut Vec<u8>, needed: usize) {
    let more = more(bytes, needed);
    bytes.reserve_exact(more);
    bytes.resize(bytes.len() + more, 0);
}

/// By how much a buffer grows.
fn more(bytes: &[u8], needed: usize) -> usize {
    if bytes.len() >= needed {
        return 0;
    }
    let step = (needed / 4).next_power_of_two().max(SMALLEST_STEP);
    needed.next_multiple_of(step) - bytes.len()
}
