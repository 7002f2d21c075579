//! Instructions per row, counted by callgrind: what a benchmark's clock can't tell on a machine that
//! does other things as well.
//!
//! Each job is run on Trommel and as it would be written by hand, on one worker, with batches of one
//! size. The limit is the ratio of the two, so that it outlives compilers.

use crate::floors::{self, rayon, sequential};
use crate::jobs::{self, csv};
use crate::workload::{FlightCsv, FlightLines, Users};
use crate::{Result, sibling};
use clap::ValueEnum;
use std::fmt;
use std::process::Command;
use trommel::{Engine, Options};

/// Rows of one round.
const ROWS: u64 = 20_000;
/// Bytes of one round, where rows come as bytes.
const CSV_BYTES: u64 = 2 << 20;
const BATCH: usize = 2_048;
/// Rounds of the two runs whose difference counts: what a process does once falls out.
const ROUNDS: [u32; 2] = [1, 3];

/// What is counted.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum Job {
    /// Users in a slice, changed in place, a line each.
    Slice,
    /// Users made in the worker, a line each.
    Generate,
    /// Lines of CSV parsed and written.
    Light,
    /// A table of CSV parsed into typed rows.
    Csv,
}

impl Job {
    /// Most instructions for each of the floor's. Measured: 1.14, 1.07, 1.05 and 0.77; the limits
    /// leave room for another compiler, not for another copy of each row.
    fn limit(self) -> f64 {
        match self {
            Job::Slice => 1.18,
            Job::Generate => 1.12,
            Job::Light => 1.10,
            Job::Csv => 0.85,
        }
    }
}

/// What counting one job came to.
#[derive(Debug)]
pub struct Counted {
    job: Job,
    ours: f64,
    floor: f64,
}

impl Counted {
    /// Instructions on Trommel for each of the same job written by hand.
    #[must_use]
    pub fn ratio(&self) -> f64 {
        self.ours / self.floor
    }

    /// Whether the ratio is within the job's limit.
    #[must_use]
    pub fn is_within(&self) -> bool {
        self.ratio() <= self.job.limit()
    }
}

impl fmt::Display for Counted {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Counted { job, ours, floor } = self;
        let verdict = if self.is_within() { "ok" } else { "too many" };
        let (name, ratio, limit) = (format!("{job:?}").to_lowercase(), self.ratio(), job.limit());
        write!(f, "instructions {name} {ratio:.3} <={limit} {verdict}")?;
        write!(f, " ({ours:.0} a row, by hand {floor:.0})")
    }
}

/// Counts every job, each in processes of its own.
///
/// # Errors
/// Without valgrind, and when a run fails.
pub fn measure(show: &mut dyn FnMut(&Counted)) -> Result<bool> {
    let mut within = true;
    for &job in Job::value_variants() {
        let counted =
            Counted { job, ours: per_row(job, "trommel")?, floor: per_row(job, "floor")? };
        within &= counted.is_within();
        show(&counted);
    }
    Ok(within)
}

fn per_row(job: Job, who: &str) -> Result<f64> {
    let [few, many] = ROUNDS.map(|rounds| count(job, who, rounds));
    let (few, many) = (few?, many?);
    let rows = (ROUNDS[1] - ROUNDS[0]) as f64 * sibling::number(&many, "rows")?;
    Ok((sibling::number(&many, "instructions")? - sibling::number(&few, "instructions")?) / rows)
}

/// What a child printed, and a line with the instructions that it took.
fn count(job: Job, who: &str, rounds: u32) -> Result<String> {
    let name = format!("{job:?}").to_lowercase();
    let output = Command::new("valgrind")
        .args(["--tool=callgrind", "--callgrind-out-file=/dev/null"])
        .arg(std::env::current_exe()?)
        .args(["child", "count", &name, who, &rounds.to_string()])
        .output()
        .map_err(|error| format!("valgrind: {error}; instructions are counted by it"))?;
    let said = String::from_utf8_lossy(&output.stderr);
    let collected = said.lines().find_map(|line| line.split_once("Collected : ")?.1.parse().ok());
    let (true, Some(collected)) = (output.status.success(), collected) else {
        return Err(format!("valgrind, {name}, {who}: {said}").into());
    };
    let collected: u64 = collected;
    Ok(format!("{}instructions {collected}\n", String::from_utf8(output.stdout)?))
}

/// What the child does: prepares once, then runs `rounds` rounds and prints the rows of one.
///
/// # Errors
/// When a run fails or comes to something else than it should.
pub fn child(job: Job, ours: bool, rounds: u32) -> Result<()> {
    let engine = Engine::builder().workers(1).build()?;
    let pool = floors::pool(1)?;
    let options = Options::builder().fixed_batch_size(BATCH).build()?;
    match job {
        Job::Slice => {
            let mut users = Users::new("instructions", ROWS);
            let expected = users.workload.expected;
            repeat(rounds, ROWS, expected, || {
                users.reset();
                Ok(match ours {
                    true => jobs::slice(&engine, &options, &mut users.records)?.0,
                    false => rayon::slice(&pool, &mut users.records, BATCH, rayon::Into::Direct),
                })
            })
        }
        Job::Generate => repeat(rounds, ROWS, sequential::arena(ROWS), || {
            Ok(match ours {
                true => jobs::generate_in(&engine, &options, ROWS)?.0,
                false => rayon::generate_in(&pool, ROWS, BATCH, rayon::Into::Direct),
            })
        }),
        Job::Light => {
            let flights = FlightLines::new(ROWS);
            repeat(rounds, ROWS, flights.workload.expected, || {
                Ok(match ours {
                    true => jobs::light(&engine, &options, &flights.lines)?.0,
                    false => rayon::light(&pool, &flights.lines, BATCH),
                })
            })
        }
        Job::Csv => {
            // A source owns its reader; the text lives as long as the program, which ends soon.
            let text: &'static str = FlightCsv::new(CSV_BYTES).into_text().leak();
            let expected = csv::plain(text)?;
            repeat(rounds, expected.rows, expected, || match ours {
                true => csv::parse(&engine, &options, text),
                false => csv::plain(text),
            })
        }
    }
}

fn repeat<T: PartialEq + fmt::Debug>(
    rounds: u32,
    rows: u64,
    expected: T,
    mut run: impl FnMut() -> Result<T>,
) -> Result<()> {
    for _ in 0..rounds {
        let got = run()?;
        if got != expected {
            return Err(format!("the run made {got:?}, expected {expected:?}").into());
        }
    }
    println!("rows {rows}");
    Ok(())
}
