//! The sink behind guards: panics become errors, passing failures are tried again.

use super::control::Control;
use crate::error::{Class, Error, ErrorKind, Result};
use crate::options::Retry;
use crate::position::Checkpoint;
use crate::reject::Reject;
use crate::sink::{Commit, Durability, Sink};
use std::any::Any;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::time::Duration;

/// Longest nap of a pause before a retry, so that a cancel is not slept through.
const NAP: Duration = Duration::from_millis(10);

pub(super) struct Outlet<'r, K> {
    sink: &'r mut K,
    control: &'r Control,
    retry: Retry,
    pub(super) retries: u64,
    /// Values of the last page that the sink refused.
    pub(super) faults: Vec<(usize, Error)>,
}

impl<'r, K: Sink> Outlet<'r, K> {
    pub(super) fn new(sink: &'r mut K, control: &'r Control, retry: Retry) -> Self {
        Outlet { sink, control, retry, retries: 0, faults: Vec::new() }
    }

    /// Writes a page and collects what the sink refused of it.
    pub(super) fn write(&mut self, page: &mut K::Page) -> Result<()> {
        self.faults.clear();
        self.again(|sink| sink.write(page))?;
        let Outlet { sink, faults, .. } = self;
        guarded("the sink", || {
            sink.take_faults(faults);
            Ok(())
        })
    }

    pub(super) fn commit(&mut self, checkpoint: &Checkpoint, when: Commit) -> Result<Durability> {
        self.again(|sink| sink.commit(checkpoint, when))
    }

    pub(super) fn keep_reject(&mut self, reject: &Reject) -> Result<()> {
        self.again(|sink| sink.keep_reject(reject))
    }

    pub(super) fn finish(&mut self) -> Result<()> {
        self.again(|sink| sink.finish())
    }

    pub(super) fn abort(&mut self) -> Durability {
        // The run has failed already; a panic on top of that is no news.
        guarded("the sink", || Ok(self.sink.abort())).unwrap_or(Durability::Pending)
    }

    fn again<R>(&mut self, mut call: impl FnMut(&mut K) -> Result<R>) -> Result<R> {
        let mut attempt = 0;
        loop {
            match guarded("the sink", || call(self.sink)) {
                Err(error)
                    if error.class() == Class::Transient && attempt < self.retry.attempts =>
                {
                    self.pause(attempt, error)?;
                    attempt += 1;
                    self.retries += 1;
                }
                result => return result,
            }
        }
    }

    /// Waits before the next attempt; a run that is being dropped waits no more.
    fn pause(&self, attempt: u32, error: Error) -> Result<()> {
        let doubled = self.retry.initial.saturating_mul(1 << attempt.min(20));
        let pause = doubled.min(self.retry.max).mul_f64(fastrand::f64());
        tracing::debug!(attempt, ?pause, %error, "a sink call is tried again");
        let naps = pause.as_nanos().div_ceil(NAP.as_nanos()) as u32;
        for _ in 0..naps {
            self.control.enforce_grace();
            if self.control.is_dropping() {
                let message = "cancelled while a sink call was to be tried again";
                return Err(Error::new(ErrorKind::Cancelled, message).caused_by(error));
            }
            std::thread::sleep(pause / naps);
        }
        Ok(())
    }
}

/// Calls user code; a panic becomes an error.
pub(crate) fn guarded<R>(who: &str, call: impl FnOnce() -> Result<R>) -> Result<R> {
    catch_unwind(AssertUnwindSafe(call)).unwrap_or_else(|panic| {
        let said = panic_message(&*panic);
        Err(Error::new(ErrorKind::Panic, format!("{who} panicked: {said}")))
    })
}

/// What a panic said.
pub(super) fn panic_message(panic: &(dyn Any + Send)) -> &str {
    panic
        .downcast_ref::<&str>()
        .copied()
        .or_else(|| panic.downcast_ref::<String>().map(String::as_str))
        .unwrap_or("no message")
}
