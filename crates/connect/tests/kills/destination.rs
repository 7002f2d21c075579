//! Where the rows go, how they get there, and what is there afterwards.

mod files;
mod parquet;
mod postgres;
mod sqlite;

use crate::data::{self, Twins};
use crate::input::Input;
use crate::window::{AFTER_COMMIT, AFTER_RESUME, AFTER_WRITE, AROUND, MID_BATCH};
use std::fs::File;
use std::path::Path;
use trommel::{Result, RunReport};

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Destination {
    Sqlite,
    /// In WAL mode, and verified.
    SqliteWal,
    /// Without keys, and so many rows that they are copied.
    SqliteBulk,
    SqliteUpsert,
    SqliteIgnore,
    Csv,
    /// Several files, compressed.
    CsvParts,
    /// A file for each key, in folders.
    CsvKeyed,
    /// As `Csv`, from another source.
    From(Input),
    Parquet,
    Postgres,
    /// Without keys, so that rows go over one `COPY` until the commit; and verified.
    PostgresOpen,
    PostgresUpsert,
    PostgresIgnore,
}

/// All that a run leaves which must not depend on how it came to its end, in order.
#[derive(Debug, Default, PartialEq, Eq)]
pub(crate) struct Contents {
    pub(crate) rows: Vec<String>,
    pub(crate) rejects: Vec<String>,
    /// Of all files in the folder of the job.
    pub(crate) names: Vec<String>,
}

impl Destination {
    pub(crate) fn all() -> Vec<Destination> {
        use Destination::{Csv, CsvKeyed, CsvParts, Parquet};
        use Destination::{Postgres, PostgresIgnore, PostgresOpen, PostgresUpsert};
        use Destination::{Sqlite, SqliteBulk, SqliteIgnore, SqliteUpsert, SqliteWal};
        let databases = [Sqlite, SqliteWal, SqliteBulk, SqliteUpsert, SqliteIgnore];
        let files = [Csv, CsvParts, CsvKeyed, Parquet];
        let servers = [Postgres, PostgresOpen, PostgresUpsert, PostgresIgnore];
        let inputs = Input::ALL.map(Destination::From);
        databases.into_iter().chain(files).chain(inputs).chain(servers).collect()
    }

    pub(crate) fn name(self) -> &'static str {
        match self {
            Destination::Sqlite => "sqlite",
            Destination::SqliteWal => "sqlite-wal",
            Destination::SqliteBulk => "sqlite-bulk",
            Destination::SqliteUpsert => "sqlite-upsert",
            Destination::SqliteIgnore => "sqlite-ignore",
            Destination::Csv => "csv",
            Destination::CsvParts => "csv-parts",
            Destination::CsvKeyed => "csv-keyed",
            Destination::From(input) => input.name(),
            Destination::Parquet => "parquet",
            Destination::Postgres => "postgres",
            Destination::PostgresOpen => "postgres-open",
            Destination::PostgresUpsert => "postgres-upsert",
            Destination::PostgresIgnore => "postgres-ignore",
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

    fn kind(self) -> Kind {
        match self {
            Destination::Sqlite
            | Destination::SqliteWal
            | Destination::SqliteBulk
            | Destination::SqliteUpsert
            | Destination::SqliteIgnore => Kind::Sqlite,
            Destination::Csv
            | Destination::CsvParts
            | Destination::CsvKeyed
            | Destination::From(_) => Kind::Files,
            Destination::Parquet => Kind::Parquet,
            Destination::Postgres
            | Destination::PostgresOpen
            | Destination::PostgresUpsert
            | Destination::PostgresIgnore => Kind::Postgres,
        }
    }

    /// Whether starting it costs so much that its trials are best run by one process.
    pub(crate) fn is_server(self) -> bool {
        self.kind() == Kind::Postgres
    }

    /// Makes a place for one job.
    pub(crate) fn prepare(self, directory: &Path) {
        match self {
            Destination::From(input) => input.write(directory, self.rows()),
            _ => {
                let file = File::create(directory.join("input.csv")).unwrap();
                data::write_csv(file, 0..self.rows());
            }
        }
        if self.is_server() {
            postgres::prepare(directory);
        }
    }

    /// What it does with rows whose key is there already.
    pub(crate) fn twins(self) -> Twins {
        match self {
            Destination::Sqlite | Destination::SqliteWal | Destination::Postgres => Twins::Refused,
            Destination::SqliteUpsert | Destination::PostgresUpsert => Twins::Updating,
            Destination::SqliteIgnore | Destination::PostgresIgnore => Twins::PassedOver,
            _ => Twins::Unknown,
        }
    }

    /// Rows of its input.
    pub(crate) fn rows(self) -> u64 {
        if self == Destination::SqliteBulk { data::MANY_ROWS } else { data::ROWS }
    }

    /// What becomes of them.
    pub(crate) fn expected_counts(self) -> [u64; 5] {
        data::expected_counts(self.rows(), self.twins())
    }

    /// Rows that are there at the end.
    pub(crate) fn expected_rows(self) -> u64 {
        data::expected_rows(self.rows(), self.twins())
    }

    /// The windows to die in: those around the sink, once for each kind, and those inside.
    pub(crate) fn windows(self) -> Vec<&'static str> {
        let around: &[&str] = match self {
            Destination::Sqlite
            | Destination::Csv
            | Destination::Parquet
            | Destination::Postgres => &AROUND,
            _ => &[],
        };
        let inside = match self {
            Destination::From(_) => &[AFTER_RESUME, MID_BATCH, AFTER_WRITE, AFTER_COMMIT],
            Destination::SqliteBulk => sqlite::BULK_WINDOWS,
            Destination::SqliteUpsert | Destination::SqliteIgnore => sqlite::MODE_WINDOWS,
            Destination::PostgresOpen => postgres::OPEN_WINDOWS,
            Destination::PostgresUpsert | Destination::PostgresIgnore => postgres::MODE_WINDOWS,
            _ => match self.kind() {
                Kind::Sqlite => sqlite::WINDOWS,
                Kind::Files => files::WINDOWS,
                Kind::Parquet => parquet::WINDOWS,
                Kind::Postgres => postgres::WINDOWS,
            },
        };
        around.iter().chain(inside).copied().collect()
    }

    /// Windows in which a runner that stops leaves the destination to another one.
    pub(crate) fn stops(self) -> &'static [&'static str] {
        match self.kind() {
            _ if self.is_like_another() => &[],
            Kind::Sqlite => sqlite::STOPS,
            Kind::Files => files::STOPS,
            Kind::Parquet => &[],
            Kind::Postgres => postgres::STOPS,
        }
    }

    /// Whether a fault can happen to it.
    pub(crate) fn meets(self, fault: &str) -> bool {
        let call = fault.split(' ').next().unwrap_or(fault);
        match (self.kind(), call) {
            // They concern what reads, too.
            (_, "alloc" | "thread") => true,
            _ if self.is_like_another() => false,
            // A journal is removed, not renamed or cut.
            (Kind::Sqlite, "rename" | "mkdir") => false,
            (Kind::Sqlite, "truncate") => self == Destination::SqliteWal,
            // A log is removed when the last connection is closed, and nobody waits for that.
            (Kind::Sqlite, "unlink") => self != Destination::SqliteWal,
            (Kind::Files, "mkdir") => self == Destination::CsvKeyed,
            (Kind::Sqlite | Kind::Files | Kind::Parquet, _) => true,
            // Its files are the server's.
            (Kind::Postgres, _) => false,
        }
    }

    /// Whether it is made of files that a loss of power may damage.
    pub(crate) fn is_on_disk(self) -> bool {
        !self.is_server() && !self.is_like_another()
    }

    /// Whether what it has of files, locks and epochs is as in `Sqlite` or `Csv`.
    fn is_like_another(self) -> bool {
        matches!(self, Destination::SqliteUpsert | Destination::SqliteIgnore | Destination::From(_))
    }

    /// Windows in which a runner that stops keeps others out, and what those say.
    pub(crate) fn locks(self) -> (&'static [&'static str], &'static str) {
        match (self, self.kind()) {
            (Destination::Sqlite | Destination::SqliteWal, _) => sqlite::LOCKS,
            // Its jobs don't come to these windows often enough, or the lock is the same.
            (_, Kind::Sqlite) => (&[], ""),
            (_, Kind::Parquet) => parquet::LOCKS,
            (_, Kind::Files | Kind::Postgres) => (&[], ""),
        }
    }

    /// Runs the job, in the folder of the job.
    pub(crate) fn load(self) -> Result<RunReport> {
        match self.kind() {
            Kind::Sqlite => sqlite::load(self),
            Kind::Files => files::load(self),
            Kind::Parquet => parquet::load(),
            Kind::Postgres => postgres::load(self),
        }
    }

    /// Holds what a run that was killed has left against its own checkpoint.
    pub(crate) fn look(self, directory: &Path) {
        match self.kind() {
            Kind::Sqlite => sqlite::look(self, directory),
            Kind::Files => files::look(directory),
            Kind::Parquet => parquet::look(directory),
            Kind::Postgres => postgres::look(self, directory),
        }
    }

    /// Reads it back, by another way than Trommel's.
    pub(crate) fn contents(self, directory: &Path) -> Contents {
        let mut contents = match self.kind() {
            Kind::Sqlite => sqlite::contents(directory),
            Kind::Files => files::contents(directory),
            Kind::Parquet => parquet::contents(directory),
            Kind::Postgres => postgres::contents(directory),
        };
        contents.names = files::names(directory);
        if self.kind() == Kind::Sqlite {
            // A write-ahead log stays when its last connection could not close it.
            contents.names.retain(|name| !name.ends_with("-wal") && !name.ends_with("-shm"));
        }
        if self == Destination::From(Input::Sqlite) {
            // A query that goes on by its key counts its records anew.
            contents.rejects.iter_mut().for_each(|reject| *reject = without_record(reject));
        }
        contents
    }
}

fn without_record(reject: &str) -> String {
    let mut reject: serde_json::Value = serde_json::from_str(reject).unwrap();
    reject.as_object_mut().unwrap().remove("record").expect("a number");
    reject.to_string()
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Kind {
    Sqlite,
    Files,
    Parquet,
    Postgres,
}
