//! From the bytes of a field to a value.

use super::cell::Cell;
use super::number;
use super::shape::Nulls;
use trommel::Result;

/// A value that can be read from one field.
///
/// Numbers are read as Rust writes them, without blanks around (see
/// [`Builder::trim`](super::Builder::trim)); `bool` is `true`, `false` (in small letters, capitals or
/// with a capital), `1` or `0`.
pub trait FromField<'a>: Sized {
    /// Reads the value.
    ///
    /// # Errors
    /// [`Error::row`](trommel::Error::row) when it can't; the column is added by the caller.
    fn from_field(cell: Cell<'a>) -> Result<Self>;
}

impl<'a, T: FromField<'a>> FromField<'a> for Option<T> {
    #[inline(always)]
    fn from_field(cell: Cell<'a>) -> Result<Self> {
        if cell.is_null() {
            return Ok(None);
        }
        T::from_field(cell).map(Some)
    }
}

impl<'a> FromField<'a> for &'a [u8] {
    #[inline(always)]
    fn from_field(cell: Cell<'a>) -> Result<Self> {
        Ok(cell.bytes())
    }
}

impl<'a> FromField<'a> for &'a str {
    #[inline(always)]
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
        match cell.bytes() {
            b"true" | b"True" | b"TRUE" | b"1" => Ok(true),
            b"false" | b"False" | b"FALSE" | b"0" => Ok(false),
            _ => Err(cell.is_not("a boolean (`true`, `false`, `1` or `0`)")),
        }
    }
}

macro_rules! whole_numbers {
    ($short:ident: $($type:ty),*) => {$(
        impl<'a> FromField<'a> for $type {
            #[inline(always)]
            fn from_field(cell: Cell<'a>) -> Result<Self> {
                #[inline(never)]
                fn other(text: &[u8], nulls: &Nulls) -> Result<$type> {
                    match number::long(text).and_then(|number| number.try_into().ok()) {
                        Some(number) => Ok(number),
                        None => Cell::of(text, nulls).parse("a whole number"),
                    }
                }
                let (eight, length) = cell.eight();
                match number::$short(eight, length).and_then(|number| number.try_into().ok()) {
                    Some(number) => Ok(number),
                    None => other(cell.bytes(), cell.nulls()),
                }
            }
        }
    )*};
}
whole_numbers!(unsigned: u8, u16, u32, u64, usize, u128);
whole_numbers!(signed: i8, i16, i32, i64, isize, i128);

macro_rules! floats {
    ($($type:ty: $decimal:ident, $exact:expr;)*) => {$(
        impl<'a> FromField<'a> for $type {
            #[inline(always)]
            fn from_field(cell: Cell<'a>) -> Result<Self> {
                #[inline(never)]
                fn other(text: &[u8], nulls: &Nulls) -> Result<$type> {
                    match number::$decimal(text) {
                        Some(number) => Ok(number),
                        None => Cell::of(text, nulls).parse("a number"),
                    }
                }
                let (eight, length) = cell.eight();
                // Many columns of floats hold whole numbers.
                match number::unsigned(eight, length) {
                    Some(number) if number <= $exact => Ok(number as $type),
                    _ => other(cell.bytes(), cell.nulls()),
                }
            }
        }
    )*};
}
// Up to these, all whole numbers are floats.
floats! {
    f32: float32, 1 << 24;
    f64: float64, u32::MAX;
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read<'a, T: FromField<'a>>(text: &'a str, nulls: &'a Nulls) -> Result<T> {
        T::from_field(Cell::new(text.as_bytes(), text, (0, text.len()), nulls))
    }

    /// The same with other text behind it, where whole words can be read.
    fn read_of_more<'a, T: FromField<'a>>(more: &'a str, to: usize, nulls: &'a Nulls) -> Result<T> {
        T::from_field(Cell::new(more.as_bytes(), "", (0, to), nulls))
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
            "-12345678",
            "123456789",
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
            let more = format!("{text},1234567");
            macro_rules! same {
                ($($type:ty),*) => {$(
                    assert_eq!(
                        read::<$type>(text, &nulls).ok().map(|it| it.to_string()),
                        text.parse::<$type>().ok().map(|it| it.to_string()),
                        "{text} as {}", stringify!($type)
                    );
                    assert_eq!(
                        format!("{:?}", read::<$type>(text, &nulls)),
                        format!("{:?}", read_of_more::<$type>(&more, text.len(), &nulls)),
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
