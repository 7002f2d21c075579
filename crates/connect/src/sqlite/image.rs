//! A database of one table, written as SQLite's own file format has it.
//!
//! SQLite copies the rows of such a database into a table of the same declaration without looking into
//! them: no value is bound, converted or counted again. Only what a leaf of a table holds is written
//! here; see `https://sqlite.org/fileformat2.html`, whose terms are used.
//!
//! Page 1 is the schema, page 2 the root of the table, and from page 3 on there are its leaves.

use super::affinity::Affinity;
use crate::table::Value;

/// The largest there are, so that a row takes no overflow pages and the tree has two levels.
const PAGE: usize = 1 << 16;
const LEAF: u8 = 0x0d;
const INTERIOR: u8 = 0x05;
/// Bytes of a leaf that its one cell, the largest that there may be, leaves free.
const LARGEST: usize = PAGE - 35;
/// The most that the lengths and the number of a row take.
const PREFIX: usize = 27;
/// So many that their cells, of at most 14 bytes, fit into the root.
const LEAVES: usize = 4000;

/// See the module.
#[derive(Debug, Default)]
pub(super) struct Image {
    /// Whole pages; empty before [`begin`](Self::begin).
    pages: Vec<u8>,
    rows: u64,
    is_finished: bool,
    /// Cells of the last leaf.
    cells: usize,
    /// Where its first cell is, counted from the start of the leaf; cells grow downwards.
    top: usize,
    /// The largest row of each leaf but the last.
    keys: Vec<u64>,
    /// Serial types of the row at hand, behind [`PREFIX`] bytes for what goes before them.
    types: Vec<u8>,
    /// Its values.
    values: Vec<u8>,
}

/// What to go back to when a row can't be taken.
#[derive(Debug, Clone, Copy)]
pub(super) struct Mark {
    rows: u64,
    cells: usize,
    top: usize,
    leaves: usize,
}

impl Image {
    pub(super) fn is_empty(&self) -> bool {
        self.rows == 0
    }

    /// Bytes that are taken.
    pub(super) fn bytes(&self) -> usize {
        self.pages.len()
    }

    /// Starts over, with a table of this name and declaration; `false` when they take too much.
    pub(super) fn begin(&mut self, table: &str, sql: &str) -> bool {
        self.clear();
        self.begin_row();
        self.text(b"table");
        self.text(table.as_bytes());
        self.text(table.as_bytes());
        self.int(2);
        self.text(sql.as_bytes());
        if self.values.len() + self.types.len() > LARGEST - 200 {
            return false;
        }
        self.pages.resize(3 * PAGE, 0);
        self.pages[..100].copy_from_slice(&header());
        self.top = PAGE;
        self.put(0, 100, 1);
        self.end_leaf(0, 100, LEAF, 1);
        (self.cells, self.top) = (0, PAGE);
        true
    }

    /// Throws the rows away, keeping the capacity.
    pub(super) fn clear(&mut self) {
        self.pages.clear();
        self.keys.clear();
        (self.rows, self.cells, self.top) = (0, 0, PAGE);
        self.is_finished = false;
    }

    pub(super) fn mark(&self) -> Mark {
        Mark { rows: self.rows, cells: self.cells, top: self.top, leaves: self.keys.len() }
    }

    pub(super) fn rewind(&mut self, mark: Mark) {
        self.keys.truncate(mark.leaves);
        self.pages.truncate((mark.leaves + 3) * PAGE);
        (self.rows, self.cells, self.top) = (mark.rows, mark.cells, mark.top);
    }

    /// Starts a row; its values follow, then [`end_row`](Self::end_row).
    #[inline]
    pub(super) fn begin_row(&mut self) {
        self.types.resize(PREFIX, 0);
        self.values.clear();
    }

    /// Appends a value as a column of this affinity stores it; `false` when only SQLite knows how.
    #[inline]
    pub(super) fn push(&mut self, affinity: Affinity, value: Value<'_>) -> bool {
        match (affinity, value) {
            (_, Value::Null) => self.types.push(0),
            (_, Value::Blob(bytes)) => {
                self.varint_type(bytes.len() as u64 * 2 + 12);
                self.values.extend_from_slice(bytes);
            }
            (Affinity::Number | Affinity::None, Value::Int(number)) => self.int(number),
            (Affinity::Real, Value::Int(number)) => match is_short(number) {
                true => self.int(number),
                false => self.float(number as f64),
            },
            (Affinity::Number | Affinity::Real, Value::Float(number)) => {
                let whole = number as i64;
                let is_whole = whole as f64 == number && whole != i64::MAX && whole != i64::MIN;
                match is_whole && (affinity == Affinity::Number || is_short(whole)) {
                    true => self.int(whole),
                    false => self.float(number),
                }
            }
            (Affinity::None, Value::Float(number)) => self.float(number),
            (Affinity::None | Affinity::Text, Value::Text(text)) => self.text(text.as_bytes()),
            (Affinity::Text, Value::Int(_) | Value::Float(_))
            | (Affinity::Number | Affinity::Real, Value::Text(_)) => return false,
        }
        true
    }

    /// Appends the row; `false` when it is too large.
    #[inline]
    pub(super) fn end_row(&mut self) -> bool {
        // Too much by some bytes.
        let length = self.types.len() + self.values.len();
        if length > LARGEST || self.types.len() > 10_000 {
            return false;
        }
        let leaf = self.keys.len() + 2;
        if 8 + 2 * (self.cells + 1) + length > self.top && !self.next_leaf(leaf) {
            return false;
        }
        self.rows += 1;
        self.put(self.keys.len() + 2, 0, self.rows);
        true
    }

    /// Puts the row at hand into the leaf on the page at `index`, whose header is at `header` of it.
    #[inline]
    fn put(&mut self, index: usize, header: usize, rowid: u64) {
        // The length of the header counts itself.
        let short = self.types.len() - PREFIX + 1;
        let head = if short < 128 { short } else { short + 1 };
        let mut prefix = [0; PREFIX];
        let mut length = varint(&mut prefix, (head + self.values.len()) as u64);
        length += varint(&mut prefix[length..], rowid);
        length += varint(&mut prefix[length..], head as u64);
        for (index, byte) in prefix[..length].iter().enumerate() {
            self.types[PREFIX - length + index] = *byte;
        }
        let types = &self.types[PREFIX - length..];
        let page = &mut self.pages[index * PAGE..(index + 1) * PAGE];
        let values = self.top - self.values.len();
        let start = values - types.len();
        page[values..self.top].copy_from_slice(&self.values);
        page[start..values].copy_from_slice(types);
        let pointer = header + 8 + 2 * self.cells;
        page[pointer..pointer + 2].copy_from_slice(&(start as u16).to_be_bytes());
        self.cells += 1;
        self.top = start;
    }

    #[cold]
    fn next_leaf(&mut self, leaf: usize) -> bool {
        if self.cells == 0 || self.keys.len() == LEAVES {
            return false;
        }
        self.end_leaf(leaf, 0, LEAF, self.cells);
        self.keys.push(self.rows);
        self.pages.resize(self.pages.len() + PAGE, 0);
        (self.cells, self.top) = (0, PAGE);
        true
    }

    /// Writes the header of a page of the tree.
    fn end_leaf(&mut self, index: usize, header: usize, kind: u8, cells: usize) {
        let at = index * PAGE + header;
        // As a number of two bytes, 65536 is 0.
        let top = (self.top as u16).to_be_bytes();
        let cells = (cells as u16).to_be_bytes();
        let bytes = [kind, 0, 0, cells[0], cells[1], top[0], top[1], 0];
        self.pages[at..at + 8].copy_from_slice(&bytes);
    }

    /// The finished file. No rows can be added any more.
    pub(super) fn finish(&mut self) -> &[u8] {
        if std::mem::replace(&mut self.is_finished, true) {
            return &self.pages;
        }
        let last = self.keys.len() + 2;
        self.end_leaf(last, 0, LEAF, self.cells);
        if self.keys.is_empty() {
            // The root is the leaf.
            self.pages.copy_within(2 * PAGE..3 * PAGE, PAGE);
            self.pages.truncate(2 * PAGE);
        } else {
            self.root();
        }
        let pages = (self.pages.len() / PAGE) as u32;
        self.pages[28..32].copy_from_slice(&pages.to_be_bytes());
        &self.pages
    }

    /// Each leaf but the last has a cell with its page and its largest row.
    fn root(&mut self) {
        let page = &mut self.pages[PAGE..2 * PAGE];
        let mut top = PAGE;
        for (index, key) in self.keys.iter().enumerate() {
            let mut cell = [0; 13];
            cell[..4].copy_from_slice(&(index as u32 + 3).to_be_bytes());
            let length = 4 + varint(&mut cell[4..], *key);
            page[top - length..top].copy_from_slice(&cell[..length]);
            top -= length;
            let pointer = 12 + 2 * index;
            page[pointer..pointer + 2].copy_from_slice(&(top as u16).to_be_bytes());
        }
        let last = self.keys.len() as u32 + 3;
        page[8..12].copy_from_slice(&last.to_be_bytes());
        self.top = top;
        self.end_leaf(1, 0, INTERIOR, self.keys.len());
    }

    #[inline]
    fn int(&mut self, number: i64) {
        let size = if number < 0 { !number } else { number };
        let (kind, length) = match 64 - size.leading_zeros() {
            0..=1 if number >= 0 => (8 + number as u8, 0),
            0..=7 => (1, 1),
            8..=15 => (2, 2),
            16..=23 => (3, 3),
            24..=31 => (4, 4),
            32..=47 => (5, 6),
            _ => (6, 8),
        };
        self.types.push(kind);
        // All eight bytes, and back: the length of what is copied is then known to the compiler.
        let end = self.values.len() + length;
        let first = (number as u64).checked_shl(64 - 8 * length as u32).unwrap_or(0);
        self.values.extend_from_slice(&first.to_be_bytes());
        self.values.truncate(end);
    }

    #[inline]
    fn float(&mut self, number: f64) {
        // SQLite has no NaN.
        if number.is_nan() {
            return self.types.push(0);
        }
        self.types.push(7);
        self.values.extend_from_slice(&number.to_be_bytes());
    }

    #[inline]
    fn text(&mut self, text: &[u8]) {
        self.varint_type(text.len() as u64 * 2 + 13);
        self.values.extend_from_slice(text);
    }

    #[inline]
    fn varint_type(&mut self, kind: u64) {
        if kind < 128 {
            return self.types.push(kind as u8);
        }
        let mut bytes = [0; 9];
        let length = varint(&mut bytes, kind);
        self.types.extend_from_slice(&bytes[..length]);
    }
}

/// Whether a column of type REAL keeps the whole number as one.
fn is_short(number: i64) -> bool {
    number.unsigned_abs() <= 0x7fff_ffff_ffff
}

/// Seven bits a byte, the highest first; lengths and rows are below 2^56.
#[inline]
fn varint(bytes: &mut [u8], number: u64) -> usize {
    let length = (64 - (number | 1).leading_zeros() as usize).div_ceil(7);
    for (index, byte) in bytes[..length].iter_mut().enumerate() {
        *byte = (number >> (7 * (length - 1 - index))) as u8 | 0x80;
    }
    bytes[length - 1] &= 0x7f;
    length
}

/// The first 100 bytes of the file.
fn header() -> [u8; 100] {
    let mut header = [0; 100];
    header[..16].copy_from_slice(b"SQLite format 3\0");
    // Pages of 65536 bytes; a rollback journal; fractions as the format has fixed them.
    header[16..24].copy_from_slice(&[0, 1, 1, 1, 0, 64, 32, 32]);
    // Number of changes; the same again says that the number of pages is right.
    header[27] = 1;
    header[95] = 1;
    // Schema 1 of format 4, in UTF-8.
    header[43] = 1;
    header[47] = 4;
    header[59] = 1;
    header[96..].copy_from_slice(&rusqlite::version_number().to_be_bytes());
    header
}
