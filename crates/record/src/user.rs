//! The packed record.

use std::fmt;
use std::hash::{Hash, Hasher};

use arbitrary_int::u7;
use bumpalo::Bump;

use crate::counts::Counts;
use crate::error::RecordError;
use crate::flag::Flag;
use crate::parts::UserParts;
use crate::profile::Profile;

/// A user with boxed strings: 64 bytes inline, owned, `Send`, what sources and sinks hand around.
pub type UserRecord = User<Box<str>>;

/// A user whose strings lie in an arena or in another record: the same 64 bytes, `Copy`.
pub type UserRecordRef<'a> = User<&'a str>;

// One cache line's worth. On 32-bit machines the strings are shorter and so is the record.
#[cfg(target_pointer_width = "64")]
const _: () = assert!(size_of::<UserRecord>() == 64 && size_of::<UserRecordRef<'_>>() == 64);

/// The packed record, generic over where its strings live: see [`UserRecord`] and
/// [`UserRecordRef`]. Both forms compare equal, and have the same checksum, when their content is
/// the same.
///
/// | offset | bytes | field |
/// |---|---|---|
/// | 0 | 8 | `id` |
/// | 8 | 16 | `username`: pointer, length |
/// | 24 | 16 | `email`: pointer, length |
/// | 40 | 8 | `data_hash` |
/// | 48 | 8 | [`Counts`]: posts, followers, following, likes |
/// | 56 | 8 | [`Profile`]: bitfields |
///
/// `docs/record-layout.md` has the bits too, and says why the type is 8-byte and not 64-byte
/// aligned.
#[derive(Clone, Copy, Debug, Default)]
#[repr(C)]
pub struct User<S> {
    pub(crate) id: u64,
    pub(crate) username: S,
    pub(crate) email: S,
    /// Invariant: `data_hash(id)`. Kept, so that a transform reads it and doesn't compute it.
    pub(crate) data_hash: u64,
    pub(crate) counts: Counts,
    pub(crate) profile: Profile,
}

/// The hash of an id that every record carries: the id times a fixed odd number, wrapping.
///
/// ```
/// assert_eq!(trommel_record::data_hash(2), 0xa2f9_836e_4e44_152a);
/// ```
#[inline]
#[must_use]
pub const fn data_hash(id: u64) -> u64 {
    id.wrapping_mul(0x517c_c1b7_2722_0a95)
}

impl<S> User<S> {
    /// A user with these names, no counts and the default profile.
    ///
    /// ```
    /// # use trommel_record::UserRecord;
    /// let user = UserRecord::new(7, "ines7", "ines7@me.test");
    /// assert_eq!(user.username(), "ines7");
    /// ```
    #[inline]
    pub fn new(id: u64, username: impl Into<S>, email: impl Into<S>) -> Self {
        let (username, email) = (username.into(), email.into());
        let (counts, profile) = (Counts::default(), Profile::DEFAULT);
        UserParts { id, username, email, counts, profile }.into()
    }

    /// Identity of the user.
    #[inline]
    pub const fn id(&self) -> u64 {
        self.id
    }

    /// [`data_hash`] of the id, computed when the record was made.
    #[inline]
    pub const fn data_hash(&self) -> u64 {
        self.data_hash
    }

    /// Posts, followers, following, likes.
    #[inline]
    pub const fn counts(&self) -> Counts {
        self.counts
    }

    /// The counts, to change them in place.
    #[inline]
    pub const fn counts_mut(&mut self) -> &mut Counts {
        &mut self.counts
    }

    /// The bitfields.
    #[inline]
    pub const fn profile(&self) -> Profile {
        self.profile
    }

    /// The bitfields, to change them in place.
    #[inline]
    pub const fn profile_mut(&mut self) -> &mut Profile {
        &mut self.profile
    }

    /// Age in years, 0 to 127.
    #[inline]
    pub const fn age(&self) -> u8 {
        self.profile.age().value()
    }

    /// Sets the age, in years.
    ///
    /// # Errors
    /// [`RecordError::AgeOutOfRange`] over 127; the record stays as it was.
    #[inline]
    pub fn set_age(&mut self, age: u32) -> Result<(), RecordError> {
        self.profile.try_set_age(age)
    }

    /// One year older, at most 127.
    #[inline]
    pub fn bump_age(&mut self) {
        self.profile.set_age(self.profile.age().saturating_add(u7::new(1)));
    }

    /// Whether a flag is set.
    #[inline]
    pub const fn flag(&self, flag: Flag) -> bool {
        self.profile.flag(flag)
    }

    /// Sets or clears a flag.
    #[inline]
    pub fn set_flag(&mut self, flag: Flag, on: bool) {
        self.profile.set_flag(flag, on);
    }

    /// Counts one login (up to 4095), keeps the latest day and sets [`Flag::Active`].
    ///
    /// `day` is in days since 1970-01-01, UTC.
    #[inline]
    pub fn record_login(&mut self, day: u16) {
        let profile = self.profile;
        self.profile = profile
            .with_logins(profile.logins().saturating_add(1u8.into()))
            .with_last_login_day(profile.last_login_day().max(day))
            .with_active(true);
    }

    /// How lively the user is: posts count five times, likes twice, followers, following and
    /// logins once; 0 when suspended or deleted, doubled when verified.
    #[inline]
    pub fn activity_score(&self) -> u32 {
        let (counts, profile) = (self.counts, self.profile);
        if profile.suspended() || profile.deleted() {
            return 0;
        }
        let score = 5 * u32::from(counts.posts)
            + 2 * u32::from(counts.likes)
            + u32::from(counts.followers)
            + u32::from(counts.following)
            + u32::from(profile.logins().value());
        score << u32::from(profile.verified())
    }
}

impl<S: AsRef<str>> User<S> {
    /// Name the user goes by.
    #[inline]
    pub fn username(&self) -> &str {
        self.username.as_ref()
    }

    /// Mail address.
    #[inline]
    pub fn email(&self) -> &str {
        self.email.as_ref()
    }

    /// The same record with its strings borrowed from this one.
    #[inline]
    pub fn borrowed(&self) -> UserRecordRef<'_> {
        self.with_strings(self.username(), self.email())
    }

    /// An owned copy: two allocations.
    #[inline]
    pub fn to_record(&self) -> UserRecord {
        self.with_strings(self.username().into(), self.email().into())
    }

    /// A copy with its strings in `arena`, which must outlive it.
    #[inline]
    pub fn copy_in<'a>(&self, arena: &'a Bump) -> UserRecordRef<'a> {
        self.with_strings(arena.alloc_str(self.username()), arena.alloc_str(self.email()))
    }

    #[inline]
    fn with_strings<T>(&self, username: T, email: T) -> User<T> {
        let User { id, data_hash, counts, profile, .. } = *self;
        User { id, username, email, data_hash, counts, profile }
    }
}

impl<S: AsRef<str>, T: AsRef<str>> PartialEq<User<T>> for User<S> {
    #[inline]
    fn eq(&self, other: &User<T>) -> bool {
        self.id == other.id
            && self.counts == other.counts
            && self.profile == other.profile
            && self.username() == other.username()
            && self.email() == other.email()
    }
}

impl<S: AsRef<str>> Eq for User<S> {}

impl<S: AsRef<str>> Hash for User<S> {
    #[inline]
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.id.hash(state);
        self.username().hash(state);
        self.email().hash(state);
        self.counts.hash(state);
        self.profile.hash(state);
    }
}

impl<S: AsRef<str>> fmt::Display for User<S> {
    /// One line, without a line break; only the flags that are set are named.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (counts, profile) = (self.counts, self.profile);
        write!(
            f,
            "#{} {} <{}>, age {}, {}-{}, {} {}, {} posts, {} followers, {} following, {} likes, \
             {} logins, last on day {}",
            self.id,
            self.username(),
            self.email(),
            self.age(),
            profile.language(),
            profile.country(),
            profile.plan(),
            profile.role(),
            counts.posts,
            counts.followers,
            counts.following,
            counts.likes,
            profile.logins().value(),
            profile.last_login_day(),
        )?;
        profile.flags().try_for_each(|flag| write!(f, ", {flag}"))
    }
}
