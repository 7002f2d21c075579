//! The checkpoint file: how far a job has come, and how long each of its files is at that point.
//!
//! It is replaced as a whole (written beside, synced, renamed, directory synced), so it is either
//! the old one or the new one. Whoever reads it in order to replace it holds its lock meanwhile.

use super::place::{Place, explain, sync_folder, with_suffix};
use crate::verify::Digest;
use serde::{Deserialize, Serialize};
use std::fs::{self, File, OpenOptions, TryLockError};
use std::io::Write;
use std::path::{Component, Path, PathBuf};
use std::time::{Duration, Instant};
use trommel::{Checkpoint, Error, ErrorKind, Result};

/// The only format so far.
const FORMAT: u32 = 1;
/// The largest number that any of it comes to.
const MOST: u64 = u64::MAX >> 1;
/// How long another runner may take to replace the file. It takes two syncs.
const PATIENCE: Duration = Duration::from_secs(10);

/// What the checkpoint file says.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Manifest {
    pub(super) format: u32,
    pub(super) job: String,
    /// The runner that has the job: the one that took it over last.
    pub(super) epoch: u64,
    /// `None` until the first commit.
    pub(super) checkpoint: Option<Checkpoint>,
    /// The files of the output, each relative to the folder of the destination.
    pub(super) files: Vec<Entry>,
    pub(super) rejects: Option<Entry>,
    /// Names in the header, once there is one.
    pub(super) columns: Option<Vec<String>>,
    /// What the files are written as; files of before it was noted have none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) form: Option<String>,
}

/// One file and how much of it counts.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Entry {
    pub(super) name: String,
    /// Of a partitioned output: the folders that its key names.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub(super) key: String,
    /// The how-many-th of its key, from 0.
    #[serde(default)]
    pub(super) number: u32,
    pub(super) bytes: u64,
    pub(super) values: u64,
    /// What the file comes to, if it is to be verified.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) digest: Option<Digest>,
}

impl Manifest {
    pub(super) fn of_job(job: &str) -> Self {
        Manifest { format: FORMAT, job: job.to_owned(), ..Manifest::default() }
    }

    /// Whether it can be gone on from: all names stay in the folder of the destination, and numbers
    /// leave room for what comes.
    fn is_sound(&self) -> bool {
        let inside = |name: &str| {
            let mut parts = Path::new(name).components().peekable();
            parts.peek().is_some() && parts.all(|part| matches!(part, Component::Normal(_)))
        };
        self.epoch <= MOST
            && self
                .files
                .iter()
                .chain(&self.rejects)
                .all(|file| inside(&file.name) && file.number < u32::MAX && file.values <= MOST)
    }

    pub(super) fn is_finished(&self) -> bool {
        self.checkpoint.as_ref().is_some_and(|checkpoint| checkpoint.finished)
    }
}

/// The right to replace the checkpoint file.
#[derive(Debug)]
pub(super) struct Section {
    path: PathBuf,
    folder: PathBuf,
    /// Locked; its content may be that of a file replaced since.
    _lock: File,
}

impl Section {
    /// Waits for the right. Makes an empty file if there is none.
    pub(super) fn enter(place: &Place) -> Result<Self> {
        let path = place.checkpoint();
        let cannot = |error| explain("open the checkpoint file", &path, error);
        let began = Instant::now();
        loop {
            let mut options = OpenOptions::new();
            let file = options.read(true).write(true).create(true).truncate(false).open(&path);
            let file = file.map_err(cannot)?;
            let is_mine = match file.try_lock() {
                Ok(()) => is_still_at(&file, &path),
                Err(TryLockError::WouldBlock) => false,
                // No locks on this file system: the epoch alone has to do.
                Err(TryLockError::Error(_)) => true,
            };
            if is_mine {
                let folder = place.parent().to_owned();
                return Ok(Section { path, folder, _lock: file });
            }
            if began.elapsed() > PATIENCE {
                return Err(Error::fatal(format!(
                    "{} is locked: another runner is in the middle of a commit; end it if it hangs",
                    path.display()
                )));
            }
            std::thread::sleep(Duration::from_millis(2));
        }
    }

    /// What the file says; `None` when it is new.
    pub(super) fn read(&self) -> Result<Option<Manifest>> {
        read_at(&self.path)
    }

    /// Replaces the file, durably.
    pub(super) fn write(&self, manifest: &Manifest) -> Result<()> {
        let beside = with_suffix(&self.path, ".new");
        let text = serde_json::to_vec_pretty(manifest).map_err(|error| {
            Error::fatal("the checkpoint can't be written as JSON").caused_by(error)
        })?;
        let written = File::create(&beside).and_then(|mut file| {
            file.write_all(&text)?;
            window!("files: checkpoint written, before fsync");
            file.sync_all()
        });
        written.map_err(|error| explain("write the checkpoint to", &beside, error))?;
        window!("files: checkpoint synced, before rename");
        fs::rename(&beside, &self.path)
            .map_err(|error| explain("replace the checkpoint file", &self.path, error))?;
        window!("files: checkpoint renamed, before the directory's fsync");
        sync_folder(&self.folder)
    }
}

/// What the checkpoint file of a destination says, if there is one.
pub(super) fn read(place: &Place) -> Result<Option<Manifest>> {
    read_at(&place.checkpoint())
}

fn read_at(path: &Path) -> Result<Option<Manifest>> {
    let text = match fs::read(path) {
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(None),
        Err(error) => return Err(explain("read the checkpoint file", path, error)),
        // Made by `enter`, and nothing came of it.
        Ok(text) if text.is_empty() => return Ok(None),
        Ok(text) => text,
    };
    let damaged = |cause: Option<serde_json::Error>| {
        let message = format!(
            "{} is not a checkpoint of this program: it is damaged, or of a newer version; delete \
             it and the .part files beside it to load from the start",
            path.display()
        );
        let error = Error::new(ErrorKind::Fatal, message);
        match cause {
            Some(cause) => error.caused_by(cause),
            None => error,
        }
    };
    let manifest: Manifest = serde_json::from_slice(&text).map_err(|error| damaged(Some(error)))?;
    match manifest.format {
        FORMAT if manifest.is_sound() => Ok(Some(manifest)),
        _ => Err(damaged(None)),
    }
}

/// Whether the open file is the one that the path names.
#[cfg(unix)]
pub(super) fn is_still_at(file: &File, path: &std::path::Path) -> bool {
    use std::os::unix::fs::MetadataExt;
    match (file.metadata(), fs::metadata(path)) {
        (Ok(open), Ok(named)) => open.dev() == named.dev() && open.ino() == named.ino(),
        _ => false,
    }
}

/// Elsewhere an open file can't be replaced.
#[cfg(not(unix))]
pub(super) fn is_still_at(_file: &File, _path: &std::path::Path) -> bool {
    true
}
