//! A table as a sink: what is loaded, how, and when it is committed.

use super::load::Load;
use super::schema::Declared;
use super::sink::Sink;
pub(super) use crate::table::Mode;
use crate::table::{self, Limits, Page};
use rusqlite::Connection;
use serde::Serialize;
use std::fmt;
use std::marker::PhantomData;
use std::time::Duration;
use trommel::{Checkpoint, Commit, Durability, Encode, Error, Reject, Result};

/// A table that takes records; made by [`Sink::table`].
///
/// A table that does not exist is created with the first rows: a column per field, with the type
/// that its values have (none when they are all null; `.column` says it better). In a table that
/// exists, fields go to the columns of their names, and other columns get their defaults.
///
/// Rows that the table refuses (a duplicate key, a failed constraint) are the rows' fault: the
/// others are stored, and the pipeline's reject policy decides about these.
///
/// In a [`resumable`](trommel::Pipeline::resumable) run each transaction stores the job's checkpoint
/// as well, in the table `trommel_checkpoint` of the same database. Whoever resumes the job last owns
/// it: a runner from before, should it still be alive, can't commit any more. The checkpoint holds the
/// name of this table, and a job that has stored rows is not resumed into another one, nor is a
/// finished one run again into it: that is an error ([`ErrorKind::Config`](trommel::ErrorKind::Config)),
/// and nothing is written. Delete the job's row to load from the start again. Not possible with
/// [`replace`](Self::replace), which is one transaction.
/// Rejects that are kept [with the data](trommel::RejectPolicy::with_data) go to `trommel_reject`.
///
/// # Examples
/// A key, a column with a rule, and a row that breaks it:
/// ```
/// use serde::Serialize;
/// use trommel::{Engine, Options, Pipeline, RejectPolicy, sources};
/// use trommel_connect::sqlite;
///
/// #[derive(Serialize)]
/// struct City {
///     name: &'static str,
///     people: i64,
/// }
///
/// # let directory = tempfile::tempdir().unwrap();
/// # let path = directory.path().join("cities.db");
/// let cities = [City { name: "Oslo", people: 709_037 }, City { name: "Nowhere", people: -1 }];
/// let table = sqlite::Sink::create(&path)?
///     .table::<City>("cities")
///     .column("people", "INTEGER CHECK (people >= 0)")
///     .key(["name"])
///     .upsert();
/// let report = Pipeline::from(sources::slice(&cities))
///     .options(Options::builder().on_reject(RejectPolicy::with_data(10)).build()?)
///     .load_into(table)
///     .run(&Engine::new()?)?;
/// assert_eq!((report.counts.loaded, report.counts.rejected), (1, 1));
/// # Ok::<(), trommel::Error>(())
/// ```
pub struct Table<T: ?Sized> {
    load: Load,
    // Neither owned nor borrowed: records pass through the workers alone.
    records: PhantomData<fn(&T)>,
}

/// What the user chose.
#[derive(Debug)]
pub(super) struct Settings {
    pub(super) declared: Declared,
    pub(super) mode: Mode,
    pub(super) commit: Limits,
    pub(super) verify: bool,
}

impl<T: ?Sized> Table<T> {
    pub(super) fn new(sink: Sink, table: String) -> Self {
        let settings = Settings {
            declared: Declared { table, ..Declared::default() },
            mode: Mode::Append,
            commit: Limits { rows: 500_000, bytes: 128 << 20, interval: Duration::from_secs(1) },
            verify: false,
        };
        Table { load: Load::new(sink, settings), records: PhantomData }
    }

    fn set(mut self, set: impl FnOnce(&mut Settings)) -> Self {
        set(&mut self.load.settings);
        self
    }

    /// Declares a column for when the table is created: `.column("id", "TEXT PRIMARY KEY")`.
    ///
    /// The declaration is SQL and is used as it stands; an empty one means the type of the values.
    /// Declared columns that the record lacks get their default; those that a table lacks which is
    /// there already are an error before the first row. For tuples, columns are declared in order.
    /// Default: a column per field.
    #[must_use]
    pub fn column(self, name: impl Into<String>, declaration: impl Into<String>) -> Self {
        let column = (name.into(), declaration.into());
        self.set(|settings| settings.declared.columns.push(column))
    }

    /// The columns that tell rows apart: the primary key of a table that is created, and what
    /// [`upsert`](Self::upsert) goes by. Default: none.
    #[must_use]
    pub fn key<N: Into<String>>(self, columns: impl IntoIterator<Item = N>) -> Self {
        let key = columns.into_iter().map(Into::into).collect();
        self.set(|settings| settings.declared.key = key)
    }

    /// Creates the table `STRICT`: SQLite then refuses values of another type than the column's.
    /// Default: off.
    #[must_use]
    pub fn strict(self) -> Self {
        self.set(|settings| settings.declared.strict = true)
    }

    /// Replaces the table's rows: in one transaction for the whole load, so that others see either
    /// the old rows or all of the new ones, and nothing changes when the run fails or is cancelled.
    /// Columns, indexes and triggers stay. Default: append.
    #[must_use]
    pub fn replace(self) -> Self {
        self.set(|settings| settings.mode = Mode::Replace)
    }

    /// Updates the row with the same [`key`](Self::key), or inserts one. Only columns that the
    /// record has are updated. A table that exists must have a primary key or a unique index on
    /// just these columns. Default: append.
    #[must_use]
    pub fn upsert(self) -> Self {
        self.set(|settings| settings.mode = Mode::Upsert)
    }

    /// Passes over rows that a primary key or unique index has already; they count as loaded.
    /// Default: append, where they are faults.
    #[must_use]
    pub fn ignore_duplicates(self) -> Self {
        self.set(|settings| settings.mode = Mode::IgnoreDuplicates)
    }

    /// Commits when a transaction has this many rows. Default: 500,000; 0: no such limit.
    #[must_use]
    pub fn commit_rows(self, rows: usize) -> Self {
        self.set(|settings| settings.commit.rows = rows)
    }

    /// Commits when the rows of a transaction take this many bytes. Default: 128 MiB; 0: no such
    /// limit.
    #[must_use]
    pub fn commit_bytes(self, bytes: usize) -> Self {
        self.set(|settings| settings.commit.bytes = bytes)
    }

    /// Commits when a transaction is this old, at the end of a batch: while rows come. Until then
    /// others can't write. Default: 1 s; 0: after each batch.
    #[must_use]
    pub fn commit_interval(self, interval: Duration) -> Self {
        self.set(|settings| settings.commit.interval = interval)
    }

    /// Reads the table back before the last commit and compares it with what it was given: the
    /// number of rows and a hash of their values, in any order, less what was there before the load
    /// (which reads the table at the start, too). When they differ the run fails, and rows of
    /// earlier commits stay; the job, if it is one, is not finished. Default: off.
    ///
    /// Values are compared as their columns store them: `1`, `1.0` and `"1"` are the same in a
    /// column of type `INTEGER`, and not in one without a type. Nobody else may change the table
    /// meanwhile. Records must all have the same columns. Rows that are [updated](Self::upsert) or
    /// [passed over](Self::ignore_duplicates) can't be verified: that is an error before the first
    /// row. A job keeps its digests beside its checkpoint, in the table `trommel_digest`, and must
    /// be verified from its first run on.
    #[must_use]
    pub fn verify(self) -> Self {
        self.set(|settings| settings.verify = true)
    }

    /// The connection, to query what was loaded; takes back what was not committed.
    #[must_use]
    pub fn into_connection(self) -> Connection {
        let mut load = self.load;
        load.abort();
        load.sink.connection
    }
}

impl<T: ?Sized> fmt::Debug for Table<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Table")
            .field("database", &self.load.sink.place.to_string())
            .field("settings", &self.load.settings)
            .finish_non_exhaustive()
    }
}

impl<T: ?Sized> trommel::Sink for Table<T> {
    type Page = Page;
    type Encoder = ();

    fn encoder(&mut self) -> Result<()> {
        self.load.start()
    }

    fn write(&mut self, page: &mut Page) -> Result<()> {
        self.load.write(page)
    }

    fn refuses_values(&self) -> bool {
        true
    }

    fn take_faults(&mut self, faults: &mut Vec<(usize, Error)>) {
        faults.append(&mut self.load.faults);
    }

    fn commit(&mut self, checkpoint: &Checkpoint, when: Commit) -> Result<Durability> {
        self.load.commit(checkpoint, when)
    }

    fn finish(&mut self) -> Result<()> {
        self.load.finish()
    }

    fn abort(&mut self) -> Durability {
        self.load.abort();
        Durability::Pending
    }

    fn keeps_rejects(&self) -> bool {
        true
    }

    fn keep_reject(&mut self, reject: &Reject) -> Result<()> {
        self.load.keep_reject(reject)
    }

    fn resume(&mut self, job: &str) -> Result<Option<Checkpoint>> {
        self.load.resume(job)
    }
}

/// Takes records by value and by reference.
impl<T: ?Sized, R: Serialize> Encode<R> for Table<T> {
    #[inline]
    fn encode((): &(), page: &mut Page, record: R) -> Result<()> {
        table::encode(page, &record)
    }
}
