//! One field of a record, as serde hands it over, becomes one value of a column.

use super::column::{Column, Values};
use super::single::Single;
use super::types::{DATE, DECIMAL, TIMESTAMP};
use crate::encode::{Fault, push, sequence};
use arrow_schema::{DataType, Field};
use serde::Serialize;
use serde::ser::{self, Impossible};
use std::sync::Arc;
use trommel::{Error, Result};

/// Appends one value to a column. Counts the bytes that it takes beside the column's width.
pub(super) struct ValueSerializer<'c> {
    pub(super) column: &'c mut Column,
    pub(super) bytes: &'c mut usize,
}

macro_rules! integers {
    ($($method:ident: $type:ty, $natural:ident, $variant:pat => $values:ident;)*) => {$(
        #[inline]
        fn $method(self, number: $type) -> Result<(), Fault> {
            if let $variant = &mut self.column.values {
                $values.push(number);
                self.column.pushed();
                return Ok(());
            }
            Ok(self.column.push_integer(number.into(), DataType::$natural)?)
        }
    )*};
}

impl<'c> ser::Serializer for ValueSerializer<'c> {
    type Ok = ();
    type Error = Fault;
    type SerializeSeq = ListSerializer<'c>;
    type SerializeTuple = ListSerializer<'c>;
    type SerializeTupleStruct = ListSerializer<'c>;
    type SerializeTupleVariant = Impossible<(), Fault>;
    type SerializeMap = MapSerializer<'c>;
    type SerializeStruct = StructSerializer<'c>;
    type SerializeStructVariant = Impossible<(), Fault>;

    integers! {
        serialize_i8: i8, Int8, Values::I8(values) => values;
        serialize_i16: i16, Int16, Values::I16(values) => values;
        serialize_i32: i32, Int32, Values::I32(values, _) => values;
        serialize_i64: i64, Int64, Values::I64(values, _) => values;
        serialize_u8: u8, UInt8, Values::U8(values) => values;
        serialize_u16: u16, UInt16, Values::U16(values) => values;
        serialize_u32: u32, UInt32, Values::U32(values) => values;
        serialize_u64: u64, UInt64, Values::U64(values) => values;
    }

    fn serialize_i128(self, number: i128) -> Result<(), Fault> {
        Ok(self.column.push_integer(number, DataType::Decimal128(38, 0))?)
    }
    fn serialize_u128(self, number: u128) -> Result<(), Fault> {
        let number = i128::try_from(number).map_err(|_| Error::row("number out of range"))?;
        self.serialize_i128(number)
    }
    fn serialize_bool(self, value: bool) -> Result<(), Fault> {
        self.column.learn(|| DataType::Boolean)?;
        let Values::Bool(values) = &mut self.column.values else {
            return Err(self.column.mismatch("a boolean").into());
        };
        values.push(value);
        self.column.pushed();
        Ok(())
    }
    #[inline]
    fn serialize_f64(self, number: f64) -> Result<(), Fault> {
        if let Values::F64(values) = &mut self.column.values {
            values.push(number);
            self.column.pushed();
            return Ok(());
        }
        Ok(self.column.push_float(number, DataType::Float64)?)
    }
    fn serialize_f32(self, number: f32) -> Result<(), Fault> {
        if let Values::F32(values) = &mut self.column.values {
            values.push(number);
            self.column.pushed();
            return Ok(());
        }
        Ok(self.column.push_float(number.into(), DataType::Float32)?)
    }
    fn serialize_char(self, character: char) -> Result<(), Fault> {
        self.serialize_str(character.encode_utf8(&mut [0; 4]))
    }
    #[inline]
    fn serialize_str(self, text: &str) -> Result<(), Fault> {
        if let Values::Bytes(bytes, DataType::Utf8) = &mut self.column.values {
            *self.bytes += text.len();
            bytes.push(text.as_bytes())?;
            self.column.pushed();
            return Ok(());
        }
        if self.column.push_moment(text)? {
            return Ok(());
        }
        *self.bytes += text.len();
        Ok(self.column.push_other_bytes(text.as_bytes(), DataType::Utf8)?)
    }
    fn serialize_bytes(self, bytes: &[u8]) -> Result<(), Fault> {
        *self.bytes += bytes.len();
        Ok(self.column.push_other_bytes(bytes, DataType::Binary)?)
    }
    #[inline]
    fn serialize_none(self) -> Result<(), Fault> {
        Ok(self.column.push_null()?)
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
        name: &'static str,
        value: &T,
    ) -> Result<(), Fault> {
        match name {
            DATE => {
                self.column.learn(|| DataType::Date32)?;
                match &self.column.values {
                    Values::I32(_, DataType::Date32) => value.serialize(self),
                    _ => Err(self.column.mismatch("a date").into()),
                }
            }
            TIMESTAMP | DECIMAL => Ok(push(&mut Single(self.column), value)?),
            _ => value.serialize(self),
        }
    }
    fn serialize_newtype_variant<T: Serialize + ?Sized>(
        self,
        name: &'static str,
        _index: u32,
        variant: &'static str,
        _value: &T,
    ) -> Result<(), Fault> {
        Err(no_enum(name, variant))
    }
    fn serialize_seq(self, _len: Option<usize>) -> Result<ListSerializer<'c>, Fault> {
        let ValueSerializer { column, bytes } = self;
        column.learn(|| DataType::List(Arc::new(Field::new("item", DataType::Null, true))))?;
        match column.values {
            Values::List(..) => Ok(ListSerializer { column, bytes }),
            _ => Err(column.mismatch("a list").into()),
        }
    }
    fn serialize_tuple(self, len: usize) -> Result<ListSerializer<'c>, Fault> {
        self.serialize_seq(Some(len))
    }
    fn serialize_tuple_struct(
        self,
        _name: &'static str,
        len: usize,
    ) -> Result<ListSerializer<'c>, Fault> {
        self.serialize_seq(Some(len))
    }
    fn serialize_tuple_variant(
        self,
        name: &'static str,
        _index: u32,
        variant: &'static str,
        _len: usize,
    ) -> Result<Self::SerializeTupleVariant, Fault> {
        Err(no_enum(name, variant))
    }
    fn serialize_map(self, _len: Option<usize>) -> Result<MapSerializer<'c>, Fault> {
        let ValueSerializer { column, bytes } = self;
        if matches!(column.values, Values::Unknown) {
            let mut parts = Box::new((Column::default(), Column::default()));
            parts.0.nullable = false;
            column.values = Values::Map(vec![0; column.len], parts, None);
        }
        match column.values {
            Values::Map(..) => Ok(MapSerializer { column, bytes }),
            _ => Err(column.mismatch("a map").into()),
        }
    }
    fn serialize_struct(
        self,
        _name: &'static str,
        _len: usize,
    ) -> Result<StructSerializer<'c>, Fault> {
        let ValueSerializer { column, bytes } = self;
        column.learn(|| DataType::Struct(Default::default()))?;
        match column.values {
            Values::Struct(_) => Ok(StructSerializer { column, bytes, next: 0 }),
            _ => Err(column.mismatch("a struct").into()),
        }
    }
    fn serialize_struct_variant(
        self,
        name: &'static str,
        _index: u32,
        variant: &'static str,
        _len: usize,
    ) -> Result<Self::SerializeStructVariant, Fault> {
        Err(no_enum(name, variant))
    }
}

#[cold]
fn no_enum(name: &str, variant: &str) -> Fault {
    Error::row(format!(
        "`{name}::{variant}` has no column type: an enum with fields needs `#[serde(untagged)]`, or \
         a struct in its place"
    ))
    .into()
}

/// A list under construction.
pub(super) struct ListSerializer<'c> {
    column: &'c mut Column,
    bytes: &'c mut usize,
}

impl ListSerializer<'_> {
    fn push<T: Serialize + ?Sized>(&mut self, value: &T) -> Result<(), Fault> {
        let Values::List(_, item, _) = &mut self.column.values else {
            return Err(self.column.mismatch("a list").into());
        };
        *self.bytes += item.width();
        value.serialize(ValueSerializer { column: item, bytes: self.bytes })
    }

    fn finish(self) -> Result<(), Fault> {
        if let Values::List(ends, item, _) = &mut self.column.values {
            ends.push(end_of(item)?);
        }
        self.column.pushed();
        Ok(())
    }
}

fn end_of(item: &Column) -> Result<i32> {
    item.len
        .try_into()
        .map_err(|_| Error::row("more than 2^31 list elements in one batch: lower the batch size"))
}

sequence!(ListSerializer<'_>: push, finish);

/// A map under construction.
pub(super) struct MapSerializer<'c> {
    column: &'c mut Column,
    bytes: &'c mut usize,
}

impl ser::SerializeMap for MapSerializer<'_> {
    type Ok = ();
    type Error = Fault;
    fn serialize_key<T: Serialize + ?Sized>(&mut self, key: &T) -> Result<(), Fault> {
        let Values::Map(_, parts, _) = &mut self.column.values else {
            return Err(self.column.mismatch("a map").into());
        };
        *self.bytes += parts.0.width();
        key.serialize(ValueSerializer { column: &mut parts.0, bytes: self.bytes })
    }
    fn serialize_value<T: Serialize + ?Sized>(&mut self, value: &T) -> Result<(), Fault> {
        let Values::Map(_, parts, _) = &mut self.column.values else {
            return Err(self.column.mismatch("a map").into());
        };
        *self.bytes += parts.1.width();
        value.serialize(ValueSerializer { column: &mut parts.1, bytes: self.bytes })
    }
    fn end(self) -> Result<(), Fault> {
        if let Values::Map(ends, parts, _) = &mut self.column.values {
            ends.push(end_of(&parts.0)?);
        }
        self.column.pushed();
        Ok(())
    }
}

/// A nested record under construction.
pub(super) struct StructSerializer<'c> {
    column: &'c mut Column,
    bytes: &'c mut usize,
    /// The field that most likely comes next.
    next: usize,
}

impl ser::SerializeStruct for StructSerializer<'_> {
    type Ok = ();
    type Error = Fault;
    fn serialize_field<T: Serialize + ?Sized>(
        &mut self,
        name: &'static str,
        value: &T,
    ) -> Result<(), Fault> {
        let rows = self.column.len;
        let Values::Struct(fields) = &mut self.column.values else {
            return Err(self.column.mismatch("a struct").into());
        };
        let at = match fields.get(self.next) {
            Some((expected, _)) if **expected == *name => self.next,
            _ => match fields.iter().position(|(known, _)| **known == *name) {
                Some(at) => at,
                None => {
                    fields.push((name.into(), Column::nulls(rows)));
                    fields.len() - 1
                }
            },
        };
        self.next = at + 1;
        let column = &mut fields[at].1;
        value
            .serialize(ValueSerializer { column, bytes: self.bytes })
            .map_err(|fault| Error::from(fault).in_column(name).into())
    }
    fn end(self) -> Result<(), Fault> {
        let rows = self.column.len + 1;
        if let Values::Struct(fields) = &mut self.column.values {
            for (name, column) in fields {
                if column.len < rows {
                    column.push_null().map_err(|error| error.in_column(&**name))?;
                }
            }
        }
        self.column.pushed();
        Ok(())
    }
}
