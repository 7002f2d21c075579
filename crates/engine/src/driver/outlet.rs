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
                    // The error is the user's, and is shown and dropped here.
                    guarded("an error of the sink", || self.pause(attempt, error))?;
                    attempt += 1;
                    self.retries += 1;
                }
                result => return result,
            }
        }
    }

    /// Waits before the next attempt; a run that is being dropped waits no more.
    fn pause(&self, attempt: u32, error: Error) -> Result<()> {
        let pause = pause_before(self.retry, attempt, &mut fastrand::Rng::new());
        tracing::debug!(attempt, ?pause, %error, "a sink call is tried again");
        let mut left = pause;
        while !left.is_zero() {
            if self.control.is_dropping() {
                let message = "cancelled while a sink call was to be tried again";
                return Err(Error::new(ErrorKind::Cancelled, message).caused_by(error));
            }
            let nap = left.min(NAP);
            std::thread::sleep(nap);
            left -= nap;
        }
        Ok(())
    }
}

/// The pause before retry number `attempt`, the first being 0: anything up to a longest one, which
/// doubles until it is `max`. Drawn, so that those who failed together don't come back together.
fn pause_before(retry: Retry, attempt: u32, random: &mut fastrand::Rng) -> Duration {
    let doubled = retry.initial.saturating_mul(1u32.checked_shl(attempt).unwrap_or(u32::MAX));
    doubled.min(retry.max).mul_f64(random.f64())
}

/// Calls user code; a panic becomes an error.
pub(crate) fn guarded<R>(who: &str, call: impl FnOnce() -> Result<R>) -> Result<R> {
    catch_unwind(AssertUnwindSafe(call)).unwrap_or_else(|panic| Err(panicked(who, panic)))
}

/// The error that a panic becomes.
pub(crate) fn panicked(who: &str, panic: Box<dyn Any + Send>) -> Error {
    let said = panic
        .downcast_ref::<&str>()
        .copied()
        .or_else(|| panic.downcast_ref::<String>().map(String::as_str))
        .unwrap_or("no message");
    let error = Error::new(ErrorKind::Panic, format!("{who} panicked: {said}"));
    // What was thrown may panic when it is dropped, and what that throws as well: it is left alone.
    if let Err(second) = catch_unwind(AssertUnwindSafe(|| drop(panic))) {
        std::mem::forget(second);
    }
    error
}

/// Drops a value of the user's, whose destructor may panic.
pub(super) fn drop_guarded<T>(value: T) -> Result<()> {
    guarded("a value's destructor", || {
        drop(value);
        Ok(())
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The shortest and the longest of a thousand pauses.
    fn extremes(retry: Retry, attempt: u32) -> [Duration; 2] {
        let mut random = fastrand::Rng::with_seed(7);
        let mut draw = || pause_before(retry, attempt, &mut random);
        (0..1_000).fold([Duration::MAX, Duration::ZERO], |[least, most], _| {
            let pause = draw();
            [least.min(pause), most.max(pause)]
        })
    }

    #[test]
    fn pauses_double_up_to_the_longest_and_are_drawn_from_all_of_it() {
        for (attempt, longest_ms) in
            [(0, 50), (1, 100), (2, 200), (3, 400), (6, 3_200), (7, 5_000), (8, 5_000)]
        {
            let longest = Duration::from_millis(longest_ms);
            let [least, most] = extremes(Retry::times(9), attempt);
            assert!(most <= longest && most > longest.mul_f64(0.99), "{attempt}: up to {most:?}");
            assert!(least < longest.mul_f64(0.01), "{attempt}: from {least:?}");
        }
    }

    #[test]
    fn pauses_stay_below_the_longest_however_often_it_is_tried() {
        let pauses = |initial, max| Retry { attempts: u32::MAX, initial, max };
        let endless = pauses(Duration::from_nanos(1), Duration::MAX);
        assert!(extremes(endless, 31)[1] > Duration::from_secs(2), "it has doubled 31 times");
        for attempt in [31, 32, 33, 1_000, u32::MAX] {
            let limited = pauses(Duration::from_millis(1), Duration::from_secs(1));
            let most = extremes(limited, attempt)[1].as_secs_f64();
            assert!(most > 0.99 && most <= 1.0, "{attempt}: {most} s");
            assert!(extremes(endless, attempt)[1] < Duration::from_secs(5), "{attempt}");
            let huge = pauses(Duration::MAX, Duration::MAX);
            assert!(extremes(huge, attempt)[1] > endless.initial, "{attempt}: no overflow");
            let none = pauses(Duration::ZERO, Duration::ZERO);
            assert_eq!(extremes(none, attempt), [Duration::ZERO; 2], "{attempt}");
        }
    }
}
