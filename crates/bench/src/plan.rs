//! How much a run of the bench measures.

use std::path::PathBuf;

/// Workers of every engine and floor unless a table says otherwise: what the bars are defined for.
pub const WORKERS: usize = 2;

/// How much to measure, and of what.
#[derive(Debug, Clone, Default)]
pub struct Plan {
    /// A tenth of the rows and the fewest rounds: whether everything runs, not how quickly.
    pub quick: bool,
    /// Only what has this in its name.
    pub only: Option<String>,
    /// The table of flights that jobs on files read; the shipped sample when there is none.
    pub flights: Option<PathBuf>,
    /// Also ten times the input, which takes long.
    pub long: bool,
}

impl Plan {
    /// Rounds of a race; odd, so that a median is a measurement.
    pub fn rounds(&self) -> usize {
        if self.quick { 5 } else { 11 }
    }

    /// Runs of each contestant of a job on files.
    pub fn runs(&self) -> usize {
        if self.quick { 1 } else { 5 }
    }

    /// Rounds in which the best of several floors is found.
    pub fn heats(&self) -> usize {
        if self.quick { 1 } else { 3 }
    }

    /// `rows`, or a tenth.
    pub fn rows(&self, rows: u64) -> u64 {
        if self.quick { (rows / 10).max(1) } else { rows }
    }

    /// Whether this name was asked for.
    pub fn wants(&self, name: &str) -> bool {
        self.only.as_deref().is_none_or(|only| name.contains(only))
    }
}
