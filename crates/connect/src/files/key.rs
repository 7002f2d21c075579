//! The value of one column of a record, as text, for a key.

use super::partition::PartitionKey;
use serde::Serialize;
use serde::ser::{self, Impossible};
use std::fmt::{self, Display, Write};
use trommel::{Error, Result};

impl<T: Serialize> PartitionKey for T {
    fn write_column(&self, column: &str, text: &mut String) -> Result<bool> {
        let finder = Finder { column, text, found: None };
        match self.serialize(finder) {
            Ok(Some(is_there)) => Ok(is_there),
            Ok(None) => Err(Error::row("the record has no such column").in_column(column)),
            Err(Refused(reason)) => Err(Error::row(reason).in_column(column)),
        }
    }
}

/// Why a value can't be a part of a key.
#[derive(Debug)]
struct Refused(String);

impl Display for Refused {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl std::error::Error for Refused {}

impl ser::Error for Refused {
    fn custom<T: Display>(message: T) -> Self {
        Refused(message.to_string())
    }
}

/// Passes over the fields of a record to the one that is wanted.
struct Finder<'t> {
    column: &'t str,
    text: &'t mut String,
    /// Whether the column has been found, and then whether it is not null.
    found: Option<bool>,
}

impl Finder<'_> {
    #[inline]
    fn field<T: Serialize + ?Sized>(&mut self, name: &str, value: &T) -> Result<(), Refused> {
        if name == self.column {
            self.found = Some(value.serialize(Scalar(self.text))?);
        }
        Ok(())
    }
}

impl ser::SerializeStruct for Finder<'_> {
    type Ok = Option<bool>;
    type Error = Refused;
    #[inline]
    fn serialize_field<T: Serialize + ?Sized>(
        &mut self,
        name: &'static str,
        value: &T,
    ) -> Result<(), Refused> {
        self.field(name, value)
    }
    fn end(self) -> Result<Option<bool>, Refused> {
        Ok(self.found)
    }
}

/// Finds a column among the entries of a map.
struct MapFinder<'t> {
    finder: Finder<'t>,
    key: String,
}

impl ser::SerializeMap for MapFinder<'_> {
    type Ok = Option<bool>;
    type Error = Refused;
    fn serialize_key<T: Serialize + ?Sized>(&mut self, key: &T) -> Result<(), Refused> {
        self.key.clear();
        key.serialize(Scalar(&mut self.key)).map(|_| ())
    }
    fn serialize_value<T: Serialize + ?Sized>(&mut self, value: &T) -> Result<(), Refused> {
        self.finder.field(&self.key, value)
    }
    fn end(self) -> Result<Option<bool>, Refused> {
        Ok(self.finder.found)
    }
}

fn nested<T>(what: &str) -> Result<T, Refused> {
    Err(Refused(format!("{what} can't be a part of a key")))
}

fn no_record<T>() -> Result<T, Refused> {
    Err(Refused("only structs and maps have columns to partition by".into()))
}

/// Every method that a plain value may come to, by one rule.
macro_rules! scalars {
    ($self:ident, $value:ident: $($method:ident($type:ty)),* => $body:expr) => {$(
        #[inline]
        fn $method($self, $value: $type) -> Result<Self::Ok, Refused> {
            $body
        }
    )*};
}

impl<'t> serde::Serializer for Finder<'t> {
    type Ok = Option<bool>;
    type Error = Refused;
    type SerializeSeq = Impossible<Self::Ok, Refused>;
    type SerializeTuple = Impossible<Self::Ok, Refused>;
    type SerializeTupleStruct = Impossible<Self::Ok, Refused>;
    type SerializeTupleVariant = Impossible<Self::Ok, Refused>;
    type SerializeMap = MapFinder<'t>;
    type SerializeStruct = Self;
    type SerializeStructVariant = Impossible<Self::Ok, Refused>;

    scalars!(self, _value: serialize_bool(bool), serialize_i8(i8), serialize_i16(i16),
        serialize_i32(i32), serialize_i64(i64), serialize_u8(u8), serialize_u16(u16),
        serialize_u32(u32), serialize_u64(u64), serialize_f32(f32), serialize_f64(f64),
        serialize_char(char), serialize_str(&str), serialize_bytes(&[u8]),
        serialize_unit_struct(&'static str) => no_record());

    fn serialize_none(self) -> Result<Self::Ok, Refused> {
        no_record()
    }
    fn serialize_unit(self) -> Result<Self::Ok, Refused> {
        no_record()
    }
    fn serialize_some<T: Serialize + ?Sized>(self, value: &T) -> Result<Self::Ok, Refused> {
        value.serialize(self)
    }
    fn serialize_unit_variant(
        self,
        _: &'static str,
        _: u32,
        _: &'static str,
    ) -> Result<Self::Ok, Refused> {
        no_record()
    }
    fn serialize_newtype_struct<T: Serialize + ?Sized>(
        self,
        _: &'static str,
        value: &T,
    ) -> Result<Self::Ok, Refused> {
        value.serialize(self)
    }
    fn serialize_newtype_variant<T: Serialize + ?Sized>(
        self,
        _: &'static str,
        _: u32,
        _: &'static str,
        _: &T,
    ) -> Result<Self::Ok, Refused> {
        no_record()
    }
    fn serialize_seq(self, _: Option<usize>) -> Result<Self::SerializeSeq, Refused> {
        no_record()
    }
    fn serialize_tuple(self, _: usize) -> Result<Self::SerializeTuple, Refused> {
        no_record()
    }
    fn serialize_tuple_struct(
        self,
        _: &'static str,
        _: usize,
    ) -> Result<Self::SerializeTupleStruct, Refused> {
        no_record()
    }
    fn serialize_tuple_variant(
        self,
        _: &'static str,
        _: u32,
        _: &'static str,
        _: usize,
    ) -> Result<Self::SerializeTupleVariant, Refused> {
        no_record()
    }
    fn serialize_map(self, _: Option<usize>) -> Result<MapFinder<'t>, Refused> {
        Ok(MapFinder { finder: self, key: String::new() })
    }
    fn serialize_struct(self, _: &'static str, _: usize) -> Result<Self, Refused> {
        Ok(self)
    }
    fn serialize_struct_variant(
        self,
        _: &'static str,
        _: u32,
        _: &'static str,
        _: usize,
    ) -> Result<Self::SerializeStructVariant, Refused> {
        no_record()
    }
}

/// Writes a plain value; answers whether there is one.
struct Scalar<'t>(&'t mut String);

impl Scalar<'_> {
    fn show(self, value: impl Display) -> Result<bool, Refused> {
        write!(self.0, "{value}").map_err(|_| Refused("the value can't be formatted".into()))?;
        Ok(true)
    }
}

impl serde::Serializer for Scalar<'_> {
    type Ok = bool;
    type Error = Refused;
    type SerializeSeq = Impossible<bool, Refused>;
    type SerializeTuple = Impossible<bool, Refused>;
    type SerializeTupleStruct = Impossible<bool, Refused>;
    type SerializeTupleVariant = Impossible<bool, Refused>;
    type SerializeMap = Impossible<bool, Refused>;
    type SerializeStruct = Impossible<bool, Refused>;
    type SerializeStructVariant = Impossible<bool, Refused>;

    scalars!(self, value: serialize_bool(bool), serialize_i8(i8), serialize_i16(i16),
        serialize_i32(i32), serialize_i64(i64), serialize_u8(u8), serialize_u16(u16),
        serialize_u32(u32), serialize_u64(u64), serialize_f32(f32), serialize_f64(f64),
        serialize_char(char), serialize_str(&str) => self.show(value));

    fn collect_str<T: Display + ?Sized>(self, value: &T) -> Result<bool, Refused> {
        self.show(value)
    }
    fn serialize_bytes(self, _: &[u8]) -> Result<bool, Refused> {
        nested("a string of bytes")
    }
    fn serialize_none(self) -> Result<bool, Refused> {
        Ok(false)
    }
    fn serialize_unit(self) -> Result<bool, Refused> {
        Ok(false)
    }
    fn serialize_unit_struct(self, _: &'static str) -> Result<bool, Refused> {
        Ok(false)
    }
    fn serialize_some<T: Serialize + ?Sized>(self, value: &T) -> Result<bool, Refused> {
        value.serialize(self)
    }
    fn serialize_unit_variant(
        self,
        _: &'static str,
        _: u32,
        variant: &'static str,
    ) -> Result<bool, Refused> {
        self.show(variant)
    }
    fn serialize_newtype_struct<T: Serialize + ?Sized>(
        self,
        _: &'static str,
        value: &T,
    ) -> Result<bool, Refused> {
        value.serialize(self)
    }
    fn serialize_newtype_variant<T: Serialize + ?Sized>(
        self,
        _: &'static str,
        _: u32,
        _: &'static str,
        _: &T,
    ) -> Result<bool, Refused> {
        nested("an enum with a value")
    }
    fn serialize_seq(self, _: Option<usize>) -> Result<Self::SerializeSeq, Refused> {
        nested("a sequence")
    }
    fn serialize_tuple(self, _: usize) -> Result<Self::SerializeTuple, Refused> {
        nested("a tuple")
    }
    fn serialize_tuple_struct(
        self,
        _: &'static str,
        _: usize,
    ) -> Result<Self::SerializeTupleStruct, Refused> {
        nested("a tuple")
    }
    fn serialize_tuple_variant(
        self,
        _: &'static str,
        _: u32,
        _: &'static str,
        _: usize,
    ) -> Result<Self::SerializeTupleVariant, Refused> {
        nested("an enum with values")
    }
    fn serialize_map(self, _: Option<usize>) -> Result<Self::SerializeMap, Refused> {
        nested("a map")
    }
    fn serialize_struct(self, _: &'static str, _: usize) -> Result<Self::SerializeStruct, Refused> {
        nested("a struct")
    }
    fn serialize_struct_variant(
        self,
        _: &'static str,
        _: u32,
        _: &'static str,
        _: usize,
    ) -> Result<Self::SerializeStructVariant, Refused> {
        nested("an enum with values")
    }
}

/// Appends a plain value as text; `false` when it is null.
///
/// # Errors
/// A row error when it is not plain.
#[cfg(feature = "csv")]
pub(crate) fn write_scalar<T: Serialize + ?Sized>(value: &T, text: &mut String) -> Result<bool> {
    value.serialize(Scalar(text)).map_err(|Refused(reason)| Error::row(reason))
}
