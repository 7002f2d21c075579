//! Sends values to other threads.

use crate::error::{Error, Result};
use crate::sink::{Encode, Sink};
use crossbeam_channel::Sender;

/// Sends each value to a channel, in order in an ordered run; a full channel slows the run down.
///
/// ```
/// # use trommel::{Engine, Pipeline, sinks, sources};
/// let (sender, receiver) = crossbeam_channel::bounded(64);
/// let consumer = std::thread::spawn(move || receiver.iter().sum::<u64>());
/// Pipeline::from(sources::generate(1_000, |id| id))
///     .load_into(sinks::channel(sender))
///     .run(&Engine::new()?)?; // the sink, and the sender in it, go with the run
/// assert_eq!(consumer.join().unwrap(), 499_500);
/// # Ok::<(), trommel::Error>(())
/// ```
pub fn channel<T: Send>(sender: Sender<T>) -> Channel<T> {
    Channel { sender }
}

/// See [`channel`].
#[derive(Debug)]
pub struct Channel<T> {
    sender: Sender<T>,
}

impl<T: Send> Sink for Channel<T> {
    type Page = Vec<T>;
    type Encoder = ();

    fn encoder(&mut self) -> Result<()> {
        Ok(())
    }

    fn write(&mut self, page: &mut Vec<T>) -> Result<()> {
        for value in page.drain(..) {
            if self.sender.send(value).is_err() {
                return Err(Error::fatal("every receiver of the channel is gone"));
            }
        }
        Ok(())
    }
}

impl<T: Send> Encode<T> for Channel<T> {
    #[inline]
    fn encode(_: &(), page: &mut Vec<T>, value: T) -> Result<()> {
        page.push(value);
        Ok(())
    }
}
