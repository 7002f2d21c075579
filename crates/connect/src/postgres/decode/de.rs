//! Values, and rows of them, as serde asks for them.

use super::batch::Row;
use super::show::{TORN, front, show};
use crate::decode::{Cells, Fault, from_json, is_variant_with_fields, read_parts};
use crate::postgres::types::Type;
use serde::de::value::SeqDeserializer;
use serde::de::{Deserializer, Error as _, IntoDeserializer, Visitor};
use serde::forward_to_deserialize_any;
use trommel::{Error, Result};

/// One value.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Value<'a> {
    kind: &'a Type,
    /// `None` for null.
    bytes: Option<&'a [u8]>,
}

fn torn<E>(_: E) -> Fault {
    Fault::custom(TORN)
}

impl<'a> Value<'a> {
    fn present(&self) -> Result<&'a [u8], Fault> {
        self.bytes.ok_or_else(|| Fault::custom("NULL: read it as an `Option`"))
    }

    fn text(&self) -> Result<String, Fault> {
        let mut text = String::new();
        show(&mut text, self.kind, self.present()?).map_err(Fault::custom)?;
        Ok(text)
    }

    /// The document of a JSON value.
    fn json(&self) -> Result<Option<&'a str>, Fault> {
        let bytes = match self.kind {
            Type::Json => self.present()?,
            Type::Jsonb => self.present()?.get(1..).unwrap_or_default(),
            _ => return Ok(None),
        };
        std::str::from_utf8(bytes).map(Some).map_err(torn)
    }

    /// Numbers that are not of a machine's kind, read as one.
    fn parse<T: std::str::FromStr>(&self, what: &str) -> Result<T, Fault> {
        let text = self.text()?;
        text.trim().parse().map_err(|_| Fault::custom(format!("`{text}` is not {what}")))
    }
}

type Json<'a> = serde_json::Deserializer<serde_json::de::StrRead<'a>>;

impl<'a> Value<'a> {
    /// A value with parts: JSON in a column of texts, and what it is in any other.
    fn nested<V: Visitor<'a>>(
        self,
        what: &str,
        visitor: V,
        read: impl FnOnce(&mut Json<'a>, V) -> serde_json::Result<V::Value>,
    ) -> Result<V::Value, Fault> {
        match (self.kind, self.bytes) {
            (Type::Text { .. }, Some(bytes)) => {
                let text = std::str::from_utf8(bytes).map_err(torn)?;
                let is_not = || Error::row(format!("the text is not {what} as JSON"));
                from_json(text, is_not, |json| read(json, visitor))
            }
            _ => self.deserialize_any(visitor),
        }
    }

    fn sequence<V: Visitor<'a>>(
        self,
        visitor: V,
        read: impl FnOnce(&mut Json<'a>, V) -> serde_json::Result<V::Value>,
    ) -> Result<V::Value, Fault> {
        match (self.kind, self.bytes) {
            // `Vec<u8>` is a sequence to serde.
            (Type::Bytea, Some(bytes)) => {
                visitor.visit_seq(SeqDeserializer::new(bytes.iter().copied()))
            }
            _ => self.nested("a list", visitor, read),
        }
    }
}

macro_rules! numbers {
    ($($method:ident: $type:ty, $what:literal => $visit:ident),* $(,)?) => {$(
        fn $method<V: Visitor<'a>>(self, visitor: V) -> Result<V::Value, Fault> {
            self.present()?;
            match self.kind {
                Type::Numeric | Type::Text { .. } => visitor.$visit(self.parse::<$type>($what)?),
                _ => self.deserialize_any(visitor),
            }
        }
    )*};
}

impl<'a> Deserializer<'a> for Value<'a> {
    type Error = Fault;

    fn deserialize_any<V: Visitor<'a>>(self, visitor: V) -> Result<V::Value, Fault> {
        let Some(mut bytes) = self.bytes else { return visitor.visit_none() };
        if let Some(text) = self.json()? {
            let mut document = serde_json::Deserializer::from_str(text);
            return document.deserialize_any(visitor).map_err(Fault::custom);
        }
        match self.kind {
            Type::Bool => visitor.visit_bool(bytes.first().ok_or_else(|| torn(()))? != &0),
            Type::Int2 => visitor.visit_i64(take_i16(bytes)?.into()),
            Type::Int4 => visitor.visit_i64(i32_of(&mut bytes)?.into()),
            Type::Int8 => visitor.visit_i64(i64::from_be_bytes(bytes.try_into().map_err(torn)?)),
            Type::Oid => {
                visitor.visit_u64(u32::from_be_bytes(bytes.try_into().map_err(torn)?).into())
            }
            Type::Float4 => visitor.visit_f32(f32::from_be_bytes(bytes.try_into().map_err(torn)?)),
            Type::Float8 => visitor.visit_f64(f64::from_be_bytes(bytes.try_into().map_err(torn)?)),
            Type::Text { .. } | Type::Other => {
                visitor.visit_borrowed_str(std::str::from_utf8(bytes).map_err(torn)?)
            }
            Type::Bytea => visitor.visit_borrowed_bytes(bytes),
            Type::Array { element, .. } => array(element, bytes, visitor),
            _ => visitor.visit_string(self.text()?),
        }
    }

    fn deserialize_option<V: Visitor<'a>>(self, visitor: V) -> Result<V::Value, Fault> {
        match self.bytes {
            None => visitor.visit_none(),
            Some(_) => visitor.visit_some(self),
        }
    }

    fn deserialize_str<V: Visitor<'a>>(self, visitor: V) -> Result<V::Value, Fault> {
        self.present()?;
        if let Some(text) = self.json()? {
            return visitor.visit_borrowed_str(text);
        }
        match self.kind {
            Type::Text { .. } | Type::Other => self.deserialize_any(visitor),
            _ => visitor.visit_string(self.text()?),
        }
    }

    fn deserialize_string<V: Visitor<'a>>(self, visitor: V) -> Result<V::Value, Fault> {
        self.deserialize_str(visitor)
    }

    numbers! {
        deserialize_i8: i64, "a whole number" => visit_i64,
        deserialize_i16: i64, "a whole number" => visit_i64,
        deserialize_i32: i64, "a whole number" => visit_i64,
        deserialize_i64: i64, "a whole number" => visit_i64,
        deserialize_i128: i128, "a whole number" => visit_i128,
        deserialize_u8: u64, "a whole number" => visit_u64,
        deserialize_u16: u64, "a whole number" => visit_u64,
        deserialize_u32: u64, "a whole number" => visit_u64,
        deserialize_u64: u64, "a whole number" => visit_u64,
        deserialize_u128: u128, "a whole number" => visit_u128,
        deserialize_f32: f32, "a number" => visit_f32,
        deserialize_f64: f64, "a number" => visit_f64,
    }

    /// Also of 0 and 1, which is what a column that was learnt from booleans holds.
    fn deserialize_bool<V: Visitor<'a>>(self, visitor: V) -> Result<V::Value, Fault> {
        match (self.kind, self.bytes) {
            (Type::Int2 | Type::Int4 | Type::Int8, Some(bytes)) => match bytes.split_last() {
                Some((last @ (0 | 1), rest)) if rest.iter().all(|byte| *byte == 0) => {
                    visitor.visit_bool(*last == 1)
                }
                _ => Err(Fault::custom("the number is not a boolean (0 or 1)")),
            },
            _ => self.deserialize_any(visitor),
        }
    }

    read_parts!('a);

    fn deserialize_newtype_struct<V: Visitor<'a>>(
        self,
        _name: &'static str,
        visitor: V,
    ) -> Result<V::Value, Fault> {
        visitor.visit_newtype_struct(self)
    }

    fn deserialize_enum<V: Visitor<'a>>(
        self,
        name: &'static str,
        variants: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, Fault> {
        if let Some(text) = self.json()? {
            let mut document = serde_json::Deserializer::from_str(text);
            return document.deserialize_enum(name, variants, visitor).map_err(Fault::custom);
        }
        let text = self.text()?;
        if is_variant_with_fields(&text, variants) {
            return self.nested("a variant", visitor, |json, visitor| {
                json.deserialize_enum(name, variants, visitor)
            });
        }
        visitor.visit_enum(text.into_deserializer())
    }

    forward_to_deserialize_any! {
        <V: Visitor<'a>>
        char bytes byte_buf unit unit_struct identifier ignored_any
    }
}

impl<'a> IntoDeserializer<'a, Fault> for Value<'a> {
    type Deserializer = Self;
    fn into_deserializer(self) -> Self {
        self
    }
}

fn take_i16(bytes: &[u8]) -> Result<i16, Fault> {
    bytes.try_into().map(i16::from_be_bytes).map_err(torn)
}

fn i32_of(bytes: &mut &[u8]) -> Result<i32, Fault> {
    front(bytes).map(i32::from_be_bytes).map_err(Fault::custom)
}

/// An array: dimensions, whether it has nulls, the type, lengths and lower bounds, elements.
fn array<'a, V: Visitor<'a>>(
    element: &'a Type,
    mut bytes: &'a [u8],
    visitor: V,
) -> Result<V::Value, Fault> {
    let dimensions = i32_of(&mut bytes)?;
    i32_of(&mut bytes)?;
    i32_of(&mut bytes)?;
    let mut lengths = Vec::new();
    for _ in 0..dimensions {
        lengths.push(usize::try_from(i32_of(&mut bytes)?).map_err(torn)?);
        i32_of(&mut bytes)?;
    }
    let mut elements = Vec::new();
    while !bytes.is_empty() {
        let value = match usize::try_from(i32_of(&mut bytes)?) {
            Err(_) => None,
            Ok(len) => {
                let (value, rest) = bytes.split_at_checked(len).ok_or_else(|| torn(()))?;
                bytes = rest;
                Some(value)
            }
        };
        elements.push(Value { kind: element, bytes: value });
    }
    let inner = lengths.get(1..).unwrap_or_default();
    Slice { elements: &elements, lengths: inner }.deserialize_any(visitor)
}

/// Elements of an array, cut into those of its inner dimensions.
#[derive(Clone, Copy)]
struct Slice<'s, 'a> {
    elements: &'s [Value<'a>],
    /// Of the dimensions within this one.
    lengths: &'s [usize],
}

impl<'a> Deserializer<'a> for Slice<'_, 'a> {
    type Error = Fault;
    fn deserialize_any<V: Visitor<'a>>(self, visitor: V) -> Result<V::Value, Fault> {
        match self.lengths.split_first() {
            None => visitor.visit_seq(SeqDeserializer::new(self.elements.iter().copied())),
            Some((_, lengths)) => {
                let each = self.lengths.iter().product::<usize>().max(1);
                let slices = self.elements.chunks(each);
                visitor.visit_seq(SeqDeserializer::new(
                    slices.map(|elements| Slice { elements, lengths }),
                ))
            }
        }
    }
    forward_to_deserialize_any! {
        <V: Visitor<'a>>
        bool i8 i16 i32 i64 i128 u8 u16 u32 u64 u128 f32 f64 char str string bytes byte_buf option
        unit unit_struct newtype_struct seq tuple tuple_struct map struct enum identifier ignored_any
    }
}

impl<'a> IntoDeserializer<'a, Fault> for Slice<'_, 'a> {
    type Deserializer = Self;
    fn into_deserializer(self) -> Self {
        self
    }
}

impl<'a> Cells<'a> for Row<'a> {
    type Cell = Value<'a>;

    fn count(&self) -> usize {
        self.cells.len()
    }
    fn name(&self, index: usize) -> Option<&'a str> {
        Some(&self.schema.columns[index].name)
    }
    /// All: a query names what it wants.
    fn wanted(self, _: &'static [&'static str]) -> impl Iterator<Item = Result<usize>> {
        (0..self.cells.len()).map(Ok)
    }
    fn missing(&self, name: &str) -> Error {
        self.no_column(name)
    }
    fn cell(&self, index: usize) -> Result<Value<'a>> {
        let kind = &self.schema.columns[index].kind;
        Ok(Value { kind, bytes: self.cells[index].bytes(self.data) })
    }
    fn in_column(&self, error: Error, index: usize) -> Error {
        let column = &self.schema.columns[index];
        Error::row(format!("a value of type {} can't be read so", column.declared))
            .caused_by(error)
            .in_column(column.name.as_str())
    }
}
