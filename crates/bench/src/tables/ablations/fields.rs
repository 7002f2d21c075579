//! Bits in one word, or a field of its own for each; a hash that is kept, or computed each time.

use super::super::Row;
use super::row;
use crate::Result;
use crate::origin::{Tally, generator};
use crate::plan::Plan;
use crate::race::Race;
use std::cell::RefCell;
use std::hash::{DefaultHasher, Hash, Hasher};
use std::hint::black_box;
use trommel_record::{Profile, UserRecord, data_hash};

/// What [`Profile`] packs, as a struct of small integers.
#[derive(Debug, Clone, Copy)]
struct Fields {
    age: u8,
    last_login_day: u16,
    logins: u16,
    /// Country, language, plan, role: not touched by the job, but carried along.
    _codes: [u8; 4],
    /// The second one is `active`.
    flags: [bool; 16],
}

pub(super) fn measure(plan: &Plan, rows: &mut Vec<Row>) -> Result<()> {
    let count = plan.rows(2_000_000);
    let users: Vec<UserRecord> = generator().records(0..count).collect();
    packed(plan, rows, &users)?;
    hashed(plan, rows, &users)
}

fn packed(plan: &Plan, rows: &mut Vec<Row>, users: &[UserRecord]) -> Result<()> {
    let profiles: Vec<Profile> = users.iter().map(UserRecord::profile).collect();
    let fields: Vec<Fields> = profiles.iter().map(unpack).collect();
    let state = RefCell::new((profiles.clone(), fields.clone()));
    let expected = bits(&mut profiles.clone());
    let label = format!(
        "packed bits, {} bytes, or u8/u16/bool fields, {}: a login counted in each",
        size_of::<Profile>(),
        size_of::<Fields>()
    );
    let mut race = Race::new(users.len() as u64, expected)
        .prepare(|| state.replace((profiles.clone(), fields.clone())).0.clear())
        .with("bits", || Ok(bits(&mut state.borrow_mut().0)))
        .with("fields", || Ok(bytes(&mut state.borrow_mut().1)));
    rows.push(row(plan, &label, &mut race)?);
    Ok(())
}

fn unpack(profile: &Profile) -> Fields {
    let mut flags = [false; 16];
    flags[1] = profile.active();
    Fields {
        age: profile.age().value(),
        last_login_day: profile.last_login_day(),
        logins: profile.logins().value(),
        _codes: [0; 4],
        flags,
    }
}

fn bits(profiles: &mut [Profile]) -> Tally {
    let mut tally = Tally::default();
    for profile in black_box(profiles) {
        let logins = profile.logins().saturating_add(1u8.into());
        *profile = profile
            .with_logins(logins)
            .with_last_login_day(profile.last_login_day().max(20_000))
            .with_active(true);
        tally.lines += 1;
        tally.sum += u64::from(logins.value()) + u64::from(profile.age().value());
    }
    tally
}

fn bytes(fields: &mut [Fields]) -> Tally {
    let mut tally = Tally::default();
    for field in black_box(fields) {
        field.logins = (field.logins + 1).min(4_095);
        field.last_login_day = field.last_login_day.max(20_000);
        field.flags[1] = true;
        tally.lines += 1;
        tally.sum += u64::from(field.logins) + u64::from(field.age);
    }
    tally
}

fn hashed(plan: &Plan, rows: &mut Vec<Row>, users: &[UserRecord]) -> Result<()> {
    let sum = |hash: fn(&UserRecord) -> u64| {
        let mut tally = Tally::default();
        for user in black_box(users) {
            tally.lines += 1;
            tally.sum = tally.sum.wrapping_add(hash(user));
        }
        tally
    };
    let mut race = Race::new(users.len() as u64, sum(UserRecord::data_hash))
        .with("kept", || Ok(sum(|user| user.data_hash())))
        .with("computed", || Ok(sum(|user| data_hash(user.id()))));
    rows.push(row(plan, "hash kept in the record, or id × constant each time", &mut race)?);

    // The sums differ by nature; what is compared is how many were made.
    let count = |hash: fn(&UserRecord) -> u64| Tally {
        lines: black_box(sum(hash)).lines,
        ..Tally::default()
    };
    let mut race = Race::new(users.len() as u64, count(UserRecord::data_hash))
        .with("kept", || Ok(count(|user| user.data_hash())))
        .with("computed", || Ok(count(strings_hash)));
    rows.push(row(
        plan,
        "hash kept in the record, or SipHash of its strings each time",
        &mut race,
    )?);
    Ok(())
}

fn strings_hash(user: &UserRecord) -> u64 {
    let mut hasher = DefaultHasher::new();
    user.username().hash(&mut hasher);
    user.email().hash(&mut hasher);
    hasher.finish()
}
