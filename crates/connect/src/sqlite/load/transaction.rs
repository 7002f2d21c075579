//! The transaction of a load, and that statements stay within it.

use super::super::schema::quoted;
use super::super::table::Mode;
use super::{Load, explain};
use std::time::Instant;
use trommel::{Error, Result};

#[derive(Debug)]
pub(super) struct Transaction {
    pub(super) since: Instant,
    pub(super) rows: usize,
    pub(super) bytes: usize,
    /// The table of rejects is there.
    pub(super) takes_rejects: bool,
}

impl Transaction {
    fn new() -> Self {
        Transaction { since: Instant::now(), rows: 0, bytes: 0, takes_rejects: false }
    }
}

impl Load {
    pub(super) fn begin(&mut self) -> Result<()> {
        let connection = &self.sink.connection;
        if self.transaction.is_some() {
            return self.check_open();
        }
        // Takes the write lock at once: a lock that is missing shows before anything is written.
        connection
            .execute_batch("BEGIN IMMEDIATE")
            .map_err(|error| explain(&self.sink.place, "a transaction can't be started", error))?;
        self.transaction = Some(Transaction::new());
        self.at_begin().inspect_err(|_| {
            // As if it had not begun: the call may come again.
            _ = self.sink.connection.execute_batch("ROLLBACK");
            self.transaction = None;
        })
    }

    fn at_begin(&mut self) -> Result<()> {
        // Others may have made or changed the table since the last transaction.
        self.look_up()?;
        self.renew_statements()?;
        if self.settings.mode == Mode::Replace && self.existing.is_some() {
            let table = &self.settings.declared.table;
            self.sink.connection.execute_batch(&format!("DELETE FROM {}", quoted(table))).map_err(
                |error| {
                    let what = format!("the old rows of `{table}` can't be removed");
                    explain(&self.sink.place, &what, error)
                },
            )?;
        }
        Ok(())
    }

    /// Has statements prepared anew if the schema is another one.
    ///
    /// SQLite does that by itself, in the middle of a statement. When memory fails right then it takes
    /// the transaction back, says nothing, and runs the statement outside of any: what that stores
    /// stays, without a checkpoint that knows of it.
    pub(super) fn renew_statements(&mut self) -> Result<()> {
        let connection = &self.sink.connection;
        let version = connection
            .prepare_cached("PRAGMA schema_version")
            .and_then(|mut statement| statement.query_row([], |row| row.get(0)))
            .map_err(|error| explain(&self.sink.place, "its schema can't be read", error))?;
        if self.schema != Some(version) {
            connection.flush_prepared_statement_cache();
            self.schema = Some(version);
        }
        self.check_open()
    }

    /// What follows would not be taken back with the rest where the transaction is gone.
    pub(super) fn check_open(&self) -> Result<()> {
        if self.transaction.is_some() && self.sink.connection.is_autocommit() {
            let place = &self.sink.place;
            return Err(Error::fatal(format!(
                "{place}: SQLite has taken the transaction back after an earlier error; it may be \
                 short of memory"
            )));
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::super::super::rejects;
    use super::super::super::schema::Declared;
    use super::super::super::sink::Sink;
    use super::super::super::table::Settings;
    use super::*;
    use crate::table::{Limits, Page, encode};
    use rusqlite::{Connection, StatementStatus};
    use std::time::Duration;
    use trommel::{Checkpoint, Commit};

    #[derive(serde::Serialize)]
    struct Item {
        id: u64,
    }

    // A reject was stored twice by a job that was short of memory once. The first reject made its
    // table, so the next statement had to be prepared anew; the allocation that failed in the middle of
    // that made SQLite take the transaction back and store the reject outside of it. Statements are
    // prepared anew between one and the next now.
    #[test]
    fn no_statement_is_prepared_anew_while_it_runs() {
        let settings = Settings {
            declared: Declared { table: "items".into(), ..Declared::default() },
            mode: Mode::Append,
            commit: Limits { rows: 1, bytes: 1, interval: Duration::ZERO },
            verify: false,
        };
        let sink = Sink::from_connection(Connection::open_in_memory().unwrap());
        let mut load = Load::new(sink, settings);
        load.start().unwrap();
        let mut page = Page::default();
        encode(&mut page, &Item { id: 1 }).unwrap();
        let reject = serde_json::from_str(r#"{"stage": "sink", "reason": "why", "raw": "row"}"#);
        let reject = reject.unwrap();
        let other = "CREATE TABLE other (a)";
        for change in ["", other] {
            load.sink.connection.execute_batch(change).unwrap();
            load.write(&page).unwrap();
            load.keep_reject(&reject).unwrap();
            load.write(&page).unwrap();
            load.keep_reject(&reject).unwrap();
            let again = |sql: &str| {
                let statement = load.sink.connection.prepare_cached(sql).unwrap();
                statement.get_status(StatementStatus::RePrepare)
            };
            assert_eq!(again(load.inserts[0].statement()), 0, "of rows, after `{change}`");
            assert_eq!(again(rejects::STORE), 0, "of rejects, after `{change}`");
            load.commit(&Checkpoint::default(), Commit::Now).unwrap();
        }
    }
}
