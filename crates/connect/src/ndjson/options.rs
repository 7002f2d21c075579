//! Options of an NDJSON source.

use super::batch::Shape;
use super::cutter::{Cutter, Form};
use super::source::Source;
use crate::input::{self, Compression, Feeder, Inputs};
use std::io::Read;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use trommel::{Error, Result};

/// Most bytes of [`Builder::block_size`].
const LARGEST_BLOCK: usize = 1 << 29;

/// What [`Row::get`](super::Row::get) makes of a key that occurs twice in an object.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Duplicates {
    /// An error of the row.
    #[default]
    Reject,
    /// The first one counts.
    First,
    /// The last one counts.
    Last,
}

/// How the input is written. Start with [`Source::builder`], end with [`open`](Self::open) or one of
/// its siblings, which check the options.
///
/// ```
/// use trommel_connect::ndjson;
/// let source = ndjson::Source::builder()
///     .array(true)
///     .from_reader("numbers", "[1, 2,\n 3]".as_bytes())?;
/// # Ok::<(), trommel::Error>(())
/// ```
#[derive(Debug, Clone)]
#[must_use = "it does nothing until `open`, `from_reader` or `stdin` is called"]
pub struct Builder {
    form: Form,
    duplicates: Duplicates,
    block_bytes: usize,
    compression: Compression,
}

impl Builder {
    /// The defaults: one value a line.
    pub fn new() -> Self {
        Builder {
            form: Form::Lines,
            duplicates: Duplicates::Reject,
            block_bytes: 0,
            compression: Compression::Auto,
        }
    }

    /// Whether each file is one array, `[ {...}, {...} ]`, whose elements are the rows. They may be
    /// laid out in any way, also over many lines. Default: false, every line is a row.
    pub fn array(mut self, array: bool) -> Self {
        self.form = if array { Form::Array } else { Form::Lines };
        self
    }

    /// What [`Row::get`](super::Row::get) makes of a key that occurs twice. Default:
    /// [`Duplicates::Reject`].
    ///
    /// [`Row::decode`](super::Row::decode) leaves it to the type: a derived struct refuses a field
    /// that occurs twice and doesn't look at keys that it has no field for, a map keeps the last.
    pub fn duplicates(mut self, duplicates: Duplicates) -> Self {
        self.duplicates = duplicates;
        self
    }

    /// Bytes per block, at most; a row that is longer gets a block of its own. Default: 0, which
    /// means as many as the rows asked for are expected to take.
    pub fn block_size(mut self, bytes: usize) -> Self {
        self.block_bytes = bytes;
        self
    }

    /// How the input is compressed. Default: [`Compression::Auto`], by the extension of the file;
    /// readers and standard input are not.
    pub fn compression(mut self, compression: Compression) -> Self {
        self.compression = compression;
        self
    }

    /// Opens a file. A pipe or device is read like a [`reader`](Self::from_reader).
    ///
    /// # Errors
    /// [`ErrorKind::Config`](trommel::ErrorKind::Config) when an option cannot work (the message
    /// starts with its name); [`ErrorKind::Io`](trommel::ErrorKind::Io) when the file can't be
    /// opened or is a directory.
    pub fn open(self, path: impl AsRef<Path>) -> Result<Source> {
        let inputs = Inputs::file(path.as_ref(), self.compression)?;
        self.build(inputs)
    }

    /// Opens several files as one source: read one after another in the given order, with records,
    /// lines and byte offsets that count from the start of each.
    ///
    /// # Errors
    /// As [`open`](Self::open), and [`ErrorKind::Io`](trommel::ErrorKind::Io) when one is not a
    /// regular file; all are looked at before the first is read.
    pub fn open_many(self, paths: impl IntoIterator<Item = impl Into<PathBuf>>) -> Result<Source> {
        let paths = paths.into_iter().map(Into::into).collect();
        let inputs = Inputs::files(paths, self.compression)?;
        self.build(inputs)
    }

    /// As [`open_many`](Self::open_many) with the regular files that match a pattern (`*`, `?`,
    /// `[a-z]`, `**` for directories of any depth), in the order of their names.
    ///
    /// # Errors
    /// As [`open_many`](Self::open_many), and [`ErrorKind::Io`](trommel::ErrorKind::Io) when there
    /// is none.
    pub fn open_glob(self, pattern: &str) -> Result<Source> {
        self.open_many(input::matching(pattern)?)
    }

    /// As [`open_many`](Self::open_many) with the regular files of a directory, in the order of
    /// their names. Files whose name starts with `.` or `_` (markers and half-written files of other
    /// programs) and directories in it are left out.
    ///
    /// # Errors
    /// As [`open_many`](Self::open_many), and [`ErrorKind::Io`](trommel::ErrorKind::Io) when there
    /// is none.
    pub fn open_directory(self, path: impl AsRef<Path>) -> Result<Source> {
        self.open_many(input::in_directory(path.as_ref())?)
    }

    /// Reads from anything; `name` is what messages call it. Nothing is read yet.
    ///
    /// # Errors
    /// As [`open`](Self::open).
    pub fn from_reader(
        self,
        name: impl Into<Box<str>>,
        reader: impl Read + Send + 'static,
    ) -> Result<Source> {
        let inputs = Inputs::reader(name, reader, self.compression)?;
        self.build(inputs)
    }

    /// Reads standard input.
    ///
    /// # Errors
    /// As [`open`](Self::open).
    pub fn stdin(self) -> Result<Source> {
        self.from_reader("standard input", std::io::stdin())
    }

    fn build(self, inputs: Inputs) -> Result<Source> {
        if self.block_bytes > LARGEST_BLOCK {
            let message = format!("block_size: {} is above {LARGEST_BLOCK}", self.block_bytes);
            return Err(Error::config(message));
        }
        let shape = Arc::new(Shape { form: self.form, duplicates: self.duplicates });
        let feeder = Feeder::new(inputs, Cutter::new(self.form), self.block_bytes);
        Ok(Source { shape, feeder })
    }
}

impl Default for Builder {
    fn default() -> Self {
        Self::new()
    }
}
