//! A table of an SQLite database.

use super::{Contents, Destination};
use crate::data::{BATCH, COMMIT, Item, MANY_BATCH, expected_distance, expected_rows};
use crate::victim::{pipeline, pipeline_in};
use crate::window::{AFTER_COMMIT, AFTER_RESUME, AFTER_WRITE, BEFORE_COMMIT, MID_BATCH};
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

/// Where rows meet others with their key.
pub(super) const MODE_WINDOWS: &[&str] =
    &[MID_BATCH, AFTER_WRITE, "sqlite: checkpoint stored, before COMMIT", AFTER_COMMIT];

/// Elsewhere it holds the database's write lock.
pub(super) const STOPS: &[&str] = &[AFTER_RESUME, AFTER_COMMIT];

/// There it does: the database has one writer.
pub(super) const LOCKS: (&[&str], &str) =
    (&[AFTER_WRITE, BEFORE_COMMIT], "another connection holds the lock");

pub(super) fn load(destination: Destination) -> Result<RunReport> {
    let mut sink = sqlite::Sink::create("out.db")?.busy_timeout(Duration::from_millis(200));
    if destination == Destination::SqliteWal {
        sink = sink.wal();
    }
    let table = sink.table::<Item<'_>>("items").commit_interval(Duration::MAX);
    if destination == Destination::SqliteBulk {
        // Into a table that takes any row: it is given many at once. A transaction for each batch.
        return pipeline_in(MANY_BATCH, destination.twins(), table.commit_rows(1));
    }
    let table = table.key(["id"]).commit_rows(BATCH * COMMIT);
    let table = match destination {
        Destination::SqliteWal => table.verify(),
        Destination::SqliteUpsert => table.upsert(),
        Destination::SqliteIgnore => table.ignore_duplicates(),
        _ => table,
    };
    pipeline(destination.twins(), table)
}

pub(super) fn look(destination: Destination, directory: &Path) {
    let database = Connection::open(directory.join("out.db")).unwrap();
    let is_there = "SELECT count(*) FROM sqlite_schema WHERE name = 'items'";
    if table(&database, is_there) == ["Integer(1)|"] {
        let twins = destination.twins();
        let numbers = |sql: &str| -> [i64; 2] {
            database.query_row(sql, [], |row| Ok([row.get(0)?, row.get(1)?])).unwrap()
        };
        let [read, rejected] = numbers("SELECT read, rejected FROM trommel_checkpoint");
        let found = "SELECT (SELECT count(*) FROM items), (SELECT count(*) FROM trommel_reject)";
        assert_eq!(numbers(found), [expected_rows(read as u64, twins) as i64, rejected]);
        let zero =
            database.query_row("SELECT distance FROM items WHERE id = 0", [], |row| row.get(0));
        assert_eq!(zero, Ok(expected_distance(read as u64, twins)));
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
