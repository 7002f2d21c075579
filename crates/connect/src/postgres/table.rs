//! A table as a sink: what is loaded, how, and when it is committed.

use super::encode::{self, Encoder, Page};
use super::load::Load;
use super::schema::{Declared, Name};
use super::session::Session;
use super::sink::Sink;
#[cfg(feature = "csv")]
use crate::csv;
use crate::table::{Limits, Mode};
use serde::Serialize;
use std::fmt;
use std::marker::PhantomData;
use std::time::Duration;
use trommel::{Checkpoint, Commit, Durability, Encode, Error, Reject, Result};

/// A table that takes records; made by [`Sink::table`].
///
/// Fields go to the columns of their names (tuples: to the columns in their order), in the types
/// that the columns have; columns that the record lacks get their defaults. A value that doesn't fit
/// its column makes its row a reject, in the worker. Rows that the server refuses (a duplicate key,
/// a failed constraint) are found by halving and are rejects as well; all others are stored.
///
/// A table that does not exist is created: at once when columns are declared with
/// [`column`](Self::column), else with the first page of rows, as `bigint`, `double precision`,
/// `text` or `bytea` by the values that are in it.
///
/// In a [`resumable`](trommel::Pipeline::resumable) run each transaction stores the job's checkpoint
/// as well, in the table `trommel_checkpoint` of the same schema. Whoever resumes the job last owns
/// it: the sessions of a runner from before are ended, and it can't commit any more. The checkpoint
/// holds the name of this table and its schema, and a job that has stored rows is not resumed into
/// another one, nor is a finished one run again into it: that is an error
/// ([`ErrorKind::Config`](trommel::ErrorKind::Config)), and nothing is written. Delete the job's row to
/// load from the start again. Not possible with [`replace`](Self::replace), which is one
/// transaction. Rejects that are kept [with the data](trommel::RejectPolicy::with_data) go to
/// `trommel_reject`.
///
/// What has been sent since the last commit is kept in memory (about
/// [`commit_bytes`](Self::commit_bytes)), so that after a lost connection the transaction is done
/// again, as often as [`OptionsBuilder::retry`](trommel::OptionsBuilder::retry) allows. Whether a
/// COMMIT whose answer was lost has happened is asked, not guessed.
///
/// # Examples
/// ```no_run
/// use serde::Serialize;
/// use trommel::{Engine, Options, Pipeline, Retry, Tier, sources};
/// use trommel_connect::postgres;
///
/// #[derive(Serialize)]
/// struct Reading {
///     sensor: u32,
///     at: &'static str,
///     celsius: f64,
/// }
///
/// let readings = [Reading { sensor: 7, at: "2013-01-01T10:00:00Z", celsius: 21.5 }];
/// let table = postgres::Sink::connect("postgresql://loader@db.example/plant")?
///     .table::<Reading>("readings")
///     .column("sensor", "integer")
///     .column("at", "timestamptz")
///     .column("celsius", "real")
///     .key(["sensor", "at"])
///     .upsert();
/// Pipeline::from(sources::slice(&readings))
///     .options(Options::tier(Tier::Database).retry(Retry::times(5)).build()?)
///     .load_into(table)
///     .run(&Engine::new()?)?;
/// # Ok::<(), trommel::Error>(())
/// ```
pub struct Table<T: ?Sized> {
    load: Load,
    // Neither owned nor borrowed: records pass through the workers alone.
    records: PhantomData<fn(&T)>,
}

/// What the user chose.
#[derive(Debug, Clone)]
pub(super) struct Settings {
    pub(super) declared: Declared,
    pub(super) mode: Mode,
    pub(super) commit: Limits,
    pub(super) connections: usize,
    pub(super) verify: bool,
}

impl<T: ?Sized> Table<T> {
    pub(super) fn new(sink: Sink, table: &str) -> Self {
        let name = Name::parse(table);
        let session = Session::new(sink.address, Some(sink.connection), &name);
        let settings = Settings {
            declared: Declared { name, ..Declared::default() },
            mode: Mode::Append,
            commit: Limits { rows: 0, bytes: 32 << 20, interval: Duration::from_secs(1) },
            connections: 1,
            verify: false,
        };
        Table { load: Load::new(session, settings), records: PhantomData }
    }

    fn set(mut self, set: impl FnOnce(&mut Settings)) -> Self {
        set(&mut self.load.settings);
        self
    }

    /// Declares a column for when the table is created: `.column("id", "bigint PRIMARY KEY")`.
    ///
    /// The declaration is SQL and is used as it stands; an empty one means `text`. Declared columns
    /// that the record lacks get their default; those that a table lacks which is there already are
    /// an error before the first row. For tuples, columns are declared in order. Default: a column
    /// per field, of the type of its first values.
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

    /// Replaces the table's rows: truncates and loads in one transaction, so that others see either
    /// the old rows or all of the new ones, and nothing changes when the run fails or is cancelled.
    /// `TRUNCATE` locks readers out until the end of the load. A connection that is lost after
    /// 8 MiB ends the run. Default: append.
    #[must_use]
    pub fn replace(self) -> Self {
        self.set(|settings| settings.mode = Mode::Replace)
    }

    /// Updates the row with the same [`key`](Self::key), or inserts one, through a temporary
    /// staging table; of several rows with one key the last wins. Only columns that the record has
    /// are updated. The table must have a primary key or a unique index on just the key columns.
    /// Default: append.
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

    /// Commits when a transaction has this many rows. Default: 0, no such limit.
    #[must_use]
    pub fn commit_rows(self, rows: usize) -> Self {
        self.set(|settings| settings.commit.rows = rows)
    }

    /// Commits when the rows of a transaction take this many bytes; they are kept in memory until
    /// then. Several [`connections`](Self::connections) share them evenly. Default: 32 MiB; 0: no
    /// such limit.
    #[must_use]
    pub fn commit_bytes(self, bytes: usize) -> Self {
        self.set(|settings| settings.commit.bytes = bytes)
    }

    /// Commits when a transaction is this old, at the end of a batch: while rows come. Default:
    /// 1 s; 0: after each batch.
    #[must_use]
    pub fn commit_interval(self, interval: Duration) -> Self {
        self.set(|settings| settings.commit.interval = interval)
    }

    /// Loads over this many connections at a time, each with transactions of its own, which pays
    /// where the server has cores to spare. One more looks after the table and kept rejects.
    /// Default: 1; 0 is an error.
    ///
    /// Only for runs that leave the order open
    /// ([`Order::Completion`](trommel::Order::Completion)), and neither
    /// [`resumable`](trommel::Pipeline::resumable) nor [`replace`](Self::replace): there is no
    /// transaction that holds all. A run that fails leaves behind what some connections have
    /// committed and others have not; the error says how many rows that is. A row that the server
    /// refuses (a duplicate key, a failed constraint) ends the run, since its batch has gone on by
    /// then; values that don't fit their column are rejects as ever. With
    /// [`upsert`](Self::upsert), of rows with one key any may be the last one.
    #[must_use]
    pub fn connections(self, connections: usize) -> Self {
        self.set(|settings| settings.connections = connections)
    }

    /// Reads the table back before the last commit and compares it with what it was given: the
    /// number of rows and a hash of their values, in any order, less what was there before the load
    /// (which reads the table at the start, too). When they differ the run fails, and rows of
    /// earlier commits stay; the job, if it is one, is not finished. Over several
    /// [`connections`](Self::connections) all rows are committed by then. Default: off.
    ///
    /// Values are compared in the form in which they were sent, blanks at the end of `char(n)` and
    /// `varchar(n)` aside, so that columns of types which store another form (`jsonb`,
    /// `numeric(p, s)`, `timestamp(p)`, types without a binary form here) are an error before the
    /// first row. Nobody else may change the table meanwhile, and records must all have the same
    /// columns. Rows that are [updated](Self::upsert) or [passed over](Self::ignore_duplicates)
    /// can't be verified: that is an error too. A job keeps its digests beside its checkpoint, in
    /// the table `trommel_digest`, and must be verified from its first run on.
    #[must_use]
    pub fn verify(self) -> Self {
        self.set(|settings| settings.verify = true)
    }
}

impl<T: ?Sized> fmt::Debug for Table<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Table")
            .field("database", &self.load.lane.session.place().to_string())
            .field("settings", &self.load.settings)
            .finish_non_exhaustive()
    }
}

impl<T: ?Sized> trommel::Sink for Table<T> {
    type Page = Page;
    type Encoder = Encoder;

    fn encoder(&mut self) -> Result<Encoder> {
        self.load.start()
    }

    fn write(&mut self, page: &mut Page) -> Result<()> {
        self.load.write(page)
    }

    fn refuses_values(&self) -> bool {
        true
    }

    fn take_faults(&mut self, faults: &mut Vec<(usize, Error)>) {
        faults.append(&mut self.load.lane.faults);
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

    fn gives_up_order(&self) -> bool {
        self.load.settings.connections > 1
    }

    fn resume(&mut self, job: &str) -> Result<Option<Checkpoint>> {
        self.load.resume(job)
    }
}

/// Takes records by value and by reference.
impl<T: ?Sized, R: Serialize> Encode<R> for Table<T> {
    #[inline]
    fn encode(encoder: &Encoder, page: &mut Page, record: R) -> Result<()> {
        encode::encode(encoder, page, &record)
    }
}

/// Takes rows of CSV files as they are, as if they were records of `Option<&str>`: the quickest way
/// to load a file. Fields go to the columns of their names in the header (without one: to the columns
/// in their order), and are read as the types of these.
#[cfg(feature = "csv")]
impl<T: ?Sized> Encode<csv::Row<'_>> for Table<T> {
    #[inline]
    fn encode(encoder: &Encoder, page: &mut Page, row: csv::Row<'_>) -> Result<()> {
        encode::pass::pass(encoder, page, row)
    }
}

/// Takes such rows with more fields, which are those of a struct.
#[cfg(feature = "csv")]
impl<T: ?Sized, R: Serialize> Encode<csv::With<'_, R>> for Table<T> {
    #[inline]
    fn encode(encoder: &Encoder, page: &mut Page, value: csv::With<'_, R>) -> Result<()> {
        encode::pass::pass_with(encoder, page, value)
    }
}
