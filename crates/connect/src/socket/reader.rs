//! What comes in, as a stream of bytes.

use super::builder::Builder;
use super::connection::Connection;
use super::listener::Acceptor;
use super::peers::Peers;
use crate::guarded::Closer;
use std::fmt;
use std::io::{Error, ErrorKind, Read, Result};
use std::net::Shutdown;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

/// The bytes that one peer sends, or whole lines of several.
///
/// A connection that breaks is an error that says so, never an end. On its own it closes when it is
/// dropped, which a thread that waits in `read` can't do: the sources made with
/// [`Builder::source`] close it from outside.
pub struct Reader {
    state: State,
    handles: Arc<Handles>,
}

enum State {
    Waiting(Acceptor),
    One(Peer),
    Many(Peers),
    Closed,
}

/// Handles to all sockets that a reader waits for, for closing them from outside.
#[derive(Debug, Default)]
pub(super) struct Handles {
    closed: AtomicBool,
    sockets: Mutex<Sockets>,
}

#[derive(Debug, Default)]
struct Sockets {
    added: u64,
    open: Vec<(u64, Connection)>,
}

impl Handles {
    pub(super) fn is_closed(&self) -> bool {
        self.closed.load(Ordering::SeqCst)
    }

    /// Answers a number to [`remove`](Self::remove) it by.
    fn add(&self, connection: &Connection) -> Result<u64> {
        let handle = connection.try_clone()?;
        let mut sockets = self.lock();
        sockets.added += 1;
        let number = sockets.added;
        sockets.open.push((number, handle));
        drop(sockets);
        // Looked at after the push: a close in between has seen the socket, or is seen here.
        if self.is_closed() {
            self.close();
        }
        Ok(number)
    }

    fn remove(&self, number: u64) {
        self.lock().open.retain(|(other, _)| *other != number);
    }

    fn close(&self) {
        self.closed.store(true, Ordering::SeqCst);
        for (_, socket) in &self.lock().open {
            socket.shutdown(Shutdown::Both);
        }
    }

    fn lock(&self) -> MutexGuard<'_, Sockets> {
        self.sockets.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Reader {
    pub(super) fn connected(options: &Builder, connection: Connection, raw: bool) -> Result<Self> {
        let handles = Builder::handles();
        let name = options.address.to_string();
        let peer = Peer::new(name, connection, options.idle_timeout, raw, &handles)?;
        Ok(Reader { state: State::One(peer), handles })
    }

    pub(super) fn listening(acceptor: Acceptor, handles: Arc<Handles>) -> Self {
        Reader { state: State::Waiting(acceptor), handles }
    }

    /// Waits for the one peer, or begins to wait for several.
    fn begin(&mut self) -> Result<()> {
        if let State::Waiting(acceptor) = std::mem::replace(&mut self.state, State::Closed) {
            self.state = match acceptor.peers() {
                1 => acceptor.accept()?.map_or(State::Closed, State::One),
                _ => State::Many(Peers::start(acceptor)?),
            };
        }
        Ok(())
    }

    pub(super) fn closer(&self) -> Closer {
        let handles = Arc::clone(&self.handles);
        Closer::new(move || handles.close())
    }
}

impl Read for Reader {
    fn read(&mut self, space: &mut [u8]) -> Result<usize> {
        loop {
            match &mut self.state {
                State::One(peer) => return peer.read(space),
                State::Many(peers) => return peers.read(space),
                State::Closed => return Ok(0),
                State::Waiting(_) => self.begin()?,
            }
        }
    }
}

impl Drop for Reader {
    fn drop(&mut self) {
        self.handles.close();
    }
}

impl fmt::Debug for Reader {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Reader").field("handles", &self.handles).finish_non_exhaustive()
    }
}

/// One peer and how much it has sent.
pub(super) struct Peer {
    name: String,
    connection: Connection,
    idle_timeout: Duration,
    bytes: u64,
    /// Bytes since the last line break.
    open: u64,
    /// Whether the end of a stream may be anywhere.
    raw: bool,
    handles: Arc<Handles>,
    number: u64,
}

impl Peer {
    pub(super) fn new(
        name: String,
        connection: Connection,
        idle_timeout: Duration,
        raw: bool,
        handles: &Arc<Handles>,
    ) -> Result<Self> {
        connection.set_read_timeout(Some(idle_timeout).filter(|timeout| !timeout.is_zero()))?;
        let number = handles.add(&connection)?;
        let handles = Arc::clone(handles);
        Ok(Peer { name, connection, idle_timeout, bytes: 0, open: 0, raw, handles, number })
    }

    pub(super) fn name(&self) -> &str {
        &self.name
    }

    fn explain(&self, error: &Error) -> Error {
        let Peer { name, bytes, .. } = self;
        let what = match error.kind() {
            ErrorKind::WouldBlock | ErrorKind::TimedOut => {
                let message = format!(
                    "{name} has sent nothing for {:?}, {bytes} bytes in all",
                    self.idle_timeout
                );
                return Error::new(ErrorKind::TimedOut, message);
            }
            ErrorKind::ConnectionReset => "reset the connection",
            ErrorKind::ConnectionAborted => "aborted the connection",
            _ => "cannot be read any more",
        };
        let message = format!("{name} {what} after {bytes} bytes: {error}");
        Error::new(error.kind(), message)
    }
}

impl Read for Peer {
    fn read(&mut self, space: &mut [u8]) -> Result<usize> {
        let count = loop {
            match self.connection.read(space) {
                Err(error) if error.kind() == ErrorKind::Interrupted => {}
                Err(error) => return Err(self.explain(&error)),
                Ok(count) => break count,
            }
        };
        self.bytes += count as u64;
        match memchr::memrchr(b'\n', &space[..count]) {
            Some(at) => self.open = (count - at - 1) as u64,
            None => self.open += count as u64,
        }
        if count == 0 && self.open > 0 && !self.raw && !self.handles.is_closed() {
            let message = format!(
                "{} closed the connection inside a line, {} bytes after the last line break",
                self.name, self.open
            );
            return Err(Error::new(ErrorKind::UnexpectedEof, message));
        }
        Ok(count)
    }
}

impl Drop for Peer {
    fn drop(&mut self) {
        self.handles.remove(self.number);
    }
}
