//! What a record does besides holding bits.

use std::collections::HashSet;
use std::hash::{BuildHasher, BuildHasherDefault, DefaultHasher};

use trommel_record::{Country, Flag, Generator, Language, Plan, UserParts, UserRecord};

fn nina() -> UserRecord {
    let mut user = UserRecord::new(9, "nina9", "nina9@me.test");
    user.set_age(41).unwrap();
    user.counts_mut().posts = 3;
    user.counts_mut().likes = 2;
    let profile = user.profile();
    *user.profile_mut() = profile
        .with_country(Country::Norway)
        .with_language(Language::Norwegian)
        .with_plan(Plan::Pro);
    user.record_login(20_000);
    user
}

#[test]
fn the_default_is_empty_and_new_computes_the_hash() {
    let empty = UserRecord::default();
    assert_eq!(empty, UserRecord::new(0, "", ""));
    assert_eq!((empty.data_hash(), empty.age(), empty.activity_score()), (0, 0, 0));
    assert_eq!(nina().data_hash(), 9u64.wrapping_mul(0x517c_c1b7_2722_0a95));
    assert_eq!(UserRecord::new(u64::MAX, "", "").data_hash(), 0xae83_3e48_d8dd_f56b);
}

#[test]
fn a_person_can_read_it() {
    assert_eq!(
        nina().to_string(),
        "#9 nina9 <nina9@me.test>, age 41, no-NO, pro member, 3 posts, 0 followers, 0 following, \
         2 likes, 1 logins, last on day 20000, active"
    );
    assert_eq!(
        format!("{:?}", nina()),
        "User { id: 9, username: \"nina9\", email: \"nina9@me.test\", \
         data_hash: 15952540911656918845, counts: Counts { posts: 3, followers: 0, following: 0, \
         likes: 2 }, profile: Profile { age: 41, country: Norway, language: Norwegian, plan: Pro, \
         role: Member, flags: [Active], last_login_day: 20000, logins: 1 } }"
    );
}

#[test]
fn parts_are_all_there_is() {
    for user in Generator::seeded(8).records(0..100) {
        let parts = UserParts::from(user.clone());
        assert_eq!(UserRecord::from(parts), user);
    }
}

#[test]
fn both_forms_compare_and_hash_alike() {
    let hasher = BuildHasherDefault::<DefaultHasher>::default();
    let user = nina();
    assert_eq!(hasher.hash_one(&user), hasher.hash_one(user.borrowed()));
    let mut set = HashSet::from([user.clone()]);
    assert!(!set.insert(user.borrowed().to_record()));

    let mut other = user.clone();
    other.set_flag(Flag::Avatar, true);
    assert_ne!(user, other);
    assert_ne!(user.borrowed(), other);
    assert!(set.insert(other));
}

#[test]
fn the_score_follows_what_the_user_does() {
    let mut user = nina();
    assert_eq!(user.activity_score(), 5 * 3 + 2 * 2 + 1);
    user.set_flag(Flag::Verified, true);
    assert_eq!(user.activity_score(), 40);
    user.set_flag(Flag::Suspended, true);
    assert_eq!(user.activity_score(), 0);
    *user.counts_mut() = trommel_record::Counts::saturating(u64::MAX, u64::MAX, u64::MAX, u64::MAX);
    user.set_flag(Flag::Suspended, false);
    user.profile_mut().saturate_logins(u64::MAX);
    assert_eq!(user.activity_score(), 2 * (9 * 65_535 + 4_095), "the largest score fits");
}
