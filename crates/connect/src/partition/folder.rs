//! Files of keys: how many there may be, and what they are called.

use std::path::Path;
use trommel::{Error, Result};

/// Files of which one is written to at a time.
pub(crate) trait Folder {
    /// Makes the path that of a folder with files for keys in it.
    fn make_folder(&mut self, keys: &[String]);

    /// Chooses the file for a key, a path of folders.
    fn select(&mut self, key: &str) -> Result<()>;

    fn limits(&mut self) -> &mut Limits;
}

/// What a partitioned output is, in so many words. Without columns the transform makes the keys.
#[cfg(any(feature = "csv", feature = "ndjson", feature = "parquet"))]
pub(crate) fn each_folder(keys: &[String]) -> String {
    match keys {
        [] => "a folder for each key".into(),
        _ => format!("a folder for each {}", keys.join(", ")),
    }
}

/// How many files there may be.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Limits {
    pub(crate) open: usize,
    pub(crate) all: usize,
}

impl Default for Limits {
    fn default() -> Self {
        Limits { open: 256, all: 10_000 }
    }
}

impl Limits {
    pub(crate) fn check(&self) -> Result<()> {
        match self.open {
            0 => Err(Error::config("max_open_files: must be at least 1")),
            _ => Ok(()),
        }
    }

    /// Refuses a file besides so many.
    pub(crate) fn admit(&self, path: &Path, files: usize) -> Result<()> {
        match files < self.all {
            true => Ok(()),
            false => Err(Error::config(format!(
                "max_files: {} would be file number {}; partition by columns with fewer values, or \
                 raise the limit",
                path.display(),
                files + 1
            ))),
        }
    }
}

/// The how-many-th file of a key, within the folder.
pub(crate) fn name_in_folder(key: &str, number: u32, extension: &str) -> String {
    format!("{key}/part-{number}.{extension}")
}

/// The how-many-th file of an output that rolls, instead of `name`.
pub(crate) fn rolled_name(name: &str, number: u32) -> String {
    match name.split_once('.').filter(|(stem, _)| !stem.is_empty()) {
        Some((stem, extension)) => format!("{stem}-{number:05}.{extension}"),
        None => format!("{name}-{number:05}"),
    }
}
