//! Files of columns as destinations: one, several that roll, or some for each key.
//!
//! [`Output`] settles the schema, [`Files`] says which rows go to which file, and a format
//! ([`Format`]) writes a file. All files of a run are written aside and get their names at its end.
//!
//! A file of columns can't be closed and gone on with later, as a text can, and what encodes a row
//! group takes far more memory than its rows. So the rows of a key wait as they are until there are
//! enough for a row group; when all that wait take too much, the key with most of them is written, and
//! when too many files are open, the one not used for longest is ended and its key goes on with
//! another. Row groups of two files are under way at a time.

mod files;
mod output;
mod shelf;

pub(crate) use files::{Files, Named};
pub(crate) use output::Output;

use super::aside::Written;
use super::gather::Chunk;
use crate::verify::Digest;
use arrow_array::RecordBatch;
use arrow_schema::SchemaRef;
use std::path::Path;
use trommel::Result;

/// How files of a kind are written.
pub(crate) trait Format {
    type File: Building + std::fmt::Debug;

    /// What the names of the files of keys end in.
    const EXTENSION: &'static str;

    /// Whether a record batch without rows is kept.
    const KEEPS_EMPTY: bool;

    /// Refuses options that can't be.
    fn check(&self) -> Result<()>;

    fn create(&self, path: &Path, schema: &SchemaRef) -> Result<Self::File>;

    /// Rows of a row group.
    fn group_rows(&self) -> usize;

    /// What a file holds, if it is to be held against what was given to it.
    fn read_back(&self, path: &Path) -> Result<Option<Digest>>;
}

/// A file that is being written.
pub(crate) trait Building {
    /// How many of these rows still go into the open row group.
    fn room(&self, rows: &Rows) -> usize;

    /// Adds rows, no more than there is room for.
    fn add(&mut self, rows: Rows) -> Result<()>;

    /// Ends the open row group, if there is one.
    fn end_group(&mut self) -> Result<()>;

    /// Whether no row group is open.
    fn is_between_groups(&self) -> bool;

    /// Waits until all row groups that have been ended are in the file.
    fn settle(&mut self) -> Result<()>;

    fn rows(&self) -> u64;

    /// Bytes in the file.
    fn bytes(&self) -> u64;

    fn end(self) -> Result<Whole>;
}

/// A file to which nothing is added any more.
#[derive(Debug)]
pub(crate) struct Whole {
    pub(crate) written: Written,
    pub(crate) rows: u64,
    /// What was given to it, if it is to be verified.
    pub(crate) given: Option<Digest>,
}

/// Some rows on their way into a file.
#[derive(Debug)]
pub(crate) enum Rows {
    Columns(Chunk),
    Batch(RecordBatch),
}

impl Rows {
    pub(crate) fn len(&self) -> usize {
        match self {
            Rows::Columns(chunk) => chunk.rows,
            Rows::Batch(batch) => batch.num_rows(),
        }
    }

    /// Takes off the rows from `at` on.
    fn split_off(&mut self, at: usize) -> Rows {
        match self {
            Rows::Columns(chunk) => Rows::Columns(chunk.split_off(at)),
            Rows::Batch(batch) => {
                let rest = batch.slice(at, batch.num_rows() - at);
                *batch = batch.slice(0, at);
                Rows::Batch(rest)
            }
        }
    }

    /// Bytes that they take while they wait.
    fn bytes(&self) -> usize {
        /// What a column takes beside its values.
        const COLUMN: usize = 256;
        match self {
            Rows::Columns(chunk) => chunk.bytes + chunk.columns.len() * COLUMN,
            Rows::Batch(batch) => batch.get_array_memory_size(),
        }
    }
}

/// Setters that the sinks of files of columns share, for one with a
/// `FileSink::output(&mut self) -> &mut Output<_>`.
macro_rules! out_settings {
    ($ends:literal, $group:literal, $extension:literal) => {
        /// Begins a new file when the present one has so many rows, exactly: `a.x` becomes
        /// `a-00000.x`, `a-00001.x` and so on. Default: 0, one file.
        pub fn roll_rows(mut self, rows: u64) -> Self {
            FileSink::output(&mut self).files.roll_rows = rows;
            self
        }

        /// Begins a new file when the present one has so many bytes.
        #[doc = concat!($ends, ", so smaller [`", $group, "`](Self::", $group, ") make it more exact.")]
        /// Default: 0, one file.
        pub fn roll_bytes(mut self, bytes: u64) -> Self {
            FileSink::output(&mut self).files.roll_bytes = bytes;
            self
        }

        /// Writes one file, or several that [roll](Self::roll_rows), for each key into the folder
        #[doc = concat!("that the path names: `OUT/year=2013/month=1/part-0.", $extension, "`.")]
        /// The key is made of these columns of the record, in this order, which stay in the files as
        /// well. With no columns, only [`Keyed`](crate::arrow::Keyed) values can be emitted.
        ///
        /// The rows of a key wait for enough to fill a row group; when all that wait take 64 MiB, the
        /// key with most of them is written. All files get their names at the end of the run.
        pub fn partition_by<N: Into<String>>(
            self,
            columns: impl IntoIterator<Item = N>,
        ) -> Partitioned<Self> {
            Partitioned::new(self, columns.into_iter().map(Into::into).collect())
        }
    };
}
pub(crate) use out_settings;
