//! Batches: what a source fills and a worker walks.

use crate::error::{Origin, Result};

/// The input buffer of up to `batch_size` rows that a source fills; owned and recycled.
///
/// Rows borrow from the batch and live as long as it is being transformed. A batch keeps its
/// capacity from one use to the next, so that the steady state allocates nothing.
///
/// A `Vec` of records is a batch, whose rows are `&mut` records. Its heap bytes are those of the records
/// themselves: what they own besides isn't known.
///
/// ```
/// use trommel::{Batch, Result};
///
/// /// Lines of text, cut on the worker.
/// #[derive(Default)]
/// struct Lines(String);
///
/// impl Batch for Lines {
///     type Row<'a> = &'a str;
///     fn len(&self) -> usize {
///         self.0.lines().count()
///     }
///     fn for_each<'a, F>(&'a mut self, from: usize, mut visit: F) -> Result<()>
///     where
///         F: FnMut(Result<Self::Row<'a>>) -> Result<()>,
///     {
///         self.0.lines().skip(from).try_for_each(|line| visit(Ok(line)))
///     }
/// }
/// ```
pub trait Batch: Send + Default {
    /// One row as the transform sees it: `&'a mut Record` for typed batches, a borrowed view for
    /// batches of bytes.
    ///
    /// There is no `where Self: 'a` on purpose: with it, a closure over `Row<'_>` could only ever
    /// be used with batches that are `'static` (a limit of today's type checker), and a batch that
    /// borrows the caller's slice is not.
    type Row<'a>;

    /// Rows in this batch. A batch of bytes that has not been parsed may answer with an estimate.
    fn len(&self) -> usize;

    /// Whether there is nothing in it.
    fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Heap bytes of the rows, for the memory limit. Borrowed data counts 0.
    fn bytes(&self) -> usize {
        0
    }

    /// Calls `visit` for each row from index `from` on, in order; `Err` stands for a row that could
    /// not be decoded. The first `from` rows are passed over (they were visited already).
    ///
    /// A batch that makes its rows as it goes may stop before the last one when it has used up the
    /// bytes of its limit: it is called again, with a higher `from`, once its rows are no longer
    /// borrowed. [`len`](Self::len) must then be exact.
    ///
    /// A row that does not borrow (`type Row<'a> = u64`) still has to be written as
    /// `Self::Row<'a>` in the bound of `F`.
    ///
    /// # Errors
    /// Stops at, and returns, the first error of `visit`.
    fn for_each<'a, F>(&'a mut self, from: usize, visit: F) -> Result<()>
    where
        F: FnMut(Result<Self::Row<'a>>) -> Result<()>;

    /// Moves the rows from index `at` on into `tail`, whose old content is thrown away, so that two
    /// workers can share one batch. Answers whether it did; batches that can't be cut say `false`.
    fn split_off(&mut self, at: usize, tail: &mut Self) -> bool {
        let _ = (at, tail);
        false
    }

    /// Looks up rows by index (ascending) and hands over where each came from and its raw bytes,
    /// for error messages and rejects. Called after [`for_each`](Self::for_each), rarely.
    fn locate(&self, rows: &[usize], found: &mut dyn FnMut(usize, Origin, &[u8])) {
        let _ = (rows, found);
    }
}

impl<T: Send + 'static> Batch for Vec<T> {
    type Row<'a> = &'a mut T;

    fn len(&self) -> usize {
        Vec::len(self)
    }

    fn bytes(&self) -> usize {
        size_of_val(self.as_slice())
    }

    #[inline]
    fn for_each<'a, F>(&'a mut self, from: usize, mut visit: F) -> Result<()>
    where
        F: FnMut(Result<&'a mut T>) -> Result<()>,
    {
        for record in &mut self[from..] {
            visit(Ok(record))?;
        }
        Ok(())
    }

    fn split_off(&mut self, at: usize, tail: &mut Self) -> bool {
        tail.clear();
        tail.extend(self.drain(at..));
        true
    }
}
