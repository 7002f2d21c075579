//! A row of values as a record that `serde` knows.

#[cfg(any(feature = "arrow", feature = "parquet"))]
use super::calendar::{Day, Instant};
use crate::plan::{Column, Kind};
use crate::value::{Known, Maker, Value};
use engine::{Error, Result};
use serde::ser::{Serialize, SerializeMap, SerializeTuple, Serializer};
#[cfg(any(feature = "arrow", feature = "parquet"))]
use trommel_connect::arrow::{Date, Timestamp};

/// The columns of a sink.
#[derive(Debug)]
pub(crate) struct Layout {
    columns: Vec<(String, Stored)>,
    /// Whether records name their fields, or have them in the order of the columns.
    is_named: bool,
}

impl Layout {
    /// Records whose fields go by their place.
    pub(super) fn by_place(columns: &[Column]) -> Self {
        Layout { is_named: false, ..Self::by_name(columns) }
    }

    /// Records whose fields go by their name.
    pub(super) fn by_name(columns: &[Column]) -> Self {
        let stored = |column: &Column| match column.kind {
            Kind::Boolean => Stored::Boolean,
            _ => Stored::AsItIs,
        };
        let columns = columns.iter().map(|column| (column.to.clone(), stored(column))).collect();
        Layout { columns, is_named: true }
    }

    /// Says what becomes of the values of a column.
    #[cfg(any(feature = "arrow", feature = "parquet"))]
    pub(super) fn store(&mut self, index: usize, stored: Stored) {
        self.columns[index].1 = stored;
    }

    #[cold]
    fn misfit(&self, got: usize) -> Error {
        let width = self.columns.len();
        Error::config(format!("the sink takes rows of {width} values and was given {got}"))
    }
}

/// What becomes of the values of a column.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Stored {
    AsItIs,
    /// C has no truth values of its own: 0 and 1 are numbers there.
    Boolean,
    /// A text becomes a day, a number is that of days since 1970.
    #[cfg(any(feature = "arrow", feature = "parquet"))]
    Day,
    /// A text becomes an instant, a number is that of microseconds since 1970.
    #[cfg(any(feature = "arrow", feature = "parquet"))]
    Instant(super::calendar::Zone),
}

/// A row on its way into a page.
pub(super) struct Record<'a> {
    layout: &'a Layout,
    values: &'a [Value],
    maker: Maker,
}

impl<'a> Record<'a> {
    #[inline]
    pub(super) fn new(layout: &'a Layout, values: &'a [Value], maker: Maker) -> Result<Self> {
        match values.len() == layout.columns.len() {
            true => Ok(Record { layout, values, maker }),
            false => Err(layout.misfit(values.len())),
        }
    }
}

impl Serialize for Record<'_> {
    #[inline]
    fn serialize<S: Serializer>(&self, serializer: S) -> std::result::Result<S::Ok, S::Error> {
        let Record { layout, values, maker } = *self;
        let cells = layout.columns.iter().zip(values);
        let cells =
            cells.map(|((name, stored), value)| (name, Cell { value, stored: *stored, maker }));
        if layout.is_named {
            let mut map = serializer.serialize_map(Some(values.len()))?;
            for (name, cell) in cells {
                map.serialize_entry(name, &cell)?;
            }
            return map.end();
        }
        let mut tuple = serializer.serialize_tuple(values.len())?;
        for (_, cell) in cells {
            tuple.serialize_element(&cell)?;
        }
        tuple.end()
    }
}

/// A value of a column.
struct Cell<'a> {
    value: &'a Value,
    stored: Stored,
    maker: Maker,
}

impl Serialize for Cell<'_> {
    // By itself the compiler makes calls of these few steps, which take longer than the steps.
    #[inline(always)]
    fn serialize<S: Serializer>(&self, serializer: S) -> std::result::Result<S::Ok, S::Error> {
        match self.stored {
            Stored::AsItIs => self.value.serialize(self.maker, serializer),
            _ => self.convert(serializer),
        }
    }
}

impl Cell<'_> {
    #[inline(never)]
    fn convert<S: Serializer>(&self, serializer: S) -> std::result::Result<S::Ok, S::Error> {
        use serde::ser::Error;
        match (self.stored, self.value.content()) {
            (Stored::Boolean, Some(Known::Integer(number))) => match number {
                0 => serializer.serialize_bool(false),
                1 => serializer.serialize_bool(true),
                _ => Err(Error::custom(format_args!("{number} is no boolean (0 or 1)"))),
            },
            #[cfg(any(feature = "arrow", feature = "parquet"))]
            (Stored::Day, Some(Known::Integer(days))) => day(days, serializer),
            #[cfg(any(feature = "arrow", feature = "parquet"))]
            (Stored::Day, Some(Known::Text(text))) => match Day::parse(text) {
                Some(Day(days)) => day(days, serializer),
                None => Err(Error::custom(format_args!(
                    "`{}` is not a date, as 2026-11-22",
                    String::from_utf8_lossy(text)
                ))),
            },
            #[cfg(any(feature = "arrow", feature = "parquet"))]
            (Stored::Instant(_), Some(Known::Integer(micros))) => {
                Timestamp(micros).serialize(serializer)
            }
            #[cfg(any(feature = "arrow", feature = "parquet"))]
            (Stored::Instant(zone), Some(Known::Text(text))) => match Instant::parse(text, zone) {
                Some(Instant(micros)) => Timestamp(micros).serialize(serializer),
                None => Err(Error::custom(format_args!(
                    "`{}` is not {}",
                    String::from_utf8_lossy(text),
                    zone.expected()
                ))),
            },
            _ => self.value.serialize(self.maker, serializer),
        }
    }
}

#[cfg(any(feature = "arrow", feature = "parquet"))]
fn day<S: Serializer>(days: i64, serializer: S) -> std::result::Result<S::Ok, S::Error> {
    match i32::try_from(days) {
        Ok(days) => Date(days).serialize(serializer),
        Err(error) => Err(serde::ser::Error::custom(format_args!("{days} days: {error}"))),
    }
}
