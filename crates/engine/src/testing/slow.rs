//! Sources and sinks that take their time.

use super::SinkCall;
use super::wrap::{pass_on_source, wrap_sink};
use crate::error::Result;
use crate::sink::Sink;
use crate::source::{Fill, Limit, Source};
use std::time::Duration;

/// Makes each batch of another source take at least this long.
///
/// ```
/// use std::time::Duration;
/// use trommel::testing::SlowSource;
/// use trommel::{Engine, Pipeline, Stage, sinks, sources};
/// let source = SlowSource::new(sources::iter(0..5), Duration::from_millis(2));
/// let report = Pipeline::from(source)
///     .map(|id| *id)
///     .load_into(sinks::count())
///     .run(&Engine::new()?)?;
/// assert!(report.stages[0].busy >= Duration::from_millis(2));
/// # Ok::<(), trommel::Error>(())
/// ```
#[derive(Debug)]
pub struct SlowSource<S> {
    inner: S,
    per_batch: Duration,
}

impl<S: Source> SlowSource<S> {
    /// Sleeps for `per_batch` before each batch.
    pub fn new(inner: S, per_batch: Duration) -> Self {
        SlowSource { inner, per_batch }
    }
}

impl<S: Source> Source for SlowSource<S> {
    type Batch = S::Batch;

    fn fill(&mut self, batch: &mut S::Batch, limit: &Limit<'_>) -> Result<Fill> {
        std::thread::sleep(self.per_batch);
        self.inner.fill(batch, limit)
    }

    pass_on_source!();
}

/// Makes each page of another sink take at least this long.
///
/// ```
/// use std::time::Duration;
/// use trommel::testing::SlowSink;
/// use trommel::{Engine, Pipeline, sinks, sources};
/// let report = Pipeline::from(sources::generate(10, |id| id))
///     .map(|id| id)
///     .load_into(SlowSink::new(sinks::count(), Duration::from_millis(2)))
///     .run(&Engine::new()?)?;
/// assert!(report.stages[2].busy >= Duration::from_millis(2));
/// # Ok::<(), trommel::Error>(())
/// ```
#[derive(Debug)]
pub struct SlowSink<K> {
    inner: K,
    per_page: Duration,
}

impl<K: Sink> SlowSink<K> {
    /// Sleeps for `per_page` before each page.
    pub fn new(inner: K, per_page: Duration) -> Self {
        SlowSink { inner, per_page }
    }

    /// The other sink.
    pub fn into_inner(self) -> K {
        self.inner
    }

    fn before(&self, call: SinkCall) -> Result<()> {
        if call == SinkCall::Write {
            std::thread::sleep(self.per_page);
        }
        Ok(())
    }

    fn waits(&self) -> bool {
        true
    }
}

wrap_sink!(SlowSink);
