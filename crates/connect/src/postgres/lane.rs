//! One connection's part of a load: pages in, refused rows out.

use super::copy::{Copy, Routes};
use super::encode::{Page, Plan, Stretch};
use super::isolate::{Faults, Loading, Parts};
use super::session::Session;
use super::verify::add_page;
use crate::table::Mode;
use crate::verify::Digest;
use trommel::Result;

/// A connection, and what it knows of the load.
#[derive(Debug)]
pub(super) struct Lane {
    pub(super) session: Session,
    pub(super) routes: Routes,
    /// Rows of the latest page that the table has refused.
    pub(super) faults: Faults,
    /// What the table was given over this connection, if that is to be verified.
    pub(super) given: Option<Digest>,
}

impl Lane {
    pub(super) fn new(session: Session, verifies: bool) -> Self {
        let given = verifies.then(Digest::default);
        Lane { session, routes: Routes::default(), faults: Faults::new(), given }
    }

    /// Stores the encoded rows of a page in the transaction, all but those that the table refuses.
    pub(super) fn store(&mut self, copy: &Copy, plan: &Plan, page: &Page) -> Result<()> {
        self.faults.clear();
        let mut stretches: Vec<(usize, Stretch<'_>)> = Vec::new();
        let mut new = Vec::new();
        for stretch in page.stretches() {
            let route = self.routes.find(stretch.route, copy, plan)?;
            new.extend(self.routes.stage(route).map(str::to_owned));
            stretches.push((route, stretch));
        }
        self.session.begin(copy, &self.routes)?;
        // Those of routes that are new since the transaction began.
        for make in new {
            self.session.ask("the staging table can't be made", |connection| {
                connection.run(&make).map(drop)
            })?;
        }
        if copy.streams
            && let [(route, _)] = stretches[..]
        {
            self.session.stream(copy, &self.routes, route, &page.data)?;
            self.note_given(plan, page);
            self.session.keep(page, &[(route, 0..page.data.len())]);
            return self.save(copy);
        }
        self.session.verdict()?;
        let mut loading = Loading {
            session: &mut self.session,
            copy,
            routes: &self.routes,
            page,
            parts: Parts::new(),
            faults: &mut self.faults,
            table: &plan.table,
        };
        loading.all(&stretches)?;
        let parts = loading.parts;
        self.note_given(plan, page);
        self.session.keep(page, &parts);
        self.save(copy)
    }

    fn note_given(&mut self, plan: &Plan, page: &Page) {
        if let Some(given) = &mut self.given {
            add_page(given, plan, page, &self.faults);
        }
    }

    fn save(&mut self, copy: &Copy) -> Result<()> {
        if copy.mode == Mode::Replace {
            self.session.save()?;
        }
        Ok(())
    }
}
