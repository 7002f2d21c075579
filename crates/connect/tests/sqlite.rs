//! Loading into SQLite: what arrives, in which table.
#![cfg(feature = "sqlite")]

mod sqlite_support;

use rusqlite::Connection;
use serde::Serialize;
use sqlite_support::{load, memory, page, prepared, rows, schema};
use std::collections::BTreeMap;
use tempfile::TempDir;
use trommel::{Encode, Engine, Pipeline, sources};
use trommel_connect::sqlite::{self, rusqlite};
use trommel_connect::table::{self};

#[derive(Serialize, Clone)]
struct Flight<'a> {
    id: &'a str,
    stops: u8,
    speed: Option<f64>,
}

#[test]
fn a_pipeline_loads_records_that_borrow_from_row_and_arena() {
    let directory = TempDir::new().unwrap();
    let path = directory.path().join("flights.db");
    let engine = Engine::new().unwrap();
    let report = Pipeline::from(sources::generate(10_000, |id| format!("UA{id}")))
        .transform(|row, out| {
            if row.ends_with('7') {
                return Ok(());
            }
            let id = out.text().str(&row).char('-').finish();
            out.emit(&Flight { id, stops: 3, speed: None })
        })
        .load_into(sqlite::Sink::create(&path).unwrap().table::<Flight>("flights"))
        .run(&engine)
        .unwrap();
    assert_eq!((report.counts.loaded, report.counts.filtered), (9_000, 1_000));
    let connection = Connection::open(&path).unwrap();
    assert_eq!(
        rows(&connection, "SELECT count(*), count(DISTINCT id), sum(stops), min(id) FROM flights"),
        ["9000|9000|27000|UA0-"]
    );
    let files: Vec<_> = directory.path().read_dir().unwrap().collect();
    assert_eq!(files.len(), 1, "{files:?}");
    assert_eq!(
        schema(&connection),
        r#"CREATE TABLE "flights" ("id" TEXT, "stops" INTEGER, "speed")"#
    );
}

#[test]
fn records_come_by_value_by_reference_and_through_mut_and_box() {
    fn takes<K: Encode<Flight<'static>> + for<'a> Encode<&'a Flight<'a>>>(_: K) {}
    takes(memory().table::<Flight>("t"));
    takes(memory().table::<Flight>("t"));
    takes(Box::new(memory().table::<Flight>("t")));
    let mut table = memory().table::<(u64,)>("t").column("n", "");
    Pipeline::from(sources::iter(0..5u64))
        .map(|n| (*n,))
        .load_into(&mut table)
        .run(&Engine::new().unwrap())
        .unwrap();
    assert_eq!(rows(&table.into_connection(), "SELECT sum(n) FROM t"), ["10"]);
}

#[test]
fn types_come_from_all_values_of_the_first_page() {
    #[derive(Serialize)]
    #[serde(untagged)]
    enum Number {
        Int(i32),
        Float(f32),
        Text(&'static str),
    }
    #[derive(Serialize, Default)]
    struct Wide {
        nothing: Option<u8>,
        late: Option<&'static str>,
        flag: bool,
        initial: char,
        #[serde(serialize_with = "table::blob")]
        raw: Vec<u8>,
        list: Vec<u8>,
        number: Option<Number>,
        anything: Option<Number>,
    }
    let first = Wide {
        initial: 'x',
        number: Some(Number::Int(1)),
        anything: Some(Number::Int(1)),
        ..Wide::default()
    };
    let second = Wide {
        late: Some("late"),
        initial: 'é',
        flag: true,
        raw: vec![0, 1],
        list: vec![0, 1],
        number: Some(Number::Float(0.5)),
        anything: Some(Number::Text("t")),
        ..Wide::default()
    };
    let connection = load(memory().table("t"), &mut [page([first, second])]).unwrap();
    assert_eq!(
        schema(&connection),
        "CREATE TABLE \"t\" (\"nothing\", \"late\" TEXT, \"flag\" INTEGER, \"initial\" TEXT, \
         \"raw\" BLOB, \"list\" TEXT, \"number\" REAL, \"anything\")"
    );
    assert_eq!(
        rows(&connection, "SELECT * FROM t"),
        ["NULL|NULL|0|x|[]|[]|1.0|1", "NULL|late|1|é|[0, 1]|[0,1]|0.5|t"]
    );
}

#[test]
fn fields_are_matched_by_name_also_renamed_skipped_flattened_and_maps() {
    #[derive(Serialize)]
    struct Inner {
        carrier: &'static str,
    }
    #[derive(Serialize)]
    struct Outer {
        #[serde(flatten)]
        inner: Inner,
        #[serde(rename = "flight number")]
        number: u16,
        #[serde(skip_serializing_if = "Option::is_none")]
        delay: Option<i32>,
    }
    #[derive(Serialize)]
    struct Skipping {
        #[serde(skip_serializing_if = "Option::is_none")]
        delay: Option<i32>,
        carrier: &'static str,
    }
    let sink = prepared(
        "CREATE TABLE t (\"flight number\" INTEGER, \"Delay\" INTEGER DEFAULT 7, carrier TEXT, \
         at TEXT DEFAULT 'now', twice AS (delay * 2))",
    );
    let outer = |delay| Outer { inner: Inner { carrier: "UA" }, number: 1, delay };
    let skipping = |delay| Skipping { delay, carrier: "AA" };
    let map: BTreeMap<&str, &str> = [("carrier", "DL")].into();
    let mut pages = [
        page([outer(Some(1)), outer(None)]),
        page([skipping(None), skipping(Some(2))]),
        page([map]),
    ];
    let connection = load(sink.table("t"), &mut pages).unwrap();
    // Absent from a map: the column's default. Skipped in a struct: null.
    assert_eq!(
        rows(&connection, "SELECT * FROM t"),
        [
            "1|1|UA|now|2",
            "1|7|UA|now|14",
            "NULL|NULL|AA|now|NULL",
            "NULL|2|AA|now|4",
            "NULL|7|DL|now|14"
        ]
    );
}

#[test]
fn odd_names_are_quoted() {
    let record: BTreeMap<&str, i32> =
        [("select", 1), ("a \"b\" c", 2), ("", 3), ("ö;--", 4)].into();
    let table = memory().table("drop table \"x\"; --").key(["select"]);
    let mut pages = [page([record.clone()])];
    let error = load(table, &mut pages).map(drop);
    // SQLite itself allows an empty name, so do records.
    assert!(error.is_ok(), "{error:?}");
    let table = memory().table("order").key(["a \"b\" c"]).upsert();
    let connection = load(table, &mut [page([record.clone()]), page([record])]).unwrap();
    assert_eq!(rows(&connection, "SELECT \"a \"\"b\"\" c\" FROM \"order\""), ["2"]);
}

#[test]
fn tuples_go_by_place_and_need_names() {
    let pages = || [page([(1, "a"), (2, "b")])];
    let error = load(memory().table("t"), &mut pages()).unwrap_err();
    assert!(error.to_string().contains("tuple of 2"), "{error}");
    let declared = memory().table("t").column("n", "INTEGER PRIMARY KEY").column("s", "");
    let connection = load(declared, &mut pages()).unwrap();
    assert_eq!(rows(&connection, "SELECT s, n FROM t"), ["a|1", "b|2"]);
    assert!(schema(&connection).contains("\"s\" TEXT"));
    let connection = load(prepared("CREATE TABLE t (x, y)").table("t"), &mut pages()).unwrap();
    assert_eq!(rows(&connection, "SELECT y FROM t WHERE x = 2"), ["b"]);
}
