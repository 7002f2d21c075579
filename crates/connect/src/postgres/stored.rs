//! What columns make of the values that they are given, in the binary form of `COPY`: the server
//! rounds numbers and times to the column's precision, and takes documents apart.

use super::encode::number;
use super::types::{Column, Type};
use serde_json::value::RawValue;
use std::borrow::Cow;
use std::collections::BTreeMap;

/// Levels of a document that are looked at; what is further down counts as one value.
const DEEPEST: usize = 256;

/// Whether the value that a column stores can be told from the one that it is given.
pub(super) fn is_known(column: &Column) -> bool {
    let (kind, declared) = (&column.kind, column.declared.as_str());
    match kind {
        Type::Other => false,
        // Those of a domain, which has a name of its own, are not known.
        Type::Numeric => declared == "numeric" || digits(declared, "numeric").is_some(),
        Type::Time | Type::TimeTz | Type::Timestamp | Type::TimestampTz => {
            let (name, zone) = named(kind);
            declared.strip_prefix(name).is_some_and(|rest| rest == zone) || {
                declared.ends_with(zone) && digits(declared, name).is_some()
            }
        }
        Type::Interval => declared == "interval",
        Type::Array { element, .. } => match &**element {
            // Arrays within arrays don't exist: this one's elements are of no known type.
            Type::Jsonb | Type::Other | Type::Array { .. } => false,
            // Elements are compared as they are: blanks would be filled up, a precision would round.
            Type::Text { max } => max.is_none(),
            _ => {
                !declared.contains('(') && {
                    let declared = declared.trim_end_matches("[]").to_owned();
                    is_known(&Column { name: String::new(), kind: (**element).clone(), declared })
                }
            }
        },
        _ => true,
    }
}

/// The value as the column stores it; columns of which [`is_known`] is false aside.
pub(super) fn stored<'v>(column: &Column, value: &'v [u8]) -> Cow<'v, [u8]> {
    match column.kind {
        // `char(n)` fills up with blanks, `varchar(n)` cuts off those that are too many.
        Type::Text { max: Some(_) } => value.trim_ascii_end().into(),
        Type::Numeric => match digits(&column.declared, "numeric") {
            Some(scale) => rounded(value, scale),
            None => value.into(),
        },
        Type::Time | Type::TimeTz | Type::Timestamp | Type::TimestampTz => {
            match digits(&column.declared, named(&column.kind).0) {
                Some(places) => rounded_time(value, places),
                None => value.into(),
            }
        }
        Type::Jsonb => document(value),
        _ => value.into(),
    }
}

/// The words of a type of times, before and after its precision.
fn named(kind: &Type) -> (&'static str, &'static str) {
    match kind {
        Type::Time => ("time", " without time zone"),
        Type::TimeTz => ("time", " with time zone"),
        Type::TimestampTz => ("timestamp", " with time zone"),
        _ => ("timestamp", " without time zone"),
    }
}

/// Places behind the point that the type `name(…)` has: the last number in brackets.
fn digits(declared: &str, name: &str) -> Option<i32> {
    let (numbers, _) = declared.strip_prefix(name)?.strip_prefix('(')?.split_once(')')?;
    numbers.rsplit(',').next()?.parse().ok()
}

/// Microseconds, whatever follows left alone; halves are rounded away from zero.
fn rounded_time(value: &[u8], places: i32) -> Cow<'_, [u8]> {
    let Some((micros, rest)) = value.split_first_chunk() else { return value.into() };
    let micros = i64::from_be_bytes(*micros);
    let unit = 10_u64.pow(6 - places.clamp(0, 6) as u32);
    if matches!(micros, i64::MIN | i64::MAX) {
        // The infinities.
        return value.into();
    }
    let size = (micros.unsigned_abs() + unit / 2) / unit * unit;
    let rounded = if micros < 0 { 0_i64.wrapping_sub_unsigned(size) } else { size as i64 };
    [&rounded.to_be_bytes(), rest].concat().into()
}

/// A `numeric` with so many places behind the point; halves are rounded away from zero.
fn rounded(value: &[u8], scale: i32) -> Cow<'_, [u8]> {
    let words = value.as_chunks::<2>().0.iter().map(|word| u16::from_be_bytes(*word));
    let words: Vec<u16> = words.collect();
    let [_, weight, sign, _, groups @ ..] = &words[..] else { return value.into() };
    // Neither a positive nor a negative number: NaN or an infinity.
    if sign & 0x8000 != 0 {
        return value.into();
    }
    // A group more in front, for what is carried.
    let mut weight = i32::from(weight.cast_signed()) + 1;
    let mut groups: Vec<u32> =
        [0].into_iter().chain(groups.iter().map(|g| u32::from(*g))).collect();
    // Digits that stay.
    let stay = (weight + 1) * 4 + scale;
    match usize::try_from(stay) {
        Err(_) => groups.clear(),
        Ok(stay) if stay < groups.len() * 4 => {
            let (last, unit) = (stay / 4, 10_u32.pow(4 - (stay % 4) as u32));
            let is_up = groups[last] % unit >= unit / 2;
            groups[last] -= groups[last] % unit;
            groups.truncate(last + 1);
            let mut carry = if is_up { unit } else { 0 };
            for group in groups.iter_mut().rev() {
                *group += carry;
                carry = *group / 10_000;
                *group %= 10_000;
            }
        }
        Ok(_) => {}
    }
    while groups.last() == Some(&0) {
        groups.pop();
    }
    let zeros = groups.iter().take_while(|group| **group == 0).count();
    weight -= zeros as i32;
    let groups = &groups[zeros..];
    let (weight, sign) = if groups.is_empty() { (0, 0) } else { (weight, *sign) };
    let head = [groups.len() as u16, weight as u16, sign, scale.max(0) as u16];
    let words = head.into_iter().chain(groups.iter().map(|group| *group as u16));
    words.flat_map(u16::to_be_bytes).collect::<Vec<_>>().into()
}

/// A `jsonb` document: the order and the doubles of keys don't matter, nor blanks, nor how texts and
/// numbers are written.
fn document(value: &[u8]) -> Cow<'_, [u8]> {
    // The version of the form comes before the text.
    let text = value.get(1..).and_then(|text| serde_json::from_slice::<&RawValue>(text).ok());
    let Some(text) = text else { return value.into() };
    let mut out = Vec::new();
    flatten(text.get(), 0, &mut out);
    out.into()
}

fn flatten(text: &str, depth: usize, out: &mut Vec<u8>) {
    let text = text.trim();
    let kind = text.as_bytes().first().copied().unwrap_or_default();
    out.push(kind);
    let end = |out: &mut Vec<u8>, from: usize| {
        let len = (out.len() - from) as u64;
        out.extend_from_slice(&len.to_le_bytes());
    };
    let from = out.len();
    match kind {
        b'{' | b'[' if depth == DEEPEST => {}
        b'{' => {
            // Of several values of a key the last one is kept.
            let members: BTreeMap<Cow<'_, str>, &RawValue> =
                serde_json::from_str(text).unwrap_or_default();
            for (key, value) in members {
                let from = out.len();
                out.extend_from_slice(key.as_bytes());
                end(out, from);
                flatten(value.get(), depth + 1, out);
            }
        }
        b'[' => {
            let items: Vec<&RawValue> = serde_json::from_str(text).unwrap_or_default();
            items.into_iter().for_each(|item| flatten(item.get(), depth + 1, out));
        }
        b'"' => {
            let text: Cow<'_, str> = serde_json::from_str(text).unwrap_or_default();
            out.extend_from_slice(text.as_bytes());
        }
        b'-' | b'0'..=b'9' => {
            // A negative number begins as any other one.
            out.truncate(from - 1);
            out.push(b'0');
            _ = number::write(out, text);
        }
        _ => {}
    }
    end(out, from);
}

#[cfg(test)]
mod tests {
    use super::*;

    fn binary(text: &str) -> Vec<u8> {
        let mut out = Vec::new();
        number::write(&mut out, text).unwrap();
        out
    }

    #[test]
    fn numbers_are_rounded_as_the_server_does() {
        for (given, scale, kept) in [
            ("12.345", 2, "12.35"),
            ("12.344", 2, "12.34"),
            ("-12.345", 2, "-12.35"),
            ("12", 2, "12.00"),
            ("0.004", 2, "0.00"),
            ("-0.004", 2, "0.00"),
            ("0.005", 2, "0.01"),
            ("9999.995", 2, "10000.00"),
            ("99999999.5", 0, "100000000"),
            ("0.00004", 4, "0.0000"),
            ("0.00005", 4, "0.0001"),
            ("123456789.123456789", 8, "123456789.12345679"),
            ("1.5", 0, "2"),
            ("NaN", 2, "NaN"),
            ("-Infinity", 2, "-Infinity"),
        ] {
            assert_eq!(rounded(&binary(given), scale), binary(kept), "{given} at {scale}");
            assert_eq!(rounded(&binary(kept), scale), binary(kept), "{kept} at {scale}");
        }
        assert_eq!(rounded(&binary("1250"), -2), binary("1300"));
        assert_eq!(rounded(&binary("49"), -2), binary("0"));
        assert_eq!(rounded(&binary("50"), -2), binary("100"));
    }

    #[test]
    fn times_are_rounded_and_infinities_are_not() {
        let at = |micros: i64, places| {
            let value = micros.to_be_bytes();
            let rounded = rounded_time(&value, places).into_owned();
            i64::from_be_bytes(rounded.try_into().unwrap())
        };
        assert_eq!(at(1_499_999, 0), 1_000_000);
        assert_eq!(at(1_500_000, 0), 2_000_000);
        assert_eq!(at(-1_500_000, 0), -2_000_000);
        assert_eq!(at(1_234_565, 5), 1_234_570);
        assert_eq!(at(1_234_567, 6), 1_234_567);
        assert_eq!(at(i64::MAX, 0), i64::MAX);
        assert_eq!(at(i64::MIN, 3), i64::MIN);
    }

    #[test]
    fn documents_are_the_same_however_they_are_written() {
        let same = |one: &str, other: &str| {
            let form = |text: &str| document(format!("\u{1}{text}").as_bytes()).into_owned();
            form(one) == form(other)
        };
        for (one, other) in [
            (r#"{"a": 1, "b": [true, null]}"#, r#"{"b":[true,null],"a":1}"#),
            (r#"{"a": 1, "a": 2}"#, r#"{"a":2}"#),
            (r#""\u00e4\/""#, "\"ä/\""),
            ("1e2", "100"),
            ("-0", "0"),
            ("1.50e1", "15.0"),
            (" [ ] ", "[]"),
        ] {
            assert!(same(one, other), "{one} and {other}");
        }
        for (one, other) in [
            ("1.0", "1"),
            ("1", "-1"),
            ("[1, 2]", "[2, 1]"),
            ("[[1], 2]", "[[1, 2]]"),
            (r#"{"a": 1}"#, r#"{"a": "1"}"#),
            (r#"{"ab": "c"}"#, r#"{"a": "bc"}"#),
            ("123456789012345678901", "123456789012345678902"),
            ("null", "false"),
            ("[]", "{}"),
        ] {
            assert!(!same(one, other), "{one} and {other}");
        }
        let deep = "[".repeat(100_000) + &"]".repeat(100_000);
        assert!(same(&deep, &deep));
    }

    #[test]
    fn declared_types_tell_what_is_kept() {
        let is_known = |kind: Type, declared: &str| {
            is_known(&Column { name: "c".into(), kind, declared: declared.into() })
        };
        let array = |element| Type::Array { element: Box::new(element), oid: 1 };
        for (kind, declared, expected) in [
            (Type::Numeric, "numeric", true),
            (Type::Numeric, "numeric(8,2)", true),
            (Type::Numeric, "price", false),
            (Type::Timestamp, "timestamp without time zone", true),
            (Type::Timestamp, "timestamp(3) without time zone", true),
            (Type::TimestampTz, "timestamp(0) with time zone", true),
            (Type::TimeTz, "time with time zone", true),
            (Type::Time, "lunch", false),
            (Type::Interval, "interval", true),
            (Type::Interval, "interval(2)", false),
            (Type::Jsonb, "jsonb", true),
            (Type::Other, "point", false),
            (array(Type::Numeric), "numeric[]", true),
            (array(Type::Numeric), "numeric(8,2)[]", false),
            (array(Type::Timestamp), "timestamp without time zone[]", true),
            (array(Type::Jsonb), "jsonb[]", false),
            (array(Type::Int4), "integer[]", true),
            (array(Type::Text { max: None }), "text[]", true),
            (array(Type::Text { max: Some(3) }), "character(3)[]", false),
        ] {
            assert_eq!(is_known(kind, declared), expected, "{declared}");
        }
    }
}
