//! CSV in, CSV out: the flights that have an air time, all columns kept, with their speed and an id.
//!
//! `cargo run --release --example csv_to_csv -- INPUT.csv OUTPUT.csv`; an output named `.gz` or
//! `.zst` is compressed. A third argument names a job: run again after a kill, it goes on.

use std::process::ExitCode;
use trommel::{Engine, Pipeline, Result, RunReport};
use trommel_connect::csv;

fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let (input, output, job) = match &arguments[..] {
        [input, output] => (input, output, None),
        [input, output, job] => (input, output, Some(job)),
        _ => {
            eprintln!("usage: csv_to_csv INPUT.csv OUTPUT.csv[.gz|.zst] [JOB]");
            return ExitCode::from(2);
        }
    };
    match load(input, output, job) {
        Ok(report) => {
            eprintln!("{report}");
            ExitCode::SUCCESS
        }
        Err(error) => {
            eprintln!("error: {error}");
            ExitCode::FAILURE
        }
    }
}

fn load(input: &str, output: &str, job: Option<&String>) -> Result<RunReport> {
    let source = csv::Source::builder().nulls(["", "NA"]).open(input)?;
    let carrier = source.column("carrier")?;
    let flight = source.column("flight")?;
    let air_time = source.column("air_time")?;
    let distance = source.column("distance")?;
    let mut pipeline = Pipeline::from(source).name("flights");
    if let Some(job) = job {
        pipeline = pipeline.resumable(job);
    }
    pipeline
        .transform(move |row, out| {
            let Some(minutes) = row.get::<Option<f64>>(air_time)? else {
                return Ok(()); // nothing is emitted: the row is filtered
            };
            let speed = row.get::<f64>(distance)? / minutes * 60.0;
            let id = out.text().str(row.str(carrier)?).str(row.str(flight)?).finish();
            out.emit(row.with((speed, id)))
        })
        .load_into(csv::Sink::create(output)?.appended(["speed", "id"]))
        .run(&Engine::new()?)
}
