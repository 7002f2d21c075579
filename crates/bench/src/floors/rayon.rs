//! Everything in the worker, with rayon: nothing moves between threads but ranges.

use crate::origin::{self, InArena, Tally};
use crate::workload::{heavy_line, light_line};
use bumpalo::Bump;
use rayon::prelude::*;
use rayon::{ThreadPool, ThreadPoolBuilder};
use trommel::sources::Generator;
use trommel_record::{User, UserRecord};

/// Rows per chunk that the floors try; the best one counts.
pub const CHUNKS: [usize; 3] = [512, 2_048, 8_192];

/// A pool of this many threads.
///
/// # Errors
/// When the threads can't be started.
pub fn pool(threads: usize) -> crate::Result<ThreadPool> {
    Ok(ThreadPoolBuilder::new().num_threads(threads).build()?)
}

/// How a line gets into the arena.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Into {
    /// Written to a string that is used again, then copied, as `Out::text` does.
    Copied,
    /// Written to a string of the arena.
    Direct,
}

/// What a thread keeps from chunk to chunk.
struct Scratch {
    bump: Bump,
    line: String,
}

fn scratch() -> Scratch {
    Scratch { bump: Bump::new(), line: String::new() }
}

fn merge(mut tally: Tally, other: Tally) -> Tally {
    tally.merge(other);
    tally
}

/// Appends the line of a user to the arena.
#[inline]
fn line_in<'a, S: AsRef<str>>(
    user: &User<S>,
    bump: &'a Bump,
    line: &mut String,
    into: Into,
) -> &'a str {
    match into {
        Into::Copied => {
            line.clear();
            origin::write_line(user, line);
            bump.alloc_str(line)
        }
        Into::Direct => {
            let bytes = user.username().len() + 32;
            let mut text = bumpalo::collections::String::with_capacity_in(bytes, bump);
            let mut digits = itoa::Buffer::new();
            text.push_str(digits.format(user.id()));
            text.push('|');
            text.push_str(user.username());
            text.push('|');
            text.push_str(digits.format(user.activity_score()));
            text.into_bump_str()
        }
    }
}

/// `par_chunks_mut`, in place, lines in an arena that is reset for each chunk.
pub fn slice(pool: &ThreadPool, users: &mut [UserRecord], chunk: usize, into: Into) -> Tally {
    pool.install(|| {
        users
            .par_chunks_mut(chunk)
            .map_init(scratch, |Scratch { bump, line }, users| {
                bump.reset();
                let mut tally = Tally::default();
                for user in users {
                    origin::update(user);
                    tally.add(line_in(user, bump, line, into));
                }
                tally
            })
            .reduce(Tally::default, merge)
    })
}

/// Users made in an arena, lines in the same arena.
pub fn generate_in(pool: &ThreadPool, rows: u64, chunk: usize, into: Into) -> Tally {
    pool.install(|| {
        chunks(rows, chunk)
            .map_init(scratch, |Scratch { bump, line }, ids| {
                bump.reset();
                let mut tally = Tally::default();
                for id in ids {
                    let mut user = InArena.make(id, bump);
                    origin::update(&mut user);
                    tally.add(line_in(&user, bump, line, into));
                }
                tally
            })
            .reduce(Tally::default, merge)
    })
}

/// Boxed strings in and out.
pub fn boxed(pool: &ThreadPool, rows: u64, chunk: usize) -> Tally {
    made(pool, rows, chunk, |id| origin::boxed(origin::generator().record(id)))
}

/// The lines of so many ids, each made and dropped by its worker.
pub fn made(
    pool: &ThreadPool,
    rows: u64,
    chunk: usize,
    line: impl Fn(u64) -> Box<str> + Sync,
) -> Tally {
    pool.install(|| {
        chunks(rows, chunk)
            .map(|ids| {
                let mut tally = Tally::default();
                for id in ids {
                    tally.add(&line(id));
                }
                tally
            })
            .reduce(Tally::default, merge)
    })
}

/// The light job.
pub fn light(pool: &ThreadPool, lines: &[Box<str>], chunk: usize) -> Tally {
    pool.install(|| {
        lines
            .par_chunks(chunk)
            .map_init(String::new, |line, rows| {
                let mut tally = Tally::default();
                for row in rows {
                    line.clear();
                    if light_line(row, line) == Ok(true) {
                        tally.add(line);
                    }
                }
                tally
            })
            .reduce(Tally::default, merge)
    })
}

/// The heavy job.
pub fn heavy(pool: &ThreadPool, users: &[UserRecord], rounds: u32, chunk: usize) -> Tally {
    pool.install(|| {
        users
            .par_chunks(chunk)
            .map_init(String::new, |line, users| {
                let mut tally = Tally::default();
                for user in users {
                    line.clear();
                    heavy_line(user, rounds, line).expect("a string takes all that is written");
                    tally.add(line);
                }
                tally
            })
            .reduce(Tally::default, merge)
    })
}

/// The ids in ranges of `chunk`.
fn chunks(rows: u64, chunk: usize) -> impl IndexedParallelIterator<Item = std::ops::Range<u64>> {
    let chunk = chunk as u64;
    (0..rows.div_ceil(chunk) as usize).into_par_iter().map(move |index| {
        let first = index as u64 * chunk;
        first..(first + chunk).min(rows)
    })
}
