//! JSON lines, every column decoded in the workers, into a few sums.
//!
//! ```text
//! cargo run --release -p trommel-connect --example ndjson_fold -- flights.ndjson
//! ```

use serde::Deserialize;
use trommel::{Engine, Pipeline, sinks};
use trommel_connect::ndjson::{self, Row};

/// A flight as its line has it; texts are borrowed from the line.
#[derive(Deserialize)]
#[expect(dead_code, reason = "decoded, as a real job would, though only a part is added up")]
struct Flight<'a> {
    year: i32,
    month: i32,
    day: i32,
    dep_time: Option<i32>,
    sched_dep_time: i32,
    dep_delay: Option<i32>,
    arr_time: Option<i32>,
    sched_arr_time: i32,
    arr_delay: Option<i32>,
    carrier: &'a str,
    flight: i32,
    tailnum: Option<&'a str>,
    origin: &'a str,
    dest: &'a str,
    air_time: Option<i32>,
    distance: i32,
    hour: i32,
    minute: i32,
    time_hour: &'a str,
}

#[derive(Default)]
struct Sums {
    rows: u64,
    /// Distance, minutes, delay and thousandths of the speed: whoever has another sum has other rows.
    checksum: i64,
}

impl Sums {
    fn add(&mut self, flight: &Flight<'_>) {
        if let Some(air_time) = flight.air_time {
            self.rows += 1;
            let speed = f64::from(flight.distance) / f64::from(air_time) * 60.0;
            let delay = flight.arr_delay.unwrap_or_default();
            self.checksum += i64::from(flight.distance)
                + i64::from(air_time)
                + i64::from(delay)
                + (speed * 1000.0) as i64;
        }
    }
}

fn main() -> trommel::Result<()> {
    let input = std::env::args().nth(1).unwrap_or_else(|| "flights.ndjson".into());
    let mut sums = sinks::fold(
        Sums::default,
        |sums: &mut Sums, flight: Flight<'_>| sums.add(&flight),
        |sums: &mut Sums, other| {
            sums.rows += other.rows;
            sums.checksum += other.checksum;
        },
    );
    let report = Pipeline::from(ndjson::Source::open(input)?)
        .transform(|row: Row<'_>, out| out.emit(row.decode::<Flight<'_>>()?))
        .load_into(&mut sums)
        .run(&Engine::new()?)?;
    eprintln!("{report}");
    let sums = sums.into_value();
    println!("rows {}\nchecksum {}", sums.rows, sums.checksum);
    Ok(())
}
