//! What every peer does: the job of [`trommel_bench::origin`], in the forms that a peer can.

use std::fmt;
use std::ops::Range;

use trommel::Bump;
use trommel_bench::origin::{Tally, boxed, generator, update, write_line};
use trommel_record::wide::WideUser;
use trommel_record::{UserRecord, UserRecordRef};

/// Records in a batch, for every peer that works in batches and has no size of its own: the size
/// that the origin settled on.
pub(crate) const BATCH: usize = 128;

/// How many transforms the async designs keep going at once.
pub(crate) const TRANSFORMS: usize = 10;

/// Where the strings of a record and of its line live.
#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
pub(crate) enum Form {
    /// Packed records, each string in a box of its own, in and out.
    Boxed,
    /// Packed records, all strings in an arena that is cleared batch by batch.
    Arena,
    /// The wide original of about 55 KB in, a boxed line out.
    Wide,
}

impl Form {
    pub(crate) const ALL: [Form; 3] = [Form::Boxed, Form::Arena, Form::Wide];
}

impl fmt::Display for Form {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(match self {
            Form::Boxed => "boxed",
            Form::Arena => "arena",
            Form::Wide => "wide",
        })
    }
}

/// The result of a run of `rows` records, from a plain loop.
pub(crate) fn expected(rows: u64) -> Tally {
    tally_boxed(0..rows)
}

/// Makes, changes, writes and counts these records on this thread, strings boxed.
pub(crate) fn tally_boxed(ids: Range<u64>) -> Tally {
    let mut tally = Tally::default();
    for id in ids {
        tally.add(&boxed(generator().record(id)));
    }
    tally
}

/// Writes the lines of a batch: what the transform of a batched design answers.
pub(crate) fn boxed_lines(batch: Vec<UserRecord>) -> Vec<Box<str>> {
    batch.into_iter().map(boxed).collect()
}

/// Counts lines and frees them: what loading is in this job.
pub(crate) fn load(tally: &mut Tally, lines: Vec<Box<str>>) {
    for line in lines {
        tally.add(&line);
    }
}

/// The line of a wide record: the fields that the packed record has, changed and written as there.
pub(crate) fn wide_line(wide: &WideUser) -> Box<str> {
    borrowed_line(UserRecordRef::from(wide))
}

/// As [`boxed`], for a design that lends the transform its record and doesn't give it away.
pub(crate) fn borrowed_line(mut user: UserRecordRef<'_>) -> Box<str> {
    update(&mut user);
    let mut line = String::with_capacity(user.username().len() + 32);
    write_line(&user, &mut line);
    line.into_boxed_str()
}

/// An arena and what is built in it, kept by a thread from batch to batch.
#[derive(Debug, Default)]
pub(crate) struct Scratch {
    arena: Bump,
    line: String,
}

impl Scratch {
    /// As [`tally_boxed`], strings in the arena.
    pub(crate) fn tally(&mut self, ids: Range<u64>) -> Tally {
        self.arena.reset();
        let mut tally = Tally::default();
        for id in ids {
            let mut user = generator().generate_in(id, &self.arena);
            update(&mut user);
            self.line.clear();
            write_line(&user, &mut self.line);
            // Into the arena, as for an output that outlives the record.
            tally.add(self.arena.alloc_str(&self.line));
        }
        tally
    }
}

/// Number of blocks of [`BATCH`] ids in `rows`.
pub(crate) fn blocks(rows: u64) -> usize {
    rows.div_ceil(BATCH as u64) as usize
}

/// The ids of a block.
pub(crate) fn block(index: usize, rows: u64) -> Range<u64> {
    let start = index as u64 * BATCH as u64;
    start..rows.min(start + BATCH as u64)
}

/// Threads that each peer may keep busy.
pub(crate) fn threads() -> usize {
    std::thread::available_parallelism().map_or(1, usize::from)
}
