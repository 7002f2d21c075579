//! Flights from Parquet into two sums, by Trommel's rows, by its record batches, and by the
//! `parquet` crate's own reader on one thread, in turns: what the engine costs, or saves, on top of
//! decoding.
//!
//!     cargo run --release -p trommel-connect --features parquet --example parquet_fold -- \
//!         flights.parquet 20
//!
//! The file is one that `csv_to_parquet` has written. `rows`, `columnar` or `crate` instead of a number
//! of rounds only prints the sums, once, as that one finds them. A ratio is the time with all workers over
//! that of the crate's reader divided by the number of workers: 1 is what dividing the work could save.

use std::fs::File;
use std::time::{Duration, Instant};
use trommel::{Engine, Error, Pipeline, Result, sinks};
use trommel_connect::arrow::arrow_array::types::{ArrowPrimitiveType, Int16Type, UInt16Type};
use trommel_connect::arrow::arrow_array::{Array, PrimitiveArray, RecordBatch};
use trommel_connect::parquet::Source;
use trommel_connect::parquet::parquet::arrow::ProjectionMask;
use trommel_connect::parquet::parquet::arrow::arrow_reader::ParquetRecordBatchReaderBuilder;

const COLUMNS: [&str; 3] = ["arr_delay", "air_time", "distance"];
const WORKERS: usize = 2;

/// Flights that flew, and a sum of their miles, minutes, delays and speeds in thousandths.
#[derive(Clone, Copy, Default, PartialEq, Eq, Debug)]
struct Sums {
    rows: u64,
    checksum: i64,
}

impl Sums {
    fn add(&mut self, miles: u16, minutes: u16, delay: i16) {
        self.rows += 1;
        let speed = f64::from(miles) / f64::from(minutes) * 60.0;
        self.checksum +=
            i64::from(miles) + i64::from(minutes) + i64::from(delay) + (speed * 1000.0) as i64;
    }

    fn print(self) {
        println!("rows {}\nchecksum {}", self.rows, self.checksum);
    }

    fn merge(&mut self, other: Sums) {
        self.rows += other.rows;
        self.checksum += other.checksum;
    }

    fn add_all(&mut self, batch: &RecordBatch) -> Result<()> {
        let delay = column::<Int16Type>(batch, "arr_delay")?;
        let minutes = column::<UInt16Type>(batch, "air_time")?;
        let miles = column::<UInt16Type>(batch, "distance")?;
        for row in 0..batch.num_rows() {
            if minutes.is_valid(row) {
                let delay = if delay.is_valid(row) { delay.value(row) } else { 0 };
                self.add(miles.value(row), minutes.value(row), delay);
            }
        }
        Ok(())
    }
}

fn column<'b, T: ArrowPrimitiveType>(
    batch: &'b RecordBatch,
    name: &str,
) -> Result<&'b PrimitiveArray<T>> {
    let column = batch.column_by_name(name).and_then(|column| column.as_any().downcast_ref());
    column.ok_or_else(|| Error::fatal("no column of 16 bits").in_column(name))
}

fn by_rows(path: &str, engine: &Engine) -> Result<Sums> {
    let source = Source::open(path)?.columns(COLUMNS)?;
    let [delay, minutes, miles] = COLUMNS.map(|name| source.column(name));
    let (delay, minutes, miles) = (delay?, minutes?, miles?);
    let add = |sums: &mut Sums, (miles, minutes, delay)| sums.add(miles, minutes, delay);
    let mut sums = sinks::fold(Sums::default, add, Sums::merge);
    Pipeline::from(source)
        .transform(|row, out| match row.get::<Option<u16>>(minutes)? {
            Some(minutes) => {
                let delay = row.get::<Option<i16>>(delay)?.unwrap_or_default();
                out.emit((row.get::<u16>(miles)?, minutes, delay))
            }
            None => Ok(()),
        })
        .load_into(&mut sums)
        .run(engine)?;
    Ok(sums.into_value())
}

fn by_record_batches(path: &str, engine: &Engine) -> Result<Sums> {
    let mut sums = sinks::fold(Sums::default, Sums::merge, Sums::merge);
    Pipeline::from(Source::open(path)?.columns(COLUMNS)?.columnar())
        .transform(|batch, out| {
            let mut sums = Sums::default();
            sums.add_all(&batch)?;
            out.emit(sums)
        })
        .load_into(&mut sums)
        .run(engine)?;
    Ok(sums.into_value())
}

fn by_the_crate(path: &str) -> Result<Sums> {
    let failed = |error: Cause| Error::fatal("the file can't be read").caused_by(error);
    let builder = ParquetRecordBatchReaderBuilder::try_new(File::open(path)?)
        .map_err(|error| failed(error.into()))?;
    let mask = ProjectionMask::columns(builder.parquet_schema(), COLUMNS);
    let reader = builder
        .with_projection(mask)
        .with_batch_size(8192)
        .build()
        .map_err(|error| failed(error.into()))?;
    let mut sums = Sums::default();
    for batch in reader {
        sums.add_all(&batch.map_err(|error| failed(error.into()))?)?;
    }
    Ok(sums)
}

type Cause = Box<dyn std::error::Error + Send + Sync>;

fn main() -> Result<()> {
    let mut arguments = std::env::args().skip(1);
    let Some(path) = arguments.next() else {
        eprintln!("usage: parquet_fold FLIGHTS.parquet [ROUNDS | rows | columnar | crate]");
        std::process::exit(64);
    };
    let all = Engine::builder().workers(WORKERS).build()?;
    match arguments.next().as_deref() {
        Some("rows") => by_rows(&path, &all)?.print(),
        Some("columnar") => by_record_batches(&path, &all)?.print(),
        Some("crate") => by_the_crate(&path)?.print(),
        rounds => race(&path, &all, rounds.map_or(Ok(11), str::parse)?)?.print(),
    }
    Ok(())
}

/// Runs all contestants in turns, prints their times and ratios, and answers the sums.
fn race(path: &str, all: &Engine, rounds: usize) -> Result<Sums> {
    let one = Engine::builder().workers(1).build()?;
    let contestants: [(&str, &dyn Fn() -> Result<Sums>); 5] = [
        ("parquet crate, 1 thread", &|| by_the_crate(path)),
        ("rows, 1 worker", &|| by_rows(path, &one)),
        ("rows, 2 workers", &|| by_rows(path, all)),
        ("record batches, 1 worker", &|| by_record_batches(path, &one)),
        ("record batches, 2 workers", &|| by_record_batches(path, all)),
    ];
    let mut times = contestants.map(|_| Vec::new());
    let mut sums = None;
    for round in 0..rounds.max(1) {
        for turn in 0..contestants.len() {
            let index = (round + turn) % contestants.len();
            let began = Instant::now();
            let found = contestants[index].1()?;
            times[index].push(began.elapsed());
            // Sums before times.
            assert_eq!(found, *sums.get_or_insert(found), "{}", contestants[index].0);
        }
    }
    for ((name, _), times) in contestants.iter().zip(&times) {
        let (median, best) = (median(times), times.iter().min().copied().unwrap_or_default());
        println!("{name:<26} {median:>9.2?} ({best:.2?} at best)");
    }
    for (name, ours) in [("rows", &times[2]), ("columnar", &times[4])] {
        // Within a round: the machine is never quiet.
        let ratio = |(ours, alone): (&Duration, &Duration)| {
            ours.as_secs_f64() / (alone.as_secs_f64() / WORKERS as f64)
        };
        let mut ratios: Vec<f64> = ours.iter().zip(&times[0]).map(ratio).collect();
        ratios.sort_unstable_by(f64::total_cmp);
        println!("ratio {name} {:.3}", ratios[ratios.len() / 2]);
    }
    Ok(sums.unwrap_or_default())
}

fn median(times: &[Duration]) -> Duration {
    let mut times = times.to_vec();
    times.sort_unstable();
    times.get(times.len() / 2).copied().unwrap_or_default()
}
