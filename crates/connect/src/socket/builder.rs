//! Options of a connection.

use super::address::Address;
use super::connection::Connection;
use super::listener::Listener;
use super::reader::{Handles, Reader};
use super::sink::Sink;
use crate::backoff;
use crate::guarded::Guarded;
use crate::leave::{self, Leave};
use crate::lines;
use std::io::ErrorKind as Io;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;
use trommel::{CancelToken, Error, ErrorKind, Result, Retry};

/// A TCP address, `host:port`; port 0 lets the system choose one to listen on.
pub fn tcp(address: impl Into<String>) -> Builder {
    Builder::new(Address::Tcp(address.into()))
}

/// The path of a Unix socket.
pub fn unix(path: impl Into<PathBuf>) -> Builder {
    Builder::new(Address::Unix(path.into()))
}

/// How to connect or listen. Start with [`tcp`] or [`unix`].
#[derive(Debug, Clone)]
#[must_use = "it does nothing until it connects or listens"]
pub struct Builder {
    pub(super) address: Address,
    connect_timeout: Duration,
    pub(super) retry: Retry,
    pub(super) idle_timeout: Duration,
    pub(super) write_timeout: Duration,
    pub(super) close_timeout: Duration,
    pub(super) peers: usize,
    pub(super) lenient_eof: bool,
    pub(super) max_line_bytes: usize,
    pub(super) reconnects: bool,
    pub(super) leave: Option<Leave>,
}

impl Builder {
    fn new(address: Address) -> Self {
        Builder {
            address,
            connect_timeout: Duration::from_secs(10),
            retry: Retry {
                attempts: 4,
                initial: Duration::from_millis(100),
                max: Duration::from_secs(2),
            },
            idle_timeout: Duration::ZERO,
            write_timeout: Duration::from_secs(30),
            close_timeout: Duration::from_secs(10),
            peers: 1,
            lenient_eof: false,
            max_line_bytes: 16 << 20,
            reconnects: false,
            leave: None,
        }
    }

    /// Longest time for one attempt to connect to one address of the host (TCP). Default: 10 s.
    pub fn connect_timeout(mut self, timeout: Duration) -> Self {
        self.connect_timeout = timeout;
        self
    }

    /// Tries again when nobody listens yet. Default: 4 times, after 0.1 s, 0.2 s, … at most 2 s,
    /// each shortened at random by up to half; [`Retry::NONE`] for a single attempt.
    pub fn retry(mut self, retry: Retry) -> Self {
        self.retry = retry;
        self
    }

    /// Ends a source with an error when a peer has sent nothing for this long. Default: zero, for
    /// ever; a cancel ends the wait in any case.
    pub fn idle_timeout(mut self, timeout: Duration) -> Self {
        self.idle_timeout = timeout;
        self
    }

    /// Ends a sink with an error when its peer has taken nothing for this long. Default: 30 s; zero
    /// waits for ever.
    pub fn write_timeout(mut self, timeout: Duration) -> Self {
        self.write_timeout = timeout;
        self
    }

    /// At the end of a load a sink says that nothing more comes and waits this long for its peer to
    /// close the connection, which says that it has read everything. Default: 10 s; zero doesn't
    /// wait, for peers that keep their side open.
    pub fn close_timeout(mut self, timeout: Duration) -> Self {
        self.close_timeout = timeout;
        self
    }

    /// How many peers a [listener](Self::listen) takes in all; the source ends when all of them
    /// have closed. Default: 1; 0 takes any number and ends when the run is cancelled.
    ///
    /// Several peers are read at the same time, each by a thread of its own. Their lines are mixed,
    /// never cut: so each record must be one line.
    pub fn peers(mut self, peers: usize) -> Self {
        self.peers = peers;
        self
    }

    /// Takes a last line without a line break for a whole one. Default: no, since a sender that
    /// died looks just the same: [`lines`](Self::lines) of one peer rejects it, in all other cases
    /// it is an error.
    pub fn lenient_eof(mut self, lenient: bool) -> Self {
        self.lenient_eof = lenient;
        self
    }

    /// Longest line of one of several peers; a longer one is an error. Default: 16 MiB.
    pub fn max_line_bytes(mut self, bytes: usize) -> Self {
        self.max_line_bytes = bytes;
        self
    }

    /// Whether a sink that has lost its peer connects again and sends the page at hand once more,
    /// by the retry policy of the pipeline. Default: no.
    ///
    /// What the peer has read of that page comes twice, and pages before it may be lost that were
    /// on their way: a socket has no receipts.
    pub fn reconnect(mut self, reconnects: bool) -> Self {
        self.reconnects = reconnects;
        self
    }

    /// Has a sink listen to the token of
    /// [`Pipeline::cancel_with`](trommel::Pipeline::cancel_with): once it is cancelled, a peer that
    /// does not read is waited for no longer than `grace` (keep it below
    /// [`OptionsBuilder::grace`](trommel::OptionsBuilder::grace)), and pauses before another attempt
    /// to connect end; only the attempt itself goes on, up to
    /// [`connect_timeout`](Self::connect_timeout). Default: no token, so that a cancelled run waits
    /// for the peer up to these timeouts.
    pub fn cancel_with(mut self, token: &CancelToken, grace: Duration) -> Self {
        self.leave = Some(Leave::new(token, grace));
        self
    }

    /// Connects and reads lines.
    ///
    /// # Errors
    /// [`ErrorKind::Io`] when there is nobody to connect to.
    pub fn lines(&self) -> Result<Guarded<lines::Source>> {
        let reader = Reader::connected(self, self.connect()?, true)?;
        let closer = reader.closer();
        let source = lines::Source::from_reader(self.address.to_string(), reader)?;
        Ok(Guarded::new(source.terminated(!self.lenient_eof), closer))
    }

    /// Connects and reads any format: `open` is given a name for messages and the stream.
    ///
    /// ```no_run
    /// # #[cfg(feature = "csv")] {
    /// use trommel_connect::{csv, socket};
    /// let source = socket::tcp("collector:9000").source(csv::Source::from_reader)?;
    /// # }
    /// # Ok::<(), trommel::Error>(())
    /// ```
    ///
    /// # Errors
    /// [`ErrorKind::Io`] when there is nobody to connect to; and whatever `open` says.
    pub fn source<S>(&self, open: impl FnOnce(String, Reader) -> Result<S>) -> Result<Guarded<S>> {
        let reader = Reader::connected(self, self.connect()?, self.lenient_eof)?;
        let closer = reader.closer();
        Ok(Guarded::new(open(self.address.to_string(), reader)?, closer))
    }

    /// Listens for peers.
    ///
    /// # Errors
    /// [`ErrorKind::Io`] when the address can't be had.
    pub fn listen(self) -> Result<Listener> {
        Listener::bind(self)
    }

    /// Sends lines; connects when the run begins.
    pub fn sink(self) -> Sink {
        Sink::new(self)
    }

    pub(super) fn connect(&self) -> Result<Connection> {
        let mut attempt = 0;
        loop {
            let error = match self.address.connect(self.connect_timeout) {
                Ok(connection) => return Ok(connection),
                Err(error) => error,
            };
            let hopeless = matches!(error.kind(), Io::PermissionDenied | Io::InvalidInput);
            if hopeless || attempt >= self.retry.attempts {
                let tries = match attempt {
                    0 => String::new(),
                    _ => format!(" in {} attempts", attempt + 1),
                };
                let message = format!("cannot connect to {}{tries}", self.address);
                return Err(Error::new(ErrorKind::Io, message).caused_by(error));
            }
            if !leave::pause(backoff::pause(&self.retry, attempt), self.leave.as_ref(), || false) {
                let message = format!("cancelled while connecting to {}", self.address);
                return Err(Error::new(ErrorKind::Cancelled, message).caused_by(error));
            }
            attempt += 1;
        }
    }

    pub(super) fn handles() -> Arc<Handles> {
        Arc::default()
    }
}
