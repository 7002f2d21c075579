//! What a load does to be verified: digests of what was there, what was given, what is there.

use super::super::checkpoint;
use super::super::encode::Page;
use super::super::lanes::Lanes;
use super::super::verify::{DIGESTS, Verify, kept};
use super::Load;
use crate::table::Mode;
use crate::verify::Carried;
use trommel::{Class, Result};

impl Load {
    /// Goes on with the job's digests.
    pub(super) fn resume_verify(&mut self, job: &str) -> Result<()> {
        if !self.settings.verify {
            return Ok(());
        }
        let table = self.lane.session.digests.clone();
        let kept = self.lane.session.ask("the job's digest can't be read", |connection| {
            checkpoint::make(connection, &table, DIGESTS)?;
            kept(connection, &table, job)
        })?;
        let stored = self.lane.session.job.as_ref().and_then(|job| job.stored.as_ref());
        if let Some(checkpoint) = stored.filter(|checkpoint| !checkpoint.finished) {
            self.verify = Carried::read(kept.as_deref(), job, checkpoint)?.map(Verify::resumed);
        }
        Ok(())
    }

    /// Begins with what is in the table, and refuses records of other columns than the first one's.
    pub(super) fn begin_verify(&mut self, page: &Page) -> Result<()> {
        let (Some(copy), Some(plan)) = (&self.copy, self.encoder.plan.get()) else { return Ok(()) };
        if !self.settings.verify {
            return Ok(());
        }
        for stretch in page.stretches() {
            if let Some(verify) = &self.verify {
                verify.check(plan, stretch.route)?;
                continue;
            }
            let replaces = copy.mode == Mode::Replace;
            let connection = self.lane.session.connection()?;
            let begun = Verify::new(connection, plan, &copy.table, stretch.route, replaces)?;
            self.verify = Some(begun);
        }
        Ok(())
    }

    /// What keeps the job's digests with its checkpoint.
    pub(super) fn digest(&self) -> Option<String> {
        let given = self.lane.given?;
        let (job, checkpoint) = (self.lane.session.job.as_ref()?, self.pending.as_ref()?);
        let table = &self.lane.session.digests;
        Some(Verify::store(self.verify.as_ref(), table, &job.name, checkpoint, given))
    }

    /// Compares what is there with what was given, before the last transaction ends: whoever fails
    /// here is not finished.
    pub(super) fn verify(&mut self) -> Result<()> {
        let (Some(verify), Some(plan)) = (&self.verify, self.encoder.plan.get()) else {
            return Ok(());
        };
        let of_lanes = self.lanes.as_ref().map(Lanes::given).unwrap_or_default();
        let given = self.lane.given.unwrap_or_default().plus(of_lanes);
        self.lane.session.verdict()?;
        let connection = self.lane.session.connection()?;
        let verified = verify.conclude(connection, plan, &self.settings.declared.name, given);
        verified.inspect_err(|error| {
            if error.class() != Class::Transient {
                self.abort();
            }
        })
    }
}
