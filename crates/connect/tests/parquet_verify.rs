//! Parquet and Arrow files that are read back before they get their names, on request.

#![cfg(feature = "parquet")]

mod parquet_support;

use parquet_support::{engine, read, write};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use std::fs::{self, OpenOptions};
use std::io::{Seek, SeekFrom, Write};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use tempfile::TempDir;
use trommel::{
    Checkpoint, Commit, Counts, Encode, ErrorKind, Pipeline, Position, Result, Sink as _, sources,
};
use trommel_connect::arrow::arrow_array::types::Int8Type;
use trommel_connect::arrow::arrow_array::{
    ArrayRef, DictionaryArray, FixedSizeListArray, Float64Array, Int64Array, LargeListArray,
    LargeStringArray, StringViewArray, TimestampSecondArray,
};
use trommel_connect::arrow::{self, DataType, Date, Decimal, Field, RecordBatch, Timestamp};
use trommel_connect::parquet::{Compression, Sink, Statistics};

/// Values of every type that records have.
#[derive(Debug, PartialEq, Serialize, Deserialize)]
struct Item {
    id: i64,
    small: u8,
    float: f32,
    maybe: Option<f64>,
    flag: Option<bool>,
    text: String,
    tags: Vec<Option<String>>,
    at: Timestamp,
    day: Option<Date>,
    price: Decimal,
    inner: Option<Inner>,
    counts: BTreeMap<String, u32>,
}

#[derive(Debug, PartialEq, Serialize, Deserialize)]
struct Inner {
    deep: Vec<i16>,
    name: Option<String>,
}

fn item(id: i64) -> Item {
    Item {
        id,
        small: id as u8,
        float: [0.0, -0.0, 1.5, f32::INFINITY][id as usize % 4],
        maybe: (id % 3 > 0).then_some(id as f64 / 3.0),
        flag: (id % 5 > 0).then_some(id % 2 == 0),
        text: "ä\0,".repeat(id as usize % 4),
        tags: (0..id % 3).map(|tag| (tag > 0).then(|| tag.to_string())).collect(),
        at: Timestamp(id * 1_000_003),
        day: (id % 7 > 0).then_some(Date(id as i32)),
        price: Decimal { value: (id * -7).into(), scale: 2 },
        inner: (id % 4 > 0).then(|| Inner {
            deep: (0..id % 5).map(|number| number as i16).collect(),
            name: (id % 2 > 0).then(|| format!("name {id}")),
        }),
        counts: (0..id % 3).map(|key| (format!("k{key}"), key as u32)).collect(),
    }
}

fn place(name: &str) -> (TempDir, PathBuf) {
    let directory = TempDir::new().unwrap();
    let path = directory.path().join(name);
    (directory, path)
}

#[track_caller]
fn says<T>(result: Result<T>, kind: ErrorKind, parts: &[&str]) {
    let error = result.err().expect("an error");
    assert_eq!(error.kind(), kind, "{error}");
    for part in parts {
        assert!(error.to_string().contains(part), "no `{part}` in: {error}");
    }
}

fn page<S: Encode<(i64, i64)>>(sink: &mut S, numbers: std::ops::Range<i64>) -> S::Page {
    let encoder = sink.encoder().unwrap();
    let mut page = S::Page::default();
    for number in numbers {
        S::encode(&encoder, &mut page, (number, number * number)).unwrap();
    }
    page
}

fn at(rows: u64) -> Checkpoint {
    Checkpoint {
        position: Some(Position::from_numbers(&[rows])),
        counts: Counts { read: rows, loaded: rows, emitted: rows, ..Counts::default() },
        ..Checkpoint::default()
    }
}

#[test]
fn what_was_written_is_there() {
    let (folder, path) = place("a.parquet");
    let sink = || Sink::create(&path).verify();
    for rows in [0, 1, 10_000] {
        write(2, 300, rows, item, sink().row_group_rows(2_500)).unwrap();
        assert!(read::<Item>(2, &path).into_iter().eq((0..rows as i64).map(item)));
        for compression in [Compression::None, Compression::Snappy] {
            let sink = sink().compression(compression).statistics(Statistics::None);
            write(1, 4096, rows, item, sink).unwrap();
        }
    }
    let job = folder.path().join("job");
    Pipeline::from(parquet_support::Numbers::up_to(20_000))
        .transform(|id, out| out.emit(item(id as i64)))
        .load_into(Sink::create(&job).part_rows(3_000).verify())
        .resumable("items")
        .run(&engine(2))
        .unwrap();
    assert!(read::<Item>(2, &job).into_iter().eq((0..20_000).map(item)));

    let ipc = folder.path().join("a.arrow");
    for compression in [arrow::Compression::None, arrow::Compression::Zstd] {
        let sink = || arrow::Sink::create(&ipc).compression(compression).batch_rows(999).verify();
        for rows in [0, 1, 10_000] {
            write(2, 300, rows, item, sink()).unwrap();
            write(2, 300, rows, item, sink().stream()).unwrap();
        }
    }
}

/// Types that only record batches have, slices among them.
#[test]
fn record_batches_are_there_as_they_were_given() {
    let texts = ["a", "", "b"];
    let items = (0..9).map(|row| (row % 4 > 0).then(|| vec![Some(row), None]));
    let columns: Vec<(&str, ArrayRef)> = vec![
        (
            "keys",
            Arc::new(DictionaryArray::<Int8Type>::from_iter(
                (0..9).map(|at| (at % 4 > 0).then(|| texts[at % 3])),
            )),
        ),
        (
            "lists",
            Arc::new(LargeListArray::from_iter_primitive::<
                trommel_connect::arrow::arrow_array::types::Int64Type,
                _,
                _,
            >(items)),
        ),
        (
            "pairs",
            Arc::new(FixedSizeListArray::new(
                Arc::new(Field::new("item", DataType::Int64, true)),
                2,
                Arc::new(Int64Array::from_iter((0..18).map(|at| (at % 5 > 0).then_some(at)))),
                None,
            )),
        ),
        ("large", Arc::new(LargeStringArray::from_iter_values((0..9).map(|at| texts[at % 3])))),
        (
            "views",
            Arc::new(StringViewArray::from_iter(
                (0..9).map(|at| (at > 1).then(|| "a text longer than a view holds".split_at(at).1)),
            )),
        ),
        ("seconds", Arc::new(TimestampSecondArray::from_iter_values(0..9))),
        (
            "floats",
            Arc::new(Float64Array::from_iter_values([
                f64::NAN,
                -f64::NAN,
                0.0,
                -0.0,
                1.0,
                f64::MIN,
                f64::MAX,
                f64::INFINITY,
                -1e-300,
            ])),
        ),
    ];
    let batch = RecordBatch::try_from_iter(columns).unwrap();
    let batches = || vec![batch.slice(2, 7), batch.clone(), batch.slice(0, 1), batch.slice(4, 0)];
    let (folder, path) = place("a.parquet");
    let (ipc, engine) = (folder.path().join("a.arrow"), engine(2));
    for rows in [1, 4, 100] {
        Pipeline::from(sources::iter(batches()))
            .transform(|batch: &mut RecordBatch, out| out.emit(&*batch))
            .load_into(Sink::create(&path).row_group_rows(rows).verify().columnar())
            .run(&engine)
            .unwrap();
    }
    let sink = arrow::Sink::create(&ipc).verify();
    Pipeline::from(sources::iter(batches()))
        .transform(|batch: &mut RecordBatch, out| out.emit(&*batch))
        .load_into(sink.columnar())
        .run(&engine)
        .unwrap();
}

/// A file of another load in the place of a part: what was given to it differs in one way only.
fn replaced(part: &Path, rows: impl IntoIterator<Item = (i64, i64)>) {
    Pipeline::from(sources::iter(rows.into_iter().collect::<Vec<_>>()))
        .transform(|row: &mut (i64, i64), out| out.emit(*row))
        .load_into(Sink::create(part))
        .run(&engine(1))
        .unwrap();
}

#[test]
fn a_cell_changed_a_row_lost_and_a_row_doubled_are_seen() {
    let (_folder, path) = place("job");
    let part = path.join("part-00000.parquet");
    let mut sink = Sink::create(&path).part_rows(1000).verify();
    sink.resume("load").unwrap();
    let mut all = page(&mut sink, 0..1000);
    sink.write(&mut all).unwrap();
    sink.commit(&at(1000), Commit::Now).unwrap();

    let good = |number: i64| (number, number * number);
    let holds = |what: &str| {
        let found = format!("part-00000.parquet should hold 1000 rows, content {what}");
        found.trim_end_matches("content ").to_owned()
    };
    let changed = (0..1000).map(|number| if number == 500 { (500, 7) } else { good(number) });
    replaced(&part, changed);
    says(sink.finish(), ErrorKind::Fatal, &["verify", &holds(""), "it holds 1000 rows"]);
    replaced(&part, (0..1000).filter(|number| *number != 500).map(good));
    says(sink.finish(), ErrorKind::Fatal, &[&holds(""), "it holds 999 rows", "not finished"]);
    replaced(&part, (0..1000).chain([500]).map(good));
    says(sink.finish(), ErrorKind::Fatal, &[&holds(""), "it holds 1001 rows"]);
    // One lost, another doubled.
    replaced(&part, (0..1000).map(|number| good(if number == 500 { 501 } else { number })));
    says(sink.finish(), ErrorKind::Fatal, &[&holds(""), "it holds 1000 rows"]);
    replaced(&part, (0..1000).map(good).map(|(a, b)| (b, a)));
    says(sink.finish(), ErrorKind::Fatal, &[&holds("")]);
    fs::write(&part, "PAR1PAR1").unwrap();
    says(sink.finish(), ErrorKind::Fatal, &["verify", "part-00000.parquet can't be read back"]);

    // Another order is no other content.
    replaced(&part, (0..1000).rev().map(good));
    sink.finish().unwrap();
    assert_eq!(read::<(i64, i64)>(1, &path).len(), 1000);
}

/// Overwrites bytes of a file in place, as whatever damages files does.
fn damage(path: &Path, at: u64) {
    let mut file = OpenOptions::new().write(true).open(path).unwrap();
    file.seek(SeekFrom::Start(at)).unwrap();
    file.write_all(b"\x5a\xa5").unwrap();
}

/// Symptom: rejects beside a file of an earlier load, as if they were that one's.
/// Cause: they got their name before the file itself could no longer fail.
/// Fix: they get it when the file is durable, and right if that was asked for.
#[test]
fn a_file_damaged_before_it_got_its_name_leaves_the_old_one() {
    let (folder, path) = place("a.parquet");
    fs::write(&path, "the old one").unwrap();
    let plain = Sink::create(&path).compression(Compression::None).row_group_rows(20_000);
    let mut sink = plain.verify();
    for from in 0..8 {
        let numbers = from * 20_000..(from + 1) * 20_000;
        let mut rows = match from == 0 {
            true => page(&mut sink, numbers),
            // The encoder of the run, not of another one.
            false => page(&mut Sink::create(folder.path().join("other")), numbers),
        };
        sink.write(&mut rows).unwrap();
    }
    let side = folder.path().join("a.parquet.tmp");
    assert!(fs::metadata(&side).unwrap().len() > 400_000, "row groups are written as they come");
    damage(&side, 100_003);
    let reject = r#"{"stage": "transform", "reason": "bad", "raw": "7"}"#;
    sink.keep_reject(&serde_json::from_str(reject).unwrap()).unwrap();
    says(
        sink.finish(),
        ErrorKind::Fatal,
        &["verify", "a.parquet.tmp", "a.parquet was not touched"],
    );
    assert_eq!(fs::read(&path).unwrap(), b"the old one");
    drop(sink);
    assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 1, "no rejects of a load that failed");

    let ipc = folder.path().join("a.arrow");
    for is_stream in [false, true] {
        fs::write(&ipc, "the old one").unwrap();
        let sink = arrow::Sink::create(&ipc).batch_rows(50_000).verify();
        let mut sink = if is_stream { sink.stream() } else { sink };
        let mut rows = page(&mut sink, 0..100_000);
        sink.write(&mut rows).unwrap();
        damage(&folder.path().join("a.arrow.tmp"), 100_003);
        let parts = ["verify", "a.arrow.tmp", "a.arrow was not touched"];
        says(sink.finish(), ErrorKind::Fatal, &parts);
        assert_eq!(fs::read(&ipc).unwrap(), b"the old one");
    }
}

#[test]
fn the_digests_of_a_job_live_on_in_its_later_runs() {
    let (_folder, path) = place("job");
    let sink = || Sink::create(&path).part_rows(10).verify();
    let step = |sink: &mut Sink, from: i64, to: i64| {
        let mut rows = page(sink, from..to);
        sink.write(&mut rows).unwrap();
        sink.commit(&at(to as u64), Commit::Now).unwrap();
    };
    let mut first = sink();
    assert_eq!(first.resume("load").unwrap(), None);
    step(&mut first, 0, 10);
    // Not committed, so not given.
    let mut more = page(&mut first, 10..15);
    first.write(&mut more).unwrap();
    drop(first);

    let mut second = sink();
    assert_eq!(second.resume("load").unwrap().unwrap().counts.read, 10);
    step(&mut second, 10, 20);
    drop(second);

    // As long as it was, as `resume` wants it, and with other content.
    let part = path.join("part-00000.parquet");
    let whole = fs::read(&part).unwrap();
    let mut third = sink();
    third.resume("load").unwrap();
    third.encoder().unwrap();
    replaced(&part, (0..10).map(|number| (number, -number)));
    says(third.finish(), ErrorKind::Fatal, &["verify", "part-00000.parquet"]);
    drop(third);
    // Mended, it finishes: the failure has finished nothing.
    fs::write(&part, whole).unwrap();
    let mut fourth = sink();
    assert!(!fourth.resume("load").unwrap().unwrap().finished);
    fourth.encoder().unwrap();
    fourth.finish().unwrap();
    drop(fourth);
    assert!(sink().resume("load").unwrap().unwrap().finished);
    assert_eq!(read::<(i64, i64)>(1, &path).len(), 20);
}

#[test]
fn a_job_that_was_begun_without_it_is_refused() {
    for begins_with in [false, true] {
        let (_folder, path) = place("job");
        let with = |is_on: bool| match is_on {
            true => Sink::create(&path).verify(),
            false => Sink::create(&path),
        };
        for (is_on, from) in [(begins_with, 0), (false, 10)] {
            let mut run = with(is_on);
            run.resume("load").unwrap();
            let mut rows = page(&mut run, from..from + 10);
            run.write(&mut rows).unwrap();
            run.commit(&at(from as u64 + 10), Commit::Now).unwrap();
        }
        let parts = ["verify", "job `load`", "without it"];
        says(with(true).resume("load").map(drop), ErrorKind::Config, &parts);
        let mut last = with(false);
        last.resume("load").unwrap();
        last.encoder().unwrap();
        last.finish().unwrap();
    }
}
