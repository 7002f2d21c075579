//! Adaptive batching: a cost model chooses the batch size, a brake corrects it.
//!
//! Each stage's time for a batch of `b` rows is fitted as `t(b) = α + β·b`: `α` is what a batch
//! costs however small it is, `β` what a row costs. The fit is least squares with exponentially
//! fading weights; sizes are dithered by ±12.5 % so that `α` and `β` can be told apart. The size
//! chosen is the smallest at which `α / (α + β·b)` is at most 3 % in every stage: larger batches
//! gain next to nothing and leave the cache.

use super::fit::{Fit, rows_for_share};
use super::slot::Sample;
use crate::options::Options;
use crate::report::BatchSample;

/// Share of a batch's time that may be overhead.
const OVERHEAD_SHARE: f64 = 0.03;
/// Samples between two changes of the size, so that each can show its effect; fewer at the start,
/// when there is most to gain.
const EPOCH: u32 = 4;
const FIRST_EPOCH: u32 = 2;
/// Largest change of the size, a factor, so that one odd sample can't throw it across the range.
const STEP: f64 = 8.0;
/// The same where the parallel run begins: the size that was asked for knows nothing of the rows.
const FIRST_STEP: f64 = 64.0;
/// What the first batches there may take in a worker, ns, where the size that was asked for takes less: a
/// small job is not to be cut into batches of a few microseconds.
const FIRST_NS: f64 = 25_000.0;
/// Samples that make the start.
const START: u32 = 16;
/// What a slot should hold at most, so that a batch and what it becomes stay in the cache of the core
/// that works on them: the second-level cache of today's servers.
const CACHE_BYTES: f64 = 1024.0 * 1024.0;
/// Wide rows don't fit it in numbers worth a batch; for fewer than these it does not count.
const CACHE_ROWS: f64 = 1024.0;
/// Longest that one batch should take in a worker, ns: a run stays responsive to cancel, progress
/// and the flush timeout.
const LATENCY_NS: f64 = 20e6;
/// Sizes of successive batches, in eighths of the chosen one.
const DITHER: [usize; 4] = [8, 9, 8, 7];
/// What is left makes at least so many batches for each worker.
const BATCHES_LEFT: u64 = 3;
/// Work that is worth a batch of its own there, ns.
const LEAST_NS: f64 = 50_000.0;
/// Share of the sink's time that may be overhead in those.
const SINK_SHARE: f64 = 0.2;
/// The trace keeps this many changes.
const MAX_TRACE: usize = 4_096;

/// Chooses the size of every batch.
#[derive(Debug)]
pub(super) struct Batcher {
    rows: usize,
    /// The size that was asked for.
    start: usize,
    range: Option<(usize, usize)>,
    /// Rows that are still to come, if known, and the workers that share them.
    left: Option<(u64, usize)>,
    work: Fit,
    fill: Fit,
    write: Fit,
    bytes_per_row: f64,
    share_bytes: usize,
    since_change: u32,
    samples: u32,
    turn: usize,
    trace: Vec<BatchSample>,
}

impl Batcher {
    /// `share_bytes` is what one slot may hold.
    pub(super) fn new(options: &Options, share_bytes: usize) -> Self {
        Batcher {
            rows: options.batch_size,
            start: options.batch_size,
            range: options.adaptive,
            left: None,
            work: Fit::default(),
            fill: Fit::default(),
            write: Fit::default(),
            bytes_per_row: 0.0,
            share_bytes,
            since_change: 0,
            samples: 0,
            turn: 0,
            trace: Vec::new(),
        }
    }

    /// Rows for batch number `seq`.
    pub(super) fn rows(&mut self, seq: u64) -> usize {
        let Some((min, max)) = self.range else {
            return self.rows;
        };
        let traced = self.trace.last().map(|sample| sample.rows as usize);
        if traced != Some(self.rows) && self.trace.len() < MAX_TRACE {
            self.trace.push(BatchSample { batch: seq, rows: self.rows as u32 });
        }
        self.turn = (self.turn + 1) % DITHER.len();
        let rows = self.rows * DITHER[self.turn] / 8;
        rows.min(self.share_of_rest()).clamp(min, max)
    }

    /// Rows that a batch may take of what is left, so that the workers end together: ever fewer
    /// towards the end (guided self-scheduling: Polychronopoulos and Kuck, 1987).
    fn share_of_rest(&self) -> usize {
        let Some((left, workers)) = self.left else {
            return usize::MAX;
        };
        let share = (left / (BATCHES_LEFT * workers as u64)) as usize;
        // A sink that takes its time for each page would lose more by many than the workers gain; not one
        // that is done before they come with the next.
        let pace = self.write.per_row.max(self.work.per_row / workers as f64);
        let pages = rows_for_share(self.write.per_batch, pace, SINK_SHARE) as usize;
        let few = match self.work.is_known() {
            true => (LEAST_NS / self.work.per_row.max(1e-3)) as usize,
            false => usize::MAX,
        };
        share.max(self.start.min(few).max(pages).min(self.rows))
    }

    /// That so many rows have been handed out.
    pub(super) fn issued(&mut self, rows: usize) {
        if let Some((left, _)) = &mut self.left {
            *left = left.saturating_sub(rows as u64);
        }
    }

    /// The nearest size that is allowed.
    pub(super) fn clamp(&self, rows: usize) -> usize {
        let memory = (self.share_bytes as f64 / self.bytes_per_row.max(1e-3)) as usize;
        let (min, max) = self.range.unwrap_or((self.rows, self.rows));
        rows.min(memory).clamp(min, max)
    }

    /// Nanoseconds that a row takes in a worker and bytes that it becomes, as far as known.
    pub(super) fn row_cost(&self) -> Option<(f64, f64)> {
        self.work.is_known().then_some((self.work.per_row, self.bytes_per_row))
    }

    /// Begins the parallel run: some batches have been seen, `left` rows are to come, if known, for
    /// `workers` workers.
    pub(super) fn begin(&mut self, left: Option<u64>, workers: usize) {
        let Some((min, max)) = self.range else { return };
        if self.samples > 1 {
            self.choose(min, max, FIRST_STEP);
        } else {
            // One sample can't tell what a batch costs from what its rows cost; the next, larger one
            // will. Only rows that are plainly heavy make it smaller, and only plainly light ones larger.
            let latency = LATENCY_NS / self.work.per_row.max(1e-3);
            let light = match self.work.is_known() {
                true => self.clamp((FIRST_NS / self.work.mean_per_row().max(1e-3)) as usize),
                false => 0,
            };
            self.rows = (self.rows.max(light) as f64).min(latency).max(min as f64) as usize;
        }
        self.left = left.map(|left| (left, workers));
    }

    /// Learns from a batch and may change the size.
    pub(super) fn learn(&mut self, sample: &Sample) {
        if sample.rows == 0 {
            return;
        }
        let rows = sample.rows as f64;
        self.work.add(rows, sample.work_ns as f64);
        self.fill.add(rows, sample.fill_ns as f64);
        if sample.write_ns > 0 {
            self.write.add(rows, sample.write_ns as f64);
        }
        let bytes_per_row = sample.bytes as f64 / rows;
        // Up at once, down slowly: the limit is a promise.
        self.bytes_per_row = bytes_per_row.max(self.bytes_per_row * 0.95 + bytes_per_row * 0.05);
        self.since_change += 1;
        self.samples = self.samples.saturating_add(1);
        let Some((min, max)) = self.range else {
            return;
        };
        if sample.bytes > self.share_bytes {
            self.rows = (self.rows / 2).max(min);
            self.since_change = 0;
        } else if self.since_change >= if self.samples < START { FIRST_EPOCH } else { EPOCH } {
            self.choose(min, max, STEP);
        }
    }

    fn choose(&mut self, min: usize, max: usize, step: f64) {
        let wanted = [&self.work, &self.fill, &self.write]
            .iter()
            .filter(|fit| fit.is_known())
            .map(|fit| fit.rows_for_share(OVERHEAD_SHARE))
            .fold(1.0, f64::max);
        let latency = LATENCY_NS / self.work.per_row.max(self.write.per_row).max(1e-3);
        let memory = self.share_bytes as f64 / self.bytes_per_row.max(1e-3);
        let cache = (CACHE_BYTES / self.bytes_per_row.max(1e-3)).max(CACHE_ROWS);
        let rows = wanted
            .min(latency)
            .min(memory)
            .min(cache)
            .clamp(self.rows as f64 / step, self.rows as f64 * step)
            .clamp(min as f64, max as f64) as usize;
        // Within 15 % it is the same size: changing it would only blur the fits.
        if rows.abs_diff(self.rows) * 7 > self.rows {
            self.rows = rows.max(1);
            self.since_change = 0;
        }
    }

    pub(super) fn into_trace(self) -> Vec<BatchSample> {
        self.trace
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sample(rows: usize, per_batch: f64, per_row: f64) -> Sample {
        Sample {
            rows: rows as u64,
            work_ns: (per_batch + per_row * rows as f64) as u64,
            bytes: rows * 100,
            ..Sample::default()
        }
    }

    fn settle(batcher: &mut Batcher, per_batch: f64, per_row: f64, batches: u64) -> usize {
        for seq in 0..batches {
            let rows = batcher.rows(seq);
            batcher.learn(&sample(rows, per_batch, per_row));
        }
        batcher.rows
    }

    fn batcher() -> Batcher {
        Batcher::new(&Options::default(), 64 << 20)
    }

    #[test]
    fn finds_the_size_that_the_model_asks_for() {
        for (per_batch, per_row) in [(1_000.0, 30.0), (3_000.0, 100.0), (2_000.0, 10.0)] {
            let rows = settle(&mut batcher(), per_batch, per_row, 50) as f64;
            let ideal: f64 = per_batch * 0.97 / (0.03 * per_row);
            let overhead = per_batch / (per_batch + per_row * rows);
            assert!(overhead < 0.05 && rows < ideal * 2.0, "{per_batch} {per_row}: {rows}");
        }
    }

    #[test]
    fn heavy_rows_make_small_batches() {
        assert!(settle(&mut batcher(), 1_000.0, 1e6, 50) <= 20);
    }

    #[test]
    fn recovers_from_a_shift_within_50_batches() {
        let mut batcher = batcher();
        let light = settle(&mut batcher, 1_000.0, 20.0, 60);
        assert!(light > 1_000, "{light}");
        let heavy = settle(&mut batcher, 1_000.0, 100_000.0, 50);
        assert!(heavy <= 200, "{heavy}");
        let again = settle(&mut batcher, 1_000.0, 20.0, 50);
        assert!(again > 1_000, "{again}");
    }

    #[test]
    fn the_brake_keeps_slots_within_their_share() {
        let mut batcher = Batcher::new(&Options::default(), 10_000);
        for seq in 0..50 {
            let rows = batcher.rows(seq);
            batcher.learn(&sample(rows, 5_000.0, 10.0));
        }
        assert!(batcher.rows * 100 <= 12_000, "{}", batcher.rows);
    }

    #[test]
    fn batches_shrink_towards_the_end() {
        // Symptom: a run of 8,000 rows was cut into 10 batches, and one worker did the last 6,000.
        // Cause: the size was held against what was left only once, before it was known to be
        // light. Fix: it is held against what is left for each batch.
        let mut batcher = batcher();
        batcher.begin(Some(8_000), 2);
        let (mut left, mut sizes) = (8_000usize, Vec::new());
        while left > 0 {
            let rows = batcher.rows(sizes.len() as u64).min(left);
            batcher.issued(rows);
            batcher.learn(&sample(rows, 100_000.0, 10.0));
            assert!(rows <= 128 || rows * 6 <= left, "{rows} of {left}");
            left -= rows;
            sizes.push(rows);
        }
        assert!(sizes.iter().any(|rows| *rows > 800) && sizes.len() < 40, "{sizes:?}");
    }

    #[test]
    fn few_heavy_rows_are_shared_out() {
        // Symptom: 600 rows of 16 us took 1.5 times as long as by hand. Cause: no batch was smaller
        // than the first size, 128. Fix: none needs to be larger than what is worth a batch.
        let mut batcher = batcher();
        batcher.learn(&sample(16, 1_000.0, 16_000.0));
        batcher.begin(Some(584), 2);
        let rows = batcher.rows(1);
        assert!((16..=584 / 6).contains(&rows), "{rows}");
    }

    #[test]
    fn light_rows_begin_with_batches_that_are_worth_it() {
        // Symptom: 5,000 rows of 15 ns were cut into 23 batches, each of which costs about a microsecond.
        // Cause: the first batches had 128 rows, 2 us, whatever the rows cost. Fix: they may take 25 us by
        // the cost of the first rows, cold caches and the batch's own cost included.
        let mut batcher = batcher();
        batcher.learn(&sample(16, 300.0, 20.0));
        batcher.begin(Some(4_984), 2);
        let rows = batcher.rows(1);
        assert!((600..=4_984 / 6).contains(&rows), "{rows}");
    }

    #[test]
    fn rows_of_which_nothing_is_known_begin_with_the_size_that_was_asked_for() {
        // Symptom: behind a source that takes its time for the first rows, the first batches were as large
        // as any may be, however heavy the rows. Cause: no row had been worked on, which looked like rows
        // that cost nothing. Fix: they are light only where a worker has seen some.
        let mut batcher = batcher();
        batcher.begin(None, 2);
        assert_eq!(batcher.rows, Options::default().batch_size);
    }

    #[test]
    fn a_sink_that_is_done_at_once_leaves_the_rest_to_be_shared_out() {
        // Symptom: 8,000 rows of 600 ns into a fold were cut into 10 batches, and took 1.6 times as long
        // as in batches of 128. Cause: pages had to be so large that 0.7 us of the sink vanished beside
        // what it took for the rows, which was nothing. Fix: it may vanish beside the workers' time.
        let mut batcher = batcher();
        batcher.begin(Some(8_000), 2);
        let mut left = 8_000;
        while left > 0 {
            let rows = batcher.rows(0).min(left);
            assert!(rows <= 128 || rows * 6 <= left, "{rows} of {left}");
            batcher.issued(rows);
            batcher.learn(&Sample { write_ns: 700, ..sample(rows, 1_000.0, 600.0) });
            left -= rows;
        }
    }

    #[test]
    fn a_sink_that_takes_its_time_gets_large_pages_to_the_end() {
        let mut batcher = batcher();
        batcher.begin(Some(100_000), 2);
        let mut sizes = Vec::new();
        for left in (0..100_000usize).rev().step_by(4_000) {
            let rows = batcher.rows(sizes.len() as u64);
            let slow = Sample { write_ns: 200_000, ..sample(rows, 1_000.0, 20.0) };
            batcher.learn(&slow);
            batcher.left = Some((left as u64, 2));
            sizes.push(rows);
        }
        assert!(sizes[sizes.len() - 4..].iter().all(|rows| *rows > 4_000), "{sizes:?}");
    }

    #[test]
    fn a_sink_that_takes_its_time_gets_large_pages_from_the_start() {
        // Symptom: a sink of 0.27 ms a page got ten pages of 128 and 1,024 rows, a tenth of a job of 60
        // large ones. Cause: the size grew by a factor of eight for each turn of the ring. Fix: two pages
        // of different sizes before the ring tell enough.
        let mut batcher = batcher();
        for rows in [16, 250] {
            batcher.learn(&Sample { write_ns: 270_000, ..sample(rows, 1_000.0, 30.0) });
        }
        batcher.begin(Some(500_000), 2);
        assert!(batcher.rows(2) > 7_000, "{}", batcher.rows);
    }

    #[test]
    fn fixed_sizes_stay() {
        let options = Options::builder().fixed_batch_size(7).build().unwrap();
        let mut batcher = Batcher::new(&options, 1 << 20);
        assert_eq!(settle(&mut batcher, 1_000.0, 1.0, 40), 7);
        assert_eq!(batcher.rows(0), 7);
    }
}
