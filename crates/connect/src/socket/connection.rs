//! A connected socket of either kind.

use std::io::{Read, Result, Write};
use std::net::{Shutdown, TcpStream};
#[cfg(unix)]
use std::os::unix::net::UnixStream;
use std::time::Duration;

#[derive(Debug)]
pub(super) enum Connection {
    Tcp(TcpStream),
    #[cfg(unix)]
    Unix(UnixStream),
}

macro_rules! either {
    ($self:expr, $stream:ident => $call:expr) => {
        match $self {
            Connection::Tcp($stream) => $call,
            #[cfg(unix)]
            Connection::Unix($stream) => $call,
        }
    };
}

impl Connection {
    /// Another handle to the same socket.
    pub(super) fn try_clone(&self) -> Result<Self> {
        Ok(match self {
            Connection::Tcp(stream) => Connection::Tcp(stream.try_clone()?),
            #[cfg(unix)]
            Connection::Unix(stream) => Connection::Unix(stream.try_clone()?),
        })
    }

    /// Says that nothing more will be sent, or read either. A peer that is gone needs no telling.
    pub(super) fn shutdown(&self, how: Shutdown) {
        let _ = either!(self, stream => stream.shutdown(how));
    }

    pub(super) fn set_blocking(&self) -> Result<()> {
        either!(self, stream => stream.set_nonblocking(false))
    }

    pub(super) fn set_read_timeout(&self, timeout: Option<Duration>) -> Result<()> {
        either!(self, stream => stream.set_read_timeout(timeout))
    }

    pub(super) fn set_write_timeout(&self, timeout: Option<Duration>) -> Result<()> {
        either!(self, stream => stream.set_write_timeout(timeout))
    }
}

impl Read for Connection {
    fn read(&mut self, space: &mut [u8]) -> Result<usize> {
        either!(self, stream => stream.read(space))
    }
}

impl Write for Connection {
    fn write(&mut self, bytes: &[u8]) -> Result<usize> {
        either!(self, stream => stream.write(bytes))
    }

    fn flush(&mut self) -> Result<()> {
        Ok(())
    }
}
