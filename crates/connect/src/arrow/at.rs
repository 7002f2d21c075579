//! A file read from an offset on, without touching the position that its handles share.

use super::aside::io_error;
use crate::listing;
use std::fs::File;
use std::io::{self, Read, Seek, SeekFrom};
use std::path::Path;
use std::sync::Arc;
use std::time::UNIX_EPOCH;
use trommel::{Error, ErrorKind, Fingerprint, Result};

/// What tells a file from another one of its name.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct About {
    pub(crate) length: u64,
    /// In nanoseconds since 1970; 0 where that is not known.
    modified: u128,
}

/// Opens a file to be read.
pub(crate) fn open(path: &Path) -> Result<(Arc<File>, About)> {
    let file = File::open(path).map_err(|error| io_error(path, "can't be opened", error))?;
    let about = file.metadata().map_err(|error| io_error(path, "can't be read", error))?;
    if about.is_dir() {
        return Err(Error::new(
            ErrorKind::Io,
            format!(
                "{} is a directory: name a file in it, or use `open_directory`",
                path.display()
            ),
        ));
    }
    let modified = about.modified().ok().and_then(|time| time.duration_since(UNIX_EPOCH).ok());
    let modified = modified.map_or(0, |time| time.as_nanos());
    Ok((Arc::new(file), About { length: about.len(), modified }))
}

impl About {
    /// Adds the file to a fingerprint.
    pub(crate) fn print(&self, fingerprint: Fingerprint, name: &str) -> Fingerprint {
        fingerprint
            .with(format!("size of {name}"), self.length)
            .with(format!("time of change of {name}"), self.modified)
    }

    /// Goes on with a hash.
    pub(super) fn hash(&self, hash: u64) -> u64 {
        let hash = listing::hash(hash, &self.length.to_le_bytes());
        listing::hash(hash, &self.modified.to_le_bytes())
    }
}

#[derive(Debug)]
pub(crate) struct At {
    file: Arc<File>,
    offset: u64,
}

impl At {
    pub(crate) fn new(file: &Arc<File>, offset: u64) -> Self {
        At { file: Arc::clone(file), offset }
    }
}

impl Read for At {
    fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
        let read = read_at(&self.file, into, self.offset)?;
        self.offset += read as u64;
        Ok(read)
    }
}

impl Seek for At {
    fn seek(&mut self, to: SeekFrom) -> io::Result<u64> {
        let offset = match to {
            SeekFrom::Start(offset) => Some(offset),
            SeekFrom::Current(by) => self.offset.checked_add_signed(by),
            SeekFrom::End(by) => self.file.metadata()?.len().checked_add_signed(by),
        };
        self.offset = offset.ok_or(io::ErrorKind::InvalidInput)?;
        Ok(self.offset)
    }
}

#[cfg(unix)]
fn read_at(file: &File, into: &mut [u8], offset: u64) -> io::Result<usize> {
    std::os::unix::fs::FileExt::read_at(file, into, offset)
}

#[cfg(windows)]
fn read_at(file: &File, into: &mut [u8], offset: u64) -> io::Result<usize> {
    std::os::windows::fs::FileExt::seek_read(file, into, offset)
}
