//! One field of a record, as serde hands it over, becomes one value.

use super::target::Values;
use super::{refuse, refuse_variants, unwrap};
use serde::Serialize;
use serde::ser::Impossible;
use std::convert::Infallible;
use std::fmt::{self, Display, Write as _};
use trommel::{Error, Result};

/// Hands one field's value to the target.
#[inline(always)]
pub(crate) fn push<P: Values, T: Serialize + ?Sized>(target: &mut P, value: &T) -> Result<()> {
    match value.serialize(ValueSerializer(target)) {
        Ok(()) => Ok(()),
        Err(Fault::Row(error)) => Err(error),
        Err(Fault::Nested(())) => target.nested(value),
    }
}

/// Appends the key of a map, which must be a text.
pub(crate) fn push_key<T: Serialize + ?Sized>(key: &mut String, value: &T) -> Result<()> {
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

/// Numbers and booleans are taken as they are written in JSON, which has only texts for keys as well.
impl Values for Key<'_> {
    fn null(&mut self) -> Result<()> {
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

/// Why serialising stopped. `N` is `()` where a nested value is a reason.
#[derive(Debug)]
pub(crate) enum Fault<N = Infallible> {
    /// The row is bad.
    Row(Error),
    /// The value is none of the plain ones.
    Nested(N),
}

impl<N> From<Error> for Fault<N> {
    fn from(error: Error) -> Self {
        Fault::Row(error)
    }
}

impl From<Fault> for Error {
    fn from(Fault::Row(error): Fault) -> Self {
        error
    }
}

impl<N> Display for Fault<N> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Fault::Row(error) => error.fmt(f),
            Fault::Nested(_) => f.write_str("a nested value"),
        }
    }
}

impl<N: fmt::Debug> std::error::Error for Fault<N> {}

impl<N: fmt::Debug> serde::ser::Error for Fault<N> {
    fn custom<T: Display>(message: T) -> Self {
        Fault::Row(Error::row(message.to_string()))
    }
}

struct ValueSerializer<'p, P>(&'p mut P);

macro_rules! hand_over {
    ($($method:ident: $type:ty => $to:ident),* $(,)?) => {$(
        #[inline]
        fn $method(self, value: $type) -> Result<(), Fault<()>> {
            Ok(self.0.$to(value.into())?)
        }
    )*};
}

impl<P: Values> serde::Serializer for ValueSerializer<'_, P> {
    type Ok = ();
    type Error = Fault<()>;
    type SerializeSeq = Impossible<(), Fault<()>>;
    type SerializeTuple = Impossible<(), Fault<()>>;
    type SerializeTupleStruct = Impossible<(), Fault<()>>;
    type SerializeTupleVariant = Impossible<(), Fault<()>>;
    type SerializeMap = Impossible<(), Fault<()>>;
    type SerializeStruct = Impossible<(), Fault<()>>;
    type SerializeStructVariant = Impossible<(), Fault<()>>;

    hand_over! {
        serialize_bool: bool => bool,
        serialize_i8: i8 => int, serialize_i16: i16 => int, serialize_i32: i32 => int,
        serialize_i64: i64 => int,
        serialize_u8: u8 => int, serialize_u16: u16 => int, serialize_u32: u32 => int,
        serialize_u128: u128 => huge,
        serialize_f32: f32 => float32, serialize_f64: f64 => float,
        serialize_str: &str => text, serialize_bytes: &[u8] => blob,
    }

    #[inline]
    fn serialize_u64(self, number: u64) -> Result<(), Fault<()>> {
        Ok(match number.try_into() {
            Ok(number) => self.0.int(number),
            Err(_) => self.0.big(number.into()),
        }?)
    }
    fn serialize_i128(self, number: i128) -> Result<(), Fault<()>> {
        Ok(match number.try_into() {
            Ok(number) => self.0.int(number),
            Err(_) => self.0.big(number),
        }?)
    }
    fn serialize_char(self, character: char) -> Result<(), Fault<()>> {
        self.serialize_str(character.encode_utf8(&mut [0; 4]))
    }
    fn collect_str<T: Display + ?Sized>(self, value: &T) -> Result<(), Fault<()>> {
        Ok(self.0.display(value)?)
    }
    #[inline]
    fn serialize_none(self) -> Result<(), Fault<()>> {
        Ok(self.0.null()?)
    }
    unwrap!();
    fn serialize_unit(self) -> Result<(), Fault<()>> {
        self.serialize_none()
    }
    fn serialize_unit_struct(self, _name: &'static str) -> Result<(), Fault<()>> {
        self.serialize_none()
    }
    fn serialize_unit_variant(
        self,
        _name: &'static str,
        _index: u32,
        variant: &'static str,
    ) -> Result<(), Fault<()>> {
        self.serialize_str(variant)
    }
    refuse_variants!(Fault::Nested(()));
    refuse! {
        Fault::Nested(()) => {
            serialize_seq(Option<usize>) -> Self::SerializeSeq,
            serialize_tuple(usize) -> Self::SerializeTuple,
            serialize_tuple_struct(&'static str, usize) -> Self::SerializeTupleStruct,
            serialize_map(Option<usize>) -> Self::SerializeMap,
            serialize_struct(&'static str, usize) -> Self::SerializeStruct,
        }
    }
}
