//! One load: the transaction, and what has happened in it.

use super::bulk::Bulk;
use super::checkpoint;
use super::error::explain;
use super::insert::{Faults, Insert};
use super::schema::{columns_of, list, quoted, same};
use super::sink::Sink;
use super::table::{Mode, Settings};
use super::verify::Verify;
use crate::table::{Columns, Kind, Page};
use transaction::Transaction;
use trommel::{Checkpoint, Commit, Durability, Error, Result};

mod job;
mod rows;
mod transaction;

#[derive(Debug)]
pub(super) struct Load {
    pub(super) sink: Sink,
    pub(super) settings: Settings,
    pub(super) faults: Faults,
    /// The job that this run belongs to, if it can be resumed.
    job: Option<String>,
    /// The next run is one of the job.
    is_resumed: bool,
    /// This runner's epoch, and what the job had stored, once the job was taken over.
    epoch: Option<(u64, Option<Checkpoint>)>,
    prepared: bool,
    transaction: Option<Transaction>,
    /// The schema that the statements in the connection's cache were prepared for.
    schema: Option<i64>,
    /// The newest checkpoint that is not stored.
    pending: Option<Checkpoint>,
    /// The newest one that this run has stored.
    last: Option<Checkpoint>,
    /// The table's columns; `None` when it does not exist yet.
    existing: Option<Vec<String>>,
    inserts: Vec<Insert>,
    /// Rows of this transaction that SQLite hasn't been given yet.
    bulk: Bulk,
    /// What was given to the table, from the first row on, if it is to be verified.
    verify: Option<Verify>,
    /// A replacing load was cut short: nothing of it may be committed until the next run.
    cut_short: bool,
}

impl Load {
    pub(super) fn new(sink: Sink, settings: Settings) -> Self {
        Load {
            sink,
            settings,
            faults: Vec::new(),
            job: None,
            is_resumed: false,
            epoch: None,
            prepared: false,
            transaction: None,
            schema: None,
            pending: None,
            last: None,
            existing: None,
            inserts: Vec::new(),
            bulk: Bulk::default(),
            verify: None,
            cut_short: false,
        }
    }

    /// Begins a run; one before that was left without an end is taken back.
    pub(super) fn start(&mut self) -> Result<()> {
        self.cut_short = false;
        let is_resumed = std::mem::take(&mut self.is_resumed);
        if self.transaction.is_some() || !is_resumed && self.job.is_some() {
            self.abort();
        }
        self.prepare()
    }

    /// Everything that can be found wrong before the first row.
    pub(super) fn prepare(&mut self) -> Result<()> {
        if self.prepared {
            return Ok(());
        }
        let settings = &self.settings;
        settings.declared.check()?;
        if settings.mode == Mode::Upsert && settings.declared.key.is_empty() {
            return Err(Error::config("upsert: name the key columns (`key`)"));
        }
        if settings.mode == Mode::Replace && self.job.is_some() {
            return Err(Error::config(
                "resumable: a load that replaces is one transaction, so there is nothing to resume",
            ));
        }
        if settings.verify && matches!(settings.mode, Mode::Upsert | Mode::IgnoreDuplicates) {
            return Err(crate::verify::merges());
        }
        self.sink.apply_options()?;
        self.look_up()?;
        if let Some(existing) = &self.existing {
            let declared = &self.settings.declared;
            declared.check_exist(&declared.names(), existing)?;
        }
        if self.job.is_some() {
            self.take_over()?;
        }
        self.resume_verify()?;
        self.prepared = true;
        Ok(())
    }

    fn look_up(&mut self) -> Result<()> {
        let table = &self.settings.declared.table;
        let found = columns_of(&self.sink.connection, table);
        self.existing =
            found.map_err(|error| explain(&self.sink.place, "its tables can't be read", error))?;
        Ok(())
    }

    /// Inserts a page, all but the rows that the table refuses.
    pub(super) fn write(&mut self, page: &Page) -> Result<()> {
        self.faults.clear();
        if page.runs().next().is_none() {
            return Ok(());
        }
        self.prepare()?;
        self.begin()?;
        if self.existing.is_none() {
            self.create(page)?;
        }
        let before = self.sink.connection.total_changes();
        let mut base = 0;
        for rows in page.runs() {
            let kind = self.insert_for(rows.columns())?;
            self.insert(kind, &rows, base).map_err(|error| self.not_again(before, error))?;
            let sink = &self.sink;
            if let Some(verify) = &mut self.verify {
                verify.add(&sink.connection, &sink.place, &rows, base, &self.faults)?;
            }
            base += rows.len();
        }
        if let Some(transaction) = &mut self.transaction {
            transaction.rows += base;
            transaction.bytes += trommel::Page::bytes(page);
        }
        Ok(())
    }

    fn create(&mut self, page: &Page) -> Result<()> {
        let declared = &self.settings.declared;
        let places = declared.names();
        for rows in page.runs() {
            if let Columns::Numbered(_) = rows.columns() {
                declared.targets(rows.columns(), &places)?;
            }
        }
        let sql = declared.create(&Kind::of_columns(page, &places));
        self.sink.connection.execute_batch(&sql).map_err(|error| {
            use rusqlite::ErrorCode as Code;
            let (place, code) = (&self.sink.place, error.sqlite_error_code());
            if let Some(Code::CannotOpen | Code::DiskFull | Code::SystemIoFailure) = code {
                return explain(
                    place,
                    &format!("table `{}` can't be created", declared.table),
                    error,
                );
            }
            Error::config(format!(
                "table: `{}` can't be created in {} with `{sql}`: check `column` and `key`",
                declared.table, self.sink.place
            ))
            .caused_by(error)
        })?;
        self.look_up()?;
        self.renew_statements()
    }

    /// The number of the statements for rows of these columns, made when they are new.
    fn insert_for(&mut self, columns: &Columns) -> Result<usize> {
        let known = self.inserts.iter().position(|insert| insert.columns == *columns);
        if let Some(known) = known {
            return Ok(known);
        }
        let declared = &self.settings.declared;
        let existing = self.existing.as_deref().unwrap_or_default();
        let targets = declared.targets(columns, existing)?;
        let tail = match self.settings.mode {
            Mode::Append | Mode::Replace => String::new(),
            Mode::IgnoreDuplicates => " ON CONFLICT DO NOTHING".to_owned(),
            Mode::Upsert => {
                let is_key = |name: &&String| declared.key.iter().any(|key| same(key, name));
                let updates: Vec<String> = targets
                    .iter()
                    .filter(|name| !is_key(name))
                    .map(|name| format!("{0} = excluded.{0}", quoted(name)))
                    .collect();
                let action = match updates.is_empty() {
                    true => "NOTHING".to_owned(),
                    false => format!("UPDATE SET {}", updates.join(", ")),
                };
                format!(" ON CONFLICT ({}) DO {action}", list(&declared.key))
            }
        };
        let insert = Insert::new(columns.clone(), &declared.table, targets, &tail);
        insert.check(&self.sink.connection).map_err(|error| {
            let remedy = match self.settings.mode {
                Mode::Upsert => {
                    ": upsert needs a primary key or unique index on just the key columns"
                }
                _ => "",
            };
            Error::config(format!(
                "table: `{}` of {} can't be inserted into{remedy}",
                declared.table, self.sink.place
            ))
            .caused_by(error)
        })?;
        if self.settings.verify {
            match &self.verify {
                Some(verify) => verify.check(&insert.targets)?,
                None => {
                    let (connection, place) = (&self.sink.connection, &self.sink.place);
                    self.verify =
                        Some(Verify::new(connection, place, &declared.table, &insert.targets)?);
                }
            }
        }
        self.inserts.push(insert);
        Ok(self.inserts.len() - 1)
    }

    pub(super) fn commit(&mut self, checkpoint: &Checkpoint, when: Commit) -> Result<Durability> {
        if self.settings.mode == Mode::Replace {
            if when == Commit::Now {
                self.abort();
                self.cut_short = true;
            }
            return Ok(Durability::Pending);
        }
        if self.job.is_some() {
            self.prepare()?;
            // Also starts the clock, and takes the lock, when a batch has left nothing to write.
            self.begin()?;
            self.pending = Some(checkpoint.clone());
        }
        let Some(transaction) = &self.transaction else {
            return Ok(Durability::Stored);
        };
        if when == Commit::Grouped
            && !self.settings.commit.reached(transaction.rows, transaction.bytes, transaction.since)
            && !(self.settings.commit.bytes > 0 && self.bulk.is_full())
        {
            return Ok(Durability::Pending);
        }
        self.store()?;
        Ok(Durability::Stored)
    }

    /// Stores the checkpoint and commits. When the commit finds a lock the transaction stays open,
    /// and all of this can be done again.
    fn store(&mut self) -> Result<()> {
        if self.transaction.is_none() {
            return Ok(());
        }
        self.flush()?;
        self.check_open()?;
        let (connection, place) = (&self.sink.connection, &self.sink.place);
        if let (Some(job), Some(checkpoint), Some((epoch, _))) =
            (&self.job, &self.pending, &self.epoch)
        {
            let stored = checkpoint::store(connection, job, *epoch, checkpoint)
                .map_err(|error| explain(place, "the checkpoint can't be stored", error))?;
            if !stored {
                let error = Error::fatal(format!(
                    "{place}: job `{job}` has been taken over by a newer runner (this one has \
                     epoch {epoch}): what this one had not committed is taken back; let the newer \
                     one finish"
                ));
                self.abort();
                return Err(error);
            }
            if self.settings.verify {
                Verify::store(self.verify.as_ref(), connection, job, checkpoint)
                    .map_err(|error| explain(place, "the job's digest can't be stored", error))?;
            }
        }
        window!("sqlite: checkpoint stored, before COMMIT");
        connection
            .execute_batch("COMMIT")
            .map_err(|error| explain(place, "the transaction can't be committed", error))?;
        self.transaction = None;
        self.bulk.end(connection);
        self.last = self.pending.take().or(self.last.take());
        Ok(())
    }

    pub(super) fn finish(&mut self) -> Result<()> {
        if self.cut_short {
            return Ok(());
        }
        self.prepare()?;
        let (settings, missing) = (&self.settings, self.existing.is_none());
        let create = missing && !settings.declared.columns.is_empty();
        if create || (settings.mode == Mode::Replace && !missing) {
            self.begin()?;
        }
        if create && self.existing.is_none() {
            self.create(&Page::default())?;
        }
        if self.job.is_some() {
            // A run that found nothing to read finishes the job, too.
            self.begin()?;
            let stored = || self.epoch.as_ref().and_then(|(_, stored)| stored.clone());
            let last = self.pending.take().or(self.last.take()).or_else(stored);
            let last = last.unwrap_or_default();
            self.pending = Some(Checkpoint { finished: true, ..last });
        }
        self.flush()?;
        self.verify()?;
        self.store()?;
        self.sink.tidy_up();
        self.forget();
        Ok(())
    }

    pub(super) fn abort(&mut self) {
        let connection = &self.sink.connection;
        if self.transaction.is_some() && !connection.is_autocommit() {
            // It can only fail when SQLite has rolled back by itself.
            _ = connection.execute_batch("ROLLBACK");
        }
        self.bulk.end(connection);
        self.forget();
    }

    /// Back to the start, for another run.
    fn forget(&mut self) {
        self.job = None;
        self.epoch = None;
        self.last = None;
        self.prepared = false;
        self.transaction = None;
        self.pending = None;
        self.existing = None;
        self.inserts.clear();
        self.verify = None;
        self.faults.clear();
        self.sink.connection.flush_prepared_statement_cache();
    }
}
