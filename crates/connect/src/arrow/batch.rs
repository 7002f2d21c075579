//! Record batches of Arrow IPC, decoded by the worker that walks them.

use super::at::At;
use super::many::with_schema;
use super::row::{Frame, Row, Shape};
use super::source::Blocks;
use arrow_array::RecordBatch;
use arrow_ipc::reader::FileReader;
use std::io::BufReader;
use std::sync::Arc;
use trommel::{Error, Origin, Result};

/// Where a record batch is to be had from.
#[derive(Debug)]
pub(super) enum Piece {
    /// A file, the batch's number, the rows before it, and its rows.
    Block(Arc<Blocks>, usize, u64, usize),
    /// It has been read already; with the rows before it.
    Whole(RecordBatch, u64),
}

/// What both kinds of batch share.
#[derive(Default)]
struct Holder {
    shape: Option<Arc<Shape>>,
    piece: Option<Piece>,
    /// Kept from one use of the batch to the next: opening one reads the footer.
    reader: Option<(Arc<Blocks>, FileReader<BufReader<At>>)>,
}

impl Holder {
    fn rows(&self) -> usize {
        match &self.piece {
            None => 0,
            Some(Piece::Block(.., rows)) => *rows,
            Some(Piece::Whole(batch, _)) => batch.num_rows(),
        }
    }

    fn first(&self) -> u64 {
        match &self.piece {
            None => 0,
            Some(Piece::Block(_, _, first, _) | Piece::Whole(_, first)) => *first,
        }
    }

    fn decode(&mut self) -> Result<Option<RecordBatch>> {
        let (blocks, number) = match &self.piece {
            None => return Ok(None),
            Some(Piece::Whole(batch, _)) => return Ok(Some(batch.clone())),
            Some(Piece::Block(blocks, number, ..)) => (blocks, *number),
        };
        let failed = |error: arrow_schema::ArrowError| {
            Error::fatal(format!(
                "{}: record batch {number} can't be decoded: the file is damaged",
                blocks.name
            ))
            .caused_by(error)
        };
        let reader = match &mut self.reader {
            Some((of, reader)) if Arc::ptr_eq(of, blocks) => reader,
            other => &mut other.insert((Arc::clone(blocks), blocks.reader().map_err(failed)?)).1,
        };
        reader.set_index(number).map_err(failed)?;
        reader.next().transpose().map_err(failed)
    }

    fn locate(&self, rows: &[usize], found: &mut dyn FnMut(usize, Origin, &[u8])) {
        let Some(shape) = &self.shape else { return };
        let source = match &self.piece {
            Some(Piece::Block(blocks, ..)) => &blocks.name,
            _ => &shape.name,
        };
        for &row in rows {
            let record = Some(self.first() + row as u64);
            let source = Some(source.clone());
            found(row, Origin { source, record, ..Origin::default() }, &[]);
        }
    }
}

macro_rules! batch {
    ($batch:ident) => {
        impl $batch {
            pub(super) fn fill(&mut self, shape: &Arc<Shape>, piece: Option<Piece>) {
                self.frame = None;
                self.holder.shape = Some(Arc::clone(shape));
                self.holder.piece = piece;
            }
        }

        impl std::fmt::Debug for $batch {
            fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                f.debug_struct(stringify!($batch))
                    .field("rows", &self.holder.rows())
                    .finish_non_exhaustive()
            }
        }
    };
}

/// A record batch, walked row by row.
#[derive(Default)]
pub struct Batch {
    holder: Holder,
    frame: Option<Frame>,
}
batch!(Batch);

impl trommel::Batch for Batch {
    type Row<'a> = Row<'a>;

    fn len(&self) -> usize {
        self.holder.rows()
    }

    fn is_empty(&self) -> bool {
        // One without rows moves the position all the same.
        self.holder.piece.is_none()
    }

    fn for_each<'a, F>(&'a mut self, from: usize, mut visit: F) -> Result<()>
    where
        F: FnMut(Result<Row<'a>>) -> Result<()>,
    {
        if self.frame.is_none() {
            self.frame = self.holder.decode()?.map(|batch| Frame::new(&batch));
        }
        let first = self.holder.first();
        let (Some(frame), Some(shape)) = (&self.frame, &self.holder.shape) else {
            return Ok(());
        };
        for index in from..frame.rows() {
            visit(Ok(Row::new(shape, frame, index, first + index as u64)))?;
        }
        Ok(())
    }

    fn locate(&self, rows: &[usize], found: &mut dyn FnMut(usize, Origin, &[u8])) {
        self.holder.locate(rows, found);
    }
}

/// A record batch as one row.
#[derive(Default)]
pub struct ColumnarBatch {
    holder: Holder,
    frame: Option<()>,
}
batch!(ColumnarBatch);

impl trommel::Batch for ColumnarBatch {
    type Row<'a> = RecordBatch;

    fn len(&self) -> usize {
        usize::from(self.holder.piece.is_some())
    }

    fn for_each<'a, F>(&'a mut self, from: usize, mut visit: F) -> Result<()>
    where
        F: FnMut(Result<Self::Row<'a>>) -> Result<()>,
    {
        if from > 0 {
            return Ok(());
        }
        match (self.holder.decode()?, &self.holder.shape) {
            (Some(batch), Some(shape)) => visit(Ok(with_schema(batch, &shape.schema)?)),
            _ => Ok(()),
        }
    }

    fn locate(&self, rows: &[usize], found: &mut dyn FnMut(usize, Origin, &[u8])) {
        if let Some(row) = rows.first() {
            self.holder.locate(&[0], &mut |_, origin, raw| found(*row, origin, raw));
        }
    }
}
