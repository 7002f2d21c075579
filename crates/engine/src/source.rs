//! Sources: the sequential end that cuts input into batches.

use crate::batch::Batch;
use crate::error::{Error, ErrorKind, Result};
use crate::fingerprint::Fingerprint;
use crate::position::Position;
use std::time::{Duration, Instant};

/// Whether a source has more to give.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Fill {
    /// Call again. The batch may be empty (nothing arrived before the deadline).
    More,
    /// The batch holds the last rows, or none.
    End,
}

/// How much a source knows about its size, for progress, rate and ETA.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Size {
    /// Rows in all, when known.
    pub rows: Option<u64>,
    /// Bytes in all, when known.
    pub bytes: Option<u64>,
}

/// Produces batches. Sequential: one thread at a time, `&mut self`.
///
/// A source only *cuts* its input: whatever can wait for the worker (parsing, decoding, making
/// records) belongs into the batch.
///
/// # Examples
/// Numbers that count down, a batch being a `Vec` whose rows come as `&mut u64`:
/// ```
/// use trommel::{Engine, Fill, Limit, Pipeline, Position, Result, Source, sinks};
///
/// struct Countdown(u64);
///
/// impl Source for Countdown {
///     type Batch = Vec<u64>;
///
///     fn fill(&mut self, batch: &mut Vec<u64>, limit: &Limit<'_>) -> Result<Fill> {
///         batch.clear();
///         let rows = self.0.min(limit.rows() as u64);
///         batch.extend((self.0 - rows..self.0).rev());
///         self.0 -= rows;
///         Ok(if self.0 == 0 { Fill::End } else { Fill::More })
///     }
///
///     // Optional: a run of a job can go on from here.
///     fn position(&self) -> Option<Position> {
///         Some(Position::from_numbers(&[self.0]))
///     }
/// }
///
/// let mut numbers = sinks::collect();
/// Pipeline::from(Countdown(1_000))
///     .map(|number| *number)
///     .load_into(&mut numbers)
///     .run(&Engine::new()?)?;
/// assert_eq!(numbers.as_slice()[..3], [999, 998, 997]);
/// # Ok::<(), trommel::Error>(())
/// ```
#[diagnostic::on_unimplemented(
    message = "`{Self}` is not a source of rows",
    note = "what opens a file, a query or a connection returns a `Result`: add `?`",
    note = "a builder becomes a source by its last call: `.open(..)?`, `.lines()?`, `.source(..)?`"
)]
pub trait Source: Send {
    /// What it fills.
    type Batch: Batch;

    /// Throws away what the batch held, keeping its capacity, and fills it with up to
    /// [`limit.rows()`](Limit::rows) rows. Blocks until there is at least one row, the input ends,
    /// or the limit says otherwise ([`Limit::is_cancelled`], [`Limit::flush_timeout`]).
    ///
    /// # Errors
    /// Any error ends the run. Batches filled before are written first; a transactional sink takes
    /// back those that it has not committed.
    fn fill(&mut self, batch: &mut Self::Batch, limit: &Limit<'_>) -> Result<Fill>;

    /// Whether [`fill`](Self::fill) may wait (for I/O, another thread, a slow iterator).
    ///
    /// A source that answers `false` promises that `fill` waits for nothing, and takes little beside
    /// what the workers do with the batch: they then call it themselves, in turns, and no thread
    /// stands between them and their input.
    fn may_block(&self) -> bool {
        true
    }

    /// Where the batch filled last ended, or where the source begins, when it can be restarted from
    /// there.
    fn position(&self) -> Option<Position> {
        None
    }

    /// Goes to a position that an earlier run of the same source returned.
    ///
    /// # Errors
    /// [`ErrorKind::Unsupported`] unless the source is restartable.
    fn seek(&mut self, position: &Position) -> Result<()> {
        let _ = position;
        Err(Error::new(ErrorKind::Unsupported, "this source cannot be restarted from a position"))
    }

    /// What tells this input from another one, for sources that can be restarted: a job is not
    /// resumed in the middle of something else.
    ///
    /// # Errors
    /// Whatever keeps the source from looking.
    fn fingerprint(&self) -> Result<Option<Fingerprint>> {
        Ok(None)
    }

    /// Rows and bytes in all, as far as known.
    fn size(&self) -> Size {
        Size::default()
    }

    /// Bytes read so far, for progress; 0 when they are not counted.
    fn bytes_read(&self) -> u64 {
        0
    }
}

/// How much a source may put into one batch, and when to hand over less.
#[derive(Debug, Clone, Copy)]
pub struct Limit<'a> {
    rows: usize,
    bytes: usize,
    flush_timeout: Duration,
    signals: Option<&'a dyn Signals>,
}

/// What the driver tells a source while it waits.
pub(crate) trait Signals: Sync + std::fmt::Debug {
    fn workers_idle(&self) -> bool;
    fn is_cancelled(&self) -> bool;
}

impl<'a> Limit<'a> {
    /// A limit of `rows` rows and nothing else, for calling a source by hand.
    pub fn of_rows(rows: usize) -> Limit<'static> {
        Limit {
            rows: rows.max(1),
            bytes: usize::MAX,
            flush_timeout: Duration::from_millis(100),
            signals: None,
        }
    }

    pub(crate) fn new(
        rows: usize,
        bytes: usize,
        flush_timeout: Duration,
        signals: &'a dyn Signals,
    ) -> Self {
        Limit { rows: rows.max(1), bytes: bytes.max(1), flush_timeout, signals: Some(signals) }
    }

    /// This limit with another number of bytes.
    #[must_use]
    pub fn with_bytes(mut self, bytes: usize) -> Self {
        self.bytes = bytes.max(1);
        self
    }

    /// This limit with another flush timeout.
    #[must_use]
    pub fn with_flush_timeout(mut self, timeout: Duration) -> Self {
        self.flush_timeout = timeout;
        self
    }

    /// Rows wanted, at least 1.
    pub fn rows(&self) -> usize {
        self.rows
    }

    /// Most heap bytes that the batch may hold, at least 1. A single row beyond this is a reject.
    pub fn bytes(&self) -> usize {
        self.bytes
    }

    /// Longest time a row may wait in a batch that is not full.
    pub fn flush_timeout(&self) -> Duration {
        self.flush_timeout
    }

    /// Whether a batch whose first row arrived at `first_row` should be handed over now although it
    /// is not full and the source would have to wait for its next row: at once while workers are
    /// idle, after the flush timeout in any case.
    pub fn should_flush(&self, first_row: Instant) -> bool {
        self.workers_idle() || first_row.elapsed() >= self.flush_timeout
    }

    /// Whether some worker has nothing to do.
    pub fn workers_idle(&self) -> bool {
        self.signals.is_none_or(|signals| signals.workers_idle())
    }

    /// Whether the run is ending; a source that waits should return what it has.
    pub fn is_cancelled(&self) -> bool {
        self.signals.is_some_and(|signals| signals.is_cancelled())
    }
}

macro_rules! forward_source {
    () => {
        type Batch = S::Batch;
        fn fill(&mut self, batch: &mut Self::Batch, limit: &Limit<'_>) -> Result<Fill> {
            (**self).fill(batch, limit)
        }
        fn may_block(&self) -> bool {
            (**self).may_block()
        }
        fn position(&self) -> Option<Position> {
            (**self).position()
        }
        fn seek(&mut self, position: &Position) -> Result<()> {
            (**self).seek(position)
        }
        fn fingerprint(&self) -> Result<Option<Fingerprint>> {
            (**self).fingerprint()
        }
        fn size(&self) -> Size {
            (**self).size()
        }
        fn bytes_read(&self) -> u64 {
            (**self).bytes_read()
        }
    };
}

impl<S: Source + ?Sized> Source for &mut S {
    forward_source!();
}

impl<S: Source + ?Sized> Source for Box<S> {
    forward_source!();
}
