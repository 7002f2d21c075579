//! Bitfields: a field set alone, and what happens at the edges.

use proptest::prelude::*;
use trommel_record::{
    Country, Flag, Language, Plan, Profile, RecordError, Role, UserRecord, u7, u12,
};

/// Sets a field through its setter and its `with_` form, then checks that exactly its bits changed
/// and that it reads back.
macro_rules! only_its_bits_change {
    ($raw:expr, $get:ident, $set:ident, $with:ident, $mask:ident, $value:expr) => {{
        let (raw, value): (u64, _) = ($raw, $value);
        let before = Profile::new_with_raw_value(raw);
        let mut after = before;
        after.$set(value);
        prop_assert_eq!(after, before.$with(value));
        prop_assert_eq!(after.$get(), value);
        prop_assert_eq!((after.raw_value() ^ raw) & !Profile::$mask(), 0);
    }};
}

proptest! {
    #[test]
    fn setting_a_field_leaves_all_others_alone(raw: u64, bits: u16, on: bool) {
        let pick = bits as usize;
        only_its_bits_change!(raw, age, set_age, with_age, age_mask, u7::new(bits as u8 & 127));
        only_its_bits_change!(
            raw, country, set_country, with_country, country_mask, Country::ALL[pick % 32]
        );
        only_its_bits_change!(
            raw, language, set_language, with_language, language_mask, Language::ALL[pick % 16]
        );
        only_its_bits_change!(raw, plan, set_plan, with_plan, plan_mask, Plan::ALL[pick % 4]);
        only_its_bits_change!(raw, role, set_role, with_role, role_mask, Role::ALL[pick % 4]);
        only_its_bits_change!(
            raw, last_login_day, set_last_login_day, with_last_login_day, last_login_day_mask, bits
        );
        only_its_bits_change!(
            raw, logins, set_logins, with_logins, logins_mask, u12::new(bits & 4095)
        );
        only_its_bits_change!(raw, verified, set_verified, with_verified, verified_mask, on);
        only_its_bits_change!(raw, active, set_active, with_active, active_mask, on);
        only_its_bits_change!(raw, email_confirmed, set_email_confirmed, with_email_confirmed, email_confirmed_mask, on);
        only_its_bits_change!(raw, two_factor, set_two_factor, with_two_factor, two_factor_mask, on);
        only_its_bits_change!(raw, newsletter, set_newsletter, with_newsletter, newsletter_mask, on);
        only_its_bits_change!(raw, marketing, set_marketing, with_marketing, marketing_mask, on);
        only_its_bits_change!(raw, private, set_private, with_private, private_mask, on);
        only_its_bits_change!(raw, suspended, set_suspended, with_suspended, suspended_mask, on);
        only_its_bits_change!(raw, deleted, set_deleted, with_deleted, deleted_mask, on);
        only_its_bits_change!(raw, beta, set_beta, with_beta, beta_mask, on);
        only_its_bits_change!(raw, trial, set_trial, with_trial, trial_mask, on);
        only_its_bits_change!(raw, dark_mode, set_dark_mode, with_dark_mode, dark_mode_mask, on);
        only_its_bits_change!(raw, api_access, set_api_access, with_api_access, api_access_mask, on);
        only_its_bits_change!(raw, open_messages, set_open_messages, with_open_messages, open_messages_mask, on);
        only_its_bits_change!(raw, avatar, set_avatar, with_avatar, avatar_mask, on);
        only_its_bits_change!(raw, priority_support, set_priority_support, with_priority_support, priority_support_mask, on);
    }

    #[test]
    fn a_flag_named_at_run_time_is_the_field_of_that_name(raw: u64, on: bool) {
        for flag in Flag::ALL {
            let before = Profile::new_with_raw_value(raw);
            let mut after = before;
            after.set_flag(flag, on);
            prop_assert_eq!(after.flag(flag), on);
            prop_assert_eq!((after.raw_value() ^ raw) & !(1 << flag.bit()), 0);
            prop_assert!(after.flags().eq(Flag::ALL.into_iter().filter(|&flag| after.flag(flag))));
        }
        let profile = Profile::new_with_raw_value(raw);
        let fields = [
            profile.verified(),
            profile.active(),
            profile.email_confirmed(),
            profile.two_factor(),
            profile.newsletter(),
            profile.marketing(),
            profile.private(),
            profile.suspended(),
            profile.deleted(),
            profile.beta(),
            profile.trial(),
            profile.dark_mode(),
            profile.api_access(),
            profile.open_messages(),
            profile.avatar(),
            profile.priority_support(),
        ];
        prop_assert_eq!(Flag::ALL.map(|flag| profile.flag(flag)), fields);
    }

    #[test]
    fn ages_over_127_are_refused_or_saturate(raw: u64, age: u32) {
        let before = Profile::new_with_raw_value(raw);
        for age in [age, age % 256] {
            let mut tried = before;
            match tried.try_set_age(age) {
                Ok(()) => prop_assert_eq!(u32::from(tried.age().value()), age),
                Err(error) => {
                    prop_assert!(age > 127);
                    prop_assert_eq!(error, RecordError::AgeOutOfRange { age });
                    prop_assert_eq!(tried, before);
                }
            }
            let mut saturated = before;
            saturated.saturate_age(age);
            prop_assert_eq!(u32::from(saturated.age().value()), age.min(127));
            prop_assert_eq!((saturated.raw_value() ^ raw) & !Profile::age_mask(), 0);
        }
    }

    #[test]
    fn logins_over_4095_are_refused_or_saturate(raw: u64, logins: u32) {
        let before = Profile::new_with_raw_value(raw);
        for logins in [logins, logins % 8192] {
            let mut tried = before;
            match tried.try_set_logins(logins) {
                Ok(()) => prop_assert_eq!(u32::from(tried.logins().value()), logins),
                Err(error) => {
                    prop_assert!(logins > 4095);
                    prop_assert_eq!(error, RecordError::LoginsOutOfRange { logins });
                    prop_assert_eq!(tried, before);
                }
            }
            let mut saturated = before;
            saturated.saturate_logins(logins.into());
            prop_assert_eq!(u32::from(saturated.logins().value()), logins.min(4095));
        }
    }

    #[test]
    fn updates_in_place_touch_what_they_name(raw: u64, day: u16) {
        let mut user = UserRecord::new(1, "a", "b");
        *user.profile_mut() = Profile::new_with_raw_value(raw);
        let before = user.profile();

        user.record_login(day);
        let after = user.profile();
        prop_assert_eq!(after.logins().value(), (before.logins().value() + 1).min(4095));
        prop_assert_eq!(after.last_login_day(), day.max(before.last_login_day()));
        prop_assert!(after.active());
        let touched =
            Profile::logins_mask() | Profile::last_login_day_mask() | Profile::active_mask();
        prop_assert_eq!((after.raw_value() ^ raw) & !touched, 0);

        user.bump_age();
        prop_assert_eq!(user.age(), (before.age().value() + 1).min(127));
        prop_assert_eq!(user.profile().with_age(after.age()), after);
    }
}

#[test]
fn the_errors_say_the_value_and_the_range() {
    let mut user = UserRecord::default();
    let error = user.set_age(200).unwrap_err();
    assert_eq!(error.to_string(), "age 200 is out of range: a record holds 0 to 127 years");
    let error = user.profile_mut().try_set_logins(5_000).unwrap_err();
    assert_eq!(error.to_string(), "5000 logins are out of range: a record holds 0 to 4095");
}
