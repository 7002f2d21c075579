//! What one run holds: its files, and what of them is not committed.

use super::manifest::Section;
use super::part::Part;
use super::place::Place;
use super::runner::Runner;
use super::verify::ReadBack;
use std::collections::HashMap;
use std::time::Instant;
use trommel::{Checkpoint, Result};

/// What one run has open and has not committed.
#[derive(Default)]
pub(super) struct Run {
    pub(super) parts: Vec<Part>,
    /// The latest file of each key, by its index.
    pub(super) latest: HashMap<String, usize>,
    /// The present file of the key is full.
    pub(super) is_full: bool,
    pub(super) current: String,
    pub(super) open: usize,
    pub(super) writes: u64,
    pub(super) rejects: Option<Part>,
    pub(super) runner: Option<Runner>,
    pub(super) job: Option<Job>,
    /// Since when, and how much of it, is not committed.
    pub(super) since: Option<Instant>,
    pub(super) uncommitted: u64,
    /// The files hold what was given to them.
    pub(super) is_verified: bool,
    /// A finished job: nothing is to be done.
    pub(super) is_finished: bool,
}

/// What a run of a resumable job has besides.
pub(super) struct Job {
    pub(super) name: String,
    pub(super) epoch: u64,
    pub(super) pending: Option<Checkpoint>,
    pub(super) columns: Option<Vec<String>>,
}

impl Run {
    /// The right to open a file by its name; for a job, held while the job is this runner's.
    pub(super) fn enter(&self, place: &Place) -> Result<Option<Section>> {
        self.job.as_ref().map(|job| job.enter(place)).transpose()
    }

    /// Index of the file that values go to, if there is one that is not full.
    pub(super) fn present(&self) -> Option<usize> {
        self.latest.get(&self.current).copied().filter(|_| !self.is_full)
    }

    /// Chooses the key.
    pub(super) fn choose(&mut self, key: &str) {
        if self.current != key {
            self.current.clear();
            self.current.push_str(key);
            self.is_full = false;
        }
    }

    /// Number of the next file of the present key.
    pub(super) fn next_number(&self) -> u32 {
        self.latest.get(&self.current).map_or(0, |part| self.parts[*part].number + 1)
    }

    /// Takes a file as the latest of its key. Files of a key come in the order of their numbers.
    pub(super) fn adopt(&mut self, part: Part, max_open: usize) {
        self.latest.insert(part.key.clone(), self.parts.len());
        self.parts.push(part);
        self.is_full = false;
        self.opened(max_open);
    }

    /// Counts a file that was opened, and closes the one not used for longest if they are too many.
    pub(super) fn opened(&mut self, max_open: usize) {
        self.open += 1;
        while self.open > max_open {
            let open = self.parts.iter_mut().filter(|part| part.is_open());
            let Some(oldest) = open.min_by_key(|part| part.used) else { return };
            oldest.close();
            self.open -= 1;
        }
    }

    /// Holds the files against what was given to them, once.
    pub(super) fn verify(&mut self, read_back: Option<&ReadBack>) -> Result<()> {
        if let Some(read_back) = read_back.filter(|_| !self.is_verified) {
            self.parts.iter().try_for_each(|part| part.verify(read_back))?;
            self.is_verified = true;
        }
        Ok(())
    }

    /// Gives all files their names.
    pub(super) fn publish(&mut self) -> Result<()> {
        self.parts.iter_mut().chain(&mut self.rejects).try_for_each(Part::publish)
    }
}
