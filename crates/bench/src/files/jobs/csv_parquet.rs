//! CSV into Parquet, compressed by zstd.

use crate::files::check::Check;
use crate::files::peers::Peer;
use crate::files::{Against, Contestant, Destination, Goal, Input, Job, Output, Program};

pub(super) static JOB: Job = Job {
    name: "csv_parquet",
    title: "CSV to Parquet, zstd",
    input: Input::Csv,
    output: Output::Stored {
        place: Destination::File("parquet"),
        check: Check::of_parquet,
        rows: Check::of_parquet,
    },
    contestants: &[Contestant::ours(Program::Example {
        name: "csv_to_parquet",
        features: "csv,parquet",
        arguments: &[],
    })],
    peers: &[
        Peer::python("DuckDB", "duckdb", "csv_parquet_duckdb.py"),
        Peer::python("Polars, streaming", "polars", "csv_parquet_polars.py"),
        Peer::python("DataFusion", "datafusion", "csv_parquet_datafusion.py"),
        Peer::python("pandas", "pandas", "csv_parquet_pandas.py").rounds(1).shown(),
    ],
    goals: &[Goal::wall("peers", Against::Peers, 0.6), Goal::peak(128.0)],
};
