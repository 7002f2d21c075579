//! CSV in, SQLite out: the flights that have an air time, with their speed and an id.
//!
//! `cargo run --release --example quickstart` loads a sample of real flights into `flights.db`;
//! `cargo run --release --example quickstart -- INPUT.csv OUTPUT.db` loads yours, also `.csv.gz`.

use indicatif::{HumanCount, HumanDuration, ProgressBar, ProgressStyle};
use serde::Serialize;
use std::io::{self, Write as _};
use std::process::ExitCode;
use trommel::{Engine, Error, Options, Pipeline, Progress, Result, Tier};
use trommel_connect::csv;
use trommel_connect::sqlite::{self, rusqlite};

/// 19,811 of the flights that left New York City in 2013.
const SAMPLE: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/data/flights-sample.csv.gz");

/// A row of the table. Texts are borrowed: from the input, or from the arena of the batch.
#[derive(Serialize)]
struct Flight<'a> {
    id: &'a str,
    carrier: &'a str,
    origin: &'a str,
    dest: &'a str,
    time_hour: &'a str,
    /// Miles.
    distance: u32,
    /// Minutes.
    air_time: u32,
    /// Miles per hour.
    speed: f64,
}

fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let result = match &arguments[..] {
        [] => load(SAMPLE, "flights.db"),
        [input, output] if !input.starts_with('-') => load(input, output),
        _ => {
            eprintln!("usage: quickstart [INPUT.csv[.gz] OUTPUT.db]");
            return ExitCode::from(2);
        }
    };
    match result {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            explain(&error);
            ExitCode::FAILURE
        }
    }
}

fn load(input: &str, output: &str) -> Result<()> {
    // `NA` and the empty field stand for no value. What ends in `.gz` is unpacked on the way.
    let source = csv::Source::builder().nulls(["", "NA"]).open(input)?;
    let flights = sqlite::Sink::create(output)?.table::<Flight<'_>>("flights").replace();
    let bar = ProgressBar::new(1000);
    let watched = bar.clone();
    let result = Pipeline::from(source)
        .name("flights")
        .options(Options::tier(Tier::Database).build()?)
        .on_progress(move |progress| show(progress, &watched))
        .transform(|row, out| {
            let Some(air_time) = row.get::<Option<u32>>("air_time")? else {
                return Ok(()); // nothing is emitted: the row is filtered
            };
            let carrier = row.str("carrier")?;
            let id = out.text().str(carrier).str(row.str("flight")?).finish();
            let distance = row.get("distance")?;
            out.emit(&Flight {
                id,
                carrier,
                origin: row.str("origin")?,
                dest: row.str("dest")?,
                time_hour: row.str("time_hour")?,
                distance,
                air_time,
                speed: f64::from(distance) / f64::from(air_time) * 60.0,
            })
        })
        .load_into(flights)
        .run_and_return(&Engine::new()?);
    bar.finish_and_clear();

    let (report, flights) = result?;
    if report.counts.loaded == 0 {
        writeln!(io::stdout(), "{report}\n\nno flight with an air time, so no table")?;
        return Ok(());
    }
    let answer = summary(&flights.into_connection())
        .map_err(|error| Error::fatal(format!("cannot query {output}")).caused_by(error))?;
    // Not `println!`, which panics when nobody reads on (`quickstart | head`).
    writeln!(io::stdout(), "{report}\n\ntable flights of {output}:\n{answer}")?;
    Ok(())
}

fn show(progress: &Progress, bar: &ProgressBar) {
    let rows = HumanCount(progress.rows);
    let rate = HumanCount(progress.rows_per_second as u64);
    // A pipe does not tell how long it is, and nothing does before its first rows.
    let (template, left) = match progress.eta {
        Some(eta) => ("{bar:30} {percent:>3} %, {msg}", format!(", {} left", HumanDuration(eta))),
        None => ("{spinner} {elapsed}, {msg}", String::new()),
    };
    bar.set_style(ProgressStyle::with_template(template).expect("a valid template"));
    bar.set_message(format!("{rows} rows, {rate} rows/s{left}"));
    bar.set_position((progress.fraction.unwrap_or(0.0) * 1000.0) as u64);
}

/// Rows and mean speed, of each carrier and of all, as a table.
fn summary(database: &rusqlite::Connection) -> rusqlite::Result<String> {
    let mut query = database.prepare(
        "SELECT carrier, count(*), avg(speed) FROM flights GROUP BY carrier
         UNION ALL SELECT 'all', count(*), avg(speed) FROM flights ORDER BY 2",
    )?;
    let mut table = format!("{:<8}{:>10}{:>10}", "carrier", "rows", "mean mph");
    let mut rows = query.query([])?;
    while let Some(row) = rows.next()? {
        let (carrier, count): (String, u32) = (row.get(0)?, row.get(1)?);
        let speed = row.get::<_, Option<f64>>(2)?.unwrap_or(f64::NAN);
        let count = HumanCount(count.into()).to_string();
        table.push_str(&format!("\n{carrier:<8}{count:>10}{speed:>10.1}"));
    }
    Ok(table)
}

/// Prints an error with its place and cause, and what the run had done by then.
fn explain(error: &Error) {
    eprintln!("error: {error}");
    error.siblings().iter().for_each(|sibling| eprintln!("also: {sibling}"));
    if let Some(report) = error.report() {
        eprintln!("{report}");
    }
}
