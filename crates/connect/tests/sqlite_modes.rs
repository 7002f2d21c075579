//! Loading into SQLite: what happens to rows that are there already, and when rows are stored.
#![cfg(feature = "sqlite")]

mod sqlite_support;

use rusqlite::Connection;
use serde::Serialize;
use sqlite_support::{load, memory, page, prepared, rows, schema};
use tempfile::TempDir;
use trommel::{Commit, Durability, Sink};
use trommel_connect::sqlite::{self, rusqlite};

#[derive(Serialize, Clone)]
struct Flight<'a> {
    id: &'a str,
    stops: u8,
    speed: Option<f64>,
}

fn flight(id: &str, stops: u8) -> Flight<'_> {
    Flight { id, stops, speed: Some(f64::from(stops) * 100.0) }
}

#[test]
fn append_upsert_ignore_and_replace() {
    let pages = || [page([flight("a", 1), flight("b", 2)]), page([flight("a", 3)])];
    let select = "SELECT id, stops FROM t ORDER BY 1, 2";
    let table = || memory().table("t").key(["id"]);

    let connection = load(memory().table("t"), &mut pages()).unwrap();
    assert_eq!(rows(&connection, select), ["a|1", "a|3", "b|2"]);
    let again = sqlite::Sink::from_connection(connection).table("t");
    let connection = load(again, &mut pages()).unwrap();
    assert_eq!(rows(&connection, select).len(), 6);

    let connection = load(table().upsert(), &mut pages()).unwrap();
    assert_eq!(rows(&connection, select), ["a|3", "b|2"]);
    let connection = load(table().ignore_duplicates(), &mut pages()).unwrap();
    assert_eq!(rows(&connection, select), ["a|1", "b|2"]);

    let again = sqlite::Sink::from_connection(connection).table("t").replace();
    let connection = load(again, &mut [page([flight("c", 4)])]).unwrap();
    assert_eq!(rows(&connection, select), ["c|4"]);
    // Replaced by nothing.
    let again = sqlite::Sink::from_connection(connection).table("t").replace();
    let connection = load(again, &mut []).unwrap();
    assert_eq!(rows(&connection, select), [""; 0]);
}

#[test]
fn upsert_leaves_columns_that_the_record_lacks() {
    let sink = prepared(
        "CREATE TABLE t (id TEXT UNIQUE, stops, speed, note DEFAULT 'new');
         INSERT INTO t VALUES ('a', 0, 0, 'kept')",
    );
    let table = sink.table("t").key(["ID"]).upsert();
    let connection = load(table, &mut [page([flight("a", 1), flight("b", 2)])]).unwrap();
    assert_eq!(
        rows(&connection, "SELECT id, stops, note FROM t ORDER BY 1"),
        ["a|1|kept", "b|2|new"]
    );
}

#[test]
fn a_replacing_load_changes_nothing_until_it_is_done_and_nothing_when_it_fails() {
    let directory = TempDir::new().unwrap();
    let path = directory.path().join("t.db");
    let other = Connection::open(&path).unwrap();
    other.pragma_update(None, "journal_mode", "wal").unwrap();
    other
        .execute_batch("CREATE TABLE t (id, stops, speed); INSERT INTO t VALUES ('old', 0, 0)")
        .unwrap();
    let open = || sqlite::Sink::open(&path).unwrap().table::<()>("t").replace().commit_rows(1);
    let seen = || rows(&other, "SELECT id FROM t");
    for cut in [Some(Commit::Now), None] {
        let mut table = open();
        table.encoder().unwrap();
        table.write(&mut page([flight("new", 1)])).unwrap();
        let grouped = table.commit(&Default::default(), Commit::Grouped).unwrap();
        assert_eq!(grouped, Durability::Pending);
        match cut {
            Some(now) => {
                let pending = table.commit(&Default::default(), now).unwrap();
                assert_eq!(pending, Durability::Pending);
                table.finish().unwrap();
            }
            None => assert_eq!(table.abort(), Durability::Pending),
        }
        assert_eq!(seen(), ["old"]);
    }
    drop(other);
    let connection = load(open(), &mut [page([flight("new", 1)])]).unwrap();
    assert_eq!(rows(&connection, "SELECT id FROM t"), ["new"]);
}

#[test]
fn declared_columns_make_a_table_even_without_rows_and_strict_is_strict() {
    let declare = |sink: sqlite::Sink| {
        sink.table("t")
            .column("id", "TEXT NOT NULL PRIMARY KEY")
            .column("at", "TEXT DEFAULT 'now'")
            .strict()
    };
    let connection = load(declare(memory()), &mut []).unwrap();
    assert!(schema(&connection).ends_with("STRICT"), "{}", schema(&connection));
    let connection = load(declare(memory()), &mut [page([flight("a", 1)])]).unwrap();
    assert_eq!(rows(&connection, "SELECT id, at, speed FROM t"), ["a|now|100.0"]);
    // Without columns and rows there is nothing to make a table of.
    let connection = load(memory().table("t"), &mut []).unwrap();
    assert_eq!(schema(&connection), "");
}

#[test]
fn transactions_are_grouped_and_abort_takes_back_the_last() {
    let directory = TempDir::new().unwrap();
    let path = directory.path().join("t.db");
    let mut table = sqlite::Sink::create(&path)
        .unwrap()
        .table::<()>("t")
        .commit_rows(4)
        .commit_interval(std::time::Duration::from_secs(3600));
    table.encoder().unwrap();
    let mut stored = Vec::new();
    for _ in 0..7 {
        table.write(&mut page([flight("a", 1), flight("b", 2)])).unwrap();
        stored.push(table.commit(&Default::default(), Commit::Grouped).unwrap());
    }
    use Durability::{Pending, Stored};
    assert_eq!(stored, [Pending, Stored, Pending, Stored, Pending, Stored, Pending]);
    assert_eq!(table.abort(), Pending);
    let other = Connection::open(&path).unwrap();
    assert_eq!(rows(&other, "SELECT count(*) FROM t"), ["12"]);

    // As does letting go; a cancel stores what there is.
    table.encoder().unwrap();
    table.write(&mut page([flight("c", 1)])).unwrap();
    assert_eq!(table.commit(&Default::default(), Commit::Now).unwrap(), Stored);
    table.write(&mut page([flight("d", 1)])).unwrap();
    drop(table);
    assert_eq!(rows(&other, "SELECT count(*) FROM t"), ["13"]);
}

/// What a commit survives is said to SQLite in these two words only.
#[test]
fn commits_are_synced_unless_told_otherwise_and_the_journal_is_left_as_it_is() {
    use sqlite::Durability::{Full, Normal, Off};
    let directory = TempDir::new().unwrap();
    let options = |name: &str, sink: fn(sqlite::Sink) -> sqlite::Sink| {
        let path = directory.path().join(name);
        let table = sink(sqlite::Sink::create(path).unwrap()).table("t");
        let connection = load(table, &mut [page([flight("a", 1)])]).unwrap();
        let synchronous = rows(&connection, "PRAGMA synchronous").remove(0);
        (synchronous, rows(&connection, "PRAGMA journal_mode").remove(0))
    };
    let found = |synchronous: &str, journal: &str| (synchronous.to_owned(), journal.to_owned());
    // 0 is OFF, 1 NORMAL, 3 EXTRA.
    assert_eq!(options("default", |sink| sink), found("3", "delete"));
    assert_eq!(options("full", |sink| sink.durability(Full)), found("3", "delete"));
    assert_eq!(options("normal", |sink| sink.durability(Normal)), found("1", "delete"));
    assert_eq!(options("off", |sink| sink.durability(Off)), found("0", "delete"));
    assert_eq!(options("wal", |sink| sink.wal()), found("3", "wal"));
    // A file keeps its mode.
    assert_eq!(options("wal", |sink| sink.durability(Normal)), found("1", "wal"));
}
