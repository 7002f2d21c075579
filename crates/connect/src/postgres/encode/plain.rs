//! Rows of plain values, encoded once their table exists.

use crate::table::{Columns, Rows, Value};
use serde::ser::{SerializeMap as _, SerializeTuple as _};
use serde::{Serialize, Serializer};

/// One row of a run, as a record.
#[derive(Debug)]
pub(in crate::postgres) struct PlainRow<'a>(
    pub(in crate::postgres) Rows<'a>,
    pub(in crate::postgres) usize,
);

impl Serialize for PlainRow<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let PlainRow(rows, row) = self;
        match rows.columns() {
            Columns::Named(names) => {
                let mut map = serializer.serialize_map(Some(names.len()))?;
                for (name, value) in names.iter().zip(rows.row(*row)) {
                    map.serialize_entry(name, &Plain(value))?;
                }
                map.end()
            }
            Columns::Numbered(count) => {
                let mut tuple = serializer.serialize_tuple(*count)?;
                for value in rows.row(*row) {
                    tuple.serialize_element(&Plain(value))?;
                }
                tuple.end()
            }
        }
    }
}

struct Plain<'a>(Value<'a>);

impl Serialize for Plain<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self.0 {
            Value::Null => serializer.serialize_none(),
            Value::Int(number) => serializer.serialize_i64(number),
            Value::Float(number) => serializer.serialize_f64(number),
            Value::Text(text) => serializer.serialize_str(text),
            Value::Blob(bytes) => serializer.serialize_bytes(bytes),
        }
    }
}
