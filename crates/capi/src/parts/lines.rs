//! `lines:PATH`.

use super::connected::{Cell, Cells, Decode};
use super::text::{self, Format};
use super::{Ask, Opened};
use crate::plan::{Column, Kind};
use engine::{Bump, Error, Result};
use std::io::Read;
use std::path::Path;
use trommel_connect::lines::{Batch, Source};

/// Opens a source of one column, `line`.
pub(super) fn source(ask: &Ask<'_>) -> Result<Opened> {
    text::open(Lines, ask, ask.url.settings())
}

struct Lines;

impl Format for Lines {
    type Source = Source;

    fn file(self, path: &Path) -> Result<Source> {
        Source::open(path)
    }

    fn files(self, pattern: &str) -> Result<Source> {
        Source::open_glob(pattern)
    }

    fn directory(self, path: &Path) -> Result<Source> {
        Source::open_directory(path)
    }

    fn reader(self, name: String, reader: impl Read + Send + 'static) -> Result<Source> {
        Source::from_reader(name, reader)
    }

    fn columns(_: &Source, _: &[Column]) -> Result<((), Vec<Column>)> {
        Ok(((), vec![Column::of("line", Kind::Text)]))
    }
}

impl Decode for Batch {
    type Shape = ();

    #[inline]
    fn read(
        row: &&[u8],
        (): &(),
        (_, kind): (usize, Kind),
        _: &Bump,
        cells: &mut impl Cells,
    ) -> Result<()> {
        match kind {
            Kind::Blob => cells.put(Cell::Blob(row)),
            Kind::Any | Kind::Text => cells.put(Cell::Text(std::str::from_utf8(row)?)),
            _ => Err(Error::config("a line is read as TEXT or BLOB").in_column("line")),
        }
    }
}
