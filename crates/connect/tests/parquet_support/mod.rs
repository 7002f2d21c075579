//! What the tests of Parquet share.

#![allow(dead_code, reason = "each test binary uses its part")]

use serde::Serialize;
use serde::de::DeserializeOwned;
use std::fs::File;
use std::path::Path;
use trommel::{
    Batch, Encode, Engine, Fill, Limit, Options, Pipeline, Position, Result, RunReport, sinks,
    sources,
};
use trommel_connect::arrow::RecordBatch;
use trommel_connect::parquet::Source;
use trommel_connect::parquet::parquet::arrow::arrow_reader::ParquetRecordBatchReaderBuilder;

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

/// Numbers from 0 on, from any of which a job can be taken up.
#[derive(Debug)]
pub(crate) struct Numbers {
    next: u64,
    end: u64,
}

impl Numbers {
    pub(crate) fn up_to(end: u64) -> Self {
        Numbers { next: 0, end }
    }
}

#[derive(Debug, Default)]
pub(crate) struct Range(std::ops::Range<u64>);

impl Batch for Range {
    type Row<'a> = u64;

    fn len(&self) -> usize {
        (self.0.end - self.0.start) as usize
    }

    fn for_each<'a, F>(&'a mut self, from: usize, mut visit: F) -> Result<()>
    where
        F: FnMut(Result<Self::Row<'a>>) -> Result<()>,
    {
        self.0.clone().skip(from).try_for_each(|number| visit(Ok(number)))
    }
}

impl trommel::Source for Numbers {
    type Batch = Range;

    fn fill(&mut self, batch: &mut Range, limit: &Limit<'_>) -> Result<Fill> {
        let end = self.end.min(self.next + limit.rows() as u64);
        batch.0 = self.next..end;
        self.next = end;
        Ok(if end == self.end { Fill::End } else { Fill::More })
    }

    fn position(&self) -> Option<Position> {
        Some(Position::from_numbers(&[self.next]))
    }

    fn seek(&mut self, position: &Position) -> Result<()> {
        self.next = position.numbers().unwrap()[0];
        Ok(())
    }
}
