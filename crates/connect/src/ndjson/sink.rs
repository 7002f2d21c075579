//! JSON lines out.

use super::finite::{self, NonFinite};
use super::source::Source;
use crate::files::{self, Output, Page, Settings, file_settings};
use serde::Serialize;
use std::fmt;
use std::io::Write;
use std::path::Path;
use trommel::{Checkpoint, Commit, Durability, Encode, Error, Reject, Result};

/// Writes any [`serde::Serialize`] value as one line of JSON, encoded in the workers.
///
/// A file appears under its name only when it is whole; see [`files`](crate::files) for what a kill
/// leaves behind, for resumable runs, compression and partitions. NaN and infinite numbers become
/// `null`, unless [`non_finite`](Self::non_finite) says otherwise.
///
/// ```
/// use serde::Serialize;
/// use trommel::{Engine, Pipeline, sources};
/// use trommel_connect::ndjson;
///
/// #[derive(Serialize)]
/// struct Square {
///     of: u64,
///     is: u64,
/// }
///
/// # let directory = tempfile::tempdir()?;
/// # let path = directory.path().join("squares.ndjson");
/// Pipeline::from(sources::generate(3, |id| id))
///     .transform(|of, out| out.emit(Square { of, is: of * of }))
///     .load_into(ndjson::Sink::create(&path)?)
///     .run(&Engine::new()?)?;
/// let text = std::fs::read_to_string(path)?;
/// assert_eq!(text, "{\"of\":0,\"is\":0}\n{\"of\":1,\"is\":1}\n{\"of\":2,\"is\":4}\n");
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[must_use = "it does nothing until a pipeline loads into it"]
pub struct Sink {
    output: Output,
    non_finite: NonFinite,
}

/// What the workers need to encode values.
#[derive(Debug)]
pub struct Encoder {
    compression: files::Compression,
    non_finite: NonFinite,
}

impl Sink {
    /// Writes the file at `path`, or replaces it, at the end of the run.
    ///
    /// # Errors
    /// None yet: what is wrong with the path shows when the run starts.
    pub fn create(path: impl AsRef<Path>) -> Result<Self> {
        Ok(Self::to(Output::at(path.as_ref(), "ndjson")))
    }

    /// Writes to anything; `name` is what messages call it. It can't be resumed, and what was
    /// written before an error stays written.
    pub fn from_writer(name: impl Into<String>, writer: impl Write + Send + 'static) -> Self {
        Self::to(Output::to_writer(name.into(), Box::new(writer)))
    }

    fn to(output: Output) -> Self {
        Sink { output, non_finite: NonFinite::Null }
    }

    /// Writes to standard output.
    pub fn stdout() -> Self {
        Self::from_writer("standard output", std::io::stdout())
    }

    /// What becomes of NaN and infinite numbers. Default: [`NonFinite::Null`], they are written as
    /// `null`, and read back as `None`, or as a bad row where a number must be.
    pub fn non_finite(mut self, non_finite: NonFinite) -> Self {
        self.non_finite = non_finite;
        self
    }

    fn set(mut self, set: impl FnOnce(&mut Settings)) -> Self {
        set(&mut self.output.settings);
        self
    }

    file_settings!();

    fn dialect(&self) -> String {
        String::new()
    }

    /// How the files are read back, if they are to be.
    fn read_back(&self) -> Option<files::ReadBack> {
        let settings = &self.output.settings;
        let compression = settings.compression;
        settings.verify.then(|| -> files::ReadBack {
            Box::new(move |path| {
                files::digest(Source::builder().compression(compression).open(path)?, false)
            })
        })
    }
}

impl files::FileSink for Sink {
    type Output = Output;

    fn output(&mut self) -> &mut Output {
        &mut self.output
    }
}

impl trommel::Sink for Sink {
    type Page = Page;
    type Encoder = Encoder;

    fn encoder(&mut self) -> Result<Self::Encoder> {
        self.output.read_back = self.read_back();
        self.output.start()?;
        let compression = self.output.settings.compression;
        Ok(Encoder { compression, non_finite: self.non_finite })
    }

    fn write(&mut self, page: &mut Page) -> Result<()> {
        let values = page.values();
        self.output.write(page, 0..values)
    }

    files::forward_output!();
}

/// Takes values by value and by reference.
impl<T: Serialize> Encode<T> for Sink {
    #[inline]
    fn encode(encoder: &Self::Encoder, page: &mut Page, value: T) -> Result<()> {
        let start = page.buffer().len();
        if let Err(error) = serde_json::to_writer(page.buffer(), &value) {
            page.take_back();
            return Err(Error::row("the value can't be written as JSON").caused_by(error));
        }
        // What has no form was written as `null`; most values have none of it to look into.
        if encoder.non_finite == NonFinite::Reject
            && memchr::memmem::find(&page.buffer()[start..], b"null").is_some()
            && let Err(error) = finite::check(&value)
        {
            page.take_back();
            return Err(error);
        }
        page.buffer().push(b'\n');
        page.end_value(encoder.compression);
        Ok(())
    }
}

impl fmt::Debug for Sink {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Sink")
            .field("output", &self.output)
            .field("non_finite", &self.non_finite)
            .finish()
    }
}
