//! A connection that never waits for longer than it was told to.

use super::address::Patience;
use super::failure::{Failure, Place};
use super::libpq::{self, CopyOut, Handle, Response, Status};
use crate::threads;
use std::ffi::CString;
use std::time::{Duration, Instant};
use trommel::CancelToken;

mod copying;

pub(super) use copying::row_of;

/// Longest sleep while the server is awaited, so that a cancel is seen.
pub(super) const NAP: Duration = Duration::from_millis(50);

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
        self.send(sql)?;
        self.answer()
    }

    /// The first half of [`run`](Self::run): sends it, which [`answer`](Self::answer) must follow.
    pub(super) fn send(&mut self, sql: &str) -> Result<(), Failure> {
        let sql = nul_free(sql)?;
        match self.handle.send_query(&sql) {
            true => Ok(()),
            false => Err(self.lost()),
        }
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
    pub(super) fn answer(&mut self) -> Result<Answer, Failure> {
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
        let asked = threads::start("trommel-cancel", move || {
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

fn nul_free(text: &str) -> Result<CString, Failure> {
    CString::new(text)
        .map_err(|_| Failure::Lost(format!("a NUL byte can't be sent: `{}`", text.escape_debug())))
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
