//! A block of whole lines.

use super::cutter::{Cutter, without_return};
use super::row::{Bytes, Kind};
use crate::input::Block;
use memchr::memchr_iter;
use std::marker::PhantomData;
use trommel::{Error, Origin, Result};

/// Whole lines, cut by the worker that walks them. The number of rows is exact.
#[derive(Debug)]
pub struct Batch<K = Bytes> {
    pub(super) block: Block,
    /// A last line without a line break is no row.
    pub(super) must_end: bool,
    kind: PhantomData<K>,
}

impl<K> Batch<K> {
    /// The lines without their line breaks. The last one has none when the input ends there.
    fn lines(&self) -> impl Iterator<Item = &[u8]> {
        let data = self.block.data();
        let unended = (!self.ends_well()).then_some(data.len());
        let mut start = 0;
        memchr_iter(b'\n', data).chain(unended).map(move |stop| {
            let line = &data[start..stop];
            start = stop + 1;
            without_return(line)
        })
    }

    fn ends_well(&self) -> bool {
        self.block.data().last().is_none_or(|last| *last == b'\n')
    }

    #[cold]
    fn fault(&self, row: usize, reason: String) -> Error {
        let mut origin = Origin::default();
        self.block.locate(Cutter::default(), &[row], &mut |_, place, _| origin = place);
        Error::row(reason).at(origin)
    }

    #[cold]
    fn unended(&self) -> Error {
        let length = self.lines().last().map_or(0, <[u8]>::len);
        let reason = format!(
            "the input ends inside a line, {length} bytes after the last line break; was its \
             sender cut off?"
        );
        self.fault(self.block.rows() - 1, reason)
    }
}

impl<K> Default for Batch<K> {
    fn default() -> Self {
        Batch { block: Block::default(), must_end: false, kind: PhantomData }
    }
}

impl<K: Kind> trommel::Batch for Batch<K> {
    type Row<'a> = K::Row<'a>;

    fn len(&self) -> usize {
        self.block.rows()
    }

    fn bytes(&self) -> usize {
        self.block.heap_bytes()
    }

    fn for_each<'a, F>(&'a mut self, from: usize, mut visit: F) -> Result<()>
    where
        F: FnMut(Result<K::Row<'a>>) -> Result<()>,
    {
        let batch: &'a Batch<K> = self;
        if let Some(reason) = batch.block.refused() {
            let error = || Err(batch.fault(0, reason.to_owned()));
            return if from == 0 { visit(error()) } else { Ok(()) };
        }
        let torn = batch.must_end && !batch.ends_well();
        let rows = batch.block.rows();
        let whole = rows - usize::from(torn);
        let mut lines = batch.lines().take(whole).skip(from);
        lines.try_for_each(|line| visit(K::row(line)))?;
        if torn && from < rows { visit(Err(batch.unended())) } else { Ok(()) }
    }

    fn split_off(&mut self, at: usize, tail: &mut Self) -> bool {
        if at == 0 || self.block.rows() <= at {
            return false;
        }
        let Some(stop) = memchr_iter(b'\n', self.block.data()).nth(at - 1) else {
            return false;
        };
        self.block.split_off(stop + 1, at, &mut tail.block);
        tail.must_end = self.must_end;
        true
    }

    fn locate(&self, rows: &[usize], found: &mut dyn FnMut(usize, Origin, &[u8])) {
        self.block.locate(Cutter::default(), rows, found);
    }
}
