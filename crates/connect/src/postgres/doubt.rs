//! After a connection was lost: is the job still ours, and has the commit happened?

use super::checkpoint;
use super::connection::{Connection, literal};
use super::session::{Job, Session};
use std::time::{Duration, Instant};
use trommel::{Checkpoint, Error, Result};

impl Session {
    /// On a new connection: takes the job's next epoch, and reads what has been stored of it.
    pub(super) fn confirm(&mut self, connection: &mut Connection) -> Result<()> {
        let Some(job) = &mut self.job else { return Ok(()) };
        let found = checkpoint::confirm(connection, &self.checkpoints, &job.name, job.epoch)
            .map_err(|failure| {
                failure.explain(&connection.place, "the checkpoint can't be read")
            })?;
        match found {
            Some((epoch, stored)) => {
                job.epoch = epoch;
                job.stored = stored;
                Ok(())
            }
            None => {
                let epoch = job.epoch;
                Err(self.fenced(epoch))
            }
        }
    }

    /// Finds out whether the commit that was not answered has happened.
    pub(super) fn resolve(&mut self) -> Result<()> {
        let Some(wanted) = self.in_doubt.clone() else { return Ok(()) };
        let committed = match &self.job {
            // Read when the connection came back, after the old one had been fenced.
            Some(Job { stored, .. }) => {
                let same = |stored: &Checkpoint, wanted: &Checkpoint| {
                    stored.position == wanted.position
                        && stored.counts == wanted.counts
                        && stored.finished == wanted.finished
                };
                matches!((stored, &wanted), (Some(stored), Some(wanted)) if same(stored, wanted))
            }
            None => self.outcome()?,
        };
        self.in_doubt = None;
        if committed {
            self.forget_transaction();
        } else {
            self.stale = true;
        }
        Ok(())
    }

    /// What the server says became of the transaction of this number.
    fn outcome(&mut self) -> Result<bool> {
        let number = self.transaction.as_ref().and_then(|transaction| transaction.number.clone());
        let Some(number) = number else {
            return Err(Error::fatal(format!(
                "{}: the connection was lost during COMMIT, and whether it happened is not known: \
                 look, and use `resumable`",
                self.place()
            )));
        };
        let sql = format!("SELECT txid_status({})", literal(&number));
        let (began, limit) = (Instant::now(), self.address.patience.timeout);
        loop {
            let status = self.ask("a commit's outcome can't be read", |connection| {
                Ok(connection.run(&sql)?.first().map(str::to_owned))
            })?;
            match status.as_deref() {
                Some("committed") => return Ok(true),
                Some("in progress") if limit.is_none_or(|limit| began.elapsed() < limit) => {
                    // Its process has been told to end, and ends within moments.
                    std::thread::sleep(Duration::from_millis(10));
                }
                Some("aborted") => return Ok(false),
                Some("in progress") => {
                    return Err(Error::fatal(format!(
                        "{}: the connection was lost during COMMIT, and its session has still not \
                         ended: end it (`pg_terminate_backend`, see `pg_stat_activity`), look \
                         whether the rows are there, and use `resumable`",
                        self.place()
                    )));
                }
                other => {
                    return Err(Error::fatal(format!(
                        "{}: the connection was lost during COMMIT, whose outcome is {}: look, and \
                         use `resumable`",
                        self.place(),
                        other.unwrap_or("not known any more")
                    )));
                }
            }
        }
    }
}
