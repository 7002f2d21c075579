//! A row of values as a record that `serde` knows.

use crate::plan::{Column, Kind};
use crate::value::{Known, Maker, Value};
use engine::{Error, Result};
use serde::ser::{Serialize, SerializeMap, SerializeTuple, Serializer};

/// The columns of a sink.
#[derive(Debug)]
pub(crate) struct Layout {
    /// Names, and whether what they have are truth values.
    columns: Vec<(String, bool)>,
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
        let known = |column: &Column| (column.to.clone(), column.kind == Kind::Boolean);
        Layout { columns: columns.iter().map(known).collect(), is_named: true }
    }

    /// Whether rows of `width` values go into the columns just as they are.
    #[cfg(feature = "sqlite")]
    pub(super) fn takes_as_they_are(&self, width: usize) -> bool {
        width == self.columns.len() && !self.columns.iter().any(|(_, is_truth)| *is_truth)
    }

    #[cold]
    fn misfit(&self, got: usize) -> Error {
        let width = self.columns.len();
        Error::config(format!("the sink takes rows of {width} values and was given {got}"))
    }
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
        let cells = cells
            .map(|((name, is_truth), value)| (name, Cell { value, is_truth: *is_truth, maker }));
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
    is_truth: bool,
    maker: Maker,
}

impl Serialize for Cell<'_> {
    // By itself the compiler makes calls of these few steps, which take longer than the steps.
    #[inline(always)]
    fn serialize<S: Serializer>(&self, serializer: S) -> std::result::Result<S::Ok, S::Error> {
        match self.is_truth {
            false => self.value.serialize(self.maker, serializer),
            true => self.truth(serializer),
        }
    }
}

impl Cell<'_> {
    /// C has no truth values of its own: 0 and 1 are numbers there.
    #[inline(never)]
    fn truth<S: Serializer>(&self, serializer: S) -> std::result::Result<S::Ok, S::Error> {
        use serde::ser::Error;
        match self.value.content() {
            Some(Known::Integer(0)) => serializer.serialize_bool(false),
            Some(Known::Integer(1)) => serializer.serialize_bool(true),
            Some(Known::Integer(number)) => {
                Err(Error::custom(format_args!("{number} is no boolean (0 or 1)")))
            }
            _ => self.value.serialize(self.maker, serializer),
        }
    }
}
