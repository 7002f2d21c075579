//! A row as input of `serde`.

use super::field::{FromValue, is_not};
use super::row::Row;
use crate::table::Value;
use serde::de::value::{BorrowedStrDeserializer, StrDeserializer};
use serde::de::{self, DeserializeSeed, Deserializer, Visitor};
use serde::forward_to_deserialize_any;
use std::fmt;
use trommel::{Error, Result};

pub(super) fn decode<'a, T: de::Deserialize<'a>>(row: Row<'a>) -> Result<T> {
    T::deserialize(RowDecoder(row)).map_err(|fault| match fault {
        Fault::Error(error) => error,
        Fault::Missing(name) => row.missing(name),
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

impl<'a> Deserializer<'a> for RowDecoder<'a> {
    type Error = Fault;

    /// By name.
    fn deserialize_any<V: Visitor<'a>>(self, visitor: V) -> Result<V::Value, Fault> {
        visitor.visit_map(Values { row: self.0, next: 0 })
    }

    fn deserialize_seq<V: Visitor<'a>>(self, visitor: V) -> Result<V::Value, Fault> {
        visitor.visit_seq(Values { row: self.0, next: 0 })
    }

    fn deserialize_tuple<V: Visitor<'a>>(self, _: usize, visitor: V) -> Result<V::Value, Fault> {
        self.deserialize_seq(visitor)
    }

    fn deserialize_tuple_struct<V: Visitor<'a>>(
        self,
        _: &'static str,
        _: usize,
        visitor: V,
    ) -> Result<V::Value, Fault> {
        self.deserialize_seq(visitor)
    }

    fn deserialize_newtype_struct<V: Visitor<'a>>(
        self,
        _: &'static str,
        visitor: V,
    ) -> Result<V::Value, Fault> {
        visitor.visit_newtype_struct(self)
    }

    fn deserialize_ignored_any<V: Visitor<'a>>(self, visitor: V) -> Result<V::Value, Fault> {
        visitor.visit_unit()
    }

    forward_to_deserialize_any! { <W: Visitor<'a>>
        bool char str string bytes byte_buf option unit unit_struct map struct enum identifier
        i8 i16 i32 i64 i128 u8 u16 u32 u64 u128 f32 f64
    }
}

/// Values in turn, with or without their names.
struct Values<'a> {
    row: Row<'a>,
    next: usize,
}

impl<'a> Values<'a> {
    fn value<T: DeserializeSeed<'a>>(&mut self, seed: T) -> Result<T::Value, Fault> {
        let index = self.next;
        self.next += 1;
        let value = self.row.value(index).map_err(Fault::Error);
        let read = value.and_then(|value| seed.deserialize(ValueDecoder(value)));
        read.map_err(|fault| match fault {
            Fault::Error(error) => Fault::Error(error.in_column(self.row.name(index))),
            missing => missing,
        })
    }
}

impl<'a> de::SeqAccess<'a> for Values<'a> {
    type Error = Fault;

    fn next_element_seed<T: DeserializeSeed<'a>>(
        &mut self,
        seed: T,
    ) -> Result<Option<T::Value>, Fault> {
        match self.next < self.row.len() {
            true => self.value(seed).map(Some),
            false => Ok(None),
        }
    }
}

impl<'a> de::MapAccess<'a> for Values<'a> {
    type Error = Fault;

    fn next_key_seed<K: DeserializeSeed<'a>>(
        &mut self,
        seed: K,
    ) -> Result<Option<K::Value>, Fault> {
        match self.row.names().nth(self.next) {
            Some(name) => seed.deserialize(BorrowedStrDeserializer::new(name)).map(Some),
            None => Ok(None),
        }
    }

    fn next_value_seed<V: DeserializeSeed<'a>>(&mut self, seed: V) -> Result<V::Value, Fault> {
        self.value(seed)
    }
}

struct ValueDecoder<'a>(Value<'a>);

macro_rules! read {
    ($($method:ident $visit:ident $type:ty;)*) => {$(
        fn $method<V: Visitor<'a>>(self, visitor: V) -> Result<V::Value, Fault> {
            visitor.$visit(<$type>::from_value(self.0)?)
        }
    )*};
}

impl<'a> Deserializer<'a> for ValueDecoder<'a> {
    type Error = Fault;

    read! {
        deserialize_bool visit_bool bool;
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
        deserialize_char visit_borrowed_str &'a str;
        deserialize_str visit_borrowed_str &'a str;
        deserialize_string visit_borrowed_str &'a str;
        deserialize_identifier visit_borrowed_str &'a str;
        deserialize_bytes visit_borrowed_bytes &'a [u8];
        deserialize_byte_buf visit_borrowed_bytes &'a [u8];
    }

    fn deserialize_any<V: Visitor<'a>>(self, visitor: V) -> Result<V::Value, Fault> {
        match self.0 {
            Value::Null => visitor.visit_unit(),
            Value::Int(number) => visitor.visit_i64(number),
            Value::Float(number) => visitor.visit_f64(number),
            Value::Text(text) => visitor.visit_borrowed_str(text),
            Value::Blob(bytes) => visitor.visit_borrowed_bytes(bytes),
        }
    }

    fn deserialize_option<V: Visitor<'a>>(self, visitor: V) -> Result<V::Value, Fault> {
        match self.0 {
            Value::Null => visitor.visit_none(),
            _ => visitor.visit_some(self),
        }
    }

    fn deserialize_newtype_struct<V: Visitor<'a>>(
        self,
        _: &'static str,
        visitor: V,
    ) -> Result<V::Value, Fault> {
        visitor.visit_newtype_struct(self)
    }

    /// The variant that the text names.
    fn deserialize_enum<V: Visitor<'a>>(
        self,
        _: &'static str,
        _: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, Fault> {
        let Value::Text(text) = self.0 else {
            return Err(is_not(self.0, "the name of a variant").into());
        };
        visitor.visit_enum(StrDeserializer::new(text))
    }

    fn deserialize_unit<V: Visitor<'a>>(self, visitor: V) -> Result<V::Value, Fault> {
        match self.0 {
            Value::Null => visitor.visit_unit(),
            value => Err(is_not(value, "NULL").into()),
        }
    }

    fn deserialize_unit_struct<V: Visitor<'a>>(
        self,
        _: &'static str,
        visitor: V,
    ) -> Result<V::Value, Fault> {
        self.deserialize_unit(visitor)
    }

    fn deserialize_ignored_any<V: Visitor<'a>>(self, visitor: V) -> Result<V::Value, Fault> {
        visitor.visit_unit()
    }

    forward_to_deserialize_any! { <W: Visitor<'a>>
        seq tuple tuple_struct map struct
    }
}
