//! `COPY` both ways.

use super::super::decode::{HEADER_LEN, SIGNATURE};
use super::super::failure::Failure;
use super::super::libpq::{self, CopyOut, CopyRow, Status};
use super::{Connection, NAP, nul_free};
use std::time::{Duration, Instant};

/// Bytes handed to libpq at a time. Measured: from 64 KiB to 1 MiB nothing changes.
const PIECE: usize = 256 << 10;

impl Connection {
    /// Begins `COPY … FROM STDIN`.
    pub(in crate::postgres) fn begin_copy_in(&mut self, sql: &str) -> Result<(), Failure> {
        let sql = nul_free(sql)?;
        if !self.handle.send_query(&sql) {
            return Err(self.lost());
        }
        self.expect(Status::CopyIn)
    }

    /// Sends `COPY … TO STDOUT`. The server answers together with the first row, which may take its
    /// time: [`is_copying_out`](Self::is_copying_out).
    pub(in crate::postgres) fn send_copy_out(&mut self, sql: &str) -> Result<(), Failure> {
        let sql = nul_free(sql)?;
        if self.handle.send_query(&sql) { Ok(()) } else { Err(self.lost()) }
    }

    /// Whether the server has begun to send rows, by the end of `limit`.
    pub(in crate::postgres) fn is_copying_out(&mut self, limit: Duration) -> Result<bool, Failure> {
        let began = Instant::now();
        loop {
            let unsent = match self.handle.flush() {
                0 => false,
                1 => true,
                _ => return Err(self.copy_failed()),
            };
            if !self.handle.is_busy() {
                break;
            }
            let left = limit.saturating_sub(began.elapsed());
            if left.is_zero() {
                return Ok(false);
            }
            libpq::wait(self.handle.socket(), unsent, left.min(NAP))
                .map_err(|error| Failure::Lost(error.to_string()))?;
            if !self.handle.consume() {
                return Err(self.lost());
            }
        }
        self.expect(Status::CopyOut).map(|()| true)
    }

    /// What `COPY` data begins with; sent together with what comes next.
    pub(in crate::postgres) fn put_header(&mut self, header: &[u8]) -> Result<(), Failure> {
        match self.handle.put_copy(header) {
            1 => Ok(()),
            // Nothing else waits to be sent, so that there is room.
            _ => Err(self.copy_failed()),
        }
    }

    /// Gives up an open `COPY`, whose rows are taken back.
    pub(in crate::postgres) fn give_up_copy(&mut self) {
        self.handle.end_copy(Some(c"the load has ended early"));
        // Refused, as was asked for.
        _ = self.answer();
    }

    /// Sends `COPY` data.
    ///
    /// A server that has found a fault says so only at the end, and until then takes no notice of
    /// what is sent.
    pub(in crate::postgres) fn put_copy(&mut self, data: &[u8]) -> Result<(), Failure> {
        // Pieces, so that libpq's buffer stays small and the server starts at once.
        for piece in data.chunks(PIECE) {
            let mut idle = Instant::now();
            loop {
                match self.handle.put_copy(piece) {
                    1 => break,
                    0 => self.wait(true, &mut idle)?,
                    _ => return Err(self.copy_failed()),
                }
            }
            loop {
                match self.handle.flush() {
                    0 => break,
                    1 => self.wait(true, &mut idle)?,
                    _ => return Err(self.copy_failed()),
                }
            }
        }
        Ok(())
    }

    /// Why `COPY` data could not be sent: the server's last words, if there are any.
    fn copy_failed(&mut self) -> Failure {
        let lost = self.lost();
        match self.answer() {
            Err(failure) => failure,
            Ok(_) => lost,
        }
    }

    /// Ends the `COPY` and awaits the verdict: rows that were stored.
    pub(in crate::postgres) fn end_copy(&mut self) -> Result<u64, Failure> {
        let mut idle = Instant::now();
        loop {
            match self.handle.end_copy(None) {
                1 => break,
                0 => self.wait(true, &mut idle)?,
                _ => return Err(self.copy_failed()),
            }
        }
        self.answer().map(|answer| answer.changed)
    }

    /// The next row of a `COPY … TO STDOUT`: `Ok(None)` when it would have to be waited for longer
    /// than `limit`, `Err(None)` at the end.
    pub(in crate::postgres) fn get_copy(
        &mut self,
        limit: Duration,
    ) -> Result<Option<CopyRow>, Option<Failure>> {
        let began = Instant::now();
        loop {
            match self.handle.get_copy() {
                CopyOut::Row(row) => return Ok(Some(row)),
                CopyOut::End => {
                    return Err(self.answer().err());
                }
                CopyOut::Wait => {
                    let left = limit.saturating_sub(began.elapsed());
                    if left.is_zero() {
                        return Ok(None);
                    }
                    libpq::wait(self.handle.socket(), false, left.min(NAP))
                        .map_err(|error| Some(Failure::Lost(error.to_string())))?;
                    if !self.handle.consume() {
                        return Err(Some(self.lost()));
                    }
                }
            }
        }
    }

    /// Runs `COPY … TO STDOUT` in binary and hands over each row.
    pub(in crate::postgres) fn copy_out(
        &mut self,
        sql: &str,
        mut each: impl FnMut(&[u8]),
    ) -> Result<(), Failure> {
        self.send_copy_out(sql)?;
        self.expect(Status::CopyOut)?;
        let mut idle = Instant::now();
        let mut is_first = true;
        loop {
            match self.handle.get_copy() {
                CopyOut::Row(row) => {
                    let is_first = std::mem::take(&mut is_first);
                    if let Some(row) = row_of(row.bytes(), is_first) {
                        each(row);
                    }
                }
                CopyOut::End => return self.answer().map(drop),
                CopyOut::Wait => self.wait(false, &mut idle)?,
            }
        }
    }
}

/// The row that a message of binary `COPY` holds, if it holds one: the first one may begin with the
/// header, and the last one is a row of -1 fields.
pub(in crate::postgres) fn row_of(message: &[u8], is_first: bool) -> Option<&[u8]> {
    let row = match is_first && message.starts_with(SIGNATURE) {
        true => message.get(HEADER_LEN..).unwrap_or_default(),
        false => message,
    };
    (!row.is_empty() && row != [0xff, 0xff]).then_some(row)
}
