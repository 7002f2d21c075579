//! A row as input of `serde`.

use super::cell::{Cell, FromCell};
use super::cells::Cells;
use super::row::Row;
use super::types::{DATE, DECIMAL, Decimal, TIMESTAMP, Timestamp};
use crate::decode::{self as row, Fault};
use serde::de::value::BorrowedStrDeserializer;
use serde::de::{self, DeserializeSeed, Deserializer, IntoDeserializer, Visitor};
use serde::forward_to_deserialize_any;
use std::ops::Range;
use trommel::{Error, Result};

impl<'a> row::Cells<'a> for Row<'a> {
    type Cell = CellDecoder<'a>;

    fn count(&self) -> usize {
        self.len()
    }
    fn name(&self, index: usize) -> Option<&'a str> {
        Some(self.shape.schema.field(index).name())
    }
    fn wanted(self, fields: &'static [&'static str]) -> impl Iterator<Item = Result<usize>> {
        fields.iter().filter_map(move |name| match self.shape.find(name) {
            Some(column) => Some(Ok(column)),
            // Not as if it were not there, which may be fine with the type.
            None if self.shape.is_ambiguous(name) => Some(self.shape.require(name)),
            None => None,
        })
    }
    fn missing(&self, name: &str) -> Error {
        match self.shape.require(name) {
            Err(error) => error,
            Ok(_) => Error::row("a nested value lacks this field").in_column(name),
        }
    }
    fn cell(&self, index: usize) -> Result<CellDecoder<'a>> {
        Row::cell(self, index).map(CellDecoder)
    }
    fn in_column(&self, error: Error, index: usize) -> Error {
        Row::in_column(self, error, index)
    }
}

pub(crate) struct CellDecoder<'a>(Cell<'a>);

impl<'a> CellDecoder<'a> {
    /// Where the elements of a list or map lie.
    fn range(&self) -> Option<(Range<usize>, &'a Cells)> {
        let Cell { cells, index } = self.0;
        Some(match cells {
            Cells::List(offsets, _, items) => {
                (offsets[index] as usize..offsets[index + 1] as usize, items)
            }
            Cells::LargeList(offsets, _, items) => {
                (offsets[index] as usize..offsets[index + 1] as usize, items)
            }
            Cells::FixedList(width, _, items) => (index * width..(index + 1) * width, items),
            _ => return None,
        })
    }
}

impl<'a> Deserializer<'a> for CellDecoder<'a> {
    type Error = Fault;

    fn deserialize_any<V: Visitor<'a>>(self, visitor: V) -> Result<V::Value, Fault> {
        let cell = self.0.looked_up();
        let Cell { cells, index } = cell;
        if cell.is_null() {
            return visitor.visit_unit();
        }
        match cells {
            Cells::Null => visitor.visit_unit(),
            Cells::Bool(array) => visitor.visit_bool(array.value(index)),
            Cells::I8(array) => visitor.visit_i8(array.value(index)),
            Cells::I16(array) => visitor.visit_i16(array.value(index)),
            Cells::I32(array) => visitor.visit_i32(array.value(index)),
            Cells::I64(array) => visitor.visit_i64(array.value(index)),
            Cells::U8(array) => visitor.visit_u8(array.value(index)),
            Cells::U16(array) => visitor.visit_u16(array.value(index)),
            Cells::U32(array) => visitor.visit_u32(array.value(index)),
            Cells::U64(array) => visitor.visit_u64(array.value(index)),
            Cells::F16(array) => visitor.visit_f32(array.value(index).to_f32()),
            Cells::F32(array) => visitor.visit_f32(array.value(index)),
            Cells::F64(array) => visitor.visit_f64(array.value(index)),
            Cells::Text(_) | Cells::LargeText(_) | Cells::TextView(_) => {
                visitor.visit_borrowed_str(FromCell::from_cell(cell)?)
            }
            Cells::Bytes(_) | Cells::LargeBytes(_) | Cells::BytesView(_) | Cells::Fixed(_) => {
                visitor.visit_borrowed_bytes(FromCell::from_cell(cell)?)
            }
            Cells::Date(array) => visitor.visit_i32(array.value(index)),
            Cells::Instant(array, _) | Cells::Ticks(array) => visitor.visit_i64(array.value(index)),
            Cells::Decimal(..) => visitor.visit_string(Decimal::from_cell(cell)?.to_string()),
            Cells::List(..) | Cells::LargeList(..) | Cells::FixedList(..) => {
                self.deserialize_seq(visitor)
            }
            Cells::Struct(fields, _) => visitor.visit_map(Fields { fields, index, next: 0 }),
            Cells::Map(offsets, _, parts) => visitor.visit_map(Entries {
                parts,
                range: offsets[index] as usize..offsets[index + 1] as usize,
                current: 0,
            }),
            Cells::Dictionary(..) | Cells::Other(_) => {
                Err(cell.is_not("one that rows can read: use whole columns (`columnar`)").into())
            }
        }
    }

    fn deserialize_option<V: Visitor<'a>>(self, visitor: V) -> Result<V::Value, Fault> {
        match self.0.is_null() {
            true => visitor.visit_none(),
            false => visitor.visit_some(self),
        }
    }

    fn deserialize_seq<V: Visitor<'a>>(self, visitor: V) -> Result<V::Value, Fault> {
        match (self.0.is_null(), self.range()) {
            (false, Some((range, items))) => visitor.visit_seq(Items { items, range }),
            // A `Vec<u8>` is a sequence to serde; bytes are what it most likely comes from.
            (false, None) => match <&[u8]>::from_cell(self.0) {
                Ok(bytes) => {
                    visitor.visit_seq(de::value::SeqDeserializer::new(bytes.iter().copied()))
                }
                Err(_) => Err(self.0.is_not("a list").into()),
            },
            (true, _) => Err(self.0.is_not("a list").into()),
        }
    }

    fn deserialize_tuple<V: Visitor<'a>>(self, _: usize, visitor: V) -> Result<V::Value, Fault> {
        self.deserialize_seq(visitor)
    }

    fn deserialize_tuple_struct<V: Visitor<'a>>(
        self,
        _: &'static str,
        _: usize,
        visitor: V,
    ) -> Result<V::Value, Fault> {
        self.deserialize_seq(visitor)
    }

    fn deserialize_f64<V: Visitor<'a>>(self, visitor: V) -> Result<V::Value, Fault> {
        visitor.visit_f64(f64::from_cell(self.0)?)
    }

    fn deserialize_i128<V: Visitor<'a>>(self, visitor: V) -> Result<V::Value, Fault> {
        visitor.visit_i128(i128::from_cell(self.0)?)
    }

    fn deserialize_u128<V: Visitor<'a>>(self, visitor: V) -> Result<V::Value, Fault> {
        visitor.visit_u128(u128::from_cell(self.0)?)
    }

    fn deserialize_bytes<V: Visitor<'a>>(self, visitor: V) -> Result<V::Value, Fault> {
        visitor.visit_borrowed_bytes(FromCell::from_cell(self.0)?)
    }

    fn deserialize_byte_buf<V: Visitor<'a>>(self, visitor: V) -> Result<V::Value, Fault> {
        self.deserialize_bytes(visitor)
    }

    fn deserialize_newtype_struct<V: Visitor<'a>>(
        self,
        name: &'static str,
        visitor: V,
    ) -> Result<V::Value, Fault> {
        match name {
            DATE => match self.0.cells {
                Cells::Date(_) if !self.0.is_null() => visitor.visit_newtype_struct(self),
                _ => Err(self.0.is_not("a date").into()),
            },
            TIMESTAMP => visitor.visit_i64(Timestamp::from_cell(self.0)?.0),
            DECIMAL => visitor.visit_str(&Decimal::from_cell(self.0)?.to_string()),
            _ => visitor.visit_newtype_struct(self),
        }
    }

    /// A variant without fields, by its name.
    fn deserialize_enum<V: Visitor<'a>>(
        self,
        _: &'static str,
        _: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, Fault> {
        visitor.visit_enum(<&str>::from_cell(self.0)?.into_deserializer())
    }

    fn deserialize_ignored_any<V: Visitor<'a>>(self, visitor: V) -> Result<V::Value, Fault> {
        visitor.visit_unit()
    }

    forward_to_deserialize_any! {
        <W: Visitor<'a>> bool char str string i8 i16 i32 i64 u8 u16 u32 u64 f32
        unit unit_struct map struct identifier
    }
}

/// The elements of a list.
struct Items<'a> {
    items: &'a Cells,
    range: Range<usize>,
}

impl<'a> de::SeqAccess<'a> for Items<'a> {
    type Error = Fault;
    fn next_element_seed<T: DeserializeSeed<'a>>(
        &mut self,
        seed: T,
    ) -> Result<Option<T::Value>, Fault> {
        let Some(index) = self.range.next() else {
            return Ok(None);
        };
        seed.deserialize(CellDecoder(Cell { cells: self.items, index })).map(Some)
    }
    fn size_hint(&self) -> Option<usize> {
        Some(self.range.len())
    }
}

/// The fields of a struct.
struct Fields<'a> {
    fields: &'a [(Box<str>, Cells)],
    index: usize,
    next: usize,
}

impl<'a> de::MapAccess<'a> for Fields<'a> {
    type Error = Fault;
    fn next_key_seed<K: DeserializeSeed<'a>>(
        &mut self,
        seed: K,
    ) -> Result<Option<K::Value>, Fault> {
        let Some((name, _)) = self.fields.get(self.next) else {
            return Ok(None);
        };
        self.next += 1;
        seed.deserialize(BorrowedStrDeserializer::new(name)).map(Some)
    }
    fn next_value_seed<V: DeserializeSeed<'a>>(&mut self, seed: V) -> Result<V::Value, Fault> {
        let (_, cells) = &self.fields[self.next - 1];
        seed.deserialize(CellDecoder(Cell { cells, index: self.index }))
    }
}

/// The entries of a map.
struct Entries<'a> {
    parts: &'a (Cells, Cells),
    range: Range<usize>,
    current: usize,
}

impl<'a> de::MapAccess<'a> for Entries<'a> {
    type Error = Fault;
    fn next_key_seed<K: DeserializeSeed<'a>>(
        &mut self,
        seed: K,
    ) -> Result<Option<K::Value>, Fault> {
        let Some(index) = self.range.next() else {
            return Ok(None);
        };
        self.current = index;
        seed.deserialize(CellDecoder(Cell { cells: &self.parts.0, index })).map(Some)
    }
    fn next_value_seed<V: DeserializeSeed<'a>>(&mut self, seed: V) -> Result<V::Value, Fault> {
        seed.deserialize(CellDecoder(Cell { cells: &self.parts.1, index: self.current }))
    }
}
