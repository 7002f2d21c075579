//! Waiting for peers.

use super::address::Address;
use super::builder::Builder;
use super::connection::Connection;
use super::reader::{Handles, Peer, Reader};
use crate::guarded::Guarded;
use crate::lines;
use std::io::ErrorKind as Io;
use std::net::TcpListener;
#[cfg(unix)]
use std::os::unix::net::UnixListener;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;
use trommel::{Error, ErrorKind, Result};

/// How often to look for a peer, or whether anybody still waits for one: `accept` can't be given
/// up.
const LOOK_UP: Duration = Duration::from_millis(5);

/// A socket that peers can connect to, whose source has not been made yet; made by
/// [`Builder::listen`]. The [module](super) has an example.
#[derive(Debug)]
pub struct Listener {
    options: Builder,
    socket: Socket,
    address: String,
}

#[derive(Debug)]
enum Socket {
    Tcp(TcpListener),
    /// With the path, which is removed at the end.
    #[cfg(unix)]
    Unix(UnixListener, PathBuf),
}

impl Listener {
    pub(super) fn bind(options: Builder) -> Result<Self> {
        match open(&options.address) {
            Ok((socket, address)) => Ok(Listener { options, socket, address }),
            Err(error) => {
                let remedy = match (&options.address, error.kind()) {
                    (Address::Unix(_), Io::AddrInUse) => {
                        ": the file exists; remove it if no other process listens there"
                    }
                    _ => "",
                };
                let message = format!("cannot listen on {}{remedy}", options.address);
                Err(Error::new(ErrorKind::Io, message).caused_by(error))
            }
        }
    }

    /// The address or path that peers connect to, with the port that the system chose.
    pub fn local_addr(&self) -> &str {
        &self.address
    }

    /// Lines of whoever connects.
    ///
    /// # Errors
    /// None so far.
    pub fn lines(self) -> Result<Guarded<lines::Source>> {
        let (name, lenient) = (self.name(), self.options.lenient_eof);
        let reader = self.into_reader(true);
        let closer = reader.closer();
        let source = lines::Source::from_reader(name, reader)?.terminated(!lenient);
        Ok(Guarded::new(source, closer))
    }

    /// Any format: `open` is given a name for messages and the stream. Formats that begin with a
    /// header wait here for the first peer.
    ///
    /// # Errors
    /// Whatever `open` says.
    pub fn source<S>(self, open: impl FnOnce(String, Reader) -> Result<S>) -> Result<Guarded<S>> {
        let name = self.name();
        let lenient = self.options.lenient_eof;
        let reader = self.into_reader(lenient);
        let closer = reader.closer();
        Ok(Guarded::new(open(name, reader)?, closer))
    }

    fn name(&self) -> String {
        match self.options.address {
            Address::Tcp(_) => format!("tcp://{}", self.address),
            Address::Unix(_) => format!("unix:{}", self.address),
        }
    }

    fn into_reader(self, raw: bool) -> Reader {
        let handles = Builder::handles();
        let acceptor = Acceptor {
            options: self.options,
            socket: self.socket,
            raw,
            handles: Arc::clone(&handles),
        };
        Reader::listening(acceptor, handles)
    }
}

impl Drop for Socket {
    fn drop(&mut self) {
        #[cfg(unix)]
        if let Socket::Unix(_, path) = self {
            let _ = std::fs::remove_file(path);
        }
    }
}

fn open(address: &Address) -> std::io::Result<(Socket, String)> {
    match address {
        Address::Tcp(address) => {
            let listener = TcpListener::bind(address)?;
            listener.set_nonblocking(true)?;
            let address = listener.local_addr()?.to_string();
            Ok((Socket::Tcp(listener), address))
        }
        #[cfg(unix)]
        Address::Unix(path) => {
            let listener = UnixListener::bind(path)?;
            listener.set_nonblocking(true)?;
            Ok((Socket::Unix(listener, path.clone()), path.display().to_string()))
        }
        #[cfg(not(unix))]
        Address::Unix(_) => Err(Io::Unsupported.into()),
    }
}

/// Accepts peers until nobody wants them.
pub(super) struct Acceptor {
    pub(super) options: Builder,
    socket: Socket,
    raw: bool,
    pub(super) handles: Arc<Handles>,
}

impl Acceptor {
    pub(super) fn peers(&self) -> usize {
        self.options.peers
    }

    /// The next peer; none once the reader has been closed.
    pub(super) fn accept(&self) -> std::io::Result<Option<Peer>> {
        loop {
            if self.handles.is_closed() {
                return Ok(None);
            }
            let accepted = match &self.socket {
                Socket::Tcp(listener) => listener
                    .accept()
                    .map(|(stream, from)| (Connection::Tcp(stream), format!("tcp://{from}"))),
                #[cfg(unix)]
                Socket::Unix(listener, path) => listener.accept().map(|(stream, _)| {
                    (Connection::Unix(stream), format!("unix:{}", path.display()))
                }),
            };
            match accepted {
                Ok((connection, name)) => {
                    connection.set_blocking()?;
                    let idle = self.options.idle_timeout;
                    return Peer::new(name, connection, idle, self.raw, &self.handles).map(Some);
                }
                Err(error) if error.kind() == Io::WouldBlock => std::thread::sleep(LOOK_UP),
                // The peer was gone before it was accepted.
                Err(error) if matches!(error.kind(), Io::Interrupted | Io::ConnectionAborted) => {}
                Err(error) => return Err(error),
            }
        }
    }
}
