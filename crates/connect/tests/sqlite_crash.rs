//! Checkpoints: what a run that was cut off leaves, and who may go on. Runs are killed in `kills`.
#![cfg(feature = "sqlite")]

use rusqlite::Connection;
use serde::Serialize;
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
