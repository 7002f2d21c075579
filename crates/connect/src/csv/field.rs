//! From the bytes of a field to a value.

use super::shape::Nulls;
use std::str::FromStr;
use trommel::{Error, Result};

/// Characters of a bad value shown in an error message.
const SHOWN: usize = 40;

/// One field of a row, as [`FromField`] sees it.
#[derive(Debug, Clone, Copy)]
pub struct Cell<'a> {
    bytes: &'a [u8],
    nulls: &'a Nulls,
}

impl<'a> Cell<'a> {
    #[inline]
    pub(super) fn new(bytes: &'a [u8], nulls: &'a Nulls) -> Self {
        Cell { bytes, nulls }
    }

    /// The bytes, unescaped.
    #[inline]
    pub fn bytes(&self) -> &'a [u8] {
        self.bytes
    }

    /// The text.
    ///
    /// # Errors
    /// [`ErrorKind::Row`](trommel::ErrorKind::Row) when it is not valid UTF-8, saying at which byte
    /// of the field.
    #[inline]
    pub fn str(&self) -> Result<&'a str> {
        std::str::from_utf8(self.bytes).map_err(|error| {
            Error::row(format!(
                "not valid UTF-8 from byte {} of the field on (`bytes` gives it as it is)",
                error.valid_up_to()
            ))
            .caused_by(error)
        })
    }

    /// Whether it is one of the null strings.
    #[inline]
    pub fn is_null(&self) -> bool {
        self.nulls.contains(self.bytes)
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

    /// The error that this is not what was expected.
    #[cold]
    pub(super) fn is_not(&self, expected: &str) -> Error {
        let text = String::from_utf8_lossy(self.bytes);
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

/// A value that can be read from one field.
///
/// Numbers are read as Rust writes them, without blanks around (see
/// [`Builder::trim`](super::Builder::trim)); `bool` is `true`, `false` (in small letters, capitals or
/// with a capital), `1` or `0`.
pub trait FromField<'a>: Sized {
    /// Reads the value.
    ///
    /// # Errors
    /// [`Error::row`] when it can't; the column is added by the caller.
    fn from_field(cell: Cell<'a>) -> Result<Self>;
}

impl<'a, T: FromField<'a>> FromField<'a> for Option<T> {
    #[inline]
    fn from_field(cell: Cell<'a>) -> Result<Self> {
        if cell.is_null() {
            return Ok(None);
        }
        T::from_field(cell).map(Some)
    }
}

impl<'a> FromField<'a> for &'a [u8] {
    #[inline]
    fn from_field(cell: Cell<'a>) -> Result<Self> {
        Ok(cell.bytes)
    }
}

impl<'a> FromField<'a> for &'a str {
    #[inline]
    fn from_field(cell: Cell<'a>) -> Result<Self> {
        cell.str()
    }
}

macro_rules! owned_text {
    ($($type:ty),*) => {$(
        impl<'a> FromField<'a> for $type {
            fn from_field(cell: Cell<'a>) -> Result<Self> {
                cell.str().map(Into::into)
            }
        }
    )*};
}
owned_text!(String, Box<str>, std::borrow::Cow<'a, str>);

impl<'a> FromField<'a> for char {
    fn from_field(cell: Cell<'a>) -> Result<Self> {
        cell.parse("a single character")
    }
}

impl<'a> FromField<'a> for bool {
    fn from_field(cell: Cell<'a>) -> Result<Self> {
        match cell.bytes {
            b"true" | b"True" | b"TRUE" | b"1" => Ok(true),
            b"false" | b"False" | b"FALSE" | b"0" => Ok(false),
            _ => Err(cell.is_not("a boolean (`true`, `false`, `1` or `0`)")),
        }
    }
}

macro_rules! whole_numbers {
    ($($type:ty),*) => {$(
        impl<'a> FromField<'a> for $type {
            #[inline]
            fn from_field(cell: Cell<'a>) -> Result<Self> {
                match short_integer(cell.bytes).and_then(|number| number.try_into().ok()) {
                    Some(number) => Ok(number),
                    None => cell.parse("a whole number"),
                }
            }
        }
    )*};
}
whole_numbers!(u8, u16, u32, u64, usize, u128, i8, i16, i32, i64, isize, i128);

macro_rules! floats {
    ($($type:ty),*) => {$(
        impl<'a> FromField<'a> for $type {
            #[inline]
            fn from_field(cell: Cell<'a>) -> Result<Self> {
                // Many columns of floats hold whole numbers; up to 2^24 an `f32` is exact.
                match short_integer(cell.bytes) {
                    Some(number) if (0..1 << 24).contains(&number) => Ok(number as $type),
                    _ => cell.parse("a number"),
                }
            }
        }
    )*};
}
floats!(f32, f64);

/// An integer of up to 18 digits, which no `i64` is too small for; anything else is `None`, and up
/// to the slower parser of the standard library, which also knows why not.
#[inline]
fn short_integer(text: &[u8]) -> Option<i64> {
    let (negative, digits) = match text {
        [b'-', digits @ ..] => (true, digits),
        [b'+', digits @ ..] => (false, digits),
        digits => (false, digits),
    };
    if digits.is_empty() || digits.len() > 18 {
        return None;
    }
    let mut number = 0;
    for &byte in digits {
        let digit = byte.wrapping_sub(b'0');
        if digit > 9 {
            return None;
        }
        number = number * 10 + i64::from(digit);
    }
    match (negative, number) {
        // Not a number of an unsigned type, and another one than 0 of a float.
        (true, 0) => None,
        (true, _) => Some(-number),
        (false, _) => Some(number),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read<'a, T: FromField<'a>>(text: &'a str, nulls: &'a Nulls) -> Result<T> {
        T::from_field(Cell::new(text.as_bytes(), nulls))
    }

    #[test]
    fn numbers_are_those_of_the_standard_library() {
        let nulls = Nulls::new([""]);
        for text in [
            "0",
            "-0",
            "+7",
            "-7",
            "255",
            "256",
            "-129",
            "18446744073709551615",
            "",
            "-",
            "+",
            "00000000000000000000000000000000000007",
            "9223372036854775807",
            "1 ",
            " 1",
            "1.5",
            "-9223372036854775808",
            "18446744073709551616",
            "--1",
            "16777217",
            "1e3",
            "-1.25e-3",
            "inf",
            "NaN",
            "999999999999999999",
            "9999999999999999999",
            "١",
            "1_000",
            "0x1f",
            ".5",
        ] {
            macro_rules! same {
                ($($type:ty),*) => {$(
                    assert_eq!(
                        read::<$type>(text, &nulls).ok().map(|it| it.to_string()),
                        text.parse::<$type>().ok().map(|it| it.to_string()),
                        "{text} as {}", stringify!($type)
                    );
                )*};
            }
            same!(u8, u16, u32, u64, usize, u128, i8, i16, i32, i64, isize, i128, f32, f64);
        }
    }

    #[test]
    fn nulls_are_none_and_only_then_an_error_says_so() {
        let nulls = Nulls::new(["", "NA"]);
        assert_eq!(read::<Option<u8>>("NA", &nulls).unwrap(), None);
        assert_eq!(read::<Option<u8>>("7", &nulls).unwrap(), Some(7));
        assert_eq!(read::<&str>("NA", &nulls).unwrap(), "NA");
        let error = read::<u8>("NA", &nulls).unwrap_err();
        assert!(error.to_string().contains("but a null"), "{error}");
        let error = read::<Option<u8>>("x", &nulls).unwrap_err();
        assert!(!error.to_string().contains("null"), "{error}");
    }

    #[test]
    fn booleans_and_characters() {
        let nulls = Nulls::new([""]);
        assert!(read::<bool>("TRUE", &nulls).unwrap());
        assert!(!read::<bool>("0", &nulls).unwrap());
        assert!(read::<bool>("yes", &nulls).is_err());
        assert_eq!(read::<char>("é", &nulls).unwrap(), 'é');
        assert!(read::<char>("ab", &nulls).is_err());
    }
}
