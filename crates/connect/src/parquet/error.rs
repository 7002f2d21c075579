//! What the Parquet crate and the file system say, with the file that it is about.

use parquet::errors::ParquetError;
use std::io;
use std::path::Path;
use trommel::{Error, ErrorKind};

/// A failure while a file is written or read.
pub(super) fn explain(path: &Path, what: &str, error: ParquetError) -> Error {
    let kind = match &error {
        ParquetError::External(cause) if cause.downcast_ref::<io::Error>().is_some() => {
            ErrorKind::Io
        }
        _ => ErrorKind::Fatal,
    };
    Error::new(kind, format!("{}: {what}", path.display())).caused_by(error)
}
