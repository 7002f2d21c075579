//! What a set of rows comes to, whatever their order: for sinks that read back what they were given.

use std::fmt;
use std::path::Path;
use trommel::{Error, Result};

/// The number of rows and the sum of their hashes, so that rows can be added one by one, in any
/// order, and rows that were there before can be subtracted.
///
/// A row that is lost, doubled or altered changes it. It is no protection from somebody who wants
/// two sets of rows to have the same digest.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub(crate) struct Digest {
    rows: u64,
    // As two numbers, since JSON readers differ about larger ones.
    sum: (u64, u64),
}

impl Digest {
    /// Adds one row.
    pub(crate) fn add(&mut self, row: &RowHash) {
        *self = Digest { rows: 1, sum: (row.first, row.second) }.plus(*self);
    }

    /// Adds content that is no row.
    #[cfg(any(feature = "csv", feature = "ndjson"))]
    pub(crate) fn mark(&mut self, content: &RowHash) {
        let rows = self.rows;
        self.add(content);
        self.rows = rows;
    }

    /// All rows of both.
    #[must_use]
    pub(crate) fn plus(self, other: Digest) -> Digest {
        Digest {
            rows: self.rows.wrapping_add(other.rows),
            sum: (self.sum.0.wrapping_add(other.sum.0), self.sum.1.wrapping_add(other.sum.1)),
        }
    }

    pub(crate) fn rows(&self) -> u64 {
        self.rows
    }
}

impl fmt::Display for Digest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} rows, content {:016x}{:016x}", self.rows, self.sum.0, self.sum.1)
    }
}

/// The hash of one row, made of its values in the order of their columns. The same on every machine
/// and in every version, since digests are kept with checkpoints.
#[derive(Debug, Clone, Copy)]
pub(crate) struct RowHash {
    first: u64,
    second: u64,
}

/// Odd numbers without a pattern: the fractions of the square roots of 2 and 3.
const FIRST: u64 = 0x6a09_e667_f3bc_c909;
const SECOND: u64 = 0xbb67_ae85_84ca_a73b;

impl RowHash {
    pub(crate) fn new() -> Self {
        RowHash { first: SECOND, second: FIRST }
    }

    /// Adds a null.
    pub(crate) fn null(&mut self) {
        self.word(0);
    }

    /// Adds a whole number.
    pub(crate) fn int(&mut self, number: i64) {
        self.word(1);
        self.word(number.cast_unsigned());
    }

    /// Adds a floating point number, bit for bit.
    pub(crate) fn float(&mut self, number: f64) {
        self.word(2);
        self.word(number.to_bits());
    }

    /// Adds a text.
    pub(crate) fn text(&mut self, text: &[u8]) {
        self.word(3);
        self.bytes(text);
    }

    /// Adds bytes that are no text.
    pub(crate) fn blob(&mut self, bytes: &[u8]) {
        self.word(4);
        self.bytes(bytes);
    }

    /// Adds a value that is made of others.
    pub(crate) fn nested(&mut self, value: &RowHash) {
        self.word(5);
        self.word(value.first);
        self.word(value.second);
    }

    fn bytes(&mut self, bytes: &[u8]) {
        self.word(bytes.len() as u64);
        let (words, rest) = bytes.as_chunks::<8>();
        for word in words {
            self.word(u64::from_le_bytes(*word));
        }
        let mut last = [0; 8];
        last[..rest.len()].copy_from_slice(rest);
        self.word(u64::from_le_bytes(last));
    }

    #[inline]
    fn word(&mut self, word: u64) {
        // Two multiplications that fold differently: what one of them loses, the other keeps.
        self.first = folded(self.first ^ word, FIRST).wrapping_add(SECOND);
        self.second = folded(self.second.rotate_left(29) ^ word, SECOND).wrapping_add(FIRST);
    }
}

#[inline]
fn folded(one: u64, other: u64) -> u64 {
    let product = u128::from(one) * u128::from(other);
    (product as u64) ^ (product >> 64) as u64
}

/// What a job's later runs must know, kept beside its checkpoint.
#[derive(Debug, Default, serde::Serialize, serde::Deserialize)]
pub(crate) struct Carried {
    /// What the table held before the first row.
    pub(crate) before: Digest,
    /// What it was given.
    pub(crate) given: Digest,
    pub(crate) columns: Vec<String>,
    /// Rows that the job had read when this was stored, which tells whether it is the checkpoint's.
    pub(crate) read: u64,
}

#[cfg(any(feature = "postgres-common", feature = "sqlite"))]
impl Carried {
    /// What an earlier run of the job has kept with this checkpoint; `None` when nothing was loaded
    /// by then.
    pub(crate) fn read(
        kept: Option<&str>,
        job: &str,
        checkpoint: &trommel::Checkpoint,
    ) -> Result<Option<Self>> {
        let carried = kept.and_then(|text| serde_json::from_str::<Carried>(text).ok());
        match carried {
            Some(carried) if carried.read == checkpoint.counts.read => {
                Ok(Some(carried).filter(|carried| !carried.columns.is_empty()))
            }
            _ => Err(Error::config(format!(
                "verify: job `{job}` has loaded rows without it, so there is no digest to compare \
                 with: finish the job without `verify`, or load it from the start as another job"
            ))),
        }
    }
}

/// Rows that are merged with others can't be found again.
pub(crate) fn merges() -> Error {
    Error::config("verify: rows that are updated or passed over are not there as they were given")
}

/// Records of other columns than the first one's: `these` and `known`, quoted.
pub(crate) fn differs(these: &str, known: &str) -> Error {
    Error::config(format!(
        "verify: all records must have the same columns in the same order; these have {these}, those \
         before {known}"
    ))
}

/// Compares what a table holds with what it held before and was given since; `suspects` says who may
/// have changed it.
pub(crate) fn compare(
    table: &str,
    before: Digest,
    given: Digest,
    found: Digest,
    suspects: &str,
) -> Result<()> {
    let expected = before.plus(given);
    if found == expected {
        return Ok(());
    }
    let before = match before.rows() {
        0 => String::new(),
        _ => format!(", {before} of them from before the load"),
    };
    Err(Error::fatal(format!(
        "verify: table {table} should hold {expected}{before}; it holds {found}: {suspects}"
    )))
}

/// Compares what a file holds with what it was given; `kept` says what became of it.
pub(crate) fn compare_file(file: &Path, given: Digest, found: Digest, kept: &str) -> Result<()> {
    if found == given {
        return Ok(());
    }
    Err(Error::fatal(format!(
        "verify: {} should hold {given}; it holds {found}: another program has changed it, or the \
         disk or its file system has damaged it; {kept}",
        file.display()
    )))
}

/// What a run of a job that goes on without digests of its files says.
#[cold]
pub(crate) fn unknown(job: &str) -> Error {
    Error::config(format!(
        "verify: job `{job}` has written rows without it, so there is no digest to compare with: \
         finish the job without `verify`, or load it from the start as another job"
    ))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn row(id: i64, text: &str) -> RowHash {
        let mut row = RowHash::new();
        row.int(id);
        row.text(text.as_bytes());
        row
    }

    fn digest(rows: impl IntoIterator<Item = RowHash>) -> Digest {
        let mut digest = Digest::default();
        rows.into_iter().for_each(|row| digest.add(&row));
        digest
    }

    #[test]
    fn order_does_not_matter_and_everything_else_does() {
        let all = || (0..1000).map(|id| row(id, "12345678"));
        let expected = digest(all());
        assert_eq!(digest(all().rev()), expected);
        assert_eq!(digest(all().take(400)).plus(digest(all().skip(400))), expected);
        let altered = |at: i64, other: RowHash| {
            digest(all().enumerate().map(|(id, row)| if id as i64 == at { other } else { row }))
        };
        for other in [row(8, "12345678"), row(7, "1234567"), row(7, "12345679"), row(7, "")] {
            assert_ne!(altered(7, other), expected);
        }
        // One row lost, another one doubled.
        assert_ne!(altered(7, row(9, "12345678")), expected);
        assert_ne!(digest(all().skip(1)), expected);
    }

    #[test]
    fn values_do_not_run_into_each_other() {
        let texts = |texts: &[&str]| {
            let mut row = RowHash::new();
            texts.iter().for_each(|text| row.text(text.as_bytes()));
            digest([row])
        };
        assert_ne!(texts(&["ab", "c"]), texts(&["a", "bc"]));
        assert_ne!(texts(&["a\0"]), texts(&["a"]));
        assert_ne!(texts(&["", "a"]), texts(&["a", ""]));
    }

    #[test]
    fn single_bits_spread_over_both_halves() {
        for bit in 0..64 {
            let (one, other) = (row(0, ""), row(1 << bit, ""));
            assert!((one.first ^ other.first).count_ones() > 8, "bit {bit}");
            assert!((one.second ^ other.second).count_ones() > 8, "bit {bit}");
        }
    }
}
