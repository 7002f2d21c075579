//! Miles flown, by Trommel and by the `parquet` crate's own reader on one thread, in turns: what
//! the engine costs, or saves, on top of decoding.
//!
//!     cargo run --release -p trommel-connect --features parquet --example parquet_fold -- \
//!         flights.parquet 20

use std::fs::File;
use std::time::{Duration, Instant};
use trommel::{Engine, Error, Pipeline, Result, sinks};
use trommel_connect::arrow::arrow_array::{Array, PrimitiveArray, types::UInt16Type};
use trommel_connect::parquet::Source;
use trommel_connect::parquet::parquet::arrow::ProjectionMask;
use trommel_connect::parquet::parquet::arrow::arrow_reader::ParquetRecordBatchReaderBuilder;

/// Sum of distances, and the time that flights of more than 1,000 miles took.
type Sums = (u64, u64, u64);

fn by_trommel(path: &str, engine: &Engine) -> Result<Sums> {
    let source = Source::open(path)?.columns(["distance", "air_time"])?;
    let (distance, air_time) = (source.column("distance")?, source.column("air_time")?);
    let mut sums = sinks::fold(
        || (0, 0, 0),
        |sums: &mut Sums, (miles, minutes): (u16, u16)| {
            sums.0 += 1;
            sums.1 += u64::from(miles);
            sums.2 += if miles > 1000 { u64::from(minutes) } else { 0 };
        },
        |sums, other| {
            *sums = (sums.0 + other.0, sums.1 + other.1, sums.2 + other.2);
        },
    );
    Pipeline::from(source)
        .transform(|row, out| out.emit((row.get::<u16>(distance)?, row.get::<u16>(air_time)?)))
        .load_into(&mut sums)
        .run(engine)?;
    Ok(sums.into_value())
}

fn by_the_crate(path: &str) -> Result<Sums> {
    let failed = |error: Cause| Error::fatal("the file can't be read").caused_by(error);
    let builder = ParquetRecordBatchReaderBuilder::try_new(File::open(path)?)
        .map_err(|error| failed(error.into()))?;
    let mask = ProjectionMask::columns(builder.parquet_schema(), ["distance", "air_time"]);
    let reader = builder
        .with_projection(mask)
        .with_batch_size(8192)
        .build()
        .map_err(|error| failed(error.into()))?;
    let mut sums = (0, 0, 0);
    for batch in reader {
        let batch = batch.map_err(|error| failed(error.into()))?;
        let column = |name| {
            let column = batch.column_by_name(name).map(|column| column.as_any());
            column
                .and_then(|column| column.downcast_ref::<PrimitiveArray<UInt16Type>>())
                .ok_or_else(|| Error::fatal("no column of u16").in_column(name))
        };
        let (distance, air_time) = (column("distance")?, column("air_time")?);
        for row in 0..batch.num_rows() {
            if distance.is_null(row) || air_time.is_null(row) {
                return Err(Error::fatal("a null"));
            }
            let (miles, minutes) = (distance.value(row), air_time.value(row));
            sums.0 += 1;
            sums.1 += u64::from(miles);
            sums.2 += if miles > 1000 { u64::from(minutes) } else { 0 };
        }
    }
    Ok(sums)
}

type Cause = Box<dyn std::error::Error + Send + Sync>;

fn timed(times: &mut Vec<Duration>, run: impl FnOnce() -> Result<Sums>) -> Result<Sums> {
    let began = Instant::now();
    let sums = run()?;
    times.push(began.elapsed());
    Ok(sums)
}

fn main() -> Result<()> {
    let mut arguments = std::env::args().skip(1);
    let Some(path) = arguments.next() else {
        eprintln!("usage: parquet_fold FLIGHTS.parquet [rounds]");
        std::process::exit(64);
    };
    let rounds = arguments.next().map_or(Ok(10), |rounds| rounds.parse::<usize>())?;
    let (one, all) = (Engine::builder().workers(1).build()?, Engine::new()?);
    let mut times = [const { Vec::new() }; 3];
    for _ in 0..rounds.max(1) {
        let [single, several, alone] = &mut times;
        let sums = timed(alone, || by_the_crate(&path))?;
        // Counts before times.
        assert_eq!(timed(single, || by_trommel(&path, &one))?, sums);
        assert_eq!(timed(several, || by_trommel(&path, &all))?, sums);
    }
    for (name, mut times) in ["Trommel, 1 worker", "Trommel", "parquet crate"].iter().zip(times) {
        times.sort_unstable();
        println!("{name:<20} {:>9.2?} ({:.2?} at best)", times[times.len() / 2], times[0]);
    }
    Ok(())
}
