//! What has been done since the last commit, and what it takes to do it again.

use std::time::Instant;

/// What has been done since the last commit.
#[derive(Debug)]
pub(super) struct Transaction {
    pub(super) since: Instant,
    pub(super) rows: usize,
    pub(super) bytes: usize,
    /// What came before a savepoint is not kept any more: the connection must not be lost.
    pub(super) has_savepoint: bool,
    /// The server's number of it, when its outcome may have to be asked for.
    pub(super) number: Option<String>,
}

impl Transaction {
    pub(super) fn new() -> Self {
        Transaction { since: Instant::now(), rows: 0, bytes: 0, has_savepoint: false, number: None }
    }
}

/// Rows that are in the transaction, kept until it commits.
///
/// They are copied into pieces of one size. Keeping the pages' own buffers instead, of which a batch
/// that was cut over workers fills only a part, takes more memory the longer a load goes on: in the
/// end each of the many buffers of small pages has once held a large one.
///
/// Invariant: pieces are full up to the one that `bytes` ends in, and empty behind it.
#[derive(Debug, Default)]
pub(super) struct Kept {
    pieces: Vec<Vec<u8>>,
    bytes: usize,
    /// The route of each part, and where in `bytes` it ends.
    parts: Vec<(usize, usize)>,
}

const PIECE: usize = 1 << 20;

/// Pieces that are not given back when a transaction ends: what most take.
const SPARE: usize = 64;

impl Kept {
    pub(super) fn bytes(&self) -> usize {
        self.bytes
    }

    /// Adds rows of a route (a number of [`Routes`](super::copy::Routes)).
    pub(super) fn add(&mut self, route: usize, mut rows: &[u8]) {
        while !rows.is_empty() {
            let number = self.bytes / PIECE;
            if number == self.pieces.len() {
                self.pieces.push(Vec::with_capacity(PIECE));
            }
            let piece = &mut self.pieces[number];
            let (fits, rest) = rows.split_at(rows.len().min(PIECE - piece.len()));
            piece.extend_from_slice(fits);
            self.bytes += fits.len();
            rows = rest;
        }
        self.parts.push((route, self.bytes));
    }

    /// The parts in the order in which they came: the route, and the bytes, in stretches.
    pub(super) fn parts(&self) -> impl Iterator<Item = (usize, impl Iterator<Item = &[u8]>)> {
        let starts = [0].into_iter().chain(self.parts.iter().map(|(_, end)| *end));
        self.parts.iter().zip(starts).map(|((route, end), start)| (*route, self.from(start, *end)))
    }

    fn from(&self, start: usize, end: usize) -> impl Iterator<Item = &[u8]> {
        (start / PIECE..end.div_ceil(PIECE)).map(move |number| {
            let before = number * PIECE;
            &self.pieces[number][start.saturating_sub(before)..(end - before).min(PIECE)]
        })
    }

    /// Forgets all rows.
    pub(super) fn clear(&mut self) {
        self.pieces.truncate(SPARE);
        self.pieces.iter_mut().for_each(Vec::clear);
        self.parts.clear();
        self.bytes = 0;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parts(kept: &Kept) -> Vec<(usize, Vec<u8>)> {
        kept.parts().map(|(route, rows)| (route, rows.collect::<Vec<_>>().concat())).collect()
    }

    #[test]
    fn rows_come_back_in_their_order_from_pieces_that_are_used_again() {
        let mut kept = Kept::default();
        let lengths = [1, PIECE - 1, PIECE, 3 * PIECE + 5, 7];
        let rows = |seed: usize, len: usize| (0..len).map(|at| (seed + at) as u8).collect();
        let given: Vec<(usize, Vec<u8>)> = lengths
            .into_iter()
            .enumerate()
            .map(|(route, len)| (route, rows(route * 31, len)))
            .collect();
        for _ in 0..2 {
            for (route, rows) in &given {
                kept.add(*route, rows);
            }
            assert!(parts(&kept) == given);
            assert_eq!(kept.bytes(), lengths.iter().sum::<usize>());
            assert_eq!(kept.pieces.len(), kept.bytes().div_ceil(PIECE));
            assert!(kept.pieces.iter().all(|piece| piece.capacity() == PIECE));
            kept.clear();
            assert_eq!((parts(&kept), kept.bytes()), (vec![], 0));
        }
    }

    #[test]
    fn a_transaction_of_one_huge_page_does_not_keep_its_memory() {
        let mut kept = Kept::default();
        kept.add(0, &vec![0; (SPARE + 3) * PIECE]);
        assert_eq!(kept.pieces.len(), SPARE + 3);
        kept.clear();
        assert_eq!(kept.pieces.len(), SPARE);
    }
}
