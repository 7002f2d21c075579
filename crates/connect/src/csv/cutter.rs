//! Finding record ends without parsing, on the feeder's thread.
//!
//! The only thing that makes this hard is a terminator within quotes. Since a quote opens only at
//! the very start of a field, the byte before it decides, and the cutter can hop from quote to quote.
//! A cut always falls behind a terminator outside of quotes; between `\r` and `\n` is fine, as the
//! block that starts with the `\n` starts with an empty line, which is nothing.

use super::masks::{self, LANES};
use super::rules::{Rules, is_end};
use memchr::{memchr, memchr2, memchr3, memrchr2};

/// What the byte at [`Cutter::at`] is part of.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum State {
    Unquoted,
    Quoted,
    /// The byte before was an escape within quotes.
    Escaped,
    /// The byte before was a quote within quotes: it closes the field, or is the first of two.
    QuoteSeen,
    Comment,
}

/// Scans a window of the input that starts at the start of a record and grows at its end.
///
/// Invariant: `end <= at <= data.len()`; `data[..at]` is never looked at again, but for the byte
/// right before `at`.
#[derive(Debug, Clone, Copy)]
pub(super) struct Cutter {
    rules: Rules,
    state: State,
    /// Where the quote stood that opened the field at hand.
    opened: usize,
    /// How far the scan has come.
    pub(super) at: usize,
    /// Behind the last record, empty line or comment that is complete: where a cut may fall.
    pub(super) end: usize,
    /// Records in `data[..end]`.
    pub(super) rows: usize,
    /// Bytes of the record that [`walk`](Self::walk) found last, without its terminator.
    pub(super) last: (usize, usize),
    /// Whether there ever was a quoted field.
    pub(super) quoted: bool,
}

impl Cutter {
    pub(super) fn new(rules: Rules) -> Self {
        Cutter {
            rules,
            state: State::Unquoted,
            opened: 0,
            at: 0,
            end: 0,
            rows: 0,
            last: (0, 0),
            quoted: false,
        }
    }

    /// Where the quote stands that is still open at the end of what was scanned.
    pub(super) fn open_quote(&self) -> Option<usize> {
        matches!(self.state, State::Quoted | State::Escaped).then_some(self.opened)
    }

    pub(super) fn in_comment(&self) -> bool {
        self.state == State::Comment
    }

    /// Whether `data` starts in the midst of a comment, after [`drop_comment`](Self::drop_comment).
    pub(super) fn starts_in_comment(&self) -> bool {
        self.in_comment() && self.at == 0
    }

    /// The caller throws away as much of `data` as belongs to the comment at hand: so many bytes.
    pub(super) fn drop_comment(&mut self, data: &[u8]) -> usize {
        self.at = 0;
        match memchr(b'\n', data) {
            Some(stop) => {
                self.state = State::Unquoted;
                stop + 1
            }
            None => data.len(),
        }
    }

    /// Scans to the end of `data`, as fast as can be.
    pub(super) fn skim(&mut self, data: &[u8]) {
        // Quotes in a comment mean nothing, so with comments around lines are taken one by one.
        if let Some(comment) = self.rules.comment
            && memchr(comment, &data[self.at..]).is_some()
        {
            return self.walk(data, usize::MAX);
        }
        while self.at < data.len() {
            if self.state != State::Unquoted {
                self.step(data);
                continue;
            }
            let rest = &data[self.at..];
            let quote = self.rules.quote.and_then(|quote| memchr(quote, rest));
            let stop = quote.map_or(data.len(), |quote| self.at + quote);
            if let Some(last) = memrchr2(b'\n', b'\r', &data[self.at..stop]) {
                self.rows += count_rows(data, self.at, stop);
                self.end = self.at + last + 1;
            }
            self.at = stop;
            if quote.is_some() {
                self.quote(data);
            }
        }
    }

    /// Scans until `rows` records are complete, or to the end of `data`.
    pub(super) fn walk(&mut self, data: &[u8], rows: usize) {
        while self.rows < rows && self.at < data.len() {
            if self.state != State::Unquoted {
                self.step(data);
                continue;
            }
            if self.at == self.end && self.rules.comment == Some(data[self.at]) {
                self.at += 1;
                self.state = State::Comment;
                continue;
            }
            let rest = &data[self.at..];
            let stop = match self.rules.quote {
                Some(quote) => memchr3(quote, b'\n', b'\r', rest),
                None => memchr2(b'\n', b'\r', rest),
            };
            let Some(stop) = stop else {
                self.at = data.len();
                return;
            };
            self.at += stop;
            if is_end(data[self.at]) {
                self.row(self.at);
                self.at += 1;
                self.end = self.at;
            } else {
                self.quote(data);
            }
        }
    }

    /// Takes what is left as the last record: the input ends here.
    pub(super) fn finish(&mut self, data: &[u8]) {
        if !self.in_comment() {
            self.row(data.len());
        }
        self.at = data.len();
        self.end = data.len();
    }

    /// The caller has taken `data[..end]` away.
    pub(super) fn cut(&mut self) {
        self.at -= self.end;
        self.opened = self.opened.saturating_sub(self.end);
        self.end = 0;
        self.rows = 0;
    }

    /// The caller has thrown all but the last byte away: the record at hand is not wanted.
    pub(super) fn skip(&mut self) {
        self.at = 1;
        self.end = 0;
    }

    fn row(&mut self, stop: usize) {
        if stop > self.end {
            self.rows += 1;
            self.last = (self.end, stop);
        }
    }

    /// Passes the quote at `at`, outside of quotes.
    fn quote(&mut self, data: &[u8]) {
        if self.rules.opens(data, self.at) {
            self.open(self.at);
        }
        self.at += 1;
    }

    fn open(&mut self, at: usize) {
        self.state = State::Quoted;
        self.opened = at;
        self.quoted = true;
    }

    /// Goes on from any state but `Unquoted`.
    fn step(&mut self, data: &[u8]) {
        let rest = &data[self.at..];
        let quote = self.rules.quote;
        match self.state {
            State::Unquoted => {}
            State::Comment => match memchr(b'\n', rest) {
                Some(stop) => {
                    self.at += stop + 1;
                    self.end = self.at;
                    self.state = State::Unquoted;
                }
                None => self.at = data.len(),
            },
            State::Quoted => {
                let close = quote.unwrap_or_default();
                let stop = match self.rules.escape {
                    Some(escape) => memchr2(close, escape, rest),
                    None => memchr(close, rest),
                };
                match stop {
                    Some(stop) => {
                        self.state = match rest[stop] == close {
                            true => State::QuoteSeen,
                            false => State::Escaped,
                        };
                        self.at += stop + 1;
                    }
                    None => self.at = data.len(),
                }
            }
            State::Escaped => {
                self.at += 1;
                self.state = State::Quoted;
            }
            State::QuoteSeen => {
                if self.rules.double_quote && quote == Some(rest[0]) {
                    self.at += 1;
                    self.state = State::Quoted;
                } else if rest[0] == self.rules.delimiter && quote == rest.get(1).copied() {
                    // `","`: where every field is quoted, this saves two searches per field.
                    self.open(self.at + 1);
                    self.at += 2;
                } else {
                    self.state = State::Unquoted;
                }
            }
        }
    }
}

/// Records that end in `data[from..to]`, all of it outside of quotes and comments: terminators that
/// do not follow on another.
fn count_rows(data: &[u8], from: usize, to: usize) -> usize {
    let mut after_end = from == 0 || is_end(data[from - 1]);
    let (chunks, rest) = data[from..to].as_chunks::<LANES>();
    let mut rows = 0;
    for chunk in chunks {
        let ends = masks::any_of(chunk, [b'\n', b'\r']);
        rows += (ends & !(ends << 1 | u64::from(after_end))).count_ones() as usize;
        after_end = ends >> (LANES - 1) == 1;
    }
    for &byte in rest {
        rows += usize::from(is_end(byte) && !after_end);
        after_end = is_end(byte);
    }
    rows
}
