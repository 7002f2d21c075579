//! CSV into a table of SQLite, with durable settings; also exactly once.

use crate::Result;
use crate::files::check::Check;
use crate::files::flight::{Columns, Flight, NULLS, speed};
use crate::files::peers::{Need, Peer};
use crate::files::{Against, Contestant, Destination, Goal, Input, Job, Output, Program, engine};
use rusqlite::{Connection, params};
use std::path::Path;
use std::sync::mpsc;
use trommel::{Options, Pipeline, Tier};
use trommel_connect::{csv, sqlite};

pub(super) static JOB: Job = Job {
    name: "csv_sqlite",
    title: "CSV to SQLite, durable",
    input: Input::Csv,
    output: STORED,
    contestants: &[
        Contestant::ours(Program::Here(once)),
        Contestant::floor("rusqlite, 2 threads", floor),
    ],
    peers: &[Peer {
        name: "sqlite3 .import, raw",
        script: "csv_sqlite_import.sh",
        needs: Need::Program("sqlite3"),
        same_work: false,
        rival: true,
        rounds: 3,
    }],
    goals: &[
        Goal::wall("import", Against::Peers, 0.35),
        Goal::wall("rusqlite", Against::Floors, 1.0),
    ],
};

/// What the origin's database tier is measured against: twenty times its 5 to 10 thousand rows a
/// second, by a job that can be killed and resumed.
pub(super) static EXACTLY_ONCE: Job = Job {
    name: "tier.sqlite",
    title: "CSV to SQLite, durable, exactly once",
    input: Input::Csv,
    output: STORED,
    contestants: &[
        Contestant::ours(Program::Here(|input, output| load(input, output, true))),
        Contestant::shown("trommel, not resumable", Program::Here(once)),
    ],
    peers: &[],
    goals: &[Goal::rate("", 200_000.0)],
};

const STORED: Output = Output::Stored {
    place: Destination::File("db"),
    check: Check::of_sqlite,
    rows: Check::rows_of_sqlite,
};

fn once(input: &Path, output: &Path) -> Result<()> {
    load(input, output, false)
}

fn load(input: &Path, output: &Path, resumable: bool) -> Result<()> {
    let source = csv::Source::builder().nulls(NULLS).open(input)?;
    let columns = Columns::of(&source)?;
    let pipeline = Pipeline::from(source)
        .options(Options::tier(Tier::Database).build()?)
        .transform(move |row, out| {
            let Some(air_time) = columns.air_time(&row)? else { return Ok(()) };
            let (carrier, number) = columns.name(&row)?;
            let id = out.text().str(carrier).str(number).finish();
            out.emit(&columns.flight(&row, air_time, id)?)
        })
        .load_into(sqlite::Sink::create(output)?.table::<Flight<'_>>("flights"));
    let pipeline = match resumable {
        true => pipeline.resumable("flights"),
        false => pipeline,
    };
    pipeline.run(&engine()?)?;
    Ok(())
}

/// What the floor's reader hands to its writer.
struct Flown {
    record: ::csv::StringRecord,
    numbers: [Option<i64>; 14],
    speed: f64,
    id: String,
}

/// As one would write it by hand: one thread reads with the `csv` crate, one inserts, all of it in
/// one transaction.
fn floor(input: &Path, output: &Path) -> Result<()> {
    let (sender, receiver) = mpsc::sync_channel::<Vec<Flown>>(4);
    let mut reader = ::csv::Reader::from_path(input)?;
    let mut database = Connection::open(output)?;
    database.pragma_update(None, "synchronous", "EXTRA")?;
    database.pragma_update(None, "cache_size", -16_384)?;
    database.execute_batch(
        "CREATE TABLE flights (
            year INTEGER, month INTEGER, day INTEGER, dep_time INTEGER, sched_dep_time INTEGER,
            dep_delay INTEGER, arr_time INTEGER, sched_arr_time INTEGER, arr_delay INTEGER,
            carrier TEXT, flight INTEGER, tailnum TEXT, origin TEXT, dest TEXT, air_time INTEGER,
            distance INTEGER, hour INTEGER, minute INTEGER, time_hour TEXT, speed REAL, id TEXT)",
    )?;
    std::thread::scope(|scope| {
        let reading = scope.spawn(move || -> Result<()> {
            let mut batch = Vec::with_capacity(1_000);
            for record in reader.records() {
                batch.extend(flown(record?)?);
                if batch.len() == 1_000 {
                    let full = std::mem::replace(&mut batch, Vec::with_capacity(1_000));
                    sender.send(full).map_err(|_| "the writer is gone")?;
                }
            }
            sender.send(batch).map_err(|_| "the writer is gone".into())
        });
        let transaction = database.transaction()?;
        {
            let marks = vec!["?"; 21].join(",");
            let mut insert =
                transaction.prepare(&format!("INSERT INTO flights VALUES ({marks})"))?;
            for Flown { record: t, numbers: n, speed, id } in receiver.iter().flatten() {
                insert.execute(params![
                    n[0], n[1], n[2], n[3], n[4], n[5], n[6], n[7], n[8], &t[9], n[9], &t[11],
                    &t[12], &t[13], n[10], n[11], n[12], n[13], &t[18], speed, id
                ])?;
            }
        }
        transaction.commit()?;
        reading.join().map_err(|_| "the reader panicked")?
    })
}

/// The flight in a record, when it has an air time.
fn flown(record: ::csv::StringRecord) -> Result<Option<Flown>> {
    const NUMBERS: [usize; 14] = [0, 1, 2, 3, 4, 5, 6, 7, 8, 10, 14, 15, 16, 17];
    let mut numbers: [Option<i64>; 14] = [None; 14];
    for (number, column) in numbers.iter_mut().zip(NUMBERS) {
        let text = &record[column];
        *number = match NULLS.contains(&text) {
            true => None,
            false => Some(text.parse()?),
        };
    }
    let (Some(air_time), Some(distance)) = (numbers[10], numbers[11]) else { return Ok(None) };
    let speed = speed(distance.try_into()?, air_time.try_into()?);
    let id = format!("{}{}", &record[9], &record[10]);
    Ok(Some(Flown { record, numbers, speed, id }))
}
