//! From a place in a column to a value.

use super::cells::Cells;
use super::merge::per_second;
use super::types::{Date, Decimal, Timestamp};
use arrow_array::Array;
use trommel::{Error, ErrorKind, Result};

/// One value of a row, as [`FromCell`] sees it.
#[derive(Debug, Clone, Copy)]
pub struct Cell<'a> {
    pub(super) cells: &'a Cells,
    pub(super) index: usize,
}

impl<'a> Cell<'a> {
    /// Whether there is no value.
    #[inline]
    pub fn is_null(&self) -> bool {
        self.cells.is_null(self.index)
    }

    /// The value that a dictionary's key stands for.
    pub(super) fn looked_up(self) -> Self {
        match self.cells {
            Cells::Dictionary(keys, _, values) => Cell { cells: values, index: keys[self.index] },
            _ => self,
        }
    }

    /// The error that this is not what was expected: of the column when its type is another, of the
    /// row when there is no value.
    #[cold]
    pub(super) fn is_not(&self, expected: &str) -> Error {
        if self.is_null() {
            return Error::row(format!(
                "null where {expected} is expected: read it as an `Option`"
            ));
        }
        let kind = self.cells.kind();
        Error::new(ErrorKind::Config, format!("the column is of type {kind}, not {expected}"))
    }

    /// A whole number of whatever size.
    #[inline(never)]
    fn integer(&self) -> Option<i128> {
        let Cell { cells, index } = self.looked_up();
        if cells.is_null(index) {
            return None;
        }
        Some(match cells {
            Cells::I8(array) => array.value(index).into(),
            Cells::I16(array) => array.value(index).into(),
            Cells::I32(array) => array.value(index).into(),
            Cells::I64(array) => array.value(index).into(),
            Cells::U8(array) => array.value(index).into(),
            Cells::U16(array) => array.value(index).into(),
            Cells::U32(array) => array.value(index).into(),
            Cells::U64(array) => array.value(index).into(),
            Cells::Date(array) => array.value(index).into(),
            Cells::Instant(array, _) | Cells::Ticks(array) => array.value(index).into(),
            Cells::Decimal(array, 0) => array.value(index),
            _ => return None,
        })
    }
}

/// A value that can be read from a column.
///
/// | Rust | column |
/// |---|---|
/// | integers | integers of any size, if the number fits; dates, times, timestamps, durations: the number in the column's unit; decimals of scale 0 |
/// | `f32`, `f64` | floats; integers that a float holds exactly |
/// | `bool` | booleans |
/// | `&str`, `String` | texts |
/// | `&[u8]`, `Vec<u8>` | bytes of any kind, texts |
/// | [`Date`] | dates |
/// | [`Timestamp`] | timestamps of any unit, if a whole number of microseconds |
/// | [`Decimal`] | decimals of up to 38 digits, integers |
/// | `Option<T>` | `None` for nulls |
pub trait FromCell<'a>: Sized {
    /// Reads the value.
    ///
    /// # Errors
    /// [`ErrorKind::Row`] when this value can't be read as one, [`ErrorKind::Config`] when the
    /// column can't. The caller adds the column's name.
    fn from_cell(cell: Cell<'a>) -> Result<Self>;

    /// Reads the value if there is one: what reading it as an `Option` does.
    ///
    /// # Errors
    /// As [`from_cell`](Self::from_cell), except for nulls.
    #[inline]
    fn from_cell_or_null(cell: Cell<'a>) -> Result<Option<Self>> {
        if cell.is_null() {
            return Ok(None);
        }
        Self::from_cell(cell).map(Some)
    }
}

impl<'a, T: FromCell<'a>> FromCell<'a> for Option<T> {
    #[inline(always)]
    fn from_cell(cell: Cell<'a>) -> Result<Self> {
        T::from_cell_or_null(cell)
    }
}

/// What reads a value of the very type of the column: one comparison, a look at the nulls if the
/// column has any, and an index.
macro_rules! at_once {
    ($variant:ident) => {
        at_once!($variant, |value| value);
    };
    ($variant:ident, |$value:ident| $made:expr) => {
        #[inline(always)]
        fn from_cell(cell: Cell<'a>) -> Result<Self> {
            if let Cells::$variant(array) = cell.cells
                && array.is_valid(cell.index)
            {
                let $value = array.value(cell.index);
                return Ok($made);
            }
            Self::converted(cell)
        }

        #[inline(always)]
        fn from_cell_or_null(cell: Cell<'a>) -> Result<Option<Self>> {
            match cell.cells {
                Cells::$variant(array) if array.is_valid(cell.index) => {
                    let $value = array.value(cell.index);
                    Ok(Some($made))
                }
                Cells::$variant(_) => Ok(None),
                _ if cell.is_null() => Ok(None),
                _ => Self::converted(cell).map(Some),
            }
        }
    };
}

/// From a column of another type, or from a null.
trait Converted<'a>: Sized {
    fn converted(cell: Cell<'a>) -> Result<Self>;
}

macro_rules! integers {
    (@ $variant:ident) => {
        at_once!($variant);
    };
    (@) => {
        fn from_cell(cell: Cell<'a>) -> Result<Self> {
            Self::converted(cell)
        }
    };
    ($($type:ty: $($variant:ident)?;)*) => {$(
        impl<'a> Converted<'a> for $type {
            fn converted(cell: Cell<'a>) -> Result<Self> {
                let number = cell.integer().ok_or_else(|| cell.is_not("a whole number"))?;
                number.try_into().map_err(|_| {
                    Error::row(format!(
                        "{number} is out of range for {}", stringify!($type)
                    ))
                })
            }
        }
        impl<'a> FromCell<'a> for $type {
            integers!(@ $($variant)?);
        }
    )*};
}
integers! {
    i8: I8; i16: I16; i32: I32; i64: I64; u8: U8; u16: U16; u32: U32; u64: U64;
    i128: ; u128: ; usize: ; isize: ;
}

impl<'a> FromCell<'a> for f64 {
    at_once!(F64);
}

impl<'a> Converted<'a> for f64 {
    fn converted(cell: Cell<'a>) -> Result<Self> {
        float(cell, 1 << 53)
    }
}

impl<'a> FromCell<'a> for f32 {
    at_once!(F32);
}

impl<'a> Converted<'a> for f32 {
    fn converted(cell: Cell<'a>) -> Result<Self> {
        // Nearest, as everywhere where a float is narrowed.
        float(cell, 1 << 24).map(|number| number as f32)
    }
}

/// A float of another size, or an integer of up to `most`, below which floats have all of them.
fn float(cell: Cell<'_>, most: i128) -> Result<f64> {
    let Cell { cells, index } = cell.looked_up();
    match cells {
        _ if cells.is_null(index) => Err(cell.is_not("a number")),
        Cells::F16(array) => Ok(array.value(index).to_f64()),
        Cells::F32(array) => Ok(array.value(index).into()),
        Cells::F64(array) => Ok(array.value(index)),
        Cells::Date(_) | Cells::Instant(..) | Cells::Ticks(_) => Err(cell.is_not("a number")),
        _ => match cell.integer() {
            Some(number) if (-most..=most).contains(&number) => Ok(number as f64),
            Some(number) => Err(Error::row(format!(
                "a float does not hold {number} exactly: read it as an integer"
            ))),
            None => Err(cell.is_not("a number")),
        },
    }
}

impl<'a> FromCell<'a> for bool {
    at_once!(Bool);
}

impl<'a> Converted<'a> for bool {
    fn converted(cell: Cell<'a>) -> Result<Self> {
        let Cell { cells, index } = cell.looked_up();
        match cells {
            Cells::Bool(array) if array.is_valid(index) => Ok(array.value(index)),
            _ => Err(cell.is_not("a boolean")),
        }
    }
}

impl<'a> FromCell<'a> for &'a str {
    at_once!(Text);
}

impl<'a> Converted<'a> for &'a str {
    fn converted(cell: Cell<'a>) -> Result<Self> {
        let Cell { cells, index } = cell.looked_up();
        match cells {
            _ if cells.is_null(index) => Err(cell.is_not("a text")),
            Cells::Text(array) => Ok(array.value(index)),
            Cells::LargeText(array) => Ok(array.value(index)),
            Cells::TextView(array) => Ok(array.value(index)),
            _ => Err(cell.is_not("a text")),
        }
    }
}

impl<'a> FromCell<'a> for &'a [u8] {
    #[inline]
    fn from_cell(cell: Cell<'a>) -> Result<Self> {
        let Cell { cells, index } = cell.looked_up();
        match cells {
            _ if cells.is_null(index) => Err(cell.is_not("a byte string")),
            Cells::Bytes(array) => Ok(array.value(index)),
            Cells::LargeBytes(array) => Ok(array.value(index)),
            Cells::BytesView(array) => Ok(array.value(index)),
            Cells::Fixed(array) => Ok(array.value(index)),
            Cells::Text(array) => Ok(array.value(index).as_bytes()),
            Cells::LargeText(array) => Ok(array.value(index).as_bytes()),
            Cells::TextView(array) => Ok(array.value(index).as_bytes()),
            _ => Err(cell.is_not("a byte string")),
        }
    }
}

macro_rules! owned {
    ($($type:ty: $borrowed:ty),*) => {$(
        impl<'a> FromCell<'a> for $type {
            fn from_cell(cell: Cell<'a>) -> Result<Self> {
                <$borrowed>::from_cell(cell).map(Into::into)
            }
        }
    )*};
}
owned!(String: &'a str, Box<str>: &'a str, Vec<u8>: &'a [u8]);

impl<'a> FromCell<'a> for Date {
    at_once!(Date, |days| Date(days));
}

impl<'a> Converted<'a> for Date {
    fn converted(cell: Cell<'a>) -> Result<Self> {
        Err(cell.is_not("a date"))
    }
}

impl<'a> FromCell<'a> for Timestamp {
    fn from_cell(cell: Cell<'a>) -> Result<Self> {
        let Cells::Instant(array, unit) = cell.cells else {
            return Err(cell.is_not("a timestamp"));
        };
        if array.is_null(cell.index) {
            return Err(cell.is_not("a timestamp"));
        }
        let ticks = array.value(cell.index);
        let micros = i128::from(ticks) * 1_000_000;
        let per_second = i128::from(per_second(*unit));
        match (micros % per_second, i64::try_from(micros / per_second)) {
            (0, Ok(micros)) => Ok(Timestamp(micros)),
            _ => Err(Error::row(format!(
                "the timestamp {ticks} ({}) is not a whole number of microseconds in range: read \
                 it as an i64",
                cell.cells.kind()
            ))),
        }
    }
}

impl<'a> FromCell<'a> for Decimal {
    fn from_cell(cell: Cell<'a>) -> Result<Self> {
        if let Cells::Decimal(array, scale) = cell.cells
            && array.is_valid(cell.index)
        {
            return Ok(Decimal { value: array.value(cell.index), scale: *scale });
        }
        match cell.integer() {
            Some(value) => Ok(Decimal { value, scale: 0 }),
            None => Err(cell.is_not("a decimal number")),
        }
    }
}
