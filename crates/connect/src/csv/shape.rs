//! What the batches of one source share, and where in it they start.

use super::headers::Headers;
use super::rules::Rules;
use memchr::memchr_iter;
use trommel::Origin;

/// Everything a worker must know to parse a block; made once per source.
#[derive(Debug)]
pub(super) struct Shape {
    pub(super) name: Box<str>,
    pub(super) rules: Rules,
    pub(super) headers: Headers,
    /// Fields that each record must have; `None` when any number will do.
    pub(super) width: Option<usize>,
    pub(super) nulls: Nulls,
    pub(super) trim: bool,
    pub(super) lenient_eof: bool,
}

/// The strings that stand for a missing value.
#[derive(Debug, Clone)]
pub(super) struct Nulls {
    empty: bool,
    others: Vec<Box<[u8]>>,
    longest: usize,
}

impl Nulls {
    pub(super) fn new<T: AsRef<[u8]>>(strings: impl IntoIterator<Item = T>) -> Self {
        let mut nulls = Nulls { empty: false, others: Vec::new(), longest: 0 };
        for string in strings {
            match string.as_ref() {
                [] => nulls.empty = true,
                bytes => nulls.others.push(bytes.into()),
            }
        }
        nulls.longest = nulls.others.iter().map(|null| null.len()).max().unwrap_or(0);
        nulls
    }

    #[inline]
    pub(super) fn contains(&self, text: &[u8]) -> bool {
        match text.len() {
            0 => self.empty,
            length if length > self.longest => false,
            _ => self.others.iter().any(|null| **null == *text),
        }
    }
}

/// A place in the input.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Place {
    /// Bytes before it.
    pub(super) offset: u64,
    /// Records before it, the header not counted.
    pub(super) record: u64,
    /// Line it is on, the first being 1.
    pub(super) line: u64,
}

impl Default for Place {
    fn default() -> Self {
        Place { offset: 0, record: 0, line: 1 }
    }
}

impl Place {
    /// The place behind `data`, which starts here and holds `rows` records.
    pub(super) fn after(self, data: &[u8], rows: usize) -> Place {
        Place {
            offset: self.offset + data.len() as u64,
            record: self.record + rows as u64,
            line: self.line + memchr_iter(b'\n', data).count() as u64,
        }
    }

    pub(super) fn origin(self, source: &str) -> Origin {
        Origin {
            source: Some(source.into()),
            record: Some(self.record),
            line: Some(self.line),
            offset: Some(self.offset),
        }
    }
}
