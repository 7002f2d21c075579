//! The state that every thread of a run looks at: may it go on, and what went wrong.

use super::sync::{AtomicU8, AtomicU64, AtomicUsize, Mutex};
use crate::cancel::Cancel;
use crate::error::{Error, ErrorKind};
use std::sync::atomic::Ordering;
use std::time::{Duration, Instant};

/// Rows flow.
const RUNNING: u8 = 0;
/// The source is not asked for more; what is in flight is finished.
const DRAINING: u8 = 1;
/// What is in flight is dropped, row by row if need be.
const DROPPING: u8 = 2;

/// Errors kept beside the first one; a run with more has the same news many times.
const MAX_SIBLINGS: usize = 16;

#[derive(Debug)]
pub(super) struct Control {
    // Read for every row: alone on its cache line, and written at most twice in a run.
    state: crossbeam_utils::CachePadded<AtomicU8>,
    outcome: Mutex<Ending>,
    grace: Duration,
    /// Chains that are running or about to.
    pub(super) active: AtomicUsize,
    pub(super) limit: usize,
    /// What a row takes in a worker, ns, by the adaptive model; `u64::MAX` until it is known.
    row_ns: AtomicU64,
    /// Bytes that a row becomes, likewise.
    row_bytes: AtomicU64,
    /// Settled and processed batches together: the watchdog's proof of progress.
    pub(super) steps: AtomicU64,
}

#[derive(Debug, Default)]
struct Ending {
    /// The error to be returned and the batch it belongs to; the earliest batch wins.
    first: Option<(u64, Error)>,
    siblings: Vec<Error>,
    /// The outcome has been decided; a cancel is too late.
    closed: bool,
    cancelled_at: Option<Instant>,
}

impl Control {
    pub(super) fn new(limit: usize, grace: Duration) -> Self {
        Control {
            state: crossbeam_utils::CachePadded::new(AtomicU8::new(RUNNING)),
            outcome: Mutex::new(Ending::default()),
            grace,
            active: AtomicUsize::new(0),
            limit,
            row_ns: AtomicU64::new(u64::MAX),
            row_bytes: AtomicU64::new(u64::MAX),
            steps: AtomicU64::new(0),
        }
    }

    /// Records an error of batch `batch` (`u64::MAX` when it belongs to none) and ends the run.
    pub(super) fn fail(&self, batch: u64, error: Error) {
        let mut ending = self.outcome.lock();
        match &mut ending.first {
            Some((first, kept)) if batch < *first => {
                *first = batch;
                let later = std::mem::replace(kept, error);
                ending.keep_sibling(later);
            }
            Some(_) => ending.keep_sibling(error),
            None => ending.first = Some((batch, error)),
        }
        drop(ending);
        self.raise(DRAINING);
    }

    /// No more is read from the source: some batch has failed.
    pub(super) fn stop_feeding(&self) {
        self.raise(DRAINING);
    }

    fn raise(&self, state: u8) {
        self.state.fetch_max(state, Ordering::SeqCst);
    }

    pub(super) fn is_running(&self) -> bool {
        self.state.load(Ordering::Relaxed) == RUNNING
    }

    /// Whether rows should be left where they are: also once the grace period of a cancel is over.
    #[inline]
    pub(super) fn is_dropping(&self) -> bool {
        match self.state.load(Ordering::Relaxed) {
            RUNNING => false,
            DRAINING => self.is_grace_over(),
            _ => true,
        }
    }

    /// Whether user code, or a row that was left where it was, was cancelled with this run: what is in flight
    /// is dropped then. The same error of a run that nobody cancelled is one like any other.
    pub(super) fn is_part_of_a_cancel(&self, error: &Error) -> bool {
        if error.kind() != ErrorKind::Cancelled {
            return false;
        }
        if !self.is_dropping() && self.outcome.lock().cancelled_at.is_some() {
            self.raise(DROPPING);
        }
        self.is_dropping()
    }

    pub(super) fn has_failed(&self) -> bool {
        !self.is_running() && self.outcome.lock().first.is_some()
    }

    /// Whether batch `seq`, or one before it, has failed.
    pub(super) fn has_failed_by(&self, seq: u64) -> bool {
        !self.is_running()
            && self.outcome.lock().first.as_ref().is_some_and(|(first, _)| *first <= seq)
    }

    /// Decides whether the run was cancelled; with `all_written` it was not, whatever was asked.
    pub(super) fn close(&self, all_written: bool) -> bool {
        let mut ending = self.outcome.lock();
        ending.closed = true;
        if all_written {
            ending.cancelled_at = None;
        }
        ending.cancelled_at.is_some()
    }

    pub(super) fn row_ns(&self) -> u64 {
        self.row_ns.load(Ordering::Relaxed)
    }

    pub(super) fn row_bytes(&self) -> u64 {
        self.row_bytes.load(Ordering::Relaxed)
    }

    pub(super) fn learn_row(&self, ns: f64, bytes: f64) {
        self.row_ns.store(ns as u64, Ordering::Relaxed);
        self.row_bytes.store(bytes as u64, Ordering::Relaxed);
    }

    /// Those who ask find out themselves: no thread has to watch the clock for a run that may be cancelled.
    #[cold]
    fn is_grace_over(&self) -> bool {
        let cancelled_at = self.outcome.lock().cancelled_at;
        let is_over = cancelled_at.is_some_and(|at| at.elapsed() >= self.grace);
        if is_over {
            self.raise(DROPPING);
        }
        is_over
    }

    /// Ends the run because nothing moved; what is in flight is dropped.
    pub(super) fn stall(&self, error: Error) {
        self.fail(u64::MAX, error);
        self.raise(DROPPING);
    }

    /// The error of the run, if it ended with one.
    pub(super) fn take_error(&self) -> Option<Error> {
        let mut ending = self.outcome.lock();
        let siblings = std::mem::take(&mut ending.siblings);
        match ending.first.take() {
            Some((_, error)) => Some(error.with_siblings(siblings)),
            None => ending
                .cancelled_at
                .map(|_| Error::new(ErrorKind::Cancelled, "the run was cancelled")),
        }
    }
}

impl Ending {
    fn keep_sibling(&mut self, error: Error) {
        if self.siblings.len() < MAX_SIBLINGS {
            self.siblings.push(error);
        }
    }
}

impl Cancel for Control {
    fn cancel(&self) {
        let mut ending = self.outcome.lock();
        if ending.closed {
            return;
        }
        ending.cancelled_at.get_or_insert_with(Instant::now);
        drop(ending);
        self.raise(if self.grace.is_zero() { DROPPING } else { DRAINING });
    }
}

impl crate::source::Signals for Control {
    fn workers_idle(&self) -> bool {
        self.active.load(Ordering::Relaxed) < self.limit
    }
    fn is_cancelled(&self) -> bool {
        !self.is_running()
    }
}

#[cfg(all(test, not(shuttle)))]
mod tests {
    use super::*;

    #[test]
    fn the_earliest_batch_names_the_error_and_the_others_are_kept() {
        let control = Control::new(2, Duration::from_secs(1));
        control.fail(5, Error::fatal("five"));
        control.fail(2, Error::fatal("two"));
        control.fail(9, Error::fatal("nine"));
        let error = control.take_error().unwrap();
        assert_eq!(error.message(), "two");
        let siblings: Vec<_> = error.siblings().iter().map(Error::message).collect();
        assert_eq!(siblings, ["five", "nine"]);
    }

    #[test]
    fn grace_ends_in_dropping() {
        let control = Control::new(2, Duration::from_nanos(1));
        control.cancel();
        assert!(!control.is_running());
        std::thread::sleep(Duration::from_millis(1));
        assert!(control.is_dropping());
        assert_eq!(control.take_error().unwrap().kind(), ErrorKind::Cancelled);
    }
}
