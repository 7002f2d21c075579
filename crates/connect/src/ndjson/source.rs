//! The source as its user and the driver see it.

use super::batch::{Batch, Shape};
use super::cutter::Cutter;
use super::options::Builder;
use crate::input::{Feeder, forward_feeder, open_by_default};
use std::fmt;
use std::io::Read;
use std::path::Path;
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

    open_by_default!();
}

impl trommel::Source for Source {
    type Batch = Batch;

    fn fill(&mut self, batch: &mut Batch, limit: &Limit<'_>) -> Result<Fill> {
        self.feeder.fill(batch.begin(&self.shape), limit, &mut |_| Ok(()))
    }

    forward_feeder!();
}

impl fmt::Debug for Source {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Source").field("input", &self.feeder).finish_non_exhaustive()
    }
}
