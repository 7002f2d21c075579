//! A row of named cells as input of `serde`, whatever its cells are.

#[cfg(any(feature = "arrow", feature = "csv"))]
mod hints;
#[cfg(any(feature = "csv", feature = "postgres-common", feature = "sqlite"))]
mod nested;
#[cfg(any(feature = "csv", feature = "postgres-common", feature = "sqlite"))]
mod plain;

#[cfg(any(feature = "arrow", feature = "csv"))]
pub(crate) use hints::{Hints, same};
#[cfg(any(feature = "csv", feature = "postgres-common", feature = "sqlite"))]
pub(crate) use nested::{from_json, is_variant_with_fields, read_parts};
#[cfg(any(feature = "csv", feature = "postgres-common", feature = "sqlite"))]
pub(crate) use plain::{Plain, PlainDecoder, Read};

use serde::de::value::BorrowedStrDeserializer;
use serde::de::{self, Deserialize, DeserializeSeed, Deserializer, Visitor};
use serde::forward_to_deserialize_any;
use std::fmt;
use trommel::{Error, Result};

/// A row, as far as decoding it needs to know it.
pub(crate) trait Cells<'a>: Copy {
    /// What `serde` makes a value of.
    type Cell: Deserializer<'a, Error = Fault>;

    /// Number of cells.
    fn count(&self) -> usize;

    /// Whether the columns have names.
    fn has_names(&self) -> bool {
        true
    }

    /// Name of the column at `index`, if it has one.
    fn name(&self, index: usize) -> Option<&'a str>;

    /// The columns that a struct with these fields is made of, and maybe others. A name that is not
    /// there is left to `serde`, which may have a default.
    fn wanted(self, fields: &'static [&'static str]) -> impl Iterator<Item = Result<usize>>;

    /// The error for a column that a record can't do without.
    fn missing(&self, name: &str) -> Error;

    fn cell(&self, index: usize) -> Result<Self::Cell>;

    /// Names the column that an error is about.
    fn in_column(&self, error: Error, index: usize) -> Error;
}

/// The whole row as a value.
pub(crate) fn decode<'a, T: Deserialize<'a>>(row: impl Cells<'a>) -> Result<T> {
    T::deserialize(RowDecoder(row)).map_err(|fault| match fault {
        Fault::Error(error) => error,
        Fault::Missing(name) => row.missing(name),
    })
}

/// One of its cells as a value.
#[cfg(any(feature = "postgres", feature = "postgres-system"))]
pub(crate) fn cell<'a, T: Deserialize<'a>>(row: &impl Cells<'a>, index: usize) -> Result<T> {
    T::deserialize(row.cell(index)?).map_err(|fault| fault.in_column(row, index))
}

/// What `serde` reports.
#[derive(Debug)]
pub(crate) enum Fault {
    Missing(&'static str),
    Error(Error),
}

impl Fault {
    /// Of a cell, and so an error in any case.
    #[cold]
    fn in_column<'a>(self, row: &impl Cells<'a>, index: usize) -> Error {
        let error = match self {
            Fault::Error(error) => error,
            Fault::Missing(name) => Error::row(format!("the nested value has no field `{name}`")),
        };
        row.in_column(error, index)
    }
}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Fault::Missing(name) => write!(f, "no column `{name}`"),
            Fault::Error(error) => error.fmt(f),
        }
    }
}

impl std::error::Error for Fault {}

impl From<Error> for Fault {
    fn from(error: Error) -> Self {
        Fault::Error(error)
    }
}

impl de::Error for Fault {
    fn custom<T: fmt::Display>(message: T) -> Self {
        Fault::Error(Error::row(message.to_string()))
    }

    fn missing_field(field: &'static str) -> Self {
        Fault::Missing(field)
    }
}

struct RowDecoder<R>(R);

impl<'a, R: Cells<'a>> RowDecoder<R> {
    fn all(&self) -> Columns<R, impl Iterator<Item = Result<usize>> + use<'a, R>> {
        Columns { row: self.0, columns: (0..self.0.count()).map(Ok), current: 0 }
    }
}

macro_rules! first_cell {
    ($($method:ident)*) => {$(
        fn $method<V: Visitor<'a>>(self, visitor: V) -> Result<V::Value, Fault> {
            let cell = self.0.cell(0)?;
            cell.$method(visitor).map_err(|fault| fault.in_column(&self.0, 0).into())
        }
    )*};
}

impl<'a, R: Cells<'a>> Deserializer<'a> for RowDecoder<R> {
    type Error = Fault;

    fn deserialize_any<V: Visitor<'a>>(self, visitor: V) -> Result<V::Value, Fault> {
        match self.0.has_names() {
            true => visitor.visit_map(self.all()),
            false => visitor.visit_seq(self.all()),
        }
    }

    fn deserialize_seq<V: Visitor<'a>>(self, visitor: V) -> Result<V::Value, Fault> {
        visitor.visit_seq(self.all())
    }

    fn deserialize_tuple<V: Visitor<'a>>(self, _: usize, visitor: V) -> Result<V::Value, Fault> {
        visitor.visit_seq(self.all())
    }

    fn deserialize_tuple_struct<V: Visitor<'a>>(
        self,
        _: &'static str,
        _: usize,
        visitor: V,
    ) -> Result<V::Value, Fault> {
        visitor.visit_seq(self.all())
    }

    fn deserialize_map<V: Visitor<'a>>(self, visitor: V) -> Result<V::Value, Fault> {
        visitor.visit_map(self.all())
    }

    /// By name; in order of the columns when there are no names.
    fn deserialize_struct<V: Visitor<'a>>(
        self,
        _: &'static str,
        fields: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, Fault> {
        let row = self.0;
        if !row.has_names() {
            return visitor.visit_seq(self.all());
        }
        visitor.visit_map(Columns { row, columns: row.wanted(fields), current: 0 })
    }

    fn deserialize_newtype_struct<V: Visitor<'a>>(
        self,
        _: &'static str,
        visitor: V,
    ) -> Result<V::Value, Fault> {
        visitor.visit_newtype_struct(self)
    }

    fn deserialize_unit<V: Visitor<'a>>(self, visitor: V) -> Result<V::Value, Fault> {
        visitor.visit_unit()
    }

    fn deserialize_unit_struct<V: Visitor<'a>>(
        self,
        _: &'static str,
        visitor: V,
    ) -> Result<V::Value, Fault> {
        visitor.visit_unit()
    }

    fn deserialize_ignored_any<V: Visitor<'a>>(self, visitor: V) -> Result<V::Value, Fault> {
        visitor.visit_unit()
    }

    first_cell! {
        deserialize_bool deserialize_char deserialize_str deserialize_string
        deserialize_bytes deserialize_byte_buf deserialize_option
        deserialize_i8 deserialize_i16 deserialize_i32 deserialize_i64 deserialize_i128
        deserialize_u8 deserialize_u16 deserialize_u32 deserialize_u64 deserialize_u128
        deserialize_f32 deserialize_f64
    }

    forward_to_deserialize_any! { <W: Visitor<'a>> enum identifier }
}

/// Cells in turn, with or without their names.
struct Columns<R, I> {
    row: R,
    columns: I,
    current: usize,
}

impl<'a, R: Cells<'a>, I> Columns<R, I> {
    fn value<T: DeserializeSeed<'a>>(&self, seed: T) -> Result<T::Value, Fault> {
        let cell = self.row.cell(self.current)?;
        seed.deserialize(cell).map_err(|fault| fault.in_column(&self.row, self.current).into())
    }
}

impl<'a, R: Cells<'a>, I: Iterator<Item = Result<usize>>> de::SeqAccess<'a> for Columns<R, I> {
    type Error = Fault;

    fn next_element_seed<T: DeserializeSeed<'a>>(
        &mut self,
        seed: T,
    ) -> Result<Option<T::Value>, Fault> {
        let Some(column) = self.columns.next() else {
            return Ok(None);
        };
        self.current = column?;
        self.value(seed).map(Some)
    }
}

impl<'a, R: Cells<'a>, I: Iterator<Item = Result<usize>>> de::MapAccess<'a> for Columns<R, I> {
    type Error = Fault;

    fn next_key_seed<K: DeserializeSeed<'a>>(
        &mut self,
        seed: K,
    ) -> Result<Option<K::Value>, Fault> {
        let Some(column) = self.columns.next() else {
            return Ok(None);
        };
        self.current = column?;
        // A row that is longer than the header: what has no name is left out.
        let Some(name) = self.row.name(self.current) else {
            return Ok(None);
        };
        seed.deserialize(BorrowedStrDeserializer::new(name)).map(Some)
    }

    fn next_value_seed<V: DeserializeSeed<'a>>(&mut self, seed: V) -> Result<V::Value, Fault> {
        self.value(seed)
    }
}
