//! Finished columns as Arrow arrays.

use super::column::{Bytes, Column, Values};
use arrow_array::types::*;
use arrow_array::*;
use arrow_buffer::{ArrowNativeType, Buffer, NullBuffer, OffsetBuffer, ScalarBuffer};
use arrow_schema::{ArrowError, DataType, Fields, TimeUnit};
use std::sync::Arc;
use trommel::{Error, Result};

impl Column {
    /// The column as an array of its type.
    pub(crate) fn into_array(self) -> Result<ArrayRef> {
        self.into_arrow().map_err(|error| {
            Error::fatal("a column could not be made into an Arrow array").caused_by(error)
        })
    }

    fn into_arrow(self) -> Result<ArrayRef, ArrowError> {
        let kind = self.data_type();
        let Column { values, valid, len, .. } = self;
        let nulls = (!valid.is_empty()).then(|| NullBuffer::from(valid)).filter(|nulls| {
            // A page that was split may have left its nulls to the other part.
            nulls.null_count() > 0
        });
        Ok(match values {
            Values::Unknown => Arc::new(NullArray::new(len)),
            Values::Bool(values) => Arc::new(BooleanArray::new(values.into(), nulls)),
            Values::I8(values) => primitive::<Int8Type>(values, nulls, None),
            Values::I16(values) => primitive::<Int16Type>(values, nulls, None),
            Values::U8(values) => primitive::<UInt8Type>(values, nulls, None),
            Values::U16(values) => primitive::<UInt16Type>(values, nulls, None),
            Values::U32(values) => primitive::<UInt32Type>(values, nulls, None),
            Values::U64(values) => primitive::<UInt64Type>(values, nulls, None),
            Values::F32(values) => primitive::<Float32Type>(values, nulls, None),
            Values::F64(values) => primitive::<Float64Type>(values, nulls, None),
            Values::I32(values, kind) => match kind {
                DataType::Date32 => primitive::<Date32Type>(values, nulls, None),
                DataType::Time32(TimeUnit::Second) => {
                    primitive::<Time32SecondType>(values, nulls, None)
                }
                DataType::Time32(_) => primitive::<Time32MillisecondType>(values, nulls, None),
                _ => primitive::<Int32Type>(values, nulls, None),
            },
            Values::I64(values, kind) => long(values, nulls, kind),
            Values::I128(values, ..) => primitive::<Decimal128Type>(values, nulls, Some(kind)),
            Values::Bytes(bytes, kind) => match kind {
                DataType::Utf8 => byte_strings::<Utf8Type>(bytes, nulls)?,
                DataType::LargeUtf8 => byte_strings::<LargeUtf8Type>(bytes, nulls)?,
                DataType::LargeBinary => byte_strings::<LargeBinaryType>(bytes, nulls)?,
                _ => byte_strings::<BinaryType>(bytes, nulls)?,
            },
            Values::Fixed(data, width) => Arc::new(FixedSizeBinaryArray::try_new(
                width as i32,
                Buffer::from_vec(data),
                nulls,
            )?),
            Values::List(ends, item, _) => {
                let DataType::List(field) = kind else {
                    return Err(ArrowError::SchemaError("a list that is none".into()));
                };
                Arc::new(ListArray::try_new(field, offsets(&ends), item.into_arrow()?, nulls)?)
            }
            Values::Struct(columns) => {
                let DataType::Struct(fields) = kind else {
                    return Err(ArrowError::SchemaError("a struct that is none".into()));
                };
                struct_array(fields, columns.into_iter().map(|(_, column)| column), nulls, len)?
            }
            Values::Map(ends, parts, _) => {
                let DataType::Map(entries, sorted) = kind else {
                    return Err(ArrowError::SchemaError("a map that is none".into()));
                };
                let DataType::Struct(fields) = entries.data_type().clone() else {
                    return Err(ArrowError::SchemaError("a map without entries".into()));
                };
                let count = parts.0.len;
                let columns = [parts.0, parts.1].into_iter();
                let columns = columns.map(Column::into_arrow).collect::<Result<Vec<_>, _>>()?;
                let all = StructArray::try_new_with_length(fields, columns, None, count)?;
                Arc::new(MapArray::try_new(entries, offsets(&ends), all, nulls, sorted)?)
            }
        })
    }
}

fn primitive<T: ArrowPrimitiveType>(
    values: Vec<T::Native>,
    nulls: Option<NullBuffer>,
    kind: Option<DataType>,
) -> ArrayRef {
    let array = PrimitiveArray::<T>::new(ScalarBuffer::from(values), nulls);
    match kind {
        Some(kind) => Arc::new(array.with_data_type(kind)),
        None => Arc::new(array),
    }
}

fn long(values: Vec<i64>, nulls: Option<NullBuffer>, kind: DataType) -> ArrayRef {
    use TimeUnit::{Microsecond, Millisecond, Nanosecond, Second};
    match &kind {
        DataType::Date64 => primitive::<Date64Type>(values, nulls, None),
        DataType::Time64(Microsecond) => primitive::<Time64MicrosecondType>(values, nulls, None),
        DataType::Time64(_) => primitive::<Time64NanosecondType>(values, nulls, None),
        DataType::Timestamp(unit, _) => match unit {
            Second => primitive::<TimestampSecondType>(values, nulls, Some(kind)),
            Millisecond => primitive::<TimestampMillisecondType>(values, nulls, Some(kind)),
            Microsecond => primitive::<TimestampMicrosecondType>(values, nulls, Some(kind)),
            Nanosecond => primitive::<TimestampNanosecondType>(values, nulls, Some(kind)),
        },
        DataType::Duration(unit) => match unit {
            Second => primitive::<DurationSecondType>(values, nulls, None),
            Millisecond => primitive::<DurationMillisecondType>(values, nulls, None),
            Microsecond => primitive::<DurationMicrosecondType>(values, nulls, None),
            Nanosecond => primitive::<DurationNanosecondType>(values, nulls, None),
        },
        _ => primitive::<Int64Type>(values, nulls, None),
    }
}

fn byte_strings<T: ByteArrayType>(
    bytes: Bytes,
    nulls: Option<NullBuffer>,
) -> Result<ArrayRef, ArrowError> {
    let ends = bytes.ends.iter().map(|end| T::Offset::usize_as(*end as usize));
    let offsets: Vec<T::Offset> = std::iter::once(T::Offset::usize_as(0)).chain(ends).collect();
    let offsets = OffsetBuffer::new(ScalarBuffer::from(offsets));
    let array = GenericByteArray::<T>::try_new(offsets, Buffer::from_vec(bytes.data), nulls)?;
    Ok(Arc::new(array))
}

fn offsets(ends: &[i32]) -> OffsetBuffer<i32> {
    OffsetBuffer::new(std::iter::once(0).chain(ends.iter().copied()).collect())
}

fn struct_array(
    fields: Fields,
    columns: impl Iterator<Item = Column>,
    nulls: Option<NullBuffer>,
    len: usize,
) -> Result<ArrayRef, ArrowError> {
    let columns = columns.map(Column::into_arrow).collect::<Result<Vec<_>, _>>()?;
    Ok(Arc::new(StructArray::try_new_with_length(fields, columns, nulls, len)?))
}
