//! Checkpoints and rejects, in the database that holds the data.

use super::connection::{Answer, Connection, literal};
use super::failure::Failure;
use super::schema::{self, Name};
use crate::table::Taken;
use trommel::{Checkpoint, Counts, Position, Reject};

/// `updated` is null until the first commit: the row then only holds the epoch. `destination` is the
/// table that the rows are in; null in rows of before it was noted.
const CHECKPOINTS: &str = "(
    job text PRIMARY KEY,
    epoch bigint NOT NULL,
    position bytea,
    read bigint NOT NULL DEFAULT 0,
    loaded bigint NOT NULL DEFAULT 0,
    rejected bigint NOT NULL DEFAULT 0,
    filtered bigint NOT NULL DEFAULT 0,
    emitted bigint NOT NULL DEFAULT 0,
    source text,
    finished boolean NOT NULL DEFAULT false,
    updated timestamptz,
    destination text
)";

const REJECTS: &str = "(
    job text,
    source text,
    record bigint,
    line bigint,
    \"offset\" bigint,
    \"column\" text,
    stage text NOT NULL,
    reason text NOT NULL,
    raw bytea NOT NULL,
    rejected timestamptz NOT NULL DEFAULT now()
)";

/// What `take_over` and `confirm` return of a row.
const STORED: &str = "c.epoch, encode(c.position, 'hex'), c.read, c.loaded, c.rejected, c.filtered, \
                      c.emitted, c.source, c.finished, c.updated IS NOT NULL";

/// A table of ours, made when it is missing.
pub(super) fn make(connection: &mut Connection, name: &Name, columns: &str) -> Result<(), Failure> {
    // Looked for first: creating needs a permission that using it doesn't.
    if schema::exists(connection, name)? {
        return Ok(());
    }
    match connection.run(&format!("CREATE TABLE IF NOT EXISTS {name} {columns}")) {
        // Another runner was faster.
        Err(failure) if matches!(failure.state(), Some("23505" | "42P07")) => Ok(()),
        made => made.map(drop),
    }
}

/// Makes the table of checkpoints when it is missing.
pub(super) fn prepare(connection: &mut Connection, table: &Name) -> Result<(), Failure> {
    make(connection, table, CHECKPOINTS)
}

/// Gives a table of before it was noted what it lacks. Only its owner may.
pub(super) fn add_destination(connection: &mut Connection, table: &Name) -> Result<(), Failure> {
    let found = connection.run(&format!(
        "SELECT 1 FROM pg_catalog.pg_attribute WHERE attrelid = {}::pg_catalog.regclass \
         AND attname = 'destination' AND NOT attisdropped",
        literal(&table.to_string())
    ))?;
    if found.rows.is_empty() {
        let sql = format!("ALTER TABLE {table} ADD COLUMN IF NOT EXISTS destination text");
        connection.run(&sql)?;
    }
    Ok(())
}

/// Takes the job's next epoch, which fences all runners before, and reads its checkpoint; unless it has
/// rows in another table than `now`, which changes nothing and disturbs nobody.
pub(super) fn take_over(
    connection: &mut Connection,
    table: &Name,
    job: &str,
    now: &Name,
) -> Result<Taken, Failure> {
    let (job, now) = (literal(job), now.to_string());
    let quoted_now = literal(&now);
    // Where nothing was committed there is nothing in any table.
    let begun = connection.run(&format!(
        "SELECT destination FROM {table} \
         WHERE job = {job} AND updated IS NOT NULL AND destination <> {quoted_now}"
    ))?;
    if let Some(begun) = begun.first() {
        return Ok(Taken::Not { begun: begun.to_owned(), now });
    }
    // Asked again while nobody else can write: the runner before may have committed since.
    let is_elsewhere = "c.updated IS NOT NULL AND c.destination <> excluded.destination";
    let answer = connection.run(&format!(
        "INSERT INTO {table} AS c (job, epoch, destination) VALUES ({job}, 1, {quoted_now}) \
         ON CONFLICT (job) DO UPDATE SET \
         epoch = CASE WHEN {is_elsewhere} THEN c.epoch ELSE c.epoch + 1 END, \
         destination = CASE WHEN {is_elsewhere} THEN c.destination ELSE excluded.destination END \
         RETURNING {STORED}, c.destination"
    ))?;
    let found = answer.rows.first().and_then(|row| row.last()?.clone());
    if let Some(begun) = found.filter(|found| *found != now) {
        return Ok(Taken::Not { begun, now });
    }
    let (epoch, stored) = read(&answer).unwrap_or_default();
    Ok(Taken::Over(epoch, stored))
}

/// Goes on as the runner of this epoch, on another connection: takes the next epoch, which fences
/// what the old connection may still be doing, and reads what has been stored. Waits for a commit
/// under way, since that holds the row. `None`: a newer runner has taken over.
pub(super) fn confirm(
    connection: &mut Connection,
    table: &Name,
    job: &str,
    epoch: u64,
) -> Result<Option<(u64, Option<Checkpoint>)>, Failure> {
    let answer = connection.run(&format!(
        "UPDATE {table} AS c SET epoch = c.epoch + 1 WHERE job = {} AND epoch = {epoch} \
         RETURNING {STORED}",
        literal(job)
    ))?;
    Ok(read(&answer))
}

/// A statement that stores the checkpoint, or fails with SQLSTATE 22012 (a division by zero) when a
/// newer runner has taken the job over. Sent in one message with COMMIT, so that no runner can be
/// stopped between the two while it holds the row.
pub(super) fn store(table: &Name, job: &str, epoch: u64, checkpoint: &Checkpoint) -> String {
    let Checkpoint { position, counts, source, finished, .. } = checkpoint;
    let position = position.as_ref().map_or_else(
        || "NULL".to_owned(),
        |position| format!("'\\x{}'::bytea", hex(position.as_bytes())),
    );
    let source = source
        .as_ref()
        .and_then(|source| serde_json::to_string(source).ok())
        .map_or_else(|| "NULL".to_owned(), |source| literal(&source));
    let Counts { read, loaded, rejected, filtered, emitted, .. } = counts;
    format!(
        "WITH stored AS (UPDATE {table} SET position = {position}, read = {read}, \
         loaded = {loaded}, rejected = {rejected}, filtered = {filtered}, emitted = {emitted}, \
         source = {source}, finished = {finished}, updated = clock_timestamp() \
         WHERE job = {} AND epoch = {epoch} RETURNING 1) SELECT 1 / count(*) FROM stored",
        literal(job)
    )
}

/// Whether `store` was refused because of a newer runner.
pub(super) fn is_fence(failure: &Failure) -> bool {
    failure.state() == Some("22012")
}

fn read(answer: &Answer) -> Option<(u64, Option<Checkpoint>)> {
    let row = answer.rows.first()?;
    let text = |index: usize| row.get(index).and_then(Option::as_deref);
    let number = |index: usize| text(index).and_then(|text| text.parse().ok()).unwrap_or(0);
    let epoch = number(0);
    let checkpoint = Checkpoint {
        position: text(1).map(|digits| Position::from_bytes(&unhex(digits))),
        counts: Counts {
            read: number(2),
            loaded: number(3),
            rejected: number(4),
            filtered: number(5),
            emitted: number(6),
            ..Counts::default()
        },
        source: text(7).and_then(|source| serde_json::from_str(source).ok()),
        finished: text(8) == Some("t"),
        epoch,
    };
    Some((epoch, (text(9) == Some("t")).then_some(checkpoint)))
}

/// Inside the transaction that stores the data, so that both stay or go.
pub(super) fn store_rejects(
    connection: &mut Connection,
    table: &Name,
    job: Option<&str>,
    rejects: &[Reject],
) -> Result<(), Failure> {
    if rejects.is_empty() {
        return Ok(());
    }
    make(connection, table, REJECTS)?;
    let sql = format!(
        "INSERT INTO {table} (job, source, record, line, \"offset\", \"column\", stage, reason, raw)
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9)"
    );
    // What texts can't hold in PostgreSQL.
    let clean = |text: &str| text.replace('\0', "\u{fffd}");
    for reject in rejects {
        let number = |number: Option<u64>| number.map(|number| number.to_string());
        let (record, line) = (number(reject.record), number(reject.line));
        let (offset, raw) = (number(reject.offset), format!("\\x{}", hex(&reject.raw)));
        let source = reject.source.as_deref().map(clean);
        let column = reject.column.as_deref().map(clean);
        connection.run_with(
            &sql,
            &[
                job,
                source.as_deref(),
                record.as_deref(),
                line.as_deref(),
                offset.as_deref(),
                column.as_deref(),
                Some(&reject.stage.to_string()),
                Some(&clean(&reject.reason)),
                Some(&raw),
            ],
        )?;
    }
    Ok(())
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

fn unhex(digits: &str) -> Vec<u8> {
    let digit = |digit: u8| char::from(digit).to_digit(16).unwrap_or(0) as u8;
    digits.as_bytes().chunks_exact(2).map(|pair| digit(pair[0]) << 4 | digit(pair[1])).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bytes_survive_as_digits() {
        assert_eq!(unhex(&hex(&[0, 9, 255])), [0, 9, 255]);
    }
}
