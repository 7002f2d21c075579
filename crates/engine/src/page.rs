//! Pages: what a batch became.

/// The sink's encoded output of one batch; owned and recycled.
///
/// `Vec<T>` is a page of rows or bytes. A page keeps its capacity when cleared. What the values of a
/// `Vec<T>` own themselves does not count as its bytes.
pub trait Page: Send + Default {
    /// Empties the page, keeping its capacity.
    fn clear(&mut self);

    /// Heap bytes in use, for the memory limit.
    fn bytes(&self) -> usize;

    /// A place to which [`rewind`](Self::rewind) can return, so that a row that fails after it has
    /// emitted something leaves nothing behind.
    fn mark(&self) -> usize;

    /// Takes back what was added since `mark`. An accumulator that can't may keep it.
    fn rewind(&mut self, mark: usize);

    /// Called in the worker when no more values come before the page is written: for what is done
    /// to all of them at once, such as compressing them.
    fn seal(&mut self) {}
}

impl<T: Send> Page for Vec<T> {
    fn clear(&mut self) {
        self.clear();
    }
    fn bytes(&self) -> usize {
        self.len() * size_of::<T>()
    }
    fn mark(&self) -> usize {
        self.len()
    }
    fn rewind(&mut self, mark: usize) {
        self.truncate(mark);
    }
}

/// The page of a sink that keeps nothing.
impl Page for () {
    fn clear(&mut self) {}
    fn bytes(&self) -> usize {
        0
    }
    fn mark(&self) -> usize {
        0
    }
    fn rewind(&mut self, _mark: usize) {}
}
