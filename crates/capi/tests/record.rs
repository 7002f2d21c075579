//! `trommel_record.h` has the layout of `crates/record`; the header's own assertions are the other
//! side.

use trommel_record::{Counts, Profile, UserParts, UserRecord, UserRecordRef};

/// The struct of the header.
#[repr(C)]
struct UserInC {
    id: u64,
    username: *const u8,
    username_length: usize,
    email: *const u8,
    email_length: usize,
    data_hash: u64,
    counts: [u16; 4],
    profile: u64,
}

#[cfg(target_pointer_width = "64")]
const _: () = {
    assert!(size_of::<UserInC>() == 64 && size_of::<UserRecord>() == 64);
    assert!(align_of::<UserInC>() == align_of::<UserRecord>());
    assert!(std::mem::offset_of!(UserInC, data_hash) == 40);
    assert!(std::mem::offset_of!(UserInC, counts) == 48);
    assert!(std::mem::offset_of!(UserInC, profile) == 56);
};

#[test]
fn a_record_reads_the_same_on_both_sides() {
    let counts = Counts { posts: 1, followers: 2, following: 3, likes: 4 };
    let profile = Profile::new_with_raw_value(0x0123_4567_89ab_cdef);
    let parts = UserParts { id: 7, username: "ines", email: "i@me.test", counts, profile };
    let record: UserRecordRef<'_> = parts.into();
    // SAFETY: both are `repr(C)`, have the same size, and hold plain numbers and pointers.
    let in_c: UserInC = unsafe { std::mem::transmute(record) };
    assert_eq!((in_c.id, in_c.data_hash), (7, trommel_record::data_hash(7)));
    let (username, email) = (record.username(), record.email());
    assert_eq!((in_c.username, in_c.username_length), (username.as_ptr(), 4));
    assert_eq!((in_c.email, in_c.email_length), (email.as_ptr(), 9));
    assert_eq!((in_c.counts, in_c.profile), ([1, 2, 3, 4], profile.raw_value()));
}

#[test]
fn the_headers_bits_are_those_of_the_profile() {
    let header = concat!(env!("CARGO_MANIFEST_DIR"), "/include/trommel_record.h");
    let header = std::fs::read_to_string(header).unwrap();
    let fields: Vec<(String, usize, usize)> = header
        .lines()
        .filter_map(|line| line.trim().strip_prefix("FIELD("))
        .map(|field| {
            let parts: Vec<&str> = field.split(')').next().unwrap().split(", ").collect();
            (parts[0].to_owned(), parts[1].parse().unwrap(), parts[2].parse().unwrap())
        })
        .collect();
    let bits = |name: &str, range: std::ops::RangeInclusive<usize>| {
        (name.to_owned(), *range.start(), range.end() - range.start() + 1)
    };
    let expected = vec![
        bits("age", Profile::AGE_BITS),
        bits("country", Profile::COUNTRY_BITS),
        bits("language", Profile::LANGUAGE_BITS),
        bits("plan", Profile::PLAN_BITS),
        bits("role", Profile::ROLE_BITS),
        bits("verified", Profile::VERIFIED_BITS),
        bits("active", Profile::ACTIVE_BITS),
        bits("email_confirmed", Profile::EMAIL_CONFIRMED_BITS),
        bits("two_factor", Profile::TWO_FACTOR_BITS),
        bits("newsletter", Profile::NEWSLETTER_BITS),
        bits("marketing", Profile::MARKETING_BITS),
        bits("private", Profile::PRIVATE_BITS),
        bits("suspended", Profile::SUSPENDED_BITS),
        bits("deleted", Profile::DELETED_BITS),
        bits("beta", Profile::BETA_BITS),
        bits("trial", Profile::TRIAL_BITS),
        bits("dark_mode", Profile::DARK_MODE_BITS),
        bits("api_access", Profile::API_ACCESS_BITS),
        bits("open_messages", Profile::OPEN_MESSAGES_BITS),
        bits("avatar", Profile::AVATAR_BITS),
        bits("priority_support", Profile::PRIORITY_SUPPORT_BITS),
        bits("last_login_day", Profile::LAST_LOGIN_DAY_BITS),
        bits("logins", Profile::LOGINS_BITS),
    ];
    assert_eq!(fields, expected);
}
