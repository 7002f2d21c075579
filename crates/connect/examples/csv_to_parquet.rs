//! Flights from CSV to Parquet: flights that never flew are dropped, speed and id are derived, all
//! columns are kept.
//!
//!     cargo run --release -p trommel-connect --features parquet --example csv_to_parquet -- \
//!         flights.csv flights.parquet

use serde::Serialize;
use trommel::{Engine, Options, Pipeline, RejectPolicy, Result};
use trommel_connect::{csv, parquet};

#[derive(Serialize)]
struct Flight<'a> {
    id: &'a str,
    speed: f64,
    year: u16,
    month: u8,
    day: u8,
    dep_time: Option<u16>,
    sched_dep_time: u16,
    dep_delay: Option<i16>,
    arr_time: Option<u16>,
    sched_arr_time: u16,
    arr_delay: Option<i16>,
    carrier: &'a str,
    flight: u16,
    tailnum: Option<&'a str>,
    origin: &'a str,
    dest: &'a str,
    air_time: u16,
    distance: u16,
    hour: u8,
    minute: u8,
    time_hour: &'a str,
}

fn main() -> Result<()> {
    let mut arguments = std::env::args().skip(1);
    let (Some(from), Some(to)) = (arguments.next(), arguments.next()) else {
        eprintln!("usage: csv_to_parquet FLIGHTS.csv FLIGHTS.parquet [resumable job's name]");
        std::process::exit(64);
    };
    let source = csv::Source::builder().nulls(["", "NA"]).open(from)?;
    // Found once: looking up twenty names a row would cost as much as reading the fields.
    let at = |name| source.column(name);
    let (year, month, day) = (at("year")?, at("month")?, at("day")?);
    let (dep_time, sched_dep_time) = (at("dep_time")?, at("sched_dep_time")?);
    let (arr_time, sched_arr_time) = (at("arr_time")?, at("sched_arr_time")?);
    let (dep_delay, arr_delay) = (at("dep_delay")?, at("arr_delay")?);
    let (carrier, flight, tailnum) = (at("carrier")?, at("flight")?, at("tailnum")?);
    let (origin, dest) = (at("origin")?, at("dest")?);
    let (air_time, distance) = (at("air_time")?, at("distance")?);
    let (hour, minute, time_hour) = (at("hour")?, at("minute")?, at("time_hour")?);
    let pipeline = Pipeline::from(source)
        .options(Options::builder().on_reject(RejectPolicy::skip(1000)).build()?)
        .transform(move |row, out| {
            let Some(minutes) = row.get::<Option<u16>>(air_time)? else { return Ok(()) };
            let (airline, number) = (row.str(carrier)?, row.get::<u16>(flight)?);
            let miles = row.get::<u16>(distance)?;
            let id = out.text().str(airline).int(number).finish();
            out.emit(Flight {
                id,
                speed: f64::from(miles) / f64::from(minutes) * 60.0,
                year: row.get(year)?,
                month: row.get(month)?,
                day: row.get(day)?,
                dep_time: row.get(dep_time)?,
                sched_dep_time: row.get(sched_dep_time)?,
                dep_delay: row.get(dep_delay)?,
                arr_time: row.get(arr_time)?,
                sched_arr_time: row.get(sched_arr_time)?,
                arr_delay: row.get(arr_delay)?,
                carrier: airline,
                flight: number,
                tailnum: row.get(tailnum)?,
                origin: row.get(origin)?,
                dest: row.get(dest)?,
                air_time: minutes,
                distance: miles,
                hour: row.get(hour)?,
                minute: row.get(minute)?,
                time_hour: row.get(time_hour)?,
            })
        })
        .load_into(parquet::Sink::create(to));
    let pipeline = match arguments.next() {
        Some(job) => pipeline.resumable(job),
        None => pipeline,
    };
    println!("{}", pipeline.run(&Engine::new()?)?);
    Ok(())
}
