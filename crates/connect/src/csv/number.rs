//! Numbers from their digits, eight at a time.

/// Digits that always fit an `i64`.
const MOST_DIGITS: usize = 18;

/// The number whose digits are the lowest `length` bytes of a word, the first being the lowest; 1 to 8
/// of them. Anything else is `None`.
#[inline(always)]
pub(super) fn unsigned(word: u64, length: usize) -> Option<u32> {
    match length.wrapping_sub(1) {
        0..4 => four(word as u32, length),
        4..8 => eight(word, length),
        _ => None,
    }
}

/// The same behind a `-`, or without.
#[inline(always)]
pub(super) fn signed(word: u64, length: usize) -> Option<i32> {
    let is_negative = word as u8 == b'-';
    let sign = usize::from(is_negative);
    let number = unsigned(word >> (8 * sign), length.wrapping_sub(sign))? as i32;
    Some(if is_negative { -number } else { number })
}

/// Most numbers are short, and half a word takes less.
#[inline(always)]
fn four(word: u32, length: usize) -> Option<u32> {
    // To the upper end, with zeros in front, which are the lower bytes.
    let values = (word ^ 0x3030_3030) << (32 - 8 * length);
    if (values.wrapping_add(0x7676_7676) | values) & 0x8080_8080 != 0 {
        return None;
    }
    let pairs = values.wrapping_mul(10).wrapping_add(values >> 8);
    Some((pairs & 0xff) * 100 + (pairs >> 16 & 0xff))
}

#[inline(always)]
fn eight(word: u64, length: usize) -> Option<u32> {
    let values = (word ^ 0x3030_3030_3030_3030) << (64 - 8 * length);
    if (values.wrapping_add(0x7676_7676_7676_7676) | values) & 0x8080_8080_8080_8080 != 0 {
        return None;
    }
    // Pairs of digits, pairs of these, and the two halves.
    let pairs = values.wrapping_mul(10).wrapping_add(values >> 8);
    let even = (pairs & 0x0000_00ff_0000_00ff).wrapping_mul(100 + (1_000_000 << 32));
    let odd = (pairs >> 16 & 0x0000_00ff_0000_00ff).wrapping_mul(1 + (10_000 << 32));
    Some((even.wrapping_add(odd) >> 32) as u32)
}

/// An integer of up to 18 digits; anything else is `None`, and up to the slower parser of the
/// standard library, which also knows why not.
#[inline(never)]
pub(super) fn long(text: &[u8]) -> Option<i64> {
    let (is_negative, mut rest) = match text {
        [b'-', digits @ ..] => (true, digits),
        [b'+', digits @ ..] => (false, digits),
        digits => (false, digits),
    };
    if rest.is_empty() || rest.len() > MOST_DIGITS {
        return None;
    }
    let mut number = 0;
    while let Some((chunk, others)) = rest.split_first_chunk::<8>() {
        number = number * 100_000_000 + i64::from(eight(u64::from_le_bytes(*chunk), 8)?);
        rest = others;
    }
    for &byte in rest {
        number = number * 10 + i64::from(digit(byte)?);
    }
    match (is_negative, number) {
        (true, 0) => None,
        (true, _) => Some(-number),
        (false, _) => Some(number),
    }
}

#[inline(always)]
fn digit(byte: u8) -> Option<u8> {
    let digit = byte.wrapping_sub(b'0');
    (digit <= 9).then_some(digit)
}

/// A decimal fraction as its digits and how many of them are behind the point: `12.50` is 1250 and
/// 2. Only of up to 15 digits, which an `f64` holds, and without an exponent.
#[inline]
fn decimal(text: &[u8]) -> Option<(u64, usize)> {
    let (mut mantissa, mut point) = (0, None);
    for (index, &byte) in text.iter().enumerate() {
        match digit(byte) {
            Some(digit) => mantissa = mantissa * 10 + u64::from(digit),
            None if byte == b'.' && point.is_none() => point = Some(index),
            None => return None,
        }
        // Before it can overflow.
        if index > 15 {
            return None;
        }
    }
    let digits = text.len() - usize::from(point.is_some());
    let fraction = point.map_or(0, |point| text.len() - point - 1);
    (1..=15).contains(&digits).then_some((mantissa, fraction))
}

macro_rules! floats {
    ($($name:ident: $type:ty, $whole:literal, [$($power:literal),*];)*) => {$(
        /// A decimal fraction whose digits, and the power of ten that they are divided by, are both
        /// floats without rounding: then the one rounding of the division gives the nearest float
        /// (Clinger, 1990). Anything else is `None`.
        #[inline(never)]
        pub(super) fn $name(text: &[u8]) -> Option<$type> {
            const POWERS: &[$type] = &[$($power),*];
            let (is_negative, digits) = match text {
                [b'-', digits @ ..] => (true, digits),
                digits => (false, digits),
            };
            let (mantissa, fraction) = decimal(digits)?;
            let power = POWERS.get(fraction)?;
            if mantissa > $whole {
                return None;
            }
            let number = mantissa as $type / power;
            Some(if is_negative { -number } else { number })
        }
    )*};
}
floats! {
    float32: f32, 0x100_0000, [1e0, 1e1, 1e2, 1e3, 1e4, 1e5, 1e6, 1e7, 1e8, 1e9, 1e10];
    float64: f64, 0x20_0000_0000_0000,
        [1e0, 1e1, 1e2, 1e3, 1e4, 1e5, 1e6, 1e7, 1e8, 1e9, 1e10, 1e11, 1e12, 1e13, 1e14, 1e15];
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    /// As the standard library has it, as far as it is looked at here.
    fn is_as_std(text: &str) {
        let std = text.parse::<i64>().ok();
        let mut eight = [b'7'; 8];
        if text.len() <= 8 {
            // What is behind the text doesn't matter.
            eight[..text.len()].copy_from_slice(text.as_bytes());
            let word = u64::from_le_bytes(eight);
            let is_plain = std.is_some() && !text.starts_with('+');
            let number = signed(word, text.len()).map(i64::from);
            assert_eq!(number, std.filter(|_| is_plain), "{text}");
            let number = unsigned(word, text.len()).map(i64::from);
            assert_eq!(number, std.filter(|_| is_plain && !text.starts_with('-')), "{text}");
        }
        match long(text.as_bytes()) {
            Some(number) => assert_eq!(Some(number), std, "{text}"),
            None => assert!(std.is_none_or(|it| it == 0) || text.len() > 18, "{text}"),
        }
    }

    fn floats_are_as_std(text: &str) {
        if let Some(number) = float64(text.as_bytes()) {
            let std: f64 = text.parse().unwrap();
            assert_eq!(number.to_bits(), std.to_bits(), "{text}");
        }
        if let Some(number) = float32(text.as_bytes()) {
            let std: f32 = text.parse().unwrap();
            assert_eq!(number.to_bits(), std.to_bits(), "{text}");
        }
    }

    #[test]
    fn every_byte_in_every_place_is_a_digit_or_none() {
        for length in 1..=8 {
            for at in 0..length {
                for byte in 0..=0x7f {
                    let mut text = "1234567890"[..length].to_owned().into_bytes();
                    text[at] = byte;
                    is_as_std(std::str::from_utf8(&text).unwrap());
                }
            }
        }
        for byte in 0x80..=0xff_u8 {
            let word = u64::from_le_bytes([b'1', byte, 0, 0, 0, 0, 0, 0]);
            assert_eq!((unsigned(word, 2), eight(word, 2)), (None, None));
        }
    }

    #[test]
    fn short_decimals_are_taken_and_exact() {
        for (text, number) in [
            ("227.0", 227.0),
            ("-0.1", -0.1),
            ("-0", -0.0),
            (".5", 0.5),
            ("5.", 5.0),
            ("999999999999999", 999_999_999_999_999.0),
            ("0.00000000000001", 1e-14),
        ] {
            let read = float64(text.as_bytes()).map(f64::to_bits);
            assert_eq!(read, Some(f64::to_bits(number)), "{text}");
        }
        assert_eq!(float32(b"16777217"), None);
        for text in
            ["", "-", ".", "-.", "1.2.3", "1e3", "inf", "NaN", "+1", "1_0", "1234567890123456"]
        {
            assert_eq!(float64(text.as_bytes()), None, "{text}");
        }
    }

    proptest! {
        #[test]
        fn integers_are_those_of_the_standard_library(text in "[-+]?[0-9]{0,20}[ .x]?") {
            is_as_std(&text);
        }

        #[test]
        fn floats_are_those_of_the_standard_library(text in "-?[0-9]{0,17}(\\.[0-9]{0,16})?[e+ ]?") {
            floats_are_as_std(&text);
        }

        #[test]
        fn floats_of_any_value(number: f64, digits in 0_usize..16) {
            floats_are_as_std(&format!("{number:.digits$}"));
            floats_are_as_std(&format!("{:.digits$}", number % 1e6));
            floats_are_as_std(&(number as f32).to_string());
        }
    }
}
