//! A `COPY` that stays open over many pages.

use super::super::connection::Connection;
use super::super::copy::{Copy, Routes};
use super::Session;
use trommel::{Error, Result};

impl Session {
    /// Sends rows over a `COPY` that stays open for more of them, until [`verdict`](Self::verdict).
    pub(in crate::postgres) fn stream(
        &mut self,
        copy: &Copy,
        routes: &Routes,
        route: usize,
        rows: &[u8],
    ) -> Result<()> {
        if self.streaming != Some(route) {
            self.verdict()?;
        }
        let is_open = self.streaming.is_some();
        let what = format!("rows can't be loaded into {}", copy.table);
        self.ask(&what, |connection| {
            if !is_open {
                copy.open(connection, routes, route)?;
            }
            connection.put_copy(rows)
        })?;
        self.streaming = Some(route);
        window!("postgres: rows sent over a COPY that stays open");
        Ok(())
    }

    /// Ends the open `COPY`, if there is one. After a transient error the transaction is done again
    /// from what was kept, each page by a `COPY` of its own.
    pub(in crate::postgres) fn verdict(&mut self) -> Result<()> {
        if self.streaming.take().is_none() {
            return Ok(());
        }
        let Err(failure) = self.run(Connection::end_copy)? else { return Ok(()) };
        let place = self.place();
        let table = self.table.to_string();
        match failure.into_row_error(&table) {
            Ok(fault) => Err(too_late(fault)),
            Err(failure) => {
                Err(failure.explain(&place, &format!("rows can't be loaded into {table}")))
            }
        }
    }
}

/// A row was refused when others had followed it.
pub(in crate::postgres) fn too_late(fault: Error) -> Error {
    Error::fatal(
        "a row was refused when others had followed it, so that it can't be made a reject any more: \
         load over one connection, into a table that nobody changes meanwhile",
    )
    .caused_by(fault)
}
