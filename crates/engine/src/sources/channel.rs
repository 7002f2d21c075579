//! Records that other threads send.

use super::iter::OwnedBatch;
use crate::batch::Batch;
use crate::error::Result;
use crate::source::{Fill, Limit, Source};
use crossbeam_channel::{Receiver, RecvTimeoutError, TryRecvError};
use std::fmt;
use std::time::{Duration, Instant};

/// How often a source that waits looks whether the run was cancelled.
const LOOK: Duration = Duration::from_millis(10);

/// The batch of a [`Channel`].
pub type ChannelBatch<T> = OwnedBatch<T>;

/// Records from a channel, by value, until every sender is gone. A record never waits for a full
/// batch: idle workers get it at once, busy ones within the flush timeout.
///
/// ```
/// use trommel::{Engine, Pipeline, sinks, sources};
/// let (sender, receiver) = crossbeam_channel::bounded(16);
/// std::thread::spawn(move || (0..100).for_each(|id| sender.send(id).unwrap()));
/// let report = Pipeline::from(sources::channel(receiver))
///     .map(|id| id)
///     .load_into(sinks::count())
///     .run(&Engine::new()?)?;
/// assert_eq!(report.counts.loaded, 100);
/// # Ok::<(), trommel::Error>(())
/// ```
pub fn channel<T: Send>(receiver: Receiver<T>) -> Channel<T> {
    Channel { receiver }
}

/// See [`channel`].
pub struct Channel<T> {
    receiver: Receiver<T>,
}

impl<T: Send> Source for Channel<T> {
    type Batch = ChannelBatch<T>;

    fn fill(&mut self, batch: &mut Self::Batch, limit: &Limit<'_>) -> Result<Fill> {
        batch.clear();
        let wanted = limit.rows().min(limit.bytes() / size_of::<T>().max(1)).max(1);
        let mut first_row = None;
        while batch.len() < wanted {
            match self.receiver.try_recv() {
                Ok(record) => {
                    first_row.get_or_insert_with(Instant::now);
                    batch.push(record);
                    continue;
                }
                Err(TryRecvError::Disconnected) => return Ok(Fill::End),
                Err(TryRecvError::Empty) => {}
            }
            if limit.is_cancelled() || first_row.is_some_and(|first| limit.should_flush(first)) {
                break;
            }
            let wait = first_row
                .map_or(LOOK, |first| limit.flush_timeout().saturating_sub(first.elapsed()))
                .min(LOOK);
            match self.receiver.recv_timeout(wait) {
                Ok(record) => {
                    first_row.get_or_insert_with(Instant::now);
                    batch.push(record);
                }
                Err(RecvTimeoutError::Disconnected) => return Ok(Fill::End),
                Err(RecvTimeoutError::Timeout) => {}
            }
        }
        Ok(Fill::More)
    }
}

impl<T> fmt::Debug for Channel<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Channel").field("waiting", &self.receiver.len()).finish()
    }
}
