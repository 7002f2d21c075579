//! What a load keeps beside the rows: the job, its digests, its rejects.

use super::super::verify::Verify;
use super::super::{checkpoint, rejects};
use super::{Load, explain};
use crate::table::Taken;
use trommel::{Checkpoint, Class, Reject, Result};

impl Load {
    pub(in crate::sqlite) fn resume(&mut self, job: &str) -> Result<Option<Checkpoint>> {
        self.abort();
        self.job = Some(job.to_owned());
        self.is_resumed = true;
        self.prepare()?;
        let stored = self.epoch.as_ref().and_then(|(_, stored)| stored.clone());
        // A finished job is not run: the run that comes next is another.
        self.is_resumed = !stored.as_ref().is_some_and(|stored| stored.finished);
        Ok(stored)
    }

    pub(super) fn take_over(&mut self) -> Result<()> {
        let Some(job) = self.job.as_deref() else {
            return Ok(());
        };
        if self.epoch.is_none() {
            let (connection, place) = (&self.sink.connection, &self.sink.place);
            let table = &self.settings.declared.table;
            let taken = connection.execute_batch("BEGIN IMMEDIATE").and_then(|()| {
                let taken = checkpoint::take_over(connection, job, table);
                window!("sqlite: epoch taken, before COMMIT");
                let end = if let Ok(Taken::Over(..)) = taken { "COMMIT" } else { "ROLLBACK" };
                let ended = connection.execute_batch(end);
                if ended.is_err() && !connection.is_autocommit() {
                    _ = connection.execute_batch("ROLLBACK");
                }
                taken.and_then(|taken| ended.map(|()| taken))
            });
            let what = format!("job `{job}` can't be taken over (does another run load it?)");
            let taken = taken.map_err(|error| explain(place, &what, error))?;
            self.epoch = Some(taken.over(place, job)?);
        }
        Ok(())
    }

    /// Goes on with the job's digests.
    pub(super) fn resume_verify(&mut self) -> Result<()> {
        if let (true, Some(job), Some((_, stored))) = (self.settings.verify, &self.job, &self.epoch)
        {
            let (connection, place) = (&self.sink.connection, &self.sink.place);
            let table = &self.settings.declared.table;
            self.verify = Verify::resume(connection, place, table, job, stored.as_ref())?;
        }
        Ok(())
    }

    /// Compares what is there with what was given, before the last transaction ends: whoever fails
    /// here is not finished.
    pub(super) fn verify(&mut self) -> Result<()> {
        if self.verify.is_none() {
            return Ok(());
        }
        // Nobody may write between this look and the end.
        self.begin()?;
        let Some(verify) = &self.verify else { return Ok(()) };
        let verified = verify.conclude(&self.sink.connection, &self.sink.place);
        verified.inspect_err(|error| {
            if error.class() != Class::Transient {
                self.abort();
            }
        })
    }

    /// Stores a reject in the transaction of the data.
    pub(in crate::sqlite) fn keep_reject(&mut self, reject: &Reject) -> Result<()> {
        self.prepare()?;
        self.begin()?;
        self.begin_rejects()?;
        rejects::store(&self.sink.connection, self.job.as_deref(), reject)
            .map_err(|error| explain(&self.sink.place, "a reject can't be stored", error))
    }

    /// Makes sure of the table for them, once in a transaction.
    fn begin_rejects(&mut self) -> Result<()> {
        if self.transaction.as_ref().is_some_and(|transaction| transaction.takes_rejects) {
            return Ok(());
        }
        rejects::create(&self.sink.connection).map_err(|error| {
            explain(&self.sink.place, "a table for rejects can't be created", error)
        })?;
        self.renew_statements()?;
        if let Some(transaction) = &mut self.transaction {
            transaction.takes_rejects = true;
        }
        Ok(())
    }
}
