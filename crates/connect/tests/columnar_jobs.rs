//! Jobs with a file for each key: cut off or killed, and run again.

#![cfg(feature = "parquet")]

mod columnar_support;
mod kill_support;
mod parquet_support;

use columnar_support::{Event, KEYS, event, events, folder_of, joined, reference, tree};
use kill_support::{child, dawdle, kill_until_done};
use parquet_support::{Numbers, engine};
use std::collections::HashMap;
use std::fs;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;
use tempfile::TempDir;
use trommel::{Encode, ErrorKind, Options, Pipeline, Result, RunReport, sources};
use trommel_connect::arrow::arrow_schema::{DataType, Field, Schema};
use trommel_connect::{arrow, parquet};

/// Loads all rows as a job; row `fails_at` ends the run.
fn run_job(path: &Path, rows: u64, fails_at: u64) -> Result<RunReport> {
    let sink = parquet::Sink::create(path).row_group_rows(50).part_rows(500).verify();
    Pipeline::from(Numbers::up_to(rows))
        .options(Options::builder().fixed_batch_size(70).build()?)
        .resumable("events")
        .transform(move |id, out| {
            dawdle(id, 10);
            match id == fails_at {
                true => Err(trommel::Error::fatal("the power went")),
                false => out.emit(event(id)),
            }
        })
        .load_into(sink.partition_by(KEYS).max_open_files(6))
        .run(&engine(2))
}

#[test]
fn a_partitioned_job_goes_on_from_its_last_commit() {
    let rows = 3_000;
    let directory = TempDir::new().unwrap();
    let path = directory.path().join("events");
    let mut loaded = 0;
    for fails_at in [100, 900, 1_700, 2_990] {
        let error = run_job(&path, rows, fails_at).unwrap_err();
        loaded = error.report().unwrap().counts.loaded;
        // What a kill between the names and the manifest would leave besides.
        let folder = path.join(folder_of(1));
        fs::create_dir_all(&folder).unwrap();
        fs::write(folder.join("part-99.parquet"), "not counted").unwrap();
        fs::write(folder.join("part-100.parquet.tmp"), "cut off").unwrap();
        fs::write(folder.join("notes.txt"), "not ours").unwrap();
    }
    assert!(loaded > 0);
    run_job(&path, rows, u64::MAX).unwrap();
    let notes = path.join(folder_of(1)).join("notes.txt");
    fs::remove_file(notes).unwrap();
    let manifest = path.join("_trommel.json");
    let before = fs::read(&manifest).unwrap();
    let report = run_job(&path, rows, u64::MAX).unwrap();
    assert_eq!(report.counts.loaded, 0);
    let mut all = events(parquet::Source::open(&path).unwrap());
    all.sort_by_key(|event| event.id);
    assert!(all.into_iter().eq((0..rows).map(event)));
    // By the files as by the manifest, each key in order.
    let contents: serde_json::Value = serde_json::from_slice(&before).unwrap();
    let listed = contents["parts"].as_array().unwrap().len();
    for entry in fs::read_dir(&path).unwrap().flatten() {
        if entry.file_name().to_str().unwrap().starts_with('_') {
            fs::remove_file(entry.path()).unwrap();
        }
    }
    let files = tree(&path);
    assert_eq!(files.len(), listed);
    assert!(joined(&files) == reference(rows));
}

/// Where the child of the next test loads to.
const VARIABLE: &str = "TROMMEL_TEST_PARTITIONED_CRASH";

#[test]
fn a_partitioned_job_that_is_killed_loses_and_doubles_nothing() {
    const ROWS: u64 = 2_000;
    if let Ok(path) = std::env::var(VARIABLE) {
        // The child: this test, started once more.
        run_job(Path::new(&path), ROWS, u64::MAX).unwrap();
        return;
    }
    let directory = TempDir::new().unwrap();
    let path = directory.path().join("events");
    let mut seen = 0;
    let child =
        child("a_partitioned_job_that_is_killed_loses_and_doubles_nothing", VARIABLE, &path);
    kill_until_done(child, Duration::from_millis(2), Duration::from_millis(15), || {
        let Ok(manifest) = fs::read(path.join("_trommel.json")) else { return };
        let manifest: serde_json::Value = serde_json::from_slice(&manifest).unwrap();
        if manifest["parts"].as_array().unwrap().is_empty() {
            return;
        }
        // What counts is a whole beginning of the rows, and only grows.
        let mut all = events(parquet::Source::open(&path).unwrap());
        all.sort_by_key(|event| event.id);
        let rows = all.len() as u64;
        assert!(all.into_iter().eq((0..rows).map(event)));
        assert_eq!(manifest["checkpoint"]["counts"]["loaded"], rows);
        assert!(rows >= seen, "{rows} rows after {seen}");
        seen = rows;
    });
    for entry in fs::read_dir(&path).unwrap().flatten() {
        if entry.path().is_file() {
            fs::remove_file(entry.path()).unwrap();
        }
    }
    assert!(joined(&tree(&path)) == reference(ROWS), "and nothing lies beside");
}

/// Loads 900 rows by these keys, if any; row `fails_at` ends the run.
fn run_by(
    path: &Path,
    keys: Option<&[&str]>,
    change: impl Fn(parquet::Sink) -> parquet::Sink,
    fails_at: u64,
) -> Result<RunReport> {
    fn run<K: Encode<Event>>(sink: K, fails_at: u64) -> Result<RunReport> {
        Pipeline::from(Numbers::up_to(900))
            .options(Options::builder().fixed_batch_size(50).build()?)
            .resumable("events")
            .transform(move |id, out| match id == fails_at {
                true => Err(trommel::Error::fatal("the power went")),
                false => out.emit(event(id)),
            })
            .load_into(sink)
            .run(&engine(1))
    }
    let sink = change(parquet::Sink::create(path).part_rows(100));
    match keys {
        Some(keys) => run(sink.partition_by(keys.iter().copied()), fails_at),
        None => run(sink, fails_at),
    }
}

#[track_caller]
fn refused(result: Result<RunReport>, parts: &[&str]) {
    let error = result.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Config, "{error}");
    for part in parts {
        assert!(error.to_string().contains(part), "no `{part}` in: {error}");
    }
}

/// All rows, read by what the manifest lists.
fn complete(path: &Path, rows: u64) {
    let mut all = events(parquet::Source::open(path).unwrap());
    all.sort_by_key(|event| event.id);
    assert!(all.into_iter().eq((0..rows).map(event)));
}

// A job that was run again with other key columns went on, and ended well with folders of both kinds in
// one directory, which no reader takes for a table. The manifest says now what the folders are.
#[test]
fn a_partitioned_job_goes_on_only_by_the_keys_that_it_was_begun_with() {
    let same = |sink| sink;
    let cases: [(Option<&[&str]>, &str); 4] = [
        (Some(&KEYS), "a folder for each year, place"),
        (Some(&["year"]), "a folder for each year"),
        (Some(&[]), "a folder for each key"),
        (None, "without partitions"),
    ];
    // Values without columns for their keys must have keys of their own.
    for (begun, as_begun) in cases.into_iter().filter(|(keys, _)| *keys != Some(&[])) {
        let directory = TempDir::new().unwrap();
        let path = directory.path().join("events");
        let run = |keys, fails_at| run_by(&path, keys, same, fails_at);
        // Before anything is stored the keys may be others.
        run(Some(&["place"]), 0).unwrap_err();
        run(begun, 480).unwrap_err();
        let before = fs::read(path.join("_trommel.json")).unwrap();
        for (keys, wanted) in cases.into_iter().filter(|(keys, _)| *keys != begun) {
            let said = format!("was begun as: {as_begun}; and is to go on as: {wanted}: ");
            refused(run(keys, u64::MAX), &["events", "job `events`", &said]);
            assert!(fs::read(path.join("_trommel.json")).unwrap() == before, "{wanted}");
        }
        // From before it was noted.
        let mut manifest: serde_json::Value = serde_json::from_slice(&before).unwrap();
        assert_eq!(manifest["form"], as_begun);
        manifest.as_object_mut().unwrap().remove("form").unwrap();
        fs::write(path.join("_trommel.json"), manifest.to_string()).unwrap();
        run(begun, 700).unwrap_err();
        refused(run(Some(&["id"]), u64::MAX), &[as_begun]);
        run(begun, u64::MAX).unwrap();
        complete(&path, 900);
        assert_eq!(run(Some(&["id"]), u64::MAX).unwrap().counts.read, 0, "finished");
        complete(&path, 900);
    }
}

/// Each part is a file of its own, which says how it is to be read.
#[test]
fn parts_of_a_job_may_differ_in_what_readers_need_not_know() {
    use parquet::{Compression, Statistics};
    let directory = TempDir::new().unwrap();
    for (name, keys) in [("whole", None), ("by-key", Some(&KEYS[..]))] {
        let path = directory.path().join(name);
        run_by(&path, keys, |sink| sink, 480).unwrap_err();
        let other = |sink: parquet::Sink| {
            sink.compression(Compression::Snappy)
                .statistics(Statistics::None)
                .row_group_rows(10)
                .part_rows(70)
        };
        run_by(&path, keys, other, 700).unwrap_err();
        run_by(&path, keys, |sink| sink.compression(Compression::None), u64::MAX).unwrap();
        complete(&path, 900);
    }
}

// A partitioned job that was run again with other declared columns went on with them: its parts had two
// schemas. They are those of the first part now.
#[test]
fn a_job_goes_on_only_with_the_columns_that_it_was_begun_with() {
    let field = |name: &str, kind| Field::new(name, kind, true);
    let schema = |year| {
        let rest =
            [("place", DataType::Utf8), ("id", DataType::UInt64), ("value", DataType::Float64)];
        let rest = rest.map(|(name, kind)| field(name, kind));
        let metadata = HashMap::from([("of".to_owned(), "events".to_owned())]);
        let fields: Vec<Field> = [field("year", year)].into_iter().chain(rest).collect();
        Arc::new(Schema::new_with_metadata(fields, metadata))
    };
    let directory = TempDir::new().unwrap();
    for (name, keys) in [("whole", None), ("by-key", Some(&KEYS[..]))] {
        let path = directory.path().join(name);
        let run = |schema: &Arc<Schema>, fails_at| {
            run_by(&path, keys, |sink| sink.schema(Arc::clone(schema)), fails_at)
        };
        let (begun, wider) = (schema(DataType::UInt16), schema(DataType::Int32));
        run(&begun, 480).unwrap_err();
        refused(run(&wider, u64::MAX), &["year UInt16, place", "year Int32, place"]);
        run(&begun, 700).unwrap_err();
        run_by(&path, keys, |sink| sink, u64::MAX).unwrap();
        complete(&path, 900);
        assert_eq!(run(&wider, u64::MAX).unwrap().counts.read, 0, "finished");
    }
}

#[test]
fn a_job_is_not_rolled() {
    let directory = TempDir::new().unwrap();
    let path = directory.path().join("out");
    let error = Pipeline::from(sources::generate(10, |id| id))
        .resumable("job")
        .transform(|id, out| out.emit(event(id)))
        .load_into(parquet::Sink::create(&path).roll_rows(5))
        .run(&engine(1))
        .unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Unsupported);
    assert!(error.to_string().contains("`part_rows`"), "{error}");
    assert!(fs::read_dir(directory.path()).unwrap().next().is_none());
    let error = Pipeline::from(sources::generate(10, |id| id))
        .resumable("job")
        .transform(|id, out| out.emit(event(id)))
        .load_into(arrow::Sink::create(&path).partition_by(KEYS))
        .run(&engine(1))
        .unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Unsupported);
    assert!(fs::read_dir(directory.path()).unwrap().next().is_none());
}
