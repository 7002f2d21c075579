//! A row of values as a record that `serde` knows.

use crate::plan::{Column, Kind};
use crate::value::{Known, Value};
use engine::{Error, Result};
use serde::ser::{Serialize, SerializeMap, SerializeTuple, Serializer};

/// The columns of a sink.
#[derive(Debug)]
pub(crate) struct Layout {
    columns: Vec<(String, Kind)>,
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
        let columns = columns.iter().map(|column| (column.to.clone(), column.kind)).collect();
        Layout { columns, is_named: true }
    }
}

/// A row on its way into a page.
pub(super) struct Record<'a> {
    layout: &'a Layout,
    values: &'a [Value],
}

impl<'a> Record<'a> {
    #[inline]
    pub(super) fn new(layout: &'a Layout, values: &'a [Value]) -> Result<Self> {
        let width = layout.columns.len();
        if values.len() == width {
            return Ok(Record { layout, values });
        }
        let got = values.len();
        Err(Error::config(format!("the sink takes rows of {width} values and was given {got}")))
    }
}

impl Serialize for Record<'_> {
    #[inline]
    fn serialize<S: Serializer>(&self, serializer: S) -> std::result::Result<S::Ok, S::Error> {
        let Record { layout, values } = self;
        let cells = layout.columns.iter().zip(*values);
        let cells = cells.map(|((name, kind), value)| (name, Cell { value, kind: *kind }));
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

/// A value of a column of this kind.
struct Cell<'a> {
    value: &'a Value,
    kind: Kind,
}

impl Serialize for Cell<'_> {
    #[inline]
    fn serialize<S: Serializer>(&self, serializer: S) -> std::result::Result<S::Ok, S::Error> {
        // C has no truth values of its own.
        if self.kind == Kind::Boolean
            && let Some(Known::Integer(number)) = self.value.content()
        {
            return match number {
                0 => serializer.serialize_bool(false),
                1 => serializer.serialize_bool(true),
                _ => {
                    Err(serde::ser::Error::custom(format_args!("{number} is no boolean (0 or 1)")))
                }
            };
        }
        self.value.serialize(serializer)
    }
}
