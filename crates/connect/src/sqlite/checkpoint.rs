//! Checkpoints, one row per job, in the database that holds the data.

use super::schema::{resolved, same};
use crate::table::Taken;
use rusqlite::{Connection, OptionalExtension, Row, params};
use trommel::{Checkpoint, Counts, Fingerprint, Position};

/// `updated` is null until the first commit: the row then only holds the epoch. `destination` is the
/// table that the rows are in; null in rows of before it was noted.
const CREATE: &str = "CREATE TABLE IF NOT EXISTS trommel_checkpoint (
    job TEXT PRIMARY KEY,
    epoch INTEGER NOT NULL,
    position BLOB,
    read INTEGER NOT NULL DEFAULT 0,
    loaded INTEGER NOT NULL DEFAULT 0,
    rejected INTEGER NOT NULL DEFAULT 0,
    filtered INTEGER NOT NULL DEFAULT 0,
    emitted INTEGER NOT NULL DEFAULT 0,
    source TEXT,
    finished INTEGER NOT NULL DEFAULT 0,
    updated TEXT,
    destination TEXT
)";

/// Tables of before it was noted lack it.
const HAS_DESTINATION: &str =
    "SELECT count(*) FROM pragma_table_info('trommel_checkpoint') WHERE name = 'destination'";

/// Takes the job's next epoch, which fences all runners before, and reads its checkpoint; unless it has
/// rows in another table than this one. Inside a transaction, which is taken back then.
pub(super) fn take_over(
    connection: &Connection,
    job: &str,
    table: &str,
) -> rusqlite::Result<Taken> {
    let now = resolved(connection, table)?;
    connection.execute_batch(CREATE)?;
    let has_destination: bool = connection.query_row(HAS_DESTINATION, [], |row| row.get(0))?;
    if !has_destination {
        connection.execute_batch("ALTER TABLE trommel_checkpoint ADD COLUMN destination TEXT")?;
    }
    // Where nothing was committed there is nothing in any table.
    let begun: Option<Option<String>> = connection
        .query_row(
            "SELECT destination FROM trommel_checkpoint WHERE job = ?1 AND updated IS NOT NULL",
            [job],
            |row| row.get(0),
        )
        .optional()?;
    if let Some(begun) = begun.flatten().filter(|begun| !same(begun, &now)) {
        return Ok(Taken::Not { begun, now });
    }
    let epoch = connection.query_row(
        "INSERT INTO trommel_checkpoint (job, epoch, destination) VALUES (?1, 1, ?2)
         ON CONFLICT (job) DO UPDATE SET epoch = epoch + 1, destination = excluded.destination
         RETURNING epoch",
        [job, &*now],
        |row| number(row, 0),
    )?;
    let checkpoint = connection
        .query_row(
            "SELECT position, read, loaded, rejected, filtered, emitted, source, finished
             FROM trommel_checkpoint
             WHERE job = ?1 AND updated IS NOT NULL",
            [job],
            |row| {
                let position: Option<Vec<u8>> = row.get(0)?;
                Ok(Checkpoint {
                    position: position.map(|bytes| Position::from_bytes(&bytes)),
                    counts: Counts {
                        read: number(row, 1)?,
                        loaded: number(row, 2)?,
                        rejected: number(row, 3)?,
                        filtered: number(row, 4)?,
                        emitted: number(row, 5)?,
                        ..Counts::default()
                    },
                    source: row
                        .get::<_, Option<String>>(6)?
                        .map(|text| fingerprint(&text))
                        .transpose()?,
                    finished: row.get(7)?,
                    epoch,
                })
            },
        )
        .optional()?;
    Ok(Taken::Over(epoch, checkpoint))
}

/// Stores the checkpoint, unless a newer runner has taken the job over: then `false`. Inside the
/// transaction that stores the data.
pub(super) fn store(
    connection: &Connection,
    job: &str,
    epoch: u64,
    checkpoint: &Checkpoint,
) -> rusqlite::Result<bool> {
    let counts = &checkpoint.counts;
    let changed = connection
        .prepare_cached(
            "UPDATE trommel_checkpoint SET position = ?3, read = ?4, loaded = ?5, rejected = ?6,
                 filtered = ?7, emitted = ?8, source = ?9, finished = ?10, updated = strftime('%Y-%m-%dT%H:%M:%fZ', 'now')
             WHERE job = ?1 AND epoch = ?2",
        )?
        .execute(params![
            job,
            integer(epoch),
            checkpoint.position.as_ref().map(Position::as_bytes),
            integer(counts.read),
            integer(counts.loaded),
            integer(counts.rejected),
            integer(counts.filtered),
            integer(counts.emitted),
            checkpoint.source.as_ref().map(serde_json::to_string).transpose().map_err(into_sql)?,
            checkpoint.finished,
        ])?;
    Ok(changed == 1)
}

fn fingerprint(text: &str) -> rusqlite::Result<Fingerprint> {
    serde_json::from_str(text).map_err(|error| {
        rusqlite::Error::FromSqlConversionFailure(6, rusqlite::types::Type::Text, Box::new(error))
    })
}

fn into_sql(error: serde_json::Error) -> rusqlite::Error {
    rusqlite::Error::ToSqlConversionFailure(Box::new(error))
}

fn number(row: &Row<'_>, index: usize) -> rusqlite::Result<u64> {
    // Bit by bit, so that no count is lost.
    row.get::<_, i64>(index).map(i64::cast_unsigned)
}

fn integer(number: u64) -> i64 {
    number.cast_signed()
}
