//! A line under construction, and the names of its columns.

use super::dialect::Dialect;
use super::page::{Base, Fields, Layout, Page};
use super::row::Row;
use super::scalar::{self, Fault};
use super::sink::Encoder;
use serde::Serialize;
use std::borrow::Cow;
use trommel::{Error, Result};

/// A line under construction.
///
/// Names are compared with those of the record before, and only written down when they differ.
pub(super) struct Line<'p> {
    pub(super) page: &'p mut Page,
    encoder: &'p Encoder,
    dialect: &'p Dialect,
    /// Where the line begins, in bytes.
    start: usize,
    /// Set when the row that is passed through is not that of the latest layout.
    base: Option<Base>,
    pub(super) has_base: bool,
    /// Own fields so far.
    pub(super) fields: usize,
    /// Whether base and names have been those of the latest layout; otherwise the names are in
    /// `page.names`.
    as_latest: bool,
}

impl<'p> Line<'p> {
    #[inline]
    pub(super) fn new(encoder: &'p Encoder, page: &'p mut Page) -> Self {
        let as_latest = page.latest().is_some_and(|latest| latest.base.is_none());
        let start = page.rows.buffer().len();
        page.names.clear();
        let dialect = &encoder.dialect;
        Line { page, encoder, dialect, start, base: None, has_base: false, fields: 0, as_latest }
    }

    /// Appends the fields of a row.
    #[inline]
    pub(super) fn pass(&mut self, row: Row<'_>) {
        self.has_base = true;
        let latest = self.page.latest().and_then(|latest| latest.base.as_ref());
        let known = latest
            .filter(|base| std::ptr::eq(&*base.shape, row.shape()) && base.width == row.len());
        let copies = match known {
            Some(base) => {
                self.as_latest = true;
                base.copies
            }
            None => self.meet(row),
        };
        let out = self.page.rows.buffer();
        if copies {
            out.extend_from_slice(row.raw());
            return;
        }
        for (index, field) in row.iter().enumerate() {
            if index > 0 {
                out.push(self.dialect.delimiter);
            }
            self.dialect.field(out, field);
        }
    }

    #[cold]
    fn meet(&mut self, row: Row<'_>) -> bool {
        self.as_latest = false;
        let Some(shape) = row.shared_shape() else { return false };
        let copies = self.dialect.copies(&shape);
        self.base = Some(Base { shape, width: row.len(), copies });
        copies
    }

    /// Appends a field and, before it, the delimiter if it is not the first.
    #[inline]
    pub(super) fn push<T: Serialize + ?Sized>(&mut self, value: &T) -> Result<()> {
        let Page { rows, scratch, .. } = &mut *self.page;
        let out = rows.buffer();
        if self.fields > 0 || self.has_base {
            out.push(self.dialect.delimiter);
        }
        scalar::push(out, scratch, self.dialect, value)
    }

    /// The name that the record before had at this place.
    #[inline]
    pub(super) fn expected(&self) -> Option<&str> {
        match self.page.latest().map(|latest| &latest.fields) {
            Some(Fields::Named(names)) if self.as_latest => names.get(self.fields).map(|n| &**n),
            _ => None,
        }
    }

    /// Writes down the names so far, which were those of the record before.
    #[cold]
    pub(super) fn depart(&mut self) {
        if self.as_latest {
            self.as_latest = false;
            if let Some(latest) = self.page.layouts.get(self.page.latest) {
                self.base = latest.base.clone();
                if let Fields::Named(names) = &latest.fields {
                    let names = &names[..self.fields.min(names.len())];
                    self.page.names.extend_from_slice(names);
                }
            }
        }
    }

    #[inline]
    pub(super) fn field<T: Serialize + ?Sized>(
        &mut self,
        name: &'static str,
        value: &T,
    ) -> Result<(), Fault> {
        self.push(value).map_err(|error| error.in_column(name))?;
        self.name(name);
        Ok(())
    }

    #[inline]
    fn name(&mut self, name: &'static str) {
        // Derived implementations pass the same literal each time, so its address settles it.
        let same = self.as_latest
            && self.page.literals.get(self.fields).is_some_and(|literal| {
                literal.as_ptr() == name.as_ptr() && literal.len() == name.len()
            });
        if !same {
            self.compare(name);
        }
        self.fields += 1;
    }

    #[cold]
    fn compare(&mut self, name: &'static str) {
        if self.expected() != Some(name) {
            self.depart();
            self.page.names.push(Cow::Borrowed(name));
        }
    }

    #[inline]
    pub(super) fn end(mut self) -> Result<(), Fault> {
        let unchanged = self.as_latest
            && matches!(&self.page.layouts[self.page.latest].fields,
                Fields::Named(names) if names.len() == self.fields);
        let layout = match unchanged {
            true => self.page.latest,
            false => self.new_names()?,
        };
        self.finish(layout);
        Ok(())
    }

    #[cold]
    fn new_names(&mut self) -> Result<usize, Fault> {
        self.depart();
        let names = std::mem::take(&mut self.page.names);
        if names.is_empty() && self.base.is_none() {
            return Err(Fault::Row(Error::row("a record without fields has nothing to write")));
        }
        let twice = names.iter().enumerate().find(|(index, name)| names[..*index].contains(name));
        if let Some((_, name)) = twice {
            let error = Error::row("two fields of the record have the same name: rename one");
            return Err(Fault::Row(error.in_column(&**name)));
        }
        let base = self.base.take();
        Ok(self.page.layout(Layout { base, fields: Fields::Named(names) }))
    }

    #[inline]
    pub(super) fn end_places(mut self) {
        let unchanged = self.as_latest
            && self.page.latest().is_some_and(|it| it.fields == Fields::Numbered(self.fields));
        let layout = match unchanged {
            true => self.page.latest,
            false => {
                if self.as_latest {
                    self.depart();
                }
                let base = self.base.take();
                self.page.layout(Layout { base, fields: Fields::Numbered(self.fields) })
            }
        };
        self.finish(layout);
    }

    #[inline]
    fn finish(&mut self, layout: usize) {
        let out = self.page.rows.buffer();
        if out.len() == self.start {
            // A line without a byte would not be a record.
            self.dialect.quoted(out, b"");
        }
        out.extend_from_slice(self.dialect.terminator);
        self.page.end_record(layout, self.encoder.compression);
    }

    pub(super) fn place<T: Serialize + ?Sized>(&mut self, value: &T) -> Result<(), Fault> {
        self.push(value).map_err(|error| error.in_column((self.fields + 1).to_string()))?;
        self.fields += 1;
        Ok(())
    }
}
