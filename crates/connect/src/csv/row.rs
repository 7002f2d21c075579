//! One record, borrowed from its batch.

use super::batch::{Batch, fields};
use super::cell::Cell;
use super::field::FromField;
use super::headers::Field;
use super::parse::Start;
#[cfg(any(feature = "postgres", feature = "postgres-system"))]
use super::plain::Plain;
use super::shape::Shape;
use crate::decode;
use std::fmt;
use std::sync::Arc;
use trommel::{Error, ErrorKind, Result};

/// One CSV record: a view into its [`Batch`], cheap to copy.
///
/// Fields are named by a `&str`, a `usize` index or a [`Column`](super::Column). A name or index
/// that the source doesn't have is an error of kind [`Config`](ErrorKind::Config), which ends the
/// run; a field that doesn't parse is one of kind [`Row`](ErrorKind::Row), which rejects the row.
///
/// ```
/// use trommel::{Batch as _, Limit, Source as _};
/// use trommel_connect::csv;
///
/// let text = "name,age,city\nAnna,36,\nBo,seven,Oslo\n";
/// let mut source = csv::Source::from_reader("people", text.as_bytes())?;
/// let mut batch = csv::Batch::default();
/// source.fill(&mut batch, &Limit::of_rows(10))?;
///
/// let mut seen = Vec::new();
/// batch.for_each(0, |row| {
///     let row = row?;
///     let age = row.get::<u8>("age").map_err(|error| error.to_string());
///     seen.push((row.str("name")?, age, row.get::<Option<&str>>("city")?));
///     Ok(())
/// })?;
/// assert_eq!(seen[0], ("Anna", Ok(36), None));
/// assert_eq!(seen[1].1, Err("`seven` is not a whole number, column `age`: invalid digit found in string".into()));
/// # Ok::<(), trommel::Error>(())
/// ```
#[derive(Clone, Copy)]
pub struct Row<'a> {
    /// The whole block.
    data: &'a [u8],
    /// The same; empty when it is not all text.
    text: &'a str,
    /// Of each field, and of what comes next.
    starts: &'a [Start],
    shape: &'a Shape,
    batch: &'a Batch,
    index: u32,
}

impl<'a> Row<'a> {
    #[inline(always)]
    pub(super) fn new(
        data: &'a [u8],
        text: &'a str,
        starts: &'a [Start],
        shape: &'a Shape,
        batch: &'a Batch,
        index: u32,
    ) -> Self {
        Row { data, text, starts, shape, batch, index }
    }

    /// The value of a field: a number, `bool`, `char`, `String`, `&str`, `&[u8]`, any type with
    /// [`FromField`], or an `Option` of these, which is `None` for a null.
    ///
    /// # Errors
    /// [`ErrorKind::Row`] when the field can't be read as `T`; [`ErrorKind::Config`] when there is
    /// no such column.
    #[inline(always)]
    pub fn get<T: FromField<'a>>(&self, field: impl Field) -> Result<T> {
        let index = field.resolve(self)?;
        // Kept apart, so that the usual cell stays in registers.
        let Some(cell) = self.plain(index) else { return self.get_closely(index) };
        match T::from_field(cell) {
            Ok(value) => Ok(value),
            Err(error) => Err(self.in_column(error, index)),
        }
    }

    /// The field as text, null or not.
    ///
    /// # Errors
    /// [`ErrorKind::Row`] when it is not valid UTF-8; [`ErrorKind::Config`] when there is no such
    /// column.
    #[inline(always)]
    pub fn str(&self, field: impl Field) -> Result<&'a str> {
        self.get(field)
    }

    /// The bytes of a field, unescaped, whatever they are.
    ///
    /// # Errors
    /// [`ErrorKind::Config`] when there is no such column; [`ErrorKind::Row`] when rows may differ
    /// in length and this one has no such field.
    #[inline(always)]
    pub fn bytes(&self, field: impl Field) -> Result<&'a [u8]> {
        let index = field.resolve(self)?;
        Ok(self.cell(index)?.bytes())
    }

    /// Whether the field is one of the null strings.
    ///
    /// # Errors
    /// As [`bytes`](Self::bytes).
    #[inline(always)]
    pub fn is_null(&self, field: impl Field) -> Result<bool> {
        let index = field.resolve(self)?;
        Ok(self.cell(index)?.is_null())
    }

    /// The whole row as a value that `serde` can make: a struct whose fields are called like the
    /// columns, a map, or a tuple or `Vec` of the fields in order.
    ///
    /// A `&str` may be borrowed; nulls are `None` for an `Option`.
    ///
    /// ```
    /// use serde::Deserialize;
    /// use trommel::{Batch as _, Limit, Source as _};
    /// use trommel_connect::csv;
    ///
    /// #[derive(Deserialize, Debug, PartialEq)]
    /// struct Person<'a> {
    ///     name: &'a str,
    ///     age: Option<u8>,
    /// }
    /// let text = "name,city,age\nAnna,Oslo,36\nBo,Bergen,\n";
    /// let mut source = csv::Source::from_reader("people", text.as_bytes())?;
    /// let mut batch = csv::Batch::default();
    /// source.fill(&mut batch, &Limit::of_rows(10))?;
    /// let mut people = Vec::new();
    /// batch.for_each(0, |row| {
    ///     people.push(row?.decode::<Person>()?);
    ///     Ok(())
    /// })?;
    /// assert_eq!(people[0], Person { name: "Anna", age: Some(36) });
    /// assert_eq!(people[1], Person { name: "Bo", age: None });
    /// # Ok::<(), trommel::Error>(())
    /// ```
    ///
    /// # Errors
    /// [`ErrorKind::Row`], naming the column, when a field can't be read as what it should be;
    /// [`ErrorKind::Config`] when a column that is needed does not exist.
    pub fn decode<T: serde::Deserialize<'a>>(&self) -> Result<T> {
        decode::decode(*self)
    }

    /// Number of fields.
    #[inline]
    pub fn len(&self) -> usize {
        self.starts.len() - 1
    }

    /// Whether it has no field, which no record is: an empty line is not a record.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// The bytes of each field, in order.
    pub fn iter(&self) -> impl ExactSizeIterator<Item = &'a [u8]> + 'a {
        let row = *self;
        (0..row.len()).map(move |index| row.cell(index).map_or(&[][..], |cell| cell.bytes()))
    }

    /// Number of the record in its source, the first one behind the header being 0.
    pub fn record(&self) -> u64 {
        self.batch.first_record() + u64::from(self.index)
    }

    /// Line on which the record starts, the first line of the source being 1. Lines end in `\n`.
    ///
    /// Counted when asked for, from the start of the batch: not for the hot path.
    pub fn line(&self) -> u64 {
        self.batch.place(self.index as usize).line
    }

    /// All fields in order, as they lie in the block. `None` where they may need a closer look: in a
    /// block that is not all text, a row with a NUL byte, or where numbers may be nulls or blanks
    /// around fields don't count.
    #[cfg(any(feature = "postgres", feature = "postgres-system"))]
    #[inline(always)]
    pub(crate) fn plain_fields(&self) -> Option<impl Iterator<Item = Option<Plain<'a>>>> {
        let Row { data, text, starts, shape, .. } = *self;
        let is_plain = !text.is_empty()
            && shape.rules.delimiter.is_ascii()
            && !shape.trim
            && !shape.nulls.has_number()
            && memchr::memchr(0, self.raw()).is_none();
        is_plain.then(|| {
            starts.windows(2).map(|pair| {
                let (from, to) = (pair[0].place(), pair[1].place() - 1);
                pair[0].is_plain().then(|| Plain::new(data, (from, to), &shape.nulls))?
            })
        })
    }

    #[inline(always)]
    pub(crate) fn shape(&self) -> &'a Shape {
        self.shape
    }

    pub(crate) fn shared_shape(&self) -> Option<Arc<Shape>> {
        self.batch.shared_shape()
    }

    /// The bytes of the record as they were read, without the terminator.
    #[inline]
    pub(super) fn raw(&self) -> &'a [u8] {
        let (first, next) = (self.starts[0], self.starts[self.len()]);
        &self.data[first.place()..next.place() - 1]
    }

    #[inline(always)]
    pub(super) fn find_column(&self, name: &str) -> Result<Option<usize>> {
        self.batch.find_column(self.shape, name)
    }

    #[inline(always)]
    pub(super) fn column(&self, name: &str) -> Result<usize> {
        match self.find_column(name)? {
            Some(column) => Ok(column),
            None => self.no_column(name),
        }
    }

    #[cold]
    fn no_column(&self, name: &str) -> Result<usize> {
        let column = self.shape.headers.require(name, &self.shape.name)?;
        Ok(column as usize)
    }

    /// The field at `index`, if all that is between two delimiters is it.
    #[inline(always)]
    fn plain(&self, index: usize) -> Option<Cell<'a>> {
        // Its place, and the one that follows.
        let [start, next] = *self.starts.get(index..)?.first_chunk()?;
        (start.is_plain() && !self.shape.trim).then(|| {
            let range = (start.place(), next.place() - 1);
            Cell::new(self.data, self.text, range, &self.shape.nulls)
        })
    }

    #[inline(always)]
    pub(crate) fn cell(&self, index: usize) -> Result<Cell<'a>> {
        match self.plain(index) {
            Some(cell) => Ok(cell),
            None => self.taken_out(index),
        }
    }

    #[inline(never)]
    fn get_closely<T: FromField<'a>>(&self, index: usize) -> Result<T> {
        T::from_field(self.taken_out(index)?).map_err(|error| self.in_column(error, index))
    }

    /// A field that is not all that is between two delimiters, or not there.
    #[inline(never)]
    fn taken_out(&self, index: usize) -> Result<Cell<'a>> {
        let Some([start, next]) = self.starts.get(index..).and_then(<[Start]>::first_chunk) else {
            return Err(self.no_field(index));
        };
        let parsed = self.batch.parsed();
        let (around, text, (mut from, mut to)) = match start.is_escaped() {
            true => (parsed.text(), "", parsed.unescaped(*start)),
            false => {
                let quote = usize::from(!start.is_plain());
                (self.data, self.text, (start.place() + quote, next.place() - 1 - quote))
            }
        };
        if self.shape.trim {
            let field = &around[from..to];
            from += field.len() - field.trim_ascii_start().len();
            to = from + field.trim_ascii().len();
        }
        Ok(Cell::new(around, text, (from, to), &self.shape.nulls))
    }

    /// Names the column that an error is about.
    #[cold]
    pub(crate) fn in_column(&self, error: Error, index: usize) -> Error {
        match self.shape.headers.name(index) {
            Some(name) => error.in_column(name),
            None => error.in_column(index.to_string()),
        }
    }

    #[cold]
    fn no_field(&self, index: usize) -> Error {
        let message =
            format!("no field {index} (counted from 0): the record has {}", fields(self.len()));
        match self.shape.width {
            // Rows that may differ in length: the next one may well have it.
            None => self.in_column(Error::row(message), index),
            Some(_) => Error::new(ErrorKind::Config, message),
        }
    }
}

impl fmt::Debug for Row<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Row({} ", self.record())?;
        let fields = self.iter().map(String::from_utf8_lossy);
        f.debug_list().entries(fields).finish()?;
        f.write_str(")")
    }
}
