//! A row as input of `serde`.

use super::field::{Cell, FromField};
use super::row::Row;
use serde::de::value::BorrowedStrDeserializer;
use serde::de::{self, DeserializeSeed, Deserializer, IntoDeserializer, Visitor};
use serde::forward_to_deserialize_any;
use std::fmt;
use trommel::{Error, Result};

pub(super) fn decode<'a, T: de::Deserialize<'a>>(row: Row<'a>) -> Result<T> {
    T::deserialize(RowDecoder(row)).map_err(|fault| match fault {
        Fault::Error(error) => error,
        // The same answer as for `get`, which knows the columns there are.
        Fault::Missing(name) => match row.column(name) {
            Err(error) => error,
            Ok(index) => {
                let message = "the record is too short for this field";
                row.in_column(Error::row(message), index)
            }
        },
    })
}

/// What `serde` reports.
#[derive(Debug)]
enum Fault {
    Missing(&'static str),
    Error(Error),
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

struct RowDecoder<'a>(Row<'a>);

impl<'a> RowDecoder<'a> {
    fn fields(&self) -> Fields<'a, impl Iterator<Item = Result<usize>> + use<>> {
        Fields { row: self.0, columns: (0..self.0.len()).map(Ok), current: 0 }
    }
}

macro_rules! one_field {
    ($($method:ident)*) => {$(
        fn $method<V: Visitor<'a>>(self, visitor: V) -> Result<V::Value, Fault> {
            FieldDecoder(self.0.cell(0)?)
                .$method(visitor)
                .map_err(|fault| name(self.0, 0, fault))
        }
    )*};
}

impl<'a> Deserializer<'a> for RowDecoder<'a> {
    type Error = Fault;

    fn deserialize_any<V: Visitor<'a>>(self, visitor: V) -> Result<V::Value, Fault> {
        match self.0.shape().headers.names.is_empty() {
            true => visitor.visit_seq(self.fields()),
            false => visitor.visit_map(self.fields()),
        }
    }

    fn deserialize_seq<V: Visitor<'a>>(self, visitor: V) -> Result<V::Value, Fault> {
        visitor.visit_seq(self.fields())
    }

    fn deserialize_tuple<V: Visitor<'a>>(self, _: usize, visitor: V) -> Result<V::Value, Fault> {
        visitor.visit_seq(self.fields())
    }

    fn deserialize_tuple_struct<V: Visitor<'a>>(
        self,
        _: &'static str,
        _: usize,
        visitor: V,
    ) -> Result<V::Value, Fault> {
        visitor.visit_seq(self.fields())
    }

    fn deserialize_map<V: Visitor<'a>>(self, visitor: V) -> Result<V::Value, Fault> {
        visitor.visit_map(self.fields())
    }

    /// By name; in order of the columns when there are no names.
    fn deserialize_struct<V: Visitor<'a>>(
        self,
        _: &'static str,
        fields: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, Fault> {
        let row = self.0;
        if row.shape().headers.names.is_empty() {
            return visitor.visit_seq(self.fields());
        }
        // Only what the struct asks for is looked at, whatever else the file holds. A name that is
        // not there is left to `serde`, which may have a default; one that is there twice is not.
        let present = move |name: &&'static str| match row.find_column(name) {
            Ok(column) => column.filter(|column| *column < row.len()).map(Ok),
            Err(error) => Some(Err(error)),
        };
        visitor.visit_map(Fields { row, columns: fields.iter().filter_map(present), current: 0 })
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

    // A single value is the first field.
    one_field! {
        deserialize_bool deserialize_char deserialize_str deserialize_string
        deserialize_bytes deserialize_byte_buf deserialize_option
        deserialize_i8 deserialize_i16 deserialize_i32 deserialize_i64 deserialize_i128
        deserialize_u8 deserialize_u16 deserialize_u32 deserialize_u64 deserialize_u128
        deserialize_f32 deserialize_f64
    }

    forward_to_deserialize_any! { <W: Visitor<'a>> enum identifier }
}

/// Adds the column to an error.
fn name(row: Row<'_>, column: usize, fault: Fault) -> Fault {
    match fault {
        Fault::Error(error) => Fault::Error(row.in_column(error, column)),
        missing => missing,
    }
}

/// Fields in turn, with or without their names.
struct Fields<'a, I> {
    row: Row<'a>,
    columns: I,
    current: usize,
}

impl<'a, I: Iterator<Item = Result<usize>>> Fields<'a, I> {
    fn value<T: DeserializeSeed<'a>>(&self, seed: T) -> Result<T::Value, Fault> {
        let cell = self.row.cell(self.current)?;
        seed.deserialize(FieldDecoder(cell)).map_err(|fault| name(self.row, self.current, fault))
    }
}

impl<'a, I: Iterator<Item = Result<usize>>> de::SeqAccess<'a> for Fields<'a, I> {
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

impl<'a, I: Iterator<Item = Result<usize>>> de::MapAccess<'a> for Fields<'a, I> {
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
        let Some(name) = self.row.shape().headers.name(self.current) else {
            return Ok(None);
        };
        seed.deserialize(BorrowedStrDeserializer::new(name)).map(Some)
    }

    fn next_value_seed<V: DeserializeSeed<'a>>(&mut self, seed: V) -> Result<V::Value, Fault> {
        self.value(seed)
    }
}

struct FieldDecoder<'a>(Cell<'a>);

macro_rules! read {
    ($($method:ident $visit:ident $type:ty;)*) => {$(
        fn $method<V: Visitor<'a>>(self, visitor: V) -> Result<V::Value, Fault> {
            visitor.$visit(<$type>::from_field(self.0)?)
        }
    )*};
}

impl<'a> Deserializer<'a> for FieldDecoder<'a> {
    type Error = Fault;

    read! {
        deserialize_bool visit_bool bool;
        deserialize_char visit_char char;
        deserialize_i8 visit_i8 i8;
        deserialize_i16 visit_i16 i16;
        deserialize_i32 visit_i32 i32;
        deserialize_i64 visit_i64 i64;
        deserialize_i128 visit_i128 i128;
        deserialize_u8 visit_u8 u8;
        deserialize_u16 visit_u16 u16;
        deserialize_u32 visit_u32 u32;
        deserialize_u64 visit_u64 u64;
        deserialize_u128 visit_u128 u128;
        deserialize_f32 visit_f32 f32;
        deserialize_f64 visit_f64 f64;
        deserialize_str visit_borrowed_str &'a str;
        deserialize_string visit_borrowed_str &'a str;
        deserialize_identifier visit_borrowed_str &'a str;
        deserialize_bytes visit_borrowed_bytes &'a [u8];
        deserialize_byte_buf visit_borrowed_bytes &'a [u8];
    }

    /// For types that ask what there is (untagged enums, flattened maps): null, boolean, whole
    /// number, number, or else text.
    fn deserialize_any<V: Visitor<'a>>(self, visitor: V) -> Result<V::Value, Fault> {
        if self.0.is_null() {
            return visitor.visit_unit();
        }
        match self.0.bytes() {
            b"true" => return visitor.visit_bool(true),
            b"false" => return visitor.visit_bool(false),
            [b'0'..=b'9' | b'-' | b'+' | b'.', ..] => {}
            _ => return self.deserialize_str(visitor),
        }
        if let Ok(number) = u64::from_field(self.0) {
            return visitor.visit_u64(number);
        }
        if let Ok(number) = i64::from_field(self.0) {
            return visitor.visit_i64(number);
        }
        if let Ok(number) = f64::from_field(self.0) {
            return visitor.visit_f64(number);
        }
        self.deserialize_str(visitor)
    }

    fn deserialize_option<V: Visitor<'a>>(self, visitor: V) -> Result<V::Value, Fault> {
        match self.0.is_null() {
            true => visitor.visit_none(),
            false => visitor.visit_some(self),
        }
    }

    fn deserialize_unit<V: Visitor<'a>>(self, visitor: V) -> Result<V::Value, Fault> {
        match self.0.is_null() {
            true => visitor.visit_unit(),
            false => Err(self.0.is_not("null").into()),
        }
    }

    fn deserialize_unit_struct<V: Visitor<'a>>(
        self,
        _: &'static str,
        visitor: V,
    ) -> Result<V::Value, Fault> {
        self.deserialize_unit(visitor)
    }

    fn deserialize_newtype_struct<V: Visitor<'a>>(
        self,
        _: &'static str,
        visitor: V,
    ) -> Result<V::Value, Fault> {
        visitor.visit_newtype_struct(self)
    }

    /// A variant without fields, by its name.
    fn deserialize_enum<V: Visitor<'a>>(
        self,
        _: &'static str,
        _: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, Fault> {
        visitor.visit_enum(self.0.str()?.into_deserializer())
    }

    fn deserialize_ignored_any<V: Visitor<'a>>(self, visitor: V) -> Result<V::Value, Fault> {
        visitor.visit_unit()
    }

    forward_to_deserialize_any! { <W: Visitor<'a>> seq tuple tuple_struct map struct }
}
