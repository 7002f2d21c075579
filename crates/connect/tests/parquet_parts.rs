//! The parts of a job: the same files, byte for byte, however it was cut up and cut off.

#![cfg(feature = "parquet")]

mod parquet_support;

use parquet_support::{Numbers, engine, read};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use std::fs;
use std::path::Path;
use tempfile::TempDir;
use trommel::{CancelToken, Error, Options, Pipeline, RejectPolicy, Result, RunReport};
use trommel_connect::parquet::Sink;

#[derive(Debug, PartialEq, Serialize, Deserialize)]
struct Item {
    id: u64,
    text: String,
    maybe: Option<f64>,
    tags: Vec<String>,
    inner: Option<Inner>,
}

#[derive(Debug, PartialEq, Serialize, Deserialize)]
struct Inner {
    half: f32,
    name: Option<String>,
}

/// A record whose texts have about so many bytes, of which no two are alike.
fn item(id: u64, bytes: usize) -> Item {
    let mut random = fastrand::Rng::with_seed(id);
    let mut text = |bytes: usize| format!("{:016x}", random.u64(..)).repeat(bytes / 16);
    Item {
        id,
        text: text(bytes),
        maybe: (!id.is_multiple_of(3)).then_some(id as f64 / 7.0),
        tags: (0..id % 4).map(|_| text(bytes / 2)).collect(),
        inner: (!id.is_multiple_of(5))
            .then(|| Inner { half: id as f32 / 2.0, name: id.is_multiple_of(2).then(|| text(16)) }),
    }
}

/// What becomes of a row.
#[derive(Debug, Clone, Copy)]
enum End {
    Fails(u64),
    Cancels(u64),
    None,
}

/// A job of so many rows, of which those that end in 7 are bad, in batches of `batch` rows or of
/// sizes that adapt.
fn run(sink: Sink, rows: u64, bytes: usize, batch: Option<usize>, end: End) -> Result<RunReport> {
    let cancel = CancelToken::new();
    let options = Options::builder().on_reject(RejectPolicy::with_data(u64::MAX));
    let options = match batch {
        Some(batch) => options.fixed_batch_size(batch),
        None => options,
    };
    let token = cancel.clone();
    Pipeline::from(Numbers::up_to(rows))
        .options(options.build()?)
        .cancel_with(&cancel)
        .transform(move |id, out| match (id, end) {
            (id, End::Fails(at)) if id == at => Err(Error::fatal("the power went")),
            (id, End::Cancels(at)) if id == at => {
                token.cancel();
                out.emit(item(id, bytes))
            }
            (id, _) if id % 10 == 7 => Err(Error::row("ends in 7")),
            (id, _) => out.emit(item(id, bytes)),
        })
        .load_into(sink)
        .resumable("items")
        .run(&engine(2))
}

/// The files that are data, to all who read directories of Parquet files.
fn parts(path: &Path) -> BTreeMap<String, Vec<u8>> {
    let files = fs::read_dir(path).unwrap().map(|entry| entry.unwrap());
    let named = files.map(|file| (file.file_name().into_string().unwrap(), file.path()));
    let data = named.filter(|(name, _)| !name.starts_with('_'));
    data.map(|(name, path)| (name, fs::read(path).unwrap())).collect()
}

fn manifest(path: &Path) -> serde_json::Value {
    serde_json::from_slice(&fs::read(path.join("_trommel.json")).unwrap()).unwrap()
}

fn small(path: &Path) -> Sink {
    Sink::create(path).row_group_rows(500).part_rows(1_250)
}

const ROWS: u64 = 6_000;

#[test]
fn parts_are_those_of_a_clean_run_however_often_the_job_was_cut_off() {
    let directory = TempDir::new().unwrap();
    let clean = directory.path().join("clean");
    run(small(&clean), ROWS, 16, None, End::None).unwrap();
    let expected = parts(&clean);
    let listed = manifest(&clean)["parts"].as_array().unwrap().clone();
    let rows: Vec<u64> = listed.iter().map(|part| part["rows"].as_u64().unwrap()).collect();
    assert_eq!(rows, [1_250, 1_250, 1_250, 1_250, 400]);
    assert_eq!(expected.len(), rows.len(), "{:?}", expected.keys());

    // Between two parts, at the border of one, and several times within one.
    let cuts: [&[(Option<usize>, End)]; 4] = [
        &[(Some(7), End::Fails(2_000)), (None, End::Fails(4_999))],
        &[(Some(150), End::Cancels(1_750)), (Some(151), End::Cancels(1_800)), (Some(2), End::None)],
        &[(Some(1_389), End::Fails(1_390)), (Some(1), End::Cancels(2_776)), (None, End::None)],
        &[(Some(3_000), End::Fails(5_500)), (Some(11), End::Cancels(5_990))],
    ];
    for (number, cuts) in cuts.into_iter().enumerate() {
        let path = directory.path().join(number.to_string());
        let mut loaded = 0;
        for (batch, end) in cuts {
            let ended = run(small(&path), ROWS, 16, *batch, *end);
            let report = match &ended {
                Ok(report) => report,
                Err(error) => error.report().unwrap(),
            };
            loaded += report.counts.loaded;
            // What counts is read, that of the open part too.
            let read: Vec<Item> = read(2, &path);
            assert_eq!(read.len() as u64, loaded, "{number}: {batch:?} {end:?}");
            let ids = (0..ROWS).filter(|id| id % 10 != 7);
            assert!(read.into_iter().eq(ids.map(|id| item(id, 16)).take(loaded as usize)));
        }
        run(small(&path), ROWS, 16, None, End::None).unwrap();
        assert!(parts(&path) == expected, "{number}: other files, or other bytes in them");
        assert_eq!(manifest(&path)["parts"], manifest(&clean)["parts"]);
        assert_eq!(manifest(&path)["tail"], serde_json::Value::Null);
        assert!(
            fs::read_dir(&path).unwrap().all(|entry| {
                !entry.unwrap().file_name().to_str().unwrap().starts_with("_tail")
            })
        );
    }
}

/// Texts that end pages, and give up dictionaries, in the middle of a row group.
#[test]
fn pages_end_with_the_same_rows_whatever_the_batches() {
    let directory = TempDir::new().unwrap();
    let sink = |path: &Path| Sink::create(path).part_rows(4_400);
    let mut all = [Some(1_000), Some(77), None].map(|batch| {
        let path = directory.path().join(format!("{batch:?}"));
        run(sink(&path), 5_000, 1_200, batch, End::None).unwrap();
        parts(&path)
    });
    assert_eq!(all[0].len(), 2);
    let first = std::mem::take(&mut all[0]);
    assert!(all[1..].iter().all(|parts| *parts == first), "other bytes");
}

#[test]
fn a_tail_that_has_gone_or_changed_is_noticed() {
    let directory = TempDir::new().unwrap();
    let path = directory.path().join("items");
    let run = |end| run(small(&path).verify(), ROWS, 16, Some(300), end);
    run(End::Fails(2_000)).unwrap_err();
    let tail = path.join(manifest(&path)["tail"]["file"].as_str().unwrap());
    let bytes = fs::read(&tail).unwrap();
    fs::remove_file(&tail).unwrap();
    let error = run(End::None).unwrap_err().to_string();
    assert!(error.contains("_tail-") && error.contains("is gone"), "{error}");

    // In a page that is compressed, by zstd.
    let mut changed = bytes.clone();
    let at = changed.windows(4).position(|four| four == [0x28, 0xb5, 0x2f, 0xfd]).unwrap();
    changed[at + 12] ^= 1;
    fs::write(&tail, &changed).unwrap();
    let error = run(End::None).unwrap_err().to_string();
    assert!(error.contains("_tail-"), "{error}");

    fs::write(&tail, &bytes).unwrap();
    let error = Pipeline::from(Numbers::up_to(ROWS))
        .resumable("items")
        .transform(|id, out| out.emit(item(id, 16)))
        .load_into(small(&path).verify().partition_by(["id"]))
        .run(&engine(1))
        .unwrap_err();
    assert!(error.to_string().contains("without partitions"), "{error}");
    run(End::None).unwrap();
    assert_eq!(parts(&path).len(), 5);
}
