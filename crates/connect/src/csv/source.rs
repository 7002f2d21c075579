//! The source as its user and the driver see it.

use super::batch::Batch;
use super::cutter::Cutter;
use super::header::Header;
use super::headers::Column;
use super::options::Builder;
use super::shape::Shape;
use crate::input::{Feeder, forward_feeder, open_by_default};
use std::fmt;
use std::io::Read;
use std::path::Path;
use std::sync::Arc;
use trommel::{Fill, Fingerprint, Limit, Position, Result, Size};

/// Reads CSV and cuts it into batches of whole records, which the workers parse.
///
/// It agrees with the [`csv`](https://docs.rs/csv) crate on what the records are, except where that
/// would lose data silently: a record that the end of the input cuts off within quotes, one with
/// too few or too many fields, and one that doesn't fit the memory limit are errors of their row
/// (rejects), with file, line and byte offset.
///
/// ```
/// use trommel::{Batch as _, Fill, Limit, Source as _};
/// use trommel_connect::csv;
///
/// # let directory = tempfile::tempdir()?;
/// # let path = directory.path().join("flights.csv");
/// # std::fs::write(&path, "carrier,distance\nUA,1400\nB6,1089\n")?;
/// let mut source = csv::Source::open(path)?;
/// let distance = source.column("distance")?;
/// let mut batch = csv::Batch::default();
/// let mut sum = 0;
/// loop {
///     let fill = source.fill(&mut batch, &Limit::of_rows(1000))?;
///     batch.for_each(0, |row| {
///         sum += row?.get::<u64>(distance)?;
///         Ok(())
///     })?;
///     if fill == Fill::End {
///         break;
///     }
/// }
/// assert_eq!(sum, 2489);
/// # Ok::<(), trommel::Error>(())
/// ```
///
/// Files may be [compressed](crate::input::Compression) and may be many: see
/// [`Builder::compression`], [`open_many`](Self::open_many), [`open_glob`](Self::open_glob) and
/// [`open_directory`](Self::open_directory).
///
/// Regular files can be resumed from a [`position`](trommel::Source::position). Anything else
/// (a pipe, standard input, a [`Read`]) is read on a thread of its own, so that rows that have
/// arrived never wait for those that have not.
pub struct Source {
    pub(super) shape: Arc<Shape>,
    pub(super) feeder: Feeder<Cutter>,
    /// What the first record of every file is.
    pub(super) header: Header,
}

impl Source {
    /// Opens a file with the options of [`Builder::new`]: commas, double quotes, a header.
    ///
    /// # Errors
    /// [`ErrorKind::Io`](trommel::ErrorKind::Io) when it can't be opened or is a directory;
    /// [`ErrorKind::Config`](trommel::ErrorKind::Config) when the header can't be used.
    pub fn open(path: impl AsRef<Path>) -> Result<Self> {
        Builder::new().open(path)
    }

    /// Reads from anything; `name` is what messages call it. The header is read at once.
    ///
    /// ```
    /// use trommel_connect::csv;
    /// let source = csv::Source::from_reader("cities", "name,people\nOslo,709037\n".as_bytes())?;
    /// assert_eq!(source.headers().collect::<Vec<_>>(), ["name", "people"]);
    /// # Ok::<(), trommel::Error>(())
    /// ```
    ///
    /// # Errors
    /// [`ErrorKind::Io`](trommel::ErrorKind::Io) when reading fails;
    /// [`ErrorKind::Config`](trommel::ErrorKind::Config) when the header can't be used.
    pub fn from_reader(
        name: impl Into<Box<str>>,
        reader: impl Read + Send + 'static,
    ) -> Result<Self> {
        Builder::new().from_reader(name, reader)
    }

    open_by_default!();

    /// The names of the columns, in order; none without a header.
    pub fn headers(&self) -> impl ExactSizeIterator<Item = &str> {
        self.shape.headers.names.iter().map(|name| &**name)
    }

    /// The column with this name, to be found once and used for every row.
    ///
    /// # Errors
    /// [`ErrorKind::Config`](trommel::ErrorKind::Config) when there is none, or more than one.
    pub fn column(&self, name: &str) -> Result<Column> {
        self.shape.headers.require(name, &self.shape.name).map(Column)
    }
}

impl trommel::Source for Source {
    type Batch = Batch;

    fn fill(&mut self, batch: &mut Batch, limit: &Limit<'_>) -> Result<Fill> {
        let Source { shape, feeder, header } = self;
        let block = batch.begin(shape);
        feeder.fill(block, limit, &mut |feeder| header.check(feeder, shape))
    }

    forward_feeder!();
}

impl fmt::Debug for Source {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Source").field("input", &self.feeder).finish_non_exhaustive()
    }
}
