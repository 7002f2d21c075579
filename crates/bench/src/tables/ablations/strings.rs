//! `Box<str>` or `String`.

use super::super::Row;
use super::row;
use crate::Result;
use crate::origin::{InArena, Tally};
use crate::plan::Plan;
use crate::race::Race;
use bumpalo::Bump;
use trommel::sources::Generator;
use trommel_record::User;

pub(super) fn measure(plan: &Plan, rows: &mut Vec<Row>) -> Result<()> {
    let count = plan.rows(400_000);
    let label = format!(
        "Box<str>, {} bytes a record, or String, {} bytes: made, kept, read, dropped",
        size_of::<User<Box<str>>>(),
        size_of::<User<String>>()
    );
    let mut race = Race::new(count, run::<Box<str>>(count))
        .with("Box<str>", || Ok(run::<Box<str>>(count)))
        .with("String", || Ok(run::<String>(count)));
    rows.push(row(plan, &label, &mut race)?);
    Ok(())
}

fn run<S: AsRef<str> + for<'a> From<&'a str>>(rows: u64) -> Tally {
    let mut bump = Bump::new();
    let mut users = Vec::with_capacity(rows as usize);
    for id in 0..rows {
        bump.reset();
        let user = InArena.make(id, &bump);
        users.push(User::<S>::new(id, user.username(), user.email()));
    }
    let mut tally = Tally::default();
    for user in &users {
        tally.add(user.email());
    }
    tally
}
