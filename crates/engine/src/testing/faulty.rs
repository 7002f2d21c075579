//! Sources and sinks that fail.

use super::SinkCall;
use super::trap::{Fault, Trap};
use super::wrap::{pass_on_source, wrap_sink};
use crate::batch::Batch;
use crate::error::Result;
use crate::sink::Sink;
use crate::source::{Fill, Limit, Source};

/// Fails after some rows of another source.
///
/// ```
/// use trommel::testing::{Fault, FaultySource};
/// use trommel::{Engine, Pipeline, Stage, sinks, sources};
/// let error = Pipeline::from(FaultySource::new(sources::iter(0..1_000), 500, Fault::FATAL))
///     .map(|id| *id)
///     .load_into(sinks::count())
///     .run(&Engine::new()?)
///     .unwrap_err();
/// assert_eq!(error.stage(), Some(Stage::Source));
/// # Ok::<(), trommel::Error>(())
/// ```
#[derive(Debug)]
pub struct FaultySource<S> {
    inner: S,
    after_rows: u64,
    fault: Fault,
    rows: u64,
}

impl<S: Source> FaultySource<S> {
    /// The first `fill` after at least `after_rows` rows goes wrong; 0: the very first one.
    pub fn new(inner: S, after_rows: u64, fault: Fault) -> Self {
        FaultySource { inner, after_rows, fault, rows: 0 }
    }
}

impl<S: Source> Source for FaultySource<S> {
    type Batch = S::Batch;

    fn fill(&mut self, batch: &mut S::Batch, limit: &Limit<'_>) -> Result<Fill> {
        if self.rows >= self.after_rows {
            self.fault.raise()?;
        }
        let fill = self.inner.fill(batch, limit)?;
        self.rows += batch.len() as u64;
        Ok(if self.rows >= self.after_rows {
            Fill::More // the fault is still to come
        } else {
            fill
        })
    }

    fn may_block(&self) -> bool {
        self.inner.may_block()
    }

    pass_on_source!();
}

/// Fails at some calls of another sink. The call that fails does not reach the other sink.
///
/// ```
/// use std::time::Duration;
/// use trommel::testing::{Fault, FaultySink, SinkCall, Trap};
/// use trommel::{Engine, Options, Pipeline, Retry, sinks, sources};
///
/// // Refuses the first page twice, as a busy database does.
/// let flaky = FaultySink::new(sinks::count(), SinkCall::Write, Trap::during(0..2, Fault::TRANSIENT));
/// let retry = Retry { attempts: 3, initial: Duration::ZERO, max: Duration::ZERO };
/// let report = Pipeline::from(sources::generate(100, |id| id))
///     .options(Options::builder().retry(retry).build()?)
///     .map(|id| id)
///     .load_into(flaky)
///     .run(&Engine::new()?)?;
/// assert_eq!((report.counts.loaded, report.retries), (100, 2));
/// # Ok::<(), trommel::Error>(())
/// ```
#[derive(Debug)]
pub struct FaultySink<K> {
    inner: K,
    call: SinkCall,
    trap: Trap,
}

impl<K: Sink> FaultySink<K> {
    /// Each `call` is a step of the trap.
    pub fn new(inner: K, call: SinkCall, trap: Trap) -> Self {
        FaultySink { inner, call, trap }
    }

    /// The other sink.
    pub fn into_inner(self) -> K {
        self.inner
    }

    fn before(&self, call: SinkCall) -> Result<()> {
        if self.call == call { self.trap.step() } else { Ok(()) }
    }

    /// Whether a call takes its time.
    fn waits(&self) -> bool {
        false
    }
}

wrap_sink!(FaultySink);
