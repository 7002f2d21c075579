//! Inserting rows: several per statement, and one by one where some of them are bad.

use super::error::{Place, explain, is_row_fault, row_fault};
use super::schema::{list, quoted};
use crate::table::{Columns, Rows, Value};
use rusqlite::types::{ToSql, ToSqlOutput, ValueRef};
use rusqlite::{CachedStatement, Connection};
use trommel::{Error, Result};

/// Values bound per statement, about. Measured on 19 columns: 8 to 16 rows per statement are best,
/// more lose what they gain to a larger program and its memory.
const VALUES: usize = 300;

impl ToSql for Value<'_> {
    #[inline]
    fn to_sql(&self) -> rusqlite::Result<ToSqlOutput<'_>> {
        Ok(ToSqlOutput::Borrowed(match self {
            Value::Null => ValueRef::Null,
            Value::Int(number) => ValueRef::Integer(*number),
            Value::Float(number) => ValueRef::Real(*number),
            Value::Text(text) => ValueRef::Text(text.as_bytes()),
            Value::Blob(bytes) => ValueRef::Blob(bytes),
        }))
    }
}

/// The statements for rows of one set of columns.
#[derive(Debug)]
pub(super) struct Insert {
    pub(super) columns: Columns,
    /// The table's columns that the values go to, in their order.
    pub(super) targets: Vec<String>,
    table: String,
    /// At index `n` the statement for 2^n rows.
    statements: Vec<String>,
}

/// Where rows that the table refuses are noted: by their index in the page.
pub(super) type Faults = Vec<(usize, Error)>;

impl Insert {
    /// `tail` is what follows the values.
    pub(super) fn new(columns: Columns, table: &str, targets: Vec<String>, tail: &str) -> Self {
        let head = format!("INSERT INTO {} ({})", quoted(table), list(&targets));
        let row = format!("({})", vec!["?"; columns.len()].join(","));
        let mut statements = Vec::new();
        let mut rows = 1;
        while rows == 1 || (rows * columns.len() <= VALUES && rows <= 64) {
            let values = vec![row.as_str(); rows].join(",");
            statements.push(format!("{head} VALUES {values}{tail}"));
            rows *= 2;
        }
        Insert { columns, targets, table: table.to_owned(), statements }
    }

    /// Prepares the statement for one row, so that what is wrong with it shows before any row.
    pub(super) fn check(&self, connection: &Connection) -> rusqlite::Result<()> {
        connection.prepare_cached(&self.statements[0]).map(drop)
    }

    /// The statement for one row.
    #[cfg(test)]
    pub(super) fn statement(&self) -> &str {
        &self.statements[0]
    }

    /// Inserts all `rows`, the first of which has index `base` in its page.
    ///
    /// Rows that the table does not take are noted in `faults`, all others are inserted.
    pub(super) fn run(
        &self,
        connection: &Connection,
        place: &Place,
        rows: &Rows<'_>,
        base: usize,
        faults: &mut Faults,
    ) -> Result<()> {
        let mut inserting = Inserting { insert: self, connection, place, rows, base, faults };
        let mut from = 0;
        for power in (0..self.statements.len()).rev() {
            if rows.len() - from < 1 << power {
                continue;
            }
            let mut statement = inserting.prepare(power)?;
            while rows.len() - from >= 1 << power {
                inserting.insert(&mut statement, from, power)?;
                from += 1 << power;
            }
        }
        Ok(())
    }
}

/// Rows on their way into the table.
struct Inserting<'a> {
    insert: &'a Insert,
    connection: &'a Connection,
    place: &'a Place,
    rows: &'a Rows<'a>,
    base: usize,
    faults: &'a mut Faults,
}

impl<'a> Inserting<'a> {
    fn prepare(&self, power: usize) -> Result<CachedStatement<'a>> {
        self.connection
            .prepare_cached(&self.insert.statements[power])
            .map_err(|error| explain(self.place, "the insert can't be prepared", error))
    }

    /// Inserts rows `from..from + 2^power` with the statement for that many.
    #[inline]
    fn insert(
        &mut self,
        statement: &mut CachedStatement<'_>,
        from: usize,
        power: usize,
    ) -> Result<()> {
        let before = self.connection.total_changes();
        match execute(statement, self.rows, from, from + (1 << power)) {
            Ok(()) => Ok(()),
            Err(error) => self.isolate(from, power, before, error),
        }
    }

    /// These rows failed: halves them until the bad ones are alone.
    ///
    /// SQLite undoes a failed statement as a whole (`ABORT`), so no savepoint is needed. Tables
    /// that say otherwise are found out and end the run: what is stored would no longer be known.
    #[cold]
    fn isolate(
        &mut self,
        from: usize,
        power: usize,
        before: u64,
        error: rusqlite::Error,
    ) -> Result<()> {
        let table = &self.insert.table;
        if !is_row_fault(&error) {
            let what = format!("inserting into `{table}` failed");
            return Err(explain(self.place, &what, error));
        }
        if self.connection.is_autocommit() || self.connection.total_changes() != before {
            return Err(Error::fatal(format!(
                "{}: a row was refused, and a trigger or constraint of table `{table}` that says \
                 ROLLBACK or FAIL has kept other rows from being stored as they should: let it \
                 say ABORT",
                self.place
            ))
            .caused_by(error));
        }
        if power == 0 {
            self.faults.push((self.base + from, row_fault(table, error)));
            return Ok(());
        }
        let half = power - 1;
        let mut statement = self.prepare(half)?;
        self.insert(&mut statement, from, half)?;
        self.insert(&mut statement, from + (1 << half), half)
    }
}

#[inline]
fn execute(
    statement: &mut CachedStatement<'_>,
    rows: &Rows<'_>,
    from: usize,
    to: usize,
) -> rusqlite::Result<()> {
    for (index, value) in rows.values(from, to).enumerate() {
        statement.raw_bind_parameter(index + 1, value)?;
    }
    statement.raw_execute().map(drop)
}
