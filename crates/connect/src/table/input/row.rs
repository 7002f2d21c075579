//! One row, borrowed from its batch.

use super::batch::{Batch, Shape};
use super::field::FromValue;
use crate::decode;
use crate::table::Value;
use crate::table::page::Cell;
use serde::ser::{Serialize, SerializeMap, Serializer};
use std::fmt;
use trommel::{Error, ErrorKind, Result};

/// A column of a source, found once by name: the cheapest way to say which value of a row is meant.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Column(pub(super) usize);

impl Column {
    /// Index of the column, from 0.
    pub fn index(self) -> usize {
        self.0
    }
}

/// Says which value of a row: its name (`&str`), its index from 0 (`usize`), or a [`Column`].
pub trait Field: Copy {
    /// The index.
    ///
    /// # Errors
    /// [`ErrorKind::Config`] when there is no such column, or there are several of this name.
    fn index(self, row: &Row<'_>) -> Result<usize>;
}

impl Field for usize {
    #[inline]
    fn index(self, _: &Row<'_>) -> Result<usize> {
        Ok(self)
    }
}

impl Field for Column {
    #[inline]
    fn index(self, _: &Row<'_>) -> Result<usize> {
        Ok(self.0)
    }
}

impl Field for &str {
    #[inline]
    fn index(self, row: &Row<'_>) -> Result<usize> {
        row.batch.shape().column(self).map(Column::index)
    }
}

/// One row of a database: a view into its [`Batch`], cheap to copy.
#[derive(Clone, Copy)]
pub struct Row<'a> {
    batch: &'a Batch,
    index: usize,
}

impl<'a> Row<'a> {
    #[inline]
    pub(super) fn new(batch: &'a Batch, index: usize) -> Self {
        Row { batch, index }
    }

    /// A value: a number, `bool`, `String`, `&str`, `&[u8]`, a [`Value`], any type with
    /// [`FromValue`], or an `Option` of these, which is `None` for NULL.
    ///
    /// # Errors
    /// [`ErrorKind::Row`] when the value can't be read as `T`; [`ErrorKind::Config`] when there is
    /// no such column.
    #[inline]
    pub fn get<T: FromValue<'a>>(&self, field: impl Field) -> Result<T> {
        let index = field.index(self)?;
        self.value(index)
            .and_then(T::from_value)
            .map_err(|error| self.in_column(error, index).at(self.batch.origin(self.index)))
    }

    /// The value as text.
    ///
    /// # Errors
    /// As [`get`](Self::get).
    #[inline]
    pub fn str(&self, field: impl Field) -> Result<&'a str> {
        self.get(field)
    }

    /// Whether the value is NULL.
    ///
    /// # Errors
    /// [`ErrorKind::Config`] when there is no such column.
    #[inline]
    pub fn is_null(&self, field: impl Field) -> Result<bool> {
        let index = field.index(self)?;
        Ok(matches!(self.cell(index)?, Cell::Null))
    }

    /// The whole row as a value that `serde` can make: a struct whose fields are called like the
    /// columns, a map, or a tuple of the values in order. A `&str` may be borrowed.
    ///
    /// # Errors
    /// [`ErrorKind::Row`] when a value doesn't fit; [`ErrorKind::Config`] when a column that is
    /// needed is missing.
    pub fn decode<T: serde::Deserialize<'a>>(&self) -> Result<T> {
        decode::decode(*self).map_err(|error| error.at(self.batch.origin(self.index)))
    }

    /// Number of values.
    #[expect(clippy::len_without_is_empty, reason = "a query has at least one column")]
    pub fn len(&self) -> usize {
        self.batch.shape().names().len()
    }

    /// Names of the columns, in order.
    pub fn names(&self) -> impl ExactSizeIterator<Item = &'a str> + use<'a> {
        self.batch.shape().names()
    }

    /// Names the column that an error is about.
    #[cold]
    pub(super) fn in_column(&self, error: Error, index: usize) -> Error {
        match self.names().nth(index) {
            Some(name) => error.in_column(name),
            None => error.in_column(index.to_string()),
        }
    }

    pub(super) fn shape(&self) -> &'a Shape {
        self.batch.shape()
    }

    #[inline]
    fn cell(&self, index: usize) -> Result<Cell> {
        self.batch.cell(self.index, index).ok_or_else(|| {
            let (source, columns) = (self.batch.shape().source(), self.len());
            let message = format!("no column {index} in {source}: it has {columns}, from 0");
            Error::new(ErrorKind::Config, message)
        })
    }

    /// The value at `index`.
    #[inline]
    pub(super) fn value(&self, index: usize) -> Result<Value<'a>> {
        Ok(match self.cell(index)? {
            Cell::Null => Value::Null,
            Cell::Int(number) => Value::Int(number),
            Cell::Float(number) => Value::Float(number),
            Cell::Blob { start, len } => Value::Blob(self.batch.slice(start, len)),
            Cell::Text { start, len } => {
                let bytes = self.batch.slice(start, len);
                Value::Text(std::str::from_utf8(bytes).map_err(|error| {
                    Error::row(
                        "not valid UTF-8: read the column as bytes (`CAST(… AS BLOB)` in the query)",
                    )
                    .caused_by(error)
                })?)
            }
        })
    }

    /// The row as a JSON object; what is no text is shown as one.
    pub(super) fn to_json(self) -> String {
        serde_json::to_string(&Json(self)).unwrap_or_default()
    }
}

impl fmt::Debug for Row<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.to_json())
    }
}

/// Bytes become arrays, numbers that JSON has no form for become null, as everywhere in rejects.
struct Json<'a>(Row<'a>);

impl Serialize for Json<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let row = self.0;
        let mut map = serializer.serialize_map(Some(row.len()))?;
        for (index, name) in row.names().enumerate() {
            match (row.value(index), row.cell(index)) {
                (Ok(Value::Null), _) => map.serialize_entry(name, &())?,
                (Ok(Value::Int(number)), _) => map.serialize_entry(name, &number)?,
                (Ok(Value::Float(number)), _) => map.serialize_entry(name, &number)?,
                (Ok(Value::Text(text)), _) => map.serialize_entry(name, text)?,
                (Ok(Value::Blob(bytes)), _) => map.serialize_entry(name, bytes)?,
                (Err(_), Ok(Cell::Text { start, len })) => {
                    map.serialize_entry(name, row.batch.slice(start, len))?;
                }
                (Err(_), _) => map.serialize_entry(name, &())?,
            }
        }
        map.end()
    }
}
