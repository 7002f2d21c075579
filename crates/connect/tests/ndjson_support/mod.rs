//! Runs one input through `ndjson::Source` and compares everything with a plain loop over lines and
//! `serde_json`: rows, places, raw bytes, what is JSON and what is not. Used by the property tests
//! and by the fuzz target.

#[path = "../cut_support/mod.rs"]
mod cut_support;

#[allow(unused_imports, reason = "fuzz targets have no files")]
pub(crate) use cut_support::rows_resumed;
use cut_support::{Cuts, Reading, rows};
use serde::de::IgnoredAny;
use serde_json::Value;
use std::io::Read;
use std::path::Path;
use trommel::Result;
use trommel_connect::ndjson;

pub(crate) type Seen = cut_support::Seen<What>;

/// How to read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Case {
    pub(crate) array: bool,
    pub(crate) cuts: Cuts,
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
            cuts: Cuts::from_bytes([block, rows, split, largest], &reads, [bit(1), bit(2), bit(3)]),
        }
    }

    fn builder(&self) -> ndjson::Builder {
        ndjson::Source::builder().array(self.array).block_size(self.cuts.block_size)
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

impl Reading for Case {
    type Source = ndjson::Source;
    type What = What;

    fn cuts(&self) -> &Cuts {
        &self.cuts
    }
    fn source(&self, reader: impl Read + Send + 'static) -> Result<ndjson::Source> {
        self.builder().from_reader("input", reader)
    }
    fn open(&self, path: &Path) -> Result<ndjson::Source> {
        self.builder().open(path)
    }
    fn what(row: Result<ndjson::Row<'_>>) -> What {
        match row {
            Err(error) if error.message().contains("larger than the limit") => What::Refused,
            Err(_) => What::Bad,
            Ok(row) => what(row),
        }
    }
}

/// Panics unless both sides see the same.
pub(crate) fn compare(case: &Case, data: &[u8]) {
    let seen = rows(case, data);
    if !case.array {
        assert_eq!(seen, reference(case, data), "{case:?}\n{}", data.escape_ascii());
        return;
    }
    // However it is cut, the rows are those of one cut.
    let mut whole = case.clone();
    whole.cuts = Cuts { block_size: 0, reads: vec![255], rows: 1 << 20, split: 0, ..whole.cuts };
    assert_eq!(seen, rows(&whole, data), "{case:?}\n{}", data.escape_ascii());
    let data = data.strip_prefix(b"\xef\xbb\xbf").unwrap_or(data);
    if case.cuts.largest.is_none()
        && let Ok(Value::Array(elements)) = serde_json::from_slice(data)
    {
        let found: Vec<_> = seen.iter().map(|seen| seen.what.clone()).collect();
        let expected: Vec<_> = elements.into_iter().map(What::Value).collect();
        assert_eq!(found, expected, "{case:?}\n{}", data.escape_ascii());
    }
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

fn is_duplicate<T>(result: &Result<T>) -> bool {
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
            let what = if case.cuts.largest.is_some_and(|largest| body.len() > largest) {
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
