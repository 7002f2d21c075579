//! Which files a pattern or a directory means, and what tells one list of files from another.

use std::path::{Path, PathBuf};
use trommel::{Error, ErrorKind, Result};

/// Files that a fingerprint speaks of one by one: it is stored with every checkpoint, so it must not
/// grow with their number.
pub(crate) const NAMED: usize = 16;

/// The regular files of a directory, by name; those in directories within it and those whose name
/// starts with `.` or `_` (half-written files and markers of other programs) are left out.
pub(crate) fn in_directory(path: &Path) -> Result<Vec<PathBuf>> {
    let mut files = Vec::new();
    entries(path, &mut |path, _, is_file| {
        if is_file {
            files.push(path);
        }
        Ok(())
    })?;
    if files.is_empty() {
        let message = format!("there is no file in the directory {}", path.display());
        return Err(Error::new(ErrorKind::Io, message));
    }
    files.sort();
    Ok(files)
}

/// The files of a directory whose names end in one of `endings`, by name, and those in the folders of
/// its partitions (`year=2013/month=1`).
pub(crate) fn in_partitions(path: &Path, endings: &[&str]) -> Result<Vec<PathBuf>> {
    let mut files = Vec::new();
    descend(path, endings, &mut files)?;
    if files.is_empty() {
        let message = format!(
            "there is no file whose name ends in {} in the directory {}",
            endings.join(" or "),
            path.display()
        );
        return Err(Error::new(ErrorKind::Io, message));
    }
    files.sort();
    Ok(files)
}

fn descend(path: &Path, endings: &[&str], files: &mut Vec<PathBuf>) -> Result<()> {
    entries(path, &mut |path, name, is_file| {
        if is_file && endings.iter().any(|ending| name.ends_with(ending)) {
            files.push(path);
        } else if !is_file && name.contains('=') {
            descend(&path, endings, files)?;
        }
        Ok(())
    })
}

/// Visits the files and directories of a directory, each with its name and whether it is a regular
/// file, without those that are hidden or marked.
fn entries(path: &Path, visit: &mut dyn FnMut(PathBuf, &str, bool) -> Result<()>) -> Result<()> {
    let cannot = |error| {
        let message = format!("cannot list the directory {}", path.display());
        Error::new(ErrorKind::Io, message).caused_by(error)
    };
    for entry in std::fs::read_dir(path).map_err(cannot)? {
        let entry = entry.map_err(cannot)?;
        let name = entry.file_name();
        if matches!(name.as_encoded_bytes().first(), Some(b'.' | b'_')) {
            continue;
        }
        let about = std::fs::metadata(entry.path()).map_err(cannot)?;
        if about.is_file() || about.is_dir() {
            visit(entry.path(), &name.to_string_lossy(), about.is_file())?;
        }
    }
    Ok(())
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

/// Why a job can't be taken up in the file of this number of a list of so many.
#[cold]
pub(crate) fn another_file(file: usize, count: usize) -> Error {
    Error::fatal(format!(
        "cannot resume: file {file} (counted from 0) of the {count} is not the one in which the \
         earlier run stopped; give the same files in the same order"
    ))
}

pub(crate) const HASH_START: u64 = 0xcbf2_9ce4_8422_2325;

/// FNV-1a: stored, so it must be the same for ever.
pub(crate) fn hash(start: u64, bytes: &[u8]) -> u64 {
    bytes.iter().fold(start, |hash, byte| (hash ^ u64::from(*byte)).wrapping_mul(0x100_0000_01b3))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_hash_is_the_published_one() {
        assert_eq!(hash(HASH_START, b""), 0xcbf2_9ce4_8422_2325);
        assert_eq!(hash(HASH_START, b"foobar"), 0x8594_4171_f739_67e8);
    }
}
