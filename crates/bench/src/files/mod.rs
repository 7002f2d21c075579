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
pub use contest::{Entry, Outcome};
pub use data::{Data, ROWS};
pub use jobs::ALL;
pub use peers::{Need, Peer};
pub use process::{Usage, timed};
pub use table::{plot, table};

use crate::Result;
use crate::bars::Target;
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
    /// The job on Trommel, written by hand, or what stands beside them; Trommel's is the first.
    pub contestants: &'static [Contestant],
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

/// A program of this repository that does a job.
#[derive(Debug, Clone, Copy)]
pub struct Contestant {
    /// Its name.
    pub name: &'static str,
    /// Whose it is.
    pub kind: Kind,
    /// What runs.
    pub program: Program,
    /// Whether it does the same work; otherwise only its number of rows is compared, with the
    /// input's.
    pub same_work: bool,
}

/// Whose run it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// Trommel's.
    Ours,
    /// Written by hand.
    Floor,
    /// A peer that counts as a rival.
    Rival,
    /// What is only shown.
    Shown,
}

/// What runs as a contestant.
#[derive(Debug, Clone, Copy)]
pub enum Program {
    /// A function of this program.
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

impl Contestant {
    const fn ours(program: Program) -> Self {
        Contestant { name: "trommel", kind: Kind::Ours, program, same_work: true }
    }

    const fn floor(name: &'static str, run: Run) -> Self {
        Contestant { name, kind: Kind::Floor, program: Program::Here(run), same_work: true }
    }

    /// Shown, but nothing is compared with it.
    const fn shown(name: &'static str, program: Program) -> Self {
        Contestant { name, kind: Kind::Shown, program, same_work: true }
    }

    /// Less work: only its rows are compared.
    const fn raw(mut self) -> Self {
        self.same_work = false;
        self
    }
}

/// Runs a job from a file to another; nothing is written where sums are printed.
pub type Run = fn(&Path, &Path) -> Result<()>;

/// What a job reads.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Input {
    /// `flights10` as CSV, 310 MB.
    Csv,
    /// A tenth of it as NDJSON, 100 MB.
    Ndjson,
    /// The flights of it that flew, as Parquet.
    Parquet,
}

impl Input {
    /// The file, with its rows as many times over.
    fn file(self, data: &Data, times: u64) -> Result<PathBuf> {
        match self {
            Input::Csv => data.csv(times),
            Input::Ndjson => data.ndjson(times),
            Input::Parquet => data.parquet(times),
        }
    }

    /// Rows of the file that loads all of them as they are.
    fn rows(self, data: &Data) -> Result<u64> {
        match self {
            Input::Csv => Ok(data.rows()),
            Input::Ndjson => Ok(data.lines()),
            Input::Parquet => Err("nobody loads Parquet as it is".into()),
        }
    }
}

/// What a job writes, and how that is read again.
#[derive(Debug, Clone, Copy)]
pub enum Output {
    /// Rows.
    Stored {
        /// Where they go.
        place: Destination,
        /// Reads all of them.
        check: fn(&Path) -> Result<Check>,
        /// Counts them.
        rows: fn(&Path) -> Result<Check>,
    },
    /// Sums, which are printed.
    Printed,
}

/// Where a job's rows go.
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
    /// Last part of the bar's name; empty where a job has one bar, called as the job.
    pub name: &'static str,
    /// What is compared, with whom.
    pub what: What,
    /// What it must reach.
    pub target: Target,
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
    /// Rows that come out in a second of wall time.
    Rate,
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
        Goal { name, what: What::Cpu(against), target: Target::AtMost(at_most) }
    }

    const fn peak(at_most: f64) -> Self {
        Goal { name: "peak_mib", what: What::Peak, target: Target::AtMost(at_most) }
    }

    const fn rate(name: &'static str, at_least: f64) -> Self {
        Goal { name, what: What::Rate, target: Target::AtLeast(at_least) }
    }

    const fn wall(name: &'static str, against: Against, at_most: f64) -> Self {
        Goal { name, what: What::Wall(against), target: Target::AtMost(at_most) }
    }

    /// The bar's name.
    pub fn bar(&self, job: &Job) -> String {
        match self.name {
            "" => format!("files.{}", job.name),
            name => format!("files.{}.{name}", job.name),
        }
    }
}

/// What a process of this program does: runs a job's contestant number `index`, 0 being Trommel's.
///
/// # Errors
/// When there is none, or its run fails.
pub fn child(job: &str, index: usize, input: &Path, output: &Path) -> Result<()> {
    let job = ALL.iter().find(|known| known.name == job).ok_or("no such job")?;
    let contestant = job.contestants.get(index).ok_or("no such contestant")?;
    match contestant.program {
        Program::Here(run) => run(input, output),
        Program::Example { name, .. } => Err(format!("{name} is a program of its own").into()),
    }
}

/// An engine as every job has it.
fn engine() -> Result<trommel::Engine> {
    Ok(trommel::Engine::builder().workers(WORKERS).build()?)
}
