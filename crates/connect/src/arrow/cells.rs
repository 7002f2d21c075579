//! Columns of a record batch, told apart once so that reading a value is a match and an index.

use arrow_array::cast::AsArray;
use arrow_array::types::*;
use arrow_array::*;
use arrow_buffer::{NullBuffer, OffsetBuffer};
use arrow_schema::{DataType, TimeUnit};

/// A column, or the inside of a nested one.
#[derive(Debug)]
pub(crate) enum Cells {
    Null,
    Bool(BooleanArray),
    I8(Int8Array),
    I16(Int16Array),
    I32(Int32Array),
    I64(Int64Array),
    U8(UInt8Array),
    U16(UInt16Array),
    U32(UInt32Array),
    U64(UInt64Array),
    F16(Float16Array),
    F32(Float32Array),
    F64(Float64Array),
    Text(StringArray),
    LargeText(LargeStringArray),
    TextView(StringViewArray),
    Bytes(BinaryArray),
    LargeBytes(LargeBinaryArray),
    BytesView(BinaryViewArray),
    Fixed(FixedSizeBinaryArray),
    Date(Date32Array),
    /// Ticks since the epoch.
    Instant(Int64Array, TimeUnit),
    /// Ticks of a time of day or a duration.
    Ticks(Int64Array),
    Decimal(Decimal128Array, i8),
    List(OffsetBuffer<i32>, Option<NullBuffer>, Box<Cells>),
    LargeList(OffsetBuffer<i64>, Option<NullBuffer>, Box<Cells>),
    FixedList(usize, Option<NullBuffer>, Box<Cells>),
    Struct(Vec<(Box<str>, Cells)>, Option<NullBuffer>),
    Map(OffsetBuffer<i32>, Option<NullBuffer>, Box<(Cells, Cells)>),
    Dictionary(Vec<usize>, Option<NullBuffer>, Box<Cells>),
    /// What only whole-column access can read.
    Other(ArrayRef),
}

impl Cells {
    pub(crate) fn new(array: &ArrayRef) -> Self {
        use TimeUnit::{Microsecond, Millisecond, Nanosecond, Second};
        macro_rules! primitive {
            ($type:ty) => {
                numbers::<$type>(array)
            };
        }
        macro_rules! ticks {
            ($type:ty) => {
                array.as_primitive::<$type>().reinterpret_cast::<Int64Type>()
            };
        }
        let widen = |array: Int32Array| array.unary::<_, Int64Type>(i64::from);
        let nulls = array.nulls().cloned();
        match array.data_type() {
            DataType::Null => Cells::Null,
            DataType::Boolean => Cells::Bool(array.as_boolean().clone()),
            DataType::Int8 => Cells::I8(primitive!(Int8Type)),
            DataType::Int16 => Cells::I16(primitive!(Int16Type)),
            DataType::Int32 => Cells::I32(primitive!(Int32Type)),
            DataType::Int64 => Cells::I64(primitive!(Int64Type)),
            DataType::UInt8 => Cells::U8(primitive!(UInt8Type)),
            DataType::UInt16 => Cells::U16(primitive!(UInt16Type)),
            DataType::UInt32 => Cells::U32(primitive!(UInt32Type)),
            DataType::UInt64 => Cells::U64(primitive!(UInt64Type)),
            DataType::Float16 => Cells::F16(primitive!(Float16Type)),
            DataType::Float32 => Cells::F32(primitive!(Float32Type)),
            DataType::Float64 => Cells::F64(primitive!(Float64Type)),
            DataType::Utf8 => Cells::Text(array.as_string::<i32>().clone()),
            DataType::LargeUtf8 => Cells::LargeText(array.as_string::<i64>().clone()),
            DataType::Utf8View => Cells::TextView(array.as_string_view().clone()),
            DataType::Binary => Cells::Bytes(array.as_binary::<i32>().clone()),
            DataType::LargeBinary => Cells::LargeBytes(array.as_binary::<i64>().clone()),
            DataType::BinaryView => Cells::BytesView(array.as_binary_view().clone()),
            DataType::FixedSizeBinary(_) => Cells::Fixed(array.as_fixed_size_binary().clone()),
            DataType::Date32 => Cells::Date(primitive!(Date32Type)),
            DataType::Date64 => Cells::Instant(ticks!(Date64Type), Millisecond),
            DataType::Timestamp(unit, _) => {
                let ticks = match unit {
                    Second => ticks!(TimestampSecondType),
                    Millisecond => ticks!(TimestampMillisecondType),
                    Microsecond => ticks!(TimestampMicrosecondType),
                    Nanosecond => ticks!(TimestampNanosecondType),
                };
                Cells::Instant(ticks, *unit)
            }
            DataType::Time32(Second) => Cells::Ticks(widen(
                array.as_primitive::<Time32SecondType>().reinterpret_cast::<Int32Type>(),
            )),
            DataType::Time32(_) => Cells::Ticks(widen(
                array.as_primitive::<Time32MillisecondType>().reinterpret_cast::<Int32Type>(),
            )),
            DataType::Time64(Microsecond) => Cells::Ticks(ticks!(Time64MicrosecondType)),
            DataType::Time64(_) => Cells::Ticks(ticks!(Time64NanosecondType)),
            DataType::Duration(unit) => Cells::Ticks(match unit {
                Second => ticks!(DurationSecondType),
                Millisecond => ticks!(DurationMillisecondType),
                Microsecond => ticks!(DurationMicrosecondType),
                Nanosecond => ticks!(DurationNanosecondType),
            }),
            DataType::Decimal32(_, scale) => {
                let values = primitive!(Decimal32Type);
                Cells::Decimal(values.unary::<_, Decimal128Type>(i128::from), *scale)
            }
            DataType::Decimal64(_, scale) => {
                let values = primitive!(Decimal64Type);
                Cells::Decimal(values.unary::<_, Decimal128Type>(i128::from), *scale)
            }
            DataType::Decimal128(_, scale) => Cells::Decimal(primitive!(Decimal128Type), *scale),
            DataType::List(_) => {
                let list = array.as_list::<i32>();
                Cells::List(list.offsets().clone(), nulls, Box::new(Cells::new(list.values())))
            }
            DataType::LargeList(_) => {
                let list = array.as_list::<i64>();
                Cells::LargeList(list.offsets().clone(), nulls, Box::new(Cells::new(list.values())))
            }
            DataType::FixedSizeList(_, width) => {
                let list = array.as_fixed_size_list();
                Cells::FixedList(*width as usize, nulls, Box::new(Cells::new(list.values())))
            }
            DataType::Struct(fields) => {
                let columns = fields.iter().zip(array.as_struct().columns());
                let named =
                    columns.map(|(field, array)| (field.name().as_str().into(), Cells::new(array)));
                Cells::Struct(named.collect(), nulls)
            }
            DataType::Map(..) => {
                let map = array.as_map();
                let parts = (Cells::new(map.keys()), Cells::new(map.values()));
                Cells::Map(map.offsets().clone(), nulls, Box::new(parts))
            }
            DataType::Dictionary(..) => {
                let dictionary = array.as_any_dictionary();
                // An empty dictionary has no value that a key could mean.
                let keys = match dictionary.values().is_empty() {
                    true => vec![0; array.len()],
                    false => dictionary.normalized_keys(),
                };
                Cells::Dictionary(keys, nulls, Box::new(Cells::new(dictionary.values())))
            }
            _ => Cells::Other(array.clone()),
        }
    }

    #[inline]
    pub(super) fn is_null(&self, index: usize) -> bool {
        let among = |nulls: &Option<NullBuffer>| nulls.as_ref().is_some_and(|n| n.is_null(index));
        match self {
            Cells::Null => true,
            Cells::Bool(array) => array.is_null(index),
            Cells::I8(array) => array.is_null(index),
            Cells::I16(array) => array.is_null(index),
            Cells::I32(array) => array.is_null(index),
            Cells::I64(array) => array.is_null(index),
            Cells::U8(array) => array.is_null(index),
            Cells::U16(array) => array.is_null(index),
            Cells::U32(array) => array.is_null(index),
            Cells::U64(array) => array.is_null(index),
            Cells::F16(array) => array.is_null(index),
            Cells::F32(array) => array.is_null(index),
            Cells::F64(array) => array.is_null(index),
            Cells::Text(array) => array.is_null(index),
            Cells::LargeText(array) => array.is_null(index),
            Cells::TextView(array) => array.is_null(index),
            Cells::Bytes(array) => array.is_null(index),
            Cells::LargeBytes(array) => array.is_null(index),
            Cells::BytesView(array) => array.is_null(index),
            Cells::Fixed(array) => array.is_null(index),
            Cells::Date(array) => array.is_null(index),
            Cells::Instant(array, _) | Cells::Ticks(array) => array.is_null(index),
            Cells::Decimal(array, _) => array.is_null(index),
            Cells::List(_, nulls, _)
            | Cells::LargeList(_, nulls, _)
            | Cells::FixedList(_, nulls, _)
            | Cells::Struct(_, nulls)
            | Cells::Map(_, nulls, _) => among(nulls),
            Cells::Dictionary(keys, nulls, values) => among(nulls) || values.is_null(keys[index]),
            Cells::Other(array) => array.is_null(index),
        }
    }

    /// What messages call its type.
    pub(super) fn kind(&self) -> String {
        match self {
            Cells::Null => "null".into(),
            Cells::Bool(_) => "boolean".into(),
            Cells::I8(_) | Cells::I16(_) | Cells::I32(_) | Cells::I64(_) => "integer".into(),
            Cells::U8(_) | Cells::U16(_) | Cells::U32(_) | Cells::U64(_) => {
                "unsigned integer".into()
            }
            Cells::F16(_) | Cells::F32(_) | Cells::F64(_) => "float".into(),
            Cells::Text(_) | Cells::LargeText(_) | Cells::TextView(_) => "text".into(),
            Cells::Bytes(_) | Cells::LargeBytes(_) | Cells::BytesView(_) | Cells::Fixed(_) => {
                "bytes".into()
            }
            Cells::Date(_) => "date".into(),
            Cells::Instant(_, unit) => format!("timestamp in {unit:?}s").to_lowercase(),
            Cells::Ticks(_) => "time".into(),
            Cells::Decimal(..) => "decimal".into(),
            Cells::List(..) | Cells::LargeList(..) | Cells::FixedList(..) => "list".into(),
            Cells::Struct(..) => "struct".into(),
            Cells::Map(..) => "map".into(),
            Cells::Dictionary(_, _, values) => values.kind(),
            Cells::Other(array) => array.data_type().to_string(),
        }
    }
}

/// The array, without the nulls of a column that may have some but has none here: what is not there
/// is not looked at for every value.
fn numbers<T: ArrowPrimitiveType>(array: &ArrayRef) -> PrimitiveArray<T> {
    let array = array.as_primitive::<T>();
    match array.nulls() {
        Some(nulls) if nulls.null_count() == 0 => {
            let values = array.values().clone();
            PrimitiveArray::<T>::new(values, None).with_data_type(array.data_type().clone())
        }
        _ => array.clone(),
    }
}
