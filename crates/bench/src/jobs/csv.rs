//! CSV: bytes in, typed rows, a fold.

use crate::Result;
use crate::workload::FlightCsv;
use trommel::{Engine, Options, Pipeline, RunReport, sinks};
use trommel_connect::csv::{self, Row};

/// What a table of flights comes to: every row is read, four of its columns as numbers.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Sums {
    /// Rows.
    pub rows: u64,
    /// Rows with an air time.
    pub flown: u64,
    /// Sum of the miles of those.
    pub miles: u64,
    /// Sum of their minutes in the air.
    pub minutes: u64,
    /// Sum of their delays, minutes.
    pub delay: i64,
}

impl Sums {
    #[inline]
    fn add(&mut self, flight: Option<(u64, u64, i64)>) {
        self.rows += 1;
        if let Some((miles, minutes, delay)) = flight {
            self.flown += 1;
            self.miles += miles;
            self.minutes += minutes;
            self.delay += delay;
        }
    }

    fn merge(&mut self, other: Sums) {
        self.rows += other.rows;
        self.flown += other.flown;
        self.miles += other.miles;
        self.minutes += other.minutes;
        self.delay += other.delay;
    }
}

/// The table in memory, parsed by the workers.
///
/// # Errors
/// As [`trommel::Job::run`].
pub fn parse(engine: &Engine, options: &Options, text: &'static str) -> Result<Sums> {
    let source =
        csv::Source::builder().nulls(["NA", ""]).from_reader("flights", text.as_bytes())?;
    let columns = ["arr_delay", "air_time", "distance"].map(|name| source.column(name));
    let [delay, air_time, distance] = columns;
    let (delay, air_time, distance) = (delay?, air_time?, distance?);
    let mut sink = sinks::fold(Sums::default, Sums::add, Sums::merge);
    Pipeline::from(source)
        .transform(move |row: Row<'_>, out| {
            let minutes: Option<u64> = row.get(air_time)?;
            out.emit(match minutes {
                Some(minutes) => Some((row.get(distance)?, minutes, row.get(delay)?)),
                None => None,
            })
        })
        .load_into(&mut sink)
        .options(options.clone())
        .run(engine)?;
    Ok(sink.into_value())
}

/// The same with the `csv` crate's quickest loop, on one thread.
///
/// # Errors
/// When a row is not a flight.
pub fn plain(text: &str) -> Result<Sums> {
    let mut reader = ::csv::Reader::from_reader(text.as_bytes());
    let mut record = ::csv::ByteRecord::new();
    let mut sums = Sums::default();
    while reader.read_byte_record(&mut record)? {
        let text = |column: usize| std::str::from_utf8(&record[column]);
        sums.add(match text(14)? {
            "NA" | "" => None,
            minutes => Some((text(15)?.parse()?, minutes.parse()?, text(8)?.parse()?)),
        });
    }
    Ok(sums)
}

/// So many bytes of the table, made while they are read, into nothing.
///
/// # Errors
/// As [`trommel::Job::run`].
pub fn discard(engine: &Engine, bytes: u64) -> Result<RunReport> {
    let source = csv::Source::from_reader("flights", FlightCsv::new(bytes))?;
    Ok(Pipeline::from(source)
        .transform(|row: Row<'_>, out| out.emit(row.len()))
        .load_into(sinks::null())
        .run(engine)?)
}
