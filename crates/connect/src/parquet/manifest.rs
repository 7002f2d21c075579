//! The directory of a resumable job: parts, and the manifest that says which of them count.

use super::verify::read as read_back;
use crate::arrow::aside::{io_error, lock, sync_directory, with_suffix};
use crate::arrow::out::Named;
use crate::verify::{Digest, compare_file, unknown};
use serde::{Deserialize, Serialize};
use std::collections::HashSet;
use std::fs::{self, File, OpenOptions};
use std::io::{self, Write};
use std::path::{Path, PathBuf};
use trommel::{Checkpoint, Error, ErrorKind, Result};

/// Names that begin with `_` are no data to those who read directories of Parquet files.
const MANIFEST: &str = "_trommel.json";
const LOCK: &str = "_trommel.lock";
/// In turns.
const TAILS: [&str; 2] = ["_tail-0.parquet", "_tail-1.parquet"];

/// Rejects that are held in memory between commits.
const MOST_REJECT_BYTES: usize = 8 << 20;

/// What the manifest says.
#[derive(Debug, Serialize, Deserialize)]
struct Contents {
    job: String,
    checkpoint: Checkpoint,
    /// Whether there has been a commit; until then only the epoch counts.
    committed: bool,
    parts: Vec<Part>,
    /// The rows behind the last part, which are to be in the next one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    tail: Option<Part>,
    /// Files of rejected rows, NDJSON.
    rejects: Vec<String>,
    /// Which rows share a part; manifests of before it was noted have none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    form: Option<String>,
}

#[derive(Debug, Clone, Serialize, Deserialize)]
struct Part {
    file: String,
    rows: u64,
    bytes: u64,
    /// What its rows come to, if they are to be verified.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    digest: Option<Digest>,
}

impl Contents {
    /// The files whose rows count, in their order.
    fn files(&self) -> impl Iterator<Item = &Part> {
        self.parts.iter().chain(&self.tail)
    }
}

/// The directory, locked by this runner.
#[derive(Debug)]
pub(super) struct Directory {
    path: PathBuf,
    contents: Contents,
    /// Rejects since the last commit, a line each.
    rejects: Vec<u8>,
    /// What the next commit stores.
    pub(super) checkpoint: Checkpoint,
    /// The parts are read back at the end.
    verify: bool,
    /// Held as long as this value is.
    _lock: File,
}

impl Directory {
    /// Takes over the job: locks the directory, raises the epoch, and removes what a run that was
    /// cut off has left.
    pub(super) fn take_over(
        path: &Path,
        job: &str,
        verify: bool,
        form: String,
    ) -> Result<(Self, Option<Checkpoint>)> {
        if path.is_file() {
            return Err(Error::new(
                ErrorKind::Io,
                format!(
                    "{} is a file: a resumable job needs a directory, for its part files",
                    path.display()
                ),
            ));
        }
        let is_missing = |folder: &&Path| !folder.as_os_str().is_empty() && !folder.exists();
        let missing: Vec<&Path> = path.ancestors().take_while(is_missing).collect();
        fs::create_dir_all(path).map_err(|error| io_error(path, "can't be created", error))?;
        // The names of new folders are in those above.
        missing.iter().try_for_each(|folder| sync_directory(folder))?;
        let lock_path = path.join(LOCK);
        let file = OpenOptions::new()
            .write(true)
            .create(true)
            .truncate(false)
            .open(&lock_path)
            .map_err(|error| io_error(&lock_path, "can't be created", error))?;
        lock(&file, path)?;
        let found = read(path)?;
        let is_known = found.is_some();
        let mut contents = match found {
            Some(contents) if contents.job == job => contents,
            Some(contents) => {
                return Err(Error::config(format!(
                    "{} belongs to the job `{}`: give the job `{job}` a directory of its own",
                    path.display(),
                    contents.job
                )));
            }
            None => Contents {
                job: job.into(),
                checkpoint: Checkpoint::default(),
                committed: false,
                parts: Vec::new(),
                tail: None,
                rejects: Vec::new(),
                form: None,
            },
        };
        let is_open = !contents.checkpoint.finished;
        if verify && is_open && contents.files().any(|part| part.digest.is_none()) {
            return Err(unknown(job));
        }
        let is_begun = is_open && contents.committed;
        if let Some(begun) = contents.form.as_ref().filter(|begun| is_begun && **begun != form) {
            return Err(Error::config(format!(
                "{}: job `{job}` was begun as: {begun}; and is to go on as: {form}: go on as it was \
                 begun, or load as another job into a directory of its own",
                path.display()
            )));
        }
        if is_open {
            contents.form = Some(form);
        }
        contents.checkpoint.epoch += 1;
        let directory = Directory {
            path: path.into(),
            rejects: Vec::new(),
            checkpoint: contents.checkpoint.clone(),
            contents,
            verify,
            _lock: file,
        };
        directory.check()?;
        // Folders of a directory that was no job's until now are not its own.
        directory.clean(path, is_known, &directory.known())?;
        window!("parquet: cleaned up, before the new epoch");
        directory.store(directory.contents.checkpoint.epoch - 1)?;
        let contents = &directory.contents;
        let found = contents.committed.then(|| contents.checkpoint.clone());
        Ok((directory, found))
    }

    /// What the parts are called, but for their numbers.
    pub(super) fn parts(&self) -> PathBuf {
        self.path.join("part.parquet")
    }

    /// Where the next tail goes: not where the present one is, which counts until the next commit.
    pub(super) fn next_tail(&self) -> PathBuf {
        let is_first = self.contents.tail.as_ref().is_some_and(|tail| tail.file == TAILS[0]);
        self.path.join(TAILS[usize::from(is_first)])
    }

    /// The present tail, with its rows and what they come to.
    pub(super) fn tail(&self) -> Option<Named> {
        let Part { file, rows, digest, .. } = self.contents.tail.as_ref()?;
        Some(Named { path: self.path.join(file), rows: *rows, given: *digest })
    }

    /// The key of each part, if it has one.
    pub(super) fn keys(&self) -> impl Iterator<Item = Box<str>> {
        self.contents.parts.iter().map(|part| match part.file.rsplit_once('/') {
            Some((key, _)) => key.into(),
            None => "".into(),
        })
    }

    /// The first file, which has the schema of all.
    pub(super) fn first_file(&self) -> Option<PathBuf> {
        self.contents.files().next().map(|part| self.path.join(&part.file))
    }

    /// Whether rejects wait in such numbers that a commit should store them.
    pub(super) fn is_full(&self) -> bool {
        self.rejects.len() > MOST_REJECT_BYTES
    }

    /// Keeps a line for the next commit.
    pub(super) fn keep_reject(&mut self, line: &[u8]) {
        self.rejects.extend_from_slice(line);
    }

    /// Takes back what was kept since the last commit.
    pub(super) fn forget(&mut self) {
        self.rejects.clear();
    }

    /// Makes everything up to the checkpoint count: the parts and the tail that have just been
    /// published, and the rejects. One rename decides.
    pub(super) fn commit(
        &mut self,
        parts: Vec<Named>,
        tail: Option<Named>,
        finished: bool,
    ) -> Result<()> {
        for part in parts {
            let part = self.part(part)?;
            self.contents.parts.push(part);
        }
        let tail = tail.map(|tail| self.part(tail)).transpose()?;
        let before = std::mem::replace(&mut self.contents.tail, tail);
        if !self.rejects.is_empty() {
            let name = format!("_rejects-{:05}.ndjson", self.contents.rejects.len());
            replace(&self.path.join(&name), &self.rejects)?;
            self.contents.rejects.push(name);
            self.rejects.clear();
        }
        if finished && self.verify {
            self.read_back()?;
        }
        window!("parquet: part and rejects in place, before the manifest");
        let epoch = self.contents.checkpoint.epoch;
        self.contents.checkpoint = Checkpoint { epoch, finished, ..self.checkpoint.clone() };
        self.contents.committed = true;
        self.store(epoch)?;
        let Some(before) = before else { return Ok(()) };
        window!("parquet: manifest in place, before the old tail goes");
        let path = self.path.join(before.file);
        fs::remove_file(&path).map_err(|error| io_error(&path, "can't be removed", error))
    }

    fn part(&self, Named { path, rows, given }: Named) -> Result<Part> {
        let bytes = fs::metadata(&path)
            .map_err(|error| io_error(&path, "has gone since it was written", error))?
            .len();
        let file = self.name_of(&path).ok_or_else(|| {
            Error::fatal(format!("{} is not in the directory of the job", path.display()))
        })?;
        Ok(Part { file, rows, bytes, digest: given })
    }

    /// Whether the parts, of all runs of the job, hold what was given to them.
    fn read_back(&self) -> Result<()> {
        self.contents.parts.iter().try_for_each(|part| {
            let path = self.path.join(&part.file);
            let found = read_back(&path)?;
            let kept = "the job is not finished; remove the directory and load from the start";
            compare_file(&path, part.digest.unwrap_or_default(), found, kept)
        })
    }

    /// Replaces the manifest, if it is still the one of `epoch`.
    fn store(&self, epoch: u64) -> Result<()> {
        // The lock keeps others out where locks work; where they don't (some network file systems)
        // the epoch tells that another has been here.
        let stored = read(&self.path)?.map_or(0, |contents| contents.checkpoint.epoch);
        if stored != epoch {
            return Err(Error::fatal(format!(
                "{}: the job `{}` has been taken over by another run (epoch {stored}, this one \
                 expected {epoch}); this run ends here",
                self.path.display(),
                self.contents.job
            )));
        }
        let text = serde_json::to_vec_pretty(&self.contents)
            .map_err(|error| Error::fatal("the manifest can't be written").caused_by(error))?;
        replace(&self.path.join(MANIFEST), &text)
    }

    /// What the manifest calls a file.
    fn name_of(&self, path: &Path) -> Option<String> {
        let names = path.strip_prefix(&self.path).ok()?.iter().map(|name| name.to_str());
        names.collect::<Option<Vec<_>>>().map(|names| names.join("/"))
    }

    /// Looks whether the parts that count are there.
    fn check(&self) -> Result<()> {
        for part in self.contents.files() {
            let path = self.path.join(&part.file);
            let bytes = fs::metadata(&path).map(|metadata| metadata.len());
            if bytes.as_ref().ok() != Some(&part.bytes) {
                let found = bytes.map_or("is gone".into(), |bytes| format!("has {bytes} bytes"));
                return Err(Error::fatal(format!(
                    "{} {found}, the manifest says {} bytes: put the part back, or remove the \
                     directory and load from the start",
                    path.display(),
                    part.bytes
                )));
            }
        }
        Ok(())
    }

    /// The files that count.
    fn known(&self) -> HashSet<&str> {
        let contents = &self.contents;
        let parts = contents.files().map(|part| &*part.file);
        parts.chain(contents.rejects.iter().map(|name| &**name)).chain([MANIFEST]).collect()
    }

    /// Removes parts and rejects that are not known; those in folders, too, if told.
    fn clean(&self, folder: &Path, descends: bool, known: &HashSet<&str>) -> Result<()> {
        let failed = |error| io_error(folder, "can't be read", error);
        for entry in fs::read_dir(folder).map_err(failed)? {
            let entry = entry.map_err(failed)?;
            if entry.file_type().map_err(failed)?.is_dir() {
                if descends {
                    self.clean(&entry.path(), true, known)?;
                }
                continue;
            }
            let name = entry.file_name();
            let Some(name) = name.to_str() else { continue };
            let ours = (name.starts_with("part-") && name.contains(".parquet"))
                || name.starts_with("_rejects-")
                || name.starts_with("_tail-")
                || name.starts_with(MANIFEST);
            let path = entry.path();
            if ours && !self.name_of(&path).is_some_and(|name| known.contains(&*name)) {
                fs::remove_file(&path)
                    .map_err(|error| io_error(&path, "can't be removed", error))?;
            }
        }
        Ok(())
    }
}

/// The parts that the manifest of a directory lists, if it has one.
pub(super) fn parts(directory: &Path) -> Result<Option<Vec<PathBuf>>> {
    let path = |part: &Part| directory.join(&part.file);
    let contents = read(directory)?;
    Ok(contents.map(|contents| contents.files().map(path).collect()))
}

fn read(directory: &Path) -> Result<Option<Contents>> {
    let path = directory.join(MANIFEST);
    match fs::read(&path) {
        Ok(text) => serde_json::from_slice(&text).map(Some).map_err(|error| {
            Error::fatal(format!(
                "{}: this is no manifest of a job: restore it, or remove the directory and load \
                 from the start",
                path.display()
            ))
            .caused_by(error)
        }),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
        Err(error) => Err(io_error(&path, "can't be read", error)),
    }
}

/// Replaces a file as a whole, durably.
fn replace(path: &Path, text: &[u8]) -> Result<()> {
    let temporary = with_suffix(path, ".tmp");
    let write = || {
        let mut file = File::create(&temporary)?;
        file.write_all(text)?;
        file.sync_all()?;
        window!("parquet: manifest or rejects synced, before rename");
        fs::rename(&temporary, path)
    };
    write().map_err(|error| io_error(path, "can't be written", error))?;
    sync_directory(path)
}
