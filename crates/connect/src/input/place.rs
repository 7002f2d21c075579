//! Places in the input.

use memchr::memchr_iter;
use std::sync::Arc;
use trommel::Origin;

/// A place in one file or stream.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Place {
    /// Bytes before it.
    pub(crate) offset: u64,
    /// Records before it, a header not counted.
    pub(crate) record: u64,
    /// Line it is on, the first being 1.
    pub(crate) line: u64,
}

impl Default for Place {
    fn default() -> Self {
        Place { offset: 0, record: 0, line: 1 }
    }
}

impl Place {
    /// The place behind `data`, which starts here and holds `rows` records.
    pub(crate) fn after(self, data: &[u8], rows: usize) -> Place {
        self.after_lines(data.len(), rows, line_ends(data))
    }

    /// The same, behind so many bytes with so many ends of lines.
    pub(super) fn after_lines(self, bytes: usize, rows: usize, lines: usize) -> Place {
        Place {
            offset: self.offset + bytes as u64,
            record: self.record + rows as u64,
            line: self.line + lines as u64,
        }
    }

    pub(crate) fn origin(self, source: &Arc<str>) -> Origin {
        Origin {
            source: Some((**source).into()),
            record: Some(self.record),
            line: Some(self.line),
            offset: Some(self.offset),
        }
    }
}

pub(super) fn line_ends(data: &[u8]) -> usize {
    memchr_iter(b'\n', data).count()
}
