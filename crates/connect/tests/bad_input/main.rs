//! The matrix of `docs/connectors/README.md`, as far as no other test holds a cell of it: what each
//! connector of files says to one and the same trouble.
#![cfg(all(
    unix,
    feature = "arrow",
    feature = "csv",
    feature = "lines",
    feature = "ndjson",
    feature = "parquet",
    feature = "rejects",
    feature = "sqlite"
))]

#[cfg(any(feature = "postgres", feature = "postgres-system"))]
#[path = "../postgres_support/mod.rs"]
mod postgres_support;

use serde::{Deserialize, Serialize};
use std::fs;
use std::path::Path;
use tempfile::TempDir;
use trommel::{
    Batch as _, Encode, Engine, Error, ErrorKind, Limit, Options, Pipeline, Result, Source as _,
    sinks, sources,
};
use trommel_connect::{arrow, csv, ndjson, parquet, sqlite};

fn engine() -> Engine {
    Engine::builder().workers(2).build().unwrap()
}

/// Runs a source to its end.
macro_rules! count {
    ($source:expr) => {
        $source.and_then(|source| {
            Pipeline::from(source)
                .transform(|_, out| out.emit(0))
                .load_into(sinks::count())
                .run(&engine())
                .map(|report| report.counts.loaded)
        })
    };
}

mod places;

#[derive(Serialize)]
struct One<T> {
    a: T,
}

fn store<T>(value: &T, memory: usize, sink: impl Encode<One<T>>) -> Result<()>
where
    T: Clone + Sync + Send + 'static,
{
    Pipeline::from(sources::iter([value.clone()]))
        .options(Options::builder().memory_limit(memory).build()?)
        .map(|a: &mut T| One { a: a.clone() })
        .load_into(sink)
        .run(&engine())
        .map(drop)
}

/// What becomes of a row of one column, `a`, in each sink, with so much memory.
fn each_sink<T>(folder: &Path, value: T, memory: usize) -> [(&'static str, Result<()>); 5]
where
    T: Serialize + Clone + Sync + Send + 'static,
{
    let plain = parquet::Compression::None;
    let (file, value) = (|name| folder.join(name), &value);
    let database = || Ok(sqlite::Sink::create(file("a.db"))?.table::<One<T>>("t").replace());
    let parquet = parquet::Sink::create(file("a.parquet")).compression(plain);
    [
        ("csv", csv::Sink::create(file("a.csv")).and_then(|sink| store(value, memory, sink))),
        ("ndjson", ndjson::Sink::create(file("a.ndjson")).and_then(|it| store(value, memory, it))),
        ("parquet", store(value, memory, parquet)),
        ("arrow", store(value, memory, arrow::Sink::create(file("a.arrow")))),
        ("sqlite", database().and_then(|sink| store(value, memory, sink))),
    ]
}

/// A row of one column, `a`, stored everywhere.
fn everywhere<T: Serialize + Clone + Sync + Send + 'static>(folder: &Path, value: T) {
    all_say(each_sink(folder, value, 4096 << 20), [None; 5], "");
}

/// What each source says when `get` is asked for something of the first row.
macro_rules! each {
    ($folder:expr, |$row:ident| $get:expr) => {{
        let folder: &Path = $folder;
        macro_rules! first {
            ($source:expr) => {
                Pipeline::from($source.unwrap())
                    .transform(|$row, out| {
                        $get?;
                        out.emit(0)
                    })
                    .load_into(sinks::count())
                    .run(&engine())
                    .map(drop)
            };
        }
        [
            ("csv", first!(csv::Source::open(folder.join("a.csv")))),
            ("ndjson", first!(ndjson::Source::open(folder.join("a.ndjson")))),
            ("parquet", first!(parquet::Source::open(folder.join("a.parquet")))),
            ("arrow", first!(arrow::Source::open(folder.join("a.arrow")))),
            ("sqlite", first!(sqlite::Source::table(folder.join("a.db"), "t"))),
        ]
    }};
}

#[track_caller]
fn all_say(said: [(&str, Result<()>); 5], kinds: [Option<ErrorKind>; 5], part: &str) {
    for ((name, result), kind) in said.into_iter().zip(kinds) {
        let error: Option<Error> = result.err();
        assert_eq!(error.as_ref().map(Error::kind), kind, "{name}: {error:?}");
        if let Some(error) = error {
            assert!(error.to_string().contains(part), "{name}: {error}");
        }
    }
}

#[test]
fn a_column_of_another_type_or_that_is_not_there_is_named() {
    use ErrorKind::{Config, Row};
    let directory = TempDir::new().unwrap();
    everywhere(directory.path(), "seven");
    let wrong = each!(directory.path(), |row| row.get::<u64>("a"));
    all_say(wrong, [Row, Row, Config, Config, Row].map(Some), "`a`");
    let missing = each!(directory.path(), |row| row.get::<u64>("b"));
    all_say(missing, [Config, Row, Config, Config, Config].map(Some), "`b`");
}

#[test]
fn nul_bytes_are_stored_and_read_as_they_are() {
    let directory = TempDir::new().unwrap();
    everywhere(directory.path(), "a\0b");
    let read = each!(directory.path(), |row| {
        row.get::<String>("a").map(|text| assert_eq!(text, "a\0b"))
    });
    all_say(read, [None; 5], "");
}

/// Sinks refuse what a page has no room for, whatever they are. Sources of text are in
/// `huge_fields.rs`; the others hand a row over as it is.
#[test]
fn a_field_that_no_page_has_room_for_is_a_reject_with_the_remedy() {
    let directory = TempDir::new().unwrap();
    let text = "x".repeat(30_000_000);
    let said = each_sink(directory.path(), text.clone(), 256 << 20);
    all_say(said, [Some(ErrorKind::Row); 5], "raise memory_limit");
    everywhere(directory.path(), text);
    let file = |name: &str| directory.path().join(name);
    assert_eq!(count!(parquet::Source::open(file("a.parquet"))).unwrap(), 1);
    assert_eq!(count!(arrow::Source::open(file("a.arrow"))).unwrap(), 1);
    assert_eq!(count!(sqlite::Source::table(file("a.db"), "t")).unwrap(), 1);
}

#[test]
fn latin_1_is_said_to_be_no_utf8() {
    let directory = TempDir::new().unwrap();
    everywhere(directory.path(), "one xyz");
    for name in ["a.csv", "a.ndjson", "a.parquet", "a.arrow", "a.db"] {
        let path = directory.path().join(name);
        let mut bytes = fs::read(&path).unwrap();
        let places: Vec<usize> =
            (0..=bytes.len() - 3).filter(|at| bytes[*at..].starts_with(b"xyz")).collect();
        assert!(!places.is_empty(), "{name}");
        for at in places {
            bytes[at + 1] = 0xe9;
        }
        fs::write(&path, bytes).unwrap();
    }
    let read = each!(directory.path(), |row| row.get::<String>("a"));
    let kinds = read.map(|(name, result)| {
        let error = result.unwrap_err();
        let text = format!("{error:?}").to_lowercase();
        assert!(text.contains("utf-8") || text.contains("utf8"), "{name}: {text}");
        (name, error.kind())
    });
    use ErrorKind::{Fatal, Row};
    let expected =
        [("csv", Row), ("ndjson", Row), ("parquet", Fatal), ("arrow", Fatal), ("sqlite", Row)];
    assert_eq!(kinds, expected);
}

/// Symptom: of two columns of one name the last was read, without a word. Cause: an index by name
/// keeps one. Fix: it keeps none of them.
#[test]
fn two_columns_of_one_name_are_not_guessed_at() {
    use arrow::arrow_array::{ArrayRef, Int64Array, RecordBatch, RecordBatchIterator};
    use std::sync::Arc;
    /// Where a column that is not there would be `None`.
    #[derive(Deserialize)]
    struct A {
        #[serde(rename = "a")]
        _a: Option<i64>,
    }
    let one = |value| -> ArrayRef { Arc::new(Int64Array::from(vec![value])) };
    let field = || arrow::Field::new("a", arrow::DataType::Int64, false);
    let schema = Arc::new(arrow::Schema::new(vec![field(), field()]));
    let batch = RecordBatch::try_new(schema.clone(), vec![one(7), one(8)]);
    let source = arrow::Source::from_batches("two", RecordBatchIterator::new([batch], schema));
    let mut said = Vec::new();
    let mut source = source;
    let mut frames = Default::default();
    source.fill(&mut frames, &Limit::of_rows(9)).unwrap();
    frames
        .for_each(0, |row| {
            let row = row?;
            assert_eq!((row.get::<i64>(0)?, row.get::<i64>(1)?), (7, 8));
            said.push(row.get::<i64>("a").unwrap_err());
            said.push(row.decode::<A>().map(drop).unwrap_err());
            Ok(())
        })
        .unwrap();
    for error in said {
        assert_eq!(error.kind(), ErrorKind::Config);
        assert!(error.to_string().contains("several columns of two are called `a`"), "{error}");
    }
}

#[test]
fn a_codec_of_parquet_that_is_not_read_is_named() {
    let directory = TempDir::new().unwrap();
    let path = directory.path().join("items.parquet");
    for name in ["brotli", "lz4"] {
        let data = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/data");
        fs::copy(data.join(format!("{name}.parquet")), &path).unwrap();
        let error = count!(parquet::Source::open(&path)).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Fatal, "{error}");
        let text = format!("{error:?}");
        assert!(text.contains("items.parquet") && text.to_lowercase().contains(name), "{text}");
    }
}

#[cfg(any(feature = "postgres", feature = "postgres-system"))]
#[test]
fn postgresql_is_like_the_others_with_large_fields() {
    use trommel_connect::postgres::{Sink, Source};
    let server = server_or_return!();
    let conninfo = server.schema("huge");
    let table = Sink::connect(&conninfo).unwrap().table::<One<String>>("t");
    let error = store(&"x".repeat(30_000_000), 256 << 20, table).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Row, "{error}");
    assert!(error.to_string().contains("raise memory_limit"), "{error}");
    let large = Source::query(&conninfo, "SELECT repeat('x', 30000000) AS a");
    assert_eq!(count!(large).unwrap(), 1);
}
