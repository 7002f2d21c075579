//! Whole jobs on files and databases, against what people would take instead.
//!
//! Every contestant is a process of its own: Trommel's job and the hand-written floors are this
//! program run again, the peers are scripts in `benches/peers/files`. They run in turn, their outputs
//! are read and must agree, and what is compared is wall time, processor time and peak memory.

mod check;
mod contest;
mod data;
mod flight;
mod jobs;
mod peers;
mod postgres;
mod process;
mod table;

pub use check::Check;
pub use contest::{Entry, Kind, Outcome};
pub use data::{Data, ROWS};
pub use jobs::ALL;
pub use peers::{Need, Peer};
pub use process::{Usage, timed};
pub use table::{plot, table};

use crate::Result;
use crate::plan::WORKERS;
use std::fmt;
use std::path::{Path, PathBuf};

/// One job: what is read, what is written, by whom, and what must be reached.
pub struct Job {
    /// Its name in bars: `csv_sqlite`.
    pub name: &'static str,
    /// Its name for people.
    pub title: &'static str,
    /// What it reads.
    pub input: Input,
    /// What it writes.
    pub output: Output,
    /// The job on Trommel.
    pub ours: Ours,
    /// The job written by hand.
    pub floors: &'static [(&'static str, Run)],
    /// What people would take instead.
    pub peers: &'static [Peer],
    /// What Trommel must reach.
    pub goals: &'static [Goal],
}

impl fmt::Debug for Job {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Job").field("name", &self.name).finish_non_exhaustive()
    }
}

/// Trommel's side of a job.
#[derive(Debug, Clone, Copy)]
pub enum Ours {
    /// In this program.
    Here(Run),
    /// An example of `trommel-connect`, which takes what is read and what is written.
    Example {
        /// Its name.
        name: &'static str,
        /// The features that it needs.
        features: &'static str,
        /// Further arguments.
        arguments: &'static [&'static str],
    },
}

/// Runs a job from a file to another.
pub type Run = fn(&Path, &Path) -> Result<()>;

/// What a job reads.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Input {
    /// `flights10` as CSV, 310 MB.
    Csv,
    /// A tenth of it as NDJSON, 100 MB.
    Ndjson,
}

impl Input {
    /// The file, with its rows as many times over.
    fn file(self, data: &Data, times: u64) -> Result<PathBuf> {
        match self {
            Input::Csv => data.csv(times),
            Input::Ndjson => data.ndjson(times),
        }
    }
}

/// What a job writes, and how that is read again.
#[derive(Debug, Clone, Copy)]
pub struct Output {
    /// Where it goes.
    pub place: Destination,
    /// Reads all of it, or what the contestant printed.
    pub check: fn(&Path, &str) -> Result<Check>,
    /// Counts its rows.
    pub rows: fn(&Path) -> Result<Check>,
}

/// Where a job's output goes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Destination {
    /// A file whose name ends so.
    File(&'static str),
    /// A database of a PostgreSQL server.
    Postgres,
}

/// What Trommel must reach in a job.
#[derive(Debug, Clone, Copy)]
pub struct Goal {
    /// Last part of the bar's name.
    pub name: &'static str,
    /// What is compared, with whom.
    pub what: What,
    /// This much or less.
    pub at_most: f64,
}

/// What a goal compares.
#[derive(Debug, Clone, Copy)]
pub enum What {
    /// Wall time, over the best one's.
    Wall(Against),
    /// Processor time, over that of the one with the least.
    Cpu(Against),
    /// Peak memory, MiB.
    Peak,
}

/// With whom Trommel is compared.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Against {
    /// The best of the peers.
    Peers,
    /// The best of the hand-written ones.
    Floors,
}

impl Goal {
    const fn cpu(name: &'static str, against: Against, at_most: f64) -> Self {
        Goal { name, what: What::Cpu(against), at_most }
    }

    const fn peak(at_most: f64) -> Self {
        Goal { name: "peak_mib", what: What::Peak, at_most }
    }

    const fn wall(name: &'static str, against: Against, at_most: f64) -> Self {
        Goal { name, what: What::Wall(against), at_most }
    }
}

/// What a process of this program does: runs a job's contestant number `index`, 0 being Trommel's.
///
/// # Errors
/// When there is none, or its run fails.
pub fn child(job: &str, index: usize, input: &Path, output: &Path) -> Result<()> {
    let job = ALL.iter().find(|known| known.name == job).ok_or("no such job")?;
    let run = match index {
        0 => match job.ours {
            Ours::Here(run) => run,
            Ours::Example { .. } => return Err("Trommel's side is an example".into()),
        },
        _ => job.floors.get(index - 1).ok_or("no such contestant")?.1,
    };
    run(input, output)
}

/// An engine as every job has it.
fn engine() -> Result<trommel::Engine> {
    Ok(trommel::Engine::builder().workers(WORKERS).build()?)
}
