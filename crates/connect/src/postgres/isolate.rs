//! Rows into the table, and the bad ones found.

use super::copy::{Copy, Routes};
use super::encode::{Page, Stretch};
use super::failure::Failure;
use super::session::Session;
use std::ops::Range;
use trommel::{Error, Result};

/// Where rows that the table refuses are noted: by their index in the page.
pub(super) type Faults = Vec<(usize, Error)>;

/// Parts of a page that are in the table: which route, which bytes.
pub(super) type Parts = Vec<(usize, Range<usize>)>;

/// A page on its way into the table.
pub(super) struct Loading<'a> {
    pub(super) session: &'a mut Session,
    pub(super) copy: &'a Copy,
    pub(super) routes: &'a Routes,
    pub(super) page: &'a Page,
    pub(super) parts: Parts,
    pub(super) faults: &'a mut Faults,
    pub(super) table: &'a str,
}

impl Loading<'_> {
    pub(super) fn all(&mut self, stretches: &[(usize, Stretch<'_>)]) -> Result<()> {
        if !self.session.careful {
            match self.at_once(stretches)? {
                None => return Ok(()),
                Some(_) => {
                    // A row was refused, and the whole transaction with it. From now on savepoints
                    // are worth their price: bad rows seldom come alone.
                    self.session.careful = true;
                    self.parts.clear();
                    self.session.again(self.copy, self.routes)?;
                }
            }
        }
        for (route, stretch) in stretches {
            let (from, to) = stretch.rows;
            self.isolate(*route, from, to)?;
        }
        Ok(())
    }

    /// Loads all rows, or says what was refused.
    fn at_once(&mut self, stretches: &[(usize, Stretch<'_>)]) -> Result<Option<Failure>> {
        for (route, stretch) in stretches {
            let (from, to) = stretch.rows;
            let (copy, routes, rows) = (self.copy, self.routes, self.page.rows(from, to));
            match self.session.run(|connection| copy.run(connection, routes, *route, [rows]))? {
                Ok(()) => self.note(*route, from, to),
                Err(failure) if failure.row_fault().is_some() => return Ok(Some(failure)),
                Err(failure) => return Err(self.explain(failure)),
            }
        }
        Ok(None)
    }

    /// Loads rows under a savepoint; halves them until the bad ones are alone.
    fn isolate(&mut self, route: usize, from: usize, to: usize) -> Result<()> {
        let (copy, routes, rows) = (self.copy, self.routes, self.page.rows(from, to));
        let loaded = self.session.run(|connection| {
            connection.run("SAVEPOINT trommel_rows")?;
            copy.run(connection, routes, route, [rows])?;
            connection.run("RELEASE SAVEPOINT trommel_rows").map(drop)
        })?;
        let failure = match loaded {
            Ok(()) => {
                self.note(route, from, to);
                return Ok(());
            }
            Err(failure) if failure.row_fault().is_some() => failure,
            Err(failure) => return Err(self.explain(failure)),
        };
        self.session.undo()?;
        if to - from == 1 {
            let fault =
                failure.into_row_error(self.table).map_err(|failure| self.explain(failure))?;
            self.faults.push((from, fault));
            return Ok(());
        }
        let half = from + (to - from) / 2;
        self.isolate(route, from, half)?;
        self.isolate(route, half, to)
    }

    fn note(&mut self, route: usize, from: usize, to: usize) {
        let bytes = self.page.bytes_of(from, to);
        match self.parts.last_mut() {
            Some((last, range)) if *last == route && range.end == bytes.start => {
                range.end = bytes.end;
            }
            _ => self.parts.push((route, bytes)),
        }
    }

    fn explain(&self, failure: Failure) -> Error {
        failure.explain(&self.session.place(), &format!("rows can't be loaded into {}", self.table))
    }
}
