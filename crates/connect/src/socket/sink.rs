//! Lines out.

use super::builder::Builder;
use super::connection::Connection;
use crate::leave::{Leave, NAP};
use crate::records::Records;
use std::fmt;
use std::io::{ErrorKind as Io, Read, Write};
use std::net::Shutdown;
use std::time::{Duration, Instant};
use trommel::{Durability, Encode, Error, ErrorKind, Result, Retry};

/// Sends emitted `&str` and `&[u8]`, each as a line, over one connection; made by
/// [`Builder::sink`].
///
/// A line break that the record ends in already is not doubled; one within it makes the row a bad
/// one. What was sent can't be taken back, and what the peer has not read when it dies is lost: the
/// last thing that a run does is to wait until the peer has read everything
/// ([`close_timeout`](Builder::close_timeout)).
pub struct Sink {
    options: Builder,
    connection: Option<Connection>,
    leave: Option<Leave>,
    /// The run was cancelled in the middle of a page: no other may follow.
    is_left: bool,
    /// Bytes handed to the system, and records in them.
    bytes: u64,
    records: u64,
}

impl Sink {
    pub(super) fn new(options: Builder) -> Self {
        let leave = options.leave.clone();
        Sink { options, connection: None, leave, is_left: false, bytes: 0, records: 0 }
    }

    fn open(&self, options: &Builder) -> Result<Connection> {
        let connection = options.connect()?;
        connection.set_write_timeout(self.slice(options.write_timeout))?;
        Ok(connection)
    }

    /// How long one call may wait of a time that zero makes endless.
    fn slice(&self, timeout: Duration) -> Option<Duration> {
        let timeout = Some(timeout).filter(|timeout| !timeout.is_zero());
        match self.leave {
            Some(_) => Some(timeout.map_or(NAP, |timeout| timeout.min(NAP))),
            None => timeout,
        }
    }

    fn is_leaving(&mut self) -> bool {
        self.leave.as_mut().is_some_and(Leave::is_due)
    }

    /// Sends all of it, as long as the peer takes some now and then.
    fn send(&mut self, connection: &mut Connection, mut bytes: &[u8]) -> Result<()> {
        let mut moved = Instant::now();
        while !bytes.is_empty() {
            match connection.write(bytes) {
                Ok(0) => return Err(self.lost(Io::WriteZero.into())),
                Ok(count) => {
                    bytes = &bytes[count..];
                    moved = Instant::now();
                }
                Err(error) if error.kind() == Io::Interrupted => {}
                Err(error) if matches!(error.kind(), Io::WouldBlock | Io::TimedOut) => {
                    let most = self.options.write_timeout;
                    if self.leave.is_none() || !most.is_zero() && moved.elapsed() >= most {
                        return Err(self.lost(error));
                    }
                }
                Err(error) => return Err(self.lost(error)),
            }
            if !bytes.is_empty() && self.is_leaving() {
                self.is_left = true;
                return Err(self.cancelled("takes no more"));
            }
        }
        Ok(())
    }

    #[cold]
    fn cancelled(&self, what: &str) -> Error {
        let Sink { options, bytes, records, .. } = self;
        let message = format!(
            "cancelled while {} {what} after {records} records ({bytes} bytes)",
            options.address
        );
        Error::new(ErrorKind::Cancelled, message)
    }

    fn lost(&self, error: std::io::Error) -> Error {
        let Sink { options, bytes, records, .. } = self;
        let what = match error.kind() {
            Io::BrokenPipe | Io::ConnectionReset | Io::ConnectionAborted => {
                "has closed the connection".to_owned()
            }
            Io::WouldBlock | Io::TimedOut => {
                format!("has taken nothing for {:?}", options.write_timeout)
            }
            _ => "cannot be written to".to_owned(),
        };
        let message = format!(
            "{} {what} after {records} records ({bytes} bytes) and part of a page",
            options.address
        );
        let kind = if options.reconnects { ErrorKind::Transient } else { ErrorKind::Io };
        Error::new(kind, message).caused_by(error)
    }

    /// Waits until the peer has closed its side, which it does when it has read to the end.
    fn await_close(&mut self, connection: &mut Connection) -> Result<()> {
        let until = Instant::now() + self.options.close_timeout;
        let mut space = [0; 4096];
        loop {
            let left = until.saturating_duration_since(Instant::now());
            let slice = self.slice(left.max(Duration::from_millis(1)));
            let _ = connection.set_read_timeout(slice);
            let message = match connection.read(&mut space) {
                Ok(0) => return Ok(()),
                // What a peer answers is none of our business.
                Ok(_) if !left.is_zero() => continue,
                Err(error) if error.kind() == Io::Interrupted => continue,
                Err(error) if !matches!(error.kind(), Io::WouldBlock | Io::TimedOut) => {
                    let message = format!(
                        "{} broke the connection before it had read all {} records",
                        self.options.address, self.records
                    );
                    return Err(Error::new(ErrorKind::Io, message).caused_by(error));
                }
                // What was waited for is a part of it only.
                _ if !left.is_zero() && self.leave.is_some() => {
                    if self.is_leaving() {
                        return Err(self.cancelled("has not closed the connection"));
                    }
                    continue;
                }
                _ => format!(
                    "{} has not closed the connection within {:?} after the last of {} records, so \
                     it is not known whether it has read them all; set close_timeout to zero if it \
                     never does",
                    self.options.address, self.options.close_timeout, self.records
                ),
            };
            return Err(Error::new(ErrorKind::Io, message));
        }
    }
}

impl trommel::Sink for Sink {
    type Page = Records;
    type Encoder = ();

    fn encoder(&mut self) -> Result<()> {
        self.leave = self.options.leave.clone();
        self.is_left = false;
        self.connection = Some(self.open(&self.options)?);
        Ok(())
    }

    fn write(&mut self, page: &mut Records) -> Result<()> {
        if self.is_left {
            return Err(self.cancelled("had part of a page"));
        }
        let mut connection = match self.connection.take() {
            Some(connection) => connection,
            // Once only: the pipeline's retry policy says how often, and can be cancelled.
            None => {
                let once = self.options.clone().retry(Retry::NONE);
                self.open(&once)
                    .map_err(|error| Error::transient("the connection was lost").caused_by(error))?
            }
        };
        self.send(&mut connection, &page.bytes)?;
        self.connection = Some(connection);
        self.bytes += page.bytes.len() as u64;
        self.records += page.ends.len() as u64;
        Ok(())
    }

    fn finish(&mut self) -> Result<()> {
        let Some(mut connection) = self.connection.take() else { return Ok(()) };
        connection.shutdown(Shutdown::Write);
        if self.options.close_timeout.is_zero() {
            return Ok(());
        }
        self.await_close(&mut connection)
    }

    fn abort(&mut self) -> Durability {
        self.connection = None;
        Durability::Stored
    }
}

impl Encode<&[u8]> for Sink {
    #[inline]
    fn encode(_: &(), page: &mut Records, record: &[u8]) -> Result<()> {
        page.push_line(record)
    }
}

impl Encode<&str> for Sink {
    #[inline]
    fn encode(_: &(), page: &mut Records, record: &str) -> Result<()> {
        page.push_line(record.as_bytes())
    }
}

impl fmt::Debug for Sink {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Sink")
            .field("address", &self.options.address)
            .field("bytes", &self.bytes)
            .field("records", &self.records)
            .finish_non_exhaustive()
    }
}
