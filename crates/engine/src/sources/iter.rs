//! Records from any iterator.

use crate::batch::Batch;
use crate::error::Result;
use crate::source::{Fill, Limit, Size, Source};
use std::fmt;
use std::time::{Duration, Instant};
use std::vec::Drain;

/// Most items taken between two looks at the clock.
const MAX_STRIDE: usize = 128;
/// An iterator that takes longer than this for a stride is slow: idle workers get what there is.
const SLOW: Duration = Duration::from_micros(50);

/// Records of an iterator, each as `&mut T`; dropped on the thread that made them.
///
/// Use [`Iter::owned`] to get each record itself.
///
/// Nobody can see that an iterator waits inside `next`: the records that it gave before, and that
/// are not a full batch yet, wait with it. A program whose records come now and then uses
/// [`channel`](crate::sources::channel()), where none waits.
pub fn iter<I>(items: I) -> Iter<I::IntoIter>
where
    I: IntoIterator,
    I::IntoIter: Send,
    I::Item: Send + 'static,
{
    let items = items.into_iter();
    let rows = match items.size_hint() {
        (low, Some(high)) if low == high => Some(low as u64),
        _ => None,
    };
    Iter { pull: Pull { items, stride: 1, ended: false, rows, may_block: true } }
}

/// See [`iter`].
pub struct Iter<I> {
    pull: Pull<I>,
}

impl<I: Iterator> Iter<I> {
    /// Promises that the iterator never waits, for another thread or for input: no thread of its own
    /// stands between it and the workers then, they call it in turns.
    ///
    /// A record that is [`owned`](Self::owned) is then made, used and dropped by one thread, but for
    /// batches that are cut over several workers. That matters for records with heap memory, which
    /// costs several times as much to give back on another thread than the one that took it.
    ///
    /// An iterator that waits all the same holds a worker meanwhile, which other pipelines of the
    /// engine may need: do not promise it for one that waits for another pipeline.
    ///
    /// ```
    /// use trommel::{Engine, Pipeline, sinks, sources};
    /// let names = (0..1_000).map(|id| format!("user {id}"));
    /// let mut bytes = sinks::fold(
    ///     || 0,
    ///     |sum: &mut usize, name: String| *sum += name.len(),
    ///     |sum, more| *sum += more,
    /// );
    /// Pipeline::from(sources::iter(names).never_blocks().owned())
    ///     .load_into(&mut bytes)
    ///     .run(&Engine::new()?)?;
    /// assert_eq!(bytes.into_value(), 7_890);
    /// # Ok::<(), trommel::Error>(())
    /// ```
    #[must_use]
    pub fn never_blocks(mut self) -> Self {
        self.pull.may_block = false;
        self
    }

    /// The same records, each handed to the transform by value.
    ///
    /// ```
    /// use trommel::{Engine, Pipeline, sinks, sources};
    /// let names = vec!["Ada".to_string(), "Grace".to_string()];
    /// let mut kept = sinks::collect();
    /// Pipeline::from(sources::iter(names).owned())
    ///     .map(|name| name) // moved, not copied
    ///     .load_into(&mut kept)
    ///     .run(&Engine::new()?)?;
    /// assert_eq!(kept.into_vec(), ["Ada", "Grace"]);
    /// # Ok::<(), trommel::Error>(())
    /// ```
    pub fn owned(self) -> OwnedIter<I> {
        OwnedIter { pull: self.pull }
    }
}

/// See [`Iter::owned`].
pub struct OwnedIter<I> {
    pull: Pull<I>,
}

impl<I> OwnedIter<I> {
    /// As [`Iter::never_blocks`]; either may come first.
    #[must_use]
    pub fn never_blocks(mut self) -> Self {
        self.pull.may_block = false;
        self
    }
}

/// Records that the transform takes out of the batch.
#[derive(Debug)]
pub struct OwnedBatch<T> {
    /// Records that have not been taken, when `left` is empty.
    rows: Vec<T>,
    /// What a walk that was stopped has left; a list of its own, so that taking records from the
    /// front costs nothing.
    left: Vec<T>,
    /// All records, those that have been taken included.
    len: usize,
}

/// Keeps what is left of a walk, also when it ends with a panic.
struct Walk<'a, T> {
    rows: Drain<'a, T>,
    left: &'a mut Vec<T>,
}

impl<T> Drop for Walk<'_, T> {
    fn drop(&mut self) {
        self.left.extend(self.rows.by_ref());
    }
}

impl<T> OwnedBatch<T> {
    pub(super) fn clear(&mut self) {
        self.rows.clear();
        self.left.clear();
        self.len = 0;
    }

    pub(super) fn push(&mut self, record: T) {
        self.rows.push(record);
        self.len += 1;
    }
}

impl<T> Default for OwnedBatch<T> {
    fn default() -> Self {
        OwnedBatch { rows: Vec::new(), left: Vec::new(), len: 0 }
    }
}

impl<T: Send> Batch for OwnedBatch<T> {
    type Row<'a> = T;

    fn len(&self) -> usize {
        self.len
    }

    fn bytes(&self) -> usize {
        (self.rows.len() + self.left.len()) * size_of::<T>()
    }

    #[inline]
    fn for_each<'a, F>(&'a mut self, _from: usize, mut visit: F) -> Result<()>
    where
        F: FnMut(Result<Self::Row<'a>>) -> Result<()>,
    {
        // Those before `from` are gone.
        if !self.left.is_empty() {
            std::mem::swap(&mut self.rows, &mut self.left);
        }
        let mut walk = Walk { rows: self.rows.drain(..), left: &mut self.left };
        for record in walk.rows.by_ref() {
            visit(Ok(record))?;
        }
        Ok(())
    }

    fn split_off(&mut self, at: usize, tail: &mut Self) -> bool {
        tail.clear();
        tail.rows.extend(self.rows.drain(at..));
        tail.len = tail.rows.len();
        self.len = self.rows.len();
        true
    }
}

/// Takes items from an iterator that may be slow.
struct Pull<I> {
    items: I,
    stride: usize,
    ended: bool,
    rows: Option<u64>,
    may_block: bool,
}

impl<I: Iterator> Pull<I> {
    /// Fills `rows`, which is empty.
    fn fill(&mut self, rows: &mut Vec<I::Item>, limit: &Limit<'_>) -> Fill {
        if self.ended {
            return Fill::End;
        }
        let began = Instant::now();
        let mut last = began;
        let wanted = limit.rows().min(limit.bytes() / size_of::<I::Item>().max(1)).max(1);
        while rows.len() < wanted {
            let stride = self.stride.min(wanted - rows.len());
            let enough = rows.len() + stride;
            rows.extend(self.items.by_ref().take(stride));
            if rows.len() < enough {
                self.ended = true;
                return Fill::End;
            }
            let now = Instant::now();
            let took = now - last;
            last = now;
            if took < SLOW / 4 {
                self.stride = (self.stride * 2).min(MAX_STRIDE);
            } else if took > SLOW {
                self.stride = (self.stride / 2).max(1);
            }
            let late = now - began >= limit.flush_timeout();
            if late || limit.is_cancelled() || (took > SLOW && limit.workers_idle()) {
                break;
            }
        }
        Fill::More
    }

    fn size(&self) -> Size {
        Size { rows: self.rows, bytes: None }
    }
}

impl<I: Iterator<Item: Send + 'static> + Send> Source for Iter<I> {
    type Batch = Vec<I::Item>;

    fn fill(&mut self, batch: &mut Self::Batch, limit: &Limit<'_>) -> Result<Fill> {
        batch.clear();
        Ok(self.pull.fill(batch, limit))
    }

    fn may_block(&self) -> bool {
        self.pull.may_block
    }

    fn size(&self) -> Size {
        self.pull.size()
    }
}

impl<I: Iterator<Item: Send> + Send> Source for OwnedIter<I> {
    type Batch = OwnedBatch<I::Item>;

    fn fill(&mut self, batch: &mut Self::Batch, limit: &Limit<'_>) -> Result<Fill> {
        batch.clear();
        let fill = self.pull.fill(&mut batch.rows, limit);
        batch.len = batch.rows.len();
        Ok(fill)
    }

    fn may_block(&self) -> bool {
        self.pull.may_block
    }

    fn size(&self) -> Size {
        self.pull.size()
    }
}

impl<I> fmt::Debug for Iter<I> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Iter").field("rows", &self.pull.rows).finish_non_exhaustive()
    }
}

impl<I> fmt::Debug for OwnedIter<I> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("OwnedIter").field("rows", &self.pull.rows).finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Symptom: `iter(..).owned().never_blocks()` did not compile. Cause: only [`Iter`] took the promise.
    /// Fix: both do, and neither loses it.
    #[test]
    fn the_promise_holds_before_owned_and_after_it() {
        assert!(iter(0..9).may_block() && iter(0..9).owned().may_block());
        assert!(!iter(0..9).never_blocks().owned().may_block());
        assert!(!iter(0..9).owned().never_blocks().may_block());
    }
}
