//! Parquet, three columns of it, into a few sums.

use crate::files::peers::Peer;
use crate::files::{Against, Contestant, Goal, Input, Job, Kind, Output, Program};

pub(super) static JOB: Job = Job {
    name: "parquet_fold",
    title: "Parquet to sums",
    input: Input::Parquet,
    output: Output::Printed,
    contestants: &[
        Contestant::ours(example(&["columnar"])),
        Contestant::shown("trommel, by rows", example(&["rows"])),
        Contestant {
            kind: Kind::Floor,
            ..Contestant::shown("parquet crate, 1 thread", example(&["crate"]))
        },
    ],
    peers: &[
        Peer::python("DuckDB", "duckdb", "parquet_fold_duckdb.py"),
        Peer::python("Polars, streaming", "polars", "parquet_fold_polars.py"),
        Peer::python("DataFusion", "datafusion", "parquet_fold_datafusion.py"),
        Peer::python("PyArrow", "pyarrow", "parquet_fold_pyarrow.py"),
    ],
    goals: &[Goal::wall("peers", Against::Peers, 1.0), Goal::cpu("peers.cpu", Against::Peers, 1.0)],
};

const fn example(arguments: &'static [&'static str]) -> Program {
    Program::Example { name: "parquet_fold", features: "parquet", arguments }
}
