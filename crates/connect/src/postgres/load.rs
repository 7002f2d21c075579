//! One load: pages in, faults out, commits when they are due.

use super::copy::Copy;
use super::encode::{Encoder, Page, PlainRow, Plan, Writer};
use super::isolate::Faults;
use super::lane::Lane;
use super::lanes::{Lanes, Work};
use super::schema;
use super::session::{Session, Stored};
use super::table::Settings;
use super::transaction::Transaction;
use super::verify::Verify;
use crate::table::Mode;
use crate::table::{Kind, encode_into};
use crate::verify::{self, Digest};
use std::sync::Arc;
use trommel::{Checkpoint, Class, Commit, Durability, Error, ErrorKind, Page as _, Reject, Result};

mod proof;

#[derive(Debug)]
pub(super) struct Load {
    /// Loads, or with several connections looks after the table and the rejects.
    pub(super) lane: Lane,
    lanes: Option<Lanes>,
    pub(super) settings: Settings,
    encoder: Encoder,
    copy: Option<Arc<Copy>>,
    /// The next run is one of the job.
    is_resumed: bool,
    /// The newest checkpoint that is not stored.
    pending: Option<Checkpoint>,
    /// The newest one that this run has stored.
    last: Option<Checkpoint>,
    /// Bad rows that go with the next commit.
    rejects: Vec<Reject>,
    reject_bytes: usize,
    /// From the first row on, or from an earlier run of the job, if the load is to be verified.
    verify: Option<Verify>,
    /// A replacing load was cut short: nothing of it may be committed until the next run.
    cut_short: bool,
}

impl Load {
    pub(super) fn new(session: Session, settings: Settings) -> Self {
        Load {
            lane: Lane::new(session, false),
            lanes: None,
            settings,
            encoder: Encoder::default(),
            copy: None,
            is_resumed: false,
            pending: None,
            last: None,
            rejects: Vec::new(),
            reject_bytes: 0,
            verify: None,
            cut_short: false,
        }
    }

    /// Takes the job over: this run goes on where its last commit was.
    pub(super) fn resume(&mut self, job: &str) -> Result<Option<Checkpoint>> {
        self.abort();
        self.check()?;
        if self.settings.connections > 1 {
            return Err(Error::new(
                ErrorKind::Unsupported,
                "resumable: a checkpoint lies in one transaction with all that comes before it, and \
                 connections commit each on their own: use one connection",
            ));
        }
        if self.settings.mode == Mode::Replace {
            return Err(Error::config(
                "resumable: a load that replaces is one transaction, so there is nothing to resume",
            ));
        }
        self.lane.session.take_over(job)?;
        self.resume_verify(job)?;
        let stored = self.lane.session.job.as_ref().and_then(|job| job.stored.clone());
        // A finished job is not run: the run that comes next is another.
        self.is_resumed = !stored.as_ref().is_some_and(|stored| stored.finished);
        Ok(stored)
    }

    /// Begins a run; one before that was left without an end is taken back.
    pub(super) fn start(&mut self) -> Result<Encoder> {
        self.cut_short = false;
        if !std::mem::take(&mut self.is_resumed) {
            self.abort();
        }
        self.check()?;
        self.lane.given = self.settings.verify.then(Digest::default);
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
            return Err(Error::config("upsert: name the key columns (`key`)"));
        }
        if settings.verify && matches!(settings.mode, Mode::Upsert | Mode::IgnoreDuplicates) {
            return Err(verify::merges());
        }
        if settings.connections == 0 {
            return Err(Error::config("connections: at least one is needed"));
        }
        if settings.connections > 1 && settings.mode == Mode::Replace {
            return Err(Error::config(
                "connections: a load that replaces is one transaction, and that has one connection: \
                 use one, or empty the table before and append",
            ));
        }
        Ok(())
    }

    /// Reads the table's columns, if it exists.
    fn look_up(&mut self) -> Result<()> {
        let name = self.settings.declared.name.clone();
        let found = self.lane.session.ask("the table can't be looked up", |connection| {
            schema::columns_of(connection, &name)
        })?;
        self.encoder = Encoder::default();
        self.lane.routes.clear();
        self.copy = None;
        if let Some(columns) = found {
            self.plan(columns)?;
        }
        Ok(())
    }

    fn plan(&mut self, columns: Vec<super::types::Column>) -> Result<()> {
        let name = self.settings.declared.name.clone();
        let streams = self.settings.connections > 1
            || self.lane.session.ask("the table can't be looked up", |connection| {
                schema::takes_all_rows(connection, &name)
            })?;
        let declared = &self.settings.declared;
        let plan = Plan::new(&declared.name.to_string(), columns, &declared.names())?;
        let copy = Arc::new(Copy {
            table: declared.name.clone(),
            mode: self.settings.mode,
            key: declared.key.clone(),
            binary: plan.binary,
            streams: streams && matches!(self.settings.mode, Mode::Append | Mode::Replace),
        });
        self.copy = Some(Arc::clone(&copy));
        // Set once per run: `look_up` has made it anew.
        _ = self.encoder.plan.set(plan);
        self.open_lanes(copy)
    }

    /// Connects as often as the load shall have connections.
    fn open_lanes(&mut self, copy: Arc<Copy>) -> Result<()> {
        self.lanes = None;
        if self.settings.connections == 1 {
            return Ok(());
        }
        let name = &self.settings.declared.name;
        let sessions = (1..=self.settings.connections).map(|number| {
            let mut address = self.lane.session.address.clone();
            // One that comes back after it was lost ends what is left of itself, not the others.
            address.application = format!("{} {number}", address.application);
            let mut session = Session::new(address, None, name);
            session.connection()?;
            Ok(session)
        });
        let sessions = sessions.collect::<Result<Vec<_>>>()?;
        let mut settings = self.settings.clone();
        // Each connection keeps what it has not committed.
        settings.commit.bytes = settings.commit.bytes.div_ceil(sessions.len().max(1));
        let work = Work { copy, encoder: self.encoder.clone(), settings };
        self.lanes = Some(Lanes::start(sessions, &work)?);
        Ok(())
    }

    /// Creates the table, outside of any transaction.
    fn create(&mut self, sql: &str) -> Result<()> {
        let what = format!(
            "{} can't be created with `{sql}`, check `column` and `key`",
            self.settings.declared.name
        );
        let name = self.settings.declared.name.clone();
        let found = self.lane.session.ask(&what, |connection| {
            connection.run(sql)?;
            schema::columns_of(connection, &name)
        })?;
        self.plan(found.unwrap_or_default())
    }

    /// Stores a page, all but the rows that the table refuses.
    pub(super) fn write(&mut self, page: &mut Page) -> Result<()> {
        self.lane.faults.clear();
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
        self.begin_verify(page)?;
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
        for (index, _) in &mut self.lane.faults {
            for (at, _) in &unfit {
                if at <= index {
                    *index += 1;
                }
            }
        }
        self.lane.faults.extend(unfit);
        self.lane.faults.sort_by_key(|(index, _)| *index);
    }

    fn store_page(&mut self, page: &mut Page) -> Result<()> {
        let (Some(copy), Some(plan)) = (self.copy.as_ref(), self.encoder.plan.get()) else {
            return Err(Error::fatal("`encoder` must be called before `write`"));
        };
        if page.ends.is_empty() {
            return Ok(());
        }
        match &mut self.lanes {
            Some(lanes) => {
                // What didn't fit when the table was made stays here.
                let unfit = std::mem::take(&mut page.unfit);
                let written = lanes.write(page);
                page.unfit = unfit;
                written
            }
            None => self.lane.store(copy, plan, page),
        }
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
                streams: false,
            };
            return self.lane.session.begin(&copy, &self.lane.routes);
        };
        self.lane.session.begin(copy, &self.lane.routes)
    }

    pub(super) fn commit(&mut self, checkpoint: &Checkpoint, when: Commit) -> Result<Durability> {
        if self.settings.mode == Mode::Replace {
            if when == Commit::Now {
                self.abort();
                self.cut_short = true;
            }
            return Ok(Durability::Pending);
        }
        if let Some(lanes) = &mut self.lanes {
            if when == Commit::Grouped && !lanes.is_due(self.settings.commit.interval) {
                return Ok(Durability::Pending);
            }
            lanes.settle()?;
        }
        if self.lane.session.job.is_some() || !self.rejects.is_empty() {
            // Also starts the clock when a batch has left nothing to write.
            self.begin()?;
        }
        if self.lane.session.job.is_some() {
            self.pending = Some(checkpoint.clone());
        }
        let Some(transaction) = &self.lane.session.transaction else {
            return Ok(Durability::Stored);
        };
        let grouped = when == Commit::Grouped && self.lanes.is_none();
        let Transaction { rows, bytes, since, .. } = *transaction;
        let bytes = bytes + self.reject_bytes;
        if grouped && !self.settings.commit.reached(rows, bytes, since) {
            return Ok(Durability::Pending);
        }
        self.store()?;
        Ok(Durability::Stored)
    }

    fn store(&mut self) -> Result<()> {
        if self.lane.session.transaction.is_some() {
            self.begin()?;
        }
        // A commit that was in doubt may turn out to have happened.
        if self.lane.session.transaction.is_some() {
            let digest = self.digest();
            let (session, pending) = (&mut self.lane.session, self.pending.as_ref());
            match session.commit(pending, &self.rejects, digest.as_deref())? {
                Stored::Done => {}
                Stored::Fenced(epoch) => {
                    let error = self.lane.session.fenced(epoch);
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
        if let Some(lanes) = &mut self.lanes {
            lanes.settle()?;
        }
        if (self.settings.mode == Mode::Replace && self.copy.is_some()) || !self.rejects.is_empty()
        {
            self.begin()?;
        }
        if let Some(job) = &self.lane.session.job {
            // A run that found nothing to read finishes the job, too.
            let stored = job.stored.clone();
            let last = self.pending.take().or_else(|| self.last.clone()).or(stored);
            let last = last.unwrap_or_default();
            self.pending = Some(Checkpoint { finished: true, ..last });
            self.begin()?;
            if self.lane.session.transaction.is_none() {
                // The commit in doubt was this one.
                self.begin()?;
            }
        }
        self.verify()?;
        self.store()?;
        self.forget();
        Ok(())
    }

    pub(super) fn abort(&mut self) {
        self.lanes = None;
        self.lane.session.abort();
        self.forget();
    }

    /// Back to the start, for another run.
    fn forget(&mut self) {
        self.lanes = None;
        self.verify = None;
        self.lane.session.job = None;
        self.lane.session.careful = false;
        self.pending = None;
        self.last = None;
        self.rejects.clear();
        self.reject_bytes = 0;
        self.lane.faults.clear();
    }
}
