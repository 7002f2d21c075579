//! Pieces of row groups, decoded by the worker that walks them.

use super::input::Piece;
use crate::arrow::many::with_schema;
use crate::arrow::{Frame, Row, Shape};
use arrow_array::RecordBatch;
use arrow_schema::SchemaRef;
use parquet::arrow::arrow_reader::ParquetRecordBatchReader;
use std::cell::OnceCell;
use std::sync::Arc;
use trommel::{Error, Origin, Result};

/// Rows that are decoded at once: their values are still in the cache when they are visited.
pub(super) const FRAME_ROWS: usize = 8192;

/// Some rows of a row group; decoded while they are walked.
#[derive(Default)]
pub struct Batch {
    shape: Option<Arc<Shape>>,
    piece: Option<Piece>,
    reader: Option<ParquetRecordBatchReader>,
    /// Rows borrow from frames while later ones are decoded, so each has a cell of its own.
    frames: Vec<OnceCell<Frame>>,
}

impl Batch {
    pub(super) fn clear(&mut self) {
        self.piece = None;
        self.reader = None;
        self.frames.clear();
    }

    pub(super) fn fill(&mut self, shape: &Arc<Shape>, piece: Piece) {
        self.clear();
        self.shape = Some(Arc::clone(shape));
        self.frames.resize_with(piece.rows.div_ceil(FRAME_ROWS), OnceCell::new);
        self.piece = Some(piece);
    }
}

impl trommel::Batch for Batch {
    type Row<'a> = Row<'a>;

    fn len(&self) -> usize {
        self.piece.as_ref().map_or(0, |piece| piece.rows)
    }

    fn for_each<'a, F>(&'a mut self, from: usize, mut visit: F) -> Result<()>
    where
        F: FnMut(Result<Row<'a>>) -> Result<()>,
    {
        let Batch { shape, piece, reader, frames } = self;
        let (Some(shape), Some(piece)) = (&*shape, &*piece) else {
            return Ok(());
        };
        let first = piece.record();
        let mut row = 0;
        for cell in &*frames {
            if row >= piece.rows {
                break;
            }
            let frame = match cell.get() {
                Some(frame) => frame,
                None => {
                    let batch = next(piece, reader, FRAME_ROWS)?;
                    cell.get_or_init(|| Frame::new(&batch))
                }
            };
            for index in from.saturating_sub(row).min(frame.rows())..frame.rows() {
                visit(Ok(Row::new(shape, frame, index, first + (row + index) as u64)))?;
            }
            row += frame.rows();
        }
        Ok(())
    }

    fn locate(&self, rows: &[usize], found: &mut dyn FnMut(usize, Origin, &[u8])) {
        let Some(piece) = &self.piece else { return };
        for &row in rows {
            found(row, origin(piece, row), &[]);
        }
    }
}

impl std::fmt::Debug for Batch {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Batch").field("piece", &self.piece).finish_non_exhaustive()
    }
}

/// Some rows of a row group as [`RecordBatch`]es of up to 8,192 rows: each is a row of the batch.
#[derive(Default)]
pub struct ColumnarBatch {
    /// What all record batches have, those of other files too.
    schema: Option<SchemaRef>,
    piece: Option<Piece>,
    reader: Option<ParquetRecordBatchReader>,
    /// Record batches that the reader has given.
    decoded: usize,
}

impl ColumnarBatch {
    pub(super) fn clear(&mut self) {
        *self = ColumnarBatch::default();
    }

    pub(super) fn fill(&mut self, schema: &SchemaRef, piece: Option<Piece>) {
        let schema = Some(Arc::clone(schema));
        *self = ColumnarBatch { schema, piece, ..ColumnarBatch::default() };
    }
}

impl trommel::Batch for ColumnarBatch {
    type Row<'a> = RecordBatch;

    fn len(&self) -> usize {
        self.piece.as_ref().map_or(0, |piece| piece.rows.div_ceil(FRAME_ROWS))
    }

    fn for_each<'a, F>(&'a mut self, from: usize, mut visit: F) -> Result<()>
    where
        F: FnMut(Result<Self::Row<'a>>) -> Result<()>,
    {
        let count = self.len();
        let ColumnarBatch { schema: Some(schema), piece: Some(piece), reader, decoded } = self
        else {
            return Ok(());
        };
        if *decoded > from {
            (*reader, *decoded) = (None, 0);
        }
        while *decoded < count {
            let batch = next(piece, reader, FRAME_ROWS)?;
            *decoded += 1;
            if *decoded > from {
                visit(Ok(with_schema(batch, schema)?))?;
            }
        }
        Ok(())
    }

    fn locate(&self, rows: &[usize], found: &mut dyn FnMut(usize, Origin, &[u8])) {
        let Some(piece) = &self.piece else { return };
        for &row in rows {
            found(row, origin(piece, row * FRAME_ROWS), &[]);
        }
    }
}

impl std::fmt::Debug for ColumnarBatch {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("ColumnarBatch").field("piece", &self.piece).finish_non_exhaustive()
    }
}

fn origin(piece: &Piece, row: usize) -> Origin {
    Origin {
        source: Some(piece.input.name.clone()),
        record: Some(piece.record() + row as u64),
        ..Origin::default()
    }
}

/// The next rows of a piece.
fn next(
    piece: &Piece,
    reader: &mut Option<ParquetRecordBatchReader>,
    rows: usize,
) -> Result<RecordBatch> {
    let reader = match reader {
        Some(reader) => reader,
        None => reader.insert(piece.reader(rows)?),
    };
    match reader.next() {
        Some(batch) => batch.map_err(|error| piece.explain(error)),
        None => Err(Error::fatal(format!(
            "{}: row group {} has fewer rows than the footer says",
            piece.input.name, piece.group
        ))),
    }
}
