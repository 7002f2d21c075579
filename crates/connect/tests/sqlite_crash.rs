//! Checkpoints: what a run that was cut off leaves, and who may go on. Runs are killed in `kills`.
#![cfg(feature = "sqlite")]

use rusqlite::Connection;
use serde::Serialize;
use std::path::Path;
use tempfile::TempDir;
use trommel::{Checkpoint, Commit, Counts, Durability, ErrorKind, Fingerprint, Position, Sink};
use trommel_connect::sqlite::{self, rusqlite};
use trommel_connect::table::{self, Page};

#[derive(Serialize)]
struct Item {
    id: u64,
    text: String,
}

fn page(ids: std::ops::Range<u64>) -> Page {
    let mut page = Page::default();
    for id in ids {
        let text = format!("item {id} {}", "x".repeat(id as usize % 100));
        table::encode(&mut page, &Item { id, text }).unwrap();
    }
    page
}

fn at(rows: u64) -> Checkpoint {
    Checkpoint {
        position: Some(Position::from_numbers(&[rows])),
        counts: Counts {
            read: rows + 2,
            loaded: rows,
            rejected: 1,
            filtered: 1,
            emitted: rows,
            abandoned: 0,
        },
        source: Some(Fingerprint::new().with("rows", 30_000)),
        finished: false,
        epoch: 0,
    }
}

fn count(connection: &Connection, sql: &str) -> i64 {
    connection.query_row(sql, [], |row| row.get(0)).unwrap()
}

#[test]
fn the_checkpoint_comes_back_as_it_was_stored() {
    let directory = TempDir::new().unwrap();
    let path = directory.path().join("t.db");
    let open = || sqlite::Sink::create(&path).unwrap().table::<Item>("t");
    let mut first = open();
    assert_eq!(first.resume("load").unwrap(), None);
    first.encoder().unwrap();
    first.write(&mut page(0..10)).unwrap();
    assert_eq!(first.commit(&at(10), Commit::Now).unwrap(), Durability::Stored);
    first.write(&mut page(10..20)).unwrap();
    assert_eq!(first.commit(&at(20), Commit::Grouped).unwrap(), Durability::Pending);
    drop(first);

    let mut second = open();
    assert_eq!(second.resume("load").unwrap(), Some(Checkpoint { epoch: 2, ..at(10) }));
    second.encoder().unwrap();
    // A batch that left nothing to write moves the position all the same.
    second.commit(&at(15), Commit::Grouped).unwrap();
    second.finish().unwrap();
    let finished = Checkpoint { epoch: 3, finished: true, ..at(15) };
    assert_eq!(second.resume("load").unwrap(), Some(finished));

    let mut other = sqlite::Sink::create(&path).unwrap().table::<Item>("t");
    assert_eq!(other.resume("other").unwrap(), None);
    assert_eq!(count(&other.into_connection(), "SELECT count(*) FROM t"), 10);
}

#[test]
fn a_runner_from_before_can_t_commit_any_more() {
    let directory = TempDir::new().unwrap();
    let path = directory.path().join("t.db");
    let open = || sqlite::Sink::create(&path).unwrap().table::<Item>("t");
    let mut old = open();
    old.resume("load").unwrap();
    old.write(&mut page(0..10)).unwrap();
    old.commit(&at(10), Commit::Now).unwrap();

    let mut new = open();
    assert_eq!(new.resume("load").unwrap(), Some(Checkpoint { epoch: 2, ..at(10) }));
    old.write(&mut page(10..20)).unwrap();
    let error = old.commit(&at(20), Commit::Now).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Fatal);
    for part in ["t.db", "job `load`", "taken over", "epoch 1"] {
        assert!(error.to_string().contains(part), "{error}");
    }
    // The lock is free again, and nothing of the old one is there.
    new.write(&mut page(10..15)).unwrap();
    new.commit(&at(15), Commit::Now).unwrap();
    new.finish().unwrap();
    assert_eq!(count(&new.into_connection(), "SELECT max(id) FROM t"), 14);
}

#[test]
fn without_a_job_there_is_no_litter() {
    let connection = Connection::open_in_memory().unwrap();
    let mut table = sqlite::Sink::from_connection(connection).table::<Item>("t");
    table.encoder().unwrap();
    table.write(&mut page(0..10)).unwrap();
    table.commit(&at(10), Commit::Now).unwrap();
    table.finish().unwrap();
    assert_eq!(count(&table.into_connection(), "SELECT count(*) FROM sqlite_schema"), 1);
}

fn into(path: &Path, table: &str) -> sqlite::Table<Item> {
    sqlite::Sink::create(path).unwrap().table(table)
}

/// Stores ten more rows, up to `rows`, and the checkpoint.
fn ten_more(table: &mut sqlite::Table<Item>, rows: u64) -> trommel::Result<Durability> {
    table.write(&mut page(rows - 10..rows))?;
    table.commit(&at(rows), Commit::Now)
}

#[track_caller]
fn refused<T>(result: trommel::Result<T>, begun: &str, now: &str) {
    let error = result.err().expect("an error");
    assert_eq!(error.kind(), ErrorKind::Config, "{error}");
    let said = format!("`load` was begun into the table {begun}, and is to go on into {now}: ");
    for part in ["t.db", &said, "the same table", "another job name"] {
        assert!(error.to_string().contains(part), "no `{part}` in: {error}");
    }
}

// A job that was run again with another table of the same database went on there: its rows were in two
// tables, and a finished one loaded nothing into the new one and ended well. The database knew a job by
// its name alone. The checkpoint holds the table now, and a job goes on only into that.
#[test]
fn a_job_goes_on_only_into_the_table_that_it_was_begun_into() {
    let directory = TempDir::new().unwrap();
    let path = directory.path().join("t.db");
    let mut first = into(&path, "t");
    first.resume("load").unwrap();
    ten_more(&mut first, 10).unwrap();

    let before = std::fs::read(&path).unwrap();
    let mut other = into(&path, "u");
    refused(other.resume("load"), "\"t\"", "\"u\"");
    refused(other.encoder(), "\"t\"", "\"u\"");
    drop(other);
    assert!(std::fs::read(&path).unwrap() == before, "nothing is written");
    // The job is still the first one's.
    ten_more(&mut first, 20).unwrap();
    drop(first);

    // Names that differ by the case of letters are one to SQLite.
    let mut second = into(&path, "T");
    assert_eq!(second.resume("load").unwrap(), Some(Checkpoint { epoch: 2, ..at(20) }));
    second.finish().unwrap();
    drop(second);
    let before = std::fs::read(&path).unwrap();
    refused(into(&path, "u").resume("load"), "\"T\"", "\"u\"");
    assert!(std::fs::read(&path).unwrap() == before, "nor of a finished job");

    let mut renamed = into(&path, "u");
    assert_eq!(renamed.resume("another").unwrap(), None);
    ten_more(&mut renamed, 10).unwrap();
    drop(renamed);
    let connection = Connection::open(&path).unwrap();
    assert_eq!(count(&connection, "SELECT count(*) FROM t"), 20);
    assert_eq!(count(&connection, "SELECT count(*) FROM u"), 10);
}

#[test]
fn a_job_that_has_stored_nothing_may_go_into_another_table() {
    let directory = TempDir::new().unwrap();
    let path = directory.path().join("t.db");
    let mut first = into(&path, "t");
    first.resume("load").unwrap();
    let mut second = into(&path, "u");
    assert_eq!(second.resume("load").unwrap(), None);
    let error = ten_more(&mut first, 10).unwrap_err();
    assert!(error.to_string().contains("taken over"), "{error}");
    ten_more(&mut second, 10).unwrap();
    drop((first, second));
    refused(into(&path, "t").resume("load"), "\"u\"", "\"t\"");
    let connection = Connection::open(&path).unwrap();
    assert_eq!(count(&connection, "SELECT count(*) FROM sqlite_schema WHERE name = 't'"), 0);
}

#[test]
fn a_checkpoint_from_before_tables_were_noted_goes_on_and_notes_its_own() {
    let directory = TempDir::new().unwrap();
    let path = directory.path().join("t.db");
    for job in ["load", "other"] {
        let mut first = into(&path, "t");
        first.resume(job).unwrap();
        ten_more(&mut first, 10).unwrap();
    }
    let sql = "ALTER TABLE trommel_checkpoint DROP COLUMN destination";
    Connection::open(&path).unwrap().execute_batch(sql).unwrap();

    for job in ["load", "other"] {
        let mut second = into(&path, "t");
        assert_eq!(second.resume(job).unwrap(), Some(Checkpoint { epoch: 2, ..at(10) }), "{job}");
        ten_more(&mut second, 20).unwrap();
    }
    refused(into(&path, "u").resume("load"), "\"t\"", "\"u\"");
    let mut last = into(&path, "t");
    assert_eq!(last.resume("load").unwrap(), Some(Checkpoint { epoch: 3, ..at(20) }));
    assert_eq!(count(&last.into_connection(), "SELECT count(*) FROM t"), 40);
}

#[test]
fn a_table_of_an_attached_database_is_another_one() {
    let directory = TempDir::new().unwrap();
    let path = directory.path().join("t.db");
    let attached = || {
        let connection = Connection::open(&path).unwrap();
        let side = directory.path().join("side.db");
        connection.execute("ATTACH ?1 AS side", [side.to_str().unwrap()]).unwrap();
        connection
    };
    attached().execute_batch("CREATE TABLE side.t (id INTEGER, text TEXT)").unwrap();
    let mut first = sqlite::Sink::from_connection(attached()).table::<Item>("t");
    first.resume("load").unwrap();
    ten_more(&mut first, 10).unwrap();
    drop(first);

    // Without it, the table would be made in the main one.
    refused(into(&path, "t").resume("load"), "\"side\".\"t\"", "\"t\"");
    let mut second = sqlite::Sink::from_connection(attached()).table::<Item>("t");
    assert_eq!(second.resume("load").unwrap(), Some(Checkpoint { epoch: 2, ..at(10) }));
    ten_more(&mut second, 20).unwrap();
    assert_eq!(count(&second.into_connection(), "SELECT count(*) FROM side.t"), 20);
}
