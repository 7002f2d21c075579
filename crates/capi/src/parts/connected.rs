//! Any source of `trommel-connect` as one of rows with columns.

use super::Opened;
use crate::page::RowPage;
use crate::plan::{Column, Kind, Plan};
use crate::rows::{Rows, Table};
use crate::source::Input;
use crate::value::{Maker, Value};
use engine::{Bump, Error, Fill, Fingerprint, Limit, Origin, Position, Result, Size, Source};
use std::any::Any;
use std::fmt::{self, Debug};
use std::sync::Arc;

/// A batch whose rows can be read column by column.
pub(super) trait Decode: engine::Batch + Debug + 'static {
    /// What is known of the columns from the start.
    type Shape: Debug + Send + Sync + 'static;

    /// The value of a column, by its index in the source. Texts and bytes may lie in the batch or in
    /// `arena`.
    fn read(
        row: &Self::Row<'_>,
        shape: &Self::Shape,
        index: usize,
        kind: Kind,
        arena: &Bump,
    ) -> Result<Value>;
}

/// A text or bytes of any length up to 4 GiB.
#[inline]
pub(super) fn fits(value: Option<Value>) -> Result<Value> {
    value.ok_or_else(|| Error::row("a field is longer than 4 GiB"))
}

/// A value as text, in `arena`.
pub(super) fn written(arena: &Bump, value: fmt::Arguments<'_>) -> Result<Value> {
    fits(Value::text(arena.alloc_str(&value.to_string())))
}

/// A source, and what its batches need to know.
struct Connected<S: Source<Batch: Decode>> {
    source: S,
    shape: Arc<<S::Batch as Decode>::Shape>,
}

/// Makes a source one of rows with columns.
pub(super) fn opened<S>(
    source: S,
    shape: <S::Batch as Decode>::Shape,
    columns: Vec<Column>,
) -> Opened
where
    S: Source<Batch: Decode> + 'static,
{
    Opened { input: Box::new(Connected { source, shape: Arc::new(shape) }), columns }
}

impl<S: Source<Batch: Decode>> Input for Connected<S> {
    fn fill(&mut self, rows: &mut Rows, limit: &Limit<'_>, _: &Plan) -> Result<Fill> {
        if let Rows::Table(table) = rows
            && let Some(held) = table.any().downcast_mut::<Held<S::Batch>>()
        {
            held.arena.reset();
            return self.source.fill(&mut held.batch, limit);
        }
        let shape = Arc::clone(&self.shape);
        let mut held = Box::new(Held::of(S::Batch::default(), shape));
        let filled = self.source.fill(&mut held.batch, limit);
        *rows = Rows::Table(held);
        filled
    }

    fn may_block(&self) -> bool {
        self.source.may_block()
    }

    fn position(&self) -> Option<Position> {
        self.source.position()
    }

    fn seek(&mut self, position: &Position) -> Result<()> {
        self.source.seek(position)
    }

    fn fingerprint(&self) -> Result<Option<Fingerprint>> {
        self.source.fingerprint()
    }

    fn size(&self) -> Size {
        self.source.size()
    }

    fn bytes_read(&self) -> u64 {
        self.source.bytes_read()
    }
}

/// A batch, and room for values that it does not hold as they are wanted.
#[derive(Debug)]
struct Held<B: Decode> {
    batch: B,
    arena: Bump,
    shape: Arc<B::Shape>,
    /// The values of a row that goes to its page at once.
    row: Vec<Value>,
}

impl<B: Decode> Held<B> {
    fn of(batch: B, shape: Arc<B::Shape>) -> Self {
        Held { batch, arena: Bump::new(), shape, row: Vec::new() }
    }
}

/// Reads the cells of a row, one for each column that is wanted.
#[inline(always)]
fn read<B: Decode>(
    row: &B::Row<'_>,
    shape: &B::Shape,
    plan: &Plan,
    arena: &Bump,
    cells: &mut [Value],
) -> Result<()> {
    for (&(column, kind), cell) in plan.inputs.iter().zip(cells) {
        *cell = B::read(row, shape, column, kind, arena)?;
    }
    Ok(())
}

impl<B: Decode> Table for Held<B> {
    fn len(&self) -> usize {
        self.batch.len()
    }

    fn is_empty(&self) -> bool {
        self.batch.is_empty()
    }

    fn bytes(&self) -> usize {
        self.batch.bytes() + self.arena.allocated_bytes()
    }

    fn decode(
        &mut self,
        plan: &Plan,
        from: usize,
        values: &mut Vec<Value>,
        bad: &mut Vec<(usize, Error)>,
    ) -> Result<()> {
        let Held { batch, arena, shape, .. } = self;
        let width = plan.inputs.len();
        values.reserve(batch.len().saturating_sub(from) * width);
        let mut index = from;
        batch.for_each(from, |row| {
            let start = values.len();
            values.resize(start + width, Value::NULL);
            let cells = &mut values[start..];
            let decoded = row.and_then(|row| read::<B>(&row, shape, plan, arena, cells));
            if let Err(error) = decoded {
                values[start..].fill(Value::NULL);
                bad.push((index, error));
            }
            index += 1;
            Ok(())
        })
    }

    fn pour(
        &mut self,
        plan: &Plan,
        from: usize,
        page: &mut dyn RowPage,
        most_bytes: usize,
    ) -> usize {
        let Held { batch, arena, shape, row: values } = self;
        values.resize(plan.inputs.len(), Value::NULL);
        let mut rows = 0;
        // What is wrong with a row is told of by the walk, which comes to it next.
        let _ = batch.for_each(from, |row| {
            read::<B>(&row?, shape, plan, arena, values)?;
            match page.push(values, Maker::Library, most_bytes)? {
                true => rows += 1,
                false => return Err(Error::fatal("the page is full")),
            }
            Ok(())
        });
        rows
    }

    fn split_off(&mut self, at: usize) -> Option<Box<dyn Table>> {
        let mut batch = B::default();
        if !self.batch.split_off(at, &mut batch) {
            return None;
        }
        let shape = Arc::clone(&self.shape);
        Some(Box::new(Held::of(batch, shape)))
    }

    fn locate(&self, rows: &[usize], found: &mut dyn FnMut(usize, Origin, &[u8])) {
        self.batch.locate(rows, found);
    }

    fn any(&mut self) -> &mut dyn Any {
        self
    }
}
