//! A table of an SQLite database.

use super::Contents;
use crate::data::{BATCH, COMMIT, Item, MANY_BATCH};
use crate::victim::{pipeline, pipeline_in};
use crate::window::{AFTER_COMMIT, AFTER_RESUME, AFTER_WRITE, BEFORE_COMMIT};
use rusqlite::Connection;
use rusqlite::types::ValueRef;
use std::path::Path;
use std::time::Duration;
use trommel::{Result, RunReport};
use trommel_connect::sqlite::{self, rusqlite};

pub(super) const WINDOWS: &[&str] =
    &["sqlite: epoch taken, before COMMIT", "sqlite: checkpoint stored, before COMMIT"];

/// Where rows are copied.
pub(super) const BULK_WINDOWS: &[&str] = &[
    "sqlite: rows handed over, before they are copied",
    "sqlite: rows copied, before COMMIT",
    "sqlite: checkpoint stored, before COMMIT",
];

/// Elsewhere it holds the database's write lock.
pub(super) const STOPS: &[&str] = &[AFTER_RESUME, AFTER_COMMIT];

/// There it does: the database has one writer.
pub(super) const LOCKS: (&[&str], &str) =
    (&[AFTER_WRITE, BEFORE_COMMIT], "another connection holds the lock");

pub(super) fn load(in_wal: bool) -> Result<RunReport> {
    let mut sink = sqlite::Sink::create("out.db")?.busy_timeout(Duration::from_secs(1));
    if in_wal {
        sink = sink.wal();
    }
    let mut table = sink
        .table::<Item<'_>>("items")
        .key(["id"])
        .commit_rows(BATCH * COMMIT)
        .commit_interval(Duration::MAX);
    if in_wal {
        table = table.verify();
    }
    pipeline(true, table)
}

/// Into a table that takes any row: it is given many at once. A transaction for each batch.
pub(super) fn load_bulk() -> Result<RunReport> {
    let sink = sqlite::Sink::create("out.db")?.busy_timeout(Duration::from_secs(1));
    let table = sink.table::<Item<'_>>("items").commit_rows(1).commit_interval(Duration::MAX);
    pipeline_in(MANY_BATCH, false, table)
}

pub(super) fn look(directory: &Path) {
    let database = Connection::open(directory.join("out.db")).unwrap();
    let count = |sql: &str| table(&database, sql).concat();
    if count("SELECT count(*) FROM sqlite_schema WHERE name = 'items'") == "Integer(1)|" {
        let stored = count("SELECT emitted, rejected FROM trommel_checkpoint");
        let found = "SELECT (SELECT count(*) FROM items), (SELECT count(*) FROM trommel_reject)";
        assert_eq!(count(found), stored);
    }
}

pub(super) fn contents(directory: &Path) -> Contents {
    let database = Connection::open(directory.join("out.db")).unwrap();
    assert_eq!(table(&database, "PRAGMA integrity_check"), ["Text([111, 107])|"]);
    let rejects = "SELECT job, source, record, line, \"offset\", \"column\", stage, reason, raw \
                   FROM trommel_reject";
    Contents {
        rows: table(&database, "SELECT * FROM items"),
        rejects: table(&database, rejects),
        ..Contents::default()
    }
}

/// All rows with the storage class of each value, sorted.
fn table(database: &Connection, sql: &str) -> Vec<String> {
    let mut statement = database.prepare(sql).unwrap();
    let width = statement.column_count();
    let mut rows: Vec<String> = statement
        .query_map([], |row| {
            let cell = |index| Ok(format!("{:?}|", row.get_ref(index)? as ValueRef<'_>));
            (0..width).map(cell).collect()
        })
        .unwrap()
        .map(rusqlite::Result::unwrap)
        .collect();
    rows.sort_unstable();
    rows
}
