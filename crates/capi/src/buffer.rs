//! Bytes that begin on a cache line, so that any C struct can lie in them.

/// One cache line.
#[derive(Clone, Copy)]
#[repr(C, align(64))]
struct Line([u8; 64]);

/// A growing buffer of bytes, 64-byte aligned; keeps its capacity.
#[derive(Default)]
pub(crate) struct Buffer {
    lines: Vec<Line>,
    /// Bytes in use; never more than the lines have.
    length: usize,
}

impl Buffer {
    #[inline]
    pub(crate) fn len(&self) -> usize {
        self.length
    }

    #[inline]
    pub(crate) fn capacity(&self) -> usize {
        self.lines.len() * 64
    }

    #[inline]
    pub(crate) fn clear(&mut self) {
        self.length = 0;
    }

    #[inline]
    pub(crate) fn truncate(&mut self, length: usize) {
        self.length = self.length.min(length);
    }

    /// Makes room for `more` bytes behind those in use; what is in the room is initialised.
    #[inline]
    pub(crate) fn reserve(&mut self, more: usize) {
        if self.length + more > self.capacity() {
            self.grow(more);
        }
    }

    #[cold]
    fn grow(&mut self, more: usize) {
        let lines = (self.length + more).div_ceil(64).max(2 * self.lines.len()).max(16);
        self.lines.resize(lines, Line([0; 64]));
    }

    /// Where byte `at` lies, to be handed to C together with what is behind it.
    pub(crate) fn pointer(&mut self, at: usize) -> *mut u8 {
        self.lines.as_mut_ptr().cast::<u8>().wrapping_add(at)
    }

    /// Counts `more` bytes of the room as in use.
    ///
    /// # Panics
    /// When that is more than was reserved.
    pub(crate) fn commit(&mut self, more: usize) {
        assert!(self.length + more <= self.capacity(), "more bytes than were reserved");
        self.length += more;
    }

    #[inline]
    pub(crate) fn extend(&mut self, bytes: &[u8]) {
        self.reserve(bytes.len());
        let end = self.length + bytes.len();
        let start = self.length;
        self.room()[start..end].copy_from_slice(bytes);
        self.length = end;
    }

    #[inline]
    pub(crate) fn bytes(&self) -> &[u8] {
        let start = self.lines.as_ptr().cast::<u8>();
        // SAFETY: `length` is at most what the lines have, all of them initialised; a line is 64
        // plain bytes without padding.
        unsafe { std::slice::from_raw_parts(start, self.length) }
    }

    #[inline]
    fn room(&mut self) -> &mut [u8] {
        let (start, capacity) = (self.lines.as_mut_ptr().cast::<u8>(), self.lines.len() * 64);
        // SAFETY: that many bytes lie in the lines, all of them initialised, without padding.
        unsafe { std::slice::from_raw_parts_mut(start, capacity) }
    }
}

impl std::fmt::Debug for Buffer {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Buffer({} of {} bytes)", self.length, self.capacity())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn stays_aligned_and_keeps_what_was_written() {
        let mut buffer = Buffer::default();
        let mut expected = Vec::new();
        for round in 0..200_usize {
            let bytes = vec![round as u8; round % 7];
            buffer.extend(&bytes);
            expected.extend_from_slice(&bytes);
            assert_eq!(buffer.pointer(0).addr() % 64, 0);
        }
        assert_eq!(buffer.bytes(), expected);
        buffer.truncate(3);
        assert_eq!(buffer.bytes(), &expected[..3]);
    }
}
