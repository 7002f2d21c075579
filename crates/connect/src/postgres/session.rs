//! One connection, its transaction, and what it takes to do the transaction again.

use super::address::Address;
use super::checkpoint;
use super::connection::Connection;
use super::copy::{Copy, Routes};
use super::encode::Page;
use super::failure::Failure;
use super::schema::Name;
use super::transaction::{Kept, Transaction};
use std::ops::Range;
use trommel::{Checkpoint, Error, Reject, Result};

/// Bytes of rows after which a load in one transaction takes a savepoint, so that what would have to
/// be sent again stays bounded.
const SAFE_BYTES: usize = 8 << 20;

mod stream;
mod takeover;

pub(super) use stream::too_late;
use takeover::end_others;

/// The job of this run.
#[derive(Debug, Clone)]
pub(super) struct Job {
    pub(super) name: String,
    pub(super) epoch: u64,
    pub(super) stored: Option<Checkpoint>,
}

/// A connection that comes back after it was lost.
#[derive(Debug)]
pub(super) struct Session {
    pub(super) address: Address,
    connection: Option<Connection>,
    /// A connection was given up, and its process may still be there.
    was_lost: bool,
    pub(super) job: Option<Job>,
    pub(super) checkpoints: Name,
    /// What is loaded.
    table: Name,
    rejects: Name,
    pub(super) digests: Name,
    pub(super) transaction: Option<Transaction>,
    /// What `transaction` has done since its savepoint, if it has one; nothing without one.
    kept: Kept,
    /// The server's transaction is not what `transaction` says: it has to be done again.
    pub(super) stale: bool,
    /// A commit was sent and not answered: this is what it would have stored.
    pub(super) in_doubt: Option<Option<Checkpoint>>,
    /// A row was refused: savepoints from now on.
    pub(super) careful: bool,
    /// The route of the `COPY` that is open, whose verdict is still to come.
    streaming: Option<usize>,
}

/// How a commit ended.
#[derive(Debug)]
pub(super) enum Stored {
    Done,
    /// A newer runner has taken the job over.
    Fenced(u64),
}

impl Session {
    pub(super) fn new(address: Address, connection: Option<Connection>, table: &Name) -> Self {
        Session {
            address,
            connection,
            was_lost: false,
            job: None,
            checkpoints: table.sibling("trommel_checkpoint"),
            table: table.clone(),
            rejects: table.sibling("trommel_reject"),
            digests: table.sibling("trommel_digest"),
            transaction: None,
            kept: Kept::default(),
            stale: false,
            in_doubt: None,
            careful: false,
            streaming: None,
        }
    }

    /// The connection, opened again when it is gone; the transaction is not looked at.
    pub(super) fn connection(&mut self) -> Result<&mut Connection> {
        if !self.connection.as_ref().is_some_and(Connection::is_open) {
            // Closed first, so that the server may notice.
            self.was_lost |= self.connection.take().is_some();
            self.stale = self.transaction.is_some();
            self.streaming = None;
            let mut connection = self.address.connect()?;
            if self.was_lost {
                // First whether the job is still ours: a newer runner's session must not be ended.
                self.confirm(&mut connection)?;
                end_others(&mut connection, &self.address.application)
                    .map_err(|failure| failure.explain(&connection.place, ENDING))?;
            }
            self.was_lost = false;
            self.connection = Some(connection);
        }
        match &mut self.connection {
            Some(connection) => Ok(connection),
            None => Err(Error::fatal("no connection")),
        }
    }

    /// Calls the server; on failure the transaction, if there is one, has to be done again.
    pub(super) fn ask<R>(
        &mut self,
        what: &str,
        call: impl FnOnce(&mut Connection) -> Result<R, Failure>,
    ) -> Result<R> {
        let result = self.run(call)?;
        result.map_err(|failure| failure.explain(&self.place(), what))
    }

    /// Begins a transaction, or makes sure that the server has the one that we have.
    pub(super) fn begin(&mut self, copy: &Copy, routes: &Routes) -> Result<()> {
        self.connection()?;
        if self.in_doubt.is_some() {
            self.resolve()?;
        }
        if self.transaction.is_none() {
            let number = self.open(copy, routes)?;
            self.transaction = Some(Transaction { number, ..Transaction::new() });
        } else if self.stale {
            self.again(copy, routes)?;
        }
        Ok(())
    }

    /// `BEGIN` and what belongs to it. Without a checkpoint row of its own, a transaction is known
    /// by its number; asked for in the same message, so that nothing can be lost between the two.
    fn open(&mut self, copy: &Copy, routes: &Routes) -> Result<Option<String>> {
        let mut sql = copy.begin(routes);
        let is_numbered = self.job.is_none();
        if is_numbered {
            sql.push_str("; SELECT txid_current()");
        }
        let answer = self.ask("a transaction can't be started", |connection| {
            let answer = connection.run(&sql);
            if answer.is_err() && connection.is_open() {
                _ = connection.run("ROLLBACK");
            }
            answer
        })?;
        self.stale = false;
        Ok(answer.first().filter(|_| is_numbered).map(str::to_owned))
    }

    /// Takes the server's transaction back to where ours is: does it again from what was kept.
    pub(super) fn again(&mut self, copy: &Copy, routes: &Routes) -> Result<()> {
        let Some(transaction) = &self.transaction else { return Ok(()) };
        let has_savepoint = transaction.has_savepoint;
        let mut restored = false;
        if has_savepoint {
            restored = self
                .connection
                .as_mut()
                .is_some_and(|open| open.run("ROLLBACK TO SAVEPOINT trommel_safe").is_ok());
            if !restored {
                return Err(Error::fatal(format!(
                    "{}: the connection was lost, and with it the transaction that the whole load \
                     is: run it again",
                    self.place()
                )));
            }
        }
        if !restored {
            if let Some(connection) = &mut self.connection {
                // Fails on a connection that has just been opened, where there is none.
                _ = connection.run("ROLLBACK");
            }
            let number = self.open(copy, routes)?;
            if let Some(transaction) = &mut self.transaction {
                transaction.number = number;
            }
        }
        self.stale = true;
        let Some(connection) = &mut self.connection else { return Ok(()) };
        for (route, rows) in self.kept.parts() {
            copy.run(connection, routes, route, rows).map_err(|failure| {
                failure.explain(&connection.place, "rows could not be sent a second time")
            })?;
        }
        self.stale = false;
        Ok(())
    }

    /// Keeps what a page has added to the transaction.
    pub(super) fn keep(&mut self, page: &Page, parts: &[(usize, Range<usize>)]) {
        let Some(transaction) = &mut self.transaction else { return };
        transaction.rows += page.ends.len();
        transaction.bytes += page.data.len();
        for (route, bytes) in parts {
            self.kept.add(*route, &page.data[bytes.clone()]);
        }
    }

    /// In a load that is one transaction: draws a line, before which nothing needs to be kept.
    pub(super) fn save(&mut self) -> Result<()> {
        if self.kept.bytes() < SAFE_BYTES {
            return Ok(());
        }
        self.verdict()?;
        self.ask("a savepoint can't be made", |connection| {
            connection.run("SAVEPOINT trommel_safe").map(drop)
        })?;
        if let Some(transaction) = &mut self.transaction {
            transaction.has_savepoint = true;
            self.kept.clear();
        }
        Ok(())
    }

    /// Runs one operation in the transaction; on failure the transaction has to be done again.
    pub(super) fn run<R>(
        &mut self,
        call: impl FnOnce(&mut Connection) -> Result<R, Failure>,
    ) -> Result<Result<R, Failure>> {
        let connection = self.connection()?;
        let result = call(connection);
        if let Err(failure) = &result {
            self.stale = true;
            self.streaming = None;
            if failure.is_lost() {
                // Also one that is open but out of step, after a timeout.
                self.connection = None;
                self.was_lost = true;
            }
        }
        Ok(result)
    }

    /// Undoes what was done since the savepoint of `Load::isolate`.
    pub(super) fn undo(&mut self) -> Result<()> {
        self.ask("a refused row can't be taken back", |connection| {
            connection.run("ROLLBACK TO SAVEPOINT trommel_rows; RELEASE SAVEPOINT trommel_rows")
        })?;
        self.stale = false;
        Ok(())
    }

    /// Stores rejects and checkpoint, with the statement `digest` if there is one, and commits.
    pub(super) fn commit(
        &mut self,
        checkpoint: Option<&Checkpoint>,
        rejects: &[Reject],
        digest: Option<&str>,
    ) -> Result<Stored> {
        self.verdict()?;
        let place = self.place();
        let job = self.job.clone();
        let table = self.rejects.clone();
        if !rejects.is_empty() {
            let name = job.as_ref().map(|job| job.name.as_str());
            self.run(|connection| checkpoint::store_rejects(connection, &table, name, rejects))?
                .map_err(|failure| failure.explain(&place, "rejects can't be stored"))?;
        }
        window!("postgres: rejects stored, before checkpoint and COMMIT");
        let sql = match (&job, checkpoint) {
            (Some(job), Some(checkpoint)) => {
                let store = checkpoint::store(&self.checkpoints, &job.name, job.epoch, checkpoint);
                let digest = digest.map_or_else(String::new, |digest| format!("{digest}; "));
                format!("{digest}{store}; COMMIT")
            }
            _ => "COMMIT".to_owned(),
        };
        let sent = |connection: &mut Connection| {
            connection.send(&sql)?;
            window!("postgres: checkpoint and COMMIT sent, before the answer");
            connection.answer()
        };
        match self.run(sent)? {
            Ok(_) => {
                window!("postgres: checkpoint and COMMIT answered, before it is noted");
                self.forget_transaction();
                Ok(Stored::Done)
            }
            Err(failure) if job.is_some() && checkpoint::is_fence(&failure) => {
                Ok(Stored::Fenced(job.map_or(0, |job| job.epoch)))
            }
            Err(failure) => {
                if failure.is_lost() {
                    self.in_doubt = Some(checkpoint.cloned());
                }
                Err(failure.explain(&place, "the transaction can't be committed"))
            }
        }
    }

    /// The error of a runner that is not the job's any more.
    pub(super) fn fenced(&mut self, epoch: u64) -> Error {
        let name = self.job.as_ref().map_or("", |job| job.name.as_str());
        let error = Error::fatal(format!(
            "{}: job `{name}` has been taken over by a newer runner (this one has epoch {epoch}): \
             what this one had not committed is taken back; let the newer one finish",
            self.place()
        ));
        self.abort();
        error
    }

    /// Takes back what was not committed.
    pub(super) fn abort(&mut self) {
        if self.streaming.take().is_some()
            && let Some(connection) = &mut self.connection
        {
            connection.give_up_copy();
        }
        if self.transaction.is_some()
            && let Some(connection) = &mut self.connection
            && connection.run("ROLLBACK").is_err()
        {
            self.connection = None;
        }
        self.in_doubt = None;
        self.forget_transaction();
    }

    pub(super) fn forget_transaction(&mut self) {
        self.transaction = None;
        self.kept.clear();
        self.stale = false;
    }

    pub(super) fn place(&self) -> super::failure::Place {
        match &self.connection {
            Some(connection) => connection.place.clone(),
            None => self.address.place.clone(),
        }
    }
}

const ENDING: &str = "sessions of the same load from before can't be ended";
