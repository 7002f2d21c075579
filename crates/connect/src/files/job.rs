//! Resumable runs: taking a job over, committing, fencing. The folder's documentation says what
//! happens when the process is killed in between.

use super::manifest::{Manifest, Section};
use super::output::{Output, Target, not_started};
use super::part::Part;
use super::place::{Place, parent, sync_folder};
use super::run::{Job, Run};
use super::runner::Runner;
use crate::verify::{self, Digest};
use std::collections::BTreeSet;
use std::path::Path;
use std::time::Instant;
use trommel::{Checkpoint, Commit, Durability, Error, ErrorKind, Result};

impl Output {
    /// Takes over a job, or begins it.
    pub(crate) fn resume(&mut self, job: &str) -> Result<Option<Checkpoint>> {
        self.abort();
        self.check()?;
        self.header.clear();
        let Target::Path { place, .. } = &self.target else {
            return Err(Error::new(
                ErrorKind::Unsupported,
                format!(
                    "{}: a writer can't be taken back, so a run into it can't be resumed; \
                         name a file",
                    self.name()
                ),
            ));
        };
        let (place, form) = (place.clone(), self.settings.form());
        let section = Section::enter(&place)?;
        let found = section.read()?;
        if let Some(found) = &found {
            if found.job != job {
                return Err(Error::config(format!(
                    "{} belongs to job `{}`, not to `{job}`: write to another file, or delete {} \
                     and the .part files beside it",
                    place.path().display(),
                    found.job,
                    place.checkpoint().display(),
                )));
            }
            if found.is_finished() {
                return self.conclude(&place, found);
            }
            if let Some(begun) = found.form.as_ref().filter(|begun| **begun != form) {
                return Err(Error::config(format!(
                    "{}: job `{job}` was begun as: {begun}; and is to go on as: {form}: go on as it \
                     was begun, or delete {} and the .part files beside it",
                    place.path().display(),
                    place.checkpoint().display(),
                )));
            }
        }
        let (runner, is_in_use) = match Runner::try_take(&place)? {
            Some(runner) => (runner, false),
            None if found.is_some() => (Runner::supersede(&place)?, true),
            // The other one has no checkpoint that could fence it.
            None => (Runner::take(&place)?, false),
        };
        let mut manifest = found.unwrap_or_else(|| Manifest::of_job(job));
        manifest.epoch += 1;
        manifest.form = Some(form);
        let mut run = Run::default();
        for entry in &manifest.files {
            let mut part = Part::resume(place.parent(), entry, is_in_use)?;
            part.digest = match &self.read_back {
                None => None,
                Some(_) if part.bytes == 0 => Some(Digest::default()),
                Some(_) => Some(part.digest.ok_or_else(|| verify::unknown(job))?),
            };
            run.adopt(part, self.settings.limits.open);
        }
        if let Some(entry) = &manifest.rejects {
            run.rejects = Some(Part::resume(place.parent(), entry, is_in_use)?);
        }
        window!("files: cut back, before the new epoch");
        section.write(&manifest)?;
        run.runner = Some(runner);
        run.job = Some(Job {
            name: job.to_owned(),
            epoch: manifest.epoch,
            // Where there is nothing left to read, nothing else is offered before the end.
            pending: manifest.checkpoint.clone(),
            columns: manifest.columns.clone(),
        });
        let is_new = manifest.files.is_empty();
        self.run = Some(run);
        drop(section);
        if is_new && let Err(error) = self.open_first() {
            self.abort();
            return Err(error);
        }
        let epoch = manifest.epoch;
        Ok(manifest.checkpoint.map(|checkpoint| Checkpoint { epoch, ..checkpoint }))
    }

    /// What a run that was killed between marking its job finished and renaming has left to do.
    fn conclude(&mut self, place: &Place, found: &Manifest) -> Result<Option<Checkpoint>> {
        let mut folders = BTreeSet::new();
        for entry in found.files.iter().chain(&found.rejects) {
            if Part::publish_left(place.parent(), entry)? {
                let path = place.parent().join(&entry.name);
                folders.insert(parent(&path).to_owned());
            }
        }
        folders.iter().try_for_each(|folder| sync_folder(folder))?;
        if let Some(runner) = Runner::try_take(place)? {
            runner.end()?;
        }
        self.run = Some(Run { is_finished: true, ..Run::default() });
        Ok(found.checkpoint.clone())
    }

    pub(crate) fn commit(&mut self, checkpoint: &Checkpoint, when: Commit) -> Result<Durability> {
        let (is_writer, settings) = (matches!(self.target, Target::Writer { .. }), &self.settings);
        let Some(run) = &mut self.run else { return Err(not_started()) };
        let Some(job) = &mut run.job else {
            if is_writer {
                return Ok(Durability::Stored);
            }
            if when == Commit::Now {
                // There is no such thing as a half file.
                self.abort();
            }
            return Ok(Durability::Pending);
        };
        job.pending = Some(checkpoint.clone());
        let since = run.since.get_or_insert_with(Instant::now);
        let is_due = when == Commit::Now
            || settings.commit_bytes > 0 && run.uncommitted >= settings.commit_bytes
            || since.elapsed() >= settings.commit_interval;
        if !is_due {
            return Ok(Durability::Pending);
        }
        self.store(false)?;
        Ok(Durability::Stored)
    }

    /// Syncs the data, then replaces the checkpoint. At the end of the job, also gives the files
    /// their names, while no other runner can step in.
    pub(super) fn store(&mut self, is_end: bool) -> Result<()> {
        let (Target::Path { place, .. }, Some(run)) = (&self.target, &mut self.run) else {
            return Err(not_started());
        };
        let mut folders = BTreeSet::new();
        let opens = run.parts.iter().chain(&run.rejects).any(Part::opens_to_sync);
        let section = if opens { run.enter(place)? } else { None };
        for part in run.parts.iter_mut().chain(&mut run.rejects) {
            let was_open = part.is_open();
            part.sync()?;
            if !was_open {
                part.close();
            }
            // A folder that is new has its name in the one above.
            let above = part.folder().ancestors();
            let inside = above.take_while(|folder| folder.starts_with(place.parent()));
            folders.extend(inside.map(Path::to_owned));
        }
        drop(section);
        folders.iter().try_for_each(|folder| sync_folder(folder))?;
        window!("files: data synced, before the checkpoint");
        let verified = if is_end { run.verify(self.read_back.as_ref()) } else { Ok(()) };

        let Some(job) = &mut run.job else { return Err(not_started()) };
        let section = job.enter(place)?;
        // Later than that: a newer runner may have made the files its own.
        verified?;
        let mut checkpoint = job.pending.clone().unwrap_or_default();
        checkpoint.finished = is_end;
        checkpoint.epoch = job.epoch;
        section.write(&Manifest {
            epoch: job.epoch,
            checkpoint: Some(checkpoint),
            files: run.parts.iter().map(Part::entry).collect(),
            rejects: run.rejects.as_ref().map(Part::entry),
            columns: job.columns.clone(),
            form: Some(self.settings.form()),
            ..Manifest::of_job(&job.name)
        })?;
        run.since = None;
        run.uncommitted = 0;
        if is_end {
            window!("files: job marked finished, before the names");
            run.publish()?;
            folders.iter().try_for_each(|folder| sync_folder(folder))?;
            run.runner.take().map_or(Ok(()), Runner::end)?;
        }
        Ok(())
    }
}

impl Job {
    /// Waits for the right to change what belongs to the job, which a runner keeps for as long as
    /// the job is its own. Opening a file by its name needs it, too: it may be another runner's.
    pub(super) fn enter(&self, place: &Place) -> Result<Section> {
        let section = Section::enter(place)?;
        let found = section.read()?.map_or((0, false), |it| (it.epoch, it.is_finished()));
        if found == (self.epoch, false) {
            return Ok(section);
        }
        Err(Error::fatal(format!(
            "{}: job `{}` has been taken over by a newer runner (this one has epoch {}, the newest \
             {}): what this one had not committed is dropped; let the newer one finish",
            place.path().display(),
            self.name,
            self.epoch,
            found.0
        )))
    }
}
