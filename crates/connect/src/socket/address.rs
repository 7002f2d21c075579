//! Where a peer is.

use super::connection::Connection;
use std::fmt;
use std::io::{Error, ErrorKind, Result};
use std::net::{TcpStream, ToSocketAddrs};
use std::path::PathBuf;
use std::time::Duration;

#[derive(Debug, Clone)]
pub(super) enum Address {
    /// `host:port`.
    Tcp(String),
    Unix(PathBuf),
}

impl Address {
    /// Connects, trying each address that the host has.
    pub(super) fn connect(&self, timeout: Duration) -> Result<Connection> {
        match self {
            Address::Tcp(address) => {
                let mut failed = None;
                for one in address.to_socket_addrs()? {
                    match TcpStream::connect_timeout(&one, timeout) {
                        Ok(stream) => {
                            stream.set_nodelay(true)?;
                            return Ok(Connection::Tcp(stream));
                        }
                        Err(error) => failed = Some(error),
                    }
                }
                Err(failed.unwrap_or_else(|| Error::new(ErrorKind::NotFound, "no such host")))
            }
            #[cfg(unix)]
            Address::Unix(path) => {
                std::os::unix::net::UnixStream::connect(path).map(Connection::Unix)
            }
            #[cfg(not(unix))]
            Address::Unix(_) => Err(ErrorKind::Unsupported.into()),
        }
    }
}

impl fmt::Display for Address {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Address::Tcp(address) => write!(f, "tcp://{address}"),
            Address::Unix(path) => write!(f, "unix:{}", path.display()),
        }
    }
}
