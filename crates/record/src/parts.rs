//! A record taken apart.

use crate::counts::Counts;
use crate::profile::Profile;
use crate::user::{User, data_hash};

/// The independent parts of a record, all public: what a conversion fills in.
///
/// `data_hash` is not among them, because it follows from the id.
///
/// ```
/// use trommel_record::{Counts, Profile, UserParts, UserRecord};
///
/// let mut profile = Profile::DEFAULT;
/// profile.try_set_age(41)?;
/// let user = UserRecord::from(UserParts {
///     id: 9,
///     username: "nina9".into(),
///     email: "nina9@me.test".into(),
///     counts: Counts { posts: 3, ..Counts::default() },
///     profile,
/// });
/// assert_eq!(user.age(), 41);
/// # Ok::<(), trommel_record::RecordError>(())
/// ```
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct UserParts<S> {
    /// Identity of the user.
    pub id: u64,
    /// Name the user goes by.
    pub username: S,
    /// Mail address.
    pub email: S,
    /// Posts, followers, following, likes.
    pub counts: Counts,
    /// Age, country, language, plan, role, flags, logins.
    pub profile: Profile,
}

impl<S> From<UserParts<S>> for User<S> {
    #[inline]
    fn from(parts: UserParts<S>) -> Self {
        let UserParts { id, username, email, counts, profile } = parts;
        Self { id, username, email, data_hash: data_hash(id), counts, profile }
    }
}

impl<S> From<User<S>> for UserParts<S> {
    #[inline]
    fn from(user: User<S>) -> Self {
        let User { id, username, email, data_hash: _, counts, profile } = user;
        Self { id, username, email, counts, profile }
    }
}
