//! What a run is doing, while it does it.

use serde::Serialize;
use std::time::Duration;

/// A snapshot of a running pipeline, for [`on_progress`](crate::Job::on_progress) and
/// [`RunHandle::progress`](crate::RunHandle::progress).
///
/// # Examples
/// ```
/// use trommel::{Engine, Pipeline, Progress, sinks, sources};
/// let show = |now: &Progress| match (now.fraction, now.eta) {
///     (Some(done), Some(left)) => eprintln!("{:.0} %, {} s left", done * 100.0, left.as_secs()),
///     _ => eprintln!("{} rows, {:.0} rows/s", now.rows, now.rows_per_second),
/// };
/// Pipeline::from(sources::generate(100_000, |id| id))
///     .load_into(sinks::count())
///     .on_progress(show)
///     .run(&Engine::new()?)?;
/// # Ok::<(), trommel::Error>(())
/// ```
#[derive(Debug, Clone, Copy, Serialize)]
#[non_exhaustive]
pub struct Progress {
    /// Rows that have been transformed.
    pub rows: u64,
    /// Bytes that the source has read, 0 when it does not count them.
    pub bytes: u64,
    /// Time since the run began.
    pub elapsed: Duration,
    /// Rows per second since the run began.
    pub rows_per_second: f64,
    /// How much is done, 0 to 1, when the source knows its size.
    pub fraction: Option<f64>,
    /// Expected time to the end, when the source knows its size.
    pub eta: Option<Duration>,
    /// How the source spends its time.
    pub source: Load,
    /// How the workers spend their time, on average.
    pub transform: Load,
    /// How the sink spends its time.
    pub sink: Load,
}

/// Shares of the time since the run began; they add up to 1.
#[derive(Debug, Clone, Copy, Default, Serialize)]
pub struct Load {
    /// At work.
    pub busy: f64,
    /// Has work, and waits for another stage to take it. Always 0 but for the source, which waits for
    /// room: a worker puts what it has done where there is always room and never waits, and after the
    /// sink comes nobody that it could wait for.
    pub blocked: f64,
    /// Has nothing to do.
    pub idle: f64,
}

impl Load {
    pub(crate) fn new(busy: f64, blocked: f64) -> Self {
        let busy = busy.clamp(0.0, 1.0);
        let blocked = blocked.clamp(0.0, 1.0 - busy);
        Load { busy, blocked, idle: 1.0 - busy - blocked }
    }
}
