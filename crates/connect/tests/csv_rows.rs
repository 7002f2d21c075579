//! Rows of CSV that are emitted as they are, into sinks of all kinds.
#![cfg(all(feature = "csv", feature = "ndjson", feature = "sqlite"))]

use tempfile::TempDir;
use trommel::{Encode, Engine, Options, Pipeline, RejectPolicy, RunReport, Sink};
use trommel_connect::csv::{Builder, Row, Source};
use trommel_connect::{ndjson, sqlite};

/// Loads a text without a transform of its own; one bad row may be.
fn load<S>(builder: Builder, text: &'static [u8], sink: S) -> trommel::Result<RunReport>
where
    S: Sink + for<'a> Encode<Row<'a>> + 'static,
    S::Page: 'static,
{
    Pipeline::from(builder.from_reader("people", text)?)
        .options(Options::builder().on_reject(RejectPolicy::skip(1)).build()?)
        .transform(|row: Row<'_>, out| out.emit(row))
        .load_into(sink)
        .run(&Engine::builder().workers(2).build()?)
}

const PEOPLE: &[u8] = b"id,name,note\n1,\"a \"\"b\"\"\",\n2,,NA\n3,\xff,x\n";

#[test]
fn rows_become_records_with_the_names_of_the_header() {
    let directory = TempDir::new().unwrap();
    let builder = || Source::builder().nulls(["", "NA"]);
    let path = directory.path().join("people.ndjson");
    let report = load(builder(), PEOPLE, ndjson::Sink::create(&path).unwrap()).unwrap();
    assert_eq!((report.counts.loaded, report.counts.rejected), (2, 1));
    assert_eq!(
        std::fs::read_to_string(path).unwrap(),
        "{\"id\":\"1\",\"name\":\"a \\\"b\\\"\",\"note\":null}\n\
         {\"id\":\"2\",\"name\":null,\"note\":null}\n"
    );
    let path = directory.path().join("people.db");
    let table = || sqlite::Sink::create(&path).unwrap().table::<Row<'static>>("people");
    let report = load(builder(), PEOPLE, table().column("id", "INTEGER")).unwrap();
    assert_eq!((report.counts.loaded, report.counts.rejected), (2, 1));
    let database = rusqlite::Connection::open(&path).unwrap();
    let found: String = database
        .query_row(
            "SELECT group_concat(typeof(id) || id || ifnull(name, '-') || ifnull(note, '-'), ';') \
             FROM people",
            (),
            |row| row.get(0),
        )
        .unwrap();
    assert_eq!(found, "integer1a \"b\"-;integer2--");
}

#[test]
fn rows_without_a_header_are_tuples() {
    let directory = TempDir::new().unwrap();
    let path = directory.path().join("people.ndjson");
    let builder = Source::builder().has_headers(false);
    load(builder, b"1,a\n2,\n", ndjson::Sink::create(&path).unwrap()).unwrap();
    assert_eq!(std::fs::read_to_string(path).unwrap(), "[\"1\",\"a\"]\n[\"2\",null]\n");
}

#[test]
fn a_row_that_is_short_has_nulls_and_one_that_is_long_is_a_reject() {
    let directory = TempDir::new().unwrap();
    let path = directory.path().join("people.ndjson");
    let builder = Source::builder().flexible(true);
    let sink = ndjson::Sink::create(&path).unwrap();
    let report = load(builder, b"a,b\n1\n1,2,3\n", sink).unwrap();
    assert_eq!((report.counts.loaded, report.counts.rejected), (1, 1));
    assert_eq!(std::fs::read_to_string(path).unwrap(), "{\"a\":\"1\",\"b\":null}\n");
}

#[cfg(feature = "parquet")]
#[test]
fn rows_become_columns() {
    use trommel::sinks;
    use trommel_connect::parquet;
    let directory = TempDir::new().unwrap();
    let path = directory.path().join("people.parquet");
    load(Source::builder(), b"id,name\n1,a\n2,\n", parquet::Sink::create(&path)).unwrap();
    let mut seen = sinks::collect();
    Pipeline::from(parquet::Source::open(&path).unwrap())
        .transform(|row, out| {
            out.emit((row.get::<String>("id")?, row.get::<Option<String>>("name")?))
        })
        .load_into(&mut seen)
        .run(&Engine::new().unwrap())
        .unwrap();
    assert_eq!(seen.into_vec(), [("1".into(), Some("a".into())), ("2".into(), None)]);
}
