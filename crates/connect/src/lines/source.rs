//! The source as its user and the driver see it.

use super::batch::Batch;
use super::cutter::Cutter;
use super::row::{Bytes, Kind, Text};
use crate::input::{Compression, Feeder, Inputs, forward_feeder};
use crate::listing;
use std::fmt;
use std::io::Read;
use std::marker::PhantomData;
use std::path::{Path, PathBuf};
use trommel::{Fill, Fingerprint, Limit, Position, Result, Size};

/// Lines of files or of a stream, each a row.
///
/// Regular files can be resumed; a stream (pipe, socket, body) can't. A stream is read by a thread
/// of its own, so that lines that have arrived never wait for those that have not.
pub struct Source<K = Bytes> {
    feeder: Feeder<Cutter>,
    must_end: bool,
    kind: PhantomData<K>,
}

impl Source {
    /// Opens a file, which is decompressed if its extension says so.
    ///
    /// # Errors
    /// [`ErrorKind::Io`](trommel::ErrorKind::Io) when it can't be opened or is a directory;
    /// [`ErrorKind::Config`](trommel::ErrorKind::Config) when the feature for its compression is
    /// missing.
    pub fn open(path: impl AsRef<Path>) -> Result<Self> {
        Ok(Self::new(Inputs::file(path.as_ref(), Compression::Auto)?))
    }

    /// Opens several files as one source, in the given order.
    ///
    /// # Errors
    /// As [`open`](Self::open); all are looked at before the first is read.
    pub fn open_many(paths: impl IntoIterator<Item = impl Into<PathBuf>>) -> Result<Self> {
        let paths = paths.into_iter().map(Into::into).collect();
        Ok(Self::new(Inputs::files(paths, Compression::Auto)?))
    }

    /// Opens the files that match a pattern like `logs/2013-*.log.gz`, in the order of their names.
    ///
    /// # Errors
    /// As [`open_many`](Self::open_many), and when there is none.
    pub fn open_glob(pattern: &str) -> Result<Self> {
        Self::open_many(listing::matching(pattern)?)
    }

    /// Opens the files of a directory, in the order of their names, without those that start with
    /// `.` or `_`.
    ///
    /// # Errors
    /// As [`open_many`](Self::open_many), and when there is none.
    pub fn open_directory(path: impl AsRef<Path>) -> Result<Self> {
        Self::open_many(listing::in_directory(path.as_ref())?)
    }

    /// Reads a stream; `name` is what messages call it. Nothing is read before the run.
    ///
    /// # Errors
    /// None so far.
    pub fn from_reader(
        name: impl Into<Box<str>>,
        reader: impl Read + Send + 'static,
    ) -> Result<Self> {
        Ok(Self::new(Inputs::reader(name, reader, Compression::None)?))
    }

    fn new(inputs: Inputs) -> Self {
        let feeder = Feeder::new(inputs, Cutter::default(), 0);
        Source { feeder, must_end: false, kind: PhantomData }
    }

    /// The same with rows of `&str`.
    pub fn text(self) -> Source<Text> {
        Source { feeder: self.feeder, must_end: self.must_end, kind: PhantomData }
    }
}

impl<K: Kind> Source<K> {
    /// Whether the last line must end in `\n` too. If so, one that doesn't is a bad row, since its
    /// sender may have died in the middle of it. Default: `false`, as in files.
    #[must_use]
    pub fn terminated(mut self, must_end: bool) -> Self {
        self.must_end = must_end;
        self
    }
}

impl<K: Kind> trommel::Source for Source<K> {
    type Batch = Batch<K>;

    fn fill(&mut self, batch: &mut Batch<K>, limit: &Limit<'_>) -> Result<Fill> {
        batch.must_end = self.must_end;
        self.feeder.fill(&mut batch.block, limit, &mut |_| Ok(()))
    }

    forward_feeder!();
}

impl<K> fmt::Debug for Source<K> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Source").field("input", &self.feeder).finish_non_exhaustive()
    }
}
