//! A query whose connection was lost goes on over another one.

use super::super::decode::show;
use super::super::failure::Failure;
use super::{Source, State};
use crate::backoff::pause;
use std::time::Instant;
use trommel::{Class, Error, Result};

impl Source {
    /// Goes back to where a new connection can go on, if there is such a place and an attempt left.
    pub(super) fn come_back(&mut self, failure: Failure) -> Result<()> {
        let what = match self.key {
            None if self.rows > 0 => {
                "the query has failed after its first rows, and without a `key` it can't go on \
                 behind them"
            }
            _ => "the query has failed",
        };
        let can = self.rows == 0 || self.key.is_some();
        let is_lost = matches!(failure, Failure::Lost(_));
        let error = failure.explain(&self.address.place, what);
        if !is_lost || !can {
            return Err(error);
        }
        self.wait_for_another(error)
    }

    pub(super) fn wait_for_another(&mut self, error: Error) -> Result<()> {
        if error.class() != Class::Transient || self.attempts >= self.retry.attempts {
            return Err(error);
        }
        self.from = self.reached()?;
        self.last = None;
        self.connection = None;
        self.state = State::Idle;
        self.due = Some(Instant::now() + pause(&self.retry, self.attempts));
        self.attempts += 1;
        Ok(())
    }

    /// The key of the last row, as text.
    pub(super) fn reached(&self) -> Result<Option<String>> {
        match (&self.last, self.key_index) {
            (Some(key), Some(index)) => {
                let mut text = String::new();
                show(&mut text, &self.schema.columns[index].kind, key).map_err(Error::fatal)?;
                Ok(Some(text))
            }
            _ => Ok(self.from.clone()),
        }
    }
}
