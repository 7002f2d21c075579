//! Records, as `serde` hands them over, become rows of a destination.
//!
//! A destination is a [`Rows`]: it is told where a row begins and ends and what its fields are called,
//! and takes their values. Most are a [`Target`], which takes plain values and compares the names of
//! a row with those of the row before.

mod layouts;
mod record;
mod target;
mod value;

pub use layouts::Columns;
pub(crate) use layouts::Layouts;
pub(crate) use record::encode_into;
pub(crate) use target::{Rows, Target, Values};
pub(crate) use value::{Fault, push, push_key, write_json};

/// Methods of a `serde::Serializer` that all fail.
macro_rules! refuse {
    ($($what:expr => { $($method:ident($($type:ty),*) -> $ok:ty),* $(,)? })*) => {$(
        $(fn $method(self, $(_: $type),*) -> Result<$ok, Self::Error> {
            Err($what)
        })*
    )*};
}
pub(crate) use refuse;

/// The methods of a `serde::Serializer` for values without parts, all of which fail.
macro_rules! refuse_plain {
    ($what:expr) => {
        $crate::encode::refuse! { $what => {
            serialize_bool(bool) -> Self::Ok,
            serialize_i8(i8) -> Self::Ok, serialize_i16(i16) -> Self::Ok,
            serialize_i32(i32) -> Self::Ok, serialize_i64(i64) -> Self::Ok,
            serialize_i128(i128) -> Self::Ok,
            serialize_u8(u8) -> Self::Ok, serialize_u16(u16) -> Self::Ok,
            serialize_u32(u32) -> Self::Ok, serialize_u64(u64) -> Self::Ok,
            serialize_u128(u128) -> Self::Ok,
            serialize_f32(f32) -> Self::Ok, serialize_f64(f64) -> Self::Ok,
            serialize_char(char) -> Self::Ok, serialize_str(&str) -> Self::Ok,
            serialize_bytes(&[u8]) -> Self::Ok,
            serialize_none() -> Self::Ok, serialize_unit() -> Self::Ok,
            serialize_unit_struct(&'static str) -> Self::Ok,
            serialize_unit_variant(&'static str, u32, &'static str) -> Self::Ok,
        } }
    };
}
pub(crate) use refuse_plain;

/// The methods of a `serde::Serializer` for variants of enums that have content, all of which fail.
macro_rules! refuse_variants {
    ($what:expr) => {
        fn serialize_newtype_variant<T: serde::Serialize + ?Sized>(
            self,
            _name: &'static str,
            _index: u32,
            _variant: &'static str,
            _value: &T,
        ) -> Result<Self::Ok, Self::Error> {
            Err($what)
        }
        $crate::encode::refuse! { $what => {
            serialize_tuple_variant(&'static str, u32, &'static str, usize)
                -> Self::SerializeTupleVariant,
            serialize_struct_variant(&'static str, u32, &'static str, usize)
                -> Self::SerializeStructVariant,
        } }
    };
}
pub(crate) use refuse_variants;

/// The methods of a `serde::Serializer` for what lies around a value, which is passed over.
macro_rules! unwrap {
    () => {
        #[inline]
        fn serialize_some<T: serde::Serialize + ?Sized>(
            self,
            value: &T,
        ) -> Result<Self::Ok, Self::Error> {
            value.serialize(self)
        }
        #[inline]
        fn serialize_newtype_struct<T: serde::Serialize + ?Sized>(
            self,
            _name: &'static str,
            value: &T,
        ) -> Result<Self::Ok, Self::Error> {
            value.serialize(self)
        }
    };
}
pub(crate) use unwrap;

/// Sequences and tuples, whose elements are taken alike.
macro_rules! sequence {
    ($trait:ident::$method:ident =>
        $type:ty: $take:ident, $end:ident $(; $param:ident: $bound:path)?) => {
        impl $(<$param: $bound>)? serde::ser::$trait for $type {
            type Ok = ();
            type Error = $crate::encode::Fault;
            #[inline]
            fn $method<T: serde::Serialize + ?Sized>(
                &mut self,
                value: &T,
            ) -> Result<(), Self::Error> {
                self.$take(value)
            }
            #[inline]
            fn end(self) -> Result<(), Self::Error> {
                self.$end()
            }
        }
    };
    ($type:ty: $take:ident, $end:ident $(; $param:ident: $bound:path)?) => {
        $crate::encode::sequence! {
            SerializeSeq::serialize_element => $type: $take, $end $(; $param: $bound)?
        }
        $crate::encode::sequence! {
            SerializeTuple::serialize_element => $type: $take, $end $(; $param: $bound)?
        }
        $crate::encode::sequence! {
            SerializeTupleStruct::serialize_field => $type: $take, $end $(; $param: $bound)?
        }
    };
}
pub(crate) use sequence;
