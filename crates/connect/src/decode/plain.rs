//! Cells that hold a plain value: a null, a number, a text, bytes.

use super::{Fault, from_json, is_variant_with_fields, read_parts};
use serde::de::value::{BorrowedStrDeserializer, SeqDeserializer};
use serde::de::{Deserializer, Visitor};
use serde_json::de::StrRead;
use trommel::{Error, Result};

/// A cell that can be read as a `T`.
pub(crate) trait Read<T> {
    fn read(self) -> Result<T>;
}

macro_rules! plain {
    ($($method:ident $visit:ident $type:ty;)*) => {
        /// A cell that can be read as any plain type.
        pub(crate) trait Plain<'a>: Copy $(+ Read<$type>)* {
            fn is_null(self) -> bool;

            /// The error that this is not what was expected.
            fn is_not(self, expected: &str) -> Error;

            /// The bytes of a cell that holds bytes and nothing else.
            fn blob(self) -> Option<&'a [u8]>;

            /// For types that ask what there is: untagged enums, flattened maps.
            fn any<V: Visitor<'a>>(self, visitor: V) -> Result<V::Value, Fault>;
        }

        impl<'a, C: Plain<'a>> Deserializer<'a> for PlainDecoder<C> {
            type Error = Fault;

            $(
                fn $method<V: Visitor<'a>>(self, visitor: V) -> Result<V::Value, Fault> {
                    visitor.$visit(<C as Read<$type>>::read(self.0)?)
                }
            )*

            fn deserialize_any<V: Visitor<'a>>(self, visitor: V) -> Result<V::Value, Fault> {
                self.0.any(visitor)
            }

            fn deserialize_string<V: Visitor<'a>>(self, visitor: V) -> Result<V::Value, Fault> {
                self.deserialize_str(visitor)
            }

            fn deserialize_byte_buf<V: Visitor<'a>>(self, visitor: V) -> Result<V::Value, Fault> {
                self.deserialize_bytes(visitor)
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

            /// A variant without fields by its name, one with fields from JSON.
            fn deserialize_enum<V: Visitor<'a>>(
                self,
                name: &'static str,
                variants: &'static [&'static str],
                visitor: V,
            ) -> Result<V::Value, Fault> {
                let text = self.0.read()?;
                match is_variant_with_fields(text, variants) {
                    true => self.nested("a variant", visitor, |json, visitor| {
                        json.deserialize_enum(name, variants, visitor)
                    }),
                    false => visitor.visit_enum(BorrowedStrDeserializer::new(text)),
                }
            }

            fn deserialize_ignored_any<V: Visitor<'a>>(
                self,
                visitor: V,
            ) -> Result<V::Value, Fault> {
                visitor.visit_unit()
            }

            fn deserialize_identifier<V: Visitor<'a>>(
                self,
                visitor: V,
            ) -> Result<V::Value, Fault> {
                self.deserialize_str(visitor)
            }

            read_parts!('a);
        }
    };
}

/// A cell as input of `serde`.
pub(crate) struct PlainDecoder<C>(pub(crate) C);

type Json<'a> = serde_json::Deserializer<StrRead<'a>>;

impl<'a, C: Plain<'a>> PlainDecoder<C> {
    /// A value with parts, which is stored as JSON text.
    fn nested<V: Visitor<'a>>(
        self,
        what: &str,
        visitor: V,
        read: impl FnOnce(&mut Json<'a>, V) -> serde_json::Result<V::Value>,
    ) -> Result<V::Value, Fault> {
        let is_not = || self.0.is_not(&format!("{what} as JSON"));
        if self.0.is_null() {
            return Err(is_not().into());
        }
        from_json(self.0.read()?, is_not, |json| read(json, visitor))
    }

    /// A list, or bytes, which a `Vec<u8>` asks for as a list.
    fn sequence<V: Visitor<'a>>(
        self,
        visitor: V,
        read: impl FnOnce(&mut Json<'a>, V) -> serde_json::Result<V::Value>,
    ) -> Result<V::Value, Fault> {
        match self.0.blob() {
            Some(bytes) => visitor.visit_seq(SeqDeserializer::new(bytes.iter().copied())),
            None => self.nested("a list", visitor, read),
        }
    }
}

plain! {
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
    deserialize_bytes visit_borrowed_bytes &'a [u8];
}
