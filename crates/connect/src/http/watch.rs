//! Ends requests of a cancelled run.

use crate::guarded::Closer;
use crate::leave::{Leave, NAP};
use crate::threads;
use std::sync::mpsc::{RecvTimeoutError, Sender, channel};
use std::thread::JoinHandle;
use trommel::Result;

/// A thread that closes the connections when the run is cancelled and its grace is over: a request
/// can't be waited for and given up by whoever has sent it.
pub(super) struct Watch {
    alive: Option<Sender<()>>,
    thread: Option<JoinHandle<()>>,
}

impl Watch {
    pub(super) fn start(mut leave: Leave, closer: Closer) -> Result<Self> {
        let (alive, ends) = channel::<()>();
        let watch = move || {
            while ends.recv_timeout(NAP) == Err(RecvTimeoutError::Timeout) {
                if leave.is_due() {
                    return closer.close();
                }
            }
        };
        let thread = threads::start("trommel-http-watch", watch)?;
        Ok(Watch { alive: Some(alive), thread: Some(thread) })
    }
}

impl Drop for Watch {
    fn drop(&mut self) {
        self.alive = None;
        if let Some(thread) = self.thread.take() {
            // It has no reason to panic, and there is nobody to tell.
            let _ = thread.join();
        }
    }
}
