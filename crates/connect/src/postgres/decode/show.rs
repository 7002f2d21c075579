//! Values in their text forms: ISO for dates and times, digits for numbers.

use crate::calendar::{DAY, SECOND, show_date, show_fraction, show_time};
use crate::postgres::types::Type;
use std::fmt::{self, Write};

/// A value whose bytes are not of its type.
pub(super) const TORN: &str = "the server has sent a value of another form than its type has";

/// Takes as many bytes off the front as a number has.
pub(super) fn front<const N: usize>(bytes: &mut &[u8]) -> Result<[u8; N], &'static str> {
    let (head, rest) = bytes.split_first_chunk().ok_or(TORN)?;
    *bytes = rest;
    Ok(*head)
}

macro_rules! take {
    ($bytes:expr, $type:ty) => {
        <$type>::from_be_bytes(front(&mut $bytes)?)
    };
}

/// Appends the text form of a value.
pub(in crate::postgres) fn show(
    out: &mut String,
    kind: &Type,
    mut bytes: &[u8],
) -> Result<(), &'static str> {
    let written = match kind {
        Type::Bool => out.write_str(if take!(bytes, u8) == 0 { "false" } else { "true" }),
        Type::Int2 => write!(out, "{}", take!(bytes, i16)),
        Type::Int4 => write!(out, "{}", take!(bytes, i32)),
        Type::Int8 => write!(out, "{}", take!(bytes, i64)),
        Type::Oid => write!(out, "{}", take!(bytes, u32)),
        Type::Float4 => out.write_str(zmij::Buffer::new().format(take!(bytes, f32))),
        Type::Float8 => out.write_str(zmij::Buffer::new().format(take!(bytes, f64))),
        Type::Numeric => return numeric(out, bytes),
        Type::Text { .. } | Type::Json | Type::Other => {
            out.write_str(std::str::from_utf8(bytes).map_err(|_| TORN)?)
        }
        Type::Jsonb => {
            let text = bytes.strip_prefix(&[1]).ok_or(TORN)?;
            out.write_str(std::str::from_utf8(text).map_err(|_| TORN)?)
        }
        Type::Bytea => bytes.iter().try_for_each(|byte| write!(out, "{byte:02x}")),
        Type::Date => match take!(bytes, i32) {
            i32::MAX => out.write_str("infinity"),
            i32::MIN => out.write_str("-infinity"),
            days => show_date(out, days.into()),
        },
        Type::Time => show_time(out, take!(bytes, i64)),
        Type::TimeTz => {
            show_time(out, take!(bytes, i64)).and_then(|()| offset(out, -take_i32(bytes)?))
        }
        Type::Timestamp | Type::TimestampTz => match take!(bytes, i64) {
            i64::MAX => out.write_str("infinity"),
            i64::MIN => out.write_str("-infinity"),
            micros => show_date(out, micros.div_euclid(DAY))
                .and_then(|()| out.write_char('T'))
                .and_then(|()| show_time(out, micros.rem_euclid(DAY)))
                .and_then(|()| {
                    out.write_str(if matches!(kind, Type::TimestampTz) { "Z" } else { "" })
                }),
        },
        Type::Interval => {
            let micros = take!(bytes, i64);
            let days = take!(bytes, i32);
            interval(out, take!(bytes, i32), days, micros)
        }
        Type::Uuid => {
            let digits: &[u8; 16] = bytes.try_into().map_err(|_| TORN)?;
            digits.iter().enumerate().try_for_each(|(index, byte)| {
                let dash = if matches!(index, 4 | 6 | 8 | 10) { "-" } else { "" };
                write!(out, "{dash}{byte:02x}")
            })
        }
        Type::Inet { .. } => return inet(out, bytes),
        Type::Array { .. } => return Err("an array has no text form here: read it as a `Vec`"),
    };
    written.map_err(|_: fmt::Error| TORN)
}

fn take_i32(bytes: &[u8]) -> Result<i32, fmt::Error> {
    bytes.first_chunk().map(|chunk| i32::from_be_bytes(*chunk)).ok_or(fmt::Error)
}

fn offset(out: &mut String, east: i32) -> fmt::Result {
    let sign = if east < 0 { '-' } else { '+' };
    let east = east.unsigned_abs();
    write!(out, "{sign}{:02}:{:02}", east / 3600, east / 60 % 60)?;
    if east.is_multiple_of(60) { Ok(()) } else { write!(out, ":{:02}", east % 60) }
}

fn interval(out: &mut String, months: i32, days: i32, micros: i64) -> fmt::Result {
    out.write_char('P')?;
    let mut part = |number: i64, unit: char| match number {
        0 => Ok(()),
        number => write!(out, "{number}{unit}"),
    };
    part(i64::from(months / 12), 'Y')?;
    part(i64::from(months % 12), 'M')?;
    part(days.into(), 'D')?;
    if micros != 0 {
        out.write_char('T')?;
        let seconds = micros / SECOND;
        let mut part = |number: i64, unit: char| match number {
            0 => Ok(()),
            number => write!(out, "{number}{unit}"),
        };
        part(seconds / 3600, 'H')?;
        part(seconds / 60 % 60, 'M')?;
        if micros % 60_000_000 != 0 {
            let sign = if micros < 0 { "-" } else { "" };
            write!(out, "{sign}{}", (seconds % 60).abs())?;
            show_fraction(out, micros % SECOND)?;
            out.write_char('S')?;
        }
    }
    if out.ends_with('P') { out.write_str("T0S") } else { Ok(()) }
}

fn numeric(out: &mut String, mut bytes: &[u8]) -> Result<(), &'static str> {
    let groups = take!(bytes, u16);
    let weight = take!(bytes, i16);
    let sign = take!(bytes, u16);
    let scale = usize::from(take!(bytes, u16));
    let special = match sign {
        0xC000 => Some("NaN"),
        0xD000 => Some("Infinity"),
        0xF000 => Some("-Infinity"),
        _ => None,
    };
    if let Some(special) = special {
        out.push_str(special);
        return Ok(());
    }
    if sign == 0x4000 {
        out.push('-');
    }
    let mut digits = Vec::with_capacity(usize::from(groups));
    for _ in 0..groups {
        digits.push(take!(bytes, u16));
    }
    let group = |index: i32| {
        // How far the group is from the first one.
        let at = usize::try_from(i32::from(weight) - index).ok();
        at.and_then(|at| digits.get(at)).copied().unwrap_or(0)
    };
    let mut text = String::new();
    for index in (0..=i32::from(weight).max(0)).rev() {
        write!(text, "{:04}", group(index)).map_err(|_| TORN)?;
    }
    let whole = text.trim_start_matches('0');
    out.push_str(if whole.is_empty() { "0" } else { whole });
    if scale > 0 {
        text.clear();
        for index in 1..=scale.div_ceil(4) as i32 {
            write!(text, "{:04}", group(-index)).map_err(|_| TORN)?;
        }
        out.push('.');
        out.push_str(&text[..scale]);
    }
    Ok(())
}

fn inet(out: &mut String, mut bytes: &[u8]) -> Result<(), &'static str> {
    let (_family, bits, cidr) = (take!(bytes, u8), take!(bytes, u8), take!(bytes, u8));
    let len = take!(bytes, u8);
    let address: std::net::IpAddr = match len {
        4 => <[u8; 4]>::try_from(bytes).map_err(|_| TORN)?.into(),
        16 => <[u8; 16]>::try_from(bytes).map_err(|_| TORN)?.into(),
        _ => return Err(TORN),
    };
    let full = bits == len * 8 && cidr == 0;
    let written = if full { write!(out, "{address}") } else { write!(out, "{address}/{bits}") };
    written.map_err(|_| TORN)
}
