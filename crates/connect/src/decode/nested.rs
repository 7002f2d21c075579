//! Nested values, which sinks without a form for them store as JSON text.

use super::Fault;
use serde_json::Deserializer;
use serde_json::de::StrRead;
use trommel::Error;

/// Reads a value from a text, all of which must be its JSON. `is_not` makes the error that the text
/// is not what was expected.
pub(crate) fn from_json<'a, T>(
    text: &'a str,
    is_not: impl FnOnce() -> Error,
    read: impl FnOnce(&mut Deserializer<StrRead<'a>>) -> serde_json::Result<T>,
) -> Result<T, Fault> {
    let mut document = Deserializer::from_str(text);
    let value = read(&mut document).and_then(|value| document.end().map(|()| value));
    value.map_err(|error| is_not().caused_by(error).into())
}

/// Whether a text stands for a variant with fields, as `{"Of":3}`, and not for the name of one
/// without.
pub(crate) fn is_variant_with_fields(text: &str, variants: &[&str]) -> bool {
    text.starts_with('{') && !variants.contains(&text)
}

/// The methods of a `serde::Deserializer` for values with parts. They call `self.sequence` for lists,
/// `self.nested` with what is expected for others, and say how to read the value from JSON text.
macro_rules! read_parts {
    ($lifetime:lifetime) => {
        fn deserialize_seq<V: serde::de::Visitor<$lifetime>>(
            self,
            visitor: V,
        ) -> Result<V::Value, Self::Error> {
            self.sequence(visitor, |json, visitor| json.deserialize_seq(visitor))
        }
        fn deserialize_tuple<V: serde::de::Visitor<$lifetime>>(
            self,
            len: usize,
            visitor: V,
        ) -> Result<V::Value, Self::Error> {
            self.sequence(visitor, |json, visitor| json.deserialize_tuple(len, visitor))
        }
        fn deserialize_tuple_struct<V: serde::de::Visitor<$lifetime>>(
            self,
            name: &'static str,
            len: usize,
            visitor: V,
        ) -> Result<V::Value, Self::Error> {
            self.sequence(visitor, |json, visitor| {
                json.deserialize_tuple_struct(name, len, visitor)
            })
        }
        fn deserialize_map<V: serde::de::Visitor<$lifetime>>(
            self,
            visitor: V,
        ) -> Result<V::Value, Self::Error> {
            self.nested("an object", visitor, |json, visitor| json.deserialize_map(visitor))
        }
        fn deserialize_struct<V: serde::de::Visitor<$lifetime>>(
            self,
            name: &'static str,
            fields: &'static [&'static str],
            visitor: V,
        ) -> Result<V::Value, Self::Error> {
            self.nested("an object", visitor, |json, visitor| {
                json.deserialize_struct(name, fields, visitor)
            })
        }
    };
}
pub(crate) use read_parts;
