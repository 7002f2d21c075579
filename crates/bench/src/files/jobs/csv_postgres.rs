//! CSV into a table of PostgreSQL, raw on both sides: what `\copy` can do.

use crate::files::check::Check;
use crate::files::peers::{Need, Peer};
use crate::files::{Against, Destination, Goal, Input, Job, Ours, Output};

pub(super) static JOB: Job = Job {
    name: "csv_postgres",
    title: "CSV to PostgreSQL; CPU and memory are the client's",
    input: Input::Csv,
    output: Output {
        place: Destination::Postgres,
        check: |url, _| Check::of_postgres(url),
        rows: Check::of_postgres,
    },
    ours: Ours::Example {
        name: "csv_to_postgres",
        features: "csv,postgres",
        arguments: &["flights", "--connections=2"],
    },
    floors: &[],
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
