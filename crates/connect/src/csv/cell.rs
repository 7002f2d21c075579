//! One field of a row, as it lies in its block.

use super::shape::Nulls;
use std::fmt;
use std::str::FromStr;
use trommel::{Error, Result};

/// Characters of a bad value shown in an error message.
const SHOWN: usize = 40;

/// One field of a row, as [`FromField`](super::FromField) sees it.
#[derive(Clone, Copy)]
pub struct Cell<'a> {
    /// What the field is a part of: the block, or unescaped text.
    around: &'a [u8],
    /// The same; empty where it is not known to be text.
    text: &'a str,
    from: usize,
    to: usize,
    nulls: &'a Nulls,
}

impl<'a> Cell<'a> {
    /// The field at `from..to` of `around`; `text` is the same as `around`, or empty.
    #[inline(always)]
    pub(super) fn new(
        around: &'a [u8],
        text: &'a str,
        (from, to): (usize, usize),
        nulls: &'a Nulls,
    ) -> Self {
        Cell { around, text, from, to, nulls }
    }

    /// A field that stands alone.
    pub(super) fn of(bytes: &'a [u8], nulls: &'a Nulls) -> Self {
        Cell::new(bytes, "", (0, bytes.len()), nulls)
    }

    #[inline(always)]
    pub(super) fn nulls(&self) -> &'a Nulls {
        self.nulls
    }

    /// The bytes, unescaped.
    #[inline(always)]
    pub fn bytes(&self) -> &'a [u8] {
        &self.around[self.from..self.to]
    }

    /// The text.
    ///
    /// # Errors
    /// [`ErrorKind::Row`](trommel::ErrorKind::Row) when it is not valid UTF-8, saying at which byte
    /// of the field.
    #[inline(always)]
    pub fn str(&self) -> Result<&'a str> {
        // A part of text that starts and ends between characters.
        match self.text.get(self.from..self.to) {
            Some(text) => Ok(text),
            None => checked(self.bytes()),
        }
    }

    /// Whether it is one of the null strings.
    #[inline(always)]
    pub fn is_null(&self) -> bool {
        self.nulls.may_be(self.to.wrapping_sub(self.from)) && self.nulls.contains(self.bytes())
    }

    /// Parses the text with [`FromStr`]; `expected` says what it should have been, as in "a date".
    ///
    /// ```
    /// use trommel::Result;
    /// use trommel_connect::csv::{Cell, FromField};
    ///
    /// struct Ip(std::net::IpAddr);
    ///
    /// impl<'a> FromField<'a> for Ip {
    ///     fn from_field(cell: Cell<'a>) -> Result<Self> {
    ///         cell.parse("an IP address").map(Ip)
    ///     }
    /// }
    /// ```
    ///
    /// # Errors
    /// [`ErrorKind::Row`](trommel::ErrorKind::Row), with the cause.
    #[inline]
    pub fn parse<T>(&self, expected: &str) -> Result<T>
    where
        T: FromStr,
        T::Err: Into<Box<dyn std::error::Error + Send + Sync>>,
    {
        let text = self.str()?;
        text.parse().map_err(|error| self.is_not(expected).caused_by(error))
    }

    /// Eight bytes from its start on, the first being the lowest, whatever is behind it; and its
    /// length. Where the block ends before them, the length is 0.
    #[inline(always)]
    pub(super) fn eight(&self) -> (u64, usize) {
        match self.around.get(self.from..).and_then(<[u8]>::first_chunk) {
            Some(eight) => (u64::from_le_bytes(*eight), self.to.wrapping_sub(self.from)),
            None => (0, 0),
        }
    }

    /// The error that this is not what was expected.
    #[cold]
    pub(super) fn is_not(&self, expected: &str) -> Error {
        let text = String::from_utf8_lossy(self.bytes());
        let mut shown: String = text.chars().take(SHOWN).collect();
        if shown.len() < text.len() {
            shown.push('…');
        }
        let hint = match self.is_null() {
            true => " but a null: read it as an `Option`",
            false => "",
        };
        Error::row(format!("`{shown}` is not {expected}{hint}"))
    }
}

#[inline(never)]
fn checked(bytes: &[u8]) -> Result<&str> {
    std::str::from_utf8(bytes).map_err(|error| {
        Error::row(format!(
            "not valid UTF-8 from byte {} of the field on (`bytes` gives it as it is)",
            error.valid_up_to()
        ))
        .caused_by(error)
    })
}

impl fmt::Debug for Cell<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let text = String::from_utf8_lossy(self.bytes());
        f.debug_struct("Cell").field("text", &text).field("is_null", &self.is_null()).finish()
    }
}
