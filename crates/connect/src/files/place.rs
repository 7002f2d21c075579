//! Where the output goes, and what is wrong with that.

use super::settings::Settings;
use crate::partition::{name_in_folder, rolled_name};
use std::ffi::OsString;
use std::fs::{self, File, OpenOptions};
use std::io;
use std::path::{Path, PathBuf};
use trommel::{Error, ErrorKind, Result};

/// A destination and the files beside it that belong to it.
#[derive(Debug, Clone)]
pub(super) struct Place {
    /// What the user named.
    path: PathBuf,
}

impl Place {
    pub(super) fn new(path: &Path) -> Self {
        Place { path: path.to_owned() }
    }

    pub(super) fn path(&self) -> &Path {
        &self.path
    }

    /// The folder that the destination is in.
    pub(super) fn parent(&self) -> &Path {
        parent(&self.path)
    }

    /// The name of a data file, relative to [`parent`](Self::parent).
    pub(super) fn file(
        &self,
        is_folder: bool,
        extension: &str,
        settings: &Settings,
        key: &str,
        number: u32,
    ) -> String {
        let name = self.path.file_name().unwrap_or_default().to_string_lossy();
        if is_folder {
            let extension = format!("{extension}{}", settings.compression.extension());
            return format!("{name}/{}", name_in_folder(key, number, &extension));
        }
        match settings.rolls() {
            true => rolled_name(&name, number),
            false => name.into_owned(),
        }
    }

    pub(super) fn checkpoint(&self) -> PathBuf {
        with_suffix(&self.path, ".part.checkpoint")
    }

    pub(super) fn lock(&self) -> PathBuf {
        with_suffix(&self.path, ".part.lock")
    }

    pub(super) fn rejects(&self) -> PathBuf {
        with_suffix(&self.path, ".rejects.ndjson")
    }

    /// What can be found wrong before anything is created. `is_folder` says what the destination is
    /// to become.
    pub(super) fn check(&self, is_folder: bool) -> Result<()> {
        let path = self.path.display();
        let wrong = |what: String| Err(Error::new(ErrorKind::Io, what));
        if self.path.file_name().is_none() {
            return wrong(format!("cannot write to `{path}`: it names no file"));
        }
        if self.path.to_str().is_none() {
            // The names of the files are kept in a checkpoint, which is text.
            return wrong(format!("cannot write to `{path}`: its name is not valid UTF-8"));
        }
        match self.path.metadata() {
            Ok(found) if found.is_dir() && !is_folder => {
                return wrong(format!(
                    "cannot write to {path}: it is a directory; name a file in it"
                ));
            }
            Ok(found) if !found.is_dir() && is_folder => {
                return wrong(format!(
                    "cannot write into {path}: it is a file; name a directory for the partitions"
                ));
            }
            Ok(found) if !found.is_file() && !is_folder => {
                return wrong(format!(
                    "cannot replace {path}: it is no regular file; write to standard output, or in \
                     Rust open it yourself (`from_writer`)"
                ));
            }
            _ => {}
        }
        let parent = self.parent();
        match parent.is_dir() {
            true => Ok(()),
            false => wrong(format!(
                "cannot write to {path}: the directory {} does not exist; create it first",
                parent.display()
            )),
        }
    }
}

/// The folder that a path is in.
pub(super) fn parent(path: &Path) -> &Path {
    match path.parent() {
        Some(parent) if !parent.as_os_str().is_empty() => parent,
        _ => Path::new("."),
    }
}

pub(super) fn with_suffix(path: &Path, suffix: &str) -> PathBuf {
    let mut name: OsString = path.as_os_str().to_owned();
    name.push(suffix);
    name.into()
}

/// Turns an error of the system into one that names the path and the remedy.
#[cold]
pub(super) fn explain(what: &str, path: &Path, error: io::Error) -> Error {
    use io::ErrorKind as Kind;
    let remedy = match error.kind() {
        Kind::StorageFull | Kind::QuotaExceeded => {
            "; no room is left: free space and run again, or write to another disk"
        }
        Kind::FileTooLarge => "; the file may not grow any more: raise the limit (`ulimit -f`)",
        Kind::PermissionDenied => {
            "; the permission is missing: check the owner and mode of the \
                                   file and its directory"
        }
        Kind::ReadOnlyFilesystem => "; the file system is mounted read-only",
        Kind::NotFound => "; check that its directory is still there",
        Kind::IsADirectory => "; it is a directory",
        _ if error.raw_os_error() == Some(24) => {
            "; too many files are open: lower `max_open_files`, or raise the limit (`ulimit -n`)"
        }
        _ => "",
    };
    Error::new(ErrorKind::Io, format!("cannot {what} {}{remedy}", path.display())).caused_by(error)
}

/// Makes the names in a folder durable.
pub(super) fn sync_folder(folder: &Path) -> Result<()> {
    // Elsewhere a folder can't be opened, and renaming is as durable as it gets.
    if cfg!(unix) {
        let synced = File::open(folder).and_then(|opened| opened.sync_all());
        synced.map_err(|error| explain("sync the directory", folder, error))?;
    }
    Ok(())
}

pub(super) fn rename(from: &Path, to: &Path) -> Result<()> {
    fs::rename(from, to).map_err(|error| explain("rename the finished file to", to, error))
}

/// Removes a file that may not be there.
pub(super) fn remove(path: &Path) -> Result<()> {
    match fs::remove_file(path) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => {
            Err(explain("remove", path, error))
        }
        _ => Ok(()),
    }
}

/// A new, empty file; one that was there is left to whoever has it open.
pub(super) fn create_anew(path: &Path) -> Result<File> {
    remove(path)?;
    let opened = OpenOptions::new().write(true).create_new(true).open(path);
    opened.map_err(|error| explain("create", path, error))
}
