//! The checkpoint of a job, in a file of its own.

use crate::records::Records;
use serde::{Deserialize, Serialize};
use std::fs::{File, OpenOptions, TryLockError};
use std::io::{ErrorKind as Io, Write};
use std::path::{Path, PathBuf};
use trommel::{Checkpoint, Error, ErrorKind, Result};

/// The file, locked for as long as this lives: of two runners of a job, the second is refused.
pub(super) struct Stored {
    path: PathBuf,
    job: String,
    _lock: File,
}

/// What an earlier run has come to.
pub(super) struct Before {
    pub(super) checkpoint: Checkpoint,
    pub(super) number: u64,
    pub(super) pending: Records,
}

/// The first line of the file; the bytes of the records that wait for a full request follow.
#[derive(Serialize, Deserialize)]
struct Head {
    job: String,
    /// Requests that the server has taken, which is the number of the next one.
    requests: u64,
    /// Where each waiting record ends.
    pending: Vec<usize>,
    checkpoint: Checkpoint,
}

impl Stored {
    pub(super) fn open(path: PathBuf, job: &str) -> Result<(Self, Option<Before>)> {
        let beside = beside(&path, ".lock");
        let failed = |error| about(&path, "cannot lock", error);
        let lock = OpenOptions::new().create(true).append(true).open(&beside).map_err(failed)?;
        match lock.try_lock() {
            Ok(()) => {}
            Err(TryLockError::WouldBlock) => {
                let message = format!("another process runs the job of {}", path.display());
                return Err(Error::fatal(message));
            }
            Err(TryLockError::Error(error)) => return Err(failed(error)),
        }
        let before = match std::fs::read(&path) {
            Ok(bytes) => Some(parse(&bytes, &path, job)?),
            Err(error) if error.kind() == Io::NotFound => None,
            Err(error) => return Err(about(&path, "cannot read", error)),
        };
        Ok((Stored { path, job: job.to_owned(), _lock: lock }, before))
    }

    /// Replaces what was stored, all of it or nothing.
    pub(super) fn save(
        &self,
        checkpoint: &Checkpoint,
        requests: u64,
        pending: &Records,
    ) -> Result<()> {
        let head = Head {
            job: self.job.clone(),
            requests,
            pending: pending.ends.clone(),
            checkpoint: checkpoint.clone(),
        };
        let mut bytes = serde_json::to_vec(&head)
            .map_err(|error| Error::fatal("a checkpoint can't be written").caused_by(error))?;
        bytes.push(b'\n');
        bytes.extend_from_slice(&pending.bytes);
        self.replace(&bytes).map_err(|error| about(&self.path, "cannot write", error))
    }

    fn replace(&self, bytes: &[u8]) -> std::io::Result<()> {
        let side = beside(&self.path, ".new");
        let mut file = File::create(&side)?;
        file.write_all(bytes)?;
        file.sync_all()?;
        std::fs::rename(&side, &self.path)?;
        // The name is in the folder, which has to reach the disk as well.
        match self.path.parent().filter(|parent| !parent.as_os_str().is_empty()) {
            Some(parent) => File::open(parent)?.sync_all(),
            None => File::open(".")?.sync_all(),
        }
    }
}

fn parse(bytes: &[u8], path: &Path, job: &str) -> Result<Before> {
    let damaged = |why: String| {
        let message = format!(
            "{} is no checkpoint ({why}); remove it to load everything from the start",
            path.display()
        );
        Error::fatal(message)
    };
    let line = bytes.iter().position(|byte| *byte == b'\n');
    let line = line.ok_or_else(|| damaged("it is cut off".into()))?;
    let (head, rest) = (&bytes[..line], &bytes[line + 1..]);
    let head: Head = serde_json::from_slice(head).map_err(|error| damaged(error.to_string()))?;
    if head.job != job {
        let message =
            format!("{} belongs to the job `{}`, not to `{job}`", path.display(), head.job);
        return Err(Error::fatal(message));
    }
    if head.pending.last().copied().unwrap_or(0) != rest.len() || !head.pending.is_sorted() {
        return Err(damaged("it is cut off".into()));
    }
    let pending = Records { bytes: rest.to_vec(), ends: head.pending };
    Ok(Before { checkpoint: head.checkpoint, number: head.requests, pending })
}

fn beside(path: &Path, suffix: &str) -> PathBuf {
    let mut name = path.as_os_str().to_owned();
    name.push(suffix);
    name.into()
}

fn about(path: &Path, what: &str, error: std::io::Error) -> Error {
    Error::new(ErrorKind::Io, format!("{what} {}", path.display())).caused_by(error)
}
