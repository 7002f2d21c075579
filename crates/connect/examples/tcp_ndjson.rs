//! How many rows a second come through a TCP socket as NDJSON: a thread sends flights over the
//! loopback, the pipeline decodes each into a struct and adds up.
//!
//! ```text
//! cargo run --release -p trommel-connect --features csv,ndjson,socket \
//!     --example tcp_ndjson -- [TIMES] [WORKERS]
//! ```
//! `TIMES` (default 50) is how often the sample of 19,811 flights is sent; `WORKERS` is the size of the
//! pool (default 0: all cores). Sender, socket, cutter and workers share the machine.

use flate2::read::GzDecoder;
use serde::{Deserialize, Serialize};
use std::error::Error;
use std::io::{Cursor, Read, Write};
use std::net::TcpStream;
use std::time::Instant;
use trommel::{Engine, Pipeline, sinks};
use trommel_connect::{csv, ndjson, socket};

/// All columns of a flight, borrowed from the line they came in.
#[derive(Serialize, Deserialize)]
struct Flight<'a> {
    year: u16,
    month: u8,
    day: u8,
    dep_time: Option<u16>,
    sched_dep_time: u16,
    dep_delay: Option<f64>,
    arr_time: Option<u16>,
    sched_arr_time: u16,
    arr_delay: Option<f64>,
    carrier: &'a str,
    flight: u32,
    tailnum: Option<&'a str>,
    origin: &'a str,
    dest: &'a str,
    air_time: Option<f64>,
    distance: f64,
    hour: f64,
    minute: f64,
    time_hour: &'a str,
}

#[derive(Default)]
struct Totals {
    flights: u64,
    miles: f64,
    minutes: f64,
}

impl Totals {
    fn add(&mut self, flight: &Flight<'_>) {
        if let Some(minutes) = flight.air_time {
            self.flights += 1;
            self.miles += flight.distance;
            self.minutes += minutes;
        }
    }
}

fn main() -> Result<(), Box<dyn Error>> {
    let mut arguments = std::env::args().skip(1);
    let mut number = |default| arguments.next().map_or(Ok(default), |text| text.parse::<usize>());
    let (times, workers) = (number(50)?, number(0)?);
    let text = sample()?;
    let rows = text.iter().filter(|byte| **byte == b'\n').count() * times;
    let bytes = text.len() * times;
    let engine = Engine::builder().workers(workers).build()?;

    let listener = socket::tcp("127.0.0.1:0").listen()?;
    let address = listener.local_addr().to_owned();
    let sender = std::thread::spawn(move || {
        let mut peer = TcpStream::connect(address)?;
        (0..times).try_for_each(|_| peer.write_all(&text))
    });

    let mut totals = sinks::fold(
        Totals::default,
        |totals: &mut Totals, flight: Flight<'_>| totals.add(&flight),
        |totals, other| {
            totals.flights += other.flights;
            totals.miles += other.miles;
            totals.minutes += other.minutes;
        },
    );
    let began = Instant::now();
    let report = Pipeline::from(listener.source(ndjson::Source::from_reader)?)
        .transform(|row: ndjson::Row<'_>, out| out.emit(row.decode::<Flight<'_>>()?))
        .load_into(&mut totals)
        .run(&engine)?;
    let seconds = began.elapsed().as_secs_f64();
    sender.join().map_err(|_| "the sender panicked")??;

    assert_eq!(report.counts.loaded, rows as u64);
    let totals = totals.into_value();
    println!("{report}");
    println!(
        "{rows} rows, {:.0} MB in {seconds:.3} s: {:.2} M rows/s, {:.0} MB/s; {} flights at {:.0} mph",
        bytes as f64 / 1e6,
        rows as f64 / seconds / 1e6,
        bytes as f64 / seconds / 1e6,
        totals.flights,
        totals.miles / totals.minutes * 60.0
    );
    println!("rows_per_second {:.0}", rows as f64 / seconds);
    Ok(())
}

/// The flights that come with the crate, as NDJSON.
fn sample() -> Result<Vec<u8>, Box<dyn Error>> {
    let packed = &include_bytes!("../data/flights-sample.csv.gz")[..];
    let mut text = Vec::new();
    GzDecoder::new(packed).read_to_end(&mut text)?;
    let source =
        csv::Source::builder().nulls(["", "NA"]).from_reader("flights", Cursor::new(text))?;
    let mut lines = sinks::write(Vec::new());
    Pipeline::from(source)
        .transform(|row: csv::Row<'_>, out| {
            let mut line = serde_json::to_string(&row.decode::<Flight<'_>>()?)
                .map_err(|error| trommel::Error::row("no JSON").caused_by(error))?;
            line.push('\n');
            out.emit(&*line)
        })
        .load_into(&mut lines)
        .run(&Engine::new()?)?;
    Ok(lines.into_inner())
}
