//! The job as it was before it became quick: wide records, `format!`, boxed lines.

use super::{Ran, boxed_lines};
use crate::{Result, origin};
use trommel::{Engine, Options, Pipeline, sources};
use trommel_record::UserRecord;
use trommel_record::wide::WideUser;

/// Wide users made in the worker and packed there.
///
/// # Errors
/// As [`trommel::Job::run`].
pub fn wide_made(engine: &Engine, options: &Options, rows: u64) -> Result<Ran> {
    let mut sink = boxed_lines();
    let report = Pipeline::from(sources::generate(rows, |id| origin::generator().wide(id)))
        .transform(|wide, out| out.emit(wide_line(wide)))
        .load_into(&mut sink)
        .options(options.clone())
        .run(engine)?;
    Ok((sink.into_value(), report))
}

/// The line of a wide user, packed first.
pub(crate) fn wide_line(wide: WideUser) -> Box<str> {
    origin::boxed(UserRecord::from(&wide))
}

/// The line as a program writes it that does not care.
pub(crate) fn formatted_line(mut user: UserRecord) -> Box<str> {
    origin::update(&mut user);
    format!("{}|{}|{}", user.id(), user.username(), user.activity_score()).into()
}

/// A sequential iterator's records, by value, lines by `format!`.
///
/// # Errors
/// As [`trommel::Job::run`].
pub fn iter_formatted(engine: &Engine, options: &Options, rows: u64) -> Result<Ran> {
    let mut sink = boxed_lines();
    let report = Pipeline::from(sources::iter(origin::generator().records(0..rows)).owned())
        .transform(|user, out| out.emit(formatted_line(user)))
        .load_into(&mut sink)
        .options(options.clone())
        .run(engine)?;
    Ok((sink.into_value(), report))
}

/// Users made in the worker, lines by `format!`.
///
/// # Errors
/// As [`trommel::Job::run`].
pub fn formatted(engine: &Engine, options: &Options, rows: u64) -> Result<Ran> {
    let mut sink = boxed_lines();
    let report = Pipeline::from(sources::generate(rows, |id| origin::generator().record(id)))
        .transform(|user, out| out.emit(formatted_line(user)))
        .load_into(&mut sink)
        .options(options.clone())
        .run(engine)?;
    Ok((sink.into_value(), report))
}

/// In place over a slice; lines boxed.
///
/// # Errors
/// As [`trommel::Job::run`].
pub fn slice_boxed(engine: &Engine, options: &Options, users: &mut [UserRecord]) -> Result<Ran> {
    let mut sink = boxed_lines();
    let report = Pipeline::from(sources::slice_mut(users))
        .transform(|user: &mut UserRecord, out| {
            origin::update(user);
            let mut line = String::with_capacity(user.username().len() + 32);
            origin::write_line(user, &mut line);
            out.emit(line.into_boxed_str())
        })
        .load_into(&mut sink)
        .options(options.clone())
        .run(engine)?;
    Ok((sink.into_value(), report))
}
