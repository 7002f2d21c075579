//! Records made from their number, in the worker.

use crate::batch::Batch;
use crate::error::Result;
use crate::position::Position;
use crate::source::{Fill, Limit, Size, Source};
use bumpalo::Bump;
use std::fmt;
use std::marker::PhantomData;
use std::ops::Range;
use std::sync::Arc;

/// Records `make(0)`, `make(1)`, … `make(rows - 1)`, made *in the worker*: what a record allocates
/// is freed on the thread that allocated it, several times quicker than on another.
///
/// ```
/// use trommel::{Engine, Pipeline, sinks, sources};
/// let mut squares = sinks::collect();
/// Pipeline::from(sources::generate(4, |id| id * id))
///     .map(|square| square)
///     .load_into(&mut squares)
///     .run(&Engine::new()?)?;
/// assert_eq!(squares.into_vec(), [0, 1, 4, 9]);
/// # Ok::<(), trommel::Error>(())
/// ```
pub fn generate<T, F>(rows: u64, make: F) -> Generate<F, T>
where
    F: Fn(u64) -> T + Send + Sync,
{
    Generate { ids: 0..rows, rows, make: Arc::new(make), makes: PhantomData }
}

/// Records made in the batch's own arena, from which they may borrow.
///
/// A closure can't say that its result borrows from its argument, so the maker is a
/// [`Generator`].
pub fn generate_in<G: Generator>(rows: u64, generator: G) -> GenerateIn<G> {
    GenerateIn { ids: 0..rows, rows, generator: Arc::new(generator) }
}

/// Makes records in an arena; see [`generate_in`].
///
/// ```
/// use bumpalo::Bump;
/// use trommel::{Engine, Pipeline, sinks, sources};
///
/// struct Names;
/// impl sources::Generator for Names {
///     type Row<'a> = &'a str;
///     fn make<'a>(&self, id: u64, arena: &'a Bump) -> &'a str {
///         arena.alloc_str(if id % 2 == 0 { "even" } else { "odd" })
///     }
/// }
/// let mut letters = sinks::fold(|| 0, |sum: &mut usize, name: &str| *sum += name.len(), |sum, part| *sum += part);
/// Pipeline::from(sources::generate_in(4, Names))
///     .transform(|name, out| out.emit(name))
///     .load_into(&mut letters)
///     .run(&Engine::new()?)?;
/// assert_eq!(letters.into_value(), 14);
/// # Ok::<(), trommel::Error>(())
/// ```
pub trait Generator: Send + Sync {
    /// A record, which may borrow from the arena.
    type Row<'a>;

    /// Makes record number `id`.
    fn make<'a>(&self, id: u64, arena: &'a Bump) -> Self::Row<'a>;
}

macro_rules! generate_source {
    ($source:ident, $batch:ident, $field:ident, $maker:ident $(, $row:ident)?, [$($bounds:tt)*]) => {
        impl<$maker: $($bounds)* $(, $row)?> Source for $source<$maker $(, $row)?> {
            type Batch = $batch<$maker $(, $row)?>;

            fn fill(&mut self, batch: &mut Self::Batch, limit: &Limit<'_>) -> Result<Fill> {
                let end = self.ids.end.min(self.ids.start.saturating_add(limit.rows() as u64));
                batch.ids = self.ids.start..end;
                batch.limit(limit);
                // Once per batch buffer, not once per batch: the count is shared by all workers.
                batch.$field.get_or_insert_with(|| Arc::clone(&self.$field));
                self.ids.start = end;
                Ok(if self.ids.is_empty() { Fill::End } else { Fill::More })
            }

            fn may_block(&self) -> bool {
                false
            }

            fn position(&self) -> Option<Position> {
                Some(Position::from_numbers(&[self.ids.start]))
            }

            fn seek(&mut self, position: &Position) -> Result<()> {
                match position.numbers().as_deref() {
                    Some(&[id]) if id <= self.rows => self.ids.start = id,
                    _ => return Err(crate::Error::fatal("not a position of this generator")),
                }
                Ok(())
            }

            fn size(&self) -> Size {
                Size { rows: Some(self.rows), bytes: None }
            }
        }

        impl<$maker $(, $row)?> fmt::Debug for $source<$maker $(, $row)?> {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.debug_struct(stringify!($source)).field("ids", &self.ids).finish_non_exhaustive()
            }
        }

        impl<$maker $(, $row)?> fmt::Debug for $batch<$maker $(, $row)?> {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.debug_struct(stringify!($batch)).field("ids", &self.ids).finish_non_exhaustive()
            }
        }
    };
}

generate_source!(Generate, GenerateBatch, make, F, T, [Fn(u64) -> T + Send + Sync]);
generate_source!(GenerateIn, GenerateInBatch, generator, G, [Generator]);

/// See [`generate`].
pub struct Generate<F, T> {
    ids: Range<u64>,
    rows: u64,
    make: Arc<F>,
    makes: PhantomData<fn() -> T>,
}

/// A range of ids, turned into records by the worker.
pub struct GenerateBatch<F, T> {
    ids: Range<u64>,
    make: Option<Arc<F>>,
    makes: PhantomData<fn() -> T>,
}

impl<F, T> GenerateBatch<F, T> {
    fn limit(&mut self, _limit: &Limit<'_>) {}
}

impl<F, T> Default for GenerateBatch<F, T> {
    fn default() -> Self {
        GenerateBatch { ids: 0..0, make: None, makes: PhantomData }
    }
}

impl<F: Fn(u64) -> T + Send + Sync, T> Batch for GenerateBatch<F, T> {
    type Row<'a> = T;

    fn len(&self) -> usize {
        (self.ids.end - self.ids.start) as usize
    }

    #[inline]
    fn for_each<'a, V>(&'a mut self, from: usize, mut visit: V) -> Result<()>
    where
        V: FnMut(Result<Self::Row<'a>>) -> Result<()>,
    {
        let Some(make) = self.make.as_deref() else {
            return Ok(());
        };
        for id in self.ids.start + from as u64..self.ids.end {
            visit(Ok(make(id)))?;
        }
        Ok(())
    }

    fn split_off(&mut self, at: usize, tail: &mut Self) -> bool {
        let middle = self.ids.start + at as u64;
        tail.ids = middle..self.ids.end;
        tail.make.clone_from(&self.make);
        self.ids.end = middle;
        true
    }
}

/// See [`generate_in`].
pub struct GenerateIn<G> {
    ids: Range<u64>,
    rows: u64,
    generator: Arc<G>,
}

/// A range of ids and the arena for their records.
pub struct GenerateInBatch<G> {
    ids: Range<u64>,
    generator: Option<Arc<G>>,
    arena: Bump,
    /// Bytes at which the arena is full and the walk pauses.
    full_bytes: usize,
}

impl<G> GenerateInBatch<G> {
    fn limit(&mut self, limit: &Limit<'_>) {
        self.full_bytes = limit.bytes();
    }
}

impl<G> Default for GenerateInBatch<G> {
    fn default() -> Self {
        GenerateInBatch { ids: 0..0, generator: None, arena: Bump::new(), full_bytes: usize::MAX }
    }
}

impl<G: Generator> Batch for GenerateInBatch<G> {
    type Row<'a> = G::Row<'a>;

    fn len(&self) -> usize {
        (self.ids.end - self.ids.start) as usize
    }

    fn bytes(&self) -> usize {
        self.arena.allocated_bytes()
    }

    #[inline]
    fn for_each<'a, V>(&'a mut self, from: usize, mut visit: V) -> Result<()>
    where
        V: FnMut(Result<G::Row<'a>>) -> Result<()>,
    {
        self.arena.reset();
        // A chunk that is kept counts as used.
        if self.arena.allocated_bytes() > self.full_bytes / 2 {
            self.arena = Bump::new();
        }
        let Some(generator) = self.generator.as_deref() else {
            return Ok(());
        };
        for id in self.ids.start + from as u64..self.ids.end {
            visit(Ok(generator.make(id, &self.arena)))?;
            if self.arena.allocated_bytes() > self.full_bytes {
                break;
            }
        }
        Ok(())
    }

    fn split_off(&mut self, at: usize, tail: &mut Self) -> bool {
        let middle = self.ids.start + at as u64;
        tail.ids = middle..self.ids.end;
        tail.generator.clone_from(&self.generator);
        tail.full_bytes = self.full_bytes;
        self.ids.end = middle;
        true
    }
}
