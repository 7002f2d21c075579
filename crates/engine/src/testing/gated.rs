//! Sources and sinks that wait until a test lets them go on.

use super::SinkCall;
use super::gate::Gate;
use super::wrap::{pass_on_source, wrap_sink};
use crate::error::Result;
use crate::sink::Sink;
use crate::source::{Fill, Limit, Source};

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

    pass_on_source!();
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

    fn before(&mut self, call: SinkCall) -> Result<()> {
        if self.call == call {
            match self.skip.checked_sub(1) {
                Some(skip) => self.skip = skip,
                None => self.gate.pass(),
            }
        }
        Ok(())
    }

    fn waits(&self) -> bool {
        true
    }
}

wrap_sink!(GatedSink);
