//! The page: encoded output of a batch, in the form that the sink takes.

use crate::buffer::Buffer;
use crate::rows::Records;
use crate::transform::Item;
use engine::{Error, Result};

/// What a sink takes.
#[derive(Debug, Clone)]
pub(crate) enum Form {
    /// Records of this many bytes.
    Fixed(usize),
    /// Records of bytes.
    Bytes,
    /// Rows of this many values.
    #[cfg(feature = "table")]
    Table(usize),
    /// Rows of Arrow batches.
    #[cfg(feature = "arrow")]
    Arrow,
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
    #[cfg(feature = "table")]
    Table(trommel_connect::table::Page),
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
            #[cfg(feature = "table")]
            Form::Table(_) => Page::Table(trommel_connect::table::Page::default()),
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
            #[cfg(feature = "table")]
            (Page::Table(page), Item::Values(values)) => {
                let Form::Table(width) = form else { return Err(misfit(form, item)) };
                if values.len() != *width {
                    return Err(misfit(form, item));
                }
                trommel_connect::table::encode(page, &Tuple(values))
            }
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
    let wants = match form {
        Form::Fixed(size) => format!("records of {size} bytes"),
        Form::Bytes => "records of bytes".to_owned(),
        #[cfg(feature = "table")]
        Form::Table(width) => format!("rows of {width} values"),
        #[cfg(feature = "arrow")]
        Form::Arrow => "rows of the Arrow source".to_owned(),
    };
    let got = match item {
        Item::Bytes(bytes) => format!("a record of {} bytes", bytes.len()),
        Item::Values(values) => format!("a row of {} values", values.len()),
        #[cfg(feature = "arrow")]
        Item::Arrow(..) => "an Arrow row".to_owned(),
    };
    Error::config(format!("the sink takes {wants} and was given {got}"))
}

/// Values as a record without names.
#[cfg(feature = "table")]
struct Tuple<'a>(&'a [crate::value::Value]);

#[cfg(feature = "table")]
impl serde::Serialize for Tuple<'_> {
    #[inline]
    fn serialize<S: serde::Serializer>(
        &self,
        serializer: S,
    ) -> std::result::Result<S::Ok, S::Error> {
        use serde::ser::SerializeTuple;
        let mut tuple = serializer.serialize_tuple(self.0.len())?;
        for value in self.0 {
            tuple.serialize_element(value)?;
        }
        tuple.end()
    }
}

impl engine::Page for Page {
    fn clear(&mut self) {
        match self {
            Page::Empty => {}
            Page::Fixed { records, .. } => records.clear(),
            Page::Bytes(records) => records.clear(),
            #[cfg(feature = "table")]
            Page::Table(page) => page.clear(),
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
            #[cfg(feature = "table")]
            Page::Table(page) => page.bytes(),
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
            #[cfg(feature = "table")]
            Page::Table(page) => page.mark(),
            #[cfg(feature = "arrow")]
            Page::Arrow(page) => page.mark(),
        }
    }

    fn rewind(&mut self, mark: usize) {
        match self {
            Page::Empty => {}
            Page::Fixed { records, .. } => records.truncate(mark),
            Page::Bytes(records) => records.truncate(mark),
            #[cfg(feature = "table")]
            Page::Table(page) => page.rewind(mark),
            #[cfg(feature = "arrow")]
            Page::Arrow(page) => page.rewind(mark),
        }
    }
}
