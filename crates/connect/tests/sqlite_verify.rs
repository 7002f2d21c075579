//! Reading back what was loaded, on request.
#![cfg(feature = "sqlite")]

mod sqlite_support;

use sqlite_support::{Item, ids, items, memory, page, prepared, says};
use std::collections::BTreeMap;
use trommel::{Checkpoint, Commit, Counts, ErrorKind, Position, Sink};
use trommel_connect::sqlite::{self, rusqlite};
use trommel_connect::table::{self, Page};

fn finish(mut table: sqlite::Table<Item>, mut page: Page) -> trommel::Result<sqlite::Table<Item>> {
    table.encoder()?;
    table.write(&mut page)?;
    table.commit(&Checkpoint::default(), Commit::Now)?;
    table.finish()?;
    Ok(table)
}

#[test]
fn what_was_loaded_is_there() {
    finish(memory().table("t").verify(), items(0..1000)).unwrap();
    // Added to what was there, in columns of every type, one of them with a default.
    for columns in ["id INTEGER PRIMARY KEY, size", "id TEXT, size REAL", "id, size NUMERIC, z = 3"]
    {
        let columns = columns.replace("z = 3", "z DEFAULT 3");
        let sql = format!("CREATE TABLE t ({columns}); INSERT INTO t (id) VALUES (5000), (5001)");
        let table = finish(prepared(&sql).table("t").verify(), items(0..1000)).unwrap();
        let connection = table.into_connection();
        let rows: i64 =
            connection.query_row("SELECT count(*) FROM t", [], |row| row.get(0)).unwrap();
        assert_eq!(rows, 1002, "{sql}");
    }
    // Rows that the table refuses were not given to it.
    let mut table =
        prepared("CREATE TABLE t (id INTEGER PRIMARY KEY, size)").table::<Item>("t").verify();
    table.write(&mut items([1, 2, 3, 2, 1, 4])).unwrap();
    table.write(&mut items([4, 5])).unwrap();
    table.finish().unwrap();
    assert_eq!(ids(&table.into_connection()), [1, 2, 3, 4, 5]);
    // The old rows of a table that is replaced don't count.
    let old = prepared("CREATE TABLE t (id, size); INSERT INTO t VALUES (7, 7)");
    finish(old.table("t").replace().verify(), items(0..10)).unwrap();
}

#[test]
fn rows_that_were_changed_on_the_way_are_found() {
    for change in [
        "UPDATE t SET size = size + 1 WHERE id = 500",
        "DELETE FROM t WHERE id = 500",
        "INSERT INTO t VALUES (500, 500)",
        // As many rows, with the same values in each column.
        "UPDATE t SET size = 1000 - size WHERE id IN (400, 600)",
        "UPDATE t SET size = '500' WHERE id = 500",
    ] {
        let sql = format!(
            "CREATE TABLE t (id, size);
             CREATE TRIGGER g AFTER INSERT ON t WHEN NEW.id = 999 BEGIN {change}; END"
        );
        let result = finish(prepared(&sql).table("t").verify(), items(0..1000));
        let parts =
            ["verify", "table `t`", "should hold 1000 rows, content", "it holds", "trigger"];
        says(result.map(drop), ErrorKind::Fatal, &parts);
        finish(prepared(&sql).table("t"), items(0..1000)).unwrap();
    }
}

#[test]
fn a_replacing_load_that_is_not_as_given_is_taken_back() {
    let sql = "CREATE TABLE t (id, size); INSERT INTO t VALUES (7, 7);
               CREATE TRIGGER g AFTER INSERT ON t WHEN NEW.id = 3 BEGIN DELETE FROM t WHERE id = 2; END";
    let mut table = prepared(sql).table::<Item>("t").replace().verify();
    table.encoder().unwrap();
    table.write(&mut items(0..10)).unwrap();
    says(table.finish(), ErrorKind::Fatal, &["should hold 10 rows", "it holds 9 rows"]);
    assert_eq!(ids(&table.into_connection()), [7]);
}

#[test]
fn what_can_t_be_verified_is_refused() {
    let verified = || memory().table::<Item>("t").key(["id"]).verify();
    says(verified().upsert().encoder(), ErrorKind::Config, &["verify", "updated or passed over"]);
    says(verified().ignore_duplicates().encoder(), ErrorKind::Config, &["verify"]);
    let mut table = verified();
    table.write(&mut items([1])).unwrap();
    let mut other = Page::default();
    table::encode(&mut other, &BTreeMap::from([("id", 2)])).unwrap();
    says(table.write(&mut other), ErrorKind::Config, &["verify", "same columns"]);
    // NULL makes an INTEGER PRIMARY KEY fill in a number.
    let mut table = prepared("CREATE TABLE t (id INTEGER PRIMARY KEY)").table::<Item>("t").verify();
    table.write(&mut page([BTreeMap::from([("id", None::<i64>)])])).unwrap();
    says(table.finish(), ErrorKind::Fatal, &["a NULL key was filled in"]);
}

#[test]
fn the_digests_of_a_job_live_on_in_its_later_runs() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("t.db");
    let open = || sqlite::Sink::create(&path).unwrap().table::<Item>("t");
    let at = |rows: u64| Checkpoint {
        position: Some(Position::from_numbers(&[rows])),
        counts: Counts { read: rows, loaded: rows, emitted: rows, ..Counts::default() },
        ..Checkpoint::default()
    };
    let step = |table: &mut sqlite::Table<Item>, from: i64, to: i64| {
        table.write(&mut items(from..to)).unwrap();
        table.commit(&at(to as u64), Commit::Now).unwrap();
    };
    let mut first = open().verify();
    first.resume("load").unwrap();
    first.encoder().unwrap();
    step(&mut first, 0, 10);
    // Not committed, so not given.
    first.write(&mut items(10..15)).unwrap();
    drop(first);

    let mut second = open().verify();
    assert_eq!(second.resume("load").unwrap().unwrap().counts.read, 10);
    second.encoder().unwrap();
    step(&mut second, 10, 20);
    drop(second);
    let tampered = rusqlite::Connection::open(&path).unwrap();
    tampered.execute("UPDATE t SET size = 8 WHERE id = 7", []).unwrap();

    let third = || {
        let mut third = open().verify();
        let stored = third.resume("load").unwrap().unwrap();
        assert!(!stored.finished);
        third.encoder().unwrap();
        third
    };
    let mut found = third();
    found.commit(&at(20), Commit::Grouped).unwrap();
    says(found.finish(), ErrorKind::Fatal, &["verify", "should hold 20 rows", "it holds 20 rows"]);
    drop(found);
    tampered.execute("UPDATE t SET size = 7 WHERE id = 7", []).unwrap();
    third().finish().unwrap();

    // Begun or gone on with without it.
    let mut other = open();
    other.resume("other").unwrap();
    other.encoder().unwrap();
    step(&mut other, 30, 40);
    drop(other);
    says(
        open().verify().resume("other").map(drop),
        ErrorKind::Config,
        &["job `other`", "without it"],
    );
}
