//! Single values into a column, converted to its type when nothing is lost.

use super::column::{Bytes, Column, Values};
use super::merge::{per_second, rescale};
use super::types::Decimal;
use crate::calendar::{self, DAY, EPOCH_DAYS, SECOND, Zone, is_finer};
use arrow_schema::{DataType, Field, TimeUnit};
use trommel::{Error, Result};

/// A field of this type, for columns that learn.
fn kind(data_type: DataType) -> Field {
    Field::new("", data_type, true)
}

impl Column {
    pub(super) fn learn(&mut self, data_type: impl FnOnce() -> DataType) -> Result<()> {
        match self.values {
            Values::Unknown => self.become_type(&kind(data_type())),
            _ => Ok(()),
        }
    }

    #[cold]
    pub(super) fn mismatch(&self, what: &str) -> Error {
        Error::row(format!("{what} does not go into a column of type {}", self.data_type()))
    }

    /// A number that is not of the very type of the column.
    #[cold]
    pub(super) fn push_integer(&mut self, number: i128, natural: DataType) -> Result<()> {
        self.learn(|| natural)?;
        let range = |column: &Self| {
            Error::row(format!(
                "{number} is out of range for a column of type {}",
                column.data_type()
            ))
        };
        macro_rules! fit {
            ($values:expr) => {
                match number.try_into() {
                    Ok(number) => $values.push(number),
                    Err(_) => return Err(range(self)),
                }
            };
        }
        match &mut self.values {
            Values::I8(values) => fit!(values),
            Values::I16(values) => fit!(values),
            Values::I32(values, _) => fit!(values),
            Values::I64(values, _) => fit!(values),
            Values::U8(values) => fit!(values),
            Values::U16(values) => fit!(values),
            Values::U32(values) => fit!(values),
            Values::U64(values) => fit!(values),
            Values::F32(values) => values.push(number as f32),
            Values::F64(values) => values.push(number as f64),
            Values::I128(values, precision, scale) => {
                match rescale(Decimal { value: number, scale: 0 }, *precision, *scale) {
                    Some(number) => values.push(number),
                    None => return Err(range(self)),
                }
            }
            _ => return Err(self.mismatch("a whole number")),
        }
        self.pushed();
        Ok(())
    }

    #[cold]
    pub(super) fn push_float(&mut self, number: f64, natural: DataType) -> Result<()> {
        self.learn(|| natural)?;
        match &mut self.values {
            Values::F64(values) => values.push(number),
            Values::F32(values) => values.push(number as f32),
            _ => return Err(self.mismatch("a float")),
        }
        self.pushed();
        Ok(())
    }

    #[cold]
    pub(super) fn push_other_bytes(&mut self, bytes: &[u8], natural: DataType) -> Result<()> {
        let is_text = natural == DataType::Utf8;
        self.learn(|| natural)?;
        match &mut self.values {
            Values::Bytes(into, kind) if is_text || !is_text_type(kind) => into.push(bytes)?,
            Values::Fixed(data, width) if bytes.len() == *width => data.extend_from_slice(bytes),
            Values::I128(..) if is_text => {
                let text = std::str::from_utf8(bytes)?;
                return self.push_decimal(text.parse()?);
            }
            _ => {
                let what = match is_text {
                    true => "a text".to_owned(),
                    false => format!("a string of {} bytes", bytes.len()),
                };
                return Err(self.mismatch(&what));
            }
        }
        self.pushed();
        Ok(())
    }

    /// A text that says a date or a timestamp; `false` for a column of something else.
    #[inline(never)]
    pub(super) fn push_moment(&mut self, text: &str) -> Result<bool> {
        match &mut self.values {
            Values::I32(values, DataType::Date32) => match calendar::date(text) {
                Some(days) => values.push(days + EPOCH_DAYS as i32),
                None => return Err(unlike(text, "a date, as 2026-11-22")),
            },
            Values::I64(_, DataType::Timestamp(_, zone)) => {
                let micros = match calendar::timestamp(text) {
                    Some((micros, Zone::Unsaid)) => Some(micros),
                    Some((micros, Zone::Offset(east))) if zone.is_some() => {
                        micros.checked_sub(i64::from(east) * SECOND)
                    }
                    _ => None,
                };
                let micros = micros.and_then(|micros| micros.checked_add(EPOCH_DAYS * DAY));
                return match micros {
                    Some(micros) if text.len() <= LONGEST_EXACT || !is_finer(text) => {
                        self.push_timestamp(micros).map(|()| true)
                    }
                    _ if zone.is_some() => {
                        Err(unlike(text, "a timestamp, as 2026-11-22 12:34:56.789+02:00"))
                    }
                    _ => {
                        Err(unlike(text, "a timestamp without a zone, as 2026-11-22 12:34:56.789"))
                    }
                };
            }
            _ => return Ok(false),
        }
        self.pushed();
        Ok(true)
    }

    pub(super) fn push_decimal(&mut self, decimal: Decimal) -> Result<()> {
        self.learn(|| DataType::Decimal128(38, decimal.scale))?;
        let Values::I128(values, precision, scale) = &mut self.values else {
            return Err(self.mismatch("a decimal number"));
        };
        let Some(value) = rescale(decimal, *precision, *scale) else {
            return Err(Error::row(format!(
                "{decimal} does not fit a column of type {} exactly",
                self.data_type()
            )));
        };
        values.push(value);
        self.pushed();
        Ok(())
    }

    pub(super) fn push_timestamp(&mut self, micros: i64) -> Result<()> {
        self.learn(|| DataType::Timestamp(TimeUnit::Microsecond, Some("UTC".into())))?;
        let Values::I64(values, DataType::Timestamp(unit, _)) = &mut self.values else {
            return Err(self.mismatch("a timestamp"));
        };
        if *unit == TimeUnit::Microsecond {
            values.push(micros);
            self.pushed();
            return Ok(());
        }
        let ticks = i128::from(micros) * i128::from(per_second(*unit));
        match (ticks % 1_000_000, i64::try_from(ticks / 1_000_000)) {
            (0, Ok(ticks)) => values.push(ticks),
            _ => {
                return Err(Error::row(format!(
                    "the timestamp of {micros} µs does not fit a column of type {} exactly",
                    self.data_type()
                )));
            }
        }
        self.pushed();
        Ok(())
    }
}

/// Bytes of `2026-11-22 12:34:56.123456`: a shorter text has no fraction of more digits.
const LONGEST_EXACT: usize = 26;

#[cold]
fn unlike(text: &str, wanted: &str) -> Error {
    // Enough to find it by, and no more than a message can bear.
    let shown: String = text.chars().take(40).collect();
    Error::row(format!("`{shown}` is not {wanted}"))
}

fn is_text_type(kind: &DataType) -> bool {
    matches!(kind, DataType::Utf8 | DataType::LargeUtf8)
}

impl Bytes {
    #[inline]
    pub(super) fn push(&mut self, bytes: &[u8]) -> Result<()> {
        let Ok(end) = i32::try_from(self.data.len() + bytes.len()) else {
            return Err(Error::row(
                "more than 2 GiB of text or bytes in one column of a batch: lower the batch size",
            ));
        };
        self.data.extend_from_slice(bytes);
        self.ends.push(end);
        Ok(())
    }
}
