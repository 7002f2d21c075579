//! The page: encoded output of a batch, in the form that the sink takes.

use crate::buffer::Buffer;
use crate::rows::Records;
use crate::transform::Item;
use crate::value::Value;
use engine::{Error, Result};
use std::any::Any;
use std::fmt::{self, Debug};
use std::sync::Arc;

/// A page of a connector's own.
pub(crate) trait RowPage: Send + Debug {
    /// Appends a row of values that C may have made. After an error the page is as it was.
    fn push(&mut self, values: &[Value]) -> Result<()>;
    /// Appends rows of `width` values each that this library has made, and answers how many: it stops
    /// before one that is refused, or with which the page would hold more than `most_bytes`.
    fn push_rows(&mut self, values: &[Value], width: usize, most_bytes: usize) -> usize;
    /// The page as one that takes rows of `width` values just as they are, if it is one.
    #[cfg(feature = "sqlite")]
    fn table(&mut self, width: usize) -> Option<&mut trommel_connect::table::Page>;
    fn clear(&mut self);
    fn bytes(&self) -> usize;
    fn mark(&self) -> usize;
    fn rewind(&mut self, mark: usize);
    fn seal(&mut self);
    /// The page itself, for the sink that made it.
    fn any(&mut self) -> &mut dyn Any;
}

/// What a sink takes.
#[derive(Clone)]
pub(crate) enum Form {
    /// Records of this many bytes.
    Fixed(usize),
    /// Records of bytes.
    Bytes,
    /// Rows of values, into pages that this makes.
    Rows(Arc<dyn Fn() -> Box<dyn RowPage> + Send + Sync>),
    /// Rows of Arrow batches.
    #[cfg(feature = "arrow")]
    Arrow,
}

impl Form {
    fn wants(&self) -> String {
        match self {
            Form::Fixed(size) => format!("records of {size} bytes"),
            Form::Bytes => "records of bytes".to_owned(),
            Form::Rows(_) => "rows of values".to_owned(),
            #[cfg(feature = "arrow")]
            Form::Arrow => "rows of the Arrow source".to_owned(),
        }
    }
}

impl Debug for Form {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.wants())
    }
}

/// A page in the form of its sink; empty until the first value.
#[derive(Debug, Default)]
pub(crate) enum Page {
    #[default]
    Empty,
    Fixed {
        records: Buffer,
        size: usize,
    },
    Bytes(Records),
    Rows(Box<dyn RowPage>),
    #[cfg(feature = "arrow")]
    Arrow(crate::arrow::ArrowPage),
}

impl Page {
    /// Takes on the form of the sink, if it has none yet.
    #[cold]
    fn take_form(&mut self, form: &Form) {
        *self = match form {
            Form::Fixed(size) => Page::Fixed { records: Buffer::default(), size: *size },
            Form::Bytes => Page::Bytes(Records::default()),
            Form::Rows(make) => Page::Rows(make()),
            #[cfg(feature = "arrow")]
            Form::Arrow => Page::Arrow(crate::arrow::ArrowPage::default()),
        };
    }

    /// Appends an item.
    #[inline]
    pub(crate) fn push(&mut self, form: &Form, item: Item<'_>) -> Result<()> {
        match (&mut *self, item) {
            (Page::Fixed { records, size }, Item::Bytes(bytes)) if bytes.len() == *size => {
                records.extend(bytes);
                Ok(())
            }
            (Page::Bytes(records), Item::Bytes(bytes)) => {
                records.push(bytes);
                Ok(())
            }
            (Page::Rows(page), Item::Values(values)) => page.push(values),
            #[cfg(feature = "arrow")]
            (Page::Arrow(page), Item::Arrow(rows, row)) => {
                page.push(rows, row, 1);
                Ok(())
            }
            (Page::Empty, _) => {
                self.take_form(form);
                self.push_first(form, item)
            }
            _ => Err(misfit(form, item)),
        }
    }

    /// Behind a call, without which `push` could not be inlined.
    #[cold]
    fn push_first(&mut self, form: &Form, item: Item<'_>) -> Result<()> {
        self.push(form, item)
    }

    /// Readies a page for records that are put into it without [`push`](Self::push).
    pub(crate) fn begin(&mut self, form: &Form) {
        if matches!(self, Page::Empty) {
            self.take_form(form);
        }
    }
}

#[cold]
fn misfit(form: &Form, item: Item<'_>) -> Error {
    let wants = form.wants();
    let got = match item {
        Item::Bytes(bytes) => format!("a record of {} bytes", bytes.len()),
        Item::Values(values) => format!("a row of {} values", values.len()),
        #[cfg(feature = "arrow")]
        Item::Arrow(..) => "an Arrow row".to_owned(),
    };
    Error::config(format!("the sink takes {wants} and was given {got}"))
}

impl engine::Page for Page {
    fn clear(&mut self) {
        match self {
            Page::Empty => {}
            Page::Fixed { records, .. } => records.clear(),
            Page::Bytes(records) => records.clear(),
            Page::Rows(page) => page.clear(),
            #[cfg(feature = "arrow")]
            Page::Arrow(page) => page.clear(),
        }
    }

    #[inline]
    fn bytes(&self) -> usize {
        match self {
            Page::Empty => 0,
            Page::Fixed { records, .. } => records.len(),
            Page::Bytes(records) => records.data.len() + records.ends.len() * size_of::<usize>(),
            Page::Rows(page) => page.bytes(),
            #[cfg(feature = "arrow")]
            Page::Arrow(page) => page.bytes(),
        }
    }

    #[inline]
    fn mark(&self) -> usize {
        match self {
            Page::Empty => 0,
            Page::Fixed { records, .. } => records.len(),
            Page::Bytes(records) => records.ends.len(),
            Page::Rows(page) => page.mark(),
            #[cfg(feature = "arrow")]
            Page::Arrow(page) => page.mark(),
        }
    }

    fn rewind(&mut self, mark: usize) {
        match self {
            Page::Empty => {}
            Page::Fixed { records, .. } => records.truncate(mark),
            Page::Bytes(records) => records.truncate(mark),
            Page::Rows(page) => page.rewind(mark),
            #[cfg(feature = "arrow")]
            Page::Arrow(page) => page.rewind(mark),
        }
    }

    fn seal(&mut self) {
        if let Page::Rows(page) = self {
            page.seal();
        }
    }
}
