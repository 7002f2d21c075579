//! When a transaction has become long enough.

use std::time::{Duration, Instant};

/// What a transaction may hold until it is committed; 0: no such limit, but for the interval.
#[derive(Debug, Clone)]
pub(crate) struct Limits {
    pub(crate) rows: usize,
    pub(crate) bytes: usize,
    pub(crate) interval: Duration,
}

impl Limits {
    /// Whether a transaction that was begun at `since` holds that much.
    pub(crate) fn reached(&self, rows: usize, bytes: usize, since: Instant) -> bool {
        let reached = |limit: usize, value: usize| limit > 0 && value >= limit;
        reached(self.rows, rows) || reached(self.bytes, bytes) || since.elapsed() >= self.interval
    }
}
