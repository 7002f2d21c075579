//! Packing a wide record.

use crate::counts::Counts;
use crate::flag::Flag;
use crate::parts::UserParts;
use crate::profile::Profile;
use crate::user::{UserRecord, UserRecordRef};
use crate::wide::WideUser;

const SECONDS_PER_DAY: u64 = 86_400;

/// Packs without copying: the strings are those of the wide record.
///
/// Kept: id, username, email, the codes of country, language, plan and role, age, the four counts,
/// logins, the day of the last login, and the settings that are named as a [`Flag`]. Dropped:
/// everything else, from the full name to the payload.
///
/// It cannot fail. Numbers saturate (age at 127, counts at 65,535, logins at 4095, the day of the
/// last login at 65,535), an unknown code becomes the default of its type, and the time of the last
/// login is cut to its day.
impl<'a> From<&'a WideUser> for UserRecordRef<'a> {
    fn from(wide: &'a WideUser) -> Self {
        let day = wide.last_login_seconds / SECONDS_PER_DAY;
        let mut profile = Profile::DEFAULT
            .with_country(wide.address.country.parse().unwrap_or_default())
            .with_language(wide.language.parse().unwrap_or_default())
            .with_plan(wide.plan.parse().unwrap_or_default())
            .with_role(wide.role.parse().unwrap_or_default())
            .with_last_login_day(u16::try_from(day).unwrap_or(u16::MAX));
        profile.saturate_age(wide.age);
        profile.saturate_logins(wide.logins);
        for flag in Flag::ALL {
            profile.set_flag(flag, wide.settings.get(flag.name()).copied().unwrap_or_default());
        }
        Self::from(UserParts {
            id: wide.id,
            username: wide.username.as_str(),
            email: wide.email.as_str(),
            counts: Counts::saturating(wide.posts, wide.followers, wide.following, wide.likes),
            profile,
        })
    }
}

/// As the conversion to [`UserRecordRef`], with the two strings copied.
impl From<&WideUser> for UserRecord {
    fn from(wide: &WideUser) -> Self {
        UserRecordRef::from(wide).to_record()
    }
}

#[cfg(test)]
mod tests {
    use crate::wide::WideUser;
    use crate::{Country, Flag, Generator, Plan, UserRecord, UserRecordRef};

    #[test]
    fn packing_gives_the_packed_record_of_the_same_id() {
        let generator = Generator::seeded(11);
        for id in (0..200).chain([u64::MAX]) {
            let wide = generator.wide(id);
            assert_eq!(UserRecordRef::from(&wide), generator.record(id));
            assert_eq!(UserRecord::from(&wide).checksum(), generator.record(id).checksum());
        }
    }

    #[test]
    fn what_does_not_fit_saturates() {
        let mut wide = WideUser {
            age: 300,
            posts: 65_536,
            likes: u64::MAX,
            logins: 4_096,
            last_login_seconds: u64::MAX,
            plan: "platinum".to_owned(),
            ..WideUser::default()
        };
        wide.address.country = "Atlantis".to_owned();
        wide.settings.insert("beta".to_owned(), true);
        wide.settings.insert("sleepy".to_owned(), true);

        let user = UserRecord::from(&wide);
        let (counts, profile) = (user.counts(), user.profile());
        assert_eq!(user.age(), 127);
        assert_eq!((counts.posts, counts.followers, counts.likes), (u16::MAX, 0, u16::MAX));
        assert_eq!((profile.logins().value(), profile.last_login_day()), (4_095, u16::MAX));
        assert_eq!((profile.country(), profile.plan()), (Country::Other, Plan::Free));
        assert_eq!(profile.flags().collect::<Vec<_>>(), [Flag::Beta]);
    }
}
