//! Sources and sinks that wait until a test lets them go on.

use super::SinkCall;
use super::gate::Gate;
use crate::error::{Error, Result};
use crate::fingerprint::Fingerprint;
use crate::position::{Checkpoint, Position};
use crate::reject::Reject;
use crate::sink::{Commit, Durability, Encode, Sink};
use crate::source::{Fill, Limit, Size, Source};

/// Waits at a [`Gate`] before one of another source's batches.
///
/// ```
/// use trommel::testing::{Gate, GatedSource};
/// use trommel::{Engine, ErrorKind, Pipeline, sinks, sources};
/// let gate = Gate::new();
/// let source = GatedSource::new(sources::iter(0..1_000_000), 3, gate.clone()).heeding_cancel();
/// let run = Pipeline::from(source)
///     .map(|id| *id)
///     .load_into(sinks::count())
///     .start(&Engine::new()?)?;
/// assert!(gate.await_arrivals(1)); // three batches have been read, the source waits
/// run.cancel();
/// assert_eq!(run.wait().unwrap_err().kind(), ErrorKind::Cancelled);
/// # Ok::<(), trommel::Error>(())
/// ```
#[derive(Debug)]
pub struct GatedSource<S> {
    inner: S,
    at_fill: u64,
    gate: Gate,
    heeds_cancel: bool,
    fills: u64,
}

impl<S: Source> GatedSource<S> {
    /// Waits in `fill` number `at_fill`, the first being 0. Not even a cancel wakes it.
    pub fn new(inner: S, at_fill: u64, gate: Gate) -> Self {
        GatedSource { inner, at_fill, gate, heeds_cancel: false, fills: 0 }
    }

    /// The end of the run wakes it too.
    #[must_use]
    pub fn heeding_cancel(mut self) -> Self {
        self.heeds_cancel = true;
        self
    }
}

impl<S: Source> Source for GatedSource<S> {
    type Batch = S::Batch;

    fn fill(&mut self, batch: &mut S::Batch, limit: &Limit<'_>) -> Result<Fill> {
        if self.fills == self.at_fill {
            self.gate.pass_unless(|| self.heeds_cancel && limit.is_cancelled());
        }
        self.fills += 1;
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

/// Waits at a [`Gate`] before one of another sink's calls.
///
/// ```
/// use trommel::testing::{Gate, GatedSink, SinkCall};
/// use trommel::{Engine, Pipeline, sinks, sources};
/// let gate = Gate::new();
/// let run = Pipeline::from(sources::generate(1_000_000, |id| id))
///     .map(|id| id)
///     .load_into(GatedSink::new(sinks::count(), SinkCall::Write, 5, gate.clone()))
///     .start(&Engine::new()?)?;
/// assert!(gate.await_arrivals(1)); // five pages were written, the sixth is being written
/// gate.open();
/// assert_eq!(run.wait()?.0.counts.loaded, 1_000_000);
/// # Ok::<(), trommel::Error>(())
/// ```
#[derive(Debug)]
pub struct GatedSink<K> {
    inner: K,
    call: SinkCall,
    skip: u64,
    gate: Gate,
}

impl<K: Sink> GatedSink<K> {
    /// Lets the first `skip` of such calls pass and waits in the next one.
    pub fn new(inner: K, call: SinkCall, skip: u64, gate: Gate) -> Self {
        GatedSink { inner, call, skip, gate }
    }

    /// The other sink.
    pub fn into_inner(self) -> K {
        self.inner
    }

    fn arrive(&mut self, call: SinkCall) {
        if self.call != call {
            return;
        }
        match self.skip.checked_sub(1) {
            Some(skip) => self.skip = skip,
            None => self.gate.pass(),
        }
    }
}

impl<K: Sink> Sink for GatedSink<K> {
    type Page = K::Page;
    type Encoder = K::Encoder;

    fn encoder(&mut self) -> Result<K::Encoder> {
        self.arrive(SinkCall::Encoder);
        self.inner.encoder()
    }
    fn write(&mut self, page: &mut K::Page) -> Result<()> {
        self.arrive(SinkCall::Write);
        self.inner.write(page)
    }
    fn refuses_values(&self) -> bool {
        self.inner.refuses_values()
    }
    fn take_faults(&mut self, faults: &mut Vec<(usize, Error)>) {
        self.inner.take_faults(faults);
    }
    fn commit(&mut self, checkpoint: &Checkpoint, when: Commit) -> Result<Durability> {
        self.arrive(SinkCall::Commit);
        self.inner.commit(checkpoint, when)
    }
    fn finish(&mut self) -> Result<()> {
        self.arrive(SinkCall::Finish);
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

impl<T, K: Encode<T>> Encode<T> for GatedSink<K> {
    fn encode(encoder: &K::Encoder, page: &mut K::Page, value: T) -> Result<()> {
        K::encode(encoder, page, value)
    }
}
