//! One runner at a time: the lock that says that a runner is alive.

use super::manifest::is_still_at;
use super::place::{Place, create_anew, explain, remove};
use std::fs::{File, OpenOptions, TryLockError};
use std::path::PathBuf;
use trommel::{Error, Result};

/// Held for as long as a run writes to a destination; the system lets go of it when the process
/// ends, however it ends.
#[derive(Debug)]
pub(super) struct Runner {
    lock: File,
    path: PathBuf,
}

impl Runner {
    /// Takes the lock; `None` when another runner, which is alive, has it.
    pub(super) fn try_take(place: &Place) -> Result<Option<Self>> {
        let path = place.lock();
        loop {
            let opened = OpenOptions::new().write(true).create(true).truncate(false).open(&path);
            let lock = opened.map_err(|error| explain("create", &path, error))?;
            match lock.try_lock() {
                Err(TryLockError::WouldBlock) => return Ok(None),
                // One that has just ended may have removed the file that was opened here.
                Ok(()) if !is_still_at(&lock, &path) => {}
                // An error means that there are no locks on this file system.
                Ok(()) | Err(TryLockError::Error(_)) => return Ok(Some(Runner { lock, path })),
            }
        }
    }

    /// As [`try_take`](Self::try_take), but it is an error when there is another one.
    pub(super) fn take(place: &Place) -> Result<Self> {
        Self::try_take(place)?.ok_or_else(|| {
            let path = place.path().display();
            Error::fatal(format!("another run is writing {path}: wait for it, or end it"))
        })
    }

    /// Takes over from a runner that is alive: it keeps its lock, on a file without a name.
    pub(super) fn supersede(place: &Place) -> Result<Self> {
        let path = place.lock();
        let lock = create_anew(&path)?;
        // Nobody else knows this file.
        _ = lock.try_lock();
        Ok(Runner { lock, path })
    }

    /// Ends it, and removes the file, unless it is another runner's by now.
    pub(super) fn end(self) -> Result<()> {
        match is_still_at(&self.lock, &self.path) {
            true => remove(&self.path),
            false => Ok(()),
        }
    }
}
