//! The source as its user and the driver see it.

use super::batch::Batch;
use super::cutter::Cutter;
use super::headers::Column;
use super::input::Input;
use super::options::Builder;
use super::shape::{Place, Shape};
use super::skip::Skip;
use super::window::Window;
use std::fmt;
use std::io::Read;
use std::path::Path;
use std::sync::Arc;
use trommel::{Error, ErrorKind, Fill, Limit, Position, Result, Size};

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
/// A regular file can be resumed from a [`position`](trommel::Source::position). Anything else
/// (a pipe, standard input, a [`Read`]) is read on a thread of its own, so that rows that have
/// arrived never wait for those that have not.
pub struct Source {
    pub(super) shape: Arc<Shape>,
    pub(super) input: Input,
    /// Bytes in all, of a regular file.
    pub(super) length: Option<u64>,
    pub(super) window: Window,
    pub(super) cutter: Cutter,
    /// Where the window starts.
    pub(super) place: Place,
    /// Where the batch filled last ended.
    pub(super) done: Place,
    pub(super) start_checked: bool,
    pub(super) ended: bool,
    /// Why reading failed, while rows read before are handed over.
    pub(super) failed: Option<Error>,
    /// The record that is being passed over because it is too large.
    pub(super) skipping: Option<Skip>,
    /// Bytes per record, of the last batches.
    pub(super) average: f64,
    /// Bytes per block, 0 to go by the rows that are wanted.
    pub(super) block_bytes: usize,
}

impl Source {
    /// Opens a file with the options of [`Builder::new`]: commas, double quotes, a header.
    ///
    /// # Errors
    /// [`ErrorKind::Io`] when it can't be opened or is a directory; [`ErrorKind::Config`] when the
    /// header can't be used.
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
    /// [`ErrorKind::Io`] when reading fails; [`ErrorKind::Config`] when the header can't be used.
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
    /// [`ErrorKind::Config`] when there is none, or more than one.
    pub fn column(&self, name: &str) -> Result<Column> {
        self.shape.headers.require(name, &self.shape.name).map(Column)
    }
}

impl trommel::Source for Source {
    type Batch = Batch;

    fn fill(&mut self, batch: &mut Batch, limit: &Limit<'_>) -> Result<Fill> {
        self.fill_block(batch, limit)
    }

    /// Byte offset, record and line; for regular files only.
    fn position(&self) -> Option<Position> {
        let Place { offset, record, line } = self.done;
        (!self.input.may_wait()).then(|| Position::from_numbers(&[offset, record, line]))
    }

    fn seek(&mut self, position: &Position) -> Result<()> {
        let name = &self.shape.name;
        let numbers = position.numbers().unwrap_or_default();
        let [offset, record, line] = numbers[..] else {
            let message =
                format!("not a position in a CSV file, so {name} can't be resumed from it");
            return Err(Error::new(ErrorKind::Unsupported, message));
        };
        let Some(length) = self.length else {
            let message = format!("{name} is not a regular file and can't be resumed");
            return Err(Error::new(ErrorKind::Unsupported, message));
        };
        if offset > length {
            let message = format!(
                "cannot resume {name} at byte {offset}: it has only {length} bytes; is it another \
                 file?"
            );
            return Err(Error::fatal(message));
        }
        self.input.seek(offset)?;
        self.place = Place { offset, record, line };
        self.done = self.place;
        self.window.clear();
        self.cutter = Cutter::new(self.shape.rules);
        self.start_checked = offset > 0;
        self.ended = false;
        self.failed = None;
        self.skipping = None;
        Ok(())
    }

    fn size(&self) -> Size {
        Size { rows: None, bytes: self.length }
    }

    /// Bytes from the start of the input, those before a position it was resumed from included.
    fn bytes_read(&self) -> u64 {
        self.place.offset + self.window.len() as u64
    }
}

impl fmt::Debug for Source {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Source")
            .field("name", &self.shape.name)
            .field("place", &self.done)
            .finish_non_exhaustive()
    }
}
