//! The source as its user and the driver see it.

use super::batch::Batch;
use super::cutter::Cutter;
use super::header::Header;
use super::headers::Column;
use super::options::Builder;
use super::shape::Shape;
use crate::input::Feeder;
use std::fmt;
use std::io::Read;
use std::path::{Path, PathBuf};
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

    /// Opens several files as one source, in the given order.
    ///
    /// # Errors
    /// As [`Builder::open_many`].
    pub fn open_many(paths: impl IntoIterator<Item = impl Into<PathBuf>>) -> Result<Self> {
        Builder::new().open_many(paths)
    }

    /// Opens the files that match a pattern like `flights/2013-*.csv.gz`, in the order of their
    /// names.
    ///
    /// # Errors
    /// As [`Builder::open_glob`].
    pub fn open_glob(pattern: &str) -> Result<Self> {
        Builder::new().open_glob(pattern)
    }

    /// Opens the files of a directory, in the order of their names.
    ///
    /// # Errors
    /// As [`Builder::open_directory`].
    pub fn open_directory(path: impl AsRef<Path>) -> Result<Self> {
        Builder::new().open_directory(path)
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

    /// Reads standard input. The header is waited for.
    ///
    /// # Errors
    /// As [`from_reader`](Self::from_reader).
    pub fn stdin() -> Result<Self> {
        Builder::new().stdin()
    }

    /// Options other than the defaults.
    pub fn builder() -> Builder {
        Builder::new()
    }

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

    /// Byte offset, record and line, and the file if there are several; for regular files only.
    fn position(&self) -> Option<Position> {
        self.feeder.position()
    }

    fn seek(&mut self, position: &Position) -> Result<()> {
        self.feeder.seek(position)
    }

    fn fingerprint(&self) -> Result<Option<Fingerprint>> {
        self.feeder.fingerprint()
    }

    fn size(&self) -> Size {
        self.feeder.size()
    }

    /// Bytes as they are stored, from the start of the input, those before a position it was resumed
    /// from included.
    fn bytes_read(&self) -> u64 {
        self.feeder.bytes_read()
    }
}

impl fmt::Debug for Source {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Source").field("input", &self.feeder).finish_non_exhaustive()
    }
}
