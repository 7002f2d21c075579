//! Splitting a block into fields, on the worker.
//!
//! Fields stay where they are: all that is kept is where each starts, which also says where the one
//! before ends. The two bits that a place has to spare say whether the field is quoted, and then
//! whether taking the quotes off will do. A field that has to be unescaped is written to a second
//! buffer.

use super::masks::{self, LANES};
use super::rules::{Rules, is_end};
use memchr::{memchr, memchr2, memchr3};

/// Room for places grows by one part in so many: little, since it counts against the memory limit.
const GROWTH: usize = 4;

/// What became of one record.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    Good,
    /// It has another number of fields than it should.
    Ragged,
    /// The input ended within the quote that `starts` gives the place of.
    Unclosed,
}

/// One record: `fields + 1` places from `starts` on.
#[derive(Debug, Clone, Copy)]
pub(super) struct Span {
    pub(super) starts: u32,
    pub(super) fields: u32,
    pub(super) kind: Kind,
}

/// Where a field starts, and in which of three ways it is written. Its end is one byte before the
/// place that follows.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(super) struct Start(u32);

impl Start {
    /// The field is between two quotes.
    const QUOTED: u32 = 1 << 30;
    /// The field is in the buffer of unescaped text.
    const ESCAPED: u32 = 1 << 31;

    fn new(place: usize) -> Self {
        Start(place as u32)
    }

    #[inline(always)]
    pub(super) fn place(self) -> usize {
        (self.0 & !(Self::QUOTED | Self::ESCAPED)) as usize
    }

    /// The quotes around the field are all there is to it, unless it was looked at already.
    #[inline(always)]
    fn set_quoted(&mut self) {
        if !self.has(Self::ESCAPED) {
            self.0 |= Self::QUOTED;
        }
    }

    fn set_escaped(&mut self) {
        self.0 |= Self::ESCAPED;
    }

    #[inline(always)]
    fn has(self, flag: u32) -> bool {
        self.0 & flag != 0
    }

    /// The field is all that is between its place and the next.
    #[inline(always)]
    pub(super) fn is_plain(self) -> bool {
        !self.has(Self::QUOTED | Self::ESCAPED)
    }

    #[inline(always)]
    pub(super) fn is_escaped(self) -> bool {
        self.has(Self::ESCAPED)
    }
}

/// An unescaped field: where it starts in the block, and where its text is.
#[derive(Debug, Clone, Copy)]
struct Escape {
    place: usize,
    from: usize,
    to: usize,
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
    /// Initialised ahead of what is `used`, so that storing a place needs no call.
    starts: Vec<Start>,
    used: usize,
    escapes: Vec<Escape>,
    text: Vec<u8>,
}

impl Parsed {
    pub(super) fn clear(&mut self) {
        self.spans.clear();
        self.escapes.clear();
        self.text.clear();
        self.used = 0;
    }

    /// Makes room for so many records at once. Growing step by step would copy, and leave an allocator
    /// with memory of sizes that are not asked for again.
    pub(super) fn expect(&mut self, rows: usize, fields: usize, bytes: usize) {
        let places = rows.saturating_mul(fields + 1).min(bytes + rows) + 2 * LANES + 2;
        if self.starts.len() < places {
            // Nothing in it is needed any more.
            self.starts = Vec::new();
            let step = (places / GROWTH).next_power_of_two();
            self.starts = vec![Start::default(); places.next_multiple_of(step)];
        }
        if self.spans.capacity() < rows {
            self.spans =
                Vec::with_capacity(rows.next_multiple_of(rows.next_power_of_two() / GROWTH + 1));
        }
    }

    pub(super) fn heap_bytes(&self) -> usize {
        self.spans.capacity() * size_of::<Span>()
            + self.starts.capacity() * size_of::<Start>()
            + self.escapes.capacity() * size_of::<Escape>()
            + self.text.capacity()
    }

    /// Heap bytes for a row of so many fields, roughly.
    pub(super) fn row_bytes(fields: usize) -> usize {
        let places = (fields + 1) * size_of::<Start>();
        places + places / GROWTH + size_of::<Span>() * 2
    }

    pub(super) fn starts(&self, span: Span) -> &[Start] {
        let first = span.starts as usize;
        &self.starts[first..=first + span.fields as usize]
    }

    /// Where the text of an unescaped field is in [`text`](Self::text).
    pub(super) fn unescaped(&self, start: Start) -> (usize, usize) {
        let place = start.place();
        let found = self.escapes.binary_search_by_key(&place, |escape| escape.place);
        found.map_or((0, 0), |index| (self.escapes[index].from, self.escapes[index].to))
    }

    /// Unescaped fields, end to end.
    pub(super) fn text(&self) -> &[u8] {
        &self.text
    }

    /// Parses a block that starts and ends between records; only at the end of the input may the
    /// terminator be missing. A block is no longer than 512 MiB, so that places fit 30 bits.
    pub(super) fn parse(&mut self, data: &[u8], rules: &Rules, strict: Strictness) {
        self.clear();
        match rules.quote.filter(|quote| memchr(*quote, data).is_some()) {
            None => self.split::<false>(data, rules, 0, strict),
            Some(quote) => self.split::<true>(data, rules, quote, strict),
        }
    }

    /// Takes 64 bytes at a time and goes from one delimiter or terminator to the next.
    ///
    /// With quotes around, every second quote is taken for a closing one, and what is in between is
    /// left out. Where that can't be right (a quote that opens in the midst of a field) or is not
    /// all (a closing quote that the field goes on behind), the field at hand is looked at closely,
    /// and the 64 bytes are taken anew from its end.
    fn split<const QUOTES: bool>(
        &mut self,
        data: &[u8],
        rules: &Rules,
        quote: u8,
        strict: Strictness,
    ) {
        let escape = rules.escape.filter(|escape| memchr(*escape, data).is_some());
        // Where the record and the field at hand start. Bytes before `resume` are done with.
        let mut record = skip_comments(data, 0, rules).unwrap_or(0);
        let (mut field, mut resume, mut chunk) = (record, record, 0);
        let mut is_inside = false;
        // Fields of the record at hand that were counted and forgotten.
        let mut dropped = 0;
        let (mut first, mut used) = (0, 1);
        self.make_room(used);
        self.starts[first] = Start::new(record);
        'chunks: while chunk < data.len() {
            if resume >= chunk + LANES {
                chunk = resume - resume % LANES;
                continue;
            }
            if let Some(width) = strict.width
                && used - first > width + 2
            {
                // Too many already: what is over is only counted, so that a row of nothing but
                // delimiters can't fill the memory.
                dropped += used - (first + width + 2);
                used = first + width + 2;
            }
            self.make_room(used);
            let mut padded = [0; LANES];
            let bytes = data[chunk..].first_chunk::<LANES>().unwrap_or_else(|| {
                let rest = &data[chunk..];
                padded[..rest.len()].copy_from_slice(rest);
                &padded
            });
            let valid = masks::valid(resume.saturating_sub(chunk), data.len() - chunk);
            let separators = masks::any_of(bytes, [rules.delimiter, b'\n', b'\r']);
            let (mut marks, mut unclear) = (separators & valid, 0);
            if QUOTES {
                let quotes = masks::any_of(bytes, [quote]) & valid;
                let inside = masks::parity(quotes) ^ if is_inside { u64::MAX } else { 0 };
                let may_open = separators << 1 | u64::from(rules.opens(data, chunk));
                let may_close = separators >> 1 | last_may_close(data, chunk, rules);
                unclear = quotes & inside & !may_open | quotes & !inside & !may_close;
                if let Some(escape) = escape {
                    unclear |= masks::any_of(bytes, [escape]) & inside & valid;
                }
                is_inside = inside >> (LANES - 1) == 1;
                marks = marks & !inside | unclear;
            }
            let starts = self.starts.as_mut_slice();
            while marks != 0 {
                let lane = marks.trailing_zeros() as usize;
                marks &= marks - 1;
                let at = chunk + lane;
                if QUOTES && unclear >> lane & 1 == 1 {
                    let Some(stop) = self.look_closely(data, field, used - 1, rules, strict) else {
                        return;
                    };
                    is_inside = false;
                    resume = stop;
                    chunk = stop - stop % LANES;
                    continue 'chunks;
                }
                if QUOTES && data[field] == quote {
                    starts[used - 1].set_quoted();
                }
                starts[used] = Start::new(at + 1);
                field = at + 1;
                if bytes[lane] == rules.delimiter {
                    used += 1;
                    continue;
                }
                // Otherwise the line was empty, which is no record.
                if at > record {
                    let fields = used - first + std::mem::take(&mut dropped);
                    first = close(&mut self.spans, first, fields, strict.width);
                    used = first + 1;
                }
                record = at + 1;
                starts[first] = Start::new(record);
                if let Some(next) = skip_comments(data, record, rules) {
                    (resume, record, field) = (next, next, next);
                    starts[first] = Start::new(record);
                    is_inside = false;
                    chunk = next - next % LANES;
                    continue 'chunks;
                }
            }
            chunk += LANES;
        }
        if record < data.len() {
            if QUOTES && is_inside {
                if self.look_closely(data, field, used - 1, rules, strict).is_none() {
                    return;
                }
            } else if QUOTES && data.get(field) == Some(&quote) {
                self.starts[used - 1].set_quoted();
            }
            self.starts[used] = Start::new(data.len() + 1);
            close(&mut self.spans, first, used - first + dropped, strict.width);
        }
    }

    /// Makes room for the places that 64 bytes can add: a terminator adds two.
    fn make_room(&mut self, used: usize) {
        let needed = used + 2 * LANES + 2;
        if self.starts.len() < needed {
            let more = needed / GROWTH + LANES;
            self.starts.reserve_exact(needed + more - self.starts.len());
            self.starts.resize(needed + more, Start::default());
        }
    }

    /// Reads the field at `field`, whose place is `starts[index]`, byte by byte where need be.
    /// Answers where the delimiter or terminator behind it is; `None` when the input ends within
    /// quotes and that is a fault.
    #[inline(never)]
    fn look_closely(
        &mut self,
        data: &[u8],
        field: usize,
        index: usize,
        rules: &Rules,
        strict: Strictness,
    ) -> Option<usize> {
        let separator = |at: usize| {
            let rest = &data[at..];
            at + memchr3(rules.delimiter, b'\n', b'\r', rest).unwrap_or(rest.len())
        };
        if rules.quote != data.get(field).copied() {
            return Some(separator(field));
        }
        let from = self.text.len();
        let (end, is_closed) = self.unquote(data, field + 1, rules);
        if !is_closed && !strict.lenient_eof {
            self.spans.push(Span { starts: field as u32, fields: 0, kind: Kind::Unclosed });
            return None;
        }
        // What follows on the closing quote belongs to the field as it is.
        let stop = separator(end);
        self.text.extend_from_slice(&data[end..stop]);
        self.starts[index].set_escaped();
        self.escapes.push(Escape { place: field, from, to: self.text.len() });
        Some(stop)
    }

    /// Unescapes from behind an opening quote; answers where the closing one has been passed, and
    /// whether there was one.
    fn unquote(&mut self, data: &[u8], mut at: usize, rules: &Rules) -> (usize, bool) {
        let quote = rules.quote.unwrap_or_default();
        loop {
            let rest = &data[at..];
            let stop = match rules.escape {
                Some(escape) => memchr2(quote, escape, rest),
                None => memchr(quote, rest),
            };
            let Some(stop) = stop else {
                self.text.extend_from_slice(rest);
                return (data.len(), false);
            };
            self.text.extend_from_slice(&rest[..stop]);
            at += stop + 1;
            let next = data.get(at).copied();
            if rest[stop] == quote && !(rules.double_quote && next == Some(quote)) {
                return (at, true);
            }
            if let Some(literal) = next {
                self.text.push(literal);
                at += 1;
            }
        }
    }
}

/// Ends the record whose places start at `first`; answers where those of the next one do.
#[inline(always)]
fn close(spans: &mut Vec<Span>, first: usize, fields: usize, width: Option<usize>) -> usize {
    let is_ragged = width.is_some_and(|width| width != fields);
    spans.push(Span {
        starts: first as u32,
        fields: fields as u32,
        kind: if is_ragged { Kind::Ragged } else { Kind::Good },
    });
    match is_ragged {
        true => first,
        false => first + fields + 1,
    }
}

/// The bit of the last of the 64 bytes from `chunk` on, if a quote there may close a field.
fn last_may_close(data: &[u8], chunk: usize, rules: &Rules) -> u64 {
    let next = data.len().min(chunk + LANES);
    let may_close = data.get(next).is_none_or(|next| *next == rules.delimiter || is_end(*next));
    u64::from(may_close) << (next - chunk - 1)
}

/// Where the comments end that stand at `at`, a place between records. Blank lines are the caller's: each is
/// looked at once.
#[inline]
fn skip_comments(data: &[u8], mut at: usize, rules: &Rules) -> Option<usize> {
    let comment = rules.comment?;
    let from = at;
    loop {
        if data.get(at) != Some(&comment) {
            return (at > from).then_some(at);
        }
        let rest = &data[at..];
        at += memchr(b'\n', rest).map_or(rest.len(), |stop| stop + 1);
    }
}
