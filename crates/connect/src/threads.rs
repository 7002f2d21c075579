//! Threads for calls that block: those can't be given up, but who waits for them can.

use std::io::{Error, Result};
use std::thread::{Builder, JoinHandle};

/// Starts a thread.
///
/// # Errors
/// The system lets no more of them start; the error says what to do.
pub(crate) fn start<R: Send + 'static>(
    name: impl Into<String>,
    work: impl FnOnce() -> R + Send + 'static,
) -> Result<JoinHandle<R>> {
    Builder::new().name(name.into()).spawn(work).map_err(|error| {
        let message = format!(
            "a thread could not be started: allow more of them (`ulimit -u`), or leave more memory: \
             {error}"
        );
        Error::new(error.kind(), message)
    })
}
