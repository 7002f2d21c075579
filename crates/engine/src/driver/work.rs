//! What a worker does with a lane: walk the rows, transform, encode, collect rejects.

use super::control::Control;
use super::outlet::{guarded, panicked};
use super::slot::{Lane, Rejected, Slot};
use super::sync::each_piece;
use crate::batch::Batch;
use crate::error::{Class, Error, ErrorKind, Result, Stage};
use crate::options::PanicPolicy;
use crate::out::Out;
use crate::page::Page;
use crate::position::Counts;
use crate::sink::Sink;
use crate::stage::{Stretch, Transform};
use std::panic::{AssertUnwindSafe, catch_unwind};

/// Light rows between two looks at how full the page is and whether the run goes on: a look at each
/// costs a tenth of the lightest transform.
const LOOK_EVERY: usize = 32;
/// A row that takes longer is looked at each time, ns.
const LIGHT_ROW_NS: u64 = 10_000;
/// What a reject counts for before its raw bytes are known.
const REJECT_BYTES: usize = 256;

/// All that transforming a lane needs, shared by the workers.
#[derive(Debug)]
pub(super) struct Work<'r, T, E> {
    pub(super) transform: &'r T,
    pub(super) encoder: E,
    pub(super) control: &'r Control,
    /// Bad rows are collected, not fatal.
    pub(super) collects_rejects: bool,
    /// Which row emitted which value is written down.
    pub(super) notes_owners: bool,
    pub(super) on_panic: PanicPolicy,
    /// Page and arena bytes at which a lane is handed over before its batch is done.
    pub(super) full_bytes: usize,
}

/// A lane's mark before a walk has come to its first row.
const NO_ROW: usize = usize::MAX;

/// Why the walk stops before the end.
enum Stop {
    Full,
    Dropped,
    Error(Error),
}

impl<T, E> Work<'_, T, E> {
    /// As [`turn`](Self::turn), with all of it guarded: cutting and measuring a batch is user code
    /// too, and a slot must come back whatever happens.
    pub(super) fn guarded_turn<B, K>(
        &self,
        slot: &mut Slot<B, K::Page>,
        pieces: impl FnOnce(&Slot<B, K::Page>) -> usize,
    ) where
        B: Batch,
        K: Sink<Encoder = E>,
        E: Sync,
        T: Transform<B, K>,
    {
        let turned = guarded("the batch", || {
            let pieces = pieces(slot);
            if pieces > 1 {
                slot.split(pieces);
            }
            self.turn::<B, K>(slot);
            Ok(())
        });
        if let Err(error) = turned {
            slot.unfinished = false;
            slot.lanes[0].error = Some(error.in_stage(Stage::Transform));
        }
    }

    /// Gives a slot its turn: the whole batch, or as much as fits its pages. In the first turn all
    /// lanes are walked, each on a worker of its own where there are enough; in later ones the lane
    /// that comes next, those behind it wait with what they have.
    fn turn<B, K>(&self, slot: &mut Slot<B, K::Page>)
    where
        B: Batch,
        K: Sink<Encoder = E>,
        E: Sync,
        T: Transform<B, K>,
    {
        let full_bytes = self.full_bytes / slot.used;
        if slot.used > 1 && !slot.unfinished {
            each_piece(slot.used_mut(), |lane| self.lane::<B, K>(lane, full_bytes));
        } else {
            self.lane::<B, K>(&mut slot.lanes[slot.written], full_bytes);
        }
        slot.unfinished = slot.used()[slot.written..].iter().any(|lane| !lane.done);
    }

    /// Transforms the rows of a lane that have not been visited, until its page is full. Never
    /// panics, never blocks.
    fn lane<B, K>(&self, lane: &mut Lane<B, K::Page>, full_bytes: usize)
    where
        B: Batch,
        K: Sink<Encoder = E>,
        T: Transform<B, K>,
    {
        let first = lane.visited;
        lane.done = true;
        loop {
            let mut stop = None;
            lane.mark = NO_ROW;
            let walk =
                catch_unwind(AssertUnwindSafe(|| self.walk::<B, K>(lane, full_bytes, &mut stop)));
            let error = match (walk, stop) {
                (Ok(Ok(())), _) => {
                    // A batch whose own memory is full stops early and wants another turn, too.
                    lane.done = lane.visited == first || lane.visited >= lane.batch.len();
                    break;
                }
                (Ok(Err(_)), Some(Stop::Full)) => {
                    lane.done = false;
                    break;
                }
                (Ok(Err(_)), Some(Stop::Dropped)) => Error::new(ErrorKind::Cancelled, "dropped"),
                (Ok(Err(_)), Some(Stop::Error(error))) => error,
                (Ok(Err(error)), None) => error,
                (Err(panic), _) => {
                    let error = panicked("the transform", panic);
                    if self.recovers(lane) {
                        lane.reject(error);
                        continue;
                    }
                    error
                }
            };
            lane.error = Some(error.in_stage(Stage::Transform));
            break;
        }
        if catch_unwind(AssertUnwindSafe(|| lane.page.seal())).is_err() {
            let error = Error::new(ErrorKind::Panic, "the page panicked when it was sealed");
            lane.error.get_or_insert(error.in_stage(Stage::Transform));
        }
        lane.finish_walk(first);
    }

    /// Whether a lane can go on behind the row that panicked.
    fn recovers<B: Batch, P: Page>(&self, lane: &mut Lane<B, P>) -> bool {
        if self.on_panic != PanicPolicy::Reject || !self.collects_rejects {
            return false;
        }
        // A batch that panics by itself, before it has handed over a row, would do so for ever; behind its
        // last row there is none to reject.
        let mark = lane.mark;
        let rewound = guarded("the page", || {
            let is_at_a_row = mark != NO_ROW && lane.visited < lane.batch.len();
            if is_at_a_row {
                lane.page.rewind(mark);
            }
            Ok(is_at_a_row)
        });
        rewound.is_ok_and(|is_at_a_row| is_at_a_row)
    }

    fn walk<B, K>(
        &self,
        lane: &mut Lane<B, K::Page>,
        full_bytes: usize,
        stop: &mut Option<Stop>,
    ) -> Result<()>
    where
        B: Batch,
        K: Sink<Encoder = E>,
        T: Transform<B, K>,
    {
        let Lane { batch, page, arena, texts, rejects, owners, visited, counts, mark, .. } = lane;
        let arena = &*arena;
        let look = self.look();
        while *visited < batch.len() {
            let room = full_bytes.saturating_sub(page.bytes());
            let taken = self.transform.stretch(batch, *visited, &self.encoder, page, room)?;
            if taken.rows == 0 {
                break;
            }
            check_claim(taken, batch.len() - *visited, self.notes_owners)?;
            if self.notes_owners && taken.values > 0 {
                owners.extend((*visited..*visited + taken.rows).map(|row| row as u32));
            }
            counts.filtered += (taken.rows - taken.values) as u64;
            *visited += taken.rows;
            if self.control.is_dropping() {
                return Err(halt(stop, Stop::Dropped));
            }
        }
        let (first, owned) = (*visited, owners.len());
        let mut out = Out::<K>::new(&self.encoder, page, arena, texts);
        // As they are before each row.
        let (mut emitted, mut bytes) = (out.emitted(), out.page().bytes());
        batch.for_each(first, |row| {
            // Kept in the lane, where it outlives a panic.
            *mark = out.page().mark();
            let applied = row.and_then(|row| self.transform.apply(row, &mut out));
            let bytes_before = std::mem::replace(&mut bytes, out.page().bytes());
            // The usual row emits one value, fits, and leaves no trace but `visited`: the other
            // counts follow from it.
            emitted += 1;
            if applied.is_err() || out.emitted() != emitted || bytes > full_bytes {
                let row_bytes = bytes.saturating_sub(bytes_before);
                match applied.and_then(|()| check_size(row_bytes, self.full_bytes)) {
                    Ok(()) if out.emitted() == emitted - 1 => counts.filtered += 1,
                    Ok(()) => counts.emitted += out.emitted() - emitted,
                    Err(error) => {
                        out.page_mut().rewind(*mark);
                        out.take_back(emitted - 1);
                        if !(self.collects_rejects && error.class() == Class::Row) {
                            return Err(halt(stop, Stop::Error(error)));
                        }
                        bytes = bytes_before;
                        counts.rejected += 1;
                        rejects.push(Rejected::new(*visited, error));
                    }
                }
                emitted = out.emitted();
            }
            if self.notes_owners {
                owners.resize(owned + emitted as usize, *visited as u32);
            }
            *visited += 1;
            // For a batch that panics while it makes the next row.
            *mark = out.page().mark();
            // After the row, not before the next: a row that has been taken from its batch can't be
            // put back.
            if bytes > full_bytes {
                return Err(halt(stop, Stop::Full));
            }
            if *visited & look == 0 {
                if self.control.is_dropping() {
                    return Err(halt(stop, Stop::Dropped));
                }
                let besides = arena.allocated_bytes() + rejects.len() * REJECT_BYTES;
                if bytes + besides > full_bytes {
                    return Err(halt(stop, Stop::Full));
                }
            }
            Ok(())
        })
    }

    /// Looks come after each row whose number has none of these bits.
    fn look(&self) -> usize {
        let heavy = self.control.row_ns() > LIGHT_ROW_NS;
        let large =
            self.control.row_bytes().saturating_mul(LOOK_EVERY as u64) > self.full_bytes as u64 / 8;
        if heavy || large { 0 } else { LOOK_EVERY - 1 }
    }
}

/// Refuses what a stretch says of itself and can't be, or doesn't tell which row a value is of.
fn check_claim(taken: Stretch, left: usize, notes_owners: bool) -> Result<()> {
    let Stretch { rows, values } = taken;
    if values > rows || rows > left {
        return Err(Error::fatal(format!(
            "by_stretches: {values} values of {rows} rows, of {left} that were left: no more values \
             than rows, no more rows than there are"
        )));
    }
    if notes_owners && values != rows && values != 0 {
        return Err(Error::fatal(
            "by_stretches: the sink may refuse values, so that a stretch must have one for each of \
             its rows, or none at all",
        ));
    }
    Ok(())
}

/// Refuses a row whose output alone would fill a page.
#[inline]
fn check_size(row_bytes: usize, full_bytes: usize) -> Result<()> {
    if row_bytes <= full_bytes {
        return Ok(());
    }
    Err(Error::row(format!(
        "the row became {row_bytes} bytes, more than the {full_bytes} that a page may hold; raise \
         memory_limit"
    )))
}

/// Says why the walk stops, and gives `for_each` an error to stop it with.
#[cold]
fn halt(stop: &mut Option<Stop>, why: Stop) -> Error {
    *stop = Some(why);
    Error::fatal("the walk was stopped")
}

impl<B: Batch, P: Page> Lane<B, P> {
    /// Rejects the row that is being visited.
    fn reject(&mut self, error: Error) {
        self.counts.rejected += 1;
        self.rejects.push(Rejected::new(self.visited, error));
        self.visited += 1;
    }

    /// Completes the counts of a walk that began at row `first`.
    fn finish_walk(&mut self, first: usize) {
        let counts = &mut self.counts;
        counts.read = (self.visited - first) as u64;
        counts.loaded = counts.read - counts.filtered - counts.rejected;
        // Until here it held what rows had emitted beyond their first value.
        counts.emitted += counts.loaded;
        if self.rejects.is_empty() && self.error.is_none() {
            return;
        }
        let mut rows: Vec<usize> = self.rejects.iter().map(|reject| reject.row).collect();
        if self.error.is_some() {
            rows.push(self.visited);
        }
        self.locate(&rows);
    }

    /// Rejects the rows whose values the destination has refused; one reject for each row.
    pub(super) fn refuse(&mut self, faults: &mut Vec<(usize, Error)>, counts: &mut Counts) {
        let mut rows = Vec::new();
        counts.emitted = counts.emitted.saturating_sub(faults.len() as u64);
        for (value, error) in faults.drain(..) {
            let row = self.owners.get(value).map_or(0, |row| *row as usize);
            if rows.last() != Some(&row) {
                rows.push(row);
                self.rejects.push(Rejected::new(row, error.in_stage(Stage::Sink)));
            }
        }
        let refused = (rows.len() as u64).min(counts.loaded);
        counts.loaded -= refused;
        counts.rejected += refused;
        self.rejects.sort_by_key(|reject| reject.row);
        self.locate(&rows);
    }

    /// Asks the batch where the rejected ones among these rows, and the one that ended the walk,
    /// came from.
    fn locate(&mut self, rows: &[usize]) {
        let Lane { batch, rejects, error, visited, .. } = self;
        let mut next = 0;
        // `locate` is user code as well; what it can't tell stays unknown.
        let _ = catch_unwind(AssertUnwindSafe(|| {
            batch.locate(rows, &mut |row, origin, raw| {
                while next < rejects.len() && rejects[next].row < row {
                    next += 1;
                }
                if let Some(reject) = rejects.get_mut(next).filter(|reject| reject.row == row) {
                    reject.origin = origin;
                    reject.raw = raw.to_vec();
                } else if row == *visited
                    && let Some(found) = error.take()
                {
                    *error = Some(found.at(origin));
                }
            });
        }));
    }
}
