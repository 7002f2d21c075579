//! Pages of `COPY` data.

use super::Plan;
use super::cell::Cell;
#[cfg(feature = "csv")]
use super::pass::Bases;
use super::text::TextCell;
use crate::postgres::types::Type;
use crate::table::{self, Layouts, Target, Values};
use serde::Serialize;
use std::fmt::Display;
use std::ops::Range;
use trommel::{Error, Result};

/// Rows of one batch in the form that `COPY` takes, without its header and trailer.
///
/// Rows that follow each other and fill the same columns form a stretch, which is one `COPY`.
#[derive(Debug, Default)]
pub struct Page {
    pub(in crate::postgres) data: Vec<u8>,
    /// Where each row ends in `data`.
    pub(in crate::postgres) ends: Vec<u32>,
    runs: Vec<Run>,
    /// Layouts of the fields that records have of their own.
    layouts: Layouts,
    routes: Vec<Route>,
    /// The columns of the latest row's own fields, as far as they are known.
    route: Vec<u16>,
    /// Rows of files that have been passed through.
    #[cfg(feature = "csv")]
    pub(super) bases: Bases,
    pub(super) scratch: String,
    /// Rows of a table that does not exist yet.
    pub(in crate::postgres) plain: table::Page,
    /// Those of them that didn't fit it when it was made, with their index.
    pub(in crate::postgres) unfit: Vec<(usize, Error)>,
}

/// Invariant: runs start at rising rows, and each goes on until the next one starts.
#[derive(Debug, Clone, Copy)]
struct Run {
    row: usize,
    of: Parts,
    /// Index of the route of these parts.
    route: usize,
}

/// What a row is made of.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Parts {
    /// The row of a file that is passed through, by its number among the bases.
    base: Option<usize>,
    /// The layout of the fields of its own.
    own: Option<usize>,
}

/// The columns that the values of a row go to, in their order.
#[derive(Debug)]
struct Route {
    of: Parts,
    columns: Vec<u16>,
}

/// Rows of a page that fill the same columns.
#[derive(Debug, Clone, Copy)]
pub(in crate::postgres) struct Stretch<'a> {
    /// Columns, by their number in the plan, in the order of the values.
    pub(in crate::postgres) route: &'a [u16],
    /// Index of the first row in its page, and the one after the last.
    pub(in crate::postgres) rows: (usize, usize),
}

impl Page {
    /// The rows, in order, grouped by their columns.
    pub(in crate::postgres) fn stretches(&self) -> impl Iterator<Item = Stretch<'_>> {
        let ends = self.runs.iter().skip(1).map(|run| run.row).chain([self.ends.len()]);
        self.runs.iter().zip(ends).map(|(run, end)| Stretch {
            route: &self.routes[run.route].columns,
            rows: (run.row, end),
        })
    }

    /// The bytes of rows `from..to`.
    pub(in crate::postgres) fn rows(&self, from: usize, to: usize) -> &[u8] {
        &self.data[self.bytes_of(from, to)]
    }

    /// Where the bytes of rows `from..to` are in `data`.
    pub(in crate::postgres) fn bytes_of(&self, from: usize, to: usize) -> Range<usize> {
        self.start_of(from)..self.start_of(to)
    }

    fn start_of(&self, row: usize) -> usize {
        row.checked_sub(1).map_or(0, |before| self.ends[before] as usize)
    }

    /// Whether nothing is in it.
    pub(in crate::postgres) fn is_empty(&self) -> bool {
        self.ends.is_empty() && self.plain.rows_are_none()
    }

    fn forget_row(&mut self, start: usize) {
        self.data.truncate(start);
        // What it holds may be of the row that is gone.
        self.route.clear();
    }
}

impl trommel::Page for Page {
    fn clear(&mut self) {
        self.data.clear();
        self.ends.clear();
        self.runs.clear();
        let forgets = self.layouts.clear();
        #[cfg(feature = "csv")]
        let forgets = self.bases.clear() || forgets;
        if forgets {
            self.routes.clear();
            self.route.clear();
        }
        self.plain.clear();
        self.unfit.clear();
    }

    fn bytes(&self) -> usize {
        self.data.len() + self.ends.len() * size_of::<u32>() + self.plain.bytes()
    }

    fn mark(&self) -> usize {
        if self.plain.rows_are_none() { self.ends.len() } else { self.plain.mark() }
    }

    fn rewind(&mut self, mark: usize) {
        if !self.plain.rows_are_none() {
            return self.plain.rewind(mark);
        }
        self.data.truncate(self.start_of(mark.min(self.ends.len())));
        self.ends.truncate(mark);
        while self.runs.last().is_some_and(|run| run.row >= mark) {
            self.runs.pop();
        }
    }
}

/// A page that takes records for a table.
#[derive(Debug)]
pub(in crate::postgres) struct Writer<'p> {
    pub(super) page: &'p mut Page,
    pub(super) plan: &'p Plan,
    /// The row of a file that the fields of this one come behind, if there is one.
    pub(super) base: Option<usize>,
    /// Where the row begins in the page's data.
    start: usize,
    /// The column of the value that comes next.
    column: usize,
    first: bool,
}

impl<'p> Writer<'p> {
    pub(in crate::postgres) fn new(page: &'p mut Page, plan: &'p Plan) -> Self {
        Writer { page, plan, base: None, start: 0, column: 0, first: true }
    }

    /// Finds the column of the field at `index`, or takes it from the row before.
    #[inline(always)]
    fn turn_to(
        &mut self,
        index: usize,
        as_latest: bool,
        find: impl FnOnce(&Plan, &Page) -> Result<u16>,
    ) -> Result<()> {
        match self.page.route.get(index) {
            Some(column) if as_latest => self.column = usize::from(*column),
            _ => {
                let column = find(self.plan, self.page)?;
                self.turn_to_another(index, column);
            }
        }
        self.separate();
        Ok(())
    }

    #[inline(always)]
    fn separate(&mut self) {
        if !self.plan.binary && !std::mem::take(&mut self.first) {
            self.page.data.push(b'\t');
        }
    }

    /// Announces the value of a column.
    #[cfg(feature = "csv")]
    pub(super) fn turn_to_column(&mut self, column: u16) {
        self.column = usize::from(column);
        self.separate();
    }

    #[cold]
    fn turn_to_another(&mut self, index: usize, column: u16) {
        self.page.route.truncate(index);
        self.page.route.push(column);
        self.column = usize::from(column);
    }

    #[inline(always)]
    fn kind(&self) -> &'p Type {
        &self.plan.columns[self.column].kind
    }

    /// Begins a row.
    #[inline]
    pub(super) fn open(&mut self) {
        self.start = self.page.data.len();
        self.first = true;
        if self.plan.binary {
            // The number of fields, known at the end.
            self.page.data.extend_from_slice(&[0; 2]);
        }
    }

    /// Ends a row, whose own fields have this layout.
    #[inline]
    pub(super) fn close(&mut self, own: Option<usize>) -> Result<()> {
        let of = Parts { base: self.base, own };
        let run = match self.page.runs.last() {
            Some(run) if run.of == of => *run,
            _ => self.begin_run(of),
        };
        let page = &mut *self.page;
        if self.plan.binary {
            let fields = page.routes[run.route].columns.len() as u16;
            page.data[self.start..self.start + 2].copy_from_slice(&fields.to_be_bytes());
        } else {
            page.data.push(b'\n');
        }
        let Ok(end) = u32::try_from(page.data.len()) else {
            page.runs.pop_if(|run| run.row == page.ends.len());
            return Err(Error::row("more than 4 GiB in one page: lower the batch size"));
        };
        page.ends.push(end);
        Ok(())
    }

    #[cfg(feature = "csv")]
    pub(super) fn give_up(&mut self) {
        self.page.forget_row(self.start);
    }

    #[cold]
    fn begin_run(&mut self, of: Parts) -> Run {
        let page = &mut *self.page;
        let known = page.routes.iter().position(|route| route.of == of);
        let route = known.unwrap_or_else(|| {
            let own = of.own.map_or(0, |layout| page.layouts.columns(layout).len());
            page.route.truncate(own);
            let mut columns = Vec::new();
            #[cfg(feature = "csv")]
            columns.extend(page.bases.columns(of.base));
            columns.extend_from_slice(&page.route);
            page.routes.push(Route { of, columns });
            page.routes.len() - 1
        });
        let run = Run { row: page.ends.len(), of, route };
        page.runs.push(run);
        run
    }
}

macro_rules! to_cell {
    ($($method:ident($value:ident: $type:ty)),* $(,)?) => {$(
        #[inline]
        fn $method(&mut self, $value: $type) -> Result<()> {
            to_cell!(self, $method, $value)
        }
    )*};
    ($self:ident, $method:ident $(, $value:ident)?) => {{
        let column = &$self.plan.columns[$self.column];
        let kind = $self.kind();
        let Page { data, scratch, .. } = &mut *$self.page;
        if $self.plan.binary {
            Cell { out: data, kind, declared: &column.declared, scratch }.$method($($value)?)
        } else {
            TextCell { out: data, kind, scratch }.$method($($value)?)
        }
    }};
}

impl Values for Writer<'_> {
    #[inline]
    fn null(&mut self) -> Result<()> {
        to_cell!(self, null)
    }
    to_cell! {
        bool(value: bool), int(value: i64), big(value: i128), float(value: f64),
        float32(value: f32), text(value: &str), blob(value: &[u8]),
    }
    fn display<D: Display + ?Sized>(&mut self, value: &D) -> Result<()> {
        to_cell!(self, display, value)
    }
    fn nested<T: Serialize + ?Sized>(&mut self, value: &T) -> Result<()> {
        to_cell!(self, nested, value)
    }
}

impl Target for Writer<'_> {
    /// Where the row's bytes begin.
    type Mark = usize;

    #[inline]
    fn layouts(&mut self) -> &mut Layouts {
        &mut self.page.layouts
    }

    #[inline]
    fn begin_row(&mut self) -> Result<usize> {
        if self.base.is_none() {
            self.open();
        }
        Ok(self.start)
    }

    #[inline(always)]
    fn field(&mut self, index: usize, as_latest: bool, name: &str) -> Result<()> {
        self.turn_to(index, as_latest, |plan, _| plan.column(name))
    }

    fn key_field(&mut self, index: usize, as_latest: bool) -> Result<()> {
        self.turn_to(index, as_latest, |plan, page| plan.column(page.layouts.key()))
    }

    #[inline]
    fn place(&mut self, index: usize, as_latest: bool) -> Result<()> {
        if self.base.is_some() {
            return Err(Error::config(
                "emit: fields behind those of a row need names to find their columns: use a struct",
            ));
        }
        self.turn_to(index, as_latest, |plan, _| plan.place(index))
    }

    #[inline]
    fn end_row(&mut self, _: &usize, layout: usize) -> Result<()> {
        self.close(Some(layout))
    }

    fn give_up_row(&mut self, start: usize) {
        self.page.forget_row(start);
    }
}
