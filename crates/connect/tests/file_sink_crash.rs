//! Jobs that are killed at any moment and run again: the files are those of a clean run.
#![cfg(all(feature = "csv", feature = "gzip", feature = "zstd"))]

mod kill_support;

use kill_support::{child, dawdle, kill_until_done};
use std::collections::BTreeMap;
use std::fs;
use std::io::Read;
use std::path::{Path, PathBuf};
use std::time::Duration;
use tempfile::TempDir;
use trommel::{Engine, Error, Options, Pipeline, RejectPolicy, Result, RunReport, sources};
use trommel_connect::csv::Sink;
use trommel_connect::files::{Compression, Keyed};

const ROWS: u64 = 40_000;
const VARIABLE: &str = "TROMMEL_TEST_CRASH_FILE";

/// What the output is, by the name of its destination.
const KINDS: [&str; 4] = ["plain.csv", "packed.csv.gz", "rolled.csv", "keyed"];

fn run(path: &Path) -> Result<RunReport> {
    let options = Options::builder()
        .fixed_batch_size(200)
        .on_reject(RejectPolicy::with_data(u64::MAX))
        .build()?;
    let pipeline =
        Pipeline::from(sources::generate(ROWS, |id| id)).options(options).resumable("load");
    let sink =
        Sink::create(path)?.columns(["id", "text"]).commit_interval(Duration::from_millis(3));
    let engine = Engine::builder().workers(2).build()?;
    let is_bad = |id: u64| {
        dawdle(id, 200);
        id % 1000 == 7
    };
    let text = |id: u64| "x, ".repeat(id as usize % 10);
    match path.file_name().and_then(|name| name.to_str()) {
        Some("keyed") => pipeline
            .transform(move |id, out| {
                if is_bad(id) {
                    return Err(Error::row("a bad one"));
                }
                let key = out.text().str("k=").int(id % 7).str("/l=").int(id / 15_000).finish();
                out.emit(Keyed::new(key, (id, text(id))))
            })
            .load_into(
                sink.compression(Compression::ZSTD)
                    .partition_by(Vec::<String>::new())
                    .max_open_files(3),
            )
            .run(&engine),
        name => {
            let sink = match name {
                Some("rolled.csv") => sink.roll_rows(7_001),
                _ => sink,
            };
            pipeline
                .transform(move |id, out| match is_bad(id) {
                    true => Err(Error::row("a bad one")),
                    false => out.emit((id, text(id))),
                })
                .load_into(sink)
                .run(&engine)
        }
    }
}

/// All files below a folder, without what marks the job, unpacked.
fn content(folder: &Path) -> BTreeMap<PathBuf, String> {
    let mut files = BTreeMap::new();
    let mut folders = vec![folder.to_owned()];
    while let Some(next) = folders.pop() {
        for entry in fs::read_dir(next).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                folders.push(path);
            } else if !path.to_str().unwrap().ends_with(".part.checkpoint") {
                let mut text = String::new();
                let file = fs::File::open(&path).unwrap();
                let read = match Compression::of_path(&path) {
                    Compression::Gzip(_) => {
                        flate2::read::MultiGzDecoder::new(file).read_to_string(&mut text)
                    }
                    Compression::Zstd(_) => {
                        zstd::Decoder::new(file).unwrap().read_to_string(&mut text)
                    }
                    _ => { file }.read_to_string(&mut text),
                };
                read.unwrap_or_else(|error| panic!("{}: {error}", path.display()));
                files.insert(path.strip_prefix(folder).unwrap().to_owned(), text);
            }
        }
    }
    files
}

/// What state a kill has left.
#[derive(Debug, Default)]
struct Windows {
    before_first_commit: u32,
    behind_a_commit: u32,
    within_a_commit: u32,
}

impl Windows {
    fn note(&mut self, path: &Path) {
        let beside = |suffix: &str| PathBuf::from(format!("{}{suffix}", path.display()));
        if beside(".part.checkpoint.new").exists() {
            self.within_a_commit += 1;
        }
        let text = fs::read_to_string(beside(".part.checkpoint")).unwrap_or_default();
        let stored: Option<serde_json::Value> = serde_json::from_str(&text).ok();
        match stored.map(|stored| stored["checkpoint"]["counts"]["read"].as_u64()) {
            Some(Some(_)) => self.behind_a_commit += 1,
            _ => self.before_first_commit += 1,
        }
    }
}

#[test]
fn killed_at_any_point_the_files_are_those_of_a_clean_run() {
    if let Ok(path) = std::env::var(VARIABLE) {
        // The child: this test, started once more.
        run(Path::new(&path)).unwrap();
        return;
    }
    for kind in KINDS {
        let clean = TempDir::new().unwrap();
        let report = run(&clean.path().join(kind)).unwrap();
        assert_eq!((report.counts.loaded, report.counts.rejected), (ROWS - 40, 40));
        let expected = content(clean.path());
        assert!(expected.values().map(|text| text.lines().count()).sum::<usize>() > ROWS as usize);

        let directory = TempDir::new().unwrap();
        let path = directory.path().join(kind);
        let mut windows = Windows::default();
        let test = "killed_at_any_point_the_files_are_those_of_a_clean_run";
        let (first, more) = (Duration::from_millis(4), Duration::from_micros(1_800));
        kill_until_done(child(test, VARIABLE, &path), first, more, || windows.note(&path));
        println!("{kind}: {windows:?}");
        let found = content(directory.path());
        assert_eq!(found.keys().collect::<Vec<_>>(), expected.keys().collect::<Vec<_>>(), "{kind}");
        for (name, text) in &expected {
            let mut pairs = text.lines().zip(found[name].lines());
            let differs = pairs.find(|(expected, found)| expected != found);
            assert_eq!(differs, None, "{kind}: {} after {windows:?}", name.display());
            assert!(*text == found[name], "{kind}: {} after {windows:?}", name.display());
        }
        assert_eq!(run(&path).unwrap().counts.read, 0, "{kind}: a finished job does nothing");
    }
}
