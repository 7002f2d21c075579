//! Reading back: whether a file holds what was given to it.

use crate::arrow::aside::io_error;
use crate::arrow::verify::{add, unreadable};
use crate::verify::Digest;
use arrow_array::RecordBatch;
use parquet::arrow::arrow_reader::ParquetRecordBatchReaderBuilder;
use std::fs::File;
use std::path::Path;
use trommel::Result;

/// Rows decoded at once.
const ROWS: usize = 8192;

/// The digest of a file.
pub(super) fn read(path: &Path) -> Result<Digest> {
    let mut digest = Digest::default();
    for batch in batches(path)? {
        let batch = batch?;
        add(&mut digest, batch.columns(), batch.num_rows())?;
    }
    Ok(digest)
}

/// The rows of a file.
pub(super) fn batches(path: &Path) -> Result<impl Iterator<Item = Result<RecordBatch>>> {
    let file = File::open(path).map_err(|error| io_error(path, "can't be read back", error))?;
    let reader = ParquetRecordBatchReaderBuilder::try_new(file)
        .and_then(|builder| builder.with_batch_size(ROWS).build())
        .map_err(|error| unreadable(path).caused_by(error))?;
    Ok(reader.map(move |batch| batch.map_err(|error| unreadable(path).caused_by(error))))
}
