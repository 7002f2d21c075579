//! Work that takes tens of microseconds a row.

use std::fmt;
use std::hash::{DefaultHasher, Hash, Hasher};
use trommel_record::User;

/// Rounds of hashing for each row: about 40 microseconds.
pub const HEAVY_ROUNDS: u32 = 1_500;

/// The heavy job: the line of a user and a digest that has to be hashed over and over, as a
/// password's is.
#[inline]
pub fn heavy_line<S: AsRef<str>>(
    user: &User<S>,
    rounds: u32,
    line: &mut impl fmt::Write,
) -> fmt::Result {
    let mut digest = user.data_hash();
    for round in 0..rounds {
        let mut hasher = DefaultHasher::new();
        (digest, round).hash(&mut hasher);
        user.email().hash(&mut hasher);
        digest = hasher.finish();
    }
    line.write_str(itoa::Buffer::new().format(user.id()))?;
    line.write_char('|')?;
    line.write_str(user.username())?;
    line.write_char('|')?;
    line.write_str(itoa::Buffer::new().format(digest))
}
