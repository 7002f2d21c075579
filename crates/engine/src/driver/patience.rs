//! How long a run stays on the caller's thread.

use super::slot::Sample;
use std::time::Duration;

/// Time for the second batch of a job: enough to know what a row costs when caches are warm.
const SECOND_TURN: Duration = Duration::from_micros(8);
/// Work that is worth waking the pool for.
const INLINE: Duration = if cfg!(shuttle) { Duration::ZERO } else { Duration::from_micros(60) };

/// Time for a second batch whose page will tell what the sink takes for a page from what it takes for a row.
const SINK_TURN: Duration = Duration::from_millis(4);

/// How long the caller's thread goes on alone.
#[derive(Debug)]
pub(super) enum Patience {
    /// To the end: the pool is not to be waited for.
    Endless,
    /// While what is left is not worth waking the pool for.
    Until { rows: Option<u64>, source_blocks: bool },
}

impl Patience {
    /// Whether the source is so slow that rows would come while this thread works. What a source that waits
    /// for nothing gives is used by the thread that took it.
    pub(super) fn is_over_after_fill(&self, filled: &Sample) -> bool {
        matches!(self, Patience::Until { source_blocks: true, .. })
            && u128::from(filled.fill_ns) > INLINE.as_nanos()
    }

    /// Whether the pool should take over, `elapsed_ns` after the start and after `done` rows of which
    /// the last batch is `last`.
    pub(super) fn is_over(&self, elapsed_ns: u64, done: u64, last: &Sample) -> bool {
        let Patience::Until { rows, .. } = self else {
            return false;
        };
        let elapsed = Duration::from_nanos(elapsed_ns);
        match rows {
            _ if last.rows == 0 => false,
            Some(_) if elapsed > 4 * INLINE => true,
            Some(_) => {
                // Less than 2 µs says as much about cold caches as about the rows.
                let sure = if last.ns() < 2_000 { 2 } else { 1 };
                !self.is_rest_within(sure * INLINE, done, last)
            }
            None => elapsed > INLINE,
        }
    }

    /// Whether the sink took nearly all of the time of the first batch: before the ring is full of small
    /// pages, a larger one is to tell whether they cost as much as large ones.
    pub(super) fn asks_the_sink(&self, is_first: bool, last: &Sample) -> bool {
        matches!(self, Patience::Until { .. })
            && is_first
            && last.rows > 0
            && u128::from(last.write_ns) > INLINE.as_nanos()
            && last.write_ns > 4 * (last.work_ns + last.fill_ns)
    }

    /// Time for the next batch, after `done` rows of which the last batch is `last`. The fewer batches, the
    /// less of a small job is overhead.
    pub(super) fn next_turn(&self, is_first: bool, done: u64, last: &Sample) -> Duration {
        if self.asks_the_sink(is_first, last) {
            return SINK_TURN;
        }
        if is_first && !self.is_rest_within(INLINE, done, last) { SECOND_TURN } else { INLINE }
    }

    /// Whether what is left after `done` rows takes no more than `time`, by the cost of the last batch.
    fn is_rest_within(&self, time: Duration, done: u64, last: &Sample) -> bool {
        let Patience::Until { rows: Some(rows), .. } = self else {
            return false;
        };
        let row_ns = last.ns() as f64 / last.rows.max(1) as f64;
        rows.saturating_sub(done) as f64 * row_ns <= time.as_nanos() as f64
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const JOB: Patience = Patience::Until { rows: Some(1_016), source_blocks: true };
    const UNKNOWN: Patience = Patience::Until { rows: None, source_blocks: true };

    fn batch(rows: u64, work_ns: u64) -> Sample {
        Sample { rows, work_ns, ..Sample::default() }
    }

    #[test]
    fn a_job_that_ends_soon_takes_two_batches() {
        // 16 rows of 50 ns: the other 1,000 take 50 us.
        assert_eq!(JOB.next_turn(true, 16, &batch(16, 800)), INLINE);
        // Of 70 ns: 70 us, more than is worth waking the pool for, if caches were warm.
        assert_eq!(JOB.next_turn(true, 16, &batch(16, 1_120)), SECOND_TURN);
        assert_eq!(JOB.next_turn(false, 500, &batch(484, 8_000)), INLINE);
        for unknown in [UNKNOWN, Patience::Endless] {
            assert_eq!(unknown.next_turn(true, 16, &batch(16, 800)), SECOND_TURN);
        }
    }

    #[test]
    fn only_what_a_source_was_waited_for_changes_its_thread() {
        let slow = Sample { fill_ns: 60_001, ..batch(16, 0) };
        assert!(JOB.is_over_after_fill(&slow));
        assert!(!JOB.is_over_after_fill(&Sample { fill_ns: 60_000, ..slow }));
        let waits_for_nothing = Patience::Until { rows: None, source_blocks: false };
        assert!(!waits_for_nothing.is_over_after_fill(&slow));
        assert!(!Patience::Endless.is_over_after_fill(&slow));
    }

    #[test]
    fn a_slow_sink_is_asked_what_a_page_costs() {
        let slow = Sample { write_ns: 260_000, ..batch(16, 800) };
        assert!(JOB.asks_the_sink(true, &slow));
        assert_eq!(JOB.next_turn(true, 16, &slow), SINK_TURN);
        let heavy_too = Sample { work_ns: 100_000, ..slow };
        for (patience, is_first, sample) in [
            (JOB, false, slow),
            (JOB, true, heavy_too),
            (JOB, true, Sample { rows: 0, ..slow }),
            (Patience::Endless, true, slow),
        ] {
            assert!(!patience.asks_the_sink(is_first, &sample), "{patience:?}, {sample:?}");
        }
    }

    #[test]
    fn the_pool_takes_over_when_what_is_left_is_worth_it() {
        // 1,000 rows of 70 ns: a batch of less than 2 us says little, a longer one is believed.
        assert!(!JOB.is_over(1_120, 16, &batch(16, 1_120)));
        assert!(JOB.is_over(4_480, 16, &batch(64, 4_480)));
        assert!(JOB.is_over(4 * INLINE.as_nanos() as u64 + 1, 1_000, &batch(16, 16)));
        assert!(!Patience::Endless.is_over(u64::MAX, 16, &batch(16, 1_000_000)));
        assert!(!UNKNOWN.is_over(1_000, 16, &batch(16, 1_000)));
        assert!(UNKNOWN.is_over(60_001, 16, &batch(16, 60_000)));
    }
}
