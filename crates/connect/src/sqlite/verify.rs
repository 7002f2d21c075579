//! Reading back: whether a table holds what was given to it.
//!
//! What a column does to a value depends on the column: `1`, `1.0` and `"1"` are one and the same in
//! a column of type `INTEGER`, and three things in one without a type. So values are compared as
//! their column stores them.

use super::affinity::{Affinity, affinities};
use super::error::{Place, explain};
use super::schema::{list, quoted, same};
use crate::table::{Rows, Value};
use crate::verify::{self, Carried, Digest, RowHash};
use rusqlite::types::ValueRef;
use rusqlite::{Connection, OptionalExtension, params};
use trommel::{Checkpoint, Error, Result};

/// One load's digests, of the columns that its records have.
#[derive(Debug)]
pub(super) struct Verify {
    table: String,
    columns: Vec<(String, Affinity)>,
    /// What the table held before the first row.
    before: Digest,
    /// What it was given.
    given: Digest,
}

const CREATE: &str = "CREATE TABLE IF NOT EXISTS trommel_digest (
    job TEXT PRIMARY KEY,
    digest TEXT NOT NULL
)";

impl Verify {
    /// Begins with what is in the table. Inside the transaction of the first rows.
    pub(super) fn new(
        connection: &Connection,
        place: &Place,
        table: &str,
        columns: &[String],
    ) -> Result<Self> {
        let affinities = affinities(connection, table)
            .map_err(|error| explain(place, "its columns can't be read", error))?;
        let columns = columns.iter().map(|name| {
            let known = affinities.iter().find(|(known, _)| same(known, name));
            (name.clone(), known.map_or(Affinity::None, |(_, affinity)| *affinity))
        });
        let mut verify = Verify {
            table: table.to_owned(),
            columns: columns.collect(),
            before: Digest::default(),
            given: Digest::default(),
        };
        verify.before = verify.read(connection, place)?;
        Ok(verify)
    }

    /// Goes on where the job's earlier runs have stopped; `None` when nothing is stored of them.
    pub(super) fn resume(
        connection: &Connection,
        place: &Place,
        table: &str,
        job: &str,
        stored: Option<&Checkpoint>,
    ) -> Result<Option<Self>> {
        let failed = |error| explain(place, "the job's digest can't be read", error);
        connection.execute_batch(CREATE).map_err(failed)?;
        let Some(checkpoint) = stored.filter(|checkpoint| !checkpoint.finished) else {
            return Ok(None);
        };
        let text: Option<String> = connection
            .query_row("SELECT digest FROM trommel_digest WHERE job = ?1", [job], |row| row.get(0))
            .optional()
            .map_err(failed)?;
        let Some(carried) = Carried::read(text.as_deref(), job, checkpoint)? else {
            return Ok(None);
        };
        let affinities = affinities(connection, table).map_err(failed)?;
        let columns = carried.columns.into_iter().map(|name| {
            let known = affinities.iter().find(|(known, _)| same(known, &name));
            let affinity = known.map_or(Affinity::None, |(_, affinity)| *affinity);
            (name, affinity)
        });
        Ok(Some(Verify {
            table: table.to_owned(),
            columns: columns.collect(),
            before: carried.before,
            given: carried.given,
        }))
    }

    /// Stores what later runs must know, with the checkpoint.
    pub(super) fn store(
        verify: Option<&Verify>,
        connection: &Connection,
        job: &str,
        checkpoint: &Checkpoint,
    ) -> rusqlite::Result<()> {
        let (before, given) =
            verify.map_or_else(Default::default, |verify| (verify.before, verify.given));
        let columns = verify.into_iter().flat_map(|verify| &verify.columns);
        let carried = Carried {
            before,
            given,
            columns: columns.map(|(name, _)| name.clone()).collect(),
            read: checkpoint.counts.read,
        };
        let text = serde_json::to_string(&carried)
            .map_err(|error| rusqlite::Error::ToSqlConversionFailure(Box::new(error)))?;
        connection
            .prepare_cached(
                "INSERT INTO trommel_digest VALUES (?1, ?2)
                 ON CONFLICT (job) DO UPDATE SET digest = excluded.digest",
            )?
            .execute(params![job, text])
            .map(drop)
    }

    /// Refuses records of other columns than the first one's.
    pub(super) fn check(&self, targets: &[String]) -> Result<()> {
        let known = self.columns.iter().map(|(name, _)| name);
        if known.clone().eq(targets) {
            return Ok(());
        }
        Err(verify::differs(&list(targets), &list(&known.collect::<Vec<_>>())))
    }

    /// Adds the rows that the table has taken: all but those whose index in the page, which for the
    /// first one is `base`, is among the `faults`.
    pub(super) fn add(
        &mut self,
        connection: &Connection,
        place: &Place,
        rows: &Rows<'_>,
        base: usize,
        faults: &[(usize, Error)],
    ) -> Result<()> {
        for row in 0..rows.len() {
            if faults.iter().any(|(fault, _)| *fault == base + row) {
                continue;
            }
            let mut hash = RowHash::new();
            for ((_, affinity), value) in self.columns.iter().zip(rows.row(row)) {
                let value = match value {
                    Value::Null => ValueRef::Null,
                    Value::Int(number) => ValueRef::Integer(number),
                    Value::Float(number) => ValueRef::Real(number),
                    Value::Text(text) => ValueRef::Text(text.as_bytes()),
                    Value::Blob(bytes) => ValueRef::Blob(bytes),
                };
                affinity
                    .add(connection, &mut hash, value)
                    .map_err(|error| explain(place, "a value can't be converted", error))?;
            }
            self.given.add(&hash);
        }
        Ok(())
    }

    /// Compares what was given with what is there.
    pub(super) fn conclude(&self, connection: &Connection, place: &Place) -> Result<()> {
        let found = self.read(connection, place)?;
        verify::compare(
            &format!("`{}` of {place}", self.table),
            self.before,
            self.given,
            found,
            "a trigger or another connection has changed rows, a NULL key was filled in, or the file \
             is damaged (`PRAGMA integrity_check`)",
        )
    }

    /// The digest of the whole table.
    fn read(&self, connection: &Connection, place: &Place) -> Result<Digest> {
        let names: Vec<&String> = self.columns.iter().map(|(name, _)| name).collect();
        let read = || {
            let sql = format!("SELECT {} FROM {}", list(&names), quoted(&self.table));
            let mut statement = connection.prepare(&sql)?;
            let mut rows = statement.query([])?;
            let mut digest = Digest::default();
            while let Some(row) = rows.next()? {
                let mut hash = RowHash::new();
                for (index, (_, affinity)) in self.columns.iter().enumerate() {
                    affinity.add(connection, &mut hash, row.get_ref(index)?)?;
                }
                digest.add(&hash);
            }
            Ok(digest)
        };
        read().map_err(|error| explain(place, "the table can't be read back", error))
    }
}
