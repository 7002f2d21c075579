//! What the batches of one source share.

use super::headers::Headers;
use super::rules::Rules;

/// Everything a worker must know to parse a block; made once per source.
#[derive(Debug)]
pub(crate) struct Shape {
    /// What messages about columns call the source: its first file.
    pub(super) name: Box<str>,
    pub(super) rules: Rules,
    pub(super) headers: Headers,
    /// Fields that each record must have; `None` when any number will do.
    pub(super) width: Option<usize>,
    pub(super) nulls: Nulls,
    pub(super) trim: bool,
    pub(super) lenient_eof: bool,
}

#[cfg(any(feature = "postgres", feature = "postgres-system"))]
impl Shape {
    /// The names of the columns; none without a header.
    pub(crate) fn names(&self) -> &[Box<str>] {
        &self.headers.names
    }
}

/// The strings that stand for a missing value.
#[derive(Debug, Clone)]
pub(super) struct Nulls {
    empty: bool,
    others: Vec<Box<[u8]>>,
    longest: usize,
    /// One of them has a digit in it.
    #[cfg(any(feature = "postgres", feature = "postgres-system"))]
    has_digit: bool,
}

impl Nulls {
    pub(super) fn new<T: AsRef<[u8]>>(strings: impl IntoIterator<Item = T>) -> Self {
        let mut nulls = Nulls {
            empty: false,
            others: Vec::new(),
            longest: 0,
            #[cfg(any(feature = "postgres", feature = "postgres-system"))]
            has_digit: false,
        };
        for string in strings {
            match string.as_ref() {
                [] => nulls.empty = true,
                bytes => nulls.others.push(bytes.into()),
            }
        }
        #[cfg(any(feature = "postgres", feature = "postgres-system"))]
        {
            nulls.has_digit = nulls.others.iter().flatten().any(u8::is_ascii_digit);
        }
        nulls.longest = nulls.others.iter().map(|null| null.len()).max().unwrap_or(0);
        nulls
    }

    /// Whether one of them may be a number.
    #[cfg(any(feature = "postgres", feature = "postgres-system"))]
    #[inline(always)]
    pub(super) fn has_number(&self) -> bool {
        self.has_digit
    }

    /// Whether one of them may have this length.
    #[inline(always)]
    pub(super) fn may_be(&self, length: usize) -> bool {
        length <= self.longest
    }

    #[inline(always)]
    pub(super) fn contains(&self, text: &[u8]) -> bool {
        let Some(first) = text.first() else { return self.empty };
        for null in &self.others {
            // The first byte mostly settles it.
            if null.first() == Some(first) && **null == *text {
                return true;
            }
        }
        false
    }
}
