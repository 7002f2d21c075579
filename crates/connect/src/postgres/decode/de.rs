//! Values, and rows of them, as serde asks for them.

use super::batch::{Cell, Schema};
use super::show::{TORN, front, show};
use crate::postgres::types::Type;
use serde::de::value::{Error as Fault, MapDeserializer, SeqDeserializer};
use serde::de::{self, Deserializer, Error as _, IntoDeserializer, Visitor};

/// One value.
#[derive(Debug, Clone, Copy)]
pub(super) struct Value<'a> {
    pub(super) kind: &'a Type,
    /// `None` for null.
    pub(super) bytes: Option<&'a [u8]>,
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

    fn deserialize_seq<V: Visitor<'a>>(self, visitor: V) -> Result<V::Value, Fault> {
        match (self.kind, self.bytes) {
            // `Vec<u8>` is a sequence to serde.
            (Type::Bytea, Some(bytes)) => {
                visitor.visit_seq(SeqDeserializer::new(bytes.iter().copied()))
            }
            _ => self.deserialize_any(visitor),
        }
    }

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
        visitor.visit_enum(self.text()?.into_deserializer())
    }

    serde::forward_to_deserialize_any! {
        <V: Visitor<'a>>
        bool char bytes byte_buf unit unit_struct tuple tuple_struct map struct identifier
        ignored_any
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
    serde::forward_to_deserialize_any! {
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

/// A row as a struct, a map or a tuple.
pub(super) struct Record<'a> {
    pub(super) schema: &'a Schema,
    pub(super) data: &'a [u8],
    pub(super) cells: &'a [Cell],
}

impl<'a> Record<'a> {
    pub(super) fn value(&self, index: usize) -> Value<'a> {
        Value { kind: &self.schema.columns[index].kind, bytes: self.cells[index].bytes(self.data) }
    }

    fn named<V: Visitor<'a>>(self, visitor: V) -> Result<V::Value, Fault> {
        let columns = self.schema.columns.iter().enumerate();
        visitor.visit_map(MapDeserializer::new(
            columns.map(|(index, column)| (column.name.as_str(), self.value(index))),
        ))
    }

    fn placed<V: Visitor<'a>>(self, visitor: V) -> Result<V::Value, Fault> {
        visitor
            .visit_seq(SeqDeserializer::new((0..self.cells.len()).map(|index| self.value(index))))
    }
}

impl<'a> Deserializer<'a> for Record<'a> {
    type Error = Fault;
    fn deserialize_any<V: Visitor<'a>>(self, visitor: V) -> Result<V::Value, Fault> {
        self.named(visitor)
    }
    fn deserialize_seq<V: Visitor<'a>>(self, visitor: V) -> Result<V::Value, Fault> {
        self.placed(visitor)
    }
    fn deserialize_tuple<V: Visitor<'a>>(self, _len: usize, visitor: V) -> Result<V::Value, Fault> {
        self.placed(visitor)
    }
    fn deserialize_tuple_struct<V: Visitor<'a>>(
        self,
        _name: &'static str,
        _len: usize,
        visitor: V,
    ) -> Result<V::Value, Fault> {
        self.placed(visitor)
    }
    fn deserialize_newtype_struct<V: Visitor<'a>>(
        self,
        _name: &'static str,
        visitor: V,
    ) -> Result<V::Value, Fault> {
        visitor.visit_newtype_struct(self)
    }
    serde::forward_to_deserialize_any! {
        <V: Visitor<'a>>
        bool i8 i16 i32 i64 i128 u8 u16 u32 u64 u128 f32 f64 char str string bytes byte_buf option
        unit unit_struct map struct enum identifier ignored_any
    }
}

/// Decodes one value.
pub(super) fn decode<'a, T: de::Deserialize<'a>>(value: Value<'a>) -> Result<T, Fault> {
    T::deserialize(value)
}
