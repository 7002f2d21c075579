//! Sources and sinks that take their time.

use crate::error::{Error, Result};
use crate::fingerprint::Fingerprint;
use crate::position::{Checkpoint, Position};
use crate::reject::Reject;
use crate::sink::{Commit, Durability, Encode, Sink};
use crate::source::{Fill, Limit, Size, Source};
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
    fn position(&self) -> Option<Position> {
        self.inner.position()
    }
    fn seek(&mut self, position: &Position) -> Result<()> {
        self.inner.seek(position)
    }
    fn fingerprint(&self) -> Result<Option<Fingerprint>> {
        self.inner.fingerprint()
    }
    fn size(&self) -> Size {
        self.inner.size()
    }
    fn bytes_read(&self) -> u64 {
        self.inner.bytes_read()
    }
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
}

impl<K: Sink> Sink for SlowSink<K> {
    type Page = K::Page;
    type Encoder = K::Encoder;

    fn encoder(&mut self) -> Result<K::Encoder> {
        self.inner.encoder()
    }
    fn write(&mut self, page: &mut K::Page) -> Result<()> {
        std::thread::sleep(self.per_page);
        self.inner.write(page)
    }
    fn refuses_values(&self) -> bool {
        self.inner.refuses_values()
    }
    fn take_faults(&mut self, faults: &mut Vec<(usize, Error)>) {
        self.inner.take_faults(faults);
    }
    fn commit(&mut self, checkpoint: &Checkpoint, when: Commit) -> Result<Durability> {
        self.inner.commit(checkpoint, when)
    }
    fn finish(&mut self) -> Result<()> {
        self.inner.finish()
    }
    fn abort(&mut self) -> Durability {
        self.inner.abort()
    }
    fn keeps_rejects(&self) -> bool {
        self.inner.keeps_rejects()
    }
    fn keep_reject(&mut self, reject: &Reject) -> Result<()> {
        self.inner.keep_reject(reject)
    }
    fn resume(&mut self, job: &str) -> Result<Option<Checkpoint>> {
        self.inner.resume(job)
    }
}

impl<T, K: Encode<T>> Encode<T> for SlowSink<K> {
    fn encode(encoder: &K::Encoder, page: &mut K::Page, value: T) -> Result<()> {
        K::encode(encoder, page, value)
    }
}
