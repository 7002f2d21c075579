//! Column chunks of flat columns: values through a dictionary into compressed pages.
//!
//! The crate's own writer hashes and compares every value with code that knows no types, which took
//! most of the time that a load of narrow integers and short texts had. Here numbers of 16 bits are
//! looked up in a table, wider ones and texts in a hash table that compares words. Nested columns,
//! and types that are rare, go through the crate's writer as before; pages, footer and indexes are
//! the crate's for both.
//!
//! A column begins with a dictionary. If that doesn't pay on the first page, it goes and values lie
//! there as they are; if it grows too large later, pages from then on do.

mod codec;
mod encoder;
mod keys;
mod kind;
mod layout;
mod runs;

pub(super) use codec::Codec;
pub(super) use encoder::Settings;

use arrow_array::ArrayRef;
use arrow_array::types::*;
use arrow_schema::{DataType, TimeUnit};
use bytes::Bytes;
use encoder::Encoder;
use keys::{Narrow, Texts, Wide};
use kind::{Number, Text};
use parquet::column::writer::ColumnCloseResult;
use parquet::errors::Result;
use parquet::schema::types::ColumnDescPtr;

/// A column chunk under construction.
pub(super) trait Chunk: Send {
    /// Appends the values of an array of the column's type.
    fn write(&mut self, array: &ArrayRef) -> Result<()>;

    /// Its bytes, and what the footer says about it; its offsets count from the first byte.
    fn close(self: Box<Self>) -> Result<(Bytes, ColumnCloseResult)>;
}

/// The encoder of a column of this type, if it is one that is encoded here.
pub(super) fn of(
    kind: &DataType,
    descr: &ColumnDescPtr,
    settings: Settings,
) -> Option<Box<dyn Chunk>> {
    macro_rules! chunk {
        ($kind:ty, $keys:ty) => {
            Some(Box::new(Encoder::<$kind, $keys>::new(descr, settings)))
        };
    }
    match kind {
        DataType::Int8 => chunk!(Number<Int8Type>, Narrow<Int8Type>),
        DataType::Int16 => chunk!(Number<Int16Type>, Narrow<Int16Type>),
        DataType::Int32 => chunk!(Number<Int32Type>, Wide<Int32Type>),
        DataType::Int64 => chunk!(Number<Int64Type>, Wide<Int64Type>),
        DataType::UInt8 => chunk!(Number<UInt8Type>, Narrow<UInt8Type>),
        DataType::UInt16 => chunk!(Number<UInt16Type>, Narrow<UInt16Type>),
        DataType::UInt32 => chunk!(Number<UInt32Type>, Wide<UInt32Type>),
        DataType::UInt64 => chunk!(Number<UInt64Type>, Wide<UInt64Type>),
        DataType::Float32 => chunk!(Number<Float32Type>, Wide<Float32Type>),
        DataType::Float64 => chunk!(Number<Float64Type>, Wide<Float64Type>),
        DataType::Date32 => chunk!(Number<Date32Type>, Wide<Date32Type>),
        DataType::Timestamp(TimeUnit::Millisecond, _) => {
            chunk!(Number<TimestampMillisecondType>, Wide<TimestampMillisecondType>)
        }
        DataType::Timestamp(TimeUnit::Microsecond, _) => {
            chunk!(Number<TimestampMicrosecondType>, Wide<TimestampMicrosecondType>)
        }
        DataType::Timestamp(TimeUnit::Nanosecond, _) => {
            chunk!(Number<TimestampNanosecondType>, Wide<TimestampNanosecondType>)
        }
        DataType::Utf8 => chunk!(Text<Utf8Type>, Texts),
        DataType::LargeUtf8 => chunk!(Text<LargeUtf8Type>, Texts),
        DataType::Binary => chunk!(Text<BinaryType>, Texts),
        DataType::LargeBinary => chunk!(Text<LargeBinaryType>, Texts),
        _ => None,
    }
}
