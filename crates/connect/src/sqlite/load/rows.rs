//! How rows get into the table: copied many at once, or bound.

use super::super::table::Mode;
use super::{Load, explain};
use crate::table::Rows;
use trommel::{Class, Error, Result};

impl Load {
    /// Inserts rows of one kind, the first of which has index `base` in its page.
    pub(super) fn insert(&mut self, kind: usize, rows: &Rows<'_>, base: usize) -> Result<()> {
        let (settings, insert) = (&self.settings, &self.inserts[kind]);
        if let Mode::Append | Mode::Replace = settings.mode {
            let connection = &mut self.sink.connection;
            let (table, targets) = (&settings.declared.table, (kind, &insert.targets[..]));
            match self.bulk.take(connection, table, targets, rows) {
                Ok(true) => return Ok(()),
                Ok(false) => self.flush()?,
                Err(error) => return Err(self.not_inserted(error)),
            }
        }
        let (insert, sink) = (&self.inserts[kind], &self.sink);
        insert.run(&sink.connection, &sink.place, rows, base, &mut self.faults)
    }

    /// Gives SQLite the rows that wait.
    pub(super) fn flush(&mut self) -> Result<()> {
        let flushed = self.bulk.flush(&mut self.sink.connection);
        flushed.map_err(|error| self.not_inserted(error))
    }

    #[cold]
    fn not_inserted(&self, error: rusqlite::Error) -> Error {
        let what = format!("inserting into `{}` failed", self.settings.declared.table);
        explain(&self.sink.place, &what, error)
    }

    /// A page of which something was stored must not come again, whatever the error.
    pub(super) fn not_again(&self, before: u64, error: Error) -> Error {
        if error.class() != Class::Transient || self.sink.connection.total_changes() == before {
            return error;
        }
        Error::fatal("a lock was lost in the middle of a page").caused_by(error)
    }
}
