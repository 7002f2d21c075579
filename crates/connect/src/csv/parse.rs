//! Splitting a block into fields, on the worker.
//!
//! Records without quoted fields stay where they are: all that is kept is where their fields start.
//! A record with a quoted field is unescaped as a whole into a second buffer, laid out like a plain
//! one (fields with one byte between them), so that rows don't see the difference.

use super::masks::{self, LANES};
use super::rules::{Rules, is_end};
use memchr::{memchr, memchr2, memchr3};

/// What became of one record.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    /// Its fields lie in the block.
    Plain,
    /// Its fields lie in the buffer of unescaped text.
    Unescaped,
    /// It has another number of fields than it should.
    Ragged,
    /// The input ended within the quote that `starts` gives the place of.
    Unclosed,
}

/// One record: `fields + 1` places from `starts` on. Field `i` is
/// `text[place(i)..place(i + 1) - 1]`.
#[derive(Debug, Clone, Copy)]
pub(super) struct Span {
    pub(super) starts: u32,
    pub(super) fields: u32,
    pub(super) kind: Kind,
}

/// Options that decide what is a fault.
#[derive(Debug, Clone, Copy)]
pub(super) struct Strictness {
    pub(super) width: Option<usize>,
    pub(super) lenient_eof: bool,
}

/// The parsed form of one block. Its buffers are kept from block to block.
#[derive(Debug, Default)]
pub(super) struct Parsed {
    pub(super) spans: Vec<Span>,
    /// Room is made 64 places at a time; those from `used` on mean nothing.
    pub(super) starts: Vec<u32>,
    pub(super) text: Vec<u8>,
    used: usize,
}

impl Parsed {
    pub(super) fn clear(&mut self) {
        self.spans.clear();
        self.text.clear();
        self.used = 0;
    }

    pub(super) fn heap_bytes(&self) -> usize {
        self.spans.capacity() * size_of::<Span>()
            + self.starts.capacity() * size_of::<u32>()
            + self.text.capacity()
    }

    /// Parses a block that starts and ends between records; only at the end of the input may the
    /// terminator be missing. A block is shorter than 1 GiB, so that places fit 32 bits.
    pub(super) fn parse(&mut self, data: &[u8], rules: &Rules, strict: Strictness) {
        self.clear();
        match rules.quote.filter(|quote| memchr(*quote, data).is_some()) {
            None => self.split::<false>(data, rules, 0, strict),
            Some(quote) => self.split::<true>(data, rules, quote, strict),
        }
    }

    fn split<const QUOTES: bool>(
        &mut self,
        data: &[u8],
        rules: &Rules,
        quote: u8,
        strict: Strictness,
    ) {
        let mut chunk = 0;
        // Bytes before this are done with, also those in the chunk at hand.
        let mut resume = 0;
        let mut record = 0;
        let mut field = 0;
        let mut dropped = 0;
        if let Some(next) = skip_comments(data, 0, rules) {
            (resume, record, field) = (next, next, next);
        }
        let mut first = self.used;
        self.put_at(first, record);
        let mut used = first + 1;
        'chunks: while chunk < data.len() {
            if resume >= chunk + LANES {
                chunk = resume - resume % LANES;
                continue;
            }
            if let Some(width) = strict.width
                && used - first > width + 2
            {
                // Too many fields already: the rest is only counted, so that a row of nothing but
                // delimiters can't fill the memory.
                let kept = first + width + 2;
                dropped += used - kept;
                used = kept;
            }
            if self.starts.len() < used + LANES + 2 {
                self.starts.resize((used + LANES + 2) * 2, 0);
            }
            let mut padded = [0; LANES];
            let (bytes, whole) = match data[chunk..].first_chunk::<LANES>() {
                Some(bytes) => (bytes, LANES),
                None => {
                    let rest = &data[chunk..];
                    padded[..rest.len()].copy_from_slice(rest);
                    (&padded, rest.len())
                }
            };
            let ends = masks::any_of(bytes, [b'\n', b'\r']);
            let mut marks = ends
                | if QUOTES {
                    masks::any_of(bytes, [rules.delimiter, quote])
                } else {
                    masks::any_of(bytes, [rules.delimiter])
                };
            if resume > chunk {
                marks &= u64::MAX << (resume - chunk);
            }
            if whole < LANES {
                marks &= (1 << whole) - 1;
            }
            while marks != 0 {
                let lane = marks.trailing_zeros() as usize;
                marks &= marks - 1;
                let at = chunk + lane;
                if QUOTES && bytes[lane] == quote {
                    if at != field {
                        continue;
                    }
                    self.used = first;
                    dropped = 0;
                    let mut next = self.unescape(data, record, rules, strict);
                    if let Some(past) = skip_comments(data, next, rules) {
                        next = past;
                    }
                    (resume, record, field) = (next, next, next);
                    first = self.used;
                    self.put_at(first, record);
                    used = first + 1;
                    // Back to the chunk in which the next record starts, to mask it anew.
                    chunk = next - next % LANES;
                    continue 'chunks;
                }
                self.starts[used] = (at + 1) as u32;
                field = at + 1;
                if ends >> lane & 1 == 0 {
                    used += 1;
                    continue;
                }
                if at == record {
                    // An empty line is no record.
                    record = at + 1;
                    self.starts[first] = record as u32;
                } else {
                    used += 1;
                    self.used = used;
                    let fields = used - first - 1 + std::mem::take(&mut dropped);
                    self.close(first, fields, strict.width, Kind::Plain);
                    first = self.used;
                    used = first + 1;
                    record = at + 1;
                    self.starts[first] = record as u32;
                }
                if rules.comment.is_some()
                    && let Some(next) = skip_comments(data, record, rules)
                {
                    (resume, record, field) = (next, next, next);
                    self.starts[first] = record as u32;
                    chunk = next - next % LANES;
                    continue 'chunks;
                }
            }
            chunk += LANES;
        }
        if record < data.len() {
            self.put_at(used, data.len() + 1);
            self.used = used + 1;
            self.close(first, used - first + dropped, strict.width, Kind::Plain);
        }
    }

    fn put_at(&mut self, index: usize, place: usize) {
        if self.starts.len() <= index {
            self.starts.resize((index + LANES) * 2, 0);
        }
        self.starts[index] = place as u32;
    }

    /// Ends the record whose places are `starts[first..used]`.
    #[inline]
    fn close(&mut self, first: usize, fields: usize, width: Option<usize>, kind: Kind) {
        let mut span = Span {
            starts: first as u32,
            fields: fields as u32,
            kind,
        };
        if width.is_some_and(|width| width != fields) {
            span.kind = Kind::Ragged;
            self.used = first;
        }
        self.spans.push(span);
    }

    /// Unescapes the record that starts at `at`; answers where the next one starts.
    #[inline(never)]
    fn unescape(&mut self, data: &[u8], mut at: usize, rules: &Rules, strict: Strictness) -> usize {
        let first = self.used;
        let quote = rules.quote.unwrap_or_default();
        let mut fields = 0;
        self.put_at(first, self.text.len());
        let mut open = None;
        loop {
            if data.get(at) == Some(&quote) {
                let opened = at;
                at += 1;
                loop {
                    let rest = &data[at..];
                    let stop = match rules.escape {
                        Some(escape) => memchr2(quote, escape, rest),
                        None => memchr(quote, rest),
                    };
                    let Some(stop) = stop else {
                        self.text.extend_from_slice(rest);
                        at = data.len();
                        open = Some(opened);
                        break;
                    };
                    self.text.extend_from_slice(&rest[..stop]);
                    at += stop + 1;
                    let literal = match rest[stop] == quote {
                        true if !rules.double_quote => break,
                        true => data.get(at).filter(|next| **next == quote),
                        false => data.get(at),
                    };
                    match literal {
                        Some(byte) => {
                            self.text.push(*byte);
                            at += 1;
                        }
                        // An escape as the last byte of all: the loop ends at the end of `data`.
                        None if rest[stop] != quote => {}
                        None => break,
                    }
                }
            }
            let rest = &data[at..];
            let stop = memchr3(rules.delimiter, b'\n', b'\r', rest).unwrap_or(rest.len());
            self.text.extend_from_slice(&rest[..stop]);
            at += stop;
            // Stands for the delimiter, or the terminator, that a plain record has here.
            self.text.push(0);
            fields += 1;
            if strict.width.is_none_or(|width| fields <= width + 1) {
                self.put_at(first + fields, self.text.len());
                self.used = first + fields + 1;
            }
            if data.get(at) != Some(&rules.delimiter) {
                break;
            }
            at += 1;
        }
        at = (at + 1).min(data.len());
        if let Some(opened) = open.filter(|_| !strict.lenient_eof) {
            self.used = first;
            self.spans.push(Span {
                starts: opened as u32,
                fields: 0,
                kind: Kind::Unclosed,
            });
        } else {
            self.close(first, fields, strict.width, Kind::Unescaped);
        }
        at
    }
}

/// Where the first record starts at or behind `at`, a place between records, when comments stand
/// there.
fn skip_comments(data: &[u8], mut at: usize, rules: &Rules) -> Option<usize> {
    let comment = rules.comment?;
    let from = at;
    loop {
        let mut next = at;
        while data.get(next).copied().is_some_and(is_end) {
            next += 1;
        }
        if data.get(next) != Some(&comment) {
            return (at > from).then_some(at);
        }
        let rest = &data[next..];
        at = next + memchr(b'\n', rest).map_or(rest.len(), |stop| stop + 1);
    }
}
