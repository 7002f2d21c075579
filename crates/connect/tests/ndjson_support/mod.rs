//! Runs one input through `ndjson::Source` and compares everything with a plain loop over lines and
//! `serde_json`: rows, places, raw bytes, what is JSON and what is not. Used by the property tests
//! and by the fuzz target.

use serde::de::IgnoredAny;
use serde_json::Value;
use std::collections::VecDeque;
use std::io::{Error, ErrorKind, Read};
use trommel::{Batch as _, Fill, Limit, Source as _};
use trommel_connect::ndjson;

/// Where to cut.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Case {
    pub(crate) array: bool,
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
    pub(crate) const BYTES: usize = 10;

    /// Any bytes make a case.
    pub(crate) fn from_bytes(seed: [u8; Self::BYTES]) -> Self {
        let [flags, block, rows, split, largest, reads @ ..] = seed;
        let bit = |index: u8| flags >> index & 1 == 1;
        Case {
            array: bit(0),
            block_size: if bit(1) { 0 } else { usize::from(block) % 64 + 1 },
            reads: if bit(2) { vec![255] } else { reads.to_vec() },
            rows: if bit(3) { 1000 } else { usize::from(rows) % 40 + 1 },
            largest: (largest % 4 == 3).then_some(usize::from(largest / 4) % 32 + 1),
            split: split.into(),
        }
    }

    pub(crate) fn builder(&self) -> ndjson::Builder {
        ndjson::Source::builder().array(self.array).block_size(self.block_size)
    }

    fn limit(&self) -> Limit<'static> {
        let limit = Limit::of_rows(self.rows);
        self.largest.map_or(limit, |bytes| limit.with_bytes(bytes))
    }
}

/// What a row is.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum What {
    Value(Value),
    /// JSON that no `Value` can be made of: half a surrogate pair, a number beyond all bounds.
    Odd,
    /// Not JSON, not UTF-8, or cut off.
    Bad,
    /// Larger than the limit.
    Refused,
}

/// One row, as either side saw it.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Seen {
    pub(crate) record: u64,
    pub(crate) offset: u64,
    pub(crate) line: u64,
    pub(crate) what: What,
}

/// Panics unless both sides see the same.
pub(crate) fn compare(case: &Case, data: &[u8]) {
    let seen = rows(case, data);
    if !case.array {
        assert_eq!(seen, reference(case, data), "{case:?}\n{}", data.escape_ascii());
        return;
    }
    // However it is cut, the rows are those of one cut.
    let whole = Case { block_size: 0, reads: vec![255], rows: 1 << 20, split: 0, ..case.clone() };
    assert_eq!(seen, rows(&whole, data), "{case:?}\n{}", data.escape_ascii());
    let data = data.strip_prefix(b"\xef\xbb\xbf").unwrap_or(data);
    if case.largest.is_none()
        && let Ok(Value::Array(elements)) = serde_json::from_slice(data)
    {
        let found: Vec<_> = seen.iter().map(|seen| seen.what.clone()).collect();
        let expected: Vec<_> = elements.into_iter().map(What::Value).collect();
        assert_eq!(found, expected, "{case:?}\n{}", data.escape_ascii());
    }
}

fn rows(case: &Case, data: &[u8]) -> Vec<Seen> {
    let reader =
        Chunky { data: data.iter().copied().collect(), reads: case.reads.clone(), turn: 0 };
    let mut source = case.builder().from_reader("input", reader).expect("valid options");
    let mut seen = Vec::new();
    read(&mut source, case, data, &mut seen, &mut |_, _| {});
    seen
}

/// Reads to the end; calls `after` behind each batch with the rows seen so far.
pub(crate) fn read(
    source: &mut ndjson::Source,
    case: &Case,
    data: &[u8],
    seen: &mut Vec<Seen>,
    after: &mut dyn FnMut(&ndjson::Source, usize),
) {
    let mut batch = ndjson::Batch::default();
    let mut tail = ndjson::Batch::default();
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

fn visit(batch: &mut ndjson::Batch, data: &[u8], seen: &mut Vec<Seen>) {
    let mut rows = Vec::new();
    batch
        .for_each(0, |row| {
            rows.push(match row {
                Err(error) if error.message().contains("larger than the limit") => What::Refused,
                Err(_) => What::Bad,
                Ok(row) => what(row),
            });
            Ok(())
        })
        .unwrap();
    assert_eq!(rows.len(), batch.len());
    let all: Vec<usize> = (0..rows.len()).collect();
    let mut rows = rows.into_iter();
    batch.locate(&all, &mut |_, origin, raw| {
        let start = origin.offset.unwrap() as usize;
        assert_eq!(&data[start..start + raw.len()], raw);
        seen.push(Seen {
            record: origin.record.unwrap(),
            line: origin.line.unwrap(),
            offset: start as u64,
            what: rows.next().unwrap(),
        });
    });
    assert!(rows.next().is_none(), "every row is located");
}

/// Decoded and asked for a part: both must say the same of it.
fn what(row: ndjson::Row<'_>) -> What {
    let value = row.decode::<Value>();
    let is_json = serde_json::from_str::<IgnoredAny>(row.raw()).is_ok();
    let part = row.find("a.b[1]");
    assert_eq!(part.is_ok() || is_duplicate(&part), is_json, "{row:?} {part:?}");
    match value {
        Ok(value) => {
            if let Ok(part) = part {
                let expected = value.get("a.b[1]").or_else(|| value.get("a")?.get("b")?.get(1));
                let found = part.map(|text| serde_json::from_str::<Value>(text).unwrap());
                assert_eq!(found.as_ref(), expected, "{row:?}");
            }
            What::Value(value)
        }
        Err(_) if is_json => What::Odd,
        Err(_) => What::Bad,
    }
}

fn is_duplicate<T>(result: &trommel::Result<T>) -> bool {
    result.as_ref().is_err_and(|error| error.message().contains("occurs twice"))
}

/// What a plain loop sees.
pub(crate) fn reference(case: &Case, data: &[u8]) -> Vec<Seen> {
    let mut seen = Vec::new();
    let mut at = if data.starts_with(b"\xef\xbb\xbf") { 3 } else { 0 };
    let is_blank = |byte: &u8| matches!(byte, b' ' | b'\t' | b'\r' | b'\n');
    for line in data[at..].split_inclusive(|byte| *byte == b'\n') {
        let blank = line.iter().take_while(|byte| is_blank(byte)).count();
        if blank < line.len() {
            let offset = at + blank;
            // The line break counts as little as the blanks before it.
            let body = &line[blank..line.len() - usize::from(line.ends_with(b"\n"))];
            let what = if case.largest.is_some_and(|largest| body.len() > largest) {
                What::Refused
            } else if let Ok(value) = serde_json::from_slice(body) {
                What::Value(value)
            } else if std::str::from_utf8(body).is_ok()
                && serde_json::from_slice::<IgnoredAny>(body).is_ok()
            {
                What::Odd
            } else {
                What::Bad
            };
            let before = &data[..offset];
            let line = 1 + before.iter().filter(|byte| **byte == b'\n').count() as u64;
            seen.push(Seen { record: seen.len() as u64, offset: offset as u64, line, what });
        }
        at += line.len();
    }
    seen
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
