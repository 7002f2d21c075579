//! CSV files: one, or several that are compressed.

use super::{Contents, Destination};
use crate::data::Twins;
use crate::victim::pipeline;
use crate::window::{AFTER_COMMIT, AFTER_WRITE, BEFORE_FINISH};
use std::io::Read;
use std::path::Path;
use std::time::Duration;
use trommel::{Error, Result, RunReport};
use trommel_connect::csv;

pub(super) const WINDOWS: &[&str] = &[
    "files: data synced, before the checkpoint",
    "files: checkpoint written, before fsync",
    "files: checkpoint synced, before rename",
    "files: checkpoint renamed, before the directory's fsync",
    "files: cut back, before the new epoch",
    "files: job marked finished, before the names",
    "files: name given, before the directory's fsync",
];

/// In the middle of a batch it may be in the middle of a commit as well, which keeps others waiting.
pub(super) const STOPS: &[&str] =
    &[AFTER_WRITE, AFTER_COMMIT, BEFORE_FINISH, "files: data synced, before the checkpoint"];

pub(super) fn load(destination: Destination) -> Result<RunReport> {
    let sink = |name: &str| Ok::<_, Error>(csv::Sink::create(name)?.commit_interval(Duration::MAX));
    match destination {
        Destination::CsvParts => {
            pipeline(Twins::Unknown, sink("out.csv.gz")?.roll_rows(70).commit_bytes(500))
        }
        // Some files are closed while others are written to.
        Destination::CsvKeyed => {
            let sink = sink("out")?.commit_bytes(1500).roll_rows(80);
            pipeline(Twins::Unknown, sink.partition_by(["part", "late"]).max_open_files(3))
        }
        Destination::From(input) => input.load(sink("out.csv")?.commit_bytes(1500)),
        // Two batches, or three where texts are short.
        _ => pipeline(Twins::Unknown, sink("out.csv")?.commit_bytes(1500)),
    }
}

/// Nothing has its name before all of it is there.
pub(super) fn look(directory: &Path) {
    let names = names(directory);
    let checkpoint = names.iter().find(|name| name.ends_with(".part.checkpoint"));
    let has_finished = checkpoint.is_some_and(|name| {
        let checkpoint = std::fs::read_to_string(directory.join(name)).unwrap();
        checkpoint.contains("\"finished\": true")
    });
    assert!(has_finished || !names.iter().any(|name| is_data(name)), "{names:?}");
}

fn is_data(name: &str) -> bool {
    name.starts_with("out") && (name.ends_with(".csv") || name.ends_with(".csv.gz"))
}

/// All files and folders, those within folders too, in order.
pub(super) fn names(directory: &Path) -> Vec<String> {
    let mut names = Vec::new();
    for entry in std::fs::read_dir(directory).unwrap() {
        let entry = entry.unwrap();
        let name = entry.file_name().into_string().unwrap();
        if entry.file_type().unwrap().is_dir() {
            let inside = self::names(&entry.path());
            names.extend(inside.iter().map(|inner| format!("{name}/{inner}")));
        }
        names.push(name);
    }
    names.sort_unstable();
    names
}

/// The records of the files that hold data, in order.
pub(super) fn contents(directory: &Path) -> Contents {
    let mut contents = Contents::default();
    for name in names(directory) {
        let path = directory.join(&name);
        if path.is_dir() {
            continue;
        }
        let mut bytes = std::fs::read(path).unwrap();
        if name.ends_with(".rejects.ndjson") {
            let text = String::from_utf8(bytes).unwrap();
            contents.rejects.extend(text.lines().map(str::to_owned));
        } else if is_data(&name) {
            if name.ends_with(".gz") {
                let mut text = Vec::new();
                flate2::read::MultiGzDecoder::new(&bytes[..]).read_to_end(&mut text).unwrap();
                bytes = text;
            }
            for record in ::csv::Reader::from_reader(&bytes[..]).records() {
                let record = record.unwrap();
                contents.rows.push(format!("{name}: {:?}", record.iter().collect::<Vec<_>>()));
            }
        }
    }
    contents
}
