//! Rows: views into record batches.

use super::cell::{Cell, FromCell};
use super::cells::Cells;
use crate::decode::{self, Hints, same};
use arrow_array::RecordBatch;
use arrow_schema::{FieldRef, SchemaRef};
use std::collections::HashMap;
use std::convert::Infallible;
use std::fmt;
use trommel::{Error, ErrorKind, Result};

/// What all rows of a source share.
#[derive(Debug)]
pub(crate) struct Shape {
    /// What messages call the source.
    pub(crate) name: Box<str>,
    pub(crate) schema: SchemaRef,
    index: HashMap<Box<str>, u32>,
    hints: Hints,
}

impl Shape {
    pub(crate) fn new(name: impl Into<Box<str>>, schema: SchemaRef) -> Self {
        let names = (0..).zip(schema.fields());
        let index = names.map(|(at, field)| (field.name().as_str().into(), at)).collect();
        Shape { name: name.into(), schema, index, hints: Hints::default() }
    }

    #[inline(always)]
    pub(super) fn find(&self, name: &str) -> Option<usize> {
        let (place, column) = self.hints.guess(name);
        match self.schema.fields().get(column) {
            Some(field) if same(field.name(), name) => Some(column),
            _ => self.find_near(place, name),
        }
    }

    #[inline(never)]
    fn find_near(&self, place: usize, name: &str) -> Option<usize> {
        let fields = self.schema.fields();
        let is = |column: usize| {
            fields.get(column).is_some_and(|field: &FieldRef| same(field.name(), name))
        };
        let Ok(column) =
            self.hints.find(place, is, || Ok::<_, Infallible>(self.index.get(name).copied()));
        column
    }

    /// The column called `name`.
    #[inline(always)]
    pub(crate) fn require(&self, name: &str) -> Result<usize> {
        match self.find(name) {
            Some(column) => Ok(column),
            None => Err(self.no_column(name)),
        }
    }

    #[cold]
    fn no_column(&self, name: &str) -> Error {
        let names: Vec<&str> =
            self.schema.fields().iter().take(60).map(|field| field.name().as_str()).collect();
        Error::new(
            ErrorKind::Config,
            format!("no column `{name}` in {}; columns are: {}", self.name, names.join(", ")),
        )
    }
}

/// A record batch whose columns have been told apart.
#[derive(Debug)]
pub(crate) struct Frame {
    columns: Vec<Cells>,
    rows: usize,
}

impl Frame {
    pub(crate) fn new(batch: &RecordBatch) -> Self {
        Frame { columns: batch.columns().iter().map(Cells::new).collect(), rows: batch.num_rows() }
    }

    pub(crate) fn rows(&self) -> usize {
        self.rows
    }
}

/// A column of a source, found once by name: the cheapest way to say which value of a row is meant.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Column(pub(crate) u32);

impl Column {
    /// Index of the column among those that are read, from 0.
    pub fn index(self) -> usize {
        self.0 as usize
    }
}

/// Says which value of a row: a name (`&str`), an index from 0 (`usize`), or a [`Column`].
pub trait At: sealed::Resolve {}

impl<T: sealed::Resolve> At for T {}

mod sealed {
    use super::{Column, Result, Row};

    pub trait Resolve: Copy {
        #[doc(hidden)]
        fn resolve(self, row: &Row<'_>) -> Result<usize>;
    }
    impl Resolve for usize {
        #[inline(always)]
        fn resolve(self, _: &Row<'_>) -> Result<usize> {
            Ok(self)
        }
    }
    impl Resolve for Column {
        #[inline(always)]
        fn resolve(self, _: &Row<'_>) -> Result<usize> {
            Ok(self.index())
        }
    }
    impl Resolve for &str {
        #[inline(always)]
        fn resolve(self, row: &Row<'_>) -> Result<usize> {
            row.shape.require(self)
        }
    }
}

/// One row: a view into its batch, cheap to copy.
///
/// Values are named by a `&str`, a `usize` index or a [`Column`]. A column that is not there, or is
/// of another type than asked for, is an error of kind [`Config`](ErrorKind::Config), which ends the
/// run; a value that can't be read (a null, a number out of range) is one of kind
/// [`Row`](ErrorKind::Row), which rejects the row.
#[derive(Clone, Copy)]
pub struct Row<'a> {
    pub(super) shape: &'a Shape,
    frame: &'a Frame,
    index: usize,
    record: u64,
}

impl<'a> Row<'a> {
    #[inline]
    pub(crate) fn new(shape: &'a Shape, frame: &'a Frame, index: usize, record: u64) -> Self {
        Row { shape, frame, index, record }
    }

    /// The value of a column, of any type that has [`FromCell`].
    ///
    /// # Errors
    /// [`ErrorKind::Row`] when the value can't be read as `T`; [`ErrorKind::Config`] when there is
    /// no such column, or it is of another type.
    #[inline(always)]
    pub fn get<T: FromCell<'a>>(&self, column: impl At) -> Result<T> {
        let index = column.resolve(self)?;
        match T::from_cell(self.cell(index)?) {
            Ok(value) => Ok(value),
            Err(error) => Err(self.in_column(error, index)),
        }
    }

    /// The text of a column.
    ///
    /// # Errors
    /// As [`get`](Self::get).
    #[inline]
    pub fn str(&self, column: impl At) -> Result<&'a str> {
        self.get(column)
    }

    /// Whether a column has no value here.
    ///
    /// # Errors
    /// [`ErrorKind::Config`] when there is no such column.
    #[inline]
    pub fn is_null(&self, column: impl At) -> Result<bool> {
        let index = column.resolve(self)?;
        Ok(self.cell(index)?.is_null())
    }

    /// The whole row as a value that `serde` can make: a struct whose fields are called like the
    /// columns, a map, or a tuple of the columns in order. Nested columns become nested structs,
    /// lists and maps; a `&str` may be borrowed.
    ///
    /// # Errors
    /// [`ErrorKind::Row`], naming the column, when a value can't be read as what it should be;
    /// [`ErrorKind::Config`] when a column that is needed does not exist.
    pub fn decode<T: serde::Deserialize<'a>>(&self) -> Result<T> {
        decode::decode(*self)
    }

    /// Number of columns.
    #[expect(clippy::len_without_is_empty, reason = "a row without columns is none")]
    pub fn len(&self) -> usize {
        self.frame.columns.len()
    }

    /// Number of the row in its file, from 0.
    pub fn record(&self) -> u64 {
        self.record
    }

    #[inline(always)]
    pub(super) fn cell(&self, index: usize) -> Result<Cell<'a>> {
        match self.frame.columns.get(index) {
            Some(cells) => Ok(Cell { cells, index: self.index }),
            None => Err(self.no_index(index)),
        }
    }

    #[cold]
    fn no_index(&self, index: usize) -> Error {
        let message =
            format!("no column {index} (counted from 0): {} has {}", self.shape.name, self.len());
        Error::new(ErrorKind::Config, message)
    }

    #[cold]
    pub(super) fn in_column(&self, error: Error, index: usize) -> Error {
        error.in_column(self.shape.schema.field(index).name().as_str())
    }
}

impl fmt::Debug for Row<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Row")
            .field("source", &self.shape.name)
            .field("record", &self.record)
            .finish()
    }
}
