//! What the source and the sink say to what can't work: which file, which column, what to do.

#![cfg(feature = "parquet")]

mod parquet_support;

use parquet_support::{engine, write};
use serde::{Deserialize, Serialize};
use std::fs;
use std::path::Path;
use std::sync::Arc;
use tempfile::TempDir;
use trommel::{
    Encode, Error, ErrorKind, Fill, Limit, Options, Pipeline, RejectPolicy, Result, RunReport,
    Sink as _, Source as _, sinks, sources,
};
use trommel_connect::arrow::{DataType, Field, FromCell, Schema};
use trommel_connect::parquet::{Compression, Sink, Source};

#[derive(Serialize, Deserialize)]
struct Item {
    id: i64,
    name: Option<String>,
}

fn item(id: i64) -> Item {
    Item { id, name: (id % 10 != 3).then(|| format!("item {id}")) }
}

fn items(path: &Path) {
    write(1, 500, 50_000, item, Sink::create(path).row_group_rows(20_000)).unwrap();
}

fn assert_says(error: &Error, kind: ErrorKind, parts: &[&str]) {
    let said = error.to_string();
    assert_eq!(error.kind(), kind, "{said}");
    for part in parts {
        assert!(said.contains(part), "`{part}` is not in: {said}");
    }
}

#[test]
fn files_that_are_none() {
    let directory = TempDir::new().unwrap();
    let path = directory.path().join("x.parquet");
    let open = || Source::open(&path).unwrap_err();
    assert_says(&open(), ErrorKind::Io, &["x.parquet", "can't be opened"]);
    fs::write(&path, "").unwrap();
    assert_says(&open(), ErrorKind::Fatal, &["x.parquet", "empty"]);
    fs::write(&path, "id,name\n1,one\n").unwrap();
    assert_says(&open(), ErrorKind::Fatal, &["x.parquet", "not a Parquet file"]);
    let empty = directory.path().join("empty");
    fs::create_dir(&empty).unwrap();
    assert_says(&Source::open(&empty).unwrap_err(), ErrorKind::Io, &["empty", ".parquet"]);
    let none: [&str; 0] = [];
    assert_says(&Source::open_many(none).unwrap_err(), ErrorKind::Config, &["no file"]);
}

#[test]
fn truncated_at_any_byte_is_an_error_when_it_is_opened() {
    let directory = TempDir::new().unwrap();
    let path = directory.path().join("x.parquet");
    items(&path);
    let whole = fs::read(&path).unwrap();
    for length in (0..whole.len()).step_by(whole.len() / 97) {
        fs::write(&path, &whole[..length]).unwrap();
        let error = Source::open(&path).unwrap_err();
        assert_says(&error, ErrorKind::Fatal, &["x.parquet"]);
    }
}

fn sum(path: &Path) -> Result<RunReport> {
    Pipeline::from(Source::open(path)?)
        .transform(|row, out| {
            let Item { id, name } = row.decode()?;
            out.emit(id + name.map_or(0, |name| name.len() as i64))
        })
        .load_into(sinks::count())
        .run(&engine(2))
}

#[test]
fn damaged_bytes_are_an_error_or_other_values_but_never_a_panic_or_other_rows() {
    let directory = TempDir::new().unwrap();
    let path = directory.path().join("x.parquet");
    items(&path);
    let whole = fs::read(&path).unwrap();
    let mut random = fastrand::Rng::with_seed(7);
    let mut refused = 0;
    for _ in 0..150 {
        let mut damaged = whole.clone();
        for _ in 0..random.usize(1..20) {
            let at = random.usize(4..damaged.len());
            damaged[at] = random.u8(..);
        }
        fs::write(&path, &damaged).unwrap();
        match sum(&path) {
            Ok(report) => assert_eq!(report.counts.read, 50_000),
            Err(error) => {
                assert_ne!(error.kind(), ErrorKind::Panic, "{error}");
                assert!(error.to_string().contains("x.parquet"), "{error}");
                refused += 1;
            }
        }
    }
    assert!(refused > 10, "only {refused} of 150 were noticed");
}

fn get<T: for<'a> FromCell<'a>>(path: &Path, column: &'static str) -> Result<RunReport> {
    Pipeline::from(Source::open(path)?)
        .options(Options::builder().on_reject(RejectPolicy::skip(50_000)).build()?)
        .transform(move |row, out| {
            row.get::<T>(column)?;
            out.emit(())
        })
        .load_into(sinks::count())
        .run(&engine(2))
}

#[test]
fn columns_that_are_missing_or_of_another_type_end_the_run() {
    let directory = TempDir::new().unwrap();
    let path = directory.path().join("x.parquet");
    items(&path);
    let error = get::<i64>(&path, "nam").unwrap_err();
    assert_says(&error, ErrorKind::Config, &["`nam`", "x.parquet", "id, name"]);
    let error = get::<i64>(&path, "name").unwrap_err();
    assert_says(&error, ErrorKind::Config, &["column `name`", "text", "whole number"]);
    let error = get::<bool>(&path, "id").unwrap_err();
    assert_says(&error, ErrorKind::Config, &["column `id`", "integer", "boolean"]);
    let error = Source::open(&path).unwrap().columns(["id", "nam"]).unwrap_err();
    assert_says(&error, ErrorKind::Config, &["`nam`"]);
    assert_says(
        &Source::open(&path).unwrap().column("x").unwrap_err(),
        ErrorKind::Config,
        &["`x`"],
    );
}

#[test]
fn nulls_and_numbers_out_of_range_reject_their_row() {
    let directory = TempDir::new().unwrap();
    let path = directory.path().join("x.parquet");
    items(&path);
    let report = get::<String>(&path, "name").unwrap();
    assert_eq!(report.counts.rejected, 5_000);
    let report = get::<u8>(&path, "id").unwrap();
    assert_eq!(report.counts.loaded, 256);

    let error = Pipeline::from(Source::open(&path).unwrap())
        .transform(|row, out| out.emit(row.str("name")?.len()))
        .load_into(sinks::count())
        .run(&engine(1))
        .unwrap_err();
    assert_says(&error, ErrorKind::Row, &["null", "Option", "`name`", "x.parquet", "record 3"]);
}

#[test]
fn files_with_other_columns_are_not_read_as_one() {
    let directory = TempDir::new().unwrap();
    items(&directory.path().join("1.parquet"));
    write(1, 10, 10, |id| (id, id), Sink::create(directory.path().join("2.parquet"))).unwrap();
    let error = Source::open(directory.path()).unwrap_err();
    assert_says(&error, ErrorKind::Config, &["1.parquet", "2.parquet", "`id`"]);
}

#[test]
fn places_that_can_t_be_written() {
    let directory = TempDir::new().unwrap();
    let missing = directory.path().join("no/such/x.parquet");
    let error = write(1, 10, 10, item, Sink::create(&missing)).unwrap_err();
    assert_says(&error, ErrorKind::Io, &["no/such/x.parquet", "create it first"]);
    let error = write(1, 10, 10, item, Sink::create(directory.path())).unwrap_err();
    assert_says(&error, ErrorKind::Io, &["is a directory"]);
    assert_eq!(error.report().unwrap().counts.read, 0);

    // Another writer of the same name.
    let path = directory.path().join("x.parquet");
    let mut first = Sink::create(&path);
    let encoder = first.encoder().unwrap();
    let mut page = Default::default();
    <Sink as Encode<Item>>::encode(&encoder, &mut page, item(0)).unwrap();
    first.write(&mut page).unwrap();
    // The file is opened with the first rows that have a settled schema.
    for id in 0..10_000 {
        <Sink as Encode<Item>>::encode(&encoder, &mut page, item(id)).unwrap();
    }
    first.write(&mut page).unwrap();
    let error = write(1, 10, 10, item, Sink::create(&path)).unwrap_err();
    assert_says(&error, ErrorKind::Fatal, &["x.parquet", "another run"]);
    first.finish().unwrap();
    assert_eq!(sum(&path).unwrap().counts.read, 10_001);
}

#[test]
fn options_that_can_t_work_are_named() {
    let directory = TempDir::new().unwrap();
    let path = directory.path().join("x.parquet");
    let run = |sink: Sink| write(1, 10, 10, item, sink).unwrap_err();
    let sink = || Sink::create(&path);
    assert_says(&run(sink().row_group_rows(0)), ErrorKind::Config, &["row_group_rows"]);
    assert_says(&run(sink().part_rows(0)), ErrorKind::Config, &["part_rows"]);
    assert_says(&run(sink().compression(Compression::Zstd(99))), ErrorKind::Config, &["99"]);
    let odd = DataType::Duration(trommel_connect::arrow::arrow_schema::TimeUnit::Second);
    let schema =
        Schema::new(vec![Field::new_dictionary("id", DataType::Int8, DataType::Utf8, true)]);
    assert_says(&run(sink().schema(Arc::new(schema))), ErrorKind::Config, &["`id`", "columnar"]);
    let schema = Schema::new(vec![Field::new("name", odd, true)]);
    let error = run(sink().schema(Arc::new(schema)));
    assert_says(&error, ErrorKind::Config, &["`id`", "no column", "name"]);
    assert!(!path.exists());
}

#[test]
fn values_that_don_t_go_together_are_errors_that_name_the_column() {
    #[derive(Serialize)]
    #[serde(untagged)]
    enum Any {
        Number(i64),
        Text(&'static str),
    }
    #[derive(Serialize)]
    struct Row {
        any: Any,
    }
    let directory = TempDir::new().unwrap();
    let path = directory.path().join("x.parquet");
    let make = |id: i64| Row { any: if id == 5 { Any::Text("five") } else { Any::Number(id) } };
    let error = write(1, 100, 100, make, Sink::create(&path)).unwrap_err();
    assert_says(&error, ErrorKind::Row, &["column `any`", "Int64", "text"]);
    // Also where pages have learnt different types: the first one of another worker, say.
    let make = |id: i64| Row { any: if id % 2 == 0 { Any::Text("even") } else { Any::Number(id) } };
    let error = write(2, 1, 100, make, Sink::create(&path)).unwrap_err();
    assert!(error.to_string().contains("column `any`"), "{error}");
    assert!(
        fs::read_dir(directory.path()).unwrap().next().is_none(),
        "a failed run leaves nothing"
    );

    // A column that comes to life only after the schema is settled.
    #[derive(Serialize)]
    struct Late {
        late: Option<i64>,
    }
    let make = |id: i64| Late { late: (id > 20_000).then_some(id) };
    let error =
        write(1, 1_000, 30_000, make, Sink::create(&path).row_group_rows(10_000)).unwrap_err();
    assert_says(&error, ErrorKind::Fatal, &["column `late`", ".column"]);
    let sink = Sink::create(&path).row_group_rows(10_000).column("late", DataType::Int64);
    write(1, 1_000, 30_000, make, sink).unwrap();
}

/// Symptom: a tuple after a map ended the run with a panic, an index out of bounds. Cause: a place
/// beyond the columns was looked up by its number, `2`, a name that the map had used for the first
/// column, and the value then went to the place all the same. Fix: it goes to the column found, which
/// has a value of this row already: an error of the row.
#[test]
fn a_place_whose_number_is_taken_is_an_error_of_the_row() {
    #[derive(Serialize)]
    #[serde(untagged)]
    enum Row {
        Map(std::collections::BTreeMap<u8, i64>),
        Tuple(i64, i64),
    }
    let directory = TempDir::new().unwrap();
    let path = directory.path().join("x.parquet");
    let make = |id: i64| if id == 0 { Row::Map([(2, id)].into()) } else { Row::Tuple(id, id) };
    let error = write(1, 100, 100, make, Sink::create(&path)).unwrap_err();
    assert_says(&error, ErrorKind::Row, &["column `2`", "same name"]);
}

#[test]
fn what_was_there_stays_until_the_new_file_is_whole() {
    let directory = TempDir::new().unwrap();
    let path = directory.path().join("x.parquet");
    items(&path);
    let before = fs::read(&path).unwrap();
    let error = Pipeline::from(sources::generate(50_000, |id| id))
        .transform(|id, out| match id {
            40_000 => Err(Error::fatal("the power went")),
            _ => out.emit(item(id as i64)),
        })
        .load_into(Sink::create(&path))
        .run(&engine(2))
        .unwrap_err();
    assert_eq!(error.report().unwrap().counts.loaded, 0);
    assert_eq!(fs::read(&path).unwrap(), before);
    assert_eq!(fs::read_dir(directory.path()).unwrap().count(), 1);
}

#[test]
fn positions_of_other_files_are_refused() {
    let directory = TempDir::new().unwrap();
    let path = directory.path().join("x.parquet");
    items(&path);
    let mut source = Source::open(&path).unwrap();
    let mut batch = Default::default();
    assert_eq!(source.fill(&mut batch, &Limit::of_rows(100)).unwrap(), Fill::More);
    let position = source.position().unwrap();
    let mut again = Source::open(&path).unwrap();
    again.seek(&position).unwrap();
    assert_eq!(again.position(), Some(position));
    for numbers in [[0, 0, 20_001], [0, 9, 0], [2, 0, 0]] {
        let error = again.seek(&trommel::Position::from_numbers(&numbers)).unwrap_err();
        assert_says(&error, ErrorKind::Fatal, &["x.parquet", "other files"]);
    }
    let error = again.seek(&trommel::Position::from_bytes(b"abc")).unwrap_err();
    assert_says(&error, ErrorKind::Unsupported, &["x.parquet"]);
}
