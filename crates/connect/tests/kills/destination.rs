//! Where the rows go, how they get there, and what is there afterwards.

mod files;
mod parquet;
mod postgres;
mod sqlite;

use crate::data;
use crate::window::AROUND;
use std::path::Path;
use trommel::{Result, RunReport};

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Destination {
    Sqlite,
    /// In WAL mode, and verified.
    SqliteWal,
    /// Without keys, and so many rows that they are copied.
    SqliteBulk,
    Csv,
    /// Several files, compressed.
    CsvParts,
    Parquet,
    Postgres,
    /// Without keys, so that rows go over one `COPY` until the commit.
    PostgresOpen,
}

/// All that a run leaves which must not depend on how it came to its end, in order.
#[derive(Debug, Default, PartialEq, Eq)]
pub(crate) struct Contents {
    pub(crate) rows: Vec<String>,
    pub(crate) rejects: Vec<String>,
    /// Of all files, where files are the destination.
    pub(crate) names: Vec<String>,
}

impl Destination {
    pub(crate) fn all() -> Vec<Destination> {
        use Destination::{Csv, CsvParts, Parquet, Postgres, PostgresOpen};
        use Destination::{Sqlite, SqliteBulk, SqliteWal};
        vec![Sqlite, SqliteWal, SqliteBulk, Csv, CsvParts, Parquet, Postgres, PostgresOpen]
    }

    pub(crate) fn name(self) -> &'static str {
        match self {
            Destination::Sqlite => "sqlite",
            Destination::SqliteWal => "sqlite-wal",
            Destination::SqliteBulk => "sqlite-bulk",
            Destination::Csv => "csv",
            Destination::CsvParts => "csv-parts",
            Destination::Parquet => "parquet",
            Destination::Postgres => "postgres",
            Destination::PostgresOpen => "postgres-open",
        }
    }

    pub(crate) fn named(name: &str) -> Destination {
        let found = Destination::all().into_iter().find(|destination| destination.name() == name);
        found.expect("the name of a destination")
    }

    /// Whether it is to be had here; said aloud where not.
    pub(crate) fn is_there(self) -> bool {
        !self.is_server() || postgres::is_there()
    }

    /// Whether starting it costs so much that its trials are best run by one process.
    pub(crate) fn is_server(self) -> bool {
        matches!(self, Destination::Postgres | Destination::PostgresOpen)
    }

    /// Makes a place for one job.
    pub(crate) fn prepare(self, directory: &Path) {
        if self.is_server() {
            postgres::prepare(directory);
        }
    }

    /// Whether it refuses rows whose key is there already.
    pub(crate) fn has_keys(self) -> bool {
        matches!(self, Destination::Sqlite | Destination::SqliteWal | Destination::Postgres)
    }

    /// Rows of its input.
    pub(crate) fn rows(self) -> u64 {
        if self == Destination::SqliteBulk { data::MANY_ROWS } else { data::ROWS }
    }

    /// What becomes of them.
    pub(crate) fn expected_counts(self) -> [u64; 5] {
        data::expected_counts(self.rows(), self.has_keys())
    }

    /// The windows to die in: those around the sink, once for each kind, and those inside.
    pub(crate) fn windows(self) -> Vec<&'static str> {
        let (inside, is_variant) = match self {
            Destination::Sqlite | Destination::SqliteWal => {
                (sqlite::WINDOWS, self == Destination::SqliteWal)
            }
            Destination::SqliteBulk => (sqlite::BULK_WINDOWS, true),
            Destination::Csv | Destination::CsvParts => {
                (files::WINDOWS, self == Destination::CsvParts)
            }
            Destination::Parquet => (parquet::WINDOWS, false),
            Destination::Postgres => (postgres::WINDOWS, false),
            Destination::PostgresOpen => (postgres::OPEN_WINDOWS, true),
        };
        let around: &[&str] = if is_variant { &[] } else { &AROUND };
        around.iter().chain(inside).copied().collect()
    }

    /// Windows in which a runner that stops leaves the destination to another one.
    pub(crate) fn stops(self) -> &'static [&'static str] {
        match self {
            Destination::Sqlite | Destination::SqliteWal | Destination::SqliteBulk => sqlite::STOPS,
            Destination::Csv | Destination::CsvParts => files::STOPS,
            Destination::Parquet => &[],
            Destination::Postgres | Destination::PostgresOpen => postgres::STOPS,
        }
    }

    /// Whether a fault can happen to it.
    pub(crate) fn meets(self, fault: &str) -> bool {
        match self {
            // A journal is removed, not renamed or cut.
            Destination::Sqlite | Destination::SqliteBulk => {
                !fault.starts_with("rename") && !fault.starts_with("truncate")
            }
            Destination::SqliteWal => !fault.starts_with("rename"),
            Destination::Csv | Destination::CsvParts | Destination::Parquet => true,
            // Its files are the server's.
            Destination::Postgres | Destination::PostgresOpen => false,
        }
    }

    /// Windows in which a runner that stops keeps others out, and what those say.
    pub(crate) fn locks(self) -> (&'static [&'static str], &'static str) {
        match self {
            Destination::Sqlite | Destination::SqliteWal => sqlite::LOCKS,
            // Its jobs don't come to these windows often enough.
            Destination::SqliteBulk => (&[], ""),
            Destination::Csv
            | Destination::CsvParts
            | Destination::Postgres
            | Destination::PostgresOpen => (&[], ""),
            Destination::Parquet => parquet::LOCKS,
        }
    }

    /// Runs the job, in the folder of the job.
    pub(crate) fn load(self) -> Result<RunReport> {
        match self {
            Destination::Sqlite => sqlite::load(false),
            Destination::SqliteWal => sqlite::load(true),
            Destination::SqliteBulk => sqlite::load_bulk(),
            Destination::Csv => files::load(false),
            Destination::CsvParts => files::load(true),
            Destination::Parquet => parquet::load(),
            Destination::Postgres => postgres::load(true),
            Destination::PostgresOpen => postgres::load(false),
        }
    }

    /// Holds what a run that was killed has left against its own checkpoint.
    pub(crate) fn look(self, directory: &Path) {
        match self {
            Destination::Sqlite | Destination::SqliteWal | Destination::SqliteBulk => {
                sqlite::look(directory);
            }
            Destination::Csv | Destination::CsvParts => files::look(directory),
            Destination::Parquet => parquet::look(directory),
            Destination::Postgres | Destination::PostgresOpen => postgres::look(directory),
        }
    }

    /// Reads it back, by another way than Trommel's.
    pub(crate) fn contents(self, directory: &Path) -> Contents {
        match self {
            Destination::Sqlite | Destination::SqliteWal | Destination::SqliteBulk => {
                sqlite::contents(directory)
            }
            Destination::Csv | Destination::CsvParts => files::contents(directory),
            Destination::Parquet => parquet::contents(directory),
            Destination::Postgres | Destination::PostgresOpen => postgres::contents(directory),
        }
    }
}
