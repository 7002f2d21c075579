//! Rows as the server sent them, cut by the feeder, decoded in the worker.

use super::show::{TORN, show};
use crate::decode;
use crate::postgres::types::Column;
use serde::Deserialize;
use std::sync::Arc;
use trommel::{Error, Origin, Result};

/// What binary `COPY` data begins with.
pub(in crate::postgres) const SIGNATURE: &[u8] = b"PGCOPY\n\xff\r\n\0";
/// With flags and the length of an extension, which is 0.
pub(in crate::postgres) const HEADER_LEN: usize = SIGNATURE.len() + 8;

/// The columns of a query.
#[derive(Debug, Default)]
pub(in crate::postgres) struct Schema {
    pub(in crate::postgres) name: String,
    pub(in crate::postgres) columns: Vec<Column>,
}

/// Rows of a query, as they came.
#[derive(Debug, Default)]
pub struct Batch {
    pub(in crate::postgres) data: Vec<u8>,
    /// Where each row ends.
    pub(in crate::postgres) ends: Vec<u32>,
    cells: Vec<Cell>,
    pub(in crate::postgres) schema: Arc<Schema>,
    /// Number of the first row in the query's result, from 0.
    pub(in crate::postgres) first: u64,
}

/// Where a value is in its batch; a negative length is null.
#[derive(Debug, Clone, Copy)]
pub(super) struct Cell {
    start: u32,
    len: i32,
}

impl Cell {
    #[inline]
    pub(super) fn bytes(self, data: &[u8]) -> Option<&[u8]> {
        let len = usize::try_from(self.len).ok()?;
        data.get(self.start as usize..self.start as usize + len)
    }
}

/// Finds the values of a row.
fn cut(data: &[u8], start: usize, end: usize, width: usize, cells: &mut Vec<Cell>) -> Option<()> {
    let mut at = start;
    let fields = data.get(at..at + 2)?;
    if usize::from(u16::from_be_bytes([fields[0], fields[1]])) != width {
        return None;
    }
    at += 2;
    for _ in 0..width {
        let len = i32::from_be_bytes(*data.get(at..end)?.first_chunk()?);
        at += 4;
        cells.push(Cell { start: u32::try_from(at).ok()?, len });
        at += usize::try_from(len).unwrap_or(0);
    }
    (at == end).then_some(())
}

/// The bytes of one value of a row; `None` for null or nonsense.
pub(in crate::postgres) fn key_of(row: &[u8], width: usize, column: usize) -> Option<&[u8]> {
    let mut cells = Vec::with_capacity(width);
    cut(row, 0, row.len(), width, &mut cells)?;
    cells.get(column)?.bytes(row)
}

impl Batch {
    pub(in crate::postgres) fn clear(&mut self) {
        self.data.clear();
        self.ends.clear();
    }

    fn start_of(&self, row: usize) -> usize {
        row.checked_sub(1).map_or(0, |before| self.ends[before] as usize)
    }
}

impl trommel::Batch for Batch {
    type Row<'a> = Row<'a>;

    fn len(&self) -> usize {
        self.ends.len()
    }

    fn bytes(&self) -> usize {
        self.data.len() + self.ends.len() * (4 + self.schema.columns.len() * size_of::<Cell>())
    }

    fn for_each<'a, F>(&'a mut self, from: usize, mut visit: F) -> Result<()>
    where
        F: FnMut(Result<Row<'a>>) -> Result<()>,
    {
        let width = self.schema.columns.len();
        self.cells.clear();
        for row in from..self.ends.len() {
            let (start, end) = (self.start_of(row), self.ends[row] as usize);
            if cut(&self.data, start, end, width, &mut self.cells).is_none() {
                return Err(Error::fatal(TORN));
            }
        }
        let Batch { data, cells, schema, .. } = &*self;
        if width == 0 {
            return Ok(());
        }
        cells.chunks_exact(width).try_for_each(|cells| visit(Ok(Row { schema, data, cells })))
    }

    fn locate(&self, rows: &[usize], found: &mut dyn FnMut(usize, Origin, &[u8])) {
        for row in rows {
            let origin = Origin {
                source: Some(self.schema.name.as_str().into()),
                record: Some(self.first + *row as u64),
                ..Origin::default()
            };
            // As text, so that a reject can be read: values separated by tabs.
            let mut text = String::new();
            let mut cells = Vec::new();
            let (start, end) = (self.start_of(*row), self.ends[*row] as usize);
            _ = cut(&self.data, start, end, self.schema.columns.len(), &mut cells);
            for (index, (cell, column)) in cells.iter().zip(&self.schema.columns).enumerate() {
                text.push_str(if index == 0 { "" } else { "\t" });
                match cell.bytes(&self.data) {
                    None => text.push_str("\\N"),
                    Some(bytes) if show(&mut text, &column.kind, bytes).is_ok() => {}
                    Some(bytes) => text.push_str(&String::from_utf8_lossy(bytes)),
                }
            }
            found(*row, origin, text.as_bytes());
        }
    }
}

/// One row of a query's result. Texts and bytes are borrowed from the batch.
///
/// | PostgreSQL | read as |
/// |---|---|
/// | `bool`, integers, floats | themselves; range is checked |
/// | `numeric` | `String` (exact), or any number that it fits |
/// | `text`, `varchar`, `char`, enums | `&str`, `String`, numbers when they are |
/// | `bytea` | `&[u8]` (with `serde_bytes` or `#[serde(borrow)]`), `Vec<u8>` |
/// | dates, times, intervals, `uuid`, `inet` | `String`, and whatever deserialises from their ISO form |
/// | `json`, `jsonb` | what the document holds, or `String` for its text |
/// | arrays | `Vec` of any of these, nested for several dimensions |
/// | null | `Option` |
#[derive(Debug, Clone, Copy)]
pub struct Row<'a> {
    pub(super) schema: &'a Schema,
    pub(super) data: &'a [u8],
    pub(super) cells: &'a [Cell],
}

impl<'a> Row<'a> {
    /// The value of a column, by its name.
    ///
    /// # Errors
    /// A row error that names the column when the value can't be read as `T`; of kind
    /// [`Config`](trommel::ErrorKind::Config) when the query has no such column.
    #[inline]
    pub fn get<T: Deserialize<'a>>(&self, column: &str) -> Result<T> {
        match self.schema.columns.iter().position(|known| known.name == column) {
            Some(index) => self.at(index),
            None => Err(self.no_column(column)),
        }
    }

    /// The value of a column, by its place, from 0.
    ///
    /// # Errors
    /// As [`get`](Self::get).
    #[inline]
    pub fn at<T: Deserialize<'a>>(&self, index: usize) -> Result<T> {
        if index >= self.cells.len() {
            return Err(Error::config(format!(
                "the query has {} columns, and none at {index}",
                self.cells.len()
            )));
        }
        decode::cell(self, index)
    }

    /// The text of a column; empty for null. As [`get`](Self::get), without a copy.
    ///
    /// # Errors
    /// As [`get`](Self::get).
    #[inline]
    pub fn str(&self, column: &str) -> Result<&'a str> {
        Ok(self.get::<Option<&'a str>>(column)?.unwrap_or_default())
    }

    /// The whole row as a struct (by name), a map, or a tuple (by place).
    ///
    /// # Errors
    /// As [`get`](Self::get), for each column that the struct asks for.
    pub fn decode<T: Deserialize<'a>>(&self) -> Result<T> {
        decode::decode(*self)
    }

    /// The names of the columns, in their order.
    pub fn columns(&self) -> impl Iterator<Item = &'a str> + use<'a> {
        self.schema.columns.iter().map(|column| column.name.as_str())
    }

    #[cold]
    pub(super) fn no_column(&self, column: &str) -> Error {
        let names: Vec<&str> = self.columns().collect();
        Error::config(format!(
            "the query has no column `{column}`; its columns are {}",
            names.join(", ")
        ))
    }
}
