//! What a format must know to be cut into records.

/// Finds record ends in a window of the input that starts at the start of a record and grows at its
/// end. Runs on the feeder's thread, so it parses nothing.
///
/// Invariant: `end() <= at() <= data.len()`, and what is before `at` is not looked at again, but for
/// the byte right before it.
pub(crate) trait Cut: Clone + Send + std::fmt::Debug {
    /// How far the scan has come.
    fn at(&self) -> usize;

    /// Behind the last record that is complete, and whatever follows on it that is none (an empty
    /// line, a comment): where a cut may fall.
    fn end(&self) -> usize;

    /// Records in `data[..end]`.
    fn rows(&self) -> usize;

    /// Ends of lines in `data[..end]`, if the scan sees them all.
    fn lines(&self) -> Option<usize> {
        None
    }

    /// The record that [`walk`](Self::walk) found last, without its terminator.
    fn last(&self) -> (usize, usize);

    /// Scans until `rows` records are complete, or to the end of `data`.
    fn walk(&mut self, data: &[u8], rows: usize);

    /// Scans to the end of `data`, as fast as can be.
    fn skim(&mut self, data: &[u8]);

    /// Takes what is left as the last record, if it is one: the input ends here.
    fn finish(&mut self, data: &[u8]);

    /// The caller has taken `data[..end]` away.
    fn cut(&mut self);

    /// The caller has thrown all but the last byte away: the record at hand is not wanted.
    fn skip(&mut self);

    /// Where the quote stands that is still open at the end of what was scanned, if the format has
    /// quotes that can swallow the rest of the input.
    fn open_quote(&self) -> Option<usize> {
        None
    }

    /// Whether the scan has stopped in the midst of a comment, which may be of any length.
    fn in_comment(&self) -> bool {
        false
    }

    /// The caller throws away as much of `data`, which starts within a comment, as belongs to it: so
    /// many bytes.
    fn drop_comment(&mut self, data: &[u8]) -> usize {
        data.len()
    }

    /// Whether `data` holds what the input begins with.
    fn opens(&self) -> bool {
        false
    }

    /// Whether the input ended where it could not, so that the last record may be half of one.
    fn is_cut_off(&self) -> bool {
        false
    }

    /// Whether the input has had its last record and that doesn't show by its bytes: of an array that is
    /// cut off it may have none of its own.
    fn is_over(&self) -> bool {
        false
    }

    /// As it is behind the first record of an input, or behind the last one where it
    /// [`is_over`](Self::is_over).
    #[must_use]
    fn resumed(self, is_over: bool) -> Self {
        let _ = is_over;
        self
    }

    /// Heap bytes that a record takes once it is parsed, besides its own bytes, given how many
    /// those are on average.
    fn parsed_bytes(&self, average: f64) -> f64;
}

/// How far a [`Cut`] has come, from fields of these names.
macro_rules! scanned {
    () => {
        fn at(&self) -> usize {
            self.at
        }

        fn end(&self) -> usize {
            self.end
        }

        fn rows(&self) -> usize {
            self.rows
        }

        fn last(&self) -> (usize, usize) {
            self.last
        }
    };
}
pub(crate) use scanned;
