//! The files of one load of columns: rolled, one for each key.

#![cfg(feature = "parquet")]

mod columnar_support;
mod parquet_support;

use columnar_support::{Event, KEYS, event, events, joined, load, reference, tree};
use parquet_support::engine;
use serde::Serialize;
use std::fs;
use std::path::Path;
use tempfile::TempDir;
use trommel::{ErrorKind, Options, Pipeline, RejectPolicy, Result, RunReport, Sink as _, sources};
use trommel_connect::{arrow, parquet};

fn is_empty(directory: &TempDir) -> bool {
    is_empty_directory(directory.path())
}

#[test]
fn each_row_is_in_one_file_that_of_its_key() {
    let rows = 3_000;
    let directory = TempDir::new().unwrap();
    for (workers, batch) in [(1, 7), (2, 100), (2, 3_000)] {
        let path = |name: &str| directory.path().join(format!("{name}-{workers}-{batch}"));
        // All at once, and with more keys than open files and several row groups a key.
        let (plain, few) = (path("plain"), path("few"));
        load(workers, batch, rows, parquet::Sink::create(&plain).partition_by(KEYS)).unwrap();
        let sink = parquet::Sink::create(&few).row_group_rows(100).verify();
        load(workers, batch, rows, sink.partition_by(KEYS).max_open_files(3)).unwrap();
        let (arrow, stream) = (path("arrow"), path("stream"));
        let sink = arrow::Sink::create(&arrow).batch_rows(100).verify();
        load(workers, batch, rows, sink.partition_by(KEYS).max_open_files(3)).unwrap();
        load(workers, batch, rows, arrow::Sink::create(&stream).stream().partition_by(KEYS))
            .unwrap();
        for (root, most) in [(&plain, 1), (&few, 10), (&arrow, 10), (&stream, 1)] {
            let files = tree(root);
            assert!(joined(&files) == reference(rows), "{}", root.display());
            let is_ended_early = most > 1 && batch < 3_000;
            assert!(files.len() <= 10 * most, "{}", files.len());
            assert_eq!(files.len() > 10, is_ended_early, "{}", root.display());
        }
        // One schema in all files, and no litter beside them.
        let mut all = events(parquet::Source::open_directory(&plain).unwrap());
        all.sort_by_key(|event| event.id);
        assert!(all.into_iter().eq((0..rows).map(event)));
        assert!(events(arrow::Source::open_directory(&arrow).unwrap()).len() as u64 == rows);
        let beside = fs::read_dir(directory.path()).unwrap();
        assert!(beside.flatten().all(|entry| entry.path().is_dir()));
    }
}

#[test]
fn files_roll_by_rows_exactly_and_by_bytes_with_their_row_groups() {
    let directory = TempDir::new().unwrap();
    let path = directory.path().join("a.parquet");
    load(2, 64, 1_000, parquet::Sink::create(&path).row_group_rows(80).roll_rows(300)).unwrap();
    load(2, 64, 1_000, arrow::Sink::create(directory.path().join("a.arrow")).roll_rows(300))
        .unwrap();
    let files = tree(directory.path());
    for kind in ["arrow", "parquet"] {
        let rows = [0, 1, 2, 3].map(|n| files[&format!("a-0000{n}.{kind}")].len());
        assert_eq!(rows, [300, 300, 300, 100]);
        let all = files.iter().filter(|(name, _)| name.ends_with(kind)).flat_map(|(_, rows)| rows);
        assert!(all.cloned().eq((0..1_000).map(event)));
    }
    assert_eq!(files.len(), 8);

    let inside = TempDir::new().unwrap();
    let sink = parquet::Sink::create(inside.path().join("b.parquet")).row_group_rows(50);
    load(2, 64, 1_000, sink.roll_bytes(1)).unwrap();
    let sink = arrow::Sink::create(inside.path().join("c.arrow")).batch_rows(50).roll_bytes(1);
    load(2, 64, 1_000, sink).unwrap();
    let files = tree(inside.path());
    assert_eq!(files.len(), 40);
    assert!(files.values().all(|events| events.len() == 50));

    // Nothing makes one file, and a folder without any.
    let inside = TempDir::new().unwrap();
    load(2, 64, 0, parquet::Sink::create(inside.path().join("b.parquet")).roll_rows(5)).unwrap();
    load(2, 64, 0, parquet::Sink::create(inside.path().join("c")).partition_by(KEYS)).unwrap();
    assert!(inside.path().join("b-00000.parquet").is_file());
    assert!(is_empty_directory(&inside.path().join("c")));
}

fn is_empty_directory(path: &Path) -> bool {
    fs::read_dir(path).unwrap().next().is_none()
}

#[test]
fn keys_may_come_from_the_transform_and_roll() {
    let directory = TempDir::new().unwrap();
    let path = directory.path().join("keyed");
    let report = Pipeline::from(sources::generate(1_000, |id| id))
        .options(Options::builder().on_reject(RejectPolicy::with_data(9)).build().unwrap())
        .transform(|id, out| {
            let key = match id {
                7 => "../x",
                8 => "",
                _ if id % 2 == 0 => "even/two",
                _ => "odd",
            };
            out.emit(arrow::Keyed::new(key, event(id)))
        })
        .load_into(parquet::Sink::create(&path).roll_rows(200).partition_by(Vec::<String>::new()))
        .run(&engine(2))
        .unwrap();
    assert_eq!((report.counts.loaded, report.counts.rejected), (998, 2));
    let rows: Vec<_> = tree(&path).into_iter().map(|(name, rows)| (name, rows.len())).collect();
    let expected = ["even/two", "odd"].into_iter().flat_map(|key| {
        [200, 200, 99]
            .into_iter()
            .zip(0..)
            .map(move |(rows, n)| (format!("{key}/part-{n}.parquet"), rows))
    });
    assert_eq!(rows, expected.collect::<Vec<_>>());
    let rejects = fs::read_to_string(directory.path().join("keyed.rejects.ndjson")).unwrap();
    assert_eq!(rejects.lines().count(), 2);
}

#[test]
fn a_run_that_fails_leaves_nothing() {
    let sinks = |path: &Path| {
        let parquet = parquet::Sink::create(path).row_group_rows(20);
        let arrow = arrow::Sink::create(path).batch_rows(20);
        (parquet.partition_by(KEYS).max_open_files(2), arrow.partition_by(KEYS).max_open_files(2))
    };
    let directory = TempDir::new().unwrap();
    let path = directory.path().join("out");
    type Make = Box<dyn Fn(u64) -> Result<Event> + Send + Sync>;
    let fails_at = |at: u64, run: &mut dyn FnMut(Make) -> Result<RunReport>| {
        let make = move |id| match id == at {
            true => Err(trommel::Error::fatal("the power went")),
            false => Ok(event(id)),
        };
        run(Box::new(make)).unwrap_err()
    };
    let (mut parquet, mut arrow) = sinks(&path);
    macro_rules! run {
        ($sink:expr) => {
            &mut |make: Make| {
                Pipeline::from(sources::generate(1_000, |id| id))
                    .options(Options::builder().fixed_batch_size(50).build()?)
                    .transform(move |id, out| out.emit(make(id)?))
                    .load_into(&mut $sink)
                    .run(&engine(2))
            }
        };
    }
    fails_at(900, run!(parquet));
    assert!(is_empty(&directory));
    fails_at(900, run!(arrow));
    assert!(is_empty(&directory));

    // A write that fails: there is a file where a folder should be.
    fs::create_dir(&path).unwrap();
    fs::write(path.join("year=2001"), "in the way").unwrap();
    for error in [fails_at(5_000, run!(parquet)), fails_at(5_000, run!(arrow))] {
        assert_eq!(error.kind(), ErrorKind::Io, "{error}");
        assert!(error.to_string().contains("year=2001"), "{error}");
        let left: Vec<_> =
            fs::read_dir(&path).unwrap().map(|entry| entry.unwrap().file_name()).collect();
        assert_eq!(left, ["year=2001"]);
        assert_eq!(fs::read_dir(directory.path()).unwrap().count(), 1);
    }

    // Too many files, and a file where the folder should be.
    fs::remove_file(path.join("year=2001")).unwrap();
    let sink = parquet::Sink::create(&path).partition_by(["id"]).max_files(5);
    let error = load(2, 50, 1_000, sink).unwrap_err();
    assert!(
        error.kind() == ErrorKind::Config && error.to_string().contains("max_files"),
        "{error}"
    );
    assert!(is_empty_directory(&path), "a folder that was there stays");
    fs::remove_dir(&path).unwrap();
    fs::write(&path, "").unwrap();
    let error = load(2, 50, 10, parquet::Sink::create(&path).partition_by(KEYS)).unwrap_err();
    assert!(error.to_string().contains("name a directory for the partitions"), "{error}");
}

#[test]
fn a_second_run_of_the_same_output_is_refused() {
    let directory = TempDir::new().unwrap();
    for path in [directory.path().join("a"), directory.path().join("b.parquet")] {
        let mut first = parquet::Sink::create(&path).roll_rows(5).partition_by(KEYS);
        let mut second = parquet::Sink::create(&path).roll_rows(5).partition_by(KEYS);
        first.encoder().unwrap();
        let error = second.encoder().err().unwrap();
        assert!(error.to_string().contains("locked"), "{error}");
        _ = first.abort();
        second.encoder().unwrap();
        _ = second.abort();
    }
    assert!(is_empty(&directory));
}

/// Rows that wait are bounded: the key that has most of them is written before its row group is full.
#[test]
fn rows_that_wait_are_written_when_they_take_too_much() {
    #[derive(Serialize)]
    struct Wide {
        key: u64,
        text: String,
    }
    let directory = TempDir::new().unwrap();
    let path = directory.path().join("wide");
    Pipeline::from(sources::generate(300, |id| id))
        .options(Options::builder().fixed_batch_size(10).build().unwrap())
        .transform(|id, out| out.emit(Wide { key: id % 2, text: "x".repeat(400 << 10) }))
        .load_into(parquet::Sink::create(&path).partition_by(["key"]))
        .run(&engine(2))
        .unwrap();
    for key in ["key=0", "key=1"] {
        let file = fs::File::open(path.join(key).join("part-0.parquet")).unwrap();
        use trommel_connect::parquet::parquet::file::reader::{FileReader, SerializedFileReader};
        let metadata = SerializedFileReader::new(file).unwrap().metadata().clone();
        assert_eq!(metadata.file_metadata().num_rows(), 150);
        assert!((2..10).contains(&metadata.num_row_groups()), "{}", metadata.num_row_groups());
    }
}
