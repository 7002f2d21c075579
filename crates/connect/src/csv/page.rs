//! Pages of CSV: encoded records, and what their columns are called.

use super::shape::Shape;
use crate::encode::{Columns, Layouts};
use crate::files;
use std::fmt;
use std::ops::Range;
use std::sync::Arc;

/// Layouts that a page remembers from one use to the next.
const REMEMBERED: usize = 8;

/// Encoded records of one batch. Records that follow each other and have the same columns form a
/// run; records of one type make one run.
#[derive(Default)]
pub struct Page {
    pub(super) rows: files::Page,
    runs: Vec<Run>,
    pub(super) layouts: Vec<Layout>,
    /// The layout of the record before, also across [`clear`](trommel::Page::clear): what the next
    /// one most likely has.
    pub(super) latest: usize,
    /// Layouts of the fields that records have of their own.
    pub(super) own: Layouts,
    pub(super) scratch: Vec<u8>,
}

/// Invariant: runs start at rising values, and each goes on until the next one starts.
#[derive(Debug, Clone, Copy)]
struct Run {
    first: usize,
    layout: usize,
}

/// The columns of a record: those of the row that it passes through, then its own.
#[derive(Debug, Clone)]
pub(super) struct Layout {
    pub(super) base: Option<Base>,
    /// The layout of its own fields in the page, if it has any.
    pub(super) own: Option<usize>,
    pub(super) fields: Columns,
}

/// A row that is passed through. It keeps the shape, so that no other can be at its address.
#[derive(Debug, Clone)]
pub(super) struct Base {
    pub(super) shape: Arc<Shape>,
    pub(super) width: usize,
    /// Whether its bytes can be copied as they are.
    pub(super) copies: bool,
}

impl Base {
    fn is_same(&self, other: &Base) -> bool {
        Arc::ptr_eq(&self.shape, &other.shape) && self.width == other.width
    }
}

impl Layout {
    fn is_same(&self, other: &Layout) -> bool {
        let same_base = match (&self.base, &other.base) {
            (Some(mine), Some(other)) => mine.is_same(other),
            (None, None) => true,
            _ => false,
        };
        same_base && self.own == other.own
    }

    /// Number of columns.
    pub(super) fn width(&self) -> usize {
        self.base.as_ref().map_or(0, |base| base.width) + self.fields.len()
    }

    /// The names of all columns, if they have names. `appended` names fields that have none behind
    /// those of a row.
    pub(super) fn names(&self, appended: &[String]) -> Option<Vec<String>> {
        let mut names = Vec::with_capacity(self.width());
        if let Some(base) = &self.base {
            let headers = &base.shape.headers.names;
            if headers.len() != base.width {
                return None;
            }
            names.extend(headers.iter().map(ToString::to_string));
        }
        match &self.fields {
            Columns::Named(fields) => names.extend(fields.iter().map(ToString::to_string)),
            Columns::Numbered(0) if self.base.is_some() => {}
            Columns::Numbered(count) if self.base.is_some() && *count == appended.len() => {
                names.extend_from_slice(appended);
            }
            Columns::Numbered(_) => return None,
        }
        Some(names)
    }
}

impl Page {
    /// The layout of the record before, if there was one.
    #[inline]
    pub(super) fn latest(&self) -> Option<&Layout> {
        self.layouts.get(self.latest)
    }

    /// Ends the record under way.
    #[inline]
    pub(super) fn end_record(&mut self, layout: usize, compression: files::Compression) {
        if self.latest != layout || self.runs.is_empty() {
            self.begin_run(layout);
        }
        self.rows.end_value(compression);
    }

    #[cold]
    fn begin_run(&mut self, layout: usize) {
        if self.runs.last().is_none_or(|run| run.layout != layout) {
            self.runs.push(Run { first: self.rows.values(), layout });
        }
        self.latest = layout;
    }

    /// The number of a layout, remembered if it is new.
    #[cold]
    pub(super) fn layout(&mut self, layout: Layout) -> usize {
        if let Some(known) = self.layouts.iter().position(|known| known.is_same(&layout)) {
            return known;
        }
        self.layouts.push(layout);
        self.layouts.len() - 1
    }

    /// Runs, each as the number of its layout and its range of values.
    pub(super) fn runs(&self) -> impl Iterator<Item = (usize, Range<usize>)> {
        let ends = self.runs.iter().skip(1).map(|run| run.first).chain([self.rows.values()]);
        self.runs.iter().zip(ends).map(|(run, end)| (run.layout, run.first..end))
    }
}

impl trommel::Page for Page {
    fn clear(&mut self) {
        trommel::Page::clear(&mut self.rows);
        self.runs.clear();
        if self.own.clear() || self.layouts.len() > REMEMBERED {
            self.layouts.clear();
            self.latest = 0;
        }
    }

    #[inline]
    fn bytes(&self) -> usize {
        trommel::Page::bytes(&self.rows)
    }

    #[inline]
    fn mark(&self) -> usize {
        trommel::Page::mark(&self.rows)
    }

    fn rewind(&mut self, mark: usize) {
        trommel::Page::rewind(&mut self.rows, mark);
        while self.runs.last().is_some_and(|run| run.first >= mark) {
            self.runs.pop();
        }
        if let Some(run) = self.runs.last().filter(|run| run.layout != self.latest) {
            self.latest = run.layout;
        }
    }

    fn seal(&mut self) {
        // Of several runs some may be refused: they are compressed one by one when written.
        if self.runs.len() == 1 {
            trommel::Page::seal(&mut self.rows);
        }
    }
}

impl fmt::Debug for Page {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Page")
            .field("records", &self.rows.values())
            .field("layouts", &self.layouts.len())
            .finish_non_exhaustive()
    }
}
