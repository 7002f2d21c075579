//! The source as its user and the driver see it.

use super::batch::{Batch, Shape};
use super::cutter::Cutter;
use super::options::Builder;
use crate::input::Feeder;
use std::fmt;
use std::io::Read;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use trommel::{Fill, Fingerprint, Limit, Position, Result, Size};

/// Reads JSON, one value a line or the elements of an array, and cuts it into batches of whole rows,
/// which the workers parse.
///
/// Blank lines are nothing. What is wrong with a row is an error of that row (a reject), with file,
/// line and byte offset: text that is not JSON, half a row at the end of an input that was cut off,
/// bytes that are not UTF-8, half a surrogate pair where it is read, nesting deeper than 127, a number
/// that doesn't fit, a row that doesn't fit the memory limit.
///
/// Files may be [compressed](crate::input::Compression) and may be many. Regular files can be
/// resumed from a [`position`](trommel::Source::position). Anything else (a pipe, standard input, a
/// [`Read`]) is read on a thread of its own, so that rows that have arrived never wait for those
/// that have not.
///
/// ```
/// use trommel::{Engine, Pipeline, sinks};
/// use trommel_connect::ndjson::{self, Row};
///
/// let text = "{\"carrier\":\"UA\",\"distance\":1400}\n{\"carrier\":\"B6\",\"distance\":1089}\n";
/// let mut miles = sinks::collect();
/// Pipeline::from(ndjson::Source::from_reader("flights", text.as_bytes())?)
///     .transform(|row: Row<'_>, out| out.emit(row.get::<u32>("distance")?))
///     .load_into(&mut miles)
///     .run(&Engine::new()?)?;
/// assert_eq!(miles.into_vec(), [1400, 1089]);
/// # Ok::<(), trommel::Error>(())
/// ```
pub struct Source {
    pub(super) shape: Arc<Shape>,
    pub(super) feeder: Feeder<Cutter>,
}

impl Source {
    /// Opens a file of one value a line.
    ///
    /// # Errors
    /// [`ErrorKind::Io`](trommel::ErrorKind::Io) when it can't be opened or is a directory.
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

    /// Opens the files that match a pattern like `events/*.ndjson.gz`, in the order of their names.
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

    /// Reads from anything; `name` is what messages call it. Nothing is read yet.
    ///
    /// # Errors
    /// None today; options are checked by the [`Builder`].
    pub fn from_reader(
        name: impl Into<Box<str>>,
        reader: impl Read + Send + 'static,
    ) -> Result<Self> {
        Builder::new().from_reader(name, reader)
    }

    /// Reads standard input.
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
}

impl trommel::Source for Source {
    type Batch = Batch;

    fn fill(&mut self, batch: &mut Batch, limit: &Limit<'_>) -> Result<Fill> {
        self.feeder.fill(batch.begin(&self.shape), limit, &mut |_| Ok(()))
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

    /// Bytes as they are stored, from the start of the input.
    fn bytes_read(&self) -> u64 {
        self.feeder.bytes_read()
    }
}

impl fmt::Debug for Source {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Source").field("input", &self.feeder).finish_non_exhaustive()
    }
}
