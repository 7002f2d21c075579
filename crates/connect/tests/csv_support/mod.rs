//! Runs one input through `csv::Source` and through the `csv` crate and compares everything: rows,
//! places, raw bytes. Used by the property tests and by the fuzz target.

#[path = "../cut_support/mod.rs"]
mod cut_support;

#[allow(unused_imports, reason = "fuzz targets have no files")]
pub(crate) use cut_support::rows_resumed;
use cut_support::{Cuts, Reading, rows};
use std::io::Read;
use std::path::Path;
use trommel::Result;
use trommel_connect::csv as ours;

pub(crate) type Seen = cut_support::Seen<What>;

/// How to read: the options of the file, and where to cut.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Case {
    delimiter: u8,
    quote: u8,
    quoting: bool,
    double_quote: bool,
    escape: Option<u8>,
    comment: Option<u8>,
    cuts: Cuts,
}

impl Case {
    /// Number of bytes that [`from_bytes`](Self::from_bytes) makes something of.
    pub(crate) const BYTES: usize = 12;

    /// Any bytes make a case.
    pub(crate) fn from_bytes(seed: [u8; Self::BYTES]) -> Self {
        let [syntax, block, rows, split, largest, wide, reads @ ..] = seed;
        let bit = |index: u8| syntax >> index & 1 == 1;
        Case {
            delimiter: if bit(0) { b';' } else { b',' },
            quote: if bit(1) { b'\'' } else { b'"' },
            quoting: wide % 8 != 7,
            double_quote: !bit(2),
            escape: (bit(3) && wide % 8 != 7).then_some(b'\\'),
            comment: bit(4).then_some(b'#'),
            cuts: Cuts::from_bytes([block, rows, split, largest], &reads, [bit(5), bit(6), bit(7)]),
        }
    }

    fn builder(&self) -> ours::Builder {
        let mut builder = ours::Source::builder()
            .delimiter(self.delimiter)
            .quote(self.quote)
            .quoting(self.quoting)
            .double_quote(self.double_quote)
            .block_size(self.cuts.block_size)
            .has_headers(false)
            .flexible(true)
            .lenient_eof(true);
        if let Some(escape) = self.escape {
            builder = builder.escape(escape);
        }
        if let Some(comment) = self.comment {
            builder = builder.comment(comment);
        }
        builder
    }
}

/// What a row is; `None` when it is larger than the limit.
pub(crate) type What = Option<Fields>;

/// The fields of a record, and where it says it is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Fields {
    record: u64,
    line: u64,
    fields: Vec<Vec<u8>>,
}

impl Reading for Case {
    type Source = ours::Source;
    type What = What;

    fn cuts(&self) -> &Cuts {
        &self.cuts
    }
    fn source(&self, reader: impl Read + Send + 'static) -> Result<ours::Source> {
        self.builder().from_reader("input", reader)
    }
    fn open(&self, path: &Path) -> Result<ours::Source> {
        self.builder().open(path)
    }
    fn what(row: Result<ours::Row<'_>>) -> What {
        let row = row.ok()?;
        let fields = row.iter().map(<[u8]>::to_vec).collect();
        Some(Fields { record: row.record(), line: row.line(), fields })
    }
}

/// Panics unless both sides see the same.
pub(crate) fn compare(case: &Case, data: &[u8]) {
    assert_eq!(rows(case, data), reference(case, data), "{case:?}\n{}", data.escape_ascii());
}

/// What the `csv` crate sees.
pub(crate) fn reference(case: &Case, data: &[u8]) -> Vec<Seen> {
    let mut builder = csv::ReaderBuilder::new();
    builder
        .delimiter(case.delimiter)
        .quote(case.quote)
        .quoting(case.quoting)
        .double_quote(case.double_quote)
        .escape(case.escape)
        .comment(case.comment)
        .has_headers(false)
        .flexible(true)
        // A byte order mark is recognised only if it is in the first read.
        .buffer_capacity(data.len() + 16);
    let mut reader = builder.from_reader(data);
    let mut record = csv::ByteRecord::new();
    let mut seen = Vec::new();
    let mut raw_lengths = Vec::new();
    while reader.read_byte_record(&mut record).unwrap() {
        let position = record.position().unwrap();
        // The crate gives the place behind the last record; what follows may be blank.
        let from = position.byte() as usize;
        let start = skip_blank(case, data, from);
        if start == data.len() {
            // It makes an empty record of a comment that the end of the input cuts off, though its
            // own automaton says otherwise; a comment is a comment.
            assert_eq!(record.iter().collect::<Vec<_>>(), [b""]);
            break;
        }
        let newlines = |data: &[u8]| data.iter().filter(|byte| **byte == b'\n').count() as u64;
        let line = position.line() + newlines(&data[from..start]);
        assert_eq!(line, 1 + newlines(&data[..start]));
        let number = seen.len() as u64;
        let fields = record.iter().map(<[u8]>::to_vec).collect();
        seen.push(Seen {
            record: number,
            offset: start as u64,
            line,
            what: Some(Fields { record: number, line, fields }),
        });
        raw_lengths.push(reader.position().byte() as usize - start - 1);
    }
    if let Some(largest) = case.cuts.largest {
        if let (Some(last), Some(length)) = (seen.last(), raw_lengths.last_mut()) {
            let reached_end = last.offset as usize + *length + 1 == data.len();
            *length += usize::from(reached_end && !ends_in_terminator(case, data, last));
        }
        for (seen, length) in seen.iter_mut().zip(raw_lengths) {
            seen.what.take_if(|_| length > largest);
        }
    }
    seen
}

/// Whether the last byte ends the last record: then another terminator changes nothing.
fn ends_in_terminator(case: &Case, data: &[u8], last: &Seen) -> bool {
    let mut longer = data.to_vec();
    longer.push(b'\n');
    let mut unlimited = case.clone();
    unlimited.cuts.largest = None;
    matches!(data.last(), Some(b'\n' | b'\r'))
        && reference(&unlimited, &longer).last() == Some(last)
}

fn skip_blank(case: &Case, data: &[u8], mut at: usize) -> usize {
    if at == 0 && data.starts_with(b"\xef\xbb\xbf") {
        at = 3;
    }
    loop {
        match data.get(at) {
            Some(b'\n' | b'\r') => at += 1,
            Some(byte) if Some(*byte) == case.comment => {
                let end = data[at..].iter().position(|byte| *byte == b'\n');
                at = end.map_or(data.len(), |end| at + end + 1);
            }
            _ => return at,
        }
    }
}
