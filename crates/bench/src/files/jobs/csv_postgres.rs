//! CSV into a table of PostgreSQL: raw on both sides, which is what `\copy` can do, and with the
//! transform, exactly once.

use crate::Result;
use crate::files::check::Check;
use crate::files::peers::{Need, Peer};
use crate::files::{Against, Contestant, Destination, Goal, Input, Job, Output, Program};
use std::path::Path;

pub(super) static JOB: Job = Job {
    name: "csv_postgres",
    title: "CSV to PostgreSQL; CPU and memory are the client's",
    input: Input::Csv,
    output: stored(Check::of_raw_postgres),
    contestants: &[Contestant::ours(example(&["flights", "--connections=2"]))],
    peers: &[Peer {
        name: "psql \\copy, raw",
        script: "csv_postgres_copy.sh",
        needs: Need::Program("psql"),
        same_work: true,
        rival: true,
        rounds: 5,
    }],
    goals: &[Goal::wall("copy", Against::Peers, 0.6), Goal::cpu("copy.cpu", Against::Peers, 0.5)],
};

/// What the origin's database tier is measured against: twenty times its 5 to 10 thousand rows a
/// second, by a job that can be killed and resumed.
pub(super) static EXACTLY_ONCE: Job = Job {
    name: "tier.postgres",
    title: "CSV to PostgreSQL, exactly once; CPU and memory are the client's",
    input: Input::Csv,
    output: stored(Check::of_postgres),
    contestants: &[
        Contestant::ours(example(&["flights", "--append", "--derive"])),
        Contestant::shown("trommel, replacing all", example(&["flights", "--derive"])),
    ],
    peers: &[],
    goals: &[Goal::rate("", 200_000.0)],
};

const fn stored(check: fn(&Path) -> Result<Check>) -> Output {
    Output::Stored { place: Destination::Postgres, check, rows: check }
}

const fn example(arguments: &'static [&'static str]) -> Program {
    Program::Example { name: "csv_to_postgres", features: "csv,postgres", arguments }
}
