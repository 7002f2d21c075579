//! `trommel-bench`: the bars, the origin's tables, the report.

use clap::{Args, Parser, Subcommand};
use mimalloc::MiMalloc;
use std::ffi::OsString;
use std::path::PathBuf;
use std::process::ExitCode;
use trommel_bench::bars::Measured;
use trommel_bench::plan::Plan;
use trommel_bench::{Failure, Result, bars, files, instructions, report, tables};

#[global_allocator]
static ALLOCATOR: MiMalloc = MiMalloc;

/// Measures Trommel against the origin's figures and against the same work written by hand.
#[derive(Parser)]
#[command(version, about)]
struct Cli {
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    /// What Trommel must reach, one line each: `bar NAME VALUE TARGET ok|short`.
    Bars {
        #[command(flatten)]
        amount: Amount,
        /// End with status 1 when a bar is short.
        #[arg(long)]
        strict: bool,
    },
    /// Jobs on files and databases beside what people would take instead: bars and tables.
    Files(Amount),
    /// The origin's tables, each row beside Trommel's own figure.
    Tables(Amount),
    /// Measures all of it and writes `report.md` and `report.html`.
    Report {
        #[command(flatten)]
        amount: Amount,
        /// Where to.
        #[arg(long, value_name = "FOLDER", default_value = "docs/bench")]
        out: PathBuf,
    },
    /// Instructions per row beside the same job written by hand, counted by callgrind; status 1 when
    /// there are too many.
    Instructions,
    /// One measurement in a process of its own; used by the other commands.
    #[command(subcommand, hide = true)]
    Child(Child),
}

#[derive(Args)]
struct Amount {
    /// A tenth of the rows, the fewest rounds.
    #[arg(long)]
    quick: bool,
    /// Only what has PATTERN in its name.
    #[arg(long, value_name = "PATTERN")]
    only: Option<String>,
    /// The table of flights for the jobs on files (CSV, also gzip); the shipped sample without it.
    #[arg(long, value_name = "CSV")]
    flights: Option<PathBuf>,
    /// Also ten times the input through each job on files: 3 GB and many minutes.
    #[arg(long)]
    long: bool,
}

#[derive(Subcommand)]
enum Child {
    /// Peak memory after parsing so many bytes of CSV.
    PeakCsv {
        /// Bytes.
        bytes: u64,
    },
    /// A job as often as told, for its instructions to be counted.
    Count {
        /// The job.
        job: instructions::Job,
        /// `trommel`, or `floor` for the same by hand.
        who: String,
        /// How often.
        rounds: u32,
    },
    /// Rate of the boxed job over so many rows.
    Boxed {
        /// Rows.
        rows: u64,
    },
    /// Runs a program and prints what it took.
    Timed {
        /// The program and its arguments.
        #[arg(last = true)]
        command: Vec<OsString>,
    },
    /// A contestant of a job on files.
    File {
        /// The job.
        job: String,
        /// 0 for Trommel, then those that stand beside it.
        index: usize,
        /// What is read.
        input: PathBuf,
        /// What is written; nothing where sums are printed.
        output: Option<PathBuf>,
    },
    /// Peak memory before and after generating so many rows.
    PeakGenerate {
        /// Rows.
        rows: u64,
        /// What they are.
        #[arg(value_enum, default_value_t = bars::peak::Form::Arena)]
        form: bars::peak::Form,
    },
}

impl From<Amount> for Plan {
    fn from(amount: Amount) -> Plan {
        let Amount { quick, only, flights, long } = amount;
        Plan { quick, only, flights, long }
    }
}

fn main() -> ExitCode {
    match run(Cli::parse().command) {
        Ok(code) => code,
        Err(failure) => {
            eprintln!("trommel-bench: {}", chain(&failure));
            ExitCode::FAILURE
        }
    }
}

fn run(command: Command) -> Result<ExitCode> {
    match command {
        Command::Bars { amount, strict } => {
            let Measured { bars, files } = bars::measure(&amount.into(), &mut show)?;
            files.iter().for_each(|outcome| eprintln!("\n{}", files::table(outcome)));
            let count = |state| bars.iter().filter(|bar| bar.state() == state).count();
            let (ok, short, skipped) = (count("ok"), count("short"), count("skipped"));
            eprintln!("{ok} ok, {short} short, {skipped} skipped");
            if strict && bars.iter().any(|bar| !bar.is_reached()) {
                return Ok(ExitCode::FAILURE);
            }
        }
        Command::Files(amount) => {
            let Measured { files, .. } = bars::measure_files(&amount.into(), &mut show)?;
            files.iter().for_each(|outcome| println!("\n{}", files::table(outcome)));
        }
        Command::Tables(amount) => {
            tables::measure(&amount.into(), &mut |table| println!("{table}"))?;
        }
        Command::Report { amount, out } => {
            report::write(&amount.into(), &out, &mut |done| eprintln!("{done}"))?;
            eprintln!("written to {}", out.display());
        }
        Command::Instructions => {
            if !instructions::measure(&mut |counted| println!("{counted}"))? {
                return Ok(ExitCode::FAILURE);
            }
        }
        Command::Child(Child::Count { job, who, rounds }) => {
            instructions::child(job, who == "trommel", rounds)?;
        }
        Command::Child(Child::PeakCsv { bytes }) => bars::peak::csv(bytes)?,
        Command::Child(Child::Timed { command }) => files::timed(&command)?,
        Command::Child(Child::File { job, index, input, output }) => {
            files::child(&job, index, &input, &output.unwrap_or_default())?;
        }
        Command::Child(Child::Boxed { rows }) => tables::boxed_child(rows)?,
        Command::Child(Child::PeakGenerate { rows, form }) => bars::peak::generate(rows, form)?,
    }
    Ok(ExitCode::SUCCESS)
}

/// The bar on standard output, what is behind it on standard error.
fn show(bar: &bars::Bar) {
    println!("{bar}");
    match &bar.value {
        Ok(_) if bar.note.is_empty() => {}
        Ok(_) => eprintln!("    {}", bar.note),
        Err(why) => eprintln!("    {why}"),
    }
}

/// A failure and those of its causes that it does not name itself.
fn chain(failure: &Failure) -> String {
    let mut text = failure.to_string();
    let mut cause = failure.source();
    while let Some(error) = cause {
        let said = error.to_string();
        if !text.contains(&said) {
            text.push_str(": ");
            text.push_str(&said);
        }
        cause = error.source();
    }
    text
}
