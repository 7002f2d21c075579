//! Nested columns, and types that are rare: the crate encodes them.

use arrow_array::{Array, ArrayRef};
use arrow_schema::FieldRef;
use arrow_select::concat::concat;
use parquet::arrow::arrow_writer::{ArrowColumnChunk, ArrowColumnWriter, compute_leaves};
use parquet::errors::ParquetError;

/// Rows that the crate is given at once, counted from the first of the row group. It looks for the end
/// of a page after what it is given, so that pages end with the same rows whatever the pieces were
/// that the column came in.
const ROWS: usize = 1024;

/// A column of a row group.
pub(super) struct Nested {
    field: FieldRef,
    /// One for each leaf.
    writers: Vec<ArrowColumnWriter>,
    waiting: Vec<ArrayRef>,
    /// Rows that wait.
    rows: usize,
}

impl Nested {
    pub(super) fn new(field: FieldRef, writers: Vec<ArrowColumnWriter>) -> Self {
        Nested { field, writers, waiting: Vec::new(), rows: 0 }
    }

    pub(super) fn write(&mut self, array: &ArrayRef) -> Result<(), ParquetError> {
        let mut from = 0;
        while from < array.len() {
            let rows = (ROWS - self.rows).min(array.len() - from);
            self.waiting.push(array.slice(from, rows));
            self.rows += rows;
            from += rows;
            if self.rows == ROWS {
                self.flush()?;
            }
        }
        Ok(())
    }

    fn flush(&mut self) -> Result<(), ParquetError> {
        let array = match &self.waiting[..] {
            [] => return Ok(()),
            [only] => only.clone(),
            several => concat(&several.iter().map(AsRef::as_ref).collect::<Vec<_>>())?,
        };
        self.waiting.clear();
        self.rows = 0;
        let leaves = compute_leaves(&self.field, &array)?;
        self.writers.iter_mut().zip(&leaves).try_for_each(|(writer, leaf)| writer.write(leaf))
    }

    pub(super) fn close(mut self) -> Result<Vec<ArrowColumnChunk>, ParquetError> {
        self.flush()?;
        self.writers.into_iter().map(ArrowColumnWriter::close).collect()
    }
}
