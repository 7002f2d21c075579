//! Rows of Arrow batches, and their values.

use crate::plan::{Kind, Plan};
use crate::value::Value;
use arrow_array::cast::AsArray;
use arrow_array::types::{
    ArrowPrimitiveType, Float32Type, Float64Type, Int8Type, Int16Type, Int32Type, Int64Type,
    UInt8Type, UInt16Type, UInt32Type, UInt64Type,
};
use arrow_array::{Array, RecordBatch};
use arrow_schema::DataType;

/// Rows of one Arrow batch, not copied.
#[derive(Debug)]
pub(crate) struct ArrowRows(pub(super) RecordBatch);

impl ArrowRows {
    pub(crate) fn len(&self) -> usize {
        self.0.num_rows()
    }

    /// The buffers are the producer's and shared; what counts is that a batch is held at all.
    pub(crate) fn bytes(&self) -> usize {
        self.0.num_columns() * size_of::<usize>()
    }

    pub(crate) fn split_off(&mut self, at: usize) -> ArrowRows {
        let tail = self.0.slice(at, self.len() - at);
        self.0 = self.0.slice(0, at);
        ArrowRows(tail)
    }

    /// Appends the values of all rows, which point into the batch.
    pub(crate) fn decode(&self, plan: &Plan, values: &mut Vec<Value>) {
        let width = plan.inputs.len();
        values.resize(self.len() * width, Value::NULL);
        for (place, (index, _)) in plan.inputs.iter().enumerate() {
            let column = self.0.column(*index).as_ref();
            let cells = values[place..].iter_mut().step_by(width);
            // Types were checked when the job was made; anything else stays NULL.
            if let Some(read) = reader(column) {
                cells.enumerate().filter(|(row, _)| column.is_valid(*row)).for_each(
                    |(row, cell)| {
                        *cell = read(row);
                    },
                );
            }
        }
    }
}

fn integers<T: ArrowPrimitiveType>(column: &dyn Array) -> Box<dyn Fn(usize) -> Value + '_>
where
    T::Native: TryInto<i64>,
{
    let numbers = column.as_primitive::<T>();
    Box::new(|row| numbers.value(row).try_into().map_or(Value::NULL, Value::integer))
}

/// What reads the values of a column; `None` for types that have no value here.
fn reader(column: &dyn Array) -> Option<Box<dyn Fn(usize) -> Value + '_>> {
    let text = |text| Value::text(text).unwrap_or(Value::NULL);
    let blob = |bytes| Value::blob(bytes).unwrap_or(Value::NULL);
    Some(match column.data_type() {
        DataType::Int8 => integers::<Int8Type>(column),
        DataType::Int16 => integers::<Int16Type>(column),
        DataType::Int32 => integers::<Int32Type>(column),
        DataType::Int64 => integers::<Int64Type>(column),
        DataType::UInt8 => integers::<UInt8Type>(column),
        DataType::UInt16 => integers::<UInt16Type>(column),
        DataType::UInt32 => integers::<UInt32Type>(column),
        DataType::UInt64 => integers::<UInt64Type>(column),
        DataType::Float32 => {
            let numbers = column.as_primitive::<Float32Type>();
            Box::new(|row| Value::real(numbers.value(row).into()))
        }
        DataType::Float64 => {
            let numbers = column.as_primitive::<Float64Type>();
            Box::new(|row| Value::real(numbers.value(row)))
        }
        DataType::Boolean => {
            let flags = column.as_boolean();
            Box::new(|row| Value::integer(flags.value(row).into()))
        }
        DataType::Utf8 => {
            let texts = column.as_string::<i32>();
            Box::new(move |row| text(texts.value(row)))
        }
        DataType::LargeUtf8 => {
            let texts = column.as_string::<i64>();
            Box::new(move |row| text(texts.value(row)))
        }
        DataType::Binary => {
            let bytes = column.as_binary::<i32>();
            Box::new(move |row| blob(bytes.value(row)))
        }
        DataType::LargeBinary => {
            let bytes = column.as_binary::<i64>();
            Box::new(move |row| blob(bytes.value(row)))
        }
        _ => return None,
    })
}

/// The kind of an Arrow type, where it has one.
pub(super) fn kind(kind: &DataType) -> Option<Kind> {
    Some(match kind {
        kind if kind.is_integer() => Kind::Integer,
        DataType::Float32 | DataType::Float64 => Kind::Real,
        DataType::Boolean => Kind::Boolean,
        DataType::Utf8 | DataType::LargeUtf8 => Kind::Text,
        DataType::Binary | DataType::LargeBinary => Kind::Blob,
        _ => return None,
    })
}
