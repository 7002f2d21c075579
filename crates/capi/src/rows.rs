//! The rows of a batch, in one of three forms.

use crate::buffer::Buffer;
use crate::page::RowPage;
use crate::plan::Plan;
use crate::value::Value;
use engine::{Error, Origin, Result};
use std::fmt::Debug;

/// What a source fills.
#[derive(Debug, Default)]
pub(crate) enum Rows {
    #[default]
    Empty,
    /// Records of one size.
    Fixed { records: Buffer, size: usize },
    /// Records of bytes.
    Bytes(Records),
    /// Rows with columns, not yet decoded.
    #[cfg_attr(not(feature = "connect"), expect(dead_code, reason = "no source with columns"))]
    Table(Box<dyn Table>),
    /// Rows of an Arrow batch, which go on as they are or are decoded like a table's.
    #[cfg(feature = "arrow")]
    Arrow(crate::arrow::ArrowRows),
}

/// Records of any length, one behind the other.
#[derive(Debug, Default)]
pub(crate) struct Records {
    pub(crate) data: Vec<u8>,
    /// Where each record ends.
    pub(crate) ends: Vec<usize>,
}

impl Records {
    pub(crate) fn clear(&mut self) {
        self.data.clear();
        self.ends.clear();
    }

    pub(crate) fn push(&mut self, record: &[u8]) {
        self.data.extend_from_slice(record);
        self.ends.push(self.data.len());
    }

    pub(crate) fn truncate(&mut self, records: usize) {
        self.ends.truncate(records);
        self.data.truncate(self.ends.last().copied().unwrap_or(0));
    }

    pub(crate) fn get(&self, index: usize) -> &[u8] {
        let start = if index == 0 { 0 } else { self.ends[index - 1] };
        &self.data[start..self.ends[index]]
    }
}

/// A batch of a connector's own: rows with columns, decoded a batch at a time in the worker.
pub(crate) trait Table: Send + Debug {
    fn len(&self) -> usize;
    /// As [`engine::Batch::is_empty`].
    fn is_empty(&self) -> bool;
    fn bytes(&self) -> usize;
    /// Appends the values of the rows from `from` on, `plan.inputs.len()` each, which may point into
    /// this batch until it is filled anew. A row that can't be decoded is all NULL and is noted in
    /// `bad`.
    fn decode(
        &mut self,
        plan: &Plan,
        from: usize,
        values: &mut Vec<Value>,
        bad: &mut Vec<(usize, Error)>,
    ) -> Result<()>;
    /// Decodes the rows from `from` on into a page, of `most_bytes` at most, and answers how many. It
    /// stops before a row that does not fit, can't be decoded or is refused.
    fn pour(
        &mut self,
        plan: &Plan,
        from: usize,
        page: &mut dyn RowPage,
        most_bytes: usize,
    ) -> usize;
    /// As [`engine::Batch::split_off`].
    fn split_off(&mut self, at: usize) -> Option<Box<dyn Table>>;
    /// As [`engine::Batch::locate`].
    fn locate(&self, rows: &[usize], found: &mut dyn FnMut(usize, Origin, &[u8]));
    /// The batch itself, for the source that made it.
    #[cfg_attr(not(feature = "connect"), expect(dead_code, reason = "no source with columns"))]
    fn any(&mut self) -> &mut dyn std::any::Any;
}

impl Rows {
    pub(crate) fn len(&self) -> usize {
        match self {
            Rows::Empty => 0,
            Rows::Fixed { records, size } => records.len() / size,
            Rows::Bytes(records) => records.ends.len(),
            Rows::Table(table) => table.len(),
            #[cfg(feature = "arrow")]
            Rows::Arrow(rows) => rows.len(),
        }
    }

    pub(crate) fn is_empty(&self) -> bool {
        match self {
            Rows::Table(table) => table.is_empty(),
            _ => self.len() == 0,
        }
    }

    pub(crate) fn bytes(&self) -> usize {
        match self {
            Rows::Empty => 0,
            Rows::Fixed { records, .. } => records.len(),
            Rows::Bytes(records) => records.data.len() + records.ends.len() * size_of::<usize>(),
            Rows::Table(table) => table.bytes(),
            #[cfg(feature = "arrow")]
            Rows::Arrow(rows) => rows.bytes(),
        }
    }

    /// The records of one size, emptied; made when the rows were something else.
    pub(crate) fn fixed(&mut self, wanted: usize) -> &mut Buffer {
        if !matches!(self, Rows::Fixed { size, .. } if *size == wanted) {
            *self = Rows::Fixed { records: Buffer::default(), size: wanted };
        }
        match self {
            Rows::Fixed { records, .. } => {
                records.clear();
                records
            }
            _ => unreachable!("made above"),
        }
    }

    /// The records of bytes, emptied; made when the rows were something else.
    pub(crate) fn records(&mut self) -> &mut Records {
        if !matches!(self, Rows::Bytes(_)) {
            *self = Rows::Bytes(Records::default());
        }
        match self {
            Rows::Bytes(records) => {
                records.clear();
                records
            }
            _ => unreachable!("made above"),
        }
    }

    pub(crate) fn split_off(&mut self, at: usize) -> Option<Rows> {
        match self {
            Rows::Empty => None,
            Rows::Fixed { records, size } => {
                let mut tail = Buffer::default();
                tail.extend(&records.bytes()[at * *size..]);
                records.truncate(at * *size);
                Some(Rows::Fixed { records: tail, size: *size })
            }
            Rows::Bytes(records) => {
                let mut tail = Records::default();
                for index in at..records.ends.len() {
                    tail.push(records.get(index));
                }
                records.truncate(at);
                Some(Rows::Bytes(tail))
            }
            Rows::Table(table) => table.split_off(at).map(Rows::Table),
            #[cfg(feature = "arrow")]
            Rows::Arrow(rows) => Some(Rows::Arrow(rows.split_off(at))),
        }
    }

    pub(crate) fn locate(&self, rows: &[usize], found: &mut dyn FnMut(usize, Origin, &[u8])) {
        let count = self.len();
        let known = rows.iter().copied().filter(|row| *row < count);
        match self {
            Rows::Empty => {}
            Rows::Fixed { records, size } => {
                for row in known {
                    let raw = &records.bytes()[row * size..][..*size];
                    found(row, Origin::default(), raw);
                }
            }
            Rows::Bytes(records) => {
                known.for_each(|row| found(row, Origin::default(), records.get(row)));
            }
            Rows::Table(table) => table.locate(rows, found),
            #[cfg(feature = "arrow")]
            Rows::Arrow(_) => known.for_each(|row| found(row, Origin::default(), &[])),
        }
    }
}
