//! What a timestamp and a decimal are made of, as serde hands it over.

use super::types::Decimal;
use super::value::Fault;
use serde::Serialize;
use serde::ser::{self, Impossible};

macro_rules! one_value {
    ($name:ident, $ok:ty, $expected:literal, $($body:tt)*) => {
        pub(super) struct $name;
        impl ser::Serializer for $name {
            type Ok = $ok;
            type Error = Fault;
            type SerializeSeq = Impossible<$ok, Fault>;
            type SerializeTuple = Impossible<$ok, Fault>;
            type SerializeTupleStruct = Impossible<$ok, Fault>;
            type SerializeTupleVariant = Impossible<$ok, Fault>;
            type SerializeMap = Impossible<$ok, Fault>;
            type SerializeStruct = Impossible<$ok, Fault>;
            type SerializeStructVariant = Impossible<$ok, Fault>;
            $($body)*
        }
    };
}

macro_rules! refuse {
    ($expected:literal: $($method:ident($($type:ty),*) -> $ok:ty),* $(,)?) => {$(
        fn $method(self, $(_: $type),*) -> Result<$ok, Fault> {
            Err(ser::Error::custom(concat!("not ", $expected)))
        }
    )*};
}

macro_rules! refuse_the_rest {
    ($ok:ty, $expected:literal) => {
        refuse! { $expected:
            serialize_bool(bool) -> $ok, serialize_i8(i8) -> $ok, serialize_i16(i16) -> $ok,
            serialize_i32(i32) -> $ok, serialize_u8(u8) -> $ok, serialize_u16(u16) -> $ok,
            serialize_u32(u32) -> $ok, serialize_u64(u64) -> $ok, serialize_f32(f32) -> $ok,
            serialize_f64(f64) -> $ok, serialize_char(char) -> $ok, serialize_bytes(&[u8]) -> $ok,
            serialize_none() -> $ok, serialize_unit() -> $ok,
            serialize_unit_struct(&'static str) -> $ok,
            serialize_unit_variant(&'static str, u32, &'static str) -> $ok,
            serialize_seq(Option<usize>) -> Impossible<$ok, Fault>,
            serialize_tuple(usize) -> Impossible<$ok, Fault>,
            serialize_tuple_struct(&'static str, usize) -> Impossible<$ok, Fault>,
            serialize_tuple_variant(&'static str, u32, &'static str, usize)
                -> Impossible<$ok, Fault>,
            serialize_map(Option<usize>) -> Impossible<$ok, Fault>,
            serialize_struct(&'static str, usize) -> Impossible<$ok, Fault>,
            serialize_struct_variant(&'static str, u32, &'static str, usize)
                -> Impossible<$ok, Fault>,
        }
        fn serialize_some<T: Serialize + ?Sized>(self, value: &T) -> Result<$ok, Fault> {
            value.serialize(self)
        }
        fn serialize_newtype_struct<T: Serialize + ?Sized>(
            self,
            _name: &'static str,
            value: &T,
        ) -> Result<$ok, Fault> {
            value.serialize(self)
        }
        fn serialize_newtype_variant<T: Serialize + ?Sized>(
            self,
            _name: &'static str,
            _index: u32,
            _variant: &'static str,
            _value: &T,
        ) -> Result<$ok, Fault> {
            Err(ser::Error::custom(concat!("not ", $expected)))
        }
    };
}

one_value! { Micros, i64, "a number of microseconds",
    fn serialize_i64(self, number: i64) -> Result<i64, Fault> {
        Ok(number)
    }
    refuse! { "a number of microseconds": serialize_str(&str) -> i64 }
    refuse_the_rest!(i64, "a number of microseconds");
}

one_value! { DecimalText, Decimal, "a decimal number",
    fn serialize_str(self, text: &str) -> Result<Decimal, Fault> {
        Ok(text.parse::<Decimal>()?)
    }
    refuse! { "a decimal number": serialize_i64(i64) -> Decimal }
    refuse_the_rest!(Decimal, "a decimal number");
}
