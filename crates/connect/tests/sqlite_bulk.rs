//! Rows that are copied are stored as rows that are bound: the same values, of the same types.
#![cfg(feature = "sqlite")]

mod sqlite_support;

use proptest::collection::vec;
use proptest::prelude::*;
use proptest::sample::select;
use rusqlite::Connection;
use serde::{Serialize, Serializer};
use sqlite_support::{load, page, prepared, rows, says, schema};
use trommel::{Commit, ErrorKind, Sink};
use trommel_connect::sqlite::rusqlite;
use trommel_connect::table::Page;

/// A value of any type that SQLite has.
#[derive(Debug, Clone)]
enum Any {
    Null,
    Int(i64),
    Float(f64),
    Text(String),
    Blob(Vec<u8>),
}

impl Serialize for Any {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self {
            Any::Null => serializer.serialize_none(),
            Any::Int(number) => serializer.serialize_i64(*number),
            Any::Float(number) => serializer.serialize_f64(*number),
            Any::Text(text) => serializer.serialize_str(text),
            Any::Blob(bytes) => serializer.serialize_bytes(bytes),
        }
    }
}

fn value() -> impl Strategy<Value = Any> {
    let edges = (0..=63).flat_map(|bit| [1i64 << bit, (1i64 << bit).wrapping_sub(1)]);
    let ints: Vec<i64> = edges.flat_map(|it| [it, it.wrapping_neg(), !it]).collect();
    let near: Vec<f64> = ints.iter().map(|it| *it as f64).collect();
    let floats = vec![0.5, -0.0, 1e300, f64::NAN, f64::INFINITY, f64::MIN_POSITIVE, 9e18];
    let texts = vec!["", "a", "12", "1.5", " 7 ", "x\0y", "nan", "ä", "2013-01-01"];
    prop_oneof![
        2 => Just(Any::Null),
        4 => select(ints).prop_map(Any::Int),
        2 => select(near).prop_map(Any::Float),
        2 => select(floats).prop_map(Any::Float),
        4 => select(texts).prop_map(|it| Any::Text(it.into())),
        1 => (0usize..300).prop_map(|it| Any::Text("t".repeat(it))),
        1 => vec(any::<u8>(), 0..300).prop_map(Any::Blob),
    ]
}

const SELECT: &str = "SELECT rowid, a, typeof(a), b, typeof(b), c, typeof(c), d, typeof(d) FROM t";

/// What is left attached of our own.
const LITTER: &str = "SELECT name FROM pragma_database_list WHERE name LIKE 'trommel%'";

fn declared(types: &[&str; 4]) -> String {
    format!("CREATE TABLE t (a {}, b {}, c {}, d {})", types[0], types[1], types[2], types[3])
}

/// Pages of few rows are bound.
fn bound(sql: &str, records: &[[Any; 4]]) -> Vec<String> {
    let mut pages: Vec<Page> = records.chunks(100).map(page).collect();
    stored(sql, &mut pages)
}

fn stored(sql: &str, pages: &mut [Page]) -> Vec<String> {
    let connection = load(prepared(sql).table("t"), pages).unwrap();
    assert_eq!(rows(&connection, "PRAGMA integrity_check"), ["ok"]);
    rows(&connection, SELECT)
}

proptest! {
    #![proptest_config(ProptestConfig {
        cases: 60,
        failure_persistence: None,
        ..ProptestConfig::default()
    })]

    #[test]
    fn values_are_stored_as_their_column_wants(
        types in prop::array::uniform4(select(vec![
            "", "INTEGER", "REAL", "TEXT", "BLOB", "NUMERIC", "VARCHAR(9)", "DATE", "INT NOT NULL",
        ])),
        records in vec(prop::array::uniform4(value()), 1..40),
    ) {
        let sql = declared(&types);
        // So many that they are copied, and some values that must be bound come late.
        let plain = [Any::Int(1), Any::Int(300), Any::Int(-70_000), Any::Int(1 << 40)];
        let is_text = |index: usize| matches!(types[index], "TEXT" | "VARCHAR(9)");
        let plain: [Any; 4] = std::array::from_fn(|index| match is_text(index) {
            true => Any::Text(format!("{:?}", plain[index])),
            false => plain[index].clone(),
        });
        let mut all = vec![plain; 600];
        let fits = |record: &&[Any; 4]| {
            record.iter().zip(types).all(|(value, kind)| {
                kind != "INT NOT NULL"
                    || !matches!(value, Any::Null) && !matches!(value, Any::Float(it) if it.is_nan())
            })
        };
        all.extend(records.iter().filter(fits).cloned());
        let expected = bound(&sql, &all);
        // In one page; then the odd ones after what is copied.
        prop_assert_eq!(&stored(&sql, &mut [page(&all)]), &expected);
        prop_assert_eq!(&stored(&sql, &mut [page(&all[..600]), page(&all[600..])]), &expected);
    }

    #[test]
    fn rows_of_any_length_are_copied(lengths in vec(0usize..80_000, 1..30)) {
        let mut all = vec![[Any::Int(0), Any::Null, Any::Float(0.5), Any::Text("x".into())]; 600];
        for (index, length) in lengths.iter().enumerate() {
            let at = all.len() * index / lengths.len();
            all[at][3] = Any::Text("y".repeat(*length));
            all[at][0] = Any::Int(*length as i64);
        }
        let sql = declared(&["INT", "", "REAL", "TEXT"]);
        prop_assert_eq!(stored(&sql, &mut [page(&all)]), bound(&sql, &all));
    }
}

#[derive(Serialize, Clone)]
struct Wide {
    id: i64,
    text: String,
}

fn wide(ids: std::ops::Range<i64>, length: usize) -> Page {
    page(ids.map(|id| Wide { id, text: format!("{id:length$}") }))
}

#[test]
fn a_transaction_may_be_larger_than_all_images() {
    // 8 images of 8 MiB, and 20 MB more, which are bound.
    let mut table = prepared("CREATE TABLE t (id INTEGER, text TEXT)")
        .table::<Wide>("t")
        .commit_rows(0)
        .commit_bytes(0)
        .commit_interval(std::time::Duration::from_secs(600));
    table.encoder().unwrap();
    for part in 0..88 {
        table.write(&mut wide(part * 1000..(part + 1) * 1000, 1000)).unwrap();
        table.commit(&Default::default(), Commit::Grouped).unwrap();
    }
    table.finish().unwrap();
    // And the next transaction has all of its images again.
    table.encoder().unwrap();
    table.write(&mut wide(88_000..89_000, 1000)).unwrap();
    table.finish().unwrap();
    let connection = table.into_connection();
    let check = "SELECT count(*), sum(rowid = id + 1), sum(length(text) = 1000) FROM t";
    assert_eq!(rows(&connection, check), ["89000|89000|89000"]);
    assert_eq!(rows(&connection, LITTER), [""; 0]);
}

#[test]
fn what_was_not_committed_is_taken_back() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("t.db");
    let mut table = trommel_connect::sqlite::Sink::create(&path).unwrap().table::<Wide>("t");
    table.encoder().unwrap();
    table.write(&mut wide(0..1000, 10)).unwrap();
    table.commit(&Default::default(), Commit::Now).unwrap();
    table.write(&mut wide(1000..30_000, 400)).unwrap();
    table.write(&mut wide(30_000..31_000, 10)).unwrap();
    table.abort();
    let count = "SELECT count(*), max(id) FROM t";
    assert_eq!(rows(&Connection::open(&path).unwrap(), count), ["1000|999"]);
    // The same sink loads again.
    table.encoder().unwrap();
    table.write(&mut wide(1000..2000, 10)).unwrap();
    table.finish().unwrap();
    assert_eq!(rows(&table.into_connection(), count), ["2000|1999"]);
}

#[test]
fn the_order_of_rows_is_kept_when_some_are_bound() {
    let mut pages =
        [wide(0..700, 10), wide(700..702, 10), wide(702..1402, 10), wide(1402..1403, 10)];
    let last = std::collections::BTreeMap::from([("id", 1402)]);
    pages[3] = page([last]);
    let connection = load(prepared("").table("t"), &mut pages).unwrap();
    assert_eq!(rows(&connection, "SELECT sum(rowid = id + 1) FROM t"), ["1403"]);
    assert_eq!(schema(&connection), "CREATE TABLE \"t\" (\"id\" INTEGER, \"text\" TEXT)");
}

#[test]
fn tables_that_look_at_their_rows_still_do() {
    for (sql, message) in [
        ("CREATE TABLE t (id, text CHECK (text <> ' 600'))", "CHECK"),
        ("CREATE TABLE t (id UNIQUE, text)", "a row with this key"),
        ("CREATE TABLE t (id INTEGER PRIMARY KEY, text)", "a row with this key"),
        ("CREATE TABLE t (id, text); CREATE UNIQUE INDEX i ON t (id)", "a row with this key"),
        (
            "CREATE TABLE t (id, text); CREATE TRIGGER g BEFORE INSERT ON T WHEN new.id = 600
             BEGIN SELECT RAISE(ABORT, 'no'); END",
            "a trigger",
        ),
        (
            "CREATE TABLE t (id, text); CREATE TEMP TRIGGER g BEFORE INSERT ON main.t
             WHEN new.id = 600 BEGIN SELECT RAISE(ABORT, 'no'); END",
            "a trigger",
        ),
        (
            "PRAGMA foreign_keys = ON; CREATE TABLE o (id INTEGER PRIMARY KEY);
             INSERT INTO o SELECT value FROM generate(); CREATE TABLE t (id REFERENCES o, text)",
            "refers to a row",
        ),
        ("CREATE TABLE t (id INT, text INT) STRICT", "does not take this type"),
        ("CREATE TABLE t (id NOT NULL, text)", "does not take NULL"),
    ] {
        let sql = sql.replace(
            "SELECT value FROM generate()",
            "WITH n (i) AS (SELECT 0 UNION ALL SELECT i + 1 FROM n WHERE i < 599) SELECT i FROM n",
        );
        let mut table = prepared(&sql).table::<Wide>("t");
        let mut records: Vec<(Option<i64>, String)> =
            (0..600).map(|id| (Some(id), id.to_string())).collect();
        records.push(match message {
            "does not take NULL" => (None, String::new()),
            "does not take this type" => (Some(600), "x".into()),
            "a row with this key" => (Some(0), String::new()),
            _ => (Some(600), " 600".into()),
        });
        table.write(&mut page(&records)).unwrap();
        let mut faults = Vec::new();
        table.take_faults(&mut faults);
        assert_eq!(faults.len(), 1, "{sql}: {faults:?}");
        assert_eq!(faults[0].0, 600, "{sql}");
        assert!(faults[0].1.to_string().contains(message), "{sql}: {}", faults[0].1);
        table.finish().unwrap();
        assert_eq!(rows(&table.into_connection(), "SELECT count(*) FROM t"), ["600"], "{sql}");
    }
}

#[test]
fn a_full_disk_ends_the_run_and_nothing_of_it_stays() {
    let mut table =
        prepared("CREATE TABLE t (id, text); PRAGMA max_page_count = 500").table::<Wide>("t");
    table.encoder().unwrap();
    table.write(&mut wide(0..1000, 100)).unwrap();
    table.commit(&Default::default(), Commit::Now).unwrap();
    table.write(&mut wide(1000..20_000, 100)).unwrap();
    says(table.commit(&Default::default(), Commit::Now), ErrorKind::Io, &["no room is left"]);
    table.abort();
    let connection = table.into_connection();
    assert_eq!(rows(&connection, "SELECT count(*) FROM t"), ["1000"]);
    assert_eq!(rows(&connection, "PRAGMA integrity_check"), ["ok"]);
    assert_eq!(rows(&connection, LITTER), [""; 0]);
}
