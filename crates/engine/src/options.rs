//! The knobs of a pipeline.

mod tier;

pub use tier::Tier;

use crate::error::{Error, Result};
use crate::reject::RejectPolicy;
use std::ops::RangeInclusive;
use std::time::Duration;

/// Most rows per batch that any setting accepts.
pub(crate) const MAX_BATCH_ROWS: usize = 1 << 20;
/// Most slots of one ring; also the length of its channels.
const MAX_SLOTS: usize = 1 << 16;

/// Whether pages reach the sink in the order of their batches.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Order {
    /// In the source's order.
    #[default]
    Ordered,
    /// As they are completed: a slow batch delays no other. The rows of one batch stay together,
    /// unless what they become is more than the memory limit lets one batch hold.
    Completion,
}

/// What a panic in user code does to the run.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum PanicPolicy {
    /// The run fails with an error that names the batch and the row.
    #[default]
    Fail,
    /// The row is rejected by the reject policy and the run goes on.
    Reject,
}

/// How transient sink errors are retried: exponential backoff with full jitter.
///
/// # Examples
/// ```
/// use std::time::Duration;
/// use trommel::{Encode, Engine, Error, Options, Pipeline, Result, Retry, Sink, sources};
///
/// /// Too busy for the first pages that it is given.
/// struct Server {
///     busy: u32,
///     rows: Vec<u64>,
/// }
///
/// impl Sink for Server {
///     type Page = Vec<u64>;
///     type Encoder = ();
///
///     fn encoder(&mut self) -> Result<()> {
///         Ok(())
///     }
///
///     fn write(&mut self, page: &mut Vec<u64>) -> Result<()> {
///         if self.busy > 0 {
///             self.busy -= 1;
///             return Err(Error::transient("busy")); // the same page comes again
///         }
///         self.rows.append(page);
///         Ok(())
///     }
/// }
///
/// impl Encode<u64> for Server {
///     fn encode((): &(), page: &mut Vec<u64>, row: u64) -> Result<()> {
///         page.push(row);
///         Ok(())
///     }
/// }
///
/// let retry = Retry { initial: Duration::from_millis(1), ..Retry::times(3) };
/// let load = |busy| {
///     let mut server = Server { busy, rows: Vec::new() };
///     Pipeline::from(sources::generate(5, |id| id))
///         .options(Options::builder().retry(retry).build()?)
///         .load_into(&mut server)
///         .run(&Engine::new()?)?;
///     Ok::<_, Error>(server.rows)
/// };
/// assert_eq!(load(3)?, [0, 1, 2, 3, 4]);
/// assert!(load(4).unwrap_err().to_string().contains("busy"));
/// # Ok::<(), Error>(())
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Retry {
    /// Further attempts after the first; 0 means none.
    pub attempts: u32,
    /// Longest pause before the first retry; doubles with each one.
    pub initial: Duration,
    /// Longest pause before any retry.
    pub max: Duration,
}

impl Retry {
    /// No retry: a transient error ends the run.
    pub const NONE: Retry =
        Retry { attempts: 0, initial: Duration::from_millis(50), max: Duration::from_secs(5) };

    /// `attempts` retries with pauses of up to 50 ms, 100 ms, 200 ms … 5 s.
    pub const fn times(attempts: u32) -> Retry {
        Retry { attempts, ..Retry::NONE }
    }
}

/// Settings of one pipeline. Made by [`Options::builder`]; the default fits most pipelines.
#[derive(Debug, Clone)]
pub struct Options {
    pub(crate) batch_size: usize,
    pub(crate) adaptive: Option<(usize, usize)>,
    pub(crate) transform_concurrency: usize,
    pub(crate) channel_capacity: usize,
    pub(crate) flush_timeout: Duration,
    pub(crate) order: Order,
    pub(crate) memory_limit: usize,
    pub(crate) on_reject: RejectPolicy,
    pub(crate) on_panic: PanicPolicy,
    pub(crate) retry: Retry,
    pub(crate) grace: Duration,
    pub(crate) watchdog: Option<Duration>,
}

impl Default for Options {
    fn default() -> Self {
        Options {
            batch_size: 128,
            adaptive: Some((16, 8192)),
            transform_concurrency: 0,
            channel_capacity: 0,
            flush_timeout: Duration::from_millis(100),
            order: Order::Ordered,
            memory_limit: 256 << 20,
            on_reject: RejectPolicy::Stop,
            on_panic: PanicPolicy::Fail,
            retry: Retry::NONE,
            grace: Duration::from_secs(5),
            watchdog: None,
        }
    }
}

impl Options {
    /// Starts from the defaults.
    ///
    /// ```
    /// use trommel::{Options, Order};
    /// let options = Options::builder().batch_size(256).order(Order::Completion).build()?;
    /// assert!(Options::builder().memory_limit(1).build().is_err());
    /// # let _ = options;
    /// # Ok::<(), trommel::Error>(())
    /// ```
    pub fn builder() -> OptionsBuilder {
        OptionsBuilder { options: Options::default() }
    }

    /// Rows in a batch before anything is known of them.
    pub fn batch_size(&self) -> usize {
        self.batch_size
    }

    /// The range in which the driver chooses batch sizes; `None` when the size is fixed.
    pub fn adaptive(&self) -> Option<RangeInclusive<usize>> {
        self.adaptive.map(|(min, max)| min..=max)
    }

    /// Longest time a row waits for its batch to fill.
    pub fn flush_timeout(&self) -> Duration {
        self.flush_timeout
    }

    /// How transient errors of the sink are retried.
    pub fn retry(&self) -> Retry {
        self.retry
    }

    /// Slots in the ring of an engine with `workers` workers.
    pub(crate) fn slots(&self, workers: usize) -> usize {
        match self.channel_capacity {
            0 => 2 * workers + 2,
            slots => slots,
        }
    }
}

/// Builds [`Options`].
#[derive(Debug, Clone)]
#[must_use = "a builder does nothing until `build`"]
pub struct OptionsBuilder {
    options: Options,
}

impl OptionsBuilder {
    /// Rows in a batch before anything is known of them; adaptive batching goes on from there, with what
    /// the first few rows have cost. Default 128. 0 is an error.
    pub fn batch_size(mut self, rows: usize) -> Self {
        self.options.batch_size = rows;
        self
    }

    /// Lets the driver choose the batch size within this range. Default on, `16..=8192`. An empty
    /// range or one that starts at 0 is an error. The size given to
    /// [`batch_size`](Self::batch_size) is moved into the range.
    pub fn adaptive(mut self, rows: RangeInclusive<usize>) -> Self {
        self.options.adaptive = Some((*rows.start(), *rows.end()));
        self
    }

    /// Every batch has this many rows, but for the last and those that are flushed early. 0 is an
    /// error.
    pub fn fixed_batch_size(mut self, rows: usize) -> Self {
        self.options.batch_size = rows;
        self.options.adaptive = None;
        self
    }

    /// Pieces of *one* batch that are transformed at once. Default 0: decided for each batch, 1
    /// while batches are plentiful, more when a heavy batch would leave workers idle.
    pub fn transform_concurrency(mut self, pieces: usize) -> Self {
        self.options.transform_concurrency = pieces;
        self
    }

    /// Slots in the ring: how many batches are between source and sink at most. Default 0: twice
    /// the workers and two more. 1 makes the stages take turns.
    pub fn channel_capacity(mut self, slots: usize) -> Self {
        self.options.channel_capacity = slots;
        self
    }

    /// Longest time a row waits for its batch to fill. Default 100 ms; while workers are idle a row
    /// does not wait at all. Zero hands over every batch as soon as the source would have to wait.
    pub fn flush_timeout(mut self, timeout: Duration) -> Self {
        self.options.flush_timeout = timeout;
        self
    }

    /// Whether pages reach the sink in order. Default [`Order::Ordered`].
    pub fn order(mut self, order: Order) -> Self {
        self.options.order = order;
        self
    }

    /// Bytes for all batches, pages, arenas and rejects together. Default 256 MiB. Less than 64 KiB
    /// is an error.
    pub fn memory_limit(mut self, bytes: usize) -> Self {
        self.options.memory_limit = bytes;
        self
    }

    /// What happens to bad rows. Default [`RejectPolicy::Stop`].
    pub fn on_reject(mut self, policy: RejectPolicy) -> Self {
        self.options.on_reject = policy;
        self
    }

    /// What a panic in the transform does. Default [`PanicPolicy::Fail`].
    pub fn on_panic(mut self, policy: PanicPolicy) -> Self {
        self.options.on_panic = policy;
        self
    }

    /// How transient sink errors are retried. Default [`Retry::NONE`].
    pub fn retry(mut self, retry: Retry) -> Self {
        self.options.retry = retry;
        self
    }

    /// After a cancel, how long batches in flight may go on before they are dropped. Default 5 s.
    /// Zero drops them at once.
    pub fn grace(mut self, grace: Duration) -> Self {
        self.options.grace = grace;
        self
    }

    /// Ends a run in which no stage has made progress for this long, and names the stage that has
    /// been busy or blocked. Default off; zero is an error. Code that never returns can't be
    /// interrupted: `run` then returns when it does. Takes a thread of its own.
    pub fn watchdog(mut self, limit: Duration) -> Self {
        self.options.watchdog = Some(limit);
        self
    }

    /// Checks the values.
    ///
    /// # Errors
    /// [`ErrorKind::Config`](crate::ErrorKind::Config), naming the option, its value and the
    /// remedy.
    pub fn build(mut self) -> Result<Options> {
        let options = &mut self.options;
        if !(1..=MAX_BATCH_ROWS).contains(&options.batch_size) {
            return Err(Error::config(format!(
                "batch_size is {}; choose 1 to {MAX_BATCH_ROWS} rows",
                options.batch_size
            )));
        }
        if let Some((min, max)) = options.adaptive {
            if min == 0 || min > max || max > MAX_BATCH_ROWS {
                return Err(Error::config(format!(
                    "adaptive is {min}..={max}; choose a range within 1..={MAX_BATCH_ROWS}"
                )));
            }
            options.batch_size = options.batch_size.clamp(min, max);
        }
        if options.channel_capacity > MAX_SLOTS {
            return Err(Error::config(format!(
                "channel_capacity is {}; choose up to {MAX_SLOTS} slots, or 0 for the default",
                options.channel_capacity
            )));
        }
        if options.memory_limit < 64 << 10 {
            return Err(Error::config(format!(
                "memory_limit is {} bytes; choose at least 65536",
                options.memory_limit
            )));
        }
        if options.transform_concurrency > 1 << 10 {
            return Err(Error::config(format!(
                "transform_concurrency is {}; choose up to 1024 pieces, or 0 for automatic",
                options.transform_concurrency
            )));
        }
        if options.watchdog.is_some_and(|limit| limit.is_zero()) {
            return Err(Error::config("watchdog is zero; choose a time, or leave it off"));
        }
        if options.retry.initial > options.retry.max {
            return Err(Error::config(format!(
                "retry.initial is {:?}, longer than retry.max, {:?}",
                options.retry.initial, options.retry.max
            )));
        }
        Ok(self.options)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::error::ErrorKind;

    #[test]
    fn bad_values_are_errors_that_name_the_option() {
        let cases = [
            (Options::builder().batch_size(0), "batch_size"),
            (Options::builder().fixed_batch_size(MAX_BATCH_ROWS + 1), "batch_size"),
            (Options::builder().adaptive(0..=5), "adaptive"),
            (Options::builder().adaptive(RangeInclusive::new(6, 5)), "adaptive"),
            (Options::builder().channel_capacity(MAX_SLOTS + 1), "channel_capacity"),
            (Options::builder().memory_limit(0), "memory_limit"),
            (Options::builder().transform_concurrency(4096), "transform_concurrency"),
            (Options::builder().watchdog(Duration::ZERO), "watchdog"),
            (
                Options::builder().retry(Retry {
                    attempts: 1,
                    initial: Duration::from_secs(2),
                    max: Duration::from_secs(1),
                }),
                "retry.initial",
            ),
        ];
        for (builder, option) in cases {
            let error = builder.build().unwrap_err();
            assert_eq!(error.kind(), ErrorKind::Config);
            assert!(error.message().starts_with(option), "{error}");
        }
    }

    #[test]
    fn every_tier_is_valid() {
        for tier in [Tier::Memory, Tier::Light, Tier::Heavy, Tier::Network, Tier::Database] {
            Options::tier(tier).build().unwrap();
        }
    }

    #[test]
    fn slots_follow_the_workers() {
        assert_eq!(Options::default().slots(4), 10);
        assert_eq!(Options::builder().channel_capacity(3).build().unwrap().slots(4), 3);
    }
}
