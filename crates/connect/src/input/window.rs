//! The bytes that have been read and not yet handed over.

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
    pub(super) fn space(&mut self, wanted: usize) -> &mut [u8] {
        if self.start > 0 && self.bytes.len() - self.end < wanted {
            self.bytes.copy_within(self.start..self.end, 0);
            self.end -= self.start;
            self.start = 0;
        }
        let needed = self.end + wanted;
        grow(&mut self.bytes, needed);
        &mut self.bytes[self.end..needed]
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
        self.space(bytes.len()).copy_from_slice(bytes);
        self.end = bytes.len();
    }
}

/// Makes a buffer at least so long. Its length is one of few: blocks of ever so slightly different
/// sizes, each given back for one a little larger, would leave an allocator with memory that it can
/// use for nothing else.
pub(super) fn grow(bytes: &mut Vec<u8>, needed: usize) {
    if bytes.len() < needed {
        let step = (needed / 4).next_power_of_two().max(SMALLEST_STEP);
        let length = needed.next_multiple_of(step);
        bytes.reserve_exact(length - bytes.len());
        bytes.resize(length, 0);
    }
}
