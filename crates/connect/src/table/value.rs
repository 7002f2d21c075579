//! One field of a record, as serde hands it over, becomes one value.

use super::target::Values;
use serde::Serialize;
use serde::ser::Impossible;
use std::fmt::{self, Display, Write as _};
use trommel::{Error, Result};

/// Hands one field's value to the target.
#[inline]
pub(crate) fn push<P: Values, T: Serialize + ?Sized>(target: &mut P, value: &T) -> Result<()> {
    match value.serialize(ValueSerializer(target)) {
        Ok(()) => Ok(()),
        Err(Fault::Row(error)) => Err(error),
        Err(Fault::Nested) => target.nested(value),
    }
}

/// Appends the key of a map, which must be a text.
pub(super) fn push_key<T: Serialize + ?Sized>(key: &mut String, value: &T) -> Result<()> {
    push(&mut Key(key), value)
}

/// Appends a nested value as JSON.
pub(crate) fn write_json<T: Serialize + ?Sized>(text: &mut String, value: &T) -> Result<()> {
    serde_json::to_writer(JsonText(text), value)
        .map_err(|error| Error::row("the nested value can't be written as JSON").caused_by(error))
}

struct Key<'p>(&'p mut String);

impl Key<'_> {
    fn refuse<T>(&self) -> Result<T> {
        Err(Error::row("the keys of a map must be texts to name columns"))
    }
}

impl Values for Key<'_> {
    fn null(&mut self) -> Result<()> {
        self.refuse()
    }
    fn bool(&mut self, _: bool) -> Result<()> {
        self.refuse()
    }
    fn int(&mut self, _: i64) -> Result<()> {
        self.refuse()
    }
    fn big(&mut self, _: i128) -> Result<()> {
        self.refuse()
    }
    fn float(&mut self, _: f64) -> Result<()> {
        self.refuse()
    }
    fn text(&mut self, text: &str) -> Result<()> {
        self.0.push_str(text);
        Ok(())
    }
    fn display<D: Display + ?Sized>(&mut self, value: &D) -> Result<()> {
        Ok(write!(self.0, "{value}")?)
    }
    fn blob(&mut self, _: &[u8]) -> Result<()> {
        self.refuse()
    }
    fn nested<T: Serialize + ?Sized>(&mut self, _: &T) -> Result<()> {
        self.refuse()
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

struct ValueSerializer<'p, P>(&'p mut P);

impl<P: Values> ValueSerializer<'_, P> {
    #[inline]
    fn int<N: Copy + TryInto<i64> + TryInto<i128>>(self, number: N) -> Result<(), Fault> {
        if let Ok(number) = number.try_into() {
            return Ok(self.0.int(number)?);
        }
        match number.try_into() {
            Ok(number) => Ok(self.0.big(number)?),
            Err(_) => Err(Fault::Row(Error::row("a number of more than 128 bits"))),
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

impl<P: Values> serde::Serializer for ValueSerializer<'_, P> {
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
        serialize_i8: i8, serialize_i16: i16, serialize_i32: i32, serialize_i64: i64,
        serialize_i128: i128,
        serialize_u8: u8, serialize_u16: u16, serialize_u32: u32, serialize_u64: u64,
        serialize_u128: u128
    }

    #[inline]
    fn serialize_bool(self, value: bool) -> Result<(), Fault> {
        Ok(self.0.bool(value)?)
    }
    fn serialize_f32(self, number: f32) -> Result<(), Fault> {
        Ok(self.0.float32(number)?)
    }
    #[inline]
    fn serialize_f64(self, number: f64) -> Result<(), Fault> {
        Ok(self.0.float(number)?)
    }
    fn serialize_char(self, character: char) -> Result<(), Fault> {
        self.serialize_str(character.encode_utf8(&mut [0; 4]))
    }
    #[inline]
    fn serialize_str(self, text: &str) -> Result<(), Fault> {
        Ok(self.0.text(text)?)
    }
    fn collect_str<T: Display + ?Sized>(self, value: &T) -> Result<(), Fault> {
        Ok(self.0.display(value)?)
    }
    fn serialize_bytes(self, bytes: &[u8]) -> Result<(), Fault> {
        Ok(self.0.blob(bytes)?)
    }
    fn serialize_none(self) -> Result<(), Fault> {
        Ok(self.0.null()?)
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
