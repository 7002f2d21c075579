//! What a worker does with a lane: walk the rows, transform, encode, collect rejects.

use super::control::Control;
use super::panic_message;
use super::slot::{Lane, Rejected};
use crate::batch::Batch;
use crate::error::{Class, Error, ErrorKind, Origin, Result, Stage};
use crate::options::PanicPolicy;
use crate::out::Out;
use crate::page::Page;
use crate::sink::Sink;
use crate::stage::Transform;
use std::panic::{AssertUnwindSafe, catch_unwind};

/// Rows between two looks at how full the page is.
const FULLNESS_EVERY: usize = 32;

/// All that transforming a lane needs, shared by the workers.
#[derive(Debug)]
pub(super) struct Work<'r, T, E> {
    pub(super) transform: &'r T,
    pub(super) encoder: E,
    pub(super) control: &'r Control,
    /// Bad rows are collected, not fatal.
    pub(super) collects_rejects: bool,
    pub(super) on_panic: PanicPolicy,
    /// Page and arena bytes at which a lane is handed over before its batch is done.
    pub(super) full_bytes: usize,
}

/// How a walk over a lane ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Walked {
    /// All rows were visited, or the lane has an error.
    Done,
    /// The page is full; the rest of the batch wants another turn.
    Full,
}

/// Why the walk stops before the end.
enum Stop {
    Full,
    Dropped,
    Error(Error),
}

impl<T, E> Work<'_, T, E> {
    /// Transforms the rows of a lane that have not been visited. Never panics, never blocks.
    pub(super) fn lane<B, K>(&self, lane: &mut Lane<B, K::Page>, may_pause: bool) -> Walked
    where
        B: Batch,
        K: Sink<Encoder = E>,
        T: Transform<B, K>,
    {
        let mut walked = Walked::Done;
        loop {
            let mut stop = None;
            let walk = catch_unwind(AssertUnwindSafe(|| {
                self.walk::<B, K>(lane, may_pause, &mut stop)
            }));
            let error = match walk {
                Ok(Ok(())) => break,
                Ok(Err(error)) => match stop {
                    Some(Stop::Full) => {
                        walked = Walked::Full;
                        break;
                    }
                    Some(Stop::Dropped) => Error::new(ErrorKind::Cancelled, "dropped"),
                    Some(Stop::Error(error)) => error,
                    None => error,
                },
                Err(panic) => {
                    let error = Error::new(
                        ErrorKind::Panic,
                        format!("the transform panicked: {}", panic_message(&*panic)),
                    );
                    lane.page.rewind(lane.mark);
                    if self.on_panic == PanicPolicy::Reject && self.collects_rejects {
                        let row = lane.visited;
                        lane.reject(row, error);
                        lane.visited += 1;
                        lane.counts.read += 1;
                        continue;
                    }
                    error
                }
            };
            lane.error = Some(error.in_stage(Stage::Transform).in_row(lane.visited as u64));
            break;
        }
        lane.finish_walk();
        walked
    }

    fn walk<B, K>(
        &self,
        lane: &mut Lane<B, K::Page>,
        may_pause: bool,
        stop: &mut Option<Stop>,
    ) -> Result<()>
    where
        B: Batch,
        K: Sink<Encoder = E>,
        T: Transform<B, K>,
    {
        let Lane {
            batch,
            page,
            arena,
            scratch,
            rejects,
            visited,
            counts,
            mark,
            ..
        } = lane;
        let arena = &*arena;
        let mut out = Out::<K>::new(&self.encoder, page, arena, scratch);
        batch.for_each(*visited, |row| {
            if self.control.is_dropping() {
                return Err(halt(stop, Stop::Dropped));
            }
            if may_pause
                && visited.is_multiple_of(FULLNESS_EVERY)
                && out.page().bytes() + arena.allocated_bytes() > self.full_bytes
                && counts.read > 0
            {
                return Err(halt(stop, Stop::Full));
            }
            // Kept in the lane, where it outlives a panic.
            *mark = out.page().mark();
            let emitted = out.emitted();
            match row.and_then(|row| self.transform.apply(row, &mut out)) {
                Ok(()) => {
                    let new = out.emitted() - emitted;
                    counts.emitted += new;
                    counts.loaded += u64::from(new > 0);
                    counts.filtered += u64::from(new == 0);
                }
                Err(error) => {
                    out.page_mut().rewind(*mark);
                    out.take_back(emitted);
                    if !(self.collects_rejects && error.class() == Class::Row) {
                        return Err(halt(stop, Stop::Error(error)));
                    }
                    counts.rejected += 1;
                    rejects.push(Rejected {
                        row: *visited,
                        error,
                        origin: Origin::default(),
                        raw: Vec::new(),
                    });
                }
            }
            counts.read += 1;
            *visited += 1;
            Ok(())
        })
    }
}

/// Says why the walk stops, and gives `for_each` an error to stop it with.
#[cold]
fn halt(stop: &mut Option<Stop>, why: Stop) -> Error {
    *stop = Some(why);
    Error::fatal("the walk was stopped")
}

impl<B: Batch, P: Page> Lane<B, P> {
    fn reject(&mut self, row: usize, error: Error) {
        self.counts.rejected += 1;
        self.rejects.push(Rejected {
            row,
            error,
            origin: Origin::default(),
            raw: Vec::new(),
        });
    }

    /// Asks the batch where the rejected rows, and the one that ended the walk, came from.
    fn finish_walk(&mut self) {
        if self.rejects.is_empty() && self.error.is_none() {
            return;
        }
        let mut rows: Vec<usize> = self.rejects.iter().map(|reject| reject.row).collect();
        if self.error.is_some() {
            rows.push(self.visited);
        }
        let Lane {
            batch,
            rejects,
            error,
            visited,
            ..
        } = self;
        let mut next = 0;
        // `locate` is user code as well; what it can't tell stays unknown.
        let _ = catch_unwind(AssertUnwindSafe(|| {
            batch.locate(&rows, &mut |row, origin, raw| {
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
