//! Where the rows go, how they get there, and what is there afterwards.

use crate::data::{BATCH, COMMIT, Item};
use crate::victim::pipeline;
use crate::window::{self, AROUND};
use rusqlite::Connection;
use rusqlite::types::ValueRef;
use std::path::Path;
use std::time::Duration;
use trommel::{Result, RunReport};
use trommel_connect::sqlite::{self, rusqlite};

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Destination {
    Sqlite,
    SqliteWal,
}

/// All that a run leaves which must not depend on how it came to its end, in order.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Contents {
    pub(crate) rows: Vec<String>,
    pub(crate) rejects: Vec<String>,
}

impl Destination {
    pub(crate) fn all() -> Vec<Destination> {
        vec![Destination::Sqlite, Destination::SqliteWal]
    }

    pub(crate) fn name(self) -> &'static str {
        match self {
            Destination::Sqlite => "sqlite",
            Destination::SqliteWal => "sqlite-wal",
        }
    }

    pub(crate) fn named(name: &str) -> Destination {
        let found = Destination::all().into_iter().find(|destination| destination.name() == name);
        found.expect("the name of a destination")
    }

    /// Whether it refuses rows whose key is there already.
    pub(crate) fn has_keys(self) -> bool {
        true
    }

    /// The windows to die in.
    pub(crate) fn windows(self) -> Vec<&'static str> {
        let inside: &[&str] = match self {
            Destination::Sqlite | Destination::SqliteWal => {
                &["sqlite: epoch taken, before COMMIT", "sqlite: checkpoint stored, before COMMIT"]
            }
        };
        let around: &[&str] = match self {
            Destination::SqliteWal => &[window::AFTER_WRITE, window::AFTER_COMMIT],
            _ => &AROUND,
        };
        around.iter().chain(inside).copied().collect()
    }

    /// Windows in which a runner that stops leaves the destination to another one.
    pub(crate) fn stops(self) -> Vec<&'static str> {
        match self {
            // Elsewhere it holds the database's write lock.
            Destination::Sqlite | Destination::SqliteWal => {
                vec![window::AFTER_RESUME, window::AFTER_COMMIT]
            }
        }
    }

    /// Runs the job, in the folder of the job.
    pub(crate) fn load(self) -> Result<RunReport> {
        match self {
            Destination::Sqlite | Destination::SqliteWal => {
                let mut sink = sqlite::Sink::create("out.db")?;
                if self == Destination::SqliteWal {
                    sink = sink.wal();
                }
                let mut table = sink
                    .table::<Item<'_>>("items")
                    .key(["id"])
                    .commit_rows(BATCH * COMMIT)
                    .commit_interval(Duration::MAX);
                if self == Destination::SqliteWal {
                    table = table.verify();
                }
                pipeline(true, table)
            }
        }
    }

    /// Holds what a run that was killed has left against its own checkpoint.
    pub(crate) fn look(self, directory: &Path) {
        match self {
            Destination::Sqlite | Destination::SqliteWal => {
                let database = Connection::open(directory.join("out.db")).unwrap();
                let count = |sql: &str| table(&database, sql).concat();
                let tables = "SELECT count(*) FROM sqlite_schema WHERE name = 'items'";
                if count(tables) == "Integer(1)|" {
                    let stored = count("SELECT emitted, rejected FROM trommel_checkpoint");
                    let found = count(
                        "SELECT (SELECT count(*) FROM items), (SELECT count(*) FROM trommel_reject)",
                    );
                    assert_eq!(found, stored);
                }
            }
        }
    }

    /// Reads it back, by another way than Trommel's.
    pub(crate) fn contents(self, directory: &Path) -> Contents {
        match self {
            Destination::Sqlite | Destination::SqliteWal => {
                let database = Connection::open(directory.join("out.db")).unwrap();
                let check = table(&database, "PRAGMA integrity_check");
                assert_eq!(check, ["Text([111, 107])|"], "integrity_check");
                let rejects = "SELECT job, source, record, line, \"offset\", \"column\", stage, \
                               reason, raw FROM trommel_reject";
                Contents {
                    rows: table(&database, "SELECT * FROM items"),
                    rejects: table(&database, rejects),
                }
            }
        }
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
