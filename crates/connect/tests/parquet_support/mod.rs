//! What the tests of Parquet share.

#![allow(dead_code, reason = "each test binary uses its part")]

use parquet::arrow::arrow_reader::ParquetRecordBatchReaderBuilder;
use serde::de::DeserializeOwned;
use serde::Serialize;
use std::fs::File;
use std::path::Path;
use trommel::{Encode, Engine, Options, Pipeline, Result, RunReport, sinks, sources};
use trommel_connect::arrow::RecordBatch;
use trommel_connect::parquet::Source;

pub(crate) fn engine(workers: usize) -> Engine {
    Engine::builder().workers(workers).build().unwrap()
}

/// Loads records 0 to `rows`, made by `make`.
pub(crate) fn write<T: Serialize, K: Encode<T>>(
    workers: usize,
    batch: usize,
    rows: usize,
    make: impl Fn(i64) -> T + Send + Sync + 'static,
    sink: K,
) -> Result<RunReport> {
    Pipeline::from(sources::generate(rows as u64, |id| id as i64))
        .options(Options::builder().fixed_batch_size(batch).build()?)
        .transform(move |id, out| out.emit(make(id)))
        .load_into(sink)
        .run(&engine(workers))
}

/// All records of a file or directory, in order.
pub(crate) fn read<T: DeserializeOwned + Send + 'static>(workers: usize, path: &Path) -> Vec<T> {
    let mut records = sinks::collect::<T>();
    Pipeline::from(Source::open(path).unwrap())
        .transform(|row, out| out.emit(row.decode::<T>()?))
        .load_into(&mut records)
        .run(&engine(workers))
        .unwrap();
    records.into_vec()
}

/// All rows of a file, by the reader of the `parquet` crate.
pub(crate) fn read_by_crate(path: &Path) -> Vec<RecordBatch> {
    let builder = ParquetRecordBatchReaderBuilder::try_new(File::open(path).unwrap()).unwrap();
    builder.build().unwrap().collect::<Result<_, _>>().unwrap()
}
