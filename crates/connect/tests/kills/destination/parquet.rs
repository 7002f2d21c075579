//! A directory of Parquet files.

use super::Contents;
use super::files::names;
use crate::data::{BATCH, COMMIT, Twins};
use crate::victim::pipeline;
use crate::window::{AFTER_COMMIT, AFTER_WRITE, BEFORE_FINISH, BEFORE_FIRST_ROW, MID_BATCH};
use arrow_array::RecordBatch;
use parquet::arrow::arrow_reader::ParquetRecordBatchReaderBuilder;
use std::fs::File;
use std::path::Path;
use trommel::{Result, RunReport};

pub(super) const WINDOWS: &[&str] = &[
    "aside: file written, before fsync",
    "aside: file synced, before rename",
    "aside: name given, before the directory's fsync",
    "parquet: manifest or rejects synced, before rename",
    "parquet: part and rejects in place, before the manifest",
    "parquet: manifest in place, before the old tail goes",
    "parquet: cleaned up, before the new epoch",
];

pub(super) const LOCKS: (&[&str], &str) = (
    &[BEFORE_FIRST_ROW, MID_BATCH, AFTER_WRITE, AFTER_COMMIT, BEFORE_FINISH],
    "another run is writing it",
);

const DIRECTORY: &str = "out.parquet";
const MANIFEST: &str = "_trommel.json";

pub(super) fn load() -> Result<RunReport> {
    let sink = trommel_connect::parquet::Sink::create(DIRECTORY);
    pipeline(Twins::Unknown, sink.part_rows(BATCH * COMMIT))
}

/// All that the manifest lists is whole.
pub(super) fn look(directory: &Path) {
    let directory = directory.join(DIRECTORY);
    let Ok(manifest) = std::fs::read(directory.join(MANIFEST)) else { return };
    let manifest: serde_json::Value = serde_json::from_slice(&manifest).unwrap();
    let mut rows = 0;
    let tail = manifest.get("tail");
    for part in manifest["parts"].as_array().unwrap().iter().chain(tail) {
        rows += records(&directory.join(part["file"].as_str().unwrap())).len();
    }
    assert_eq!(Some(rows as u64), manifest["checkpoint"]["counts"]["emitted"].as_u64());
}

fn records(path: &Path) -> Vec<String> {
    let file = File::open(path).unwrap();
    let reader = ParquetRecordBatchReaderBuilder::try_new(file).unwrap().build().unwrap();
    let rows = |batch: RecordBatch| {
        (0..batch.num_rows()).map(move |row| format!("{:?}", batch.slice(row, 1).columns()))
    };
    reader.flat_map(|batch| rows(batch.unwrap())).collect()
}

pub(super) fn contents(directory: &Path) -> Contents {
    let directory = directory.join(DIRECTORY);
    let mut contents = Contents::default();
    for name in names(&directory) {
        let path = directory.join(&name);
        if name.ends_with(".ndjson") {
            let text = std::fs::read_to_string(path).unwrap();
            contents.rejects.extend(text.lines().map(str::to_owned));
        } else if name.ends_with(".parquet") {
            contents.rows.extend(records(&path).iter().map(|row| format!("{name}: {row}")));
        }
    }
    contents
}
