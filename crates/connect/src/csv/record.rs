//! Records and rows become lines of CSV.

use super::dialect::Dialect;
use super::page::{Base, Layout, Page};
use super::row::Row;
use super::sink::Encoder;
use crate::encode::{Columns, Layouts, Target, Values, encode_into};
use serde::Serialize;
use std::fmt::Display;
use std::io::Write as _;
use trommel::{Error, Result};

/// Appends `record` as a line; behind the fields of `row`, if there is one. After an error the page
/// is as it was.
#[inline]
pub(super) fn encode<T: Serialize + ?Sized>(
    encoder: &Encoder,
    page: &mut Page,
    row: Option<Row<'_>>,
    record: &T,
) -> Result<()> {
    let mut line = Line::new(encoder, page);
    if let Some(row) = row {
        line.pass(row);
    }
    encode_into(&mut line, record)
}

/// Appends a row as it is.
#[inline]
pub(super) fn pass(encoder: &Encoder, page: &mut Page, row: Row<'_>) {
    let mut line = Line::new(encoder, page);
    line.pass(row);
    line.finish(None);
}

/// A line under construction.
struct Line<'p> {
    page: &'p mut Page,
    encoder: &'p Encoder,
    dialect: &'p Dialect,
    /// Where the line begins, in bytes.
    start: usize,
    has_base: bool,
    /// Set when the row that is passed through is not that of the latest layout.
    base: Option<Base>,
    /// Whether the row that is passed through, or that there is none, is as in the latest layout.
    as_latest: bool,
}

impl<'p> Line<'p> {
    #[inline]
    fn new(encoder: &'p Encoder, page: &'p mut Page) -> Self {
        let as_latest = page.latest().is_some_and(|latest| latest.base.is_none());
        let start = page.rows.buffer().len();
        let dialect = &*encoder.dialect;
        Line { page, encoder, dialect, start, has_base: false, base: None, as_latest }
    }

    /// Appends the fields of a row.
    #[inline]
    fn pass(&mut self, row: Row<'_>) {
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
        let (out, dialect) = self.out();
        if copies {
            out.extend_from_slice(row.raw());
            return;
        }
        for (index, (field, is_value)) in row.fields().enumerate() {
            if index > 0 {
                out.push(dialect.delimiter);
            }
            match is_value {
                true => dialect.text(out, field),
                false => dialect.field(out, field),
            }
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

    #[inline(always)]
    fn out(&mut self) -> (&mut Vec<u8>, &Dialect) {
        (self.page.rows.buffer(), self.dialect)
    }

    #[inline]
    fn begin_field(&mut self, index: usize) -> Result<()> {
        if index > 0 || self.has_base {
            let (out, dialect) = self.out();
            out.push(dialect.delimiter);
        }
        Ok(())
    }

    /// Ends the line; `own` is the layout of the fields behind those of the row, if there are any.
    #[inline]
    fn finish(&mut self, own: Option<usize>) {
        let layout = match self.page.latest() {
            Some(latest) if self.as_latest && latest.own == own => self.page.latest,
            _ => self.new_layout(own),
        };
        let start = self.start;
        let (out, dialect) = self.out();
        if out.len() == start {
            // A line without a byte would not be a record.
            dialect.quoted(out, b"");
        }
        out.extend_from_slice(dialect.terminator);
        self.page.end_record(layout, self.encoder.compression);
    }

    #[cold]
    fn new_layout(&mut self, own: Option<usize>) -> usize {
        let base = match self.as_latest {
            true => self.page.latest().and_then(|latest| latest.base.clone()),
            false => self.base.take(),
        };
        let fields = own.map_or(Columns::Numbered(0), |own| self.page.own.columns(own).clone());
        self.page.layout(Layout { base, own, fields })
    }

    #[cold]
    fn scratch(&mut self) {
        let Page { rows, scratch, .. } = &mut *self.page;
        self.dialect.text(rows.buffer(), scratch);
    }
}

macro_rules! numbers {
    ($buffer:path: $($method:ident: $type:ty),*) => {$(
        #[inline]
        fn $method(&mut self, number: $type) -> Result<()> {
            let (out, dialect) = self.out();
            dialect.number(out, <$buffer>::new().format(number).as_bytes());
            Ok(())
        }
    )*};
}

impl Values for Line<'_> {
    numbers!(itoa::Buffer: int: i64, big: i128, huge: u128);
    numbers!(zmij::Buffer: float32: f32, float: f64);

    #[inline]
    fn null(&mut self) -> Result<()> {
        let (out, dialect) = self.out();
        dialect.null(out);
        Ok(())
    }
    #[inline]
    fn bool(&mut self, value: bool) -> Result<()> {
        let (out, dialect) = self.out();
        dialect.number(out, if value { b"true" } else { b"false" });
        Ok(())
    }
    #[inline]
    fn text(&mut self, text: &str) -> Result<()> {
        self.blob(text.as_bytes())
    }
    fn display<D: Display + ?Sized>(&mut self, value: &D) -> Result<()> {
        self.page.scratch.clear();
        if write!(self.page.scratch, "{value}").is_err() {
            return Err(Error::row("a value could not be formatted"));
        }
        self.scratch();
        Ok(())
    }
    #[inline]
    fn blob(&mut self, bytes: &[u8]) -> Result<()> {
        let (out, dialect) = self.out();
        dialect.text(out, bytes);
        Ok(())
    }
    #[cold]
    fn nested<T: Serialize + ?Sized>(&mut self, value: &T) -> Result<()> {
        self.page.scratch.clear();
        serde_json::to_writer(&mut self.page.scratch, value).map_err(|error| {
            Error::row("the nested value can't be written as JSON").caused_by(error)
        })?;
        self.scratch();
        Ok(())
    }
}

impl Target for Line<'_> {
    type Mark = ();

    #[inline]
    fn layouts(&mut self) -> &mut Layouts {
        &mut self.page.own
    }
    #[inline]
    fn begin_row(&mut self) -> Result<()> {
        Ok(())
    }
    #[inline]
    fn field(&mut self, index: usize, _as_latest: bool, _name: &str) -> Result<()> {
        self.begin_field(index)
    }
    fn key_field(&mut self, index: usize, _as_latest: bool) -> Result<()> {
        self.begin_field(index)
    }
    #[inline]
    fn place(&mut self, index: usize, _as_latest: bool) -> Result<()> {
        self.begin_field(index)
    }
    #[inline]
    fn end_row(&mut self, (): &(), layout: usize) -> Result<()> {
        self.finish(Some(layout));
        Ok(())
    }
    fn end_empty_row(&mut self, (): &()) -> Result<()> {
        if !self.has_base {
            return Err(Error::row("a record without fields has nothing to write"));
        }
        self.finish(None);
        Ok(())
    }
    #[cold]
    fn give_up_row(&mut self, (): ()) {
        self.page.rows.take_back();
    }
}
