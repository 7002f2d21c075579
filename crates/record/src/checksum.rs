//! The checksum over every field of a record.

use crate::mix::{GOLDEN, fold, mix};
use crate::user::User;

impl<S: AsRef<str>> User<S> {
    /// A 64-bit checksum of every field, the same on every platform and for both forms.
    ///
    /// Summed with wrapping addition over many records it doesn't depend on their order, which is
    /// how tests and benches compare runs. It is not a cryptographic hash.
    ///
    /// ```
    /// # use trommel_record::Generator;
    /// let records = Generator::seeded(1).records(0..3);
    /// let forward = records.clone().fold(0, |sum: u64, user| sum.wrapping_add(user.checksum()));
    /// let back = records.rev().fold(0, |sum: u64, user| sum.wrapping_add(user.checksum()));
    /// assert_eq!(forward, back);
    /// ```
    #[inline]
    #[must_use]
    pub fn checksum(&self) -> u64 {
        let counts = self.counts();
        let counts = u64::from(counts.posts)
            | u64::from(counts.followers) << 16
            | u64::from(counts.following) << 32
            | u64::from(counts.likes) << 48;
        let mut sum = step(GOLDEN, self.id());
        sum = step(sum, self.data_hash());
        sum = step(sum, counts);
        sum = step(sum, self.profile().raw_value());
        sum = text(sum, self.username());
        text(sum, self.email())
    }
}

#[inline]
fn step(sum: u64, word: u64) -> u64 {
    // A bijection of the word before the product, so that no plain word zeroes the sum.
    fold(sum ^ mix(word), 0xa076_1d64_78bd_642f).wrapping_add(sum.rotate_left(23))
}

/// Takes the text by words of eight bytes, the last word overlapping the one before it; the
/// length goes first, so that bytes can't move from one field into the next unseen.
#[inline]
fn text(sum: u64, text: &str) -> u64 {
    let bytes = text.as_bytes();
    let mut sum = sum.wrapping_add(bytes.len() as u64).wrapping_mul(GOLDEN);
    match bytes.last_chunk::<8>() {
        Some(last) => {
            for word in bytes.as_chunks::<8>().0 {
                sum = fold(sum ^ u64::from_le_bytes(*word), 0xe703_7ed1_a0b4_28db)
                    .wrapping_add(sum.rotate_left(23));
            }
            step(sum, u64::from_le_bytes(*last))
        }
        None => step(sum, bytes.iter().fold(0, |word, &byte| word << 8 | u64::from(byte))),
    }
}

#[cfg(test)]
mod tests {
    use crate::{Flag, Generator, User, UserParts, UserRecord};

    #[test]
    fn every_field_counts() {
        let base: UserParts<Box<str>> = Generator::seeded(5).record(42).into();
        let changes: [fn(&mut UserParts<Box<str>>); 8] = [
            |parts| parts.id += 1,
            |parts| parts.username = "other".into(),
            |parts| parts.email = "other@me.test".into(),
            |parts| parts.counts.posts ^= 1,
            |parts| parts.counts.followers ^= 1,
            |parts| parts.counts.following ^= 1,
            |parts| parts.counts.likes ^= 1,
            |parts| parts.profile.set_flag(Flag::Beta, !parts.profile.flag(Flag::Beta)),
        ];
        let original = User::from(base.clone()).checksum();
        for (index, change) in changes.iter().enumerate() {
            let mut parts = base.clone();
            change(&mut parts);
            assert_ne!(User::from(parts).checksum(), original, "change {index}");
        }
    }

    #[test]
    fn bytes_do_not_move_between_fields() {
        let split = |username, email| UserRecord::new(1, username, email).checksum();
        assert_ne!(split("ab", "c"), split("a", "bc"));
        assert_ne!(split("", "a"), split("a", ""));
        assert_ne!(split("abcdefgh", "ij"), split("abcdefghij", ""));
    }
}
