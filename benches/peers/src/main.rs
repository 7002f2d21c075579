//! The origin's job as other designs do it, beside Trommel, in one process and one run:
//! `cargo run --release --manifest-path benches/peers/Cargo.toml -- --quick`.
//!
//! Every entry's result is compared with that of a plain loop before any time is taken. The entries
//! are then run in turn, round after round, so that what else the machine does hits all of them
//! alike, and ratios are taken within a round.

mod job;
mod measure;
mod peers;
mod report;

use clap::Parser;

use crate::job::Form;
use crate::measure::{Entry, Plan};
use crate::report::Report;

#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

/// Compares Trommel with other designs on the origin's job.
#[derive(Parser)]
struct Arguments {
    /// Fewer rounds and shorter long runs: about ten seconds.
    #[arg(long)]
    quick: bool,
    /// One JSON document instead of the table and the lines.
    #[arg(long)]
    json: bool,
    /// Only peers whose name contains this, and Trommel.
    #[arg(long, value_name = "PART")]
    only: Option<String>,
    /// Only this form of the job.
    #[arg(long)]
    form: Option<Form>,
    /// Rounds of the short runs; even numbers are made odd.
    #[arg(long, value_name = "N")]
    rounds: Option<usize>,
}

fn main() {
    let arguments = Arguments::parse();
    let mut peers = peers::all();
    if let Some(part) = &arguments.only {
        peers.retain(|peer| peer.name() == "trommel" || peer.name().contains(part.as_str()));
    }

    let mut plans = if arguments.quick {
        [Plan::short(5), Plan::long(5, 200_000, 2_000)]
    } else {
        [Plan::short(21), Plan::long(5, 2_000_000, 40_000)]
    };
    if let Some(rounds) = arguments.rounds {
        plans[0].rounds = rounds.max(5) | 1;
    }

    let mut report = Report::new();
    for plan in &plans {
        let mut entries = Entry::all(&peers, plan);
        entries.retain(|entry| arguments.form.is_none_or(|form| form == entry.form));
        let samples = measure::run(&mut peers, &entries, plan);
        report.add(&peers, plan, &entries, &samples);
    }
    if arguments.json {
        println!("{}", report.json());
    } else {
        print!("{report}");
    }
}
