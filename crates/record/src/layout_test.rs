//! Holds `docs/record-layout.md` against the code.

use std::mem::{align_of, offset_of, size_of};
use std::ops::RangeInclusive;

use crate::counts::Counts;
use crate::flag::Flag;
use crate::profile::Profile;
use crate::user::{User, UserRecord, UserRecordRef};

const DOCUMENT: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../../docs/record-layout.md");

/// The rows of the table under a heading, each cut into its cells, without head and rule.
fn table(heading: &str) -> Vec<Vec<String>> {
    let document = std::fs::read_to_string(DOCUMENT).expect("the layout document is readable");
    let (_, section) = document.split_once(&format!("## {heading}\n")).expect(heading);
    let section = section.split("\n## ").next().unwrap();
    let cells = |row: &str| {
        row.trim_matches('|').split('|').map(|cell| cell.trim().replace('`', "")).collect()
    };
    section.lines().filter(|line| line.starts_with('|')).skip(2).map(cells).collect()
}

fn bytes_of<S>() -> [(&'static str, usize, usize); 9] {
    let counts = offset_of!(User<S>, counts);
    [
        ("id", offset_of!(User<S>, id), size_of::<u64>()),
        ("username", offset_of!(User<S>, username), size_of::<S>()),
        ("email", offset_of!(User<S>, email), size_of::<S>()),
        ("data_hash", offset_of!(User<S>, data_hash), size_of::<u64>()),
        ("counts.posts", counts + offset_of!(Counts, posts), size_of::<u16>()),
        ("counts.followers", counts + offset_of!(Counts, followers), size_of::<u16>()),
        ("counts.following", counts + offset_of!(Counts, following), size_of::<u16>()),
        ("counts.likes", counts + offset_of!(Counts, likes), size_of::<u16>()),
        ("profile", offset_of!(User<S>, profile), size_of::<Profile>()),
    ]
}

#[test]
fn the_documented_bytes_are_those_of_both_forms() {
    let documented: Vec<(String, usize, usize)> = table("Bytes")
        .into_iter()
        .map(|row| (row[0].clone(), row[1].parse().unwrap(), row[2].parse().unwrap()))
        .collect();
    for actual in [bytes_of::<Box<str>>(), bytes_of::<&str>()] {
        let actual = actual.map(|(name, offset, bytes)| (name.to_owned(), offset, bytes));
        assert_eq!(documented, actual);
    }
    let mut end = 0;
    for (name, offset, bytes) in documented {
        assert_eq!(offset, end, "no gap before {name}");
        end = offset + bytes;
    }
    assert_eq!(end, size_of::<UserRecord>());
    assert_eq!(size_of::<UserRecord>(), size_of::<UserRecordRef<'_>>());
    assert_eq!(align_of::<UserRecord>(), 8);
}

#[test]
fn the_documented_bits_are_those_of_the_profile() {
    let actual: Vec<(&str, RangeInclusive<usize>)> = vec![
        ("age", Profile::AGE_BITS),
        ("country", Profile::COUNTRY_BITS),
        ("language", Profile::LANGUAGE_BITS),
        ("plan", Profile::PLAN_BITS),
        ("role", Profile::ROLE_BITS),
        ("verified", Profile::VERIFIED_BITS),
        ("active", Profile::ACTIVE_BITS),
        ("email_confirmed", Profile::EMAIL_CONFIRMED_BITS),
        ("two_factor", Profile::TWO_FACTOR_BITS),
        ("newsletter", Profile::NEWSLETTER_BITS),
        ("marketing", Profile::MARKETING_BITS),
        ("private", Profile::PRIVATE_BITS),
        ("suspended", Profile::SUSPENDED_BITS),
        ("deleted", Profile::DELETED_BITS),
        ("beta", Profile::BETA_BITS),
        ("trial", Profile::TRIAL_BITS),
        ("dark_mode", Profile::DARK_MODE_BITS),
        ("api_access", Profile::API_ACCESS_BITS),
        ("open_messages", Profile::OPEN_MESSAGES_BITS),
        ("avatar", Profile::AVATAR_BITS),
        ("priority_support", Profile::PRIORITY_SUPPORT_BITS),
        ("last_login_day", Profile::LAST_LOGIN_DAY_BITS),
        ("logins", Profile::LOGINS_BITS),
    ];
    let documented = table("Bits of `profile`");
    assert_eq!(documented.len(), actual.len());
    let mut next = 0;
    for (row, (name, bits)) in documented.iter().zip(actual) {
        assert_eq!(row[0], name);
        assert_eq!(row[1], format!("{}..={}", bits.start(), bits.end()), "bits of {name}");
        assert_eq!(*bits.start(), next, "no gap before {name}");
        next = bits.end() + 1;
    }
    assert_eq!(next, 64);
}

#[test]
fn each_flag_has_the_bit_and_the_name_of_its_accessor() {
    let documented = table("Bits of `profile`");
    for flag in Flag::ALL {
        let row = documented
            .iter()
            .find(|row| row[0] == flag.name())
            .unwrap_or_else(|| panic!("{flag} is documented"));
        assert_eq!(row[1], format!("{0}..={0}", flag.bit()));
    }
    assert_eq!(1 << Flag::Verified.bit(), Profile::verified_mask());
    assert_eq!(1 << Flag::Active.bit(), Profile::active_mask());
    assert_eq!(1 << Flag::EmailConfirmed.bit(), Profile::email_confirmed_mask());
    assert_eq!(1 << Flag::TwoFactor.bit(), Profile::two_factor_mask());
    assert_eq!(1 << Flag::Newsletter.bit(), Profile::newsletter_mask());
    assert_eq!(1 << Flag::Marketing.bit(), Profile::marketing_mask());
    assert_eq!(1 << Flag::Private.bit(), Profile::private_mask());
    assert_eq!(1 << Flag::Suspended.bit(), Profile::suspended_mask());
    assert_eq!(1 << Flag::Deleted.bit(), Profile::deleted_mask());
    assert_eq!(1 << Flag::Beta.bit(), Profile::beta_mask());
    assert_eq!(1 << Flag::Trial.bit(), Profile::trial_mask());
    assert_eq!(1 << Flag::DarkMode.bit(), Profile::dark_mode_mask());
    assert_eq!(1 << Flag::ApiAccess.bit(), Profile::api_access_mask());
    assert_eq!(1 << Flag::OpenMessages.bit(), Profile::open_messages_mask());
    assert_eq!(1 << Flag::Avatar.bit(), Profile::avatar_mask());
    assert_eq!(1 << Flag::PrioritySupport.bit(), Profile::priority_support_mask());
}
