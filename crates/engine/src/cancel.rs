//! Cancelling a run from outside.

use parking_lot::Mutex;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Weak};

/// What a token tells the runs that listen to it.
pub(crate) trait Cancel: Send + Sync {
    fn cancel(&self);
}

/// Ends the runs it was given to. Cheap to clone; any thread may cancel.
///
/// The feeder stops, batches in flight are finished within the grace period
/// ([`OptionsBuilder::grace`](crate::OptionsBuilder::grace)) and dropped after it, the sink commits
/// what is contiguous, and `run` returns an error of kind
/// [`Cancelled`](crate::ErrorKind::Cancelled) that carries the report.
///
/// ```
/// use trommel::{CancelToken, Engine, ErrorKind, Pipeline, sinks, sources};
/// let token = CancelToken::new();
/// token.cancel();
/// let error = Pipeline::from(sources::generate(1_000_000, |id| id))
///     .cancel_with(&token)
///     .map(|id| id)
///     .load_into(sinks::count())
///     .run(&Engine::new()?)
///     .unwrap_err();
/// assert_eq!(error.kind(), ErrorKind::Cancelled);
/// assert!(error.report().unwrap().counts.add_up());
/// # Ok::<(), trommel::Error>(())
/// ```
#[derive(Clone, Default)]
pub struct CancelToken(Arc<Inner>);

#[derive(Default)]
struct Inner {
    cancelled: AtomicBool,
    runs: Mutex<Vec<Weak<dyn Cancel>>>,
}

impl CancelToken {
    /// A token that has not been cancelled.
    pub fn new() -> Self {
        Self::default()
    }

    /// Cancels every run that has the token, now and in future.
    pub fn cancel(&self) {
        self.0.cancelled.store(true, Ordering::SeqCst);
        for run in self.0.runs.lock().iter().filter_map(Weak::upgrade) {
            run.cancel();
        }
    }

    /// Whether it was cancelled.
    pub fn is_cancelled(&self) -> bool {
        self.0.cancelled.load(Ordering::SeqCst)
    }

    pub(crate) fn register(&self, run: Weak<dyn Cancel>) {
        let mut runs = self.0.runs.lock();
        runs.retain(|run| run.strong_count() > 0);
        runs.push(run.clone());
        drop(runs);
        // Checked after the push: a cancel in between has either seen the run or is seen here.
        if self.is_cancelled()
            && let Some(run) = run.upgrade()
        {
            run.cancel();
        }
    }
}

impl std::fmt::Debug for CancelToken {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("CancelToken").field("cancelled", &self.is_cancelled()).finish()
    }
}
