//! One field of a record, as serde hands it over, becomes one field of CSV.

use super::dialect::Dialect;
use serde::Serialize;
use serde::ser::Impossible;
use std::fmt::{self, Display};
use std::io::Write as _;
use trommel::{Error, Result};

/// Appends one field.
#[inline]
pub(super) fn push<T: Serialize + ?Sized>(
    out: &mut Vec<u8>,
    scratch: &mut Vec<u8>,
    dialect: &Dialect,
    value: &T,
) -> Result<()> {
    match value.serialize(Scalar { out, scratch, dialect }) {
        Ok(()) => Ok(()),
        Err(Fault::Row(error)) => Err(error),
        Err(Fault::Nested) => push_json(out, scratch, dialect, value),
    }
}

#[cold]
fn push_json<T: Serialize + ?Sized>(
    out: &mut Vec<u8>,
    scratch: &mut Vec<u8>,
    dialect: &Dialect,
    value: &T,
) -> Result<()> {
    scratch.clear();
    serde_json::to_writer(&mut *scratch, value).map_err(|error| {
        Error::row("the nested value can't be written as JSON").caused_by(error)
    })?;
    dialect.text(out, scratch);
    Ok(())
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

struct Scalar<'o> {
    out: &'o mut Vec<u8>,
    scratch: &'o mut Vec<u8>,
    dialect: &'o Dialect,
}

macro_rules! numbers {
    ($buffer:path: $($method:ident: $type:ty),*) => {$(
        #[inline]
        fn $method(self, number: $type) -> Result<(), Fault> {
            self.dialect.number(self.out, <$buffer>::new().format(number).as_bytes());
            Ok(())
        }
    )*};
}

impl serde::Serializer for Scalar<'_> {
    type Ok = ();
    type Error = Fault;
    type SerializeSeq = Impossible<(), Fault>;
    type SerializeTuple = Impossible<(), Fault>;
    type SerializeTupleStruct = Impossible<(), Fault>;
    type SerializeTupleVariant = Impossible<(), Fault>;
    type SerializeMap = Impossible<(), Fault>;
    type SerializeStruct = Impossible<(), Fault>;
    type SerializeStructVariant = Impossible<(), Fault>;

    numbers! {
        itoa::Buffer:
        serialize_i8: i8, serialize_i16: i16, serialize_i32: i32, serialize_i64: i64,
        serialize_i128: i128,
        serialize_u8: u8, serialize_u16: u16, serialize_u32: u32, serialize_u64: u64,
        serialize_u128: u128
    }
    numbers! { zmij::Buffer: serialize_f32: f32, serialize_f64: f64 }

    #[inline]
    fn serialize_bool(self, value: bool) -> Result<(), Fault> {
        self.dialect.number(self.out, if value { b"true" } else { b"false" });
        Ok(())
    }
    fn serialize_char(self, character: char) -> Result<(), Fault> {
        self.serialize_str(character.encode_utf8(&mut [0; 4]))
    }
    #[inline]
    fn serialize_str(self, text: &str) -> Result<(), Fault> {
        self.serialize_bytes(text.as_bytes())
    }
    fn collect_str<T: Display + ?Sized>(self, value: &T) -> Result<(), Fault> {
        self.scratch.clear();
        if write!(self.scratch, "{value}").is_err() {
            return Err(Fault::Row(Error::row("a value could not be formatted")));
        }
        self.dialect.text(self.out, self.scratch);
        Ok(())
    }
    #[inline]
    fn serialize_bytes(self, bytes: &[u8]) -> Result<(), Fault> {
        self.dialect.text(self.out, bytes);
        Ok(())
    }
    #[inline]
    fn serialize_none(self) -> Result<(), Fault> {
        self.dialect.null(self.out);
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
