//! Arrow streams, in and out.

use super::c;
use super::world::{OK, World};
use arrow_array::ffi_stream::{FFI_ArrowArrayStream, RecordBatchStreamReader};
use arrow_array::{
    ArrayRef, BooleanArray, Date32Array, Float64Array, Int64Array, RecordBatch,
    RecordBatchIterator, StringArray,
};
use arrow_schema::ArrowError;
use std::ptr::null_mut;
use std::sync::Arc;

impl World<'_> {
    pub(super) fn arrow_in(&mut self, slot: Option<usize>) {
        let mut stream = self.arrow();
        let given = if self.tape.rarely(16) { null_mut() } else { &raw mut stream };
        let pipeline = slot.map_or(null_mut(), |slot| self.slots[slot].pipeline);
        self.call(|error| c!(trommel_pipeline_from_arrow(pipeline, given, error)));
    }

    /// A stream of some batches, which may end in an error.
    fn arrow(&mut self) -> FFI_ArrowArrayStream {
        let with_dates = self.tape.rarely(4);
        let make = |rows: usize| {
            let numbers = (0..rows as i64).map(|row| (row % 5 > 0).then_some(row));
            let texts = (0..rows).map(|row| (row % 7 > 0).then(|| format!("text {row}")));
            let mut columns: Vec<(&str, ArrayRef)> = vec![
                ("number", Arc::new(Int64Array::from_iter(numbers))),
                ("text", Arc::new(StringArray::from_iter(texts))),
                ("real", Arc::new(Float64Array::from(vec![0.5; rows]))),
                ("flag", Arc::new(BooleanArray::from(vec![true; rows]))),
            ];
            if with_dates {
                columns.push(("day", Arc::new(Date32Array::from(vec![1; rows]))));
            }
            let columns = columns.into_iter().map(|(name, column)| (name, column, true));
            RecordBatch::try_from_iter_with_nullable(columns).expect("columns of one length")
        };
        let schema = make(0).schema();
        let mut batches: Vec<Result<RecordBatch, ArrowError>> = Vec::new();
        for _ in 0..self.tape.below(6) {
            let rows = self.tape.pick(&[0, 1, 5, 100, 3000]);
            let batch = make(rows);
            let start = self.tape.below(3).min(rows);
            batches.push(Ok(batch.slice(start, rows - start)));
        }
        if self.tape.rarely(6) {
            batches.push(Err(ArrowError::ComputeError("as the program says".into())));
        }
        FFI_ArrowArrayStream::new(Box::new(RecordBatchIterator::new(batches, schema)))
    }

    pub(super) fn stream(&mut self, slot: Option<usize>) {
        let Some(slot) = slot else { return };
        let mut stream = FFI_ArrowArrayStream::empty();
        let pipeline = self.slots[slot].pipeline;
        let at = &raw mut stream;
        let status = self.call(|error| c!(trommel_pipeline_stream(pipeline, at, error)));
        if status == OK {
            self.slots[slot].has_run = true;
            let reader = RecordBatchStreamReader::try_new(stream).expect("a schema at once");
            self.slots[slot].stream = Some(reader);
        } else {
            self.slots[slot].has_run = self.is_used_up(slot);
        }
    }

    pub(super) fn pull(&mut self) {
        let Some(slot) = self.some_slot() else { return };
        let times = self.tape.below(8);
        let release = self.tape.rarely(3);
        let stream = &mut self.slots[slot].stream;
        if let Some(reader) = stream {
            reader.take(times).flatten().for_each(|batch| assert_eq!(batch.num_columns() / 2, 2));
            if release {
                *stream = None;
            }
        }
    }
}
