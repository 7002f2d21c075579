//! Runs one input through `csv::Source` and through the `csv` crate and compares everything: rows,
//! places, raw bytes. Used by the property tests and by the fuzz target.

use std::collections::VecDeque;
use std::io::{Error, ErrorKind, Read};
use trommel::{Batch as _, Fill, Limit, Source as _};
use trommel_connect::csv as ours;

/// How to read: the options of the file, and where to cut.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Case {
    pub(crate) delimiter: u8,
    pub(crate) quote: u8,
    pub(crate) quoting: bool,
    pub(crate) double_quote: bool,
    pub(crate) escape: Option<u8>,
    pub(crate) comment: Option<u8>,
    pub(crate) block_size: usize,
    /// Bytes of each read, in turn; 0 is an interruption.
    pub(crate) reads: Vec<u8>,
    pub(crate) rows: usize,
    pub(crate) largest: Option<usize>,
    /// Where to split batches, modulo their rows.
    pub(crate) split: usize,
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
            block_size: if bit(5) { 0 } else { usize::from(block) % 64 + 1 },
            reads: if bit(6) { vec![255] } else { reads.to_vec() },
            rows: if bit(7) { 1000 } else { usize::from(rows) % 40 + 1 },
            largest: (largest % 4 == 3).then_some(usize::from(largest / 4) % 32 + 1),
            split: split.into(),
        }
    }

    pub(crate) fn builder(&self) -> ours::Builder {
        let mut builder = ours::Source::builder()
            .delimiter(self.delimiter)
            .quote(self.quote)
            .quoting(self.quoting)
            .double_quote(self.double_quote)
            .block_size(self.block_size)
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

    fn limit(&self) -> Limit<'static> {
        let limit = Limit::of_rows(self.rows);
        self.largest.map_or(limit, |bytes| limit.with_bytes(bytes))
    }
}

/// One record, as either side saw it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Seen {
    pub(crate) record: u64,
    pub(crate) offset: u64,
    pub(crate) line: u64,
    /// `None` when it is larger than the limit.
    pub(crate) fields: Option<Vec<Vec<u8>>>,
}

/// Panics unless both sides see the same.
pub(crate) fn compare(case: &Case, data: &[u8]) {
    let reader =
        Chunky { data: data.iter().copied().collect(), reads: case.reads.clone(), turn: 0 };
    let mut source = case.builder().from_reader("input", reader).expect("valid options");
    let mut seen = Vec::new();
    read(&mut source, case, data, &mut seen, &mut |_, _| {});
    assert_eq!(seen, reference(case, data), "{case:?}\n{}", data.escape_ascii());
}

/// Reads to the end; calls `after` behind each batch with the rows seen so far.
pub(crate) fn read(
    source: &mut ours::Source,
    case: &Case,
    data: &[u8],
    seen: &mut Vec<Seen>,
    after: &mut dyn FnMut(&ours::Source, usize),
) {
    let mut batch = ours::Batch::default();
    let mut tail = ours::Batch::default();
    loop {
        let fill = source.fill(&mut batch, &case.limit()).expect("readable");
        let rows = batch.len();
        assert!(rows <= case.rows, "{rows} rows where {} were wanted", case.rows);
        let at = case.split % (rows + 1);
        if batch.split_off(at, &mut tail) {
            assert_eq!((batch.len(), tail.len()), (at, rows - at));
            visit(&mut batch, data, seen);
            visit(&mut tail, data, seen);
        } else {
            visit(&mut batch, data, seen);
        }
        after(source, seen.len());
        if fill == Fill::End {
            return;
        }
    }
}

fn visit(batch: &mut ours::Batch, data: &[u8], seen: &mut Vec<Seen>) {
    let mut rows = Vec::new();
    batch
        .for_each(0, |row| {
            rows.push(row.ok().map(|row| {
                let fields = row.iter().map(<[u8]>::to_vec).collect::<Vec<_>>();
                (row.record(), row.line(), fields)
            }));
            Ok(())
        })
        .unwrap();
    assert_eq!(rows.len(), batch.len());
    let all: Vec<usize> = (0..rows.len()).collect();
    let mut rows = rows.into_iter();
    batch.locate(&all, &mut |_, origin, raw| {
        let start = origin.offset.unwrap() as usize;
        assert_eq!(&data[start..start + raw.len()], raw);
        let (record, line) = (origin.record.unwrap(), origin.line.unwrap());
        let row = rows.next().unwrap();
        if let Some((own_record, own_line, _)) = &row {
            assert_eq!((*own_record, *own_line), (record, line));
        }
        seen.push(Seen {
            record,
            line,
            offset: start as u64,
            fields: row.map(|(_, _, fields)| fields),
        });
    });
    assert!(rows.next().is_none(), "every row is located");
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
        seen.push(Seen {
            record: seen.len() as u64,
            offset: start as u64,
            line,
            fields: Some(record.iter().map(<[u8]>::to_vec).collect()),
        });
        raw_lengths.push(reader.position().byte() as usize - start - 1);
    }
    if let Some(largest) = case.largest {
        if let (Some(last), Some(length)) = (seen.last(), raw_lengths.last_mut()) {
            let reached_end = last.offset as usize + *length + 1 == data.len();
            *length += usize::from(reached_end && !ends_in_terminator(case, data, last));
        }
        for (seen, length) in seen.iter_mut().zip(raw_lengths) {
            seen.fields.take_if(|_| length > largest);
        }
    }
    seen
}

/// Whether the last byte ends the last record: then another terminator changes nothing.
fn ends_in_terminator(case: &Case, data: &[u8], last: &Seen) -> bool {
    let mut longer = data.to_vec();
    longer.push(b'\n');
    let unlimited = Case { largest: None, ..case.clone() };
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

/// Gives as many bytes at once as `reads` says, in turn.
struct Chunky {
    data: VecDeque<u8>,
    reads: Vec<u8>,
    turn: usize,
}

impl Read for Chunky {
    fn read(&mut self, space: &mut [u8]) -> std::io::Result<usize> {
        self.turn += 1;
        let count = self.reads[self.turn % self.reads.len()];
        if count == 0 && self.turn.is_multiple_of(3) {
            return Err(Error::from(ErrorKind::Interrupted));
        }
        let count = usize::from(count).max(1).min(space.len());
        Read::take(&mut self.data, count as u64).read(space)
    }
}
