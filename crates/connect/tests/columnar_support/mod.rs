//! Rows that the tests of files of columns load, and what they should come to.

#![allow(dead_code, reason = "each test binary uses its part")]

use super::parquet_support::engine;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use std::fs;
use std::path::Path;
use trommel::{Batch, Encode, Options, Pipeline, Result, RunReport, Source, sinks, sources};
use trommel_connect::arrow::Row;
use trommel_connect::{arrow, parquet};

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(crate) struct Event {
    pub(crate) year: u16,
    pub(crate) place: Option<String>,
    pub(crate) id: u64,
    /// Null in some places, so that their first rows don't tell its type.
    pub(crate) value: Option<f64>,
}

pub(crate) const PLACES: [Option<&str>; 5] =
    [Some("a/b"), None, Some("ä 1"), Some("x=%\n"), Some("..")];
/// The folders of these places.
pub(crate) const FOLDERS: [&str; 5] =
    ["a%2Fb", "__HIVE_DEFAULT_PARTITION__", "ä 1", "x%3D%25%0A", ".."];

pub(crate) fn event(id: u64) -> Event {
    let place = PLACES[id as usize % 5].map(str::to_owned);
    let value = (id % 5 != 2).then_some(id as f64 / 2.0);
    Event { year: 2000 + (id % 2) as u16, place, id, value }
}

pub(crate) fn folder_of(id: u64) -> String {
    format!("year={}/place={}", 2000 + id % 2, FOLDERS[id as usize % 5])
}

pub(crate) fn load<K: Encode<Event>>(
    workers: usize,
    batch: usize,
    rows: u64,
    sink: K,
) -> Result<RunReport> {
    Pipeline::from(sources::generate(rows, |id| id))
        .options(Options::builder().fixed_batch_size(batch).build()?)
        .transform(|id, out| out.emit(event(id)))
        .load_into(sink)
        .run(&engine(workers))
}

/// The rows of a source of columns.
pub(crate) fn events<S>(source: S) -> Vec<Event>
where
    S: Source + 'static,
    for<'a> S::Batch: Batch<Row<'a> = Row<'a>>,
{
    let mut events = sinks::collect::<Event>();
    Pipeline::from(source)
        .transform(|row: Row<'_>, out| out.emit(row.decode::<Event>()?))
        .load_into(&mut events)
        .run(&engine(2))
        .unwrap();
    events.into_vec()
}

pub(crate) fn read(path: &Path) -> Vec<Event> {
    match path.extension().and_then(|extension| extension.to_str()) {
        Some("parquet") => events(parquet::Source::open(path).unwrap()),
        _ => events(arrow::Source::open(path).unwrap()),
    }
}

pub(crate) const KEYS: [&str; 2] = ["year", "place"];

/// All files below a directory, by their names in it, and what they hold.
pub(crate) fn tree(root: &Path) -> BTreeMap<String, Vec<Event>> {
    fn visit(root: &Path, path: &Path, files: &mut BTreeMap<String, Vec<Event>>) {
        for entry in fs::read_dir(path).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                visit(root, &path, files);
            } else {
                let name = path.strip_prefix(root).unwrap().to_str().unwrap().to_owned();
                files.insert(name, read(&path));
            }
        }
    }
    let mut files = BTreeMap::new();
    visit(root, root, &mut files);
    files
}

/// What each folder should hold, in order.
pub(crate) fn reference(rows: u64) -> BTreeMap<String, Vec<Event>> {
    let mut folders: BTreeMap<String, Vec<Event>> = BTreeMap::new();
    for id in 0..rows {
        folders.entry(folder_of(id)).or_default().push(event(id));
    }
    folders
}

/// The files of a folder one behind the other, by their numbers.
pub(crate) fn joined(files: &BTreeMap<String, Vec<Event>>) -> BTreeMap<String, Vec<Event>> {
    let mut numbered: Vec<_> = files
        .iter()
        .map(|(name, events)| {
            let (folder, file) = name.rsplit_once('/').unwrap();
            let number = file.trim_start_matches("part-").split('.').next().unwrap();
            (folder.to_owned(), number.parse::<u32>().unwrap(), events)
        })
        .collect();
    numbered.sort_by_key(|(folder, number, _)| (folder.clone(), *number));
    let mut folders: BTreeMap<String, Vec<Event>> = BTreeMap::new();
    for (folder, _, events) in numbered {
        folders.entry(folder).or_default().extend(events.iter().cloned());
    }
    folders
}
