//! A run in the background.

use crate::cancel::CancelToken;
use crate::driver::panicked;
use crate::error::{Error, Result};
use crate::progress::Progress;
use crate::report::RunReport;
use parking_lot::Mutex;
use std::sync::Arc;
use std::sync::mpsc::{Receiver, RecvTimeoutError};
use std::thread::JoinHandle;
use std::time::Duration;

/// How long a receiver waits before it looks whether the run has ended.
const LOOK: Duration = Duration::from_millis(50);

type Latest = Arc<Mutex<Option<Progress>>>;

/// A run in the background, started by [`Job::start`](crate::Job::start).
///
/// Dropping the handle lets the run go on.
///
/// ```
/// use trommel::{Engine, Pipeline, sinks, sources};
/// let handle = Pipeline::from(sources::generate(1_000, |id| id))
///     .map(|id| id)
///     .load_into(sinks::count())
///     .start(&Engine::new()?)?;
/// let (report, _sink) = handle.wait()?;
/// assert_eq!(report.counts.loaded, 1_000);
/// # Ok::<(), trommel::Error>(())
/// ```
#[derive(Debug)]
#[must_use = "a run that nobody waits for may fail unseen"]
pub struct RunHandle<K> {
    token: CancelToken,
    latest: Latest,
    thread: Option<JoinHandle<Result<(RunReport, K)>>>,
}

impl<K> RunHandle<K> {
    pub(crate) fn parts(token: CancelToken) -> (Self, Latest) {
        let latest = Latest::default();
        (RunHandle { token, latest: Arc::clone(&latest), thread: None }, latest)
    }

    pub(crate) fn on(mut self, thread: JoinHandle<Result<(RunReport, K)>>) -> Self {
        self.thread = Some(thread);
        self
    }

    /// The latest snapshot, about a tenth of a second old; `None` before the first.
    pub fn progress(&self) -> Option<Progress> {
        *self.latest.lock()
    }

    /// Ends the run; see [`CancelToken`].
    pub fn cancel(&self) {
        self.token.cancel();
    }

    /// Whether the run has ended.
    pub fn is_finished(&self) -> bool {
        self.thread.as_ref().is_none_or(JoinHandle::is_finished)
    }

    /// What the run's sink sends next; `None` once the run has ended and all of it was received.
    ///
    /// The channel alone does not say so: a cancelled run neither finishes its sink nor aborts it,
    /// and the sink lives until [`wait`](Self::wait) hands it over.
    pub fn receive<T>(&self, channel: &Receiver<T>) -> Option<T> {
        loop {
            match channel.recv_timeout(LOOK) {
                Ok(sent) => return Some(sent),
                Err(RecvTimeoutError::Disconnected) => return None,
                Err(RecvTimeoutError::Timeout) if self.is_finished() => {
                    return channel.try_recv().ok();
                }
                Err(RecvTimeoutError::Timeout) => {}
            }
        }
    }

    /// Waits for the end.
    ///
    /// # Errors
    /// As [`Job::run`](crate::Job::run); a panic in a hook or in the progress callback is one too.
    pub fn wait(mut self) -> Result<(RunReport, K)> {
        match self.thread.take() {
            Some(thread) => {
                thread.join().unwrap_or_else(|panic| Err(panicked("a hook of the pipeline", panic)))
            }
            None => Err(Error::fatal("the run has been waited for")),
        }
    }
}
