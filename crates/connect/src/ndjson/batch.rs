//! A block of whole rows, parsed by the worker that walks it.

use super::cutter::{Cutter, Form};
use super::options::Duplicates;
use super::row::Row;
use super::scan::{self, Member};
use crate::input::{Block, Cut as _, Place};
use std::cell::RefCell;
use std::fmt;
use std::sync::Arc;
use trommel::{Error, Origin, Result};

/// What the batches of one source share.
#[derive(Debug)]
pub(super) struct Shape {
    pub(super) form: Form,
    pub(super) duplicates: Duplicates,
}

/// Raw JSON texts, one a row.
///
/// [`Source`](super::Source) fills it with a block that ends on a row boundary;
/// [`for_each`](trommel::Batch::for_each) checks its UTF-8, and a row is parsed when it is asked for
/// values. The number of rows is exact from the start.
#[derive(Default)]
pub struct Batch {
    shape: Option<Arc<Shape>>,
    block: Block,
    index: RefCell<Index>,
}

/// Where the values of one row are, from the first time it was asked for one.
#[derive(Debug, Default)]
pub(super) struct Index {
    /// The row, counted from the start of the batch.
    row: Option<u32>,
    pub(super) members: Vec<Member>,
    pub(super) is_object: bool,
}

impl Batch {
    /// Throws the rows away, keeping the capacity; answers the block to be filled.
    pub(super) fn begin(&mut self, shape: &Arc<Shape>) -> &mut Block {
        if !self.shape.as_ref().is_some_and(|mine| Arc::ptr_eq(mine, shape)) {
            self.shape = Some(Arc::clone(shape));
        }
        self.index.get_mut().row = None;
        &mut self.block
    }

    pub(super) fn duplicates(&self) -> Duplicates {
        self.shape.as_ref().map_or(Duplicates::Reject, |shape| shape.duplicates)
    }

    /// Number of the first row.
    pub(super) fn first_record(&self) -> u64 {
        self.block.start().record
    }

    pub(super) fn place(&self, row: u32) -> Place {
        let mut found = self.block.start();
        self.find(&[row as usize], &mut |_, place, _| found = place);
        found
    }

    pub(super) fn origin(&self, place: Place) -> Origin {
        place.origin(self.block.source())
    }

    /// Lets `look` see where the values of a row are; the row is checked at the first time.
    pub(super) fn with_index<T>(
        &self,
        row: u32,
        text: &str,
        look: impl FnOnce(&Index) -> Result<T>,
    ) -> Result<T> {
        let mut index = self.index.borrow_mut();
        if index.row != Some(row) {
            index.row = None;
            index.is_object = scan::members(text.as_bytes(), &mut index.members)
                .map_err(|fault| self.unsound(row, fault.what, fault.at))?;
            index.row = Some(row);
        }
        look(&index)
    }

    /// The row is not JSON, and that shows at byte `at` of it.
    #[cold]
    pub(super) fn unsound(&self, row: u32, what: &str, at: usize) -> Error {
        let place = self.place(row);
        Error::row(format!("not valid JSON at byte {at} of the row: {what}"))
            .at(place.origin(self.block.source()))
    }

    fn cutter(&self) -> Cutter {
        let form = self.shape.as_ref().map_or(Form::Lines, |shape| shape.form);
        let cutter = Cutter::new(form);
        match self.block.opens() {
            true => cutter,
            false => cutter.resumed(false),
        }
    }

    fn find(&self, rows: &[usize], found: &mut dyn FnMut(usize, Place, &[u8])) {
        self.block.find(self.cutter(), rows, found);
    }

    /// The row between two places, or what can be seen to be wrong with it without parsing.
    #[inline]
    fn row<'a>(
        &'a self,
        index: usize,
        (start, end): (usize, usize),
        text: Option<&'a str>,
    ) -> Result<Row<'a>> {
        let is_last = index + 1 == self.block.rows();
        if self.block.refused().is_some()
            || is_last && self.block.is_cut_off()
            || index == 0 && self.block.opens()
        {
            self.look_closely(index, start, is_last)?;
        }
        let text = match text {
            Some(text) => &text[start..end],
            None => std::str::from_utf8(&self.block.data()[start..end]).map_err(|error| {
                let at = error.valid_up_to();
                let message = format!("not valid UTF-8 at byte {at} of the row");
                let place = self.place(index as u32);
                Error::row(message).caused_by(error).at(place.origin(self.block.source()))
            })?,
        };
        Ok(Row::new(text, self, index as u32))
    }

    #[cold]
    fn look_closely(&self, index: usize, start: usize, is_last: bool) -> Result<()> {
        let is_array = self.shape.as_ref().is_some_and(|shape| shape.form == Form::Array);
        let before = self.block.data()[..start].trim_ascii();
        let message = if let Some(reason) = self.block.refused() {
            reason.to_owned()
        } else if is_array && index == 0 && self.block.opens() && before != b"[" {
            "not an array document: it does not start with `[`; leave out `array` for JSON lines"
                .to_owned()
        } else if is_last && self.block.is_cut_off() {
            "the input ends inside the array: it was cut off, and this element may be too"
                .to_owned()
        } else {
            return Ok(());
        };
        let place = self.place(index as u32);
        Err(Error::row(message).at(place.origin(self.block.source())))
    }
}

impl fmt::Debug for Batch {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Batch").field("block", &self.block).finish_non_exhaustive()
    }
}

impl trommel::Batch for Batch {
    type Row<'a> = Row<'a>;

    fn len(&self) -> usize {
        self.block.rows()
    }

    fn bytes(&self) -> usize {
        let members = self.index.borrow().members.capacity();
        self.block.heap_bytes() + members * size_of::<Member>()
    }

    fn for_each<'a, F>(&'a mut self, from: usize, mut visit: F) -> Result<()>
    where
        F: FnMut(Result<Row<'a>>) -> Result<()>,
    {
        let batch: &'a Batch = self;
        let data = batch.block.data();
        if batch.block.refused().is_some() {
            return match from {
                0 => visit(batch.row(0, (0, 0), None)),
                _ => Ok(()),
            };
        }
        // All at once is much quicker; with a bad byte somewhere, row by row.
        let text = simdutf8::basic::from_utf8(data).ok();
        let is_strict = batch.duplicates() == Duplicates::RejectAll;
        let mut cutter = batch.cutter();
        for index in 0..batch.block.rows() {
            cutter.walk(data, index + 1);
            if cutter.rows() <= index {
                cutter.finish(data);
            }
            if index >= from {
                let row = batch.row(index, cutter.last(), text);
                visit(if is_strict { row.and_then(Row::without_duplicates) } else { row })?;
            }
        }
        Ok(())
    }

    /// Cuts exactly at row `at`.
    fn split_off(&mut self, at: usize, tail: &mut Self) -> bool {
        let Some(shape) = self.shape.clone().filter(|_| 0 < at && at < self.block.rows()) else {
            return false;
        };
        let mut cutter = self.cutter();
        cutter.walk(self.block.data(), at);
        let rest = tail.begin(&shape);
        self.block.split_off(cutter.end(), at, rest);
        true
    }

    /// Gives the row's exact number, line and byte offset, and its bytes without the blanks around.
    fn locate(&self, rows: &[usize], found: &mut dyn FnMut(usize, Origin, &[u8])) {
        self.block.locate(self.cutter(), rows, found);
    }
}
