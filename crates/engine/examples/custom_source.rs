//! A source of one's own: fixed-width sensor readings, cut by the source and decoded by the workers.
//!
//! `cargo run -p trommel --example custom_source`

use trommel::{Batch, Engine, Error, Fill, Limit, Origin, Pipeline, Result, Source, sinks};

/// Bytes of one reading: a sensor number and a temperature in hundredths of a degree.
const WIDTH: usize = 4;

struct Reading {
    sensor: u16,
    celsius: f64,
}

/// The input as it came. Cutting is all that the source does.
struct Readings {
    bytes: Vec<u8>,
    at: usize,
}

#[derive(Default)]
struct ReadingBatch {
    bytes: Vec<u8>,
    offset: usize,
}

impl Source for Readings {
    type Batch = ReadingBatch;

    fn fill(&mut self, batch: &mut ReadingBatch, limit: &Limit<'_>) -> Result<Fill> {
        let wanted = limit.rows().min(limit.bytes() / WIDTH).max(1) * WIDTH;
        let end = (self.at + wanted).min(self.bytes.len());
        batch.bytes.clear();
        batch.bytes.extend_from_slice(&self.bytes[self.at..end]);
        batch.offset = self.at;
        self.at = end;
        Ok(if end == self.bytes.len() { Fill::End } else { Fill::More })
    }
}

impl Batch for ReadingBatch {
    type Row<'a> = Reading;

    fn len(&self) -> usize {
        self.bytes.len().div_ceil(WIDTH)
    }

    fn bytes(&self) -> usize {
        self.bytes.len()
    }

    // Runs in the worker: this is the place for parsing.
    fn for_each<'a, F>(&'a mut self, from: usize, mut visit: F) -> Result<()>
    where
        F: FnMut(Result<Self::Row<'a>>) -> Result<()>,
    {
        for bytes in self.bytes.chunks(WIDTH).skip(from) {
            visit(match *bytes {
                [a, b, c, d] => Ok(Reading {
                    sensor: u16::from_le_bytes([a, b]),
                    celsius: f64::from(i16::from_le_bytes([c, d])) / 100.0,
                }),
                _ => Err(Error::row("the reading is cut off")),
            })?;
        }
        Ok(())
    }

    // For rejects: where a bad row came from, and its bytes.
    fn locate(&self, rows: &[usize], found: &mut dyn FnMut(usize, Origin, &[u8])) {
        for &row in rows {
            let start = row * WIDTH;
            let bytes = &self.bytes[start..(start + WIDTH).min(self.bytes.len())];
            let offset = Some((self.offset + start) as u64);
            found(row, Origin { offset, ..Origin::default() }, bytes);
        }
    }
}

fn main() -> Result<()> {
    let readings = (0..10_000u16).flat_map(|id| {
        let [a, b] = (id % 8).to_le_bytes();
        let [c, d] = ((id % 4_000) as i16 - 1_000).to_le_bytes();
        [a, b, c, d]
    });
    let source = Readings { bytes: readings.collect(), at: 0 };

    let mut hottest = sinks::fold(
        || [f64::MIN; 8],
        |hottest: &mut [f64; 8], reading: Reading| {
            let best = &mut hottest[usize::from(reading.sensor)];
            *best = best.max(reading.celsius);
        },
        |hottest, other| {
            for (best, part) in hottest.iter_mut().zip(other) {
                *best = best.max(part);
            }
        },
    );
    let report = Pipeline::from(source)
        .transform(|reading, out| out.emit(reading))
        .load_into(&mut hottest)
        .run(&Engine::new()?)?;

    let hottest = hottest.into_value();
    println!("{} readings; the hottest of each sensor: {hottest:?}", report.counts.read);
    assert_eq!((report.counts.read, hottest[7]), (10_000, 29.99));
    Ok(())
}
