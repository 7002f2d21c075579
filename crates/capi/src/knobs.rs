//! The knobs of a run.

use crate::cast::{Sized32, Text};
use crate::error::Failure;
use crate::numbers::{on_panic, on_reject, order, tier};
use engine::{Error, Options, Order, PanicPolicy, Reject, RejectPolicy, Result, Tier};
use std::fs::File;
use std::io::{BufWriter, Write as _};
use std::time::Duration;

/// `trommel_options`. Zero is the default of every field.
#[derive(Debug, Clone, Copy)]
#[repr(C)]
pub(crate) struct OptionsView {
    size: u32,
    tier: u32,
    batch_size: u32,
    batch_min: u32,
    batch_max: u32,
    transform_concurrency: u32,
    channel_capacity: u32,
    order: u32,
    memory_limit: u64,
    flush_timeout_ms: i64,
    grace_ms: i64,
    watchdog_ms: i64,
    on_reject: u32,
    on_panic: u32,
    max_rejects: u64,
    reject_file: Text,
    retries: u32,
    retry_initial_ms: u32,
    retry_max_ms: u32,
    reserved: u32,
}

// SAFETY: `repr(C)`, begins with its size, holds numbers and pointers.
unsafe impl Sized32 for OptionsView {
    const LEAST: usize = size_of::<OptionsView>();
    const NAME: &'static str = "trommel_options";
}

/// `None` for the default, 0 ms for anything negative.
fn duration(ms: i64) -> Option<Duration> {
    (ms != 0).then(|| Duration::from_millis(u64::try_from(ms).unwrap_or(0)))
}

impl OptionsView {
    /// The engine's options, and the file of rejects, which the run empties unless it goes on with
    /// a job. Bad values are errors that name the option.
    pub(crate) fn build(&self) -> Result<(Options, Option<File>), Failure> {
        let (policy, file) = self.policy()?;
        let mut builder = match self.tier {
            tier::NONE => Options::builder(),
            tier::MEMORY => Options::tier(Tier::Memory),
            tier::LIGHT => Options::tier(Tier::Light),
            tier::HEAVY => Options::tier(Tier::Heavy),
            tier::NETWORK => Options::tier(Tier::Network),
            tier::DATABASE => Options::tier(Tier::Database),
            _ => return Err(unknown("tier", self.tier)),
        };
        // What is 0 stays as the tier has it, unless its neighbour leaves no room for that.
        let defaults = builder.clone().build()?;
        if self.batch_size > 0 {
            builder = builder.batch_size(self.batch_size as usize);
        }
        match (self.batch_min as usize, self.batch_max as usize) {
            (0, 0) => {}
            (min, max) if min == max => builder = builder.fixed_batch_size(min),
            (min, max) => {
                let range = defaults.adaptive().unwrap_or(1..=max);
                let min = if min > 0 { min } else { max.min(*range.start()) };
                let max = if max > 0 { max } else { min.max(*range.end()) };
                builder = builder.adaptive(min..=max);
            }
        }
        builder = builder
            .transform_concurrency(self.transform_concurrency as usize)
            .channel_capacity(self.channel_capacity as usize)
            .order(match self.order {
                order::ORDERED => Order::Ordered,
                order::AS_COMPLETED => Order::Completion,
                _ => return Err(unknown("order", self.order)),
            })
            .on_panic(match self.on_panic {
                on_panic::FAIL => PanicPolicy::Fail,
                on_panic::REJECT => PanicPolicy::Reject,
                _ => return Err(unknown("on_panic", self.on_panic)),
            })
            .on_reject(policy);
        if self.memory_limit > 0 {
            builder =
                builder.memory_limit(usize::try_from(self.memory_limit).unwrap_or(usize::MAX));
        }
        if let Some(timeout) = duration(self.flush_timeout_ms) {
            builder = builder.flush_timeout(timeout);
        }
        if let Some(grace) = duration(self.grace_ms) {
            builder = builder.grace(grace);
        }
        if self.watchdog_ms > 0 {
            builder = builder.watchdog(Duration::from_millis(self.watchdog_ms.unsigned_abs()));
        }
        let mut retry = defaults.retry();
        if self.retries > 0 {
            retry.attempts = self.retries;
        }
        if self.retry_max_ms > 0 {
            retry.max = Duration::from_millis(u64::from(self.retry_max_ms));
            retry.initial = retry.initial.min(retry.max);
        }
        if self.retry_initial_ms > 0 {
            retry.initial = Duration::from_millis(u64::from(self.retry_initial_ms));
        }
        Ok((builder.retry(retry).build()?, file))
    }

    fn policy(&self) -> Result<(RejectPolicy, Option<File>), Failure> {
        let max = if self.max_rejects == 0 { u64::MAX } else { self.max_rejects };
        match self.on_reject {
            on_reject::STOP => Ok((RejectPolicy::Stop, None)),
            on_reject::SKIP => Ok((RejectPolicy::skip(max), None)),
            on_reject::FILE => {
                let path = self.reject_file.get("reject_file")?;
                let opened = File::options().append(true).create(true).open(path);
                let opened = opened.and_then(|file| Ok((file.try_clone()?, file)));
                let (same, file) = opened.map_err(|error| {
                    let message = format!("reject_file: {path} can't be made");
                    Error::new(engine::ErrorKind::Io, message).caused_by(error)
                })?;
                let policy = RejectPolicy::dead_letter(Lines(BufWriter::new(file)), max);
                Ok((policy, Some(same)))
            }
            on_reject::WITH_DATA => Ok((RejectPolicy::with_data(max), None)),
            _ => Err(unknown("on_reject", self.on_reject)),
        }
    }
}

fn unknown(option: &str, value: u32) -> Failure {
    Failure::Engine(Error::config(format!("{option} is {value}, which is none of its constants")))
}

/// Rejects as lines of JSON.
struct Lines(BufWriter<File>);

impl engine::DeadLetter for Lines {
    fn write(&mut self, reject: &Reject) -> Result<()> {
        serde_json::to_writer(&mut self.0, reject)
            .map_err(|error| Error::fatal("a reject could not be written").caused_by(error))?;
        Ok(self.0.write_all(b"\n")?)
    }

    fn finish(&mut self) -> Result<()> {
        Ok(self.0.flush()?)
    }
}
