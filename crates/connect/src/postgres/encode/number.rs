//! `numeric` in binary: digits to the base 10,000.

use trommel::{Error, Result};

const POSITIVE: u16 = 0;
const NEGATIVE: u16 = 0x4000;
const NAN: u16 = 0xC000;
const INFINITY: u16 = 0xD000;
const MINUS_INFINITY: u16 = 0xF000;

/// Digits before and after the point that the type has room for.
const WHOLE: i64 = 131_072;
const FRACTION: i64 = 16_383;

/// Appends the number that a decimal text (`-12.5`, `1e-3`, `NaN`) stands for, without its length.
pub(crate) fn write(out: &mut Vec<u8>, text: &str) -> Result<()> {
    let trimmed = text.trim();
    let (sign, digits) = match trimmed.as_bytes().first() {
        Some(b'-') => (NEGATIVE, &trimmed[1..]),
        Some(b'+') => (POSITIVE, &trimmed[1..]),
        _ => (POSITIVE, trimmed),
    };
    let special = match digits {
        _ if digits.eq_ignore_ascii_case("nan") && sign == POSITIVE => Some(NAN),
        _ if is_infinity(digits) => Some(if sign == NEGATIVE { MINUS_INFINITY } else { INFINITY }),
        _ => None,
    };
    if let Some(special) = special {
        header(out, 0, 0, special, 0);
        return Ok(());
    }
    let (mantissa, exponent) = match digits.split_once(['e', 'E']) {
        Some((mantissa, exponent)) => (mantissa, exponent.parse::<i32>().map_err(|_| bad(text))?),
        None => (digits, 0),
    };
    let (whole, fraction) = mantissa.split_once('.').unwrap_or((mantissa, ""));
    let all = || whole.bytes().chain(fraction.bytes());
    if whole.len() + fraction.len() == 0 || !all().all(|digit| digit.is_ascii_digit()) {
        return Err(bad(text));
    }
    // Where the point is, counted in digits from the first one; leading zeros don't count.
    let leading = all().take_while(|digit| *digit == b'0').count();
    let count = whole.len() + fraction.len() - leading;
    let trailing =
        if count == 0 { 0 } else { all().rev().take_while(|digit| *digit == b'0').count() };
    let point = whole.len() as i64 - leading as i64 + i64::from(exponent);
    let scale = (fraction.len() as i64 - i64::from(exponent)).max(0);
    if (count > 0 && point > WHOLE) || scale > FRACTION {
        return Err(Error::row(format!("`{}` has too many digits for numeric", brief(text))));
    }
    if count == 0 {
        header(out, 0, 0, POSITIVE, scale as u16);
        return Ok(());
    }
    let significant = count - trailing;
    // Groups of four are counted from the point: the first group has the digits left of a multiple.
    let weight = (point - 1).div_euclid(4);
    let first = (point - 1).rem_euclid(4) as usize + 1;
    let groups = if significant <= first { 1 } else { 1 + (significant - first).div_ceil(4) };
    header(out, groups as u16, weight as i16, sign, scale as u16);
    let mut digits = all().skip(leading).take(significant);
    for group in 0..groups {
        let width = if group == 0 { first } else { 4 };
        let mut value = 0;
        for _ in 0..width {
            value = value * 10 + digits.next().map_or(0, |digit| u16::from(digit - b'0'));
        }
        out.extend_from_slice(&value.to_be_bytes());
    }
    Ok(())
}

fn is_infinity(text: &str) -> bool {
    text.eq_ignore_ascii_case("infinity") || text.eq_ignore_ascii_case("inf")
}

fn header(out: &mut Vec<u8>, groups: u16, weight: i16, sign: u16, scale: u16) {
    out.extend_from_slice(&groups.to_be_bytes());
    out.extend_from_slice(&weight.to_be_bytes());
    out.extend_from_slice(&sign.to_be_bytes());
    out.extend_from_slice(&scale.to_be_bytes());
}

fn bad(text: &str) -> Error {
    Error::row(format!("`{}` is not a number", brief(text)))
}

/// The beginning of a value, for messages.
pub(super) fn brief(text: &str) -> String {
    let start: String = text.chars().take(40).collect();
    let more = if start.len() < text.len() { "…" } else { "" };
    format!("{}{more}", start.escape_debug())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn groups(text: &str) -> (i16, u16, u16, Vec<u16>) {
        let mut out = Vec::new();
        write(&mut out, text).unwrap();
        let words: Vec<u16> =
            out.chunks(2).map(|pair| u16::from_be_bytes([pair[0], pair[1]])).collect();
        assert_eq!(usize::from(words[0]), words.len() - 4, "{text}");
        (words[1].cast_signed(), words[2], words[3], words[4..].to_vec())
    }

    #[test]
    fn groups_digits_by_four_from_the_point() {
        assert_eq!(groups("0"), (0, POSITIVE, 0, vec![]));
        assert_eq!(groups("-0.000"), (0, POSITIVE, 3, vec![]));
        assert_eq!(groups("1"), (0, POSITIVE, 0, vec![1]));
        assert_eq!(groups("-12345.678"), (1, NEGATIVE, 3, vec![1, 2345, 6780]));
        assert_eq!(groups("10000"), (1, POSITIVE, 0, vec![1]));
        assert_eq!(groups("0.0001"), (-1, POSITIVE, 4, vec![1]));
        assert_eq!(groups("0.00012"), (-1, POSITIVE, 5, vec![1, 2000]));
        assert_eq!(groups("1.50e3"), (0, POSITIVE, 0, vec![1500]));
        assert_eq!(groups("15e-1"), (0, POSITIVE, 1, vec![1, 5000]));
        assert_eq!(groups("  007.10 "), (0, POSITIVE, 2, vec![7, 1000]));
        assert_eq!(groups("nan"), (0, NAN, 0, vec![]));
        assert_eq!(groups("-Infinity"), (0, MINUS_INFINITY, 0, vec![]));
    }

    #[test]
    fn refuses_what_is_no_number() {
        for text in ["", "-", ".", "1.2.3", "1e", "e1", "0x1", "1 2", "1e99999999999", "-nan", "١"]
        {
            assert!(write(&mut Vec::new(), text).is_err(), "{text}");
        }
        assert!(write(&mut Vec::new(), "1e200000").is_err());
        assert!(write(&mut Vec::new(), "1e-20000").is_err());
    }
}
