//! The four counts of a record.

/// What a user has and does, counted in 16 bits each: 8 bytes in all.
///
/// Packing saturates at 65,535; see [`Counts::saturating`].
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
#[repr(C)]
pub struct Counts {
    /// Posts written.
    pub posts: u16,
    /// Users who follow this one.
    pub followers: u16,
    /// Users whom this one follows.
    pub following: u16,
    /// Likes received.
    pub likes: u16,
}

impl Counts {
    /// Counts from wide integers; what is over 65,535 becomes 65,535.
    ///
    /// ```
    /// # use trommel_record::Counts;
    /// assert_eq!(Counts::saturating(1, 70_000, 3, 4).followers, u16::MAX);
    /// ```
    #[inline]
    #[must_use]
    pub fn saturating(posts: u64, followers: u64, following: u64, likes: u64) -> Self {
        let narrow = |count: u64| u16::try_from(count).unwrap_or(u16::MAX);
        Self {
            posts: narrow(posts),
            followers: narrow(followers),
            following: narrow(following),
            likes: narrow(likes),
        }
    }
}
