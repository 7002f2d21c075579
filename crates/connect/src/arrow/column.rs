//! Columns under construction: plain vectors that learn their type from the first value.

use arrow_schema::{DataType, Field, Fields};
use std::sync::Arc;
use trommel::{Error, Result};

/// One column of a page, or a part of a nested one.
#[derive(Debug, Clone)]
pub(crate) struct Column {
    pub(super) values: Values,
    /// One entry a row, or none at all while there is no null.
    pub(super) valid: Vec<bool>,
    pub(super) len: usize,
    pub(super) nullable: bool,
}

/// A column and what it is called.
pub(crate) type Named = (Box<str>, Column);

/// Values by how they lie in memory; the data type says what they mean.
#[derive(Debug, Clone)]
pub(super) enum Values {
    /// Nothing but nulls so far.
    Unknown,
    Bool(Vec<bool>),
    I8(Vec<i8>),
    I16(Vec<i16>),
    I32(Vec<i32>, DataType),
    I64(Vec<i64>, DataType),
    U8(Vec<u8>),
    U16(Vec<u16>),
    U32(Vec<u32>),
    U64(Vec<u64>),
    F32(Vec<f32>),
    F64(Vec<f64>),
    I128(Vec<i128>, u8, i8),
    Bytes(Bytes, DataType),
    Fixed(Vec<u8>, usize),
    List(Vec<i32>, Box<Column>, Arc<Field>),
    Struct(Vec<(Arc<str>, Column)>),
    /// Offsets, keys and values.
    Map(Vec<i32>, Box<(Column, Column)>, Option<DataType>),
}

/// Texts or byte strings, end to end; `ends[i]` is where value `i` ends.
#[derive(Debug, Clone, Default)]
pub(super) struct Bytes {
    pub(super) ends: Vec<i32>,
    pub(super) data: Vec<u8>,
}

impl Bytes {
    fn end(&self, len: usize) -> usize {
        end(&self.ends, len)
    }
}

/// Where the first `len` values end.
fn end(ends: &[i32], len: usize) -> usize {
    len.checked_sub(1).map_or(0, |last| ends[last] as usize)
}

impl Default for Column {
    fn default() -> Self {
        Column { values: Values::Unknown, valid: Vec::new(), len: 0, nullable: true }
    }
}

impl Column {
    /// An empty column of a given type.
    pub(crate) fn of(field: &Field) -> Result<Self> {
        let values = match field.data_type() {
            DataType::Null => Values::Unknown,
            DataType::Boolean => Values::Bool(Vec::new()),
            DataType::Int8 => Values::I8(Vec::new()),
            DataType::Int16 => Values::I16(Vec::new()),
            kind @ (DataType::Int32 | DataType::Date32 | DataType::Time32(_)) => {
                Values::I32(Vec::new(), kind.clone())
            }
            kind @ (DataType::Int64
            | DataType::Date64
            | DataType::Time64(_)
            | DataType::Timestamp(..)
            | DataType::Duration(_)) => Values::I64(Vec::new(), kind.clone()),
            DataType::UInt8 => Values::U8(Vec::new()),
            DataType::UInt16 => Values::U16(Vec::new()),
            DataType::UInt32 => Values::U32(Vec::new()),
            DataType::UInt64 => Values::U64(Vec::new()),
            DataType::Float32 => Values::F32(Vec::new()),
            DataType::Float64 => Values::F64(Vec::new()),
            DataType::Decimal128(precision, scale) => Values::I128(Vec::new(), *precision, *scale),
            kind @ (DataType::Utf8
            | DataType::LargeUtf8
            | DataType::Binary
            | DataType::LargeBinary) => Values::Bytes(Bytes::default(), kind.clone()),
            DataType::FixedSizeBinary(width) if *width > 0 => {
                Values::Fixed(Vec::new(), *width as usize)
            }
            DataType::List(item) => {
                Values::List(Vec::new(), Box::new(Column::of(item)?), Arc::clone(item))
            }
            DataType::Struct(fields) => Values::Struct(
                fields
                    .iter()
                    .map(|field| Ok((Arc::from(field.name().as_str()), Column::of(field)?)))
                    .collect::<Result<_>>()?,
            ),
            kind @ DataType::Map(entries, _) => match entries.data_type() {
                DataType::Struct(fields) if fields.len() == 2 => {
                    let parts = (Column::of(&fields[0])?, Column::of(&fields[1])?);
                    Values::Map(Vec::new(), Box::new(parts), Some(kind.clone()))
                }
                _ => return Err(unwritable(field)),
            },
            _ => return Err(unwritable(field)),
        };
        Ok(Column { values, nullable: field.is_nullable(), ..Column::default() })
    }

    /// A column of nulls.
    pub(crate) fn nulls(rows: usize) -> Self {
        Column { valid: vec![false; rows], len: rows, ..Column::default() }
    }

    /// Number of rows.
    pub(crate) fn len(&self) -> usize {
        self.len
    }

    /// What it has been declared as or has learnt to be; `Null` while there has been no value.
    pub(crate) fn data_type(&self) -> DataType {
        match &self.values {
            Values::Unknown => DataType::Null,
            Values::Bool(_) => DataType::Boolean,
            Values::I8(_) => DataType::Int8,
            Values::I16(_) => DataType::Int16,
            Values::I32(_, kind) | Values::I64(_, kind) | Values::Bytes(_, kind) => kind.clone(),
            Values::U8(_) => DataType::UInt8,
            Values::U16(_) => DataType::UInt16,
            Values::U32(_) => DataType::UInt32,
            Values::U64(_) => DataType::UInt64,
            Values::F32(_) => DataType::Float32,
            Values::F64(_) => DataType::Float64,
            Values::I128(_, precision, scale) => DataType::Decimal128(*precision, *scale),
            Values::Fixed(_, width) => DataType::FixedSizeBinary(*width as i32),
            Values::List(_, item, field) => DataType::List(Arc::new(
                Field::new(field.name(), item.data_type(), item.nullable)
                    .with_metadata(field.metadata().clone()),
            )),
            Values::Struct(fields) => DataType::Struct(
                fields
                    .iter()
                    .map(|(name, column)| Field::new(&**name, column.data_type(), column.nullable))
                    .collect(),
            ),
            Values::Map(_, _, Some(kind)) => kind.clone(),
            Values::Map(_, parts, None) => DataType::Map(
                Arc::new(Field::new(
                    "entries",
                    DataType::Struct(Fields::from(vec![
                        Field::new("keys", parts.0.data_type(), false),
                        Field::new("values", parts.1.data_type(), true),
                    ])),
                    false,
                )),
                false,
            ),
        }
    }

    #[inline]
    pub(super) fn pushed(&mut self) {
        self.len += 1;
        if !self.valid.is_empty() {
            self.valid.push(true);
        }
    }

    /// Appends a null.
    pub(super) fn push_null(&mut self) -> Result<()> {
        if !self.nullable {
            return Err(Error::row(
                "null, or no value, for a column that the schema says is never null",
            ));
        }
        self.push_filler();
        Ok(())
    }

    /// Appends a null, also where none may be seen: below one.
    fn push_filler(&mut self) {
        if self.valid.is_empty() {
            self.valid.resize(self.len, true);
        }
        self.valid.push(false);
        self.len += 1;
        match &mut self.values {
            Values::Unknown => {}
            Values::Bool(values) => values.push(false),
            Values::I8(values) => values.push(0),
            Values::I16(values) => values.push(0),
            Values::I32(values, _) => values.push(0),
            Values::I64(values, _) => values.push(0),
            Values::U8(values) => values.push(0),
            Values::U16(values) => values.push(0),
            Values::U32(values) => values.push(0),
            Values::U64(values) => values.push(0),
            Values::F32(values) => values.push(0.0),
            Values::F64(values) => values.push(0.0),
            Values::I128(values, ..) => values.push(0),
            Values::Bytes(bytes, _) => bytes.ends.push(bytes.data.len() as i32),
            Values::Fixed(data, width) => data.resize(data.len() + *width, 0),
            Values::List(ends, ..) | Values::Map(ends, ..) => {
                ends.push(ends.last().copied().unwrap_or(0));
            }
            Values::Struct(fields) => {
                fields.iter_mut().for_each(|(_, column)| column.push_filler());
            }
        }
    }

    /// Gives a column of unknown type the type of `field`, with nulls for the rows so far.
    pub(super) fn become_type(&mut self, field: &Field) -> Result<()> {
        let mut known = Column::of(field)?;
        for _ in 0..self.len {
            known.push_filler();
        }
        known.nullable = self.nullable && field.is_nullable();
        *self = known;
        Ok(())
    }

    /// Takes the values from row `at` on, which go.
    pub(crate) fn split_off(&mut self, at: usize) -> Column {
        let valid = match self.valid.is_empty() {
            true => Vec::new(),
            false => self.valid.split_off(at),
        };
        let tail = |ends: &mut Vec<i32>| {
            let base = end(ends, at) as i32;
            let mut tail = ends.split_off(at);
            tail.iter_mut().for_each(|end| *end -= base);
            (tail, base as usize)
        };
        let values = match &mut self.values {
            Values::Unknown => Values::Unknown,
            Values::Bool(values) => Values::Bool(values.split_off(at)),
            Values::I8(values) => Values::I8(values.split_off(at)),
            Values::I16(values) => Values::I16(values.split_off(at)),
            Values::I32(values, kind) => Values::I32(values.split_off(at), kind.clone()),
            Values::I64(values, kind) => Values::I64(values.split_off(at), kind.clone()),
            Values::U8(values) => Values::U8(values.split_off(at)),
            Values::U16(values) => Values::U16(values.split_off(at)),
            Values::U32(values) => Values::U32(values.split_off(at)),
            Values::U64(values) => Values::U64(values.split_off(at)),
            Values::F32(values) => Values::F32(values.split_off(at)),
            Values::F64(values) => Values::F64(values.split_off(at)),
            Values::I128(values, precision, scale) => {
                Values::I128(values.split_off(at), *precision, *scale)
            }
            Values::Bytes(bytes, kind) => {
                let (ends, base) = tail(&mut bytes.ends);
                Values::Bytes(Bytes { ends, data: bytes.data.split_off(base) }, kind.clone())
            }
            Values::Fixed(data, width) => Values::Fixed(data.split_off(at * *width), *width),
            Values::List(ends, item, field) => {
                let (ends, base) = tail(ends);
                Values::List(ends, Box::new(item.split_off(base)), Arc::clone(field))
            }
            Values::Struct(fields) => Values::Struct(
                fields
                    .iter_mut()
                    .map(|(name, column)| (Arc::clone(name), column.split_off(at)))
                    .collect(),
            ),
            Values::Map(ends, parts, kind) => {
                let (ends, base) = tail(ends);
                let parts = (parts.0.split_off(base), parts.1.split_off(base));
                Values::Map(ends, Box::new(parts), kind.clone())
            }
        };
        let column = Column { values, valid, len: self.len - at, nullable: self.nullable };
        self.len = at;
        column
    }

    /// Drops the rows from `len` on, if there are so many.
    pub(super) fn truncate(&mut self, len: usize) {
        if len >= self.len {
            // A value that was refused half-way may have left parts behind.
            self.trim();
            return;
        }
        self.len = len;
        self.trim();
    }

    /// Drops what is beyond `len`.
    fn trim(&mut self) {
        let len = self.len;
        self.valid.truncate(len);
        match &mut self.values {
            Values::Unknown => {}
            Values::Bool(values) => values.truncate(len),
            Values::I8(values) => values.truncate(len),
            Values::I16(values) => values.truncate(len),
            Values::I32(values, _) => values.truncate(len),
            Values::I64(values, _) => values.truncate(len),
            Values::U8(values) => values.truncate(len),
            Values::U16(values) => values.truncate(len),
            Values::U32(values) => values.truncate(len),
            Values::U64(values) => values.truncate(len),
            Values::F32(values) => values.truncate(len),
            Values::F64(values) => values.truncate(len),
            Values::I128(values, ..) => values.truncate(len),
            Values::Bytes(bytes, _) => {
                bytes.ends.truncate(len);
                bytes.data.truncate(bytes.end(len));
            }
            Values::Fixed(data, width) => data.truncate(len * *width),
            Values::List(ends, item, _) => {
                ends.truncate(len);
                item.truncate(end(ends, len));
            }
            Values::Struct(fields) => {
                fields.iter_mut().for_each(|(_, column)| column.truncate(len));
            }
            Values::Map(ends, parts, _) => {
                ends.truncate(len);
                parts.0.truncate(end(ends, len));
                parts.1.truncate(end(ends, len));
            }
        }
    }

    /// Makes room for `rows` more rows.
    pub(super) fn reserve(&mut self, rows: usize) {
        match &mut self.values {
            Values::Bool(values) => values.reserve(rows),
            Values::I8(values) => values.reserve(rows),
            Values::I16(values) => values.reserve(rows),
            Values::I32(values, _) => values.reserve(rows),
            Values::I64(values, _) => values.reserve(rows),
            Values::U8(values) => values.reserve(rows),
            Values::U16(values) => values.reserve(rows),
            Values::U32(values) => values.reserve(rows),
            Values::U64(values) => values.reserve(rows),
            Values::F32(values) => values.reserve(rows),
            Values::F64(values) => values.reserve(rows),
            Values::I128(values, ..) => values.reserve(rows),
            Values::Bytes(bytes, _) => {
                bytes.ends.reserve(rows);
                bytes.data.reserve(rows * 8);
            }
            Values::List(ends, ..) | Values::Map(ends, ..) => ends.reserve(rows),
            Values::Struct(fields) => {
                fields.iter_mut().for_each(|(_, column)| column.reserve(rows));
            }
            Values::Unknown | Values::Fixed(..) => {}
        }
    }

    /// Bytes that a row takes whatever its values; texts, bytes and lists come on top.
    pub(super) fn width(&self) -> usize {
        match &self.values {
            Values::Unknown => 1,
            Values::Bool(_) | Values::I8(_) | Values::U8(_) => 1,
            Values::I16(_) | Values::U16(_) => 2,
            Values::I32(..) | Values::U32(_) | Values::F32(_) | Values::Bytes(..) => 4,
            Values::I64(..) | Values::U64(_) | Values::F64(_) => 8,
            Values::I128(..) => 16,
            Values::Fixed(_, width) => *width,
            Values::List(..) | Values::Map(..) => 4,
            Values::Struct(fields) => fields.iter().map(|(_, column)| column.width()).sum(),
        }
    }

    /// Bytes beside [`width`](Self::width).
    pub(super) fn variable_bytes(&self) -> usize {
        let below = |column: &Column| column.len * column.width() + column.variable_bytes();
        match &self.values {
            Values::Bytes(bytes, _) => bytes.data.len(),
            Values::List(_, item, _) => below(item),
            Values::Map(_, parts, _) => below(&parts.0) + below(&parts.1),
            Values::Struct(fields) => {
                fields.iter().map(|(_, column)| column.variable_bytes()).sum()
            }
            _ => 0,
        }
    }
}

fn unwritable(field: &Field) -> Error {
    Error::config(format!(
        "schema: records can't be written as {}: emit record batches (`columnar`), or choose \
         another type",
        field.data_type()
    ))
    .in_column(field.name().as_str())
}
