//! Taking a job over: whether its rows are where ours are to go, and what becomes of the runners from
//! before.

use super::super::connection::{Connection, literal};
use super::super::failure::Failure;
use super::super::{checkpoint, schema};
use super::{Job, Session};
use crate::table::Taken;
use trommel::Result;

/// How long another runner's commit is waited for before its session is ended.
const LOCK_PATIENCE: &str = "2s";

impl Session {
    /// Makes this session the job's only runner.
    pub(in crate::postgres) fn take_over(&mut self, job: &str) -> Result<()> {
        let (table, destination) = (self.checkpoints.clone(), self.table.clone());
        let mut may_add = true;
        let result = self.run(|connection| {
            checkpoint::prepare(connection, &table)?;
            let now = schema::resolved(connection, &destination)?;
            // Runners of one job know each other by this.
            let named = connection.run(&format!(
                "SELECT set_config('application_name', 'trommel ' || {}::regclass::oid || ' ' || \
                 md5({}), false)",
                literal(&table.to_string()),
                literal(job)
            ))?;
            let application = named.first().unwrap_or("trommel").to_owned();
            connection.run(&format!("SET lock_timeout = '{LOCK_PATIENCE}'"))?;
            let mut take = |connection: &mut Connection| {
                checkpoint::add_destination(connection, &table)
                    .inspect_err(|failure| may_add = failure.state() != Some("42501"))?;
                checkpoint::take_over(connection, &table, job, &now)
            };
            let mut taken = take(connection);
            connection.run("SET lock_timeout = DEFAULT")?;
            if matches!(&taken, Err(failure) if failure.state() == Some("55P03")) {
                // Whoever keeps the row for so long hangs in its commit: a runner that was stopped.
                end_others(connection, &application)?;
                taken = take(connection);
            }
            let taken = taken?;
            if let Taken::Not { .. } = taken {
                // Nobody is to take this session for one of the job's.
                connection.run("RESET application_name")?;
                return Ok((taken, application));
            }
            window!("postgres: epoch taken, before others are ended");
            // A runner from before may hold locks on rows that this one is about to write.
            end_others(connection, &application)?;
            Ok((taken, application))
        })?;
        let (taken, application) = result.map_err(|failure| {
            let what = match may_add {
                true => "the job's checkpoint can't be read".to_owned(),
                false => format!(
                    "the table of checkpoints is one of before and lacks a column, which its owner can \
                     add: `ALTER TABLE {table} ADD COLUMN destination text`"
                ),
            };
            failure.explain(&self.place(), &what)
        })?;
        let (epoch, stored) = taken.over(&self.place(), job)?;
        self.address.application = application;
        self.job = Some(Job { name: job.to_owned(), epoch, stored });
        Ok(())
    }
}

/// Ends the sessions of this load, or of earlier runners of its job, that are still there: they may
/// hold locks, and nothing they do counts any more.
pub(super) fn end_others(connection: &mut Connection, application: &str) -> Result<(), Failure> {
    connection
        .run(&format!(
            "SELECT pg_catalog.pg_terminate_backend(pid) FROM pg_catalog.pg_stat_activity \
             WHERE application_name = {} AND pid <> pg_catalog.pg_backend_pid() \
             AND datname = pg_catalog.current_database() AND usename = current_user",
            literal(application)
        ))
        .map(drop)
}
