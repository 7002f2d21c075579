//! What has been done since the last commit, and what it takes to do it again.

use std::ops::Range;
use std::time::Instant;

/// Rows of one page that are in the transaction, kept until it commits.
#[derive(Debug)]
pub(super) struct Kept {
    pub(super) data: Vec<u8>,
    /// Which columns (a number of [`Routes`]) and which bytes.
    pub(super) parts: Vec<(usize, Range<usize>)>,
}

/// What has been done since the last commit.
#[derive(Debug)]
pub(super) struct Transaction {
    pub(super) since: Instant,
    pub(super) rows: usize,
    pub(super) bytes: usize,
    pub(super) kept: Vec<Kept>,
    pub(super) kept_bytes: usize,
    /// What came before a savepoint is not kept any more: the connection must not be lost.
    pub(super) has_savepoint: bool,
    /// The server's number of it, when its outcome may have to be asked for.
    pub(super) number: Option<String>,
}

impl Transaction {
    pub(super) fn new() -> Self {
        Transaction {
            since: Instant::now(),
            rows: 0,
            bytes: 0,
            kept: Vec::new(),
            kept_bytes: 0,
            has_savepoint: false,
            number: None,
        }
    }
}

/// Empties buffers for their next use.
pub(super) fn recycle(pool: &mut Vec<Vec<u8>>, kept: &mut Vec<Kept>) {
    for Kept { mut data, .. } in kept.drain(..) {
        // As many as travel between two commits.
        if pool.len() < 256 {
            data.clear();
            pool.push(data);
        }
    }
}
