//! Whose a job is that a database keeps.

use std::fmt::Display;
use trommel::{Checkpoint, Error, Result};

/// What became of taking a job over.
#[derive(Debug)]
pub(crate) enum Taken {
    /// It is this runner's: its epoch, and what has been stored.
    Over(u64, Option<Checkpoint>),
    /// The job's rows are in another table than those of this runner would be. Nothing was changed.
    Not { begun: String, now: String },
}

impl Taken {
    /// Epoch and checkpoint, or why not.
    pub(crate) fn over(self, place: &dyn Display, job: &str) -> Result<(u64, Option<Checkpoint>)> {
        match self {
            Taken::Over(epoch, stored) => Ok((epoch, stored)),
            Taken::Not { begun, now } => Err(Error::config(format!(
                "{place}: job `{job}` was begun into the table {begun}, and is to go on into {now}: \
                 go on into the same table as before, or load under another job name"
            ))),
        }
    }
}
