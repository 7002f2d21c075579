//! Reading back: whether a table holds what was given to it.
//!
//! Rows are compared in the binary form of `COPY`, in which they were sent and are read again, and
//! both as the column stores them. So only columns can be compared of which that is known.

use super::connection::{Connection, literal};
use super::encode::{Page, Plan};
use super::failure::{Failure, Place};
use super::schema::Name;
use super::stored::{is_known, stored};
use super::types::Column;
use crate::table::{list, quoted};
use crate::verify::{self, Carried, Digest, RowHash};
use trommel::{Checkpoint, Error, Result};

/// One load's digests, of the columns that its records have.
#[derive(Debug)]
pub(super) struct Verify {
    columns: Vec<String>,
    /// What the table held before the first row.
    before: Digest,
    /// What earlier runs of the job have given.
    given: Digest,
}

impl Verify {
    /// Begins with what is in the table, of which a load that replaces leaves nothing.
    pub(super) fn new(
        connection: &mut Connection,
        plan: &Plan,
        table: &Name,
        route: &[u16],
        replaces: bool,
    ) -> Result<Self> {
        let columns: Vec<&Column> = columns_of(plan, route).collect();
        // A single column that takes no binary form makes all rows go as text.
        let textual = plan.columns.iter().filter(|column| !column.kind.is_binary());
        for column in columns.iter().copied().chain(textual) {
            check(column)?;
        }
        let names = columns.iter().map(|column| column.name.clone()).collect();
        let mut begun =
            Verify { columns: names, before: Digest::default(), given: Digest::default() };
        if !replaces {
            begun.before = begun.read(connection, plan, table)?;
        }
        Ok(begun)
    }

    pub(super) fn resumed(carried: Carried) -> Self {
        Verify { columns: carried.columns, before: carried.before, given: carried.given }
    }

    /// Refuses records of other columns than the first one's.
    pub(super) fn check(&self, plan: &Plan, route: &[u16]) -> Result<()> {
        let these = || columns_of(plan, route).map(|column| &column.name);
        if these().eq(&self.columns) {
            return Ok(());
        }
        Err(verify::differs(&list(&these().collect::<Vec<_>>()), &list(&self.columns)))
    }

    /// Compares what was given with what is there.
    pub(super) fn conclude(
        &self,
        connection: &mut Connection,
        plan: &Plan,
        table: &Name,
        given: Digest,
    ) -> Result<()> {
        let found = self.read(connection, plan, table)?;
        verify::compare(
            &format!("{table} of {}", connection.place),
            self.before,
            self.given.plus(given),
            found,
            "a trigger, a rule or another session has changed rows",
        )
    }

    /// The digest of the whole table.
    fn read(&self, connection: &mut Connection, plan: &Plan, table: &Name) -> Result<Digest> {
        let columns = self.columns.iter().map(|name| {
            let column = plan.column(name)?;
            Ok(&plan.columns[usize::from(column)])
        });
        let columns = columns.collect::<Result<Vec<_>>>()?;
        let names = list(&self.columns);
        let mut digest = Digest::default();
        let sql = format!("COPY (SELECT {names} FROM {table}) TO STDOUT (FORMAT binary)");
        connection
            .copy_out(&sql, |row| add(&mut digest, columns.iter().copied(), row))
            .map_err(|failure| explain(failure, &connection.place))?;
        Ok(digest)
    }

    /// A statement that keeps what later runs must know.
    pub(super) fn store(
        begun: Option<&Verify>,
        table: &Name,
        job: &str,
        checkpoint: &Checkpoint,
        given: Digest,
    ) -> String {
        let carried = begun.map_or_else(Carried::default, |begun| Carried {
            before: begun.before,
            given: begun.given.plus(given),
            columns: begun.columns.clone(),
            read: 0,
        });
        let carried = Carried { read: checkpoint.counts.read, ..carried };
        // Numbers and names: nothing that JSON could not hold.
        let text = serde_json::to_string(&carried).unwrap_or_default();
        format!(
            "INSERT INTO {table} AS d (job, digest) VALUES ({}, {}) \
             ON CONFLICT (job) DO UPDATE SET digest = excluded.digest",
            literal(job),
            literal(&text)
        )
    }
}

/// Adds the rows of a page that the table has taken: all but those of the indexes in `faults`.
pub(super) fn add_page(digest: &mut Digest, plan: &Plan, page: &Page, faults: &[(usize, Error)]) {
    for stretch in page.stretches() {
        for row in stretch.rows.0..stretch.rows.1 {
            if faults.iter().all(|(fault, _)| *fault != row) {
                add(digest, columns_of(plan, stretch.route), page.rows(row, row + 1));
            }
        }
    }
}

fn columns_of<'p>(plan: &'p Plan, route: &'p [u16]) -> impl Iterator<Item = &'p Column> + Clone {
    route.iter().map(|column| &plan.columns[usize::from(*column)])
}

/// Adds a row in the binary form of `COPY`: the number of fields, then each with its length.
fn add<'c>(digest: &mut Digest, columns: impl Iterator<Item = &'c Column>, row: &[u8]) {
    let mut hash = RowHash::new();
    let mut rest = row.get(2..).unwrap_or_default();
    for column in columns {
        let Some((len, after)) = rest.split_first_chunk() else { break };
        match usize::try_from(i32::from_be_bytes(*len)) {
            Err(_) => {
                hash.null();
                rest = after;
            }
            Ok(len) => {
                let (value, after) = after.split_at(len.min(after.len()));
                hash.blob(&stored(column, value));
                rest = after;
            }
        }
    }
    digest.add(&hash);
}

/// Refuses columns of which it is not known what they make of a value.
fn check(column: &Column) -> Result<()> {
    if is_known(column) {
        return Ok(());
    }
    Err(Error::config(format!(
        "verify: what column `{}` of type {} makes of a value is not known here, so that it can't be \
         compared with what was given: leave `verify` out, or load into a column of type text, \
         numeric or timestamptz",
        column.name, column.declared
    ))
    .in_column(column.name.as_str()))
}

fn explain(failure: Failure, place: &Place) -> Error {
    failure.explain(place, "the table can't be read back")
}

/// Where a job's digests are kept.
pub(super) const DIGESTS: &str = "(job text PRIMARY KEY, digest text NOT NULL)";

/// What is kept of a job's digests.
pub(super) fn kept(
    connection: &mut Connection,
    table: &Name,
    job: &str,
) -> Result<Option<String>, Failure> {
    let sql = format!("SELECT {} FROM {table} WHERE job = {}", quoted("digest"), literal(job));
    Ok(connection.run(&sql)?.first().map(str::to_owned))
}
