//! Seeded generation of records.

use std::iter::FusedIterator;
use std::ops::Range;

use bumpalo::Bump;

use crate::draft::Draft;
use crate::mix::{GOLDEN, fold, mix};
use crate::user::{UserRecord, UserRecordRef};

/// The batch size that the original generator used, in records; any other will do.
pub const BATCH_ROWS: usize = 50;

/// Makes records as a pure function of its seed and their id.
///
/// It has no state that moves, so it can be copied to every worker, and the records are the same
/// whatever the batch size, the order, the thread or the number of workers. Names and addresses
/// are invented; the addresses end in `.test`, which is reserved and never delivered.
///
/// ```
/// use trommel_record::{BATCH_ROWS, Generator};
///
/// let generator = Generator::seeded(2024);
/// let mut batch = Vec::new();
/// generator.batch(100, &mut batch, BATCH_ROWS);
/// assert!(generator.records(100..150).eq(batch));
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Generator {
    base: u64,
}

impl Generator {
    /// A generator for this seed. Different seeds give unrelated records for the same ids.
    #[must_use]
    pub const fn seeded(seed: u64) -> Self {
        // The xor only keeps seed 0 off the fixed point of `mix`.
        Self { base: mix(seed ^ 0x7472_6f6d_6d65_6c00) }
    }

    /// The record with this id, its strings boxed: two allocations, of exactly their lengths.
    #[inline]
    #[must_use]
    pub fn record(&self, id: u64) -> UserRecord {
        Draft::new(id, self.draws(id)).boxed()
    }

    /// The record with this id, its strings in `arena`: one piece of the arena, since the username
    /// is the first part of the address.
    #[inline]
    #[must_use]
    pub fn generate_in<'a>(&self, id: u64, arena: &'a Bump) -> UserRecordRef<'a> {
        Draft::new(id, self.draws(id)).in_arena(arena)
    }

    /// Clears `batch` and fills it with `rows` records, ids from `first_id` up.
    ///
    /// The capacity of `batch` is used again, so a loop over batches allocates strings only.
    ///
    /// # Panics
    /// When `first_id + rows` is over `u64::MAX`.
    pub fn batch(&self, first_id: u64, batch: &mut Vec<UserRecord>, rows: usize) {
        batch.clear();
        batch.extend(ids(first_id, rows).map(|id| self.record(id)));
    }

    /// A batch of `rows` records, ids from `first_id` up, that lies in `arena` whole.
    ///
    /// # Panics
    /// When `first_id + rows` is over `u64::MAX`.
    pub fn batch_in<'a>(
        &self,
        first_id: u64,
        arena: &'a Bump,
        rows: usize,
    ) -> &'a mut [UserRecordRef<'a>] {
        let first_id = ids(first_id, rows).start;
        arena.alloc_slice_fill_with(rows, |row| self.generate_in(first_id + row as u64, arena))
    }

    /// The records with these ids, one by one.
    pub const fn records(&self, ids: Range<u64>) -> Records {
        Records { generator: *self, ids }
    }

    #[inline]
    const fn draws(&self, id: u64) -> [u64; 3] {
        // One step of wyrand with the id as its counter, then three odd numbers split the one
        // mixed word into three: cheaper than three steps, and no step can meet a neighbour's.
        let counter = self.base.wrapping_add(id.wrapping_mul(GOLDEN));
        let word = fold(counter, counter ^ 0x5899_65cc_7537_4cc3);
        [
            fold(word, 0xa076_1d64_78bd_642f),
            fold(word, 0xe703_7ed1_a0b4_28db),
            fold(word, 0x8ebc_6af0_9c88_c6e3),
        ]
    }
}

/// Iterator over generated records, from [`Generator::records`].
#[derive(Clone, Debug)]
#[must_use = "iterators are lazy"]
pub struct Records {
    generator: Generator,
    ids: Range<u64>,
}

impl Iterator for Records {
    type Item = UserRecord;

    #[inline]
    fn next(&mut self) -> Option<UserRecord> {
        self.ids.next().map(|id| self.generator.record(id))
    }

    #[inline]
    fn size_hint(&self) -> (usize, Option<usize>) {
        self.ids.size_hint()
    }

    /// Skips without making the records that are skipped.
    #[inline]
    fn nth(&mut self, skip: usize) -> Option<UserRecord> {
        self.ids.nth(skip).map(|id| self.generator.record(id))
    }
}

impl DoubleEndedIterator for Records {
    #[inline]
    fn next_back(&mut self) -> Option<UserRecord> {
        self.ids.next_back().map(|id| self.generator.record(id))
    }
}

impl FusedIterator for Records {}

fn ids(first_id: u64, rows: usize) -> Range<u64> {
    let end = first_id.checked_add(rows as u64).expect("the ids of a batch end below 2^64");
    first_id..end
}
