//! One field of a record, as serde hands it over, becomes one value.

use super::page::{Cell, Page};
use serde::Serialize;
use serde::ser::Impossible;
use std::fmt::{self, Display, Write as _};
use trommel::{Error, Result};

/// Appends one field's value to the page.
#[inline]
pub(super) fn push<T: Serialize + ?Sized>(page: &mut Page, value: &T) -> Result<()> {
    match value.serialize(ValueSerializer(page)) {
        Ok(()) => Ok(()),
        Err(Fault::Row(error)) => Err(error),
        Err(Fault::Nested) => push_json(page, value),
    }
}

fn push_json<T: Serialize + ?Sized>(page: &mut Page, value: &T) -> Result<()> {
    let start = page.text.len();
    match serde_json::to_writer(JsonText(&mut page.text), value) {
        Ok(()) => page.push_text_from(start),
        Err(error) => {
            page.text.truncate(start);
            Err(Error::row("the nested value can't be written as JSON").caused_by(error))
        }
    }
}

struct JsonText<'p>(&'p mut String);

impl std::io::Write for JsonText<'_> {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        self.0.push_str(std::str::from_utf8(bytes).map_err(std::io::Error::other)?);
        Ok(bytes.len())
    }
    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}

/// Why serialising stopped.
#[derive(Debug)]
pub(super) enum Fault {
    /// The value is none of the plain ones.
    Nested,
    /// The row is bad.
    Row(Error),
}

impl From<Error> for Fault {
    fn from(error: Error) -> Self {
        Fault::Row(error)
    }
}

impl Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Fault::Nested => f.write_str("a nested value"),
            Fault::Row(error) => error.fmt(f),
        }
    }
}

impl std::error::Error for Fault {}

impl serde::ser::Error for Fault {
    fn custom<T: Display>(message: T) -> Self {
        Fault::Row(Error::row(message.to_string()))
    }
}

struct ValueSerializer<'p>(&'p mut Page);

impl ValueSerializer<'_> {
    #[inline]
    fn int(self, number: impl TryInto<i64>) -> Result<(), Fault> {
        match number.try_into() {
            Ok(number) => {
                self.0.cells.push(Cell::Int(number));
                Ok(())
            }
            Err(_) => Err(Fault::Row(Error::row(
                "number out of range for a 64-bit column (-2^63 to 2^63 - 1): \
                 emit it as text or as a float",
            ))),
        }
    }
}

macro_rules! ints {
    ($($method:ident: $type:ty),*) => {$(
        #[inline]
        fn $method(self, number: $type) -> Result<(), Fault> {
            self.int(number)
        }
    )*};
}

impl serde::Serializer for ValueSerializer<'_> {
    type Ok = ();
    type Error = Fault;
    type SerializeSeq = Impossible<(), Fault>;
    type SerializeTuple = Impossible<(), Fault>;
    type SerializeTupleStruct = Impossible<(), Fault>;
    type SerializeTupleVariant = Impossible<(), Fault>;
    type SerializeMap = Impossible<(), Fault>;
    type SerializeStruct = Impossible<(), Fault>;
    type SerializeStructVariant = Impossible<(), Fault>;

    ints! {
        serialize_bool: bool,
        serialize_i8: i8, serialize_i16: i16, serialize_i32: i32, serialize_i64: i64,
        serialize_i128: i128,
        serialize_u8: u8, serialize_u16: u16, serialize_u32: u32, serialize_u64: u64,
        serialize_u128: u128
    }

    fn serialize_f32(self, number: f32) -> Result<(), Fault> {
        self.serialize_f64(number.into())
    }
    #[inline]
    fn serialize_f64(self, number: f64) -> Result<(), Fault> {
        self.0.cells.push(Cell::Float(number));
        Ok(())
    }
    fn serialize_char(self, character: char) -> Result<(), Fault> {
        self.serialize_str(character.encode_utf8(&mut [0; 4]))
    }
    #[inline]
    fn serialize_str(self, text: &str) -> Result<(), Fault> {
        Ok(self.0.push_text(text)?)
    }
    fn collect_str<T: Display + ?Sized>(self, value: &T) -> Result<(), Fault> {
        let start = self.0.text.len();
        if write!(self.0.text, "{value}").is_err() {
            self.0.text.truncate(start);
            return Err(Fault::Row(Error::row("a value could not be formatted")));
        }
        Ok(self.0.push_text_from(start)?)
    }
    fn serialize_bytes(self, bytes: &[u8]) -> Result<(), Fault> {
        Ok(self.0.push_blob(bytes)?)
    }
    fn serialize_none(self) -> Result<(), Fault> {
        self.0.cells.push(Cell::Null);
        Ok(())
    }
    #[inline]
    fn serialize_some<T: Serialize + ?Sized>(self, value: &T) -> Result<(), Fault> {
        value.serialize(self)
    }
    fn serialize_unit(self) -> Result<(), Fault> {
        self.serialize_none()
    }
    fn serialize_unit_struct(self, _name: &'static str) -> Result<(), Fault> {
        self.serialize_none()
    }
    fn serialize_unit_variant(
        self,
        _name: &'static str,
        _index: u32,
        variant: &'static str,
    ) -> Result<(), Fault> {
        self.serialize_str(variant)
    }
    fn serialize_newtype_struct<T: Serialize + ?Sized>(
        self,
        _name: &'static str,
        value: &T,
    ) -> Result<(), Fault> {
        value.serialize(self)
    }
    fn serialize_newtype_variant<T: Serialize + ?Sized>(
        self,
        _name: &'static str,
        _index: u32,
        _variant: &'static str,
        _value: &T,
    ) -> Result<(), Fault> {
        Err(Fault::Nested)
    }
    fn serialize_seq(self, _len: Option<usize>) -> Result<Self::SerializeSeq, Fault> {
        Err(Fault::Nested)
    }
    fn serialize_tuple(self, _len: usize) -> Result<Self::SerializeTuple, Fault> {
        Err(Fault::Nested)
    }
    fn serialize_tuple_struct(
        self,
        _name: &'static str,
        _len: usize,
    ) -> Result<Self::SerializeTupleStruct, Fault> {
        Err(Fault::Nested)
    }
    fn serialize_tuple_variant(
        self,
        _name: &'static str,
        _index: u32,
        _variant: &'static str,
        _len: usize,
    ) -> Result<Self::SerializeTupleVariant, Fault> {
        Err(Fault::Nested)
    }
    fn serialize_map(self, _len: Option<usize>) -> Result<Self::SerializeMap, Fault> {
        Err(Fault::Nested)
    }
    fn serialize_struct(
        self,
        _name: &'static str,
        _len: usize,
    ) -> Result<Self::SerializeStruct, Fault> {
        Err(Fault::Nested)
    }
    fn serialize_struct_variant(
        self,
        _name: &'static str,
        _index: u32,
        _variant: &'static str,
        _len: usize,
    ) -> Result<Self::SerializeStructVariant, Fault> {
        Err(Fault::Nested)
    }
}
