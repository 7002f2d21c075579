//! Records as JSON.
#![cfg(feature = "serde")]

use serde_json::{Value, json};
use trommel_record::{Country, Flag, Generator, Language, Plan, Role, UserRecord, UserRecordRef};

#[test]
fn records_come_back_from_json_as_they_were() {
    for user in Generator::seeded(3).records(0..500) {
        let line = serde_json::to_string(&user).unwrap();
        assert_eq!(serde_json::from_str::<UserRecord>(&line).unwrap(), user);
        assert_eq!(serde_json::from_str::<UserRecordRef<'_>>(&line).unwrap(), user);
        assert_eq!(serde_json::to_string(&user.borrowed()).unwrap(), line);
        let value = serde_json::to_value(&user).unwrap();
        assert_eq!(serde_json::from_value::<UserRecord>(value).unwrap(), user);
    }
}

#[test]
fn the_fields_have_the_names_of_the_accessors() {
    let mut user = UserRecord::new(u64::MAX, "nina", "nina@me.test");
    user.set_age(41).unwrap();
    user.record_login(20_000);
    user.counts_mut().likes = 9;
    user.profile_mut().set_country(Country::Norway);
    user.profile_mut().set_language(Language::Norwegian);
    user.profile_mut().set_plan(Plan::Pro);
    user.profile_mut().set_role(Role::Moderator);
    user.set_flag(Flag::TwoFactor, true);
    let mut expected = json!({
        "id": u64::MAX, "username": "nina", "email": "nina@me.test",
        "posts": 0, "followers": 0, "following": 0, "likes": 9,
        "age": 41, "country": "NO", "language": "no", "plan": "pro", "role": "moderator",
        "last_login_day": 20_000, "logins": 1,
    });
    for flag in Flag::ALL {
        expected[flag.name()] = Value::Bool(matches!(flag, Flag::TwoFactor | Flag::Active));
    }
    assert_eq!(serde_json::to_value(&user).unwrap(), expected);
}

#[test]
fn what_is_missing_takes_its_default_and_the_unknown_is_passed_over() {
    let line = r#"{"id": 3, "username": "a\"b", "email": "", "shoe_size": 43}"#;
    assert_eq!(serde_json::from_str::<UserRecord>(line).unwrap(), UserRecord::new(3, "a\"b", ""));
    let error = serde_json::from_str::<UserRecord>(r#"{"id": 3, "username": "a"}"#).unwrap_err();
    assert!(error.to_string().contains("missing field `email`"), "{error}");
}

#[test]
fn values_that_do_not_fit_are_refused_by_name() {
    let refused = |field: &str, value: Value| {
        let mut line = json!({"id": 1, "username": "a", "email": "b"});
        line[field] = value;
        serde_json::from_value::<UserRecord>(line).unwrap_err().to_string()
    };
    assert!(refused("age", json!(128)).contains("age 128 is out of range"));
    assert!(refused("age", json!(-1)).contains("-1"));
    assert!(refused("logins", json!(4096)).contains("4096 logins are out of range"));
    assert!(refused("posts", json!(65_536)).contains("65536"));
    assert!(refused("country", json!("XX")).contains("`XX` is no known country code"));
    assert!(refused("plan", json!(2)).contains("the code of a plan"));
}

#[cfg(feature = "wide")]
#[test]
fn a_wide_record_is_one_repeatable_line() {
    use trommel_record::wide::WideUser;

    let generator = Generator::seeded(3);
    for id in 0..20 {
        let wide = generator.wide(id);
        let line = serde_json::to_string(&wide).unwrap();
        assert!(!line.contains('\n'));
        assert_eq!(serde_json::from_str::<WideUser>(&line).unwrap(), wide);
        // The clone and the second of its kind have maps with hash keys of their own.
        assert_eq!(serde_json::to_string(&generator.wide(id)).unwrap(), line);
    }
    let line = serde_json::to_string(&generator.wide(0)).unwrap();
    for (bad, why) in [("\"payload\":\"g0", "no hexadecimal"), ("\"payload\":\"0", "odd number")] {
        let broken = line.replacen("\"payload\":\"", bad, 1);
        let error = serde_json::from_str::<WideUser>(&broken).unwrap_err().to_string();
        assert!(error.contains(why), "{error}");
    }
}
