//! The one error type: what went wrong, where, and what to do about it.

use crate::report::RunReport;
use std::borrow::Cow;
use std::fmt;

/// `Result` with [`Error`] as its error.
pub type Result<T, E = Error> = std::result::Result<T, E>;

/// What kind of thing went wrong.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum ErrorKind {
    /// One row is bad: the reject policy decides what happens.
    Row,
    /// An option has a value that cannot work; the message names the option.
    Config,
    /// The same call may succeed later (a busy database, a lost connection).
    Transient,
    /// Reading or writing failed for good.
    Io,
    /// User code panicked.
    Panic,
    /// The run was cancelled; or user code answered this kind in a run that nobody had cancelled, which fails
    /// it as any other error does.
    Cancelled,
    /// The watchdog saw no progress for longer than its limit.
    Stalled,
    /// More rows were rejected than the policy allows.
    RejectLimit,
    /// The operation is not supported by this source or sink.
    Unsupported,
    /// Anything else that ends the run.
    Fatal,
}

/// How the driver treats an error.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Class {
    /// Concerns one row: [`RejectPolicy`](crate::RejectPolicy) decides.
    Row,
    /// May pass: [`Retry`](crate::Retry) decides.
    Transient,
    /// Ends the run.
    Fatal,
}

/// Which part of a pipeline an error or a measurement belongs to.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Stage {
    /// Cutting input into batches.
    Source,
    /// Decoding, transforming and encoding rows, in the workers.
    Transform,
    /// Appending pages to the destination.
    Sink,
}

impl fmt::Display for Stage {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Stage::Source => "source",
            Stage::Transform => "transform",
            Stage::Sink => "sink",
        })
    }
}

/// Where a row came from, as far as its source knows.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Origin {
    /// Name of the file, table or stream.
    pub source: Option<Box<str>>,
    /// Record number in the source, the first record being 0.
    pub record: Option<u64>,
    /// Line on which the record starts, the first line being 1.
    pub line: Option<u64>,
    /// Byte offset of the record's first byte from the start of the source.
    pub offset: Option<u64>,
}

/// An error, one pointer wide.
///
/// It keeps its cause ([`source`](std::error::Error::source)) and collects its place on the way
/// up: pipeline, stage, batch, row, origin, column.
///
/// ```
/// use trommel::{Class, Error};
/// let error = Error::row("distance must be positive").in_column("distance");
/// assert_eq!(error.class(), Class::Row);
/// assert_eq!(error.to_string(), "distance must be positive, column `distance`");
/// ```
pub struct Error(Box<Inner>);

struct Inner {
    kind: ErrorKind,
    message: Cow<'static, str>,
    pipeline: Option<Box<str>>,
    stage: Option<Stage>,
    batch: Option<u64>,
    row: Option<u64>,
    origin: Option<Origin>,
    column: Option<Box<str>>,
    source: Option<Box<dyn std::error::Error + Send + Sync>>,
    siblings: Vec<Error>,
    report: Option<Box<RunReport>>,
}

impl Error {
    /// An error of the given kind. The message says what is wrong and what to do.
    pub fn new(kind: ErrorKind, message: impl Into<Cow<'static, str>>) -> Self {
        Error(Box::new(Inner {
            kind,
            message: message.into(),
            pipeline: None,
            stage: None,
            batch: None,
            row: None,
            origin: None,
            column: None,
            source: None,
            siblings: Vec::new(),
            report: None,
        }))
    }

    /// This row is bad; the reject policy decides whether the run goes on.
    pub fn row(message: impl Into<Cow<'static, str>>) -> Self {
        Self::new(ErrorKind::Row, message)
    }

    /// The operation may succeed when tried again.
    pub fn transient(message: impl Into<Cow<'static, str>>) -> Self {
        Self::new(ErrorKind::Transient, message)
    }

    /// The run must end.
    pub fn fatal(message: impl Into<Cow<'static, str>>) -> Self {
        Self::new(ErrorKind::Fatal, message)
    }

    /// An option cannot work. `message` starts with the option's name.
    pub fn config(message: impl Into<Cow<'static, str>>) -> Self {
        Self::new(ErrorKind::Config, message)
    }

    /// Adds the cause.
    #[must_use]
    pub fn caused_by(
        mut self,
        source: impl Into<Box<dyn std::error::Error + Send + Sync>>,
    ) -> Self {
        self.0.source = Some(source.into());
        self
    }

    /// Names the column concerned, unless an inner error has named one already.
    #[must_use]
    pub fn in_column(mut self, column: impl Into<Box<str>>) -> Self {
        self.0.column.get_or_insert_with(|| column.into());
        self
    }

    /// Says where the row came from, unless known already.
    #[must_use]
    pub fn at(mut self, origin: Origin) -> Self {
        self.0.origin.get_or_insert(origin);
        self
    }

    /// Names the stage, unless known already.
    #[must_use]
    pub fn in_stage(mut self, stage: Stage) -> Self {
        self.0.stage.get_or_insert(stage);
        self
    }

    /// Names the batch (its sequence number, from 0), unless known already.
    #[must_use]
    pub fn in_batch(mut self, batch: u64) -> Self {
        self.0.batch.get_or_insert(batch);
        self
    }

    /// Names the row (its index within the batch, from 0), unless known already.
    #[must_use]
    pub fn in_row(mut self, row: u64) -> Self {
        self.0.row.get_or_insert(row);
        self
    }

    /// Names the pipeline, unless known already.
    #[must_use]
    pub fn in_pipeline(mut self, name: impl Into<Box<str>>) -> Self {
        self.0.pipeline.get_or_insert_with(|| name.into());
        self
    }

    pub(crate) fn with_siblings(mut self, siblings: Vec<Error>) -> Self {
        self.0.siblings = siblings;
        self
    }

    pub(crate) fn with_report(mut self, report: RunReport) -> Self {
        self.0.report = Some(Box::new(report));
        self
    }

    /// The kind.
    pub fn kind(&self) -> ErrorKind {
        self.0.kind
    }

    /// How the driver treats it.
    pub fn class(&self) -> Class {
        match self.0.kind {
            ErrorKind::Row => Class::Row,
            ErrorKind::Transient => Class::Transient,
            _ => Class::Fatal,
        }
    }

    /// The message alone, without place and cause.
    pub fn message(&self) -> &str {
        &self.0.message
    }

    /// The stage, once the driver has seen the error.
    pub fn stage(&self) -> Option<Stage> {
        self.0.stage
    }

    /// Sequence number of the batch, from 0.
    pub fn batch(&self) -> Option<u64> {
        self.0.batch
    }

    /// Index of the row within its batch, from 0.
    pub fn batch_row(&self) -> Option<u64> {
        self.0.row
    }

    /// Where the row came from.
    pub fn origin(&self) -> Option<&Origin> {
        self.0.origin.as_ref()
    }

    /// The column concerned.
    pub fn column(&self) -> Option<&str> {
        self.0.column.as_deref()
    }

    /// Further errors of the same run, in the order in which they were seen.
    pub fn siblings(&self) -> &[Error] {
        &self.0.siblings
    }

    /// What the run had done until it failed, when the error ended a run.
    pub fn report(&self) -> Option<&RunReport> {
        self.0.report.as_deref()
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let inner = &*self.0;
        if let Some(name) = &inner.pipeline {
            write!(f, "pipeline `{name}`: ")?;
        }
        if let Some(stage) = inner.stage {
            write!(f, "{stage}: ")?;
        }
        f.write_str(&inner.message)?;
        if let Some(column) = &inner.column {
            write!(f, ", column `{column}`")?;
        }
        if let Some(origin) = &inner.origin {
            if let Some(source) = &origin.source {
                write!(f, ", in {source}")?;
            }
            if let Some(line) = origin.line {
                write!(f, ", line {line}")?;
            }
            if let Some(offset) = origin.offset {
                write!(f, ", byte {offset}")?;
            }
            if let Some(record) = origin.record {
                write!(f, ", record {record}")?;
            }
        }
        if let Some(batch) = inner.batch {
            write!(f, " (batch {batch}")?;
            if let Some(row) = inner.row {
                write!(f, ", row {row}")?;
            }
            f.write_str(")")?;
        }
        if let Some(source) = &inner.source {
            write!(f, ": {source}")?;
        }
        Ok(())
    }
}

impl fmt::Debug for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // What `fn main() -> Result<()>` prints.
        write!(f, "{self}")
    }
}

impl std::error::Error for Error {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        self.0.source.as_deref().map(|source| source as _)
    }
}

impl From<std::io::Error> for Error {
    fn from(error: std::io::Error) -> Self {
        Error::new(ErrorKind::Io, "input/output failed").caused_by(error)
    }
}

macro_rules! row_faults {
    ($($type:ty: $message:literal),* $(,)?) => {$(
        impl From<$type> for Error {
            fn from(error: $type) -> Self {
                Error::row($message).caused_by(error)
            }
        }
    )*};
}
row_faults! {
    std::num::ParseIntError: "not a whole number",
    std::num::ParseFloatError: "not a number",
    std::num::TryFromIntError: "number out of range",
    std::str::ParseBoolError: "not a boolean",
    std::str::Utf8Error: "not valid UTF-8",
    std::fmt::Error: "a value could not be formatted",
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::error::Error as _;

    #[test]
    fn is_one_pointer_wide() {
        assert_eq!(size_of::<Error>(), size_of::<usize>());
        assert_eq!(size_of::<Result<()>>(), size_of::<usize>());
    }

    #[test]
    fn says_everything_it_knows_and_keeps_the_cause() {
        let cause = "x".parse::<u8>().unwrap_err();
        let error = Error::from(cause)
            .in_column("age")
            .at(Origin {
                source: Some("people.csv".into()),
                record: Some(6),
                line: Some(8),
                offset: Some(120),
            })
            .in_stage(Stage::Transform)
            .in_batch(2)
            .in_row(3)
            .in_pipeline("people");
        assert_eq!(
            error.to_string(),
            "pipeline `people`: transform: not a whole number, column `age`, in people.csv, line 8, \
             byte 120, record 6 (batch 2, row 3): invalid digit found in string"
        );
        assert!(error.source().is_some());
    }

    #[test]
    fn the_innermost_place_wins() {
        let error = Error::row("bad").in_batch(1).in_batch(2).in_column("a").in_column("b");
        assert_eq!((error.batch(), error.column()), (Some(1), Some("a")));
    }
}
