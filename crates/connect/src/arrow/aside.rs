//! Files that are written aside and get their name only when they are whole.

use std::fmt::Display;
use std::fs::{File, OpenOptions, TryLockError};
use std::io::{self, BufWriter, Write};
use std::path::{Path, PathBuf};
use trommel::{Error, ErrorKind, Result};

/// A file under `<name>.tmp` that becomes `<name>` when it is whole, or goes with this value.
///
/// It is locked while it is written, so that two writers of one name can't spoil each other's.
#[derive(Debug)]
pub(crate) struct Aside {
    file: BufWriter<File>,
    side: Side,
}

/// The names of such a file.
#[derive(Debug)]
struct Side {
    temporary: PathBuf,
    path: PathBuf,
    is_whole: bool,
}

/// Such a file when all of it has been written, durable under its temporary name.
#[derive(Debug)]
pub(crate) struct Written {
    /// Holds the lock.
    file: Option<File>,
    side: Side,
}

impl Aside {
    pub(crate) fn create(path: &Path) -> Result<Self> {
        if path.is_dir() {
            return Err(Error::new(
                ErrorKind::Io,
                format!("{} is a directory: name a file in it", path.display()),
            ));
        }
        let directory = directory(path);
        if !directory.is_dir() {
            let (path, directory) = (path.display(), directory.display());
            return Err(Error::new(
                ErrorKind::Io,
                format!(
                    "cannot write to {path}: the directory {directory} does not exist; create it first"
                ),
            ));
        }
        Self::beside(path)
    }

    /// The same for what may be a directory: the file only shows that somebody writes it.
    pub(crate) fn beside(path: &Path) -> Result<Self> {
        let temporary = with_suffix(path, ".tmp");
        let failed = |error| io_error(&temporary, "can't be created", error);
        let file = OpenOptions::new()
            .write(true)
            .create(true)
            .truncate(false)
            .open(&temporary)
            .map_err(failed)?;
        lock(&file, &temporary)?;
        // Only now: until here it could have been another writer's.
        file.set_len(0).map_err(failed)?;
        let file = BufWriter::with_capacity(256 << 10, file);
        Ok(Aside { file, side: Side { temporary, path: path.into(), is_whole: false } })
    }

    /// Makes what was written durable.
    pub(crate) fn written(self) -> Result<Written> {
        let Aside { file, side } = self;
        let failed = |error| io_error(&side.temporary, "can't be written", error);
        let file = file.into_inner().map_err(|error| failed(error.into_error()))?;
        window!("aside: file written, before fsync");
        file.sync_all().map_err(failed)?;
        Ok(Written { file: Some(file), side })
    }

    /// Makes what was written durable and gives the file its name.
    pub(crate) fn publish(self) -> Result<()> {
        let written = self.written()?;
        let path = written.side.path.clone();
        written.publish()?;
        sync_directory(&path)
    }
}

impl Written {
    /// Where it lies.
    pub(crate) fn temporary(&self) -> &Path {
        &self.side.temporary
    }

    /// What it is to be called.
    pub(crate) fn path(&self) -> &Path {
        &self.side.path
    }

    /// Has it called otherwise.
    pub(crate) fn call(&mut self, path: &Path) {
        self.side.path = path.into();
    }

    /// Closes it for now, and so gives up the lock.
    pub(crate) fn close(&mut self) {
        self.file = None;
    }

    /// Gives the file its name, which is durable only when its directory has been synced.
    pub(crate) fn publish(mut self) -> Result<()> {
        window!("aside: file synced, before rename");
        std::fs::rename(&self.side.temporary, &self.side.path)
            .map_err(|error| io_error(&self.side.path, "can't be put in its place", error))?;
        self.side.is_whole = true;
        window!("aside: name given, before the directory's fsync");
        Ok(())
    }
}

impl Write for Aside {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.file.write(bytes)
    }
    fn flush(&mut self) -> io::Result<()> {
        self.file.flush()
    }
}

impl Drop for Side {
    fn drop(&mut self) {
        if !self.is_whole {
            // Nothing can be done about a file that can't be removed; the next run truncates it.
            _ = std::fs::remove_file(&self.temporary);
        }
    }
}

/// Takes the lock of a file, or says who has it.
pub(crate) fn lock(file: &File, path: &Path) -> Result<()> {
    match file.try_lock() {
        Ok(()) => Ok(()),
        Err(TryLockError::WouldBlock) => Err(Error::new(
            ErrorKind::Fatal,
            format!(
                "{} is locked: another run is writing it; wait for that, or end it",
                path.display()
            ),
        )),
        Err(TryLockError::Error(error)) => Err(io_error(path, "can't be locked", error)),
    }
}

/// Makes the names in the directory of `path` durable.
pub(crate) fn sync_directory(path: &Path) -> Result<()> {
    let directory = directory(path);
    File::open(directory).and_then(|directory| directory.sync_all()).map_err(|error| {
        explained(format_args!("directory {}", directory.display()), "can't be synced", error)
    })
}

/// The directory that `path` is in.
fn directory(path: &Path) -> &Path {
    match path.parent() {
        Some(parent) if !parent.as_os_str().is_empty() => parent,
        _ => Path::new("."),
    }
}

pub(crate) fn with_suffix(path: &Path, suffix: &str) -> PathBuf {
    let mut name = path.as_os_str().to_owned();
    name.push(suffix);
    name.into()
}

/// An error of the file system, with the file and a hint.
pub(crate) fn io_error(path: &Path, what: &str, error: io::Error) -> Error {
    explained(path.display(), what, error)
}

fn explained(place: impl Display, what: &str, error: io::Error) -> Error {
    let hint = match error.kind() {
        io::ErrorKind::NotFound => " (is the path right?)",
        io::ErrorKind::PermissionDenied => " (check the permissions of file and directory)",
        io::ErrorKind::StorageFull => " (make room on the disk)",
        _ if error.raw_os_error() == Some(24) => " (raise the limit of open files: `ulimit -n`)",
        _ => "",
    };
    Error::new(ErrorKind::Io, format!("{place}: {what}{hint}")).caused_by(error)
}
