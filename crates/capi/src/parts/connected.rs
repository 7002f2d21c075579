//! Any source of `trommel-connect` as one of rows with columns.

use super::Opened;
use crate::page::RowPage;
use crate::plan::{Column, Kind, Plan};
use crate::rows::{Rows, Table};
use crate::source::Input;
use crate::value::Value;
#[cfg(feature = "sqlite")]
use engine::Page as _;
use engine::{Bump, Error, Fill, Fingerprint, Limit, Origin, Position, Result, Size, Source};
use std::any::Any;
use std::fmt::{self, Debug};
use std::sync::Arc;

/// A batch whose rows can be read column by column.
pub(super) trait Decode: engine::Batch + Debug + 'static {
    /// What is known of the columns from the start.
    type Shape: Debug + Send + Sync + 'static;

    /// Puts the value of a column, given its index in the source, into `cells`. Texts and bytes lie in the
    /// batch or in `arena`.
    fn read(
        row: &Self::Row<'_>,
        shape: &Self::Shape,
        column: (usize, Kind),
        arena: &Bump,
        cells: &mut impl Cells,
    ) -> Result<()>;
}

/// What a field holds.
#[derive(Debug, Clone, Copy)]
pub(super) enum Cell<'a> {
    Null,
    Integer(i64),
    Real(f64),
    Text(&'a str),
    Blob(&'a [u8]),
}

/// Takes the values of a row, one behind the other.
pub(super) trait Cells {
    fn put(&mut self, cell: Cell<'_>) -> Result<()>;
}

/// What a source has for a field, or NULL.
macro_rules! from_options {
    ($($type:ty: $value:ident => $cell:expr;)*) => {$(
        impl<'a> From<Option<$type>> for Cell<'a> {
            #[inline(always)]
            fn from(field: Option<$type>) -> Self {
                field.map_or(Cell::Null, |$value| $cell)
            }
        }
    )*};
}
from_options! {
    i64: number => Cell::Integer(number);
    f64: number => Cell::Real(number);
    bool: flag => Cell::Integer(flag.into());
    &'a str: text => Cell::Text(text);
    &'a [u8]: bytes => Cell::Blob(bytes);
}

/// A value as text, in `arena`.
pub(super) fn written<'a>(arena: &'a Bump, value: fmt::Arguments<'_>) -> Cell<'a> {
    Cell::Text(arena.alloc_str(&value.to_string()))
}

/// As C sees them; texts and bytes stay where they are.
struct Slots<'a>(std::slice::IterMut<'a, Value>);

impl Cells for Slots<'_> {
    #[inline(always)]
    fn put(&mut self, cell: Cell<'_>) -> Result<()> {
        let value = match cell {
            Cell::Null => Some(Value::NULL),
            Cell::Integer(number) => Some(Value::integer(number)),
            Cell::Real(number) => Some(Value::real(number)),
            Cell::Text(text) => Value::text(text),
            Cell::Blob(bytes) => Value::blob(bytes),
        };
        match (self.0.next(), value) {
            (Some(slot), Some(value)) => *slot = value,
            (_, None) => return Err(Error::row("a field is longer than 4 GiB")),
            (None, _) => {}
        }
        Ok(())
    }
}

/// Straight into the page of a table.
#[cfg(feature = "sqlite")]
impl Cells for trommel_connect::table::RowOf<'_> {
    #[inline(always)]
    fn put(&mut self, cell: Cell<'_>) -> Result<()> {
        use trommel_connect::table::Value;
        self.push(match cell {
            Cell::Null => Value::Null,
            Cell::Integer(number) => Value::Int(number),
            Cell::Real(number) => Value::Float(number),
            Cell::Text(text) => Value::Text(text),
            Cell::Blob(bytes) => Value::Blob(bytes),
        })
    }
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

/// Values that are decoded before they are put into a page: so many rows that the call of the page counts
/// for nothing, and so few that they stay in the cache (8 KiB).
const POURED: usize = 512;

/// A batch, and room for values that it does not hold as they are wanted.
#[derive(Debug)]
struct Held<B: Decode> {
    batch: B,
    arena: Bump,
    shape: Arc<B::Shape>,
    /// The values of some rows on their way into a page.
    poured: Vec<Value>,
}

impl<B: Decode> Held<B> {
    fn of(batch: B, shape: Arc<B::Shape>) -> Self {
        Held { batch, arena: Bump::new(), shape, poured: Vec::new() }
    }
}

/// Reads the cells of a row, one for each column that is wanted.
#[inline(always)]
fn read<B: Decode>(
    row: &B::Row<'_>,
    shape: &B::Shape,
    plan: &Plan,
    arena: &Bump,
    cells: &mut impl Cells,
) -> Result<()> {
    plan.inputs.iter().try_for_each(|input| B::read(row, shape, *input, arena, cells))
}

/// What [`Table::pour`] stops with; nobody sees it.
#[cold]
fn stop() -> Error {
    Error::fatal("the page is full, or has refused a row")
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
            let mut cells = Slots(values[start..].iter_mut());
            let decoded = row.and_then(|row| read::<B>(&row, shape, plan, arena, &mut cells));
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
        let Held { batch, arena, shape, poured } = self;
        let width = plan.inputs.len();
        if width == 0 {
            return 0;
        }
        // What is wrong with a row is told of by the walk, which comes to it next.
        #[cfg(feature = "sqlite")]
        if let Some(page) = page.table(width) {
            let mut rows = 0;
            let _ = batch.for_each(from, |row| {
                let (row, mark) = (row?, page.mark());
                page.push_row(|cells| read::<B>(&row, shape, plan, arena, cells))?;
                if page.bytes() > most_bytes {
                    page.rewind(mark);
                    return Err(stop());
                }
                rows += 1;
                Ok(())
            });
            return rows;
        }
        let most = (POURED / width).max(1);
        poured.resize(most * width, Value::NULL);
        let (mut rows, mut held) = (0, 0);
        let _ = batch.for_each(from, |row| {
            let mut cells = Slots(poured[held * width..][..width].iter_mut());
            read::<B>(&row?, shape, plan, arena, &mut cells)?;
            held += 1;
            if held == most {
                held = 0;
                let pushed = page.push_rows(poured, width, most_bytes);
                rows += pushed;
                if pushed < most {
                    return Err(stop());
                }
            }
            Ok(())
        });
        if held > 0 {
            rows += page.push_rows(&poured[..held * width], width, most_bytes);
        }
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
