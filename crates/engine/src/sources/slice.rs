//! Records in memory, borrowed and never copied.

use crate::batch::Batch;
use crate::error::Result;
use crate::source::{Fill, Limit, Size, Source};

/// Records of a slice, each as `&T`.
///
/// ```
/// use trommel::{Engine, Pipeline, sinks, sources};
/// let mut sum = sinks::fold(|| 0u64, |sum: &mut u64, value: u64| *sum += value, |sum, part| *sum += part);
/// Pipeline::from(sources::slice(&[1u64, 2, 3])).map(|value| *value).load_into(&mut sum).run(&Engine::new()?)?;
/// assert_eq!(sum.into_value(), 6);
/// # Ok::<(), trommel::Error>(())
/// ```
pub fn slice<T: Sync + 'static>(records: &[T]) -> Slice<'_, T> {
    Slice { size: records.len(), rest: records }
}

/// Records of a slice, each as `&mut T`: the transform changes them where they are.
pub fn slice_mut<T: Send + 'static>(records: &mut [T]) -> SliceMut<'_, T> {
    SliceMut { size: records.len(), rest: records }
}

macro_rules! slice_source {
    ($source:ident, $batch:ident, $bound:ident, ($($mutable:tt)?), $split:ident, $iter:ident, $what:literal) => {
        #[doc = $what]
        #[derive(Debug)]
        pub struct $source<'s, T> {
            size: usize,
            rest: &'s $($mutable)? [T],
        }

        /// A piece of the slice.
        #[derive(Debug)]
        pub struct $batch<'s, T>(&'s $($mutable)? [T]);

        impl<T> Default for $batch<'_, T> {
            fn default() -> Self {
                $batch(& $($mutable)? [])
            }
        }

        impl<'s, T: $bound + 'static> Batch for $batch<'s, T>
        where
            &'s $($mutable)? [T]: Send,
        {
            type Row<'a> = &'a $($mutable)? T;

            fn len(&self) -> usize {
                self.0.len()
            }

            #[inline]
            fn for_each<'a, F>(&'a mut self, from: usize, mut visit: F) -> Result<()>
            where
                F: FnMut(Result<&'a $($mutable)? T>) -> Result<()>,
            {
                for record in self.0[from..].$iter() {
                    visit(Ok(record))?;
                }
                Ok(())
            }

            fn split_off(&mut self, at: usize, tail: &mut Self) -> bool {
                let (head, rest) = std::mem::take(&mut self.0).$split(at);
                self.0 = head;
                tail.0 = rest;
                true
            }
        }

        impl<'s, T: $bound + 'static> Source for $source<'s, T>
        where
            &'s $($mutable)? [T]: Send,
        {
            type Batch = $batch<'s, T>;

            fn fill(&mut self, batch: &mut Self::Batch, limit: &Limit<'_>) -> Result<Fill> {
                let rows = limit.rows().min(self.rest.len());
                let (head, rest) = std::mem::take(&mut self.rest).$split(rows);
                batch.0 = head;
                self.rest = rest;
                Ok(if self.rest.is_empty() { Fill::End } else { Fill::More })
            }

            fn may_block(&self) -> bool {
                false
            }

            fn size(&self) -> Size {
                Size { rows: Some(self.size as u64), bytes: None }
            }
        }
    };
}

slice_source!(Slice, SliceBatch, Sync, (), split_at, iter, "See [`slice()`].");
slice_source!(SliceMut, SliceMutBatch, Send, (mut), split_at_mut, iter_mut, "See [`slice_mut`].");
