//! CSV files: one, or several that are compressed.

use super::Contents;
use crate::victim::pipeline;
use crate::window::{AFTER_COMMIT, AFTER_WRITE, BEFORE_FINISH};
use std::io::Read;
use std::path::Path;
use std::time::Duration;
use trommel::{Result, RunReport};
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

pub(super) fn load(in_parts: bool) -> Result<RunReport> {
    if in_parts {
        let sink = csv::Sink::create("out.csv.gz")?.roll_rows(70).commit_bytes(500);
        return pipeline(false, sink.commit_interval(Duration::MAX));
    }
    // Two batches, or three where texts are short.
    let sink = csv::Sink::create("out.csv")?.commit_bytes(1500);
    pipeline(false, sink.commit_interval(Duration::MAX))
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

pub(super) fn names(directory: &Path) -> Vec<String> {
    let entries = std::fs::read_dir(directory).unwrap();
    let mut names: Vec<String> =
        entries.map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect();
    names.sort_unstable();
    names
}

/// The names of all files, and the records of those that hold data, in order.
pub(super) fn contents(directory: &Path) -> Contents {
    let mut contents = Contents { names: names(directory), ..Contents::default() };
    for name in &contents.names {
        let mut bytes = std::fs::read(directory.join(name)).unwrap();
        if name.ends_with(".rejects.ndjson") {
            let text = String::from_utf8(bytes).unwrap();
            contents.rejects.extend(text.lines().map(str::to_owned));
        } else if is_data(name) {
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
