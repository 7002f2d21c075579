//! Rows of one batch, as plain values that lie flat.

use super::row::{Column, Row};
use crate::table::Value;
use crate::table::page::Cell;
use std::fmt;
use std::sync::Arc;
use trommel::{Error, ErrorKind, Origin, Result};

/// Names of the columns, and what messages call the source.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct Shape {
    source: Box<str>,
    names: Vec<Box<str>>,
}

impl Shape {
    /// Of a source called `source` in messages.
    pub fn new<N: Into<Box<str>>>(
        source: impl Into<Box<str>>,
        names: impl IntoIterator<Item = N>,
    ) -> Self {
        Shape { source: source.into(), names: names.into_iter().map(Into::into).collect() }
    }

    /// The source's name.
    pub fn source(&self) -> &str {
        &self.source
    }

    /// Names of the columns, in order.
    pub fn names(&self) -> impl ExactSizeIterator<Item = &str> {
        self.names.iter().map(|name| &**name)
    }

    /// The column called `name`.
    ///
    /// # Errors
    /// [`ErrorKind::Config`] when there is none, or there are several; the message lists what there
    /// is.
    pub fn column(&self, name: &str) -> Result<Column> {
        let mut found = self.names.iter().enumerate().filter(|(_, known)| &***known == name);
        match (found.next(), found.next()) {
            (Some((index, _)), None) => Ok(Column(index)),
            (first, _) => Err(self.no_column(name, first.is_some())),
        }
    }

    #[cold]
    fn no_column(&self, name: &str, several: bool) -> Error {
        let (source, names) = (&self.source, self.names.join(", "));
        let message = match several {
            true => format!(
                "several columns of {source} are called `{name}`: give each a name of its own \
                 (`AS …`), or use the index; columns are: {names}"
            ),
            false => format!("no column `{name}` in {source}; columns are: {names}"),
        };
        Error::new(ErrorKind::Config, message)
    }
}

/// Rows as a source has read them, decoded by the worker that walks them; owned and recycled.
///
/// Texts are kept as bytes and validated when they are asked for.
#[derive(Default)]
pub struct Batch {
    shape: Arc<Shape>,
    cells: Vec<Cell>,
    bytes: Vec<u8>,
    rows: usize,
    /// Number of the first row in the source, from 0.
    first: u64,
}

impl Batch {
    /// Throws the rows away, keeping the capacity; the next ones have this shape, and the first of
    /// them this number.
    pub fn start(&mut self, shape: &Arc<Shape>, first: u64) {
        if !Arc::ptr_eq(&self.shape, shape) {
            self.shape = Arc::clone(shape);
        }
        self.cells.clear();
        self.bytes.clear();
        self.rows = 0;
        self.first = first;
    }

    /// Appends one value of the row that [`end_row`](Self::end_row) will end.
    ///
    /// # Errors
    /// [`ErrorKind::Fatal`] when the batch holds 4 GiB.
    #[inline]
    pub fn push(&mut self, value: Value<'_>) -> Result<()> {
        let cell = match value {
            Value::Null => Cell::Null,
            Value::Int(number) => Cell::Int(number),
            Value::Float(number) => Cell::Float(number),
            Value::Text(text) => return self.push_text(text.as_bytes()),
            Value::Blob(bytes) => {
                let (start, len) = self.append(bytes)?;
                Cell::Blob { start, len }
            }
        };
        self.cells.push(cell);
        Ok(())
    }

    /// As [`push`](Self::push), for a text that has not been validated.
    ///
    /// # Errors
    /// As [`push`](Self::push).
    #[inline]
    pub fn push_text(&mut self, text: &[u8]) -> Result<()> {
        let (start, len) = self.append(text)?;
        self.cells.push(Cell::Text { start, len });
        Ok(())
    }

    #[inline]
    fn append(&mut self, bytes: &[u8]) -> Result<(u32, u32)> {
        let start = self.bytes.len();
        self.bytes.extend_from_slice(bytes);
        match (u32::try_from(start), u32::try_from(bytes.len())) {
            (Ok(start), Ok(len)) => Ok((start, len)),
            _ => Err(Error::fatal("more than 4 GiB in one batch: lower the batch size")),
        }
    }

    /// Ends a row.
    ///
    /// # Panics
    /// When it has not one value for each column.
    pub fn end_row(&mut self) {
        self.rows += 1;
        assert_eq!(self.cells.len(), self.rows * self.shape.names.len(), "values and columns");
    }

    pub(super) fn shape(&self) -> &Shape {
        &self.shape
    }

    #[inline]
    pub(super) fn cell(&self, row: usize, column: usize) -> Option<Cell> {
        let width = self.shape.names.len();
        if column >= width {
            return None;
        }
        self.cells.get(row * width + column).copied()
    }

    #[inline]
    pub(super) fn slice(&self, start: u32, len: u32) -> &[u8] {
        &self.bytes[start as usize..start as usize + len as usize]
    }

    pub(super) fn origin(&self, row: usize) -> Origin {
        Origin {
            source: Some(self.shape.source.clone()),
            record: Some(self.first + row as u64),
            ..Origin::default()
        }
    }
}

impl fmt::Debug for Batch {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Batch")
            .field("source", &self.shape.source)
            .field("first", &self.first)
            .field("rows", &self.rows)
            .finish_non_exhaustive()
    }
}

impl trommel::Batch for Batch {
    type Row<'a> = Row<'a>;

    fn len(&self) -> usize {
        self.rows
    }

    fn bytes(&self) -> usize {
        self.cells.len() * size_of::<Cell>() + self.bytes.len()
    }

    fn for_each<'a, F>(&'a mut self, from: usize, mut visit: F) -> Result<()>
    where
        F: FnMut(Result<Row<'a>>) -> Result<()>,
    {
        let batch: &'a Batch = self;
        (from..batch.rows).try_for_each(|index| visit(Ok(Row::new(batch, index))))
    }

    fn split_off(&mut self, at: usize, tail: &mut Self) -> bool {
        let width = self.shape.names.len();
        if at == 0 || at >= self.rows {
            return false;
        }
        tail.start(&self.shape, self.first + at as u64);
        // Bytes lie in the order of their cells, so the tail's are one piece.
        let cells = &self.cells[at * width..];
        let start = cells.iter().find_map(|cell| match cell {
            Cell::Text { start, .. } | Cell::Blob { start, .. } => Some(*start),
            _ => None,
        });
        let start = start.unwrap_or(self.bytes.len() as u32);
        tail.bytes.extend_from_slice(&self.bytes[start as usize..]);
        tail.cells.extend(cells.iter().map(|cell| match *cell {
            Cell::Text { start: at, len } => Cell::Text { start: at - start, len },
            Cell::Blob { start: at, len } => Cell::Blob { start: at - start, len },
            plain => plain,
        }));
        tail.rows = self.rows - at;
        self.cells.truncate(at * width);
        self.bytes.truncate(start as usize);
        self.rows = at;
        true
    }

    /// Gives the row's number, and the row as a JSON object.
    fn locate(&self, rows: &[usize], found: &mut dyn FnMut(usize, Origin, &[u8])) {
        for &row in rows.iter().filter(|row| **row < self.rows) {
            found(row, self.origin(row), Row::new(self, row).to_json().as_bytes());
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use trommel::Batch as _;

    #[test]
    fn a_tail_takes_its_own_bytes_along() {
        let shape = Arc::new(Shape::new("t", ["a", "b"]));
        let mut batch = Batch::default();
        batch.start(&shape, 7);
        for (text, blob) in [("one", &b"1"[..]), ("", b""), ("three", b"333")] {
            batch.push(Value::Text(text)).unwrap();
            batch.push(Value::Blob(blob)).unwrap();
            batch.end_row();
        }
        let mut tail = Batch::default();
        assert!(!batch.split_off(3, &mut tail));
        assert!(batch.split_off(1, &mut tail));
        let read = |batch: &mut Batch| {
            let mut rows = Vec::new();
            batch
                .for_each(0, |row| {
                    let row = row?;
                    rows.push((row.get::<String>("a")?, row.get::<Vec<u8>>(1)?));
                    Ok(())
                })
                .unwrap();
            rows
        };
        assert_eq!(read(&mut batch), [("one".into(), b"1".to_vec())]);
        assert_eq!(read(&mut tail), [("".into(), vec![]), ("three".into(), b"333".to_vec())]);
        let mut raw = Vec::new();
        tail.locate(&[1], &mut |_, origin, bytes| {
            raw.push((origin.record, String::from_utf8(bytes.to_vec()).unwrap()));
        });
        assert_eq!(raw, [(Some(9), r#"{"a":"three","b":[51,51,51]}"#.to_owned())]);
    }
}
