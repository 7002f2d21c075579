//! Dates, times and decimals, as small values of their own.

use crate::calendar::{DAY, EPOCH_DAYS, show_date, show_time};
use serde::de::{self, Visitor};
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use std::fmt;
use std::str::FromStr;
use trommel::{Error, Result};

/// How these types tell the sinks and rows of this module from other newtypes.
pub(super) const DATE: &str = "$trommel::arrow::Date";
pub(super) const TIMESTAMP: &str = "$trommel::arrow::Timestamp";
pub(super) const DECIMAL: &str = "$trommel::arrow::Decimal";

/// A day: days since 1970-01-01.
///
/// As a field of a record it becomes a `Date32` column. A column that was declared as one takes texts as
/// well, as `2026-11-22`.
///
/// ```
/// assert_eq!(trommel_connect::arrow::Date(20_779).to_string(), "2026-11-22");
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub struct Date(pub i32);

/// An instant: microseconds since 1970-01-01T00:00:00Z.
///
/// As a field of a record it becomes a column of UTC timestamps in microseconds. A column that was declared
/// as one of timestamps takes texts in ISO 8601 as well, as `2026-11-22 12:34:56.789`: with an offset,
/// which is UTC when it is not said, if the column has a time zone, and else without one.
///
/// ```
/// let noon = trommel_connect::arrow::Timestamp(1_795_348_800_500_000);
/// assert_eq!(noon.to_string(), "2026-11-22 12:00:00.5");
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub struct Timestamp(pub i64);

/// A decimal number, `value × 10^-scale`.
///
/// As a field of a record it becomes a `Decimal128(38, scale)` column, of the scale of the first
/// one; further ones must fit it exactly.
///
/// ```
/// use trommel_connect::arrow::Decimal;
/// let price: Decimal = "-12.50".parse()?;
/// assert_eq!(price, Decimal { value: -1250, scale: 2 });
/// assert_eq!(price.to_string(), "-12.50");
/// # Ok::<(), trommel::Error>(())
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub struct Decimal {
    /// The digits.
    pub value: i128,
    /// Digits behind the point; negative: zeros before it.
    pub scale: i8,
}

impl FromStr for Decimal {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self> {
        let bad = || Error::row(format!("`{text}` is not a decimal number of up to 38 digits"));
        let (negative, digits) = match text.strip_prefix('-') {
            Some(digits) => (true, digits),
            None => (false, text.strip_prefix('+').unwrap_or(text)),
        };
        let (whole, fraction) = digits.split_once('.').unwrap_or((digits, ""));
        if whole.is_empty() && fraction.is_empty() {
            return Err(bad());
        }
        let mut value = 0_i128;
        for byte in whole.bytes().chain(fraction.bytes()) {
            let digit = byte.wrapping_sub(b'0');
            if digit > 9 {
                return Err(bad());
            }
            value = value
                .checked_mul(10)
                .and_then(|value| value.checked_add(digit.into()))
                .ok_or_else(bad)?;
        }
        let scale = i8::try_from(fraction.len()).map_err(|_| bad())?;
        Ok(Decimal { value: if negative { -value } else { value }, scale })
    }
}

impl fmt::Display for Decimal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let sign = if self.value < 0 { "-" } else { "" };
        let digits = self.value.unsigned_abs();
        match usize::try_from(self.scale) {
            Ok(0) => write!(f, "{sign}{digits}"),
            Ok(scale) => {
                let text = format!("{digits:0>width$}", width = scale + 1);
                let (whole, fraction) = text.split_at(text.len() - scale);
                write!(f, "{sign}{whole}.{fraction}")
            }
            Err(_) if digits == 0 => f.write_str("0"),
            Err(_) => {
                write!(
                    f,
                    "{sign}{digits}{:0<width$}",
                    "",
                    width = usize::from(self.scale.unsigned_abs())
                )
            }
        }
    }
}

impl fmt::Display for Date {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        show_date(f, i64::from(self.0) - EPOCH_DAYS)
    }
}

impl fmt::Display for Timestamp {
    /// The date and the time of day, without a time zone: that of UTC, if it is an instant.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        show_date(f, self.0.div_euclid(DAY) - EPOCH_DAYS)?;
        f.write_str(" ")?;
        show_time(f, self.0.rem_euclid(DAY))
    }
}

/// Decimal digits of a number.
pub(super) fn decimal_digits(value: i128) -> u32 {
    value.unsigned_abs().checked_ilog10().map_or(1, |digits| digits + 1)
}

impl Serialize for Date {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_newtype_struct(DATE, &self.0)
    }
}

impl Serialize for Timestamp {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_newtype_struct(TIMESTAMP, &self.0)
    }
}

impl Serialize for Decimal {
    /// As text where decimals are not known.
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        struct Text<'a>(&'a Decimal);
        impl Serialize for Text<'_> {
            fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
                serializer.collect_str(self.0)
            }
        }
        serializer.serialize_newtype_struct(DECIMAL, &Text(self))
    }
}

macro_rules! newtype {
    ($type:ident, $name:ident, $inner:ty, $what:literal) => {
        impl<'de> Deserialize<'de> for $type {
            fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
                struct Inner;
                impl<'de> Visitor<'de> for Inner {
                    type Value = $type;
                    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                        f.write_str($what)
                    }
                    fn visit_newtype_struct<D: Deserializer<'de>>(
                        self,
                        deserializer: D,
                    ) -> Result<$type, D::Error> {
                        <$inner>::deserialize(deserializer).map($type)
                    }
                    fn visit_i64<E: de::Error>(self, number: i64) -> Result<$type, E> {
                        number.try_into().map($type).map_err(E::custom)
                    }
                }
                deserializer.deserialize_newtype_struct($name, Inner)
            }
        }
    };
}
newtype!(Date, DATE, i32, "days since 1970-01-01");
newtype!(Timestamp, TIMESTAMP, i64, "microseconds since 1970-01-01T00:00:00Z");

impl<'de> Deserialize<'de> for Decimal {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Text;
        impl<'de> Visitor<'de> for Text {
            type Value = Decimal;
            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a decimal number")
            }
            fn visit_newtype_struct<D: Deserializer<'de>>(
                self,
                deserializer: D,
            ) -> Result<Decimal, D::Error> {
                deserializer.deserialize_str(self)
            }
            fn visit_str<E: de::Error>(self, text: &str) -> Result<Decimal, E> {
                text.parse().map_err(E::custom)
            }
            fn visit_i64<E: de::Error>(self, number: i64) -> Result<Decimal, E> {
                Ok(Decimal { value: number.into(), scale: 0 })
            }
        }
        deserializer.deserialize_newtype_struct(DECIMAL, Text)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn dates_and_timestamps_count_from_1970() {
        assert_eq!(Date(0).to_string(), "1970-01-01");
        assert_eq!(Date(-800_000).to_string(), "-0221-09-04");
        assert_eq!(Timestamp(-1).to_string(), "1969-12-31 23:59:59.999999");
        assert_eq!(Timestamp(951_827_696_000_000).to_string(), "2000-02-29 12:34:56");
    }

    #[test]
    fn decimals_are_read_as_they_are_written() {
        for (text, value, scale) in [
            ("0", 0, 0),
            ("0.00", 0, 2),
            ("-0.05", -5, 2),
            ("12.50", 1250, 2),
            ("99999999999999999999999999999999999999", 10_i128.pow(38) - 1, 0),
        ] {
            let decimal: Decimal = text.parse().unwrap();
            assert_eq!(decimal, Decimal { value, scale }, "{text}");
            assert_eq!(decimal.to_string(), text);
        }
        assert_eq!(Decimal { value: 12, scale: -3 }.to_string(), "12000");
        for bad in ["", "-", ".", "1e3", "1.2.3", "NaN", &"9".repeat(40)] {
            assert!(bad.parse::<Decimal>().is_err(), "{bad}");
        }
    }
}
