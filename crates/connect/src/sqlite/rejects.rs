//! Rejects, one row each, in the database that holds the data.

use rusqlite::{Connection, params};
use trommel::Reject;

const CREATE: &str = "CREATE TABLE IF NOT EXISTS trommel_reject (
    job TEXT,
    source TEXT,
    record INTEGER,
    line INTEGER,
    \"offset\" INTEGER,
    \"column\" TEXT,
    stage TEXT NOT NULL,
    reason TEXT NOT NULL,
    raw BLOB NOT NULL,
    rejected TEXT NOT NULL
)";

pub(super) const STORE: &str = "INSERT INTO trommel_reject
    VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, strftime('%Y-%m-%dT%H:%M:%fZ', 'now'))";

/// Makes the table where it is missing.
pub(super) fn create(connection: &Connection) -> rusqlite::Result<()> {
    connection.execute_batch(CREATE)
}

/// Inside the transaction that stores the data, so that both stay or go.
pub(super) fn store(
    connection: &Connection,
    job: Option<&str>,
    reject: &Reject,
) -> rusqlite::Result<()> {
    let integer = |number: Option<u64>| number.map(u64::cast_signed);
    connection.prepare_cached(STORE)?.execute(params![
        job,
        reject.source,
        integer(reject.record),
        integer(reject.line),
        integer(reject.offset),
        reject.column,
        reject.stage.to_string(),
        reject.reason,
        reject.raw,
    ])?;
    Ok(())
}
