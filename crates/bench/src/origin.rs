//! The origin's job, in one place so that everything that is compared does the same work: a record
//! is made, changed in place, written as a line of text, and the lines are folded.

use trommel_record::{Generator, UserRecord, UserRecordRef};

/// Seed of every comparison.
pub const SEED: u64 = 0x7472_6f6d_6d65_6c21;

/// Makes the records.
pub const fn generator() -> Generator {
    Generator::seeded(SEED)
}

/// The change in place: an update, a flag, a derived field.
#[inline]
pub fn update<S>(user: &mut trommel_record::User<S>) {
    user.bump_age();
    user.record_login(20_000);
}

/// The line of a record, appended to `line`.
#[inline]
pub fn write_line<S: AsRef<str>>(user: &trommel_record::User<S>, line: &mut String) {
    let mut digits = itoa::Buffer::new();
    line.push_str(digits.format(user.id()));
    line.push('|');
    line.push_str(user.username());
    line.push('|');
    line.push_str(digits.format(user.activity_score()));
}

/// Boxed strings in and out: what the origin's optimized benchmark does per record.
#[inline]
pub fn boxed(mut user: UserRecord) -> Box<str> {
    update(&mut user);
    let mut line = String::with_capacity(user.username().len() + 32);
    write_line(&user, &mut line);
    line.into_boxed_str()
}

/// The result of a run, independent of the order of the lines.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Tally {
    /// Lines.
    pub lines: u64,
    /// Bytes of all lines.
    pub bytes: u64,
    /// Sum of the lines' first eight bytes as numbers, wrapping: wrong lines show.
    pub sum: u64,
}

impl Tally {
    /// Counts one line.
    #[inline]
    pub fn add(&mut self, line: &str) {
        self.lines += 1;
        self.bytes += line.len() as u64;
        let first = line.as_bytes().first_chunk::<8>();
        self.sum = self.sum.wrapping_add(first.map_or(0, |bytes| u64::from_le_bytes(*bytes)));
    }

    /// Adds another tally.
    pub fn merge(&mut self, other: Tally) {
        self.lines += other.lines;
        self.bytes += other.bytes;
        self.sum = self.sum.wrapping_add(other.sum);
    }
}

/// Makes the records of the job in an arena.
#[derive(Debug, Clone, Copy)]
pub struct InArena;

impl trommel::sources::Generator for InArena {
    type Row<'a> = UserRecordRef<'a>;

    #[inline]
    fn make<'a>(&self, id: u64, arena: &'a trommel::Bump) -> UserRecordRef<'a> {
        generator().generate_in(id, arena)
    }
}
