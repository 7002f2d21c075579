//! Pages of rows: flat, recycled, exact to rewind.

use std::borrow::Cow;
use trommel::{Error, Result};

/// Layouts that a page remembers from one use to the next. Records of one type have one; beyond
/// this many the rows are maps with keys of their own, and remembering them would only grow.
const REMEMBERED: usize = 8;

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

/// What the values of a row are called.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Columns {
    /// By name, in the order of the record's fields; no name twice.
    Named(Vec<Cow<'static, str>>),
    /// By place: this many.
    Numbered(usize),
}

impl Columns {
    /// How many.
    #[expect(clippy::len_without_is_empty, reason = "never empty: a record has a field")]
    pub fn len(&self) -> usize {
        match self {
            Columns::Named(names) => names.len(),
            Columns::Numbered(count) => *count,
        }
    }

    /// Name of the column at `index`, or its number from 1.
    pub fn name(&self, index: usize) -> Cow<'static, str> {
        match self {
            Columns::Named(names) => names[index].clone(),
            Columns::Numbered(_) => Cow::Owned((index + 1).to_string()),
        }
    }
}

/// Rows of one batch, as plain values.
///
/// Rows that follow each other and have the same columns form a run. Records of one struct make
/// one run per page; only maps, flattened parts and enums may make several.
#[derive(Debug, Default)]
pub struct Page {
    pub(super) cells: Vec<Cell>,
    pub(super) text: String,
    pub(super) bytes: Vec<u8>,
    runs: Vec<Run>,
    pub(super) layouts: Vec<Columns>,
    /// The layout of the row before, also across [`clear`](trommel::Page::clear): what the next
    /// row most likely has.
    pub(super) latest: usize,
    /// The names of the latest layout once more, as far as they are literals, where the hot path
    /// finds them at once.
    pub(super) literals: Vec<&'static str>,
    pub(super) names: Vec<Cow<'static, str>>,
    pub(super) key: String,
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
    /// Number of rows.
    pub fn rows(&self) -> usize {
        self.runs().map(|rows| rows.len()).sum()
    }

    /// The rows, in order, grouped by their columns.
    pub fn runs(&self) -> impl Iterator<Item = Rows<'_>> {
        let ends = self.runs.iter().skip(1).map(|run| run.start);
        self.runs.iter().zip(ends.chain([self.cells.len()])).map(|(run, end)| Rows {
            page: self,
            columns: &self.layouts[run.layout],
            cells: &self.cells[run.start..end],
        })
    }

    /// Ends the row whose cells begin at `start`.
    pub(super) fn end_row(&mut self, start: usize, layout: usize) {
        if self.latest != layout || self.literals.is_empty() {
            self.latest = layout;
            self.literals.clear();
            if let Columns::Named(names) = &self.layouts[layout] {
                let literals = names.iter().map_while(|name| match name {
                    Cow::Borrowed(name) => Some(*name),
                    Cow::Owned(_) => None,
                });
                self.literals.extend(literals);
            }
        }
        if self.runs.last().is_none_or(|run| run.layout != layout) {
            self.runs.push(Run { start, layout });
        }
    }

    /// The number of a layout, remembered if it is new.
    pub(super) fn layout(&mut self, columns: Columns) -> Result<usize> {
        if let Some(known) = self.layouts.iter().position(|known| *known == columns) {
            return Ok(known);
        }
        if columns.len() == 0 {
            return Err(Error::row("a record without fields has nothing to store"));
        }
        if let Columns::Named(names) = &columns {
            for (index, name) in names.iter().enumerate() {
                if names[..index].contains(name) {
                    return Err(Error::row(
                        "two fields of the record have the same name: rename one of them",
                    )
                    .in_column(&**name));
                }
            }
        }
        self.layouts.push(columns);
        Ok(self.layouts.len() - 1)
    }

    /// Appends the bytes of a text and gives its cell.
    pub(super) fn push_text(&mut self, text: &str) -> Result<()> {
        let start = self.text.len();
        self.text.push_str(text);
        self.push_text_from(start)
    }

    /// Makes a cell of the text from `start` on.
    pub(super) fn push_text_from(&mut self, start: usize) -> Result<()> {
        let (start, len) = range(start, self.text.len())?;
        self.cells.push(Cell::Text { start, len });
        Ok(())
    }

    /// Appends a blob and gives its cell.
    pub(super) fn push_blob(&mut self, bytes: &[u8]) -> Result<()> {
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
        if self.layouts.len() > REMEMBERED {
            self.layouts.clear();
            self.literals.clear();
            self.latest = 0;
        }
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
