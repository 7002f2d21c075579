//! The files of one run: appended to, committed, given their names.

use super::compress::Packer;
use super::manifest::{self, Manifest};
use super::part::{Part, Slot};
use super::place::{Place, explain, sync_folder};
use super::run::Run;
use super::runner::Runner;
use super::settings::{Existing, Settings};
use super::verify::ReadBack;
use crate::partition::{Folder, Limits};
use std::collections::BTreeSet;
use std::fmt;
use std::io::Write;
use std::path::Path;
#[cfg(feature = "csv")]
use std::path::PathBuf;
use std::time::Instant;
use trommel::{Durability, Error, ErrorKind, Reject, Result};

/// Where encoded pages go. See the folder's documentation for the protocol.
pub(crate) struct Output {
    pub(super) target: Target,
    pub(crate) settings: Settings,
    /// The run at hand, from [`start`](Self::start) or [`resume`](Self::resume) to its end.
    pub(super) run: Option<Run>,
    /// Written at the start of each file.
    pub(super) header: Vec<u8>,
    pub(super) packer: Packer,
    /// How the files are read back, if they are to be verified; set before each run.
    pub(crate) read_back: Option<ReadBack>,
}

pub(super) enum Target {
    Path {
        place: Place,
        /// The folder is the destination, with files for keys in it.
        is_folder: bool,
        /// What the names of files in it end in.
        extension: String,
    },
    Writer {
        writer: Box<dyn Write + Send>,
        name: String,
        /// Nothing has been written yet.
        is_fresh: bool,
    },
}

impl Output {
    pub(crate) fn at(path: &Path, extension: &str) -> Self {
        let of_path = super::Compression::of_path(path);
        let settings = Settings { compression: of_path, of_path, ..Settings::default() };
        let target = Target::Path {
            place: Place::new(path),
            is_folder: false,
            extension: extension.to_owned(),
        };
        Self::over(target, settings)
    }

    pub(crate) fn to_writer(name: String, writer: Box<dyn Write + Send>) -> Self {
        let target = Target::Writer { writer, name, is_fresh: true };
        Self::over(target, Settings::default())
    }

    fn over(target: Target, settings: Settings) -> Self {
        let packer = Packer::default();
        Output { target, settings, run: None, header: Vec::new(), packer, read_back: None }
    }

    /// What messages call it.
    pub(crate) fn name(&self) -> String {
        match &self.target {
            Target::Path { place, .. } => place.path().display().to_string(),
            Target::Writer { name, .. } => name.clone(),
        }
    }

    /// The path of the one file that is appended to, if there is one with something in it.
    #[cfg(feature = "csv")]
    pub(crate) fn appended_path(&self) -> Option<PathBuf> {
        match &self.target {
            Target::Path { place, is_folder: false, .. }
                if self.settings.existing == Existing::Append =>
            {
                let length = place.path().metadata().map_or(0, |found| found.len());
                (length > 0).then(|| place.path().to_owned())
            }
            _ => None,
        }
    }

    /// Names in the header of a job that was resumed.
    #[cfg(feature = "csv")]
    pub(crate) fn columns(&self) -> Option<&[String]> {
        self.run.as_ref()?.job.as_ref()?.columns.as_deref()
    }

    /// Sets what each file starts with, and what its columns are called.
    #[cfg(feature = "csv")]
    pub(crate) fn set_header(&mut self, header: Vec<u8>, columns: Option<Vec<String>>) {
        self.header = header;
        if let Some(job) = self.run.as_mut().and_then(|run| run.job.as_mut()) {
            job.columns = columns;
        }
    }

    pub(super) fn check(&self) -> Result<()> {
        let settings = &self.settings;
        settings.compression.check()?;
        settings.limits.check()?;
        match &self.target {
            Target::Path { place, is_folder, .. } => {
                if settings.existing == Existing::Append && (settings.rolls() || *is_folder) {
                    return Err(Error::config(
                        "append: works with one file only, not with files that roll or partitions",
                    ));
                }
                place.check(*is_folder)
            }
            Target::Writer { .. } if settings.rolls() => {
                Err(Error::config("roll: a writer can't be several files"))
            }
            Target::Writer { .. } if settings.verify => {
                Err(Error::config("verify: a writer can't be read back; name a file"))
            }
            Target::Writer { .. } => Ok(()),
        }
    }

    /// Begins a run. After [`resume`](Self::resume) it is the job's; otherwise one without
    /// checkpoints.
    pub(crate) fn start(&mut self) -> Result<()> {
        if self.run.as_ref().is_some_and(|run| run.job.is_some() || run.is_finished) {
            return Ok(());
        }
        if self.run.is_some() {
            // One before that was left without an end.
            self.abort();
        }
        self.check()?;
        self.header.clear();
        let mut run = Run::default();
        if let Target::Path { place, .. } = &self.target {
            if let Some(found) = manifest::read(place)? {
                self.leave_finished(place, &found)?;
            }
            run.runner = Some(Runner::take(place)?);
        }
        self.run = Some(run);
        self.open_first().inspect_err(|_| {
            self.abort();
        })
    }

    /// A finished job's checkpoint is no longer true once its file is replaced; one that is not
    /// finished must not be lost by mistake.
    fn leave_finished(&self, place: &Place, found: &Manifest) -> Result<()> {
        if found.is_finished() {
            return super::place::remove(&place.checkpoint());
        }
        let (job, path) = (&found.job, place.checkpoint());
        Err(Error::config(format!(
            "{} belongs to job `{job}`, which has not finished: run it as that job (`resumable`), or \
             delete {} and the .part files beside it",
            place.path().display(),
            path.display(),
        )))
    }

    /// Makes the file of an output without keys at once, so that it is known to be possible.
    pub(super) fn open_first(&mut self) -> Result<()> {
        if let Target::Path { is_folder, place, .. } = &self.target {
            match is_folder {
                true => std::fs::create_dir_all(place.path())
                    .map_err(|error| explain("create the directory", place.path(), error))?,
                false => self.choose("")?,
            }
        }
        self.end_last_line()
    }

    /// Keeps a bad row beside the data.
    pub(crate) fn keep_reject(&mut self, reject: &Reject) -> Result<()> {
        let Target::Path { place, .. } = &self.target else {
            let message = format!("{} has no place for rejects", self.name());
            return Err(Error::new(ErrorKind::Unsupported, message));
        };
        let Some(run) = &mut self.run else { return Err(not_started()) };
        let mut line = serde_json::to_vec(reject)
            .map_err(|error| Error::fatal("a reject can't be written").caused_by(error))?;
        line.push(b'\n');
        if run.rejects.is_none() {
            let path = place.rejects();
            let name = path.file_name().unwrap_or_default().to_string_lossy().into_owned();
            let slot = Slot { name, number: 0 };
            let _section = run.enter(place)?;
            run.rejects = Some(Part::create(place.parent(), slot, "", Existing::Replace, None)?);
        }
        if let Some(rejects) = &mut run.rejects {
            rejects.append(&line, 1)?;
        }
        run.since.get_or_insert_with(Instant::now);
        Ok(())
    }

    pub(crate) fn keeps_rejects(&self) -> bool {
        matches!(self.target, Target::Path { .. })
    }

    /// Ends the run: the files get their names.
    pub(crate) fn finish(&mut self) -> Result<()> {
        let Some(run) = &mut self.run else { return Ok(()) };
        if run.is_finished {
            self.run = None;
            return Ok(());
        }
        self.conclude_empty()?;
        let Some(run) = &mut self.run else { return Ok(()) };
        if run.job.is_some() {
            self.store(true)?;
            self.run = None;
            return Ok(());
        }
        if let Target::Writer { writer, name, .. } = &mut self.target {
            writer.flush().map_err(|error| failed(name, error))?;
            self.run = None;
            return Ok(());
        }
        if self.settings.sync {
            run.parts.iter_mut().chain(&mut run.rejects).try_for_each(Part::sync)?;
        }
        run.verify(self.read_back.as_ref())?;
        run.publish()?;
        if self.settings.sync {
            let folders: BTreeSet<_> =
                run.parts.iter().chain(&run.rejects).map(|part| part.folder()).collect();
            folders.iter().try_for_each(|folder| sync_folder(folder))?;
        }
        run.runner.take().map_or(Ok(()), Runner::end)?;
        self.run = None;
        Ok(())
    }

    /// Without rows there may be columns that are known, and a compressed file needs a frame: one
    /// without a byte is damaged to most programs.
    fn conclude_empty(&mut self) -> Result<()> {
        let is_empty = match &self.target {
            Target::Path { is_folder, .. } => {
                !is_folder && self.present()?.is_some_and(|part| part.bytes == 0)
            }
            Target::Writer { is_fresh, .. } => *is_fresh,
        };
        if !is_empty {
            return Ok(());
        }
        let mut frame = Vec::new();
        if self.header.is_empty() {
            self.packer.pack(self.settings.compression, b"", &mut frame);
        }
        self.append(&frame, 0)
    }

    /// Takes back what was not committed.
    pub(crate) fn abort(&mut self) -> Durability {
        let Some(mut run) = self.run.take() else { return Durability::Pending };
        if let Target::Writer { .. } = self.target {
            return Durability::Stored;
        }
        if run.job.is_none() && !run.is_finished {
            run.parts.drain(..).chain(run.rejects.take()).for_each(Part::remove);
        }
        if let Some(runner) = run.runner.take().filter(|_| run.job.is_none()) {
            _ = runner.end();
        }
        Durability::Pending
    }
}

impl Folder for Output {
    fn make_folder(&mut self, keys: &[String]) {
        self.settings.keys = Some(keys.to_vec());
        if let Target::Path { is_folder, .. } = &mut self.target {
            *is_folder = true;
        }
    }

    fn select(&mut self, key: &str) -> Result<()> {
        self.choose(key)
    }

    fn limits(&mut self) -> &mut Limits {
        &mut self.settings.limits
    }
}

impl Drop for Output {
    fn drop(&mut self) {
        self.abort();
    }
}

impl fmt::Debug for Output {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Output")
            .field("name", &self.name())
            .field("settings", &self.settings)
            .finish_non_exhaustive()
    }
}

#[cold]
pub(super) fn not_started() -> Error {
    Error::fatal("the sink was used before its encoder was asked for, or after its end")
}

/// Fatal even where the writer might accept more later: part of the page may have been written.
#[cold]
pub(super) fn failed(name: &str, error: std::io::Error) -> Error {
    Error::new(ErrorKind::Io, format!("writing to {name} failed")).caused_by(error)
}
