//! Plain loops on one thread. They say what a result must be, and what a small job may cost.

use crate::origin::{self, Tally};
use crate::workload::{heavy_line, light_line};
use bumpalo::Bump;
use trommel_record::wide::WideUser;
use trommel_record::{UserRecord, UserRecordRef};

/// Changes users in place and tallies their lines.
pub fn slice(users: &mut [UserRecord]) -> Tally {
    let (mut tally, mut line) = (Tally::default(), String::new());
    for user in users {
        origin::update(user);
        line.clear();
        origin::write_line(user, &mut line);
        tally.add(&line);
    }
    tally
}

/// Makes users with boxed strings and tallies their boxed lines.
pub fn boxed(rows: u64) -> Tally {
    let mut tally = Tally::default();
    for user in origin::generator().records(0..rows) {
        tally.add(&origin::boxed(user));
    }
    tally
}

/// Makes users in an arena and tallies their lines.
pub fn arena(rows: u64) -> Tally {
    let (mut tally, mut line, mut bump) = (Tally::default(), String::new(), Bump::new());
    for id in 0..rows {
        if id % 1_024 == 0 {
            bump.reset();
        }
        let mut user = origin::generator().generate_in(id, &bump);
        origin::update(&mut user);
        line.clear();
        origin::write_line(&user, &mut line);
        tally.add(bump.alloc_str(&line));
    }
    tally
}

/// The light job over lines.
pub fn light(lines: &[Box<str>]) -> Tally {
    let (mut tally, mut line) = (Tally::default(), String::new());
    for row in lines {
        line.clear();
        if light_line(row, &mut line) == Ok(true) {
            tally.add(&line);
        }
    }
    tally
}

/// The heavy job over users.
pub fn heavy(users: &[UserRecord], rounds: u32) -> Tally {
    let (mut tally, mut line) = (Tally::default(), String::new());
    for user in users {
        line.clear();
        heavy_line(user, rounds, &mut line).expect("a string takes all that is written");
        tally.add(&line);
    }
    tally
}

/// Packs wide users and tallies the lines of what is left of them.
pub fn wide(users: &[WideUser]) -> Tally {
    let (mut tally, mut line) = (Tally::default(), String::new());
    for wide in users {
        let mut user = UserRecordRef::from(wide);
        origin::update(&mut user);
        line.clear();
        origin::write_line(&user, &mut line);
        tally.add(&line);
    }
    tally
}

/// Makes wide users, packs them and tallies their lines.
pub fn wide_made(rows: u64) -> Tally {
    let mut tally = Tally::default();
    for id in 0..rows {
        tally.add(&origin::boxed(UserRecord::from(&origin::generator().wide(id))));
    }
    tally
}
