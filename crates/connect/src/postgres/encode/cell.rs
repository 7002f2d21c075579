//! One value in PostgreSQL's binary form: its length, then its bytes.

use super::array;
use super::number::{self, brief};
use super::span;
use super::temporal;
use super::words::{has_nul, hex, truth};
use crate::calendar::{SECOND, Zone, time};
use crate::postgres::types::Type;
use crate::table::{Values, write_json};
use serde::Serialize;
use std::fmt::{Display, Write as _};
use trommel::{Error, Result};

/// Appends values of one type.
pub(super) struct Cell<'p> {
    pub(super) out: &'p mut Vec<u8>,
    pub(super) kind: &'p Type,
    /// The type's name, for messages.
    pub(super) declared: &'p str,
    pub(super) scratch: &'p mut String,
}

const NULL: [u8; 4] = (-1_i32).to_be_bytes();

macro_rules! fixed {
    ($out:expr, $value:expr) => {{
        append($out, $value.to_be_bytes());
        Ok(())
    }};
}

/// Length and value in one piece, which takes one look at the room there is.
#[inline(always)]
pub(super) fn append<const N: usize>(out: &mut Vec<u8>, value: [u8; N]) {
    let mut piece = [0; 12];
    piece[..4].copy_from_slice(&(N as u32).to_be_bytes());
    piece[4..4 + N].copy_from_slice(&value);
    out.extend_from_slice(&piece[..4 + N]);
}

impl Cell<'_> {
    #[cold]
    fn unfit<T>(&self, value: &str) -> Result<T> {
        Err(Error::row(format!("`{}` doesn't fit the type {}", brief(value), self.declared)))
    }

    /// Appends what `write` does, with its length in front.
    fn sized(&mut self, write: impl FnOnce(&mut Vec<u8>) -> Result<()>) -> Result<()> {
        let start = self.out.len();
        self.out.extend_from_slice(&[0; 4]);
        write(self.out)?;
        close(self.out, start)
    }

    #[inline]
    fn bytes(&mut self, bytes: &[u8]) -> Result<()> {
        let Ok(len) = i32::try_from(bytes.len()) else {
            return Err(Error::row("a value of 2 GiB or more"));
        };
        self.out.extend_from_slice(&len.to_be_bytes());
        self.out.extend_from_slice(bytes);
        Ok(())
    }

    #[inline]
    fn plain_text(&mut self, text: &str, max: Option<usize>) -> Result<()> {
        if has_nul(text.as_bytes()) {
            return Err(Error::row(
                "the text has a NUL byte, which PostgreSQL doesn't store: remove it, or load it \
                 into a column of type bytea",
            ));
        }
        if let Some(max) = max
            && text.len() > max
            // What is over may be blanks, which the server cuts off.
            && text.trim_end_matches(' ').chars().count() > max
        {
            return Err(Error::row(format!(
                "`{}` is longer than the type {} takes",
                brief(text),
                self.declared
            )));
        }
        self.bytes(text.as_bytes())
    }

    /// A whole number into a column that is not an `integer`, or for which it is too large.
    fn other_int(&mut self, number: i64) -> Result<()> {
        match self.kind {
            Type::Int8 => fixed!(self.out, number),
            Type::Int2 => match i16::try_from(number) {
                Ok(number) => fixed!(self.out, number),
                Err(_) => self.unfit(itoa::Buffer::new().format(number)),
            },
            Type::Int4 => self.unfit(itoa::Buffer::new().format(number)),
            Type::Float8 => fixed!(self.out, (number as f64)),
            Type::Float4 => fixed!(self.out, (number as f32)),
            Type::Bool if number == 0 || number == 1 => self.bytes(&[number as u8]),
            Type::Oid => match u32::try_from(number) {
                Ok(number) => fixed!(self.out, number),
                Err(_) => self.unfit(itoa::Buffer::new().format(number)),
            },
            _ => self.decimal(itoa::Buffer::new().format(number)),
        }
    }

    /// A text into a column of another type.
    fn typed_text(&mut self, text: &str) -> Result<()> {
        match self.kind {
            Type::Text { max } => self.plain_text(text, *max),
            Type::Timestamp | Type::TimestampTz => self.timestamp(text),
            Type::Date | Type::Time | Type::TimeTz | Type::Interval => self.temporal(text),
            Type::Uuid => self.uuid(text),
            Type::Numeric => self.decimal(text),
            Type::Int2 | Type::Int4 | Type::Int8 | Type::Oid => match text.trim().parse() {
                Ok(number) => self.int(number),
                Err(_) => self.unfit(text),
            },
            Type::Float4 | Type::Float8 => match text.trim().parse() {
                Ok(number) => self.float(number),
                Err(_) => self.unfit(text),
            },
            Type::Bool => match truth(text.trim()) {
                Some(value) => self.bytes(&[value.into()]),
                None => self.unfit(text),
            },
            Type::Json | Type::Jsonb => match serde_json::from_str::<serde::de::IgnoredAny>(text) {
                Ok(_) => self.json(text),
                Err(error) => Err(Error::row("the text is not a JSON document").caused_by(error)),
            },
            Type::Inet { cidr } => self.network(text.trim(), *cidr),
            Type::Bytea => self.bytes(text.as_bytes()),
            Type::Array { .. } | Type::Other => self.unfit(text),
        }
    }

    fn json(&mut self, text: &str) -> Result<()> {
        if self.kind == &Type::Jsonb {
            return self.sized(|out| {
                out.push(1);
                out.extend_from_slice(text.as_bytes());
                Ok(())
            });
        }
        self.bytes(text.as_bytes())
    }

    /// Microseconds since 2000 in `zone`, as the column wants them.
    fn timestamp(&mut self, text: &str) -> Result<()> {
        let with_zone = self.kind == &Type::TimestampTz;
        let micros = match temporal::timestamp(text) {
            Some((micros @ (i64::MAX | i64::MIN), _)) => micros,
            // Without an offset the time is UTC.
            Some((micros, Zone::Unsaid | Zone::Offset(0))) => micros,
            Some((micros, Zone::Offset(east))) if with_zone => micros - i64::from(east) * SECOND,
            Some(_) => {
                return Err(Error::row(format!(
                    "`{}` has an offset, and a timestamp without time zone has no room for it: \
                     convert it, or let the column be timestamptz",
                    brief(text)
                )));
            }
            None => return self.unfit(text),
        };
        fixed!(self.out, micros)
    }

    fn temporal(&mut self, text: &str) -> Result<()> {
        match self.kind {
            Type::Date => match temporal::date(text) {
                Some(days) => fixed!(self.out, days),
                None => self.unfit(text),
            },
            Type::Time => match time(text) {
                Some((micros, Zone::Unsaid | Zone::Offset(0))) => fixed!(self.out, micros),
                _ => self.unfit(text),
            },
            Type::TimeTz => match time(text) {
                Some((micros, zone)) => {
                    // Counted west of Greenwich here.
                    let west = match zone {
                        Zone::Unsaid => 0,
                        Zone::Offset(east) => -east,
                    };
                    self.sized(|out| {
                        out.extend_from_slice(&micros.to_be_bytes());
                        out.extend_from_slice(&west.to_be_bytes());
                        Ok(())
                    })
                }
                None => self.unfit(text),
            },
            _ => match span::span(text) {
                Some(span) => self.sized(|out| {
                    out.extend_from_slice(&span.micros.to_be_bytes());
                    out.extend_from_slice(&span.days.to_be_bytes());
                    out.extend_from_slice(&span.months.to_be_bytes());
                    Ok(())
                }),
                None => self.unfit(text),
            },
        }
    }

    fn uuid(&mut self, text: &str) -> Result<()> {
        let mut digits = text.bytes().filter(|byte| !matches!(byte, b'-' | b'{' | b'}'));
        let mut uuid = [0; 16];
        for byte in &mut uuid {
            let pair = (digits.next().and_then(hex), digits.next().and_then(hex));
            let (Some(high), Some(low)) = pair else { return self.unfit(text) };
            *byte = high << 4 | low;
        }
        if digits.next().is_some() {
            return self.unfit(text);
        }
        self.bytes(&uuid)
    }

    fn network(&mut self, text: &str, cidr: bool) -> Result<()> {
        let (address, bits) = match text.split_once('/') {
            Some((address, bits)) => (address, bits.parse::<u8>().ok()),
            None => (text, Some(u8::MAX)),
        };
        let (family, octets) = match address.parse() {
            Ok(std::net::IpAddr::V4(address)) => (2, address.octets().to_vec()),
            // Not the system's number but "the other one".
            Ok(std::net::IpAddr::V6(address)) => (3, address.octets().to_vec()),
            Err(_) => return self.unfit(text),
        };
        let full = octets.len() as u8 * 8;
        let bits = match bits {
            Some(u8::MAX) => full,
            Some(bits) if bits <= full => bits,
            _ => return self.unfit(text),
        };
        self.sized(|out| {
            out.extend_from_slice(&[family, bits, cidr.into(), octets.len() as u8]);
            out.extend_from_slice(&octets);
            Ok(())
        })
    }

    /// A number in its decimal form.
    fn decimal(&mut self, text: &str) -> Result<()> {
        match self.kind {
            Type::Numeric => self.sized(|out| number::write(out, text)),
            Type::Json | Type::Jsonb => self.json(text),
            Type::Text { max } => self.plain_text(text, *max),
            _ => self.unfit(text),
        }
    }

    /// A value that displays itself as text that a type reads.
    fn formatted<D: Display + ?Sized>(
        &mut self,
        value: &D,
        take: impl FnOnce(&mut Self, &str) -> Result<()>,
    ) -> Result<()> {
        let mut text = std::mem::take(self.scratch);
        text.clear();
        let written = write!(text, "{value}");
        let taken = match written {
            Ok(()) => take(self, &text),
            Err(_) => Err(Error::row("a value could not be formatted")),
        };
        *self.scratch = text;
        taken
    }
}

/// Notes the length of what was appended since `start`.
pub(super) fn close(out: &mut [u8], start: usize) -> Result<()> {
    let Ok(len) = i32::try_from(out.len() - start - 4) else {
        return Err(Error::row("a value of 2 GiB or more"));
    };
    out[start..start + 4].copy_from_slice(&len.to_be_bytes());
    Ok(())
}

impl Values for Cell<'_> {
    #[inline]
    fn null(&mut self) -> Result<()> {
        self.out.extend_from_slice(&NULL);
        Ok(())
    }

    fn bool(&mut self, value: bool) -> Result<()> {
        match self.kind {
            Type::Bool => self.bytes(&[value.into()]),
            Type::Text { .. } | Type::Json | Type::Jsonb => {
                self.decimal(if value { "true" } else { "false" })
            }
            _ => self.int(value.into()),
        }
    }

    #[inline(always)]
    fn int(&mut self, number: i64) -> Result<()> {
        if matches!(self.kind, Type::Int4)
            && let Ok(number) = i32::try_from(number)
        {
            return fixed!(self.out, number);
        }
        self.other_int(number)
    }

    fn big(&mut self, number: i128) -> Result<()> {
        match self.kind {
            Type::Float8 => fixed!(self.out, (number as f64)),
            Type::Float4 => fixed!(self.out, (number as f32)),
            _ => self.decimal(itoa::Buffer::new().format(number)),
        }
    }

    #[inline]
    fn float(&mut self, number: f64) -> Result<()> {
        match self.kind {
            Type::Float8 => fixed!(self.out, number),
            Type::Float4 => {
                let narrow = number as f32;
                if narrow.is_infinite() && number.is_finite() {
                    return self.unfit(zmij::Buffer::new().format(number));
                }
                fixed!(self.out, narrow)
            }
            // Whole numbers only: what is behind the point would be lost.
            Type::Int2 | Type::Int4 | Type::Int8
                if number.fract() == 0.0 && number.abs() < 9.2e18 =>
            {
                self.int(number as i64)
            }
            Type::Json | Type::Jsonb if !number.is_finite() => {
                Err(Error::row("JSON has no infinity and no NaN"))
            }
            _ => self.decimal(zmij::Buffer::new().format(number)),
        }
    }

    fn float32(&mut self, number: f32) -> Result<()> {
        match self.kind {
            Type::Float4 => fixed!(self.out, number),
            Type::Numeric | Type::Text { .. } => self.decimal(zmij::Buffer::new().format(number)),
            _ => self.float(number.into()),
        }
    }

    #[inline]
    fn text(&mut self, text: &str) -> Result<()> {
        match self.kind {
            Type::Text { max } => self.plain_text(text, *max),
            _ => self.typed_text(text),
        }
    }

    fn display<D: Display + ?Sized>(&mut self, value: &D) -> Result<()> {
        self.formatted(value, |cell, text| cell.text(text))
    }

    fn blob(&mut self, bytes: &[u8]) -> Result<()> {
        match self.kind {
            Type::Bytea => self.bytes(bytes),
            Type::Uuid if bytes.len() == 16 => self.bytes(bytes),
            Type::Text { max } => match std::str::from_utf8(bytes) {
                Ok(text) => self.plain_text(text, *max),
                Err(_) => Err(Error::row("the bytes are not valid UTF-8")),
            },
            _ => self.unfit("a byte string"),
        }
    }

    fn nested<T: Serialize + ?Sized>(&mut self, value: &T) -> Result<()> {
        match self.kind {
            Type::Array { .. } => array::write(self, value),
            Type::Json | Type::Jsonb | Type::Text { .. } => {
                let mut text = std::mem::take(self.scratch);
                text.clear();
                let taken = write_json(&mut text, value).and_then(|()| match self.kind {
                    Type::Text { max } => self.plain_text(&text, *max),
                    _ => self.json(&text),
                });
                *self.scratch = text;
                taken
            }
            Type::Bytea => array::write_bytes(self, value),
            _ => Err(Error::row(format!("a nested value doesn't fit the type {}", self.declared))),
        }
    }
}
