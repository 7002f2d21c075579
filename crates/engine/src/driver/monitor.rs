//! Watches a run from beside it: progress for the caller, and the watchdog.

use super::clock::Clock;
use super::control::Control;
use super::outlet::guarded;
use super::pool::not_started;
use crate::error::{Error, ErrorKind, Stage};
use crate::progress::{Load, Progress};
use crate::source::Size;
use parking_lot::{Condvar, Mutex};
use std::sync::atomic::Ordering::Relaxed;
use std::time::{Duration, Instant};

/// How often progress is reported.
pub(super) const PROGRESS_EVERY: Duration = Duration::from_millis(100);
/// How often the monitor looks whether the run moves.
const LOOK_EVERY: Duration = Duration::from_millis(10);

pub(super) struct Monitor<'r> {
    control: &'r Control,
    clock: &'r Clock,
    size: Size,
    watchdog: Option<Duration>,
    on_progress: Option<&'r (dyn Fn(&Progress) + Sync)>,
    stopped: Mutex<bool>,
    wake: Condvar,
    stalls: Mutex<Vec<String>>,
}

impl<'r> Monitor<'r> {
    pub(super) fn new(
        control: &'r Control,
        clock: &'r Clock,
        size: Size,
        watchdog: Option<Duration>,
        on_progress: Option<&'r (dyn Fn(&Progress) + Sync)>,
    ) -> Self {
        Monitor {
            control,
            clock,
            size,
            watchdog,
            on_progress,
            stopped: Mutex::new(false),
            wake: Condvar::new(),
            stalls: Mutex::new(Vec::new()),
        }
    }

    /// Looks on from a thread of its own while `work` runs.
    pub(super) fn watch_while<R>(&self, work: impl FnOnce() -> R) -> R {
        /// Stops looking on, also when `work` panics.
        struct Stop<'m, 'r>(&'m Monitor<'r>);
        impl Drop for Stop<'_, '_> {
            fn drop(&mut self) {
                *self.0.stopped.lock() = true;
                self.0.wake.notify_all();
            }
        }
        std::thread::scope(|threads| {
            let watcher = match std::thread::Builder::new().spawn_scoped(threads, || self.watch()) {
                Ok(watcher) => watcher,
                Err(error) => {
                    // Not without what was asked for: the run ends before its first row.
                    self.control.fail(u64::MAX, not_started(error));
                    return work();
                }
            };
            let stop = Stop(self);
            let done = work();
            drop(stop);
            // The scope waits for closures, not for threads: this one would still be running the
            // destructors of its thread-local values when the caller believes that it is gone.
            if let Err(panic) = watcher.join() {
                std::panic::resume_unwind(panic);
            }
            done
        })
    }

    /// Tells the caller how far the run has come.
    pub(super) fn tell(&self) {
        let Some(report) = self.on_progress else { return };
        let told = guarded("the progress callback", || {
            report(&self.progress());
            Ok(())
        });
        if let Err(error) = told {
            // It belongs to no batch: what is in flight is still written before the run ends.
            self.control.fail(u64::MAX, error);
        }
    }

    fn watch(&self) {
        let mut last_steps = 0;
        let mut last_moved = Instant::now();
        let mut last_report = Instant::now();
        let tick = LOOK_EVERY.min(self.watchdog.map_or(LOOK_EVERY, |limit| limit / 4));
        let mut stopped = self.stopped.lock();
        while !*stopped {
            self.wake.wait_for(&mut stopped, tick.max(Duration::from_millis(1)));
            if *stopped {
                return;
            }
            if last_report.elapsed() >= PROGRESS_EVERY {
                last_report = Instant::now();
                self.tell();
            }
            let steps = self.control.steps.load(Relaxed);
            if steps != last_steps {
                last_steps = steps;
                last_moved = Instant::now();
            } else if let Some(limit) = self.watchdog
                && last_moved.elapsed() >= limit
            {
                last_moved = Instant::now();
                self.report_stall(limit);
            }
        }
    }

    pub(super) fn stalls(&self) -> Vec<String> {
        std::mem::take(&mut self.stalls.lock())
    }

    fn report_stall(&self, limit: Duration) {
        let (stage, what) = self.suspect();
        let message = format!("no progress for {limit:?}: {what}");
        tracing::warn!(%stage, "{message}");
        self.stalls.lock().push(format!("{stage}: {message}"));
        self.control.stall(Error::new(ErrorKind::Stalled, message).in_stage(stage));
    }

    /// The stage that the others wait for.
    fn suspect(&self) -> (Stage, String) {
        if let Some(time) = self.clock.sink.busy_for() {
            return (Stage::Sink, format!("the sink has been in one call for {time:.1?}"));
        }
        let busy = self.clock.workers.iter().filter_map(|worker| worker.busy_for()).max();
        if let Some(time) = busy {
            return (Stage::Transform, format!("a worker has been in one batch for {time:.1?}"));
        }
        match self.clock.source.busy_for() {
            Some(time) => {
                (Stage::Source, format!("the source has been in one call for {time:.1?}"))
            }
            None => (Stage::Source, "no stage is at work".into()),
        }
    }

    fn progress(&self) -> Progress {
        let elapsed = self.clock.started.elapsed();
        let seconds = elapsed.as_secs_f64().max(1e-9);
        let (rows, bytes) = (self.clock.rows(), self.clock.bytes());
        let fraction = match (self.size.rows, self.size.bytes) {
            (Some(all), _) if all > 0 => Some(rows as f64 / all as f64),
            (_, Some(all)) if all > 0 => Some(bytes as f64 / all as f64),
            _ => None,
        }
        .map(|fraction| fraction.min(1.0));
        let share = |time: Duration| time.as_secs_f64() / seconds;
        let workers = self.control.limit as f64;
        Progress {
            rows,
            bytes,
            elapsed,
            rows_per_second: rows as f64 / seconds,
            fraction,
            eta: fraction
                .filter(|fraction| *fraction > 0.0)
                .map(|fraction| elapsed.mul_f64((1.0 - fraction) / fraction)),
            source: Load::new(share(self.clock.source.busy()), share(self.clock.source.waiting())),
            transform: Load::new(share(self.clock.work_busy()) / workers, 0.0),
            sink: Load::new(share(self.clock.sink.busy()), 0.0),
        }
    }
}
