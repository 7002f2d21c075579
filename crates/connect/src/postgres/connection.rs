//! A connection that never waits for longer than it was told to.

use super::address::Patience;
use super::decode::{HEADER_LEN, SIGNATURE};
use super::failure::{Failure, Place};
use super::libpq::{self, CopyOut, CopyRow, Handle, Response, Status};
use std::ffi::CString;
use std::time::{Duration, Instant};
use trommel::CancelToken;

/// Longest sleep while the server is awaited, so that a cancel is seen.
const NAP: Duration = Duration::from_millis(50);

impl std::fmt::Debug for Connection {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_tuple("Connection").field(&self.place.to_string()).finish()
    }
}

/// An open connection.
pub(super) struct Connection {
    handle: Handle,
    pub(super) place: Place,
    patience: Patience,
}

/// Rows of an answer, as texts, and how many rows were changed.
#[derive(Debug, Default)]
pub(super) struct Answer {
    pub(super) rows: Vec<Vec<Option<String>>>,
    pub(super) changed: u64,
}

impl Answer {
    /// The value at the top left.
    pub(super) fn first(&self) -> Option<&str> {
        self.rows.first()?.first()?.as_deref()
    }
}

impl Connection {
    pub(super) fn new(handle: Handle, place: Place, patience: Patience) -> Self {
        Connection { handle, place, patience }
    }

    /// Runs one statement or several; the answer is that of the last.
    pub(super) fn run(&mut self, sql: &str) -> Result<Answer, Failure> {
        let sql = nul_free(sql)?;
        if !self.handle.send_query(&sql) {
            return Err(self.lost());
        }
        self.answer()
    }

    /// Runs one statement with parameters, which the server reads as texts.
    pub(super) fn run_with(
        &mut self,
        sql: &str,
        values: &[Option<&str>],
    ) -> Result<Answer, Failure> {
        let sql = nul_free(sql)?;
        let values = values
            .iter()
            .map(|value| value.map(nul_free).transpose())
            .collect::<Result<Vec<_>, _>>()?;
        if !self.handle.send_params(&sql, &values) {
            return Err(self.lost());
        }
        self.answer()
    }

    /// All responses up to the end of the query.
    fn answer(&mut self) -> Result<Answer, Failure> {
        let mut answer = Answer::default();
        let mut failure = None;
        while let Some(response) = self.response()? {
            match response.status() {
                Status::Done | Status::Rows => {
                    answer = Answer { rows: response.rows(), changed: response.changed() };
                }
                Status::CopyIn => {
                    self.handle.end_copy(Some(c"not expected here"));
                }
                Status::CopyOut => while !matches!(self.handle.get_copy(), CopyOut::End) {},
                Status::Failed => {
                    failure.get_or_insert(Failure::of(&response));
                }
            }
        }
        match failure {
            None => Ok(answer),
            Some(failure) => Err(self.settled(failure)),
        }
    }

    /// A refusal on a connection that is gone means that it is gone.
    fn settled(&mut self, failure: Failure) -> Failure {
        match failure {
            Failure::Refused(report) if !self.handle.is_ok() => Failure::Lost(report.to_string()),
            other => other,
        }
    }

    /// Begins `COPY … FROM STDIN`.
    pub(super) fn begin_copy_in(&mut self, sql: &str) -> Result<(), Failure> {
        let sql = nul_free(sql)?;
        if !self.handle.send_query(&sql) {
            return Err(self.lost());
        }
        self.expect(Status::CopyIn)
    }

    /// Sends `COPY … TO STDOUT`. The server answers together with the first row, which may take its
    /// time: [`is_copying_out`](Self::is_copying_out).
    pub(super) fn send_copy_out(&mut self, sql: &str) -> Result<(), Failure> {
        let sql = nul_free(sql)?;
        if self.handle.send_query(&sql) { Ok(()) } else { Err(self.lost()) }
    }

    /// Whether the server has begun to send rows, by the end of `limit`.
    pub(super) fn is_copying_out(&mut self, limit: Duration) -> Result<bool, Failure> {
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

    /// The response that begins a `COPY`.
    fn expect(&mut self, status: Status) -> Result<(), Failure> {
        match self.response()? {
            Some(response) if response.status() == status => Ok(()),
            Some(response) => {
                let failure = Failure::of(&response);
                self.answer()?;
                Err(self.settled(failure))
            }
            None => Err(self.lost()),
        }
    }

    /// What `COPY` data begins with; sent together with what comes next.
    pub(super) fn put_header(&mut self, header: &[u8]) -> Result<(), Failure> {
        match self.handle.put_copy(header) {
            1 => Ok(()),
            // Nothing else waits to be sent, so that there is room.
            _ => Err(self.copy_failed()),
        }
    }

    /// Gives up an open `COPY`, whose rows are taken back.
    pub(super) fn give_up_copy(&mut self) {
        self.handle.end_copy(Some(c"the load has ended early"));
        // Refused, as was asked for.
        _ = self.answer();
    }

    /// Sends `COPY` data.
    ///
    /// A server that has found a fault says so only at the end, and until then takes no notice of
    /// what is sent.
    pub(super) fn put_copy(&mut self, data: &[u8]) -> Result<(), Failure> {
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
    pub(super) fn end_copy(&mut self) -> Result<u64, Failure> {
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
    pub(super) fn get_copy(&mut self, limit: Duration) -> Result<Option<CopyRow>, Option<Failure>> {
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
    pub(super) fn copy_out(
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

    /// Runs a statement that gives no rows and describes those it would give.
    pub(super) fn describe(&mut self, sql: &str) -> Result<Vec<(String, u32)>, Failure> {
        let sql = nul_free(sql)?;
        if !self.handle.send_query(&sql) {
            return Err(self.lost());
        }
        let first = self.response()?;
        let columns = first.as_ref().map(Response::columns).unwrap_or_default();
        let failure = first
            .filter(|response| response.status() == Status::Failed)
            .map(|response| Failure::of(&response));
        let rest = self.answer();
        match failure {
            Some(failure) => Err(self.settled(failure)),
            None => rest.map(|_| columns),
        }
    }

    /// The next response, sending what is to be sent and waiting as patiently as told.
    fn response(&mut self) -> Result<Option<Response>, Failure> {
        let mut idle = Instant::now();
        loop {
            let unsent = match self.handle.flush() {
                0 => false,
                1 => true,
                _ => {
                    // What the server said last may still be there to be read.
                    if !self.handle.consume() {
                        return Err(self.lost());
                    }
                    false
                }
            };
            if !self.handle.is_busy() {
                return Ok(self.handle.response());
            }
            self.wait(unsent, &mut idle)?;
        }
    }

    /// Waits a while for the server; `idle` says since when there has been no progress.
    fn wait(&mut self, write: bool, idle: &mut Instant) -> Result<(), Failure> {
        let ready = libpq::wait(self.handle.socket(), write, NAP)
            .map_err(|error| Failure::Lost(error.to_string()))?;
        if ready {
            *idle = Instant::now();
            if !self.handle.consume() {
                return Err(self.lost());
            }
            return Ok(());
        }
        let waited = idle.elapsed();
        if let Some(limit) = self.patience.timeout.filter(|limit| waited >= *limit) {
            self.interrupt();
            return Err(Failure::TimedOut(limit));
        }
        let cancelled = self.patience.cancel.as_ref().is_some_and(CancelToken::is_cancelled);
        if cancelled && waited >= self.patience.grace {
            self.interrupt();
            return Err(Failure::Cancelled);
        }
        Ok(())
    }

    /// Has the server stop what it does. The connection is not used any more after this.
    pub(super) fn interrupt(&self) {
        let Some(cancel) = self.handle.canceller() else { return };
        let (said, hear) = std::sync::mpsc::channel();
        // On a thread, since libpq waits for the network here without any limit; where it does, the
        // thread is left to itself.
        let asked = std::thread::Builder::new().name("trommel-cancel".into()).spawn(move || {
            _ = said.send(cancel.ask());
        });
        if asked.is_ok() {
            _ = hear.recv_timeout(Duration::from_secs(1));
        }
    }

    fn lost(&self) -> Failure {
        Failure::Lost(self.handle.message())
    }

    /// Waits from now on as patiently as this.
    pub(super) fn be_patient(&mut self, patience: &Patience) {
        self.patience = patience.clone();
    }

    /// Whether it can be used.
    pub(super) fn is_open(&self) -> bool {
        self.handle.is_ok()
    }
}

/// Bytes handed to libpq at a time. Measured: from 64 KiB to 1 MiB nothing changes.
const PIECE: usize = 256 << 10;

fn nul_free(text: &str) -> Result<CString, Failure> {
    CString::new(text)
        .map_err(|_| Failure::Lost(format!("a NUL byte can't be sent: `{}`", text.escape_debug())))
}

/// The row that a message of binary `COPY` holds, if it holds one: the first one may begin with the
/// header, and the last one is a row of -1 fields.
pub(super) fn row_of(message: &[u8], is_first: bool) -> Option<&[u8]> {
    let row = match is_first && message.starts_with(SIGNATURE) {
        true => message.get(HEADER_LEN..).unwrap_or_default(),
        false => message,
    };
    (!row.is_empty() && row != [0xff, 0xff]).then_some(row)
}

/// A text as SQL takes it (`standard_conforming_strings` is on).
pub(super) fn literal(text: &str) -> String {
    format!("'{}'", text.replace('\'', "''"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn texts_are_quoted() {
        assert_eq!(literal("it's"), "'it''s'");
    }
}
