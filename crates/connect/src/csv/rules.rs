//! The bytes that carry meaning in a file.

/// Which bytes separate, quote, escape and comment. Records end at `\n`, `\r` or `\r\n`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Rules {
    pub(super) delimiter: u8,
    /// `None` when quoting is off.
    pub(super) quote: Option<u8>,
    /// Whether two quotes within a quoted field stand for one.
    pub(super) double_quote: bool,
    /// Takes the byte after it literally, within quotes only.
    pub(super) escape: Option<u8>,
    /// Starts a line that is not a record, up to the next `\n`.
    pub(super) comment: Option<u8>,
}

impl Rules {
    /// Whether a quote at `at`, outside of quotes, opens a quoted field: only at its very start.
    pub(super) fn opens(&self, data: &[u8], at: usize) -> bool {
        at.checked_sub(1).is_none_or(|before| {
            let before = data[before];
            before == self.delimiter || is_end(before)
        })
    }
}

/// Whether the byte ends a record when it stands outside of quotes.
pub(super) fn is_end(byte: u8) -> bool {
    byte == b'\n' || byte == b'\r'
}
