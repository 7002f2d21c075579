//! One load: pages in, faults out, commits when they are due.

use super::copy::{Copy, Routes};
use super::encode::{Encoder, Page, PlainRow, Plan, Stretch, Writer};
use super::isolate::{Faults, Loading, Parts};
use super::schema;
use super::session::{Session, Stored};
use super::table::{Mode, Settings};
use super::transaction::Transaction;
use crate::table::{Kind, encode_into};
use trommel::{Checkpoint, Class, Commit, Durability, Error, Page as _, Reject, Result};

#[derive(Debug)]
pub(super) struct Load {
    pub(super) session: Session,
    pub(super) settings: Settings,
    pub(super) faults: Faults,
    encoder: Encoder,
    copy: Option<Copy>,
    routes: Routes,
    /// The next run is one of the job.
    is_resumed: bool,
    /// The newest checkpoint that is not stored.
    pending: Option<Checkpoint>,
    /// The newest one that this run has stored.
    last: Option<Checkpoint>,
    /// Bad rows that go with the next commit.
    rejects: Vec<Reject>,
    reject_bytes: usize,
    /// A replacing load was cut short: nothing of it may be committed until the next run.
    cut_short: bool,
}

impl Load {
    pub(super) fn new(session: Session, settings: Settings) -> Self {
        Load {
            session,
            settings,
            faults: Vec::new(),
            encoder: Encoder::default(),
            copy: None,
            routes: Routes::default(),
            is_resumed: false,
            pending: None,
            last: None,
            rejects: Vec::new(),
            reject_bytes: 0,
            cut_short: false,
        }
    }

    /// Takes the job over: this run goes on where its last commit was.
    pub(super) fn resume(&mut self, job: &str) -> Result<Option<Checkpoint>> {
        self.abort();
        self.check()?;
        if self.settings.mode == Mode::Replace {
            return Err(Error::config(
                "resumable: a load that replaces is one transaction, so there is nothing to resume",
            ));
        }
        self.session.take_over(job)?;
        self.is_resumed = true;
        Ok(self.session.job.as_ref().and_then(|job| job.stored.clone()))
    }

    /// Begins a run; one before that was left without an end is taken back.
    pub(super) fn start(&mut self) -> Result<Encoder> {
        self.cut_short = false;
        if !std::mem::take(&mut self.is_resumed) {
            self.abort();
        }
        self.check()?;
        self.look_up()?;
        if self.encoder.plan.get().is_none() && !self.settings.declared.columns.is_empty() {
            let sql = self.settings.declared.create(&[]);
            self.create(&sql)?;
        }
        Ok(self.encoder.clone())
    }

    fn check(&self) -> Result<()> {
        let settings = &self.settings;
        settings.declared.check()?;
        if settings.mode == Mode::Upsert && settings.declared.key.is_empty() {
            return Err(Error::config("upsert: name the key columns with `.key([…])`"));
        }
        Ok(())
    }

    /// Reads the table's columns, if it exists.
    fn look_up(&mut self) -> Result<()> {
        let name = self.settings.declared.name.clone();
        let found = self.session.ask("the table can't be looked up", |connection| {
            schema::columns_of(connection, &name)
        })?;
        self.encoder = Encoder::default();
        self.routes.clear();
        self.copy = None;
        if let Some(columns) = found {
            self.plan(columns)?;
        }
        Ok(())
    }

    fn plan(&mut self, columns: Vec<super::types::Column>) -> Result<()> {
        let declared = &self.settings.declared;
        let plan = Plan::new(&declared.name.to_string(), columns, &declared.names())?;
        self.copy = Some(Copy {
            table: declared.name.clone(),
            mode: self.settings.mode,
            key: declared.key.clone(),
            binary: plan.binary,
        });
        // Set once per run: `look_up` has made it anew.
        _ = self.encoder.plan.set(plan);
        Ok(())
    }

    /// Creates the table, outside of any transaction.
    fn create(&mut self, sql: &str) -> Result<()> {
        let what = format!(
            "{} can't be created with `{sql}`, check `column` and `key`",
            self.settings.declared.name
        );
        let name = self.settings.declared.name.clone();
        let found = self.session.ask(&what, |connection| {
            connection.run(sql)?;
            schema::columns_of(connection, &name)
        })?;
        self.plan(found.unwrap_or_default())
    }

    /// Stores a page, all but the rows that the table refuses.
    pub(super) fn write(&mut self, page: &mut Page) -> Result<()> {
        self.faults.clear();
        if page.is_empty() {
            return Ok(());
        }
        if self.encoder.plan.get().is_none() {
            let columns = Kind::of_columns(&page.plain, &self.settings.declared.names());
            let sql = self.settings.declared.create(&columns);
            self.create(&sql)?;
        }
        if page.ends.is_empty() {
            self.encode_plain(page)?;
        }
        self.store_page(page)?;
        self.renumber(std::mem::take(&mut page.unfit));
        page.clear();
        Ok(())
    }

    /// Encodes rows that came before the table; the page notes those that don't fit it.
    fn encode_plain(&self, page: &mut Page) -> Result<()> {
        let Some(plan) = self.encoder.plan.get() else { return Ok(()) };
        let plain = std::mem::take(&mut page.plain);
        let mut index = 0;
        for rows in plain.runs() {
            for row in 0..rows.len() {
                let mut writer = Writer::new(page, plan);
                match encode_into(&mut writer, &PlainRow(rows, row)) {
                    Err(error) if error.class() == Class::Row => page.unfit.push((index, error)),
                    result => result?,
                }
                index += 1;
            }
        }
        Ok(())
    }

    /// Faults count the rows that were encoded; here they are made to count all.
    fn renumber(&mut self, unfit: Faults) {
        for (index, _) in &mut self.faults {
            for (at, _) in &unfit {
                if at <= index {
                    *index += 1;
                }
            }
        }
        self.faults.extend(unfit);
        self.faults.sort_by_key(|(index, _)| *index);
    }

    fn store_page(&mut self, page: &mut Page) -> Result<()> {
        let (Some(copy), Some(plan)) = (self.copy.as_ref(), self.encoder.plan.get()) else {
            return Err(Error::fatal("`encoder` must be called before `write`"));
        };
        let mut stretches: Vec<(usize, Stretch<'_>)> = Vec::new();
        let mut new = Vec::new();
        for stretch in page.stretches() {
            let route = self.routes.find(stretch.route, copy, plan)?;
            new.extend(self.routes.stage(route).map(str::to_owned));
            stretches.push((route, stretch));
        }
        self.session.begin(copy, &self.routes)?;
        // Those of routes that are new since the transaction began.
        for make in new {
            self.session.ask("the staging table can't be made", |connection| {
                connection.run(&make).map(drop)
            })?;
        }
        let mut loading = Loading {
            session: &mut self.session,
            copy,
            routes: &self.routes,
            page,
            parts: Parts::new(),
            faults: &mut self.faults,
            table: &plan.table,
        };
        loading.all(&stretches)?;
        let parts = loading.parts;
        let rows = page.ends.len();
        self.session.keep(&mut page.data, parts, rows)?;
        if self.settings.mode == Mode::Replace {
            self.session.save()?;
        }
        Ok(())
    }

    pub(super) fn keep_reject(&mut self, reject: &Reject) -> Result<()> {
        self.reject_bytes += reject.raw.len() + reject.reason.len();
        self.rejects.push(reject.clone());
        Ok(())
    }

    fn begin(&mut self) -> Result<()> {
        let Some(copy) = &self.copy else {
            // No table, no row: the transaction is for the checkpoint alone.
            let copy = Copy {
                table: self.settings.declared.name.clone(),
                mode: Mode::Append,
                key: Vec::new(),
                binary: true,
            };
            return self.session.begin(&copy, &self.routes);
        };
        self.session.begin(copy, &self.routes)
    }

    pub(super) fn commit(&mut self, checkpoint: &Checkpoint, when: Commit) -> Result<Durability> {
        if self.settings.mode == Mode::Replace {
            if when == Commit::Now {
                self.abort();
                self.cut_short = true;
            }
            return Ok(Durability::Pending);
        }
        if self.session.job.is_some() || !self.rejects.is_empty() {
            // Also starts the clock when a batch has left nothing to write.
            self.begin()?;
        }
        if self.session.job.is_some() {
            self.pending = Some(checkpoint.clone());
        }
        let Some(transaction) = &self.session.transaction else {
            return Ok(Durability::Stored);
        };
        if when == Commit::Grouped && !self.settings.is_due(transaction, self.reject_bytes) {
            return Ok(Durability::Pending);
        }
        self.store()?;
        Ok(Durability::Stored)
    }

    fn store(&mut self) -> Result<()> {
        if self.session.transaction.is_some() {
            self.begin()?;
        }
        // A commit that was in doubt may turn out to have happened.
        if self.session.transaction.is_some() {
            match self.session.commit(self.pending.as_ref(), &self.rejects)? {
                Stored::Done => {}
                Stored::Fenced(epoch) => {
                    let error = self.session.fenced(epoch);
                    self.forget();
                    return Err(error);
                }
            }
        }
        self.last = self.pending.take().or(self.last.take());
        self.rejects.clear();
        self.reject_bytes = 0;
        Ok(())
    }

    pub(super) fn finish(&mut self) -> Result<()> {
        if self.cut_short {
            return Ok(());
        }
        if (self.settings.mode == Mode::Replace && self.copy.is_some()) || !self.rejects.is_empty()
        {
            self.begin()?;
        }
        if let Some(job) = &self.session.job {
            // A run that found nothing to read finishes the job, too.
            let stored = job.stored.clone();
            let last = self.pending.take().or_else(|| self.last.clone()).or(stored);
            let last = last.unwrap_or_default();
            self.pending = Some(Checkpoint { finished: true, ..last });
            self.begin()?;
            if self.session.transaction.is_none() {
                // The commit in doubt was this one.
                self.begin()?;
            }
        }
        self.store()?;
        self.forget();
        Ok(())
    }

    pub(super) fn abort(&mut self) {
        self.session.abort();
        self.forget();
    }

    /// Back to the start, for another run.
    fn forget(&mut self) {
        self.session.job = None;
        self.session.careful = false;
        self.pending = None;
        self.last = None;
        self.rejects.clear();
        self.reject_bytes = 0;
        self.faults.clear();
    }
}

impl Settings {
    fn is_due(&self, transaction: &Transaction, reject_bytes: usize) -> bool {
        let reached = |limit: usize, value: usize| limit > 0 && value >= limit;
        reached(self.commit_rows, transaction.rows)
            || reached(self.commit_bytes, transaction.bytes + reject_bytes)
            || transaction.since.elapsed() >= self.commit_interval
    }
}
