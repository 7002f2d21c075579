//! Finding record ends without parsing, on the feeder's thread.
//!
//! The only thing that makes this hard is a terminator within quotes. Since a quote opens only at
//! the very start of a field, the byte before it decides, and the cutter can hop from quote to quote.
//! A cut always falls behind a terminator outside of quotes; between `\r` and `\n` is fine, as the
//! block that starts with the `\n` starts with an empty line, which is nothing.

use super::masks::{self, LANES};
use super::parse::Parsed;
use super::rules::{Rules, is_end};
use crate::input::{Cut, scanned};
use memchr::{memchr, memchr2, memchr3, memrchr2};

/// Where the next quote is at least so far away, it is quicker to hop to it.
const SPARSE: usize = 256;

/// Bytes in which quotes are paired before looking for the next far quote again.
const PAIRED: usize = 4096;

/// Neighbours whose count fits a byte.
const MOST_COUNTED: usize = 255;

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
    at: usize,
    /// Behind the last record, empty line or comment that is complete: where a cut may fall.
    end: usize,
    /// Records in `data[..end]`.
    rows: usize,
    /// Bytes of the record that [`walk`](Self::walk) found last, without its terminator.
    last: (usize, usize),
    /// Whether there ever was a quoted field.
    quoted: bool,
    /// Fields that a record is expected to have.
    fields: usize,
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
            fields: 0,
        }
    }

    /// With the number of fields that a record is expected to have, 0 when it isn't known.
    pub(super) fn with_fields(self, fields: usize) -> Self {
        Cutter { fields, ..self }
    }

    fn is_in_comment(&self) -> bool {
        self.state == State::Comment
    }

    /// Takes 64 bytes at a time from a place outside of quotes on, every second quote for a closing
    /// one; stops before a quote that opens in the midst of a field, which only looks like one.
    /// Answers whether it got anywhere.
    fn pair(&mut self, data: &[u8]) -> bool {
        let from = self.at;
        let rules = self.rules;
        let quote = rules.quote.unwrap_or_default();
        let mut is_inside = false;
        let mut may_open = rules.opens(data, from);
        let mut after_end = from == self.end;
        let (chunks, _) = data[from..data.len().min(from + PAIRED)].as_chunks::<LANES>();
        for chunk in chunks {
            let ends = masks::any_of(chunk, [b'\n', b'\r']);
            let separators = ends | masks::any_of(chunk, [rules.delimiter]);
            let quotes = masks::any_of(chunk, [quote]);
            let inside = masks::parity(quotes) ^ if is_inside { u64::MAX } else { 0 };
            // A quote right behind a closing one is the second of two and keeps the field open.
            let (opening, closing) = (quotes & inside, quotes & !inside);
            if opening & !((separators | closing) << 1 | u64::from(may_open)) != 0 {
                break;
            }
            let fresh = opening & !(closing << 1 | u64::from(self.state == State::QuoteSeen));
            if fresh != 0 {
                self.open(self.at + LANES - 1 - fresh.leading_zeros() as usize);
            }
            let ends = ends & !inside;
            if ends != 0 {
                let rows = ends & !(ends << 1 | u64::from(after_end));
                self.rows += rows.count_ones() as usize;
                self.end = self.at + LANES - ends.leading_zeros() as usize;
            }
            let last = 1 << (LANES - 1);
            after_end = ends & last != 0;
            is_inside = inside & last != 0;
            may_open = (separators | closing) & last != 0;
            self.state = match (is_inside, closing & last != 0) {
                (true, _) => State::Quoted,
                (false, true) => State::QuoteSeen,
                (false, false) => State::Unquoted,
            };
            self.at += LANES;
        }
        self.at > from
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

impl Cut for Cutter {
    scanned!();

    fn walk(&mut self, data: &[u8], rows: usize) {
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

    fn skim(&mut self, data: &[u8]) {
        // Quotes in a comment mean nothing, so with comments around lines are taken one by one.
        if let Some(comment) = self.rules.comment
            && memchr(comment, &data[self.at..]).is_some()
        {
            return self.walk(data, usize::MAX);
        }
        // Pairing quotes is right only where a quote within quotes is always doubled.
        let pairs = self.rules.double_quote && self.rules.escape.is_none();
        while self.at < data.len() {
            if self.state != State::Unquoted {
                self.step(data);
                continue;
            }
            let rest = &data[self.at..];
            let quote = self.rules.quote.and_then(|quote| memchr(quote, rest));
            if pairs && quote.is_some_and(|ahead| ahead < SPARSE) && self.pair(data) {
                continue;
            }
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

    fn finish(&mut self, data: &[u8]) {
        if !self.is_in_comment() {
            self.row(data.len());
        }
        self.at = data.len();
        self.end = data.len();
    }

    fn cut(&mut self) {
        self.at -= self.end;
        self.opened = self.opened.saturating_sub(self.end);
        self.end = 0;
        self.rows = 0;
    }

    fn skip(&mut self) {
        self.at = 1;
        self.end = 0;
    }

    fn open_quote(&self) -> Option<usize> {
        matches!(self.state, State::Quoted | State::Escaped).then_some(self.opened)
    }

    fn in_comment(&self) -> bool {
        self.is_in_comment()
    }

    fn drop_comment(&mut self, data: &[u8]) -> usize {
        self.at = 0;
        match memchr(b'\n', data) {
            Some(stop) => {
                self.state = State::Unquoted;
                stop + 1
            }
            None => data.len(),
        }
    }

    fn parsed_bytes(&self, average: f64) -> f64 {
        // Text in quotes may have to be copied.
        let copied = f64::from(u8::from(self.quoted)) * average;
        Parsed::row_bytes(self.fields) as f64 + copied
    }
}

/// Records that end in `data[from..to]`, all of it outside of quotes and comments: terminators that
/// do not follow on another.
fn count_rows(data: &[u8], from: usize, to: usize) -> usize {
    if from == 0 {
        let blank = data[..to].iter().take_while(|byte| is_end(**byte)).count();
        return if blank < to { count_rows(data, blank.max(1), to) } else { 0 };
    }
    // Pairs of neighbours, counted in bytes, which the compiler turns into vector instructions.
    let (before, these) = (&data[from - 1..to - 1], &data[from..to]);
    let counts = before.chunks(MOST_COUNTED).zip(these.chunks(MOST_COUNTED));
    let count = |(before, these): (&[u8], &[u8])| {
        let ends = before
            .iter()
            .zip(these)
            .map(|(before, this)| u8::from(!is_end(*before)) & u8::from(is_end(*this)));
        usize::from(ends.fold(0, u8::wrapping_add))
    };
    counts.map(count).sum()
}
