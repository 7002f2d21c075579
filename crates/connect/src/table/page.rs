//! Pages of rows: flat, recycled, exact to rewind.

use crate::encode::{Columns, Layouts, Target, Values, write_json};
use serde::Serialize;
use std::fmt::{Display, Write as _};
use trommel::{Error, Result};

/// One value of a row.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Value<'a> {
    /// Nothing.
    Null,
    /// A whole number.
    Int(i64),
    /// A floating point number.
    Float(f64),
    /// A text.
    Text(&'a str),
    /// Bytes.
    Blob(&'a [u8]),
}

/// Rows of one batch, as plain values.
///
/// Rows that follow each other and have the same columns form a run. Records of one struct make
/// one run per page; only maps, flattened parts and enums may make several.
#[derive(Debug, Default)]
pub struct Page {
    cells: Vec<Cell>,
    text: String,
    bytes: Vec<u8>,
    runs: Vec<Run>,
    layouts: Layouts,
}

/// A value without its bytes, which lie in the page; 16 bytes.
#[derive(Debug, Clone, Copy)]
pub(super) enum Cell {
    Null,
    Int(i64),
    Float(f64),
    Text { start: u32, len: u32 },
    Blob { start: u32, len: u32 },
}

/// Invariant: runs start at rising cells, and each goes on until the next one starts.
#[derive(Debug, Clone, Copy)]
struct Run {
    start: usize,
    layout: usize,
}

impl Page {
    /// Whether there is no row.
    #[cfg(any(feature = "postgres", feature = "postgres-system"))]
    pub(crate) fn rows_are_none(&self) -> bool {
        self.runs.is_empty()
    }

    /// Number of rows.
    pub fn rows(&self) -> usize {
        self.runs().map(|rows| rows.len()).sum()
    }

    /// The rows, in order, grouped by their columns.
    pub fn runs(&self) -> impl Iterator<Item = Rows<'_>> {
        let ends = self.runs.iter().skip(1).map(|run| run.start);
        self.runs.iter().zip(ends.chain([self.cells.len()])).map(|(run, end)| Rows {
            page: self,
            columns: self.layouts.columns(run.layout),
            cells: &self.cells[run.start..end],
        })
    }

    /// Appends the row that `fill` pushes, value by value. They go to the columns by their place, as those
    /// of a tuple do: for rows whose columns are known only when the program runs. After an error the page
    /// is as it was.
    ///
    /// ```
    /// use trommel_connect::table::{Columns, Page, Value};
    ///
    /// let mut page = Page::default();
    /// page.push_row(|row| {
    ///     row.push(Value::Text("UA1545"))?;
    ///     row.push(Value::Null)
    /// })?;
    /// let rows = page.runs().next().unwrap();
    /// assert_eq!(rows.columns(), &Columns::Numbered(2));
    /// assert!(rows.row(0).eq([Value::Text("UA1545"), Value::Null]));
    /// # Ok::<(), trommel::Error>(())
    /// ```
    ///
    /// # Errors
    /// What `fill` says; a row without values.
    #[inline]
    pub fn push_row(&mut self, fill: impl FnOnce(&mut RowOf<'_>) -> Result<()>) -> Result<()> {
        let mark = self.begin_row()?;
        let filled = fill(&mut RowOf { page: self });
        let ended = filled.and_then(|()| match self.cells.len() - mark.0 {
            0 => self.end_empty_row(&mark),
            fields => {
                let layout = self.layouts.numbered(fields)?;
                self.end_row(&mark, layout)
            }
        });
        if ended.is_err() {
            self.give_up_row(mark);
        }
        ended
    }

    /// Appends the bytes of a text and gives its cell.
    fn push_text(&mut self, text: &str) -> Result<()> {
        let start = self.text.len();
        self.text.push_str(text);
        self.push_text_from(start)
    }

    /// Makes a cell of the text from `start` on.
    fn push_text_from(&mut self, start: usize) -> Result<()> {
        let (start, len) = range(start, self.text.len())?;
        self.cells.push(Cell::Text { start, len });
        Ok(())
    }

    /// Appends a blob and gives its cell.
    fn push_blob(&mut self, bytes: &[u8]) -> Result<()> {
        let start = self.bytes.len();
        self.bytes.extend_from_slice(bytes);
        let (start, len) = range(start, self.bytes.len())?;
        self.cells.push(Cell::Blob { start, len });
        Ok(())
    }

    #[inline]
    fn value(&self, cell: Cell) -> Value<'_> {
        match cell {
            Cell::Null => Value::Null,
            Cell::Int(number) => Value::Int(number),
            Cell::Float(number) => Value::Float(number),
            Cell::Text { start, len } => {
                Value::Text(&self.text[start as usize..start as usize + len as usize])
            }
            Cell::Blob { start, len } => {
                Value::Blob(&self.bytes[start as usize..start as usize + len as usize])
            }
        }
    }
}

/// A row of a page under construction, see [`Page::push_row`].
#[derive(Debug)]
pub struct RowOf<'p> {
    page: &'p mut Page,
}

impl RowOf<'_> {
    /// Appends a value, which is copied.
    ///
    /// # Errors
    /// More than 4 GiB of texts or bytes in the page.
    #[inline(always)]
    pub fn push(&mut self, value: Value<'_>) -> Result<()> {
        match value {
            Value::Null => self.page.null(),
            Value::Int(number) => self.page.int(number),
            Value::Float(number) => self.page.float(number),
            Value::Text(text) => self.page.push_text(text),
            Value::Blob(bytes) => self.page.push_blob(bytes),
        }
    }
}

fn range(start: usize, end: usize) -> Result<(u32, u32)> {
    match (u32::try_from(start), u32::try_from(end)) {
        (Ok(start), Ok(end)) => Ok((start, end - start)),
        _ => Err(Error::row("more than 4 GiB of text or bytes in one page: lower the batch size")),
    }
}

impl trommel::Page for Page {
    fn clear(&mut self) {
        self.cells.clear();
        self.text.clear();
        self.bytes.clear();
        self.runs.clear();
        self.layouts.clear();
    }

    fn bytes(&self) -> usize {
        self.cells.len() * size_of::<Cell>() + self.text.len() + self.bytes.len()
    }

    fn mark(&self) -> usize {
        self.cells.len()
    }

    fn rewind(&mut self, mark: usize) {
        // Bytes are appended in the order of their cells, so what goes begins where the first text
        // and the first blob that go begin.
        let gone = &self.cells[mark.min(self.cells.len())..];
        let text = gone.iter().find_map(|cell| match cell {
            Cell::Text { start, .. } => Some(*start as usize),
            _ => None,
        });
        let blob = gone.iter().find_map(|cell| match cell {
            Cell::Blob { start, .. } => Some(*start as usize),
            _ => None,
        });
        if let Some(start) = text {
            self.text.truncate(start);
        }
        if let Some(start) = blob {
            self.bytes.truncate(start);
        }
        self.cells.truncate(mark);
        while self.runs.last().is_some_and(|run| run.start >= mark) {
            self.runs.pop();
        }
    }
}

impl Values for Page {
    fn null(&mut self) -> Result<()> {
        self.cells.push(Cell::Null);
        Ok(())
    }
    fn bool(&mut self, value: bool) -> Result<()> {
        self.int(value.into())
    }
    #[inline]
    fn int(&mut self, number: i64) -> Result<()> {
        self.cells.push(Cell::Int(number));
        Ok(())
    }
    fn big(&mut self, _number: i128) -> Result<()> {
        Err(Error::row(
            "number out of range for a 64-bit column (-2^63 to 2^63 - 1): \
             emit it as text or as a float",
        ))
    }
    #[inline]
    fn float(&mut self, number: f64) -> Result<()> {
        self.cells.push(Cell::Float(number));
        Ok(())
    }
    #[inline]
    fn text(&mut self, text: &str) -> Result<()> {
        self.push_text(text)
    }
    fn display<D: Display + ?Sized>(&mut self, value: &D) -> Result<()> {
        let start = self.text.len();
        if write!(self.text, "{value}").is_err() {
            self.text.truncate(start);
            return Err(Error::row("a value could not be formatted"));
        }
        self.push_text_from(start)
    }
    fn blob(&mut self, bytes: &[u8]) -> Result<()> {
        self.push_blob(bytes)
    }
    fn nested<T: Serialize + ?Sized>(&mut self, value: &T) -> Result<()> {
        let start = self.text.len();
        match write_json(&mut self.text, value) {
            Ok(()) => self.push_text_from(start),
            Err(error) => {
                self.text.truncate(start);
                Err(error)
            }
        }
    }
}

impl Target for Page {
    type Mark = (usize, usize, usize);

    #[inline]
    fn layouts(&mut self) -> &mut Layouts {
        &mut self.layouts
    }
    #[inline]
    fn begin_row(&mut self) -> Result<(usize, usize, usize)> {
        Ok((self.cells.len(), self.text.len(), self.bytes.len()))
    }
    #[inline]
    fn end_row(&mut self, &(start, ..): &Self::Mark, layout: usize) -> Result<()> {
        if self.runs.last().is_none_or(|run| run.layout != layout) {
            self.runs.push(Run { start, layout });
        }
        Ok(())
    }
    fn give_up_row(&mut self, (start, text, bytes): Self::Mark) {
        trommel::Page::rewind(self, start);
        // What was pushed without becoming a cell.
        self.text.truncate(text);
        self.bytes.truncate(bytes);
    }
}

/// Rows of a page that have the same columns.
#[derive(Debug, Clone, Copy)]
pub struct Rows<'a> {
    page: &'a Page,
    columns: &'a Columns,
    cells: &'a [Cell],
}

impl<'a> Rows<'a> {
    /// Number of rows; at least 1.
    #[expect(clippy::len_without_is_empty, reason = "a run has at least one row")]
    pub fn len(&self) -> usize {
        self.cells.len() / self.columns.len()
    }

    /// Their columns.
    pub fn columns(&self) -> &'a Columns {
        self.columns
    }

    /// All values, row after row, from row `from` to before row `to`.
    ///
    /// # Panics
    /// When there are not that many rows.
    #[inline]
    pub fn values(&self, from: usize, to: usize) -> impl Iterator<Item = Value<'a>> + use<'a> {
        let (page, width) = (self.page, self.columns.len());
        self.cells[from * width..to * width].iter().map(move |cell| page.value(*cell))
    }

    /// The values of one row.
    ///
    /// # Panics
    /// When there is no such row.
    pub fn row(&self, row: usize) -> impl Iterator<Item = Value<'a>> + use<'a> {
        self.values(row, row + 1)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use trommel::Page as _;

    #[test]
    fn a_row_that_is_given_up_leaves_nothing_behind() {
        let mut page = Page::default();
        page.push_row(|row| row.push(Value::Text("kept"))).unwrap();
        let before = (page.rows(), page.bytes());
        let bad = page.push_row(|row| {
            row.push(Value::Text("lost"))?;
            row.push(Value::Blob(b"lost"))?;
            Err(Error::row("no"))
        });
        assert_eq!(bad.unwrap_err().to_string(), "no");
        assert!(page.push_row(|_| Ok(())).is_err());
        assert_eq!((page.rows(), page.bytes()), before);
    }

    #[test]
    fn rows_by_value_and_tuples_of_the_same_width_are_one_run() {
        let mut page = Page::default();
        crate::table::encode(&mut page, &(1, 2.5)).unwrap();
        page.push_row(|row| {
            row.push(Value::Int(3))?;
            row.push(Value::Null)
        })
        .unwrap();
        page.push_row(|row| row.push(Value::Int(4))).unwrap();
        let runs: Vec<_> = page.runs().map(|rows| (rows.len(), rows.columns().len())).collect();
        assert_eq!(runs, [(2, 2), (1, 1)]);
        let first = page.runs().next().unwrap();
        assert!(first.row(1).eq([Value::Int(3), Value::Null]));
    }
}
