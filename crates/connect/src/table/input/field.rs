//! From a value of a database to one of Rust's.

use crate::table::Value;
use trommel::{Error, Result};

/// Characters of a bad value shown in an error message.
const SHOWN: usize = 40;

/// A value that can be read from one column.
///
/// Nothing is converted silently: a text is no number, a float with a fraction no whole number, and
/// a number that is out of range is a bad row.
pub trait FromValue<'a>: Sized {
    /// Reads the value.
    ///
    /// # Errors
    /// [`Error::row`] when it can't; the column is added by the caller.
    fn from_value(value: Value<'a>) -> Result<Self>;
}

/// The error that this is not what was expected.
#[cold]
pub(super) fn is_not(value: Value<'_>, expected: &str) -> Error {
    let cut = |text: &str| {
        let mut shown: String = text.chars().take(SHOWN).collect();
        if shown.len() < text.len() {
            shown.push('…');
        }
        shown
    };
    Error::row(match value {
        Value::Null => format!("NULL is not {expected}: read it as an `Option`"),
        Value::Int(number) => format!("the number {number} is not {expected}"),
        Value::Float(number) => format!("the number {number:?} is not {expected}"),
        Value::Text(text) => format!("the text `{}` is not {expected}", cut(text)),
        Value::Blob(bytes) => format!("a blob of {} bytes is not {expected}", bytes.len()),
    })
}

impl<'a> FromValue<'a> for Value<'a> {
    #[inline]
    fn from_value(value: Value<'a>) -> Result<Self> {
        Ok(value)
    }
}

impl<'a, T: FromValue<'a>> FromValue<'a> for Option<T> {
    #[inline]
    fn from_value(value: Value<'a>) -> Result<Self> {
        match value {
            Value::Null => Ok(None),
            value => T::from_value(value).map(Some),
        }
    }
}

macro_rules! whole_numbers {
    ($($type:ty),*) => {$(
        impl<'a> FromValue<'a> for $type {
            #[inline]
            fn from_value(value: Value<'a>) -> Result<Self> {
                whole(value)
                    .and_then(|number| number.try_into().ok())
                    .ok_or_else(|| is_not(value, concat!("a whole number (", stringify!($type), ")")))
            }
        }
    )*};
}
whole_numbers!(u8, u16, u32, u64, usize, u128, i8, i16, i32, i64, isize, i128);

/// Also of a float without a fraction, as far as floats count one by one.
#[inline]
fn whole(value: Value<'_>) -> Option<i64> {
    match value {
        Value::Int(number) => Some(number),
        Value::Float(number) if number.trunc() == number && number.abs() <= 2f64.powi(53) => {
            Some(number as i64)
        }
        _ => None,
    }
}

impl<'a> FromValue<'a> for f64 {
    #[inline]
    fn from_value(value: Value<'a>) -> Result<Self> {
        match value {
            Value::Float(number) => Ok(number),
            Value::Int(number) => Ok(number as f64),
            _ => Err(is_not(value, "a number")),
        }
    }
}

impl<'a> FromValue<'a> for f32 {
    #[inline]
    fn from_value(value: Value<'a>) -> Result<Self> {
        f64::from_value(value).map(|number| number as f32)
    }
}

impl<'a> FromValue<'a> for bool {
    #[inline]
    fn from_value(value: Value<'a>) -> Result<Self> {
        match value {
            Value::Int(0) => Ok(false),
            Value::Int(1) => Ok(true),
            _ => Err(is_not(value, "a boolean (0 or 1)")),
        }
    }
}

impl<'a> FromValue<'a> for &'a str {
    #[inline]
    fn from_value(value: Value<'a>) -> Result<Self> {
        match value {
            Value::Text(text) => Ok(text),
            _ => Err(is_not(value, "a text")),
        }
    }
}

/// Of a text that is one character.
impl<'a> FromValue<'a> for char {
    fn from_value(value: Value<'a>) -> Result<Self> {
        <&str>::from_value(value)?.parse().map_err(|_| is_not(value, "a single character"))
    }
}

impl<'a> FromValue<'a> for String {
    fn from_value(value: Value<'a>) -> Result<Self> {
        <&str>::from_value(value).map(Into::into)
    }
}

/// Bytes of a blob, or of a text.
impl<'a> FromValue<'a> for &'a [u8] {
    #[inline]
    fn from_value(value: Value<'a>) -> Result<Self> {
        match value {
            Value::Blob(bytes) => Ok(bytes),
            Value::Text(text) => Ok(text.as_bytes()),
            _ => Err(is_not(value, "bytes")),
        }
    }
}

impl<'a> FromValue<'a> for Vec<u8> {
    fn from_value(value: Value<'a>) -> Result<Self> {
        <&[u8]>::from_value(value).map(Into::into)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_is_converted_silently() {
        assert_eq!(u8::from_value(Value::Int(255)).unwrap(), 255);
        assert_eq!(u8::from_value(Value::Float(7.0)).unwrap(), 7);
        let says = |error: Error| error.message().to_owned();
        assert_eq!(
            says(u8::from_value(Value::Int(256)).unwrap_err()),
            "the number 256 is not a whole number (u8)"
        );
        assert_eq!(
            says(i64::from_value(Value::Float(7.5)).unwrap_err()),
            "the number 7.5 is not a whole number (i64)"
        );
        assert_eq!(
            says(f64::from_value(Value::Text("7")).unwrap_err()),
            "the text `7` is not a number"
        );
        assert_eq!(
            says(bool::from_value(Value::Null).unwrap_err()),
            "NULL is not a boolean (0 or 1): read it as an `Option`"
        );
        assert_eq!(Option::<bool>::from_value(Value::Null).unwrap(), None);
    }
}
