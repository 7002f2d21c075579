//! The size of the batches follows the cost of the rows, in a run of the engine itself.

mod common;

use common::{engine, no_hang};
use std::ops::Range;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering::SeqCst};
use std::thread;
use std::time::Duration;
use trommel::testing::SlowSink;
use trommel::{BatchSample, Fill, Limit, Options, Pipeline, Result, Source, sinks, sources};

/// Batches of each part of the run.
const PART: u64 = 50;
/// Largest batch that the run may have.
const MAX_ROWS: u32 = 512;

/// Numbers, whose middle part of [`PART`] batches is heavy; only the source knows at which row a batch
/// begins.
struct Shifting<S> {
    numbers: S,
    batches: u64,
    rows: u64,
    heavy: [Arc<AtomicU64>; 2],
}

impl<S: Source> Source for Shifting<S> {
    type Batch = S::Batch;

    fn fill(&mut self, batch: &mut S::Batch, limit: &Limit<'_>) -> Result<Fill> {
        for (part, bound) in (1..).zip(&self.heavy) {
            if self.batches == part * PART {
                bound.store(self.rows, SeqCst);
            }
        }
        self.batches += 1;
        self.numbers.fill(batch, limit)?;
        self.rows += trommel::Batch::len(batch) as u64;
        Ok(if self.batches == 3 * PART { Fill::End } else { Fill::More })
    }
}

/// Sizes in force during these batches.
fn sizes(trace: &[BatchSample], batches: Range<u64>) -> Vec<u32> {
    let size = |batch| trace.iter().rev().find(|sample| sample.batch <= batch).unwrap().rows;
    batches.map(size).collect()
}

/// A row sleeps or does nothing, so that each cost has a bound on the side that matters, whatever else
/// the machine does. A page costs the sink a millisecond at least: while rows are light, that is worth
/// batches as large as they may be. A heavy row takes 200 µs at least: a batch of more than 100 takes a
/// worker longer than the 20 ms that it should.
#[test]
fn the_size_follows_a_shift_of_the_cost_of_rows_within_50_batches() {
    no_hang("adaptive", || {
        let heavy = [(); 2].map(|()| Arc::new(AtomicU64::new(u64::MAX)));
        let [from, to] = heavy.clone();
        let numbers = sources::generate(1 << 40, |id| id);
        let report = Pipeline::from(Shifting { numbers, batches: 0, rows: 0, heavy })
            .options(Options::builder().adaptive(1..=MAX_ROWS as usize).build().unwrap())
            .map(move |id| {
                if (from.load(SeqCst)..to.load(SeqCst)).contains(&id) {
                    thread::sleep(Duration::from_micros(200));
                }
                id
            })
            .load_into(SlowSink::new(sinks::count(), Duration::from_millis(1)))
            .run(&engine(2))
            .unwrap();
        assert_eq!(report.batches, 3 * PART);
        let trace = &report.batch_trace;
        let last = |part: u64| sizes(trace, part * PART - 5..part * PART);
        assert!(last(1).iter().all(|rows| *rows > MAX_ROWS * 3 / 4), "light: {trace:?}");
        assert!(last(2).iter().all(|rows| *rows < MAX_ROWS / 3), "heavy: {trace:?}");
        assert!(last(3).iter().all(|rows| *rows > MAX_ROWS * 3 / 4), "light again: {trace:?}");
    });
}
