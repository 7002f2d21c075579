//! Jobs that are killed, fenced off, run again: each row is in the parts that count once.

#![cfg(feature = "parquet")]

mod kill_support;
mod parquet_support;

use kill_support::{child, dawdle, kill_until_done};
use parquet_support::{Numbers, engine, read};
use serde::{Deserialize, Serialize};
use std::fs;
use std::path::Path;
use std::time::Duration;
use tempfile::TempDir;
use trommel::{
    Error, ErrorKind, Options, Pipeline, RejectPolicy, Result, RunReport, Sink as _, sources,
};
use trommel_connect::parquet::{Sink, Source};

#[derive(Debug, PartialEq, Serialize, Deserialize)]
struct Item {
    id: u64,
    text: String,
    maybe: Option<f64>,
}

fn item(id: u64) -> Item {
    let text = format!("item {id} {}", "x".repeat(id as usize % 50));
    Item { id, text, maybe: id.is_multiple_of(3).then_some(id as f64) }
}

fn sink(path: &Path) -> Sink {
    Sink::create(path).row_group_rows(2_000).part_rows(5_000)
}

/// Loads all ids but those that end in 7, which are bad; row `fails_at` ends the run.
fn run(path: &Path, rows: u64, fails_at: u64) -> Result<RunReport> {
    let options = Options::builder()
        .fixed_batch_size(300)
        .on_reject(RejectPolicy::with_data(u64::MAX))
        .build()?;
    Pipeline::from(Numbers::up_to(rows))
        .options(options)
        .transform(move |id, out| {
            dawdle(id, 300);
            match id {
                _ if id == fails_at => Err(Error::fatal("the power went")),
                _ if id % 10 == 7 => Err(Error::row("ends in 7")),
                _ => out.emit(item(id)),
            }
        })
        .load_into(sink(path))
        .resumable("items")
        .run(&engine(2))
}

fn manifest(path: &Path) -> serde_json::Value {
    serde_json::from_slice(&fs::read(path.join("_trommel.json")).unwrap()).unwrap()
}

fn rejects(path: &Path) -> usize {
    let files = manifest(path)["rejects"].as_array().unwrap().clone();
    let lines = files.iter().map(|file| {
        let text = fs::read_to_string(path.join(file.as_str().unwrap())).unwrap();
        text.lines().filter(|line| line.contains("ends in 7")).count()
    });
    lines.sum()
}

fn assert_all(path: &Path, rows: u64) {
    let items: Vec<Item> = read(2, path);
    assert!(items.into_iter().eq((0..rows).filter(|id| id % 10 != 7).map(item)));
    assert_eq!(rejects(path) as u64, rows / 10);
}

#[test]
fn a_job_goes_on_from_its_last_part_and_a_finished_one_does_nothing() {
    let directory = TempDir::new().unwrap();
    let path = directory.path().join("items");
    let mut loaded = 0;
    for fails_at in [3_000, 12_345, 23_456] {
        let error = run(&path, 30_000, fails_at).unwrap_err();
        loaded += error.report().unwrap().counts.loaded;
        let manifest = manifest(&path);
        let files = manifest["parts"].as_array().unwrap().iter().chain([&manifest["tail"]]);
        let stored: u64 = files.map(|file| file["rows"].as_u64().unwrap_or(0)).sum();
        assert_eq!(loaded, stored, "reports of the runs add up to what is stored");
    }
    assert!(loaded > 15_000, "{loaded}");
    run(&path, 30_000, u64::MAX).unwrap();
    assert_all(&path, 30_000);
    let parts = manifest(&path)["parts"].as_array().unwrap().len();
    assert_eq!(parts, 6, "27,000 rows in parts of 5,000");

    let again = run(&path, 30_000, 0).unwrap();
    assert_eq!(again.counts.read, 0);
    assert_all(&path, 30_000);
}

#[test]
fn a_directory_belongs_to_one_job_and_one_runner() {
    let directory = TempDir::new().unwrap();
    let path = directory.path().join("items");
    let mut first = sink(&path);
    assert_eq!(first.resume("items").unwrap(), None);
    let error = sink(&path).resume("items").unwrap_err();
    assert!(error.to_string().contains("another run"), "{error}");
    drop(first);

    let error = sink(&path).resume("others").unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Config);
    assert!(
        error.to_string().contains("`items`") && error.to_string().contains("`others`"),
        "{error}"
    );

    let file = directory.path().join("file");
    fs::write(&file, "").unwrap();
    let error = sink(&file).resume("items").unwrap_err();
    assert!(error.to_string().contains("needs a directory"), "{error}");
}

#[test]
fn where_locks_don_t_work_the_epoch_fences_a_runner_from_before() {
    let directory = TempDir::new().unwrap();
    let path = directory.path().join("items");
    let mut old = sink(&path);
    old.resume("items").unwrap();
    old.encoder().unwrap();
    // As on a file system that gives every runner its lock.
    fs::remove_file(path.join("_trommel.lock")).unwrap();
    let mut new = sink(&path);
    assert_eq!(new.resume("items").unwrap(), None);
    let error = old.finish().unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Fatal);
    assert!(error.to_string().contains("taken over"), "{error}");
    new.encoder().unwrap();
    new.finish().unwrap();
}

#[test]
fn parts_that_have_gone_or_changed_are_noticed() {
    let directory = TempDir::new().unwrap();
    let path = directory.path().join("items");
    run(&path, 30_000, 23_456).unwrap_err();
    let part = path.join("part-00001.parquet");
    let bytes = fs::read(&part).unwrap();
    fs::write(&part, &bytes[..bytes.len() - 1]).unwrap();
    let error = run(&path, 30_000, u64::MAX).unwrap_err();
    assert!(error.to_string().contains("part-00001.parquet has"), "{error}");
    fs::remove_file(&part).unwrap();
    let error = run(&path, 30_000, u64::MAX).unwrap_err();
    assert!(error.to_string().contains("part-00001.parquet is gone"), "{error}");
    fs::write(&part, &bytes).unwrap();
    run(&path, 30_000, u64::MAX).unwrap();
    assert_all(&path, 30_000);
    fs::write(path.join("_trommel.json"), "{").unwrap();
    let error = run(&path, 30_000, u64::MAX).unwrap_err();
    assert!(error.to_string().contains("no manifest"), "{error}");
}

#[test]
fn what_no_commit_counts_is_not_read() {
    let directory = TempDir::new().unwrap();
    let path = directory.path().join("items");
    run(&path, 30_000, 23_456).unwrap_err();
    let rows = read::<Item>(2, &path).len();
    // As if the run had been killed between the rename of a part and that of the manifest.
    fs::copy(path.join("part-00000.parquet"), path.join("part-00004.parquet")).unwrap();
    assert_eq!(read::<Item>(2, &path).len(), rows);
    run(&path, 30_000, u64::MAX).unwrap();
    assert_all(&path, 30_000);
}

#[test]
fn a_parquet_source_is_taken_up_in_the_middle_of_a_row_group() {
    let directory = TempDir::new().unwrap();
    let (from, to) = (directory.path().join("from.parquet"), directory.path().join("to"));
    let report = Pipeline::from(sources::generate(200_000, |id| id))
        .map(item)
        .load_into(Sink::create(&from))
        .run(&engine(2))
        .unwrap();
    assert_eq!(report.counts.loaded, 200_000);
    let run = |fails_at: u64| {
        Pipeline::from(Source::open(&from)?)
            .transform(move |row, out| match row.record() == fails_at {
                true => Err(Error::fatal("the power went")),
                false => out.emit(row.decode::<Item>()?),
            })
            .load_into(Sink::create(&to).part_rows(10_000))
            .resumable("copy")
            .run(&engine(2))
    };
    for fails_at in [50_000, 90_000, 150_000] {
        run(fails_at).unwrap_err();
    }
    let rows = read::<Item>(2, &to).len();
    assert!(rows > 100_000 && rows < 150_000, "{rows}");
    run(u64::MAX).unwrap();
    assert!(read::<Item>(2, &to).into_iter().eq((0..200_000).map(item)));
    assert_eq!(run(0).unwrap().counts.read, 0);

    // Another file of the same name is not gone on with.
    let to = directory.path().join("other");
    let copy = |fails_at: u64| {
        Pipeline::from(Source::open(&from)?)
            .transform(move |row, out| match row.record() == fails_at {
                true => Err(Error::fatal("the power went")),
                false => out.emit(row.decode::<Item>()?),
            })
            .load_into(Sink::create(&to).part_rows(10_000))
            .resumable("copy")
            .run(&engine(2))
    };
    copy(90_000).unwrap_err();
    Pipeline::from(sources::generate(1_000, |id| id))
        .map(item)
        .load_into(Sink::create(&from))
        .run(&engine(2))
        .unwrap();
    let error = copy(u64::MAX).unwrap_err();
    assert!(error.to_string().contains("size of"), "{error}");
}

#[test]
fn rejects_of_a_single_file_come_with_it_or_not_at_all() {
    let directory = TempDir::new().unwrap();
    let path = directory.path().join("x.parquet");
    let rejects = directory.path().join("x.parquet.rejects.ndjson");
    let run = |fails_at: u64| {
        Pipeline::from(Numbers::up_to(10_000))
            .options(Options::builder().on_reject(RejectPolicy::with_data(9_999)).build()?)
            .transform(move |id, out| match id {
                _ if id == fails_at => Err(Error::fatal("the power went")),
                _ if id % 10 == 7 => Err(Error::row("ends in 7")),
                _ => out.emit(item(id)),
            })
            .load_into(Sink::create(&path))
            .run(&engine(2))
    };
    run(9_000).unwrap_err();
    assert_eq!(fs::read_dir(directory.path()).unwrap().count(), 0);
    run(u64::MAX).unwrap();
    assert_eq!(read::<Item>(2, &path).len(), 9_000);
    assert_eq!(fs::read_to_string(rejects).unwrap().lines().count(), 1_000);
}

const ROWS: u64 = 60_000;
const VARIABLE: &str = "TROMMEL_TEST_PARQUET_CRASH";

#[test]
fn killed_at_any_point_nothing_is_lost_or_doubled() {
    if let Ok(path) = std::env::var(VARIABLE) {
        // The child: this test, started once more.
        run(Path::new(&path), ROWS, u64::MAX).unwrap();
        return;
    }
    let directory = TempDir::new().unwrap();
    let path = directory.path().join("items");
    let mut seen = 0;
    let child = child("killed_at_any_point_nothing_is_lost_or_doubled", VARIABLE, &path);
    kill_until_done(child, Duration::from_millis(2), Duration::from_millis(2), || {
        if !path.join("_trommel.json").exists() || manifest(&path)["parts"] == serde_json::json!([])
        {
            return;
        }
        // What counts is a whole beginning of the rows, and only grows.
        let items: Vec<Item> = read(1, &path);
        let rows = items.len();
        assert!(items.into_iter().eq((0..ROWS).filter(|id| id % 10 != 7).map(item).take(rows)));
        assert_eq!(manifest(&path)["checkpoint"]["counts"]["loaded"], rows);
        assert_eq!(manifest(&path)["checkpoint"]["counts"]["rejected"], rejects(&path));
        assert!(rows >= seen, "{rows} rows after {seen}");
        seen = rows;
    });
    assert_all(&path, ROWS);
    let names = fs::read_dir(&path).unwrap().map(|entry| entry.unwrap().file_name());
    assert!(names.into_iter().all(|name| !name.to_str().unwrap().ends_with(".tmp")));
}
