//! A sink around the one that is tested, with a window before and after each of its calls.

use crate::window::{self, reach};
use trommel::{Checkpoint, Commit, Durability, Encode, Error, Reject, Result, Sink};

#[derive(Debug)]
pub(crate) struct Witness<K>(pub(crate) K);

impl<K: Sink> Sink for Witness<K> {
    type Page = K::Page;
    type Encoder = K::Encoder;

    fn resume(&mut self, job: &str) -> Result<Option<Checkpoint>> {
        reach(window::BEFORE_RESUME);
        let stored = self.0.resume(job)?;
        reach(window::AFTER_RESUME);
        Ok(stored)
    }

    fn encoder(&mut self) -> Result<Self::Encoder> {
        let encoder = self.0.encoder()?;
        reach(window::BEFORE_FIRST_ROW);
        Ok(encoder)
    }

    fn write(&mut self, page: &mut Self::Page) -> Result<()> {
        reach(window::BEFORE_WRITE);
        self.0.write(page)?;
        reach(window::AFTER_WRITE);
        Ok(())
    }

    fn refuses_values(&self) -> bool {
        self.0.refuses_values()
    }

    fn take_faults(&mut self, faults: &mut Vec<(usize, Error)>) {
        self.0.take_faults(faults);
    }

    fn commit(&mut self, checkpoint: &Checkpoint, when: Commit) -> Result<Durability> {
        reach(window::BEFORE_COMMIT);
        let durability = self.0.commit(checkpoint, when)?;
        if durability == Durability::Stored {
            reach(window::AFTER_COMMIT);
        }
        Ok(durability)
    }

    fn finish(&mut self) -> Result<()> {
        reach(window::BEFORE_FINISH);
        self.0.finish()?;
        reach(window::AFTER_FINISH);
        Ok(())
    }

    fn abort(&mut self) -> Durability {
        self.0.abort()
    }

    fn keeps_rejects(&self) -> bool {
        self.0.keeps_rejects()
    }

    fn keep_reject(&mut self, reject: &Reject) -> Result<()> {
        self.0.keep_reject(reject)?;
        reach(window::AFTER_REJECT);
        Ok(())
    }
}

impl<T, K: Encode<T>> Encode<T> for Witness<K> {
    fn encode(encoder: &Self::Encoder, page: &mut Self::Page, value: T) -> Result<()> {
        K::encode(encoder, page, value)
    }
}
