//! Finding and opening files.

use super::bytes::Input;
use super::compression::Compression;
use std::fs::File;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::AtomicU64;
use trommel::{Error, ErrorKind, Result};

/// A regular file of a source.
#[derive(Debug)]
pub(super) struct Entry {
    pub(super) path: PathBuf,
    /// What messages call it.
    pub(super) name: Arc<str>,
    compression: Compression,
    /// Size as it is stored.
    pub(super) bytes: u64,
}

impl Entry {
    /// `compression` has been resolved.
    pub(super) fn new(path: PathBuf, compression: Compression, bytes: u64) -> Self {
        Entry { name: path.display().to_string().into(), path, compression, bytes }
    }

    /// Looks whether there is such a file, so that a list with a wrong name fails at the start and
    /// not after hours.
    pub(super) fn of(path: PathBuf, compression: Compression) -> Result<Self> {
        let metadata = std::fs::metadata(&path).map_err(|error| cannot_open(&path, error))?;
        if !metadata.is_file() {
            let message = format!(
                "cannot read {} as one of several files: it is not a regular file",
                path.display()
            );
            return Err(Error::new(ErrorKind::Io, message));
        }
        let compression = compression.resolve(Some(&path));
        Ok(Self::new(path, compression, metadata.len()))
    }

    pub(super) fn is_compressed(&self) -> bool {
        self.compression != Compression::None
    }

    /// The input, and the counter of its compressed bytes if it is compressed.
    pub(super) fn open(&self) -> Result<(Input, Option<Arc<AtomicU64>>)> {
        let file = File::open(&self.path).map_err(|error| cannot_open(&self.path, error))?;
        if !self.is_compressed() {
            return Ok((Input::File(file), None));
        }
        let taken = Arc::new(AtomicU64::new(0));
        let decoder = self.compression.decoder(file, Arc::clone(&taken), &self.name)?;
        Ok((Input::Direct(decoder), Some(taken)))
    }
}

fn cannot_open(path: &Path, error: std::io::Error) -> Error {
    Error::new(ErrorKind::Io, format!("cannot open {}", path.display())).caused_by(error)
}
