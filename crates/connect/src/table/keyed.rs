//! Positions in a query whose rows are ordered by a key: how many rows, and the key of the last one.

use trommel::Position;

/// More rows than any query gives.
const MOST: u64 = u64::MAX >> 2;

/// The number of rows is not needed to go on, but to number those that come then: places in messages
/// and rejects count from the first row of the job.
pub(crate) fn position(rows: u64, key: &[u8]) -> Position {
    Position::from_bytes(&[&rows.to_le_bytes()[..], key].concat())
}

/// Rows and key, if it is such a position.
pub(crate) fn rows_and_key(position: &Position) -> Option<(u64, &[u8])> {
    let (rows, key) = position.as_bytes().split_first_chunk::<8>()?;
    let rows = u64::from_le_bytes(*rows);
    (rows <= MOST).then_some((rows, key))
}
