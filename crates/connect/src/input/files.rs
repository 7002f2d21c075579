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
    pub(super) compression: Compression,
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
        let compression = compression.resolve(Some(&path))?;
        Ok(Self::new(path, compression, metadata.len()))
    }

    pub(super) fn is_compressed(&self) -> bool {
        self.compression.is_some()
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

/// The regular files of a directory, by name; those in directories within it and those whose name
/// starts with `.` or `_` (half-written files and markers of other programs) are left out.
pub(crate) fn in_directory(path: &Path) -> Result<Vec<PathBuf>> {
    let cannot = |error| {
        let message = format!("cannot list the directory {}", path.display());
        Error::new(ErrorKind::Io, message).caused_by(error)
    };
    let mut files = Vec::new();
    for entry in std::fs::read_dir(path).map_err(cannot)? {
        let entry = entry.map_err(cannot)?;
        let name = entry.file_name();
        let is_hidden = matches!(name.as_encoded_bytes().first(), Some(b'.' | b'_'));
        if !is_hidden && std::fs::metadata(entry.path()).map_err(cannot)?.is_file() {
            files.push(entry.path());
        }
    }
    if files.is_empty() {
        let message = format!("there is no file in the directory {}", path.display());
        return Err(Error::new(ErrorKind::Io, message));
    }
    files.sort();
    Ok(files)
}

/// The regular files that match a pattern, by name.
pub(crate) fn matching(pattern: &str) -> Result<Vec<PathBuf>> {
    let paths = glob::glob(pattern).map_err(|error| {
        Error::config(format!("pattern: `{pattern}` is not a pattern for files")).caused_by(error)
    })?;
    let mut files = Vec::new();
    for path in paths {
        let path = path.map_err(|error| {
            let message = format!("cannot look for `{pattern}` everywhere");
            Error::new(ErrorKind::Io, message).caused_by(error)
        })?;
        if path.is_file() {
            files.push(path);
        }
    }
    if files.is_empty() {
        return Err(Error::new(ErrorKind::Io, format!("no file matches `{pattern}`")));
    }
    files.sort();
    Ok(files)
}
