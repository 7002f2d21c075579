//! The workloads on Trommel.

pub mod csv;
pub mod database;
pub mod network;
mod slow;
mod steps;

pub use steps::{formatted, iter_formatted, slice_boxed, wide_made};
pub(crate) use steps::{formatted_line, wide_line};

use crate::Result;
use crate::origin::{self, InArena, Tally};
use crate::workload::{heavy_line, light_line};
use slow::SlowSink;
use trommel::sinks::Fold;
use trommel::sources::Iter;
use trommel::{Engine, Options, Out, Pipeline, RunReport, Sink, sinks, sources};
use trommel_record::wide::WideUser;
use trommel_record::{Records, User, UserRecord, UserRecordRef};

/// A run's result and report.
pub type Ran = (Tally, RunReport);

/// The sink that tallies lines in the workers.
#[expect(clippy::type_complexity, reason = "closures have no names")]
pub fn lines() -> Fold<
    Tally,
    impl Fn() -> Tally + Send + Sync,
    impl Fn(&mut Tally, &str) + Send + Sync,
    impl FnMut(&mut Tally, Tally) + Send,
> {
    sinks::fold(
        Tally::default,
        |tally: &mut Tally, line: &str| tally.add(line),
        |tally, part| tally.merge(part),
    )
}

/// As [`lines`], for lines that are owned.
#[expect(clippy::type_complexity, reason = "closures have no names")]
pub fn boxed_lines() -> Fold<
    Tally,
    impl Fn() -> Tally + Send + Sync,
    impl Fn(&mut Tally, Box<str>) + Send + Sync,
    impl FnMut(&mut Tally, Tally) + Send,
> {
    sinks::fold(
        Tally::default,
        |tally: &mut Tally, line: Box<str>| tally.add(&line),
        |tally, part| tally.merge(part),
    )
}

/// The line of a user, in the arena. Inlined as it would be where a transform builds its own line;
/// several callers keep the compiler from it.
#[inline(always)]
fn line_of<'b, S: AsRef<str>, K: Sink>(user: &User<S>, out: &mut Out<'b, K>) -> &'b str {
    let mut text = out.text();
    text.int(user.id()).char('|').str(user.username());
    text.char('|').int(user.activity_score()).finish()
}

/// In place over a slice; lines in the arena.
///
/// # Errors
/// As [`trommel::Job::run`].
pub fn slice(engine: &Engine, options: &Options, users: &mut [UserRecord]) -> Result<Ran> {
    let mut sink = lines();
    let report = Pipeline::from(sources::slice_mut(users))
        .transform(|user: &mut UserRecord, out| {
            origin::update(user);
            let line = line_of(user, out);
            out.emit(line)
        })
        .load_into(&mut sink)
        .options(options.clone())
        .run(engine)?;
    Ok((sink.into_value(), report))
}

/// As [`slice()`], for lines that nothing needs after they have been emitted: no arena.
///
/// # Errors
/// As [`Job::run`](trommel::Job::run).
pub fn slice_lines(engine: &Engine, options: &Options, users: &mut [UserRecord]) -> Result<Ran> {
    let mut sink = lines();
    let report = Pipeline::from(sources::slice_mut(users))
        .transform(|user: &mut UserRecord, out| {
            origin::update(user);
            let mut line = out.line();
            line.int(user.id()).char('|').str(user.username());
            line.char('|').int(user.activity_score()).emit()
        })
        .load_into(&mut sink)
        .options(options.clone())
        .run(engine)?;
    Ok((sink.into_value(), report))
}

/// Users made in the worker's arena; lines in the arena.
///
/// # Errors
/// As [`trommel::Job::run`].
pub fn generate_in(engine: &Engine, options: &Options, rows: u64) -> Result<Ran> {
    let mut sink = lines();
    let report = Pipeline::from(sources::generate_in(rows, InArena))
        .transform(|mut user, out| {
            origin::update(&mut user);
            let line = line_of(&user, out);
            out.emit(line)
        })
        .load_into(&mut sink)
        .options(options.clone())
        .run(engine)?;
    Ok((sink.into_value(), report))
}

/// Users made in the worker; boxed strings in and out.
///
/// # Errors
/// As [`trommel::Job::run`].
pub fn boxed(engine: &Engine, options: &Options, rows: u64) -> Result<Ran> {
    let mut sink = boxed_lines();
    let report = Pipeline::from(sources::generate(rows, |id| origin::generator().record(id)))
        .transform(|user, out| out.emit(origin::boxed(user)))
        .load_into(&mut sink)
        .options(options.clone())
        .run(engine)?;
    Ok((sink.into_value(), report))
}

/// A sequential iterator's records, by value.
///
/// # Errors
/// As [`trommel::Job::run`].
pub fn iter_owned(engine: &Engine, options: &Options, rows: u64) -> Result<Ran> {
    owned(engine, options, sources::iter(origin::generator().records(0..rows)))
}

/// As [`iter_owned`], with the promise that the iterator waits for nothing.
///
/// # Errors
/// As [`trommel::Job::run`].
pub fn iter_never_blocks(engine: &Engine, options: &Options, rows: u64) -> Result<Ran> {
    owned(engine, options, sources::iter(origin::generator().records(0..rows)).never_blocks())
}

fn owned(engine: &Engine, options: &Options, users: Iter<Records>) -> Result<Ran> {
    let mut sink = boxed_lines();
    let report = Pipeline::from(users.owned())
        .transform(|user, out| out.emit(origin::boxed(user)))
        .load_into(&mut sink)
        .options(options.clone())
        .run(engine)?;
    Ok((sink.into_value(), report))
}

/// A sequential iterator's records, changed where they are and dropped where they were made.
///
/// # Errors
/// As [`trommel::Job::run`].
pub fn iter_in_place(engine: &Engine, options: &Options, rows: u64) -> Result<Ran> {
    let mut sink = lines();
    let report = Pipeline::from(sources::iter(origin::generator().records(0..rows)))
        .transform(|user: &mut UserRecord, out| {
            origin::update(user);
            let line = line_of(user, out);
            out.emit(line)
        })
        .load_into(&mut sink)
        .options(options.clone())
        .run(engine)?;
    Ok((sink.into_value(), report))
}

/// The light job over lines.
///
/// # Errors
/// As [`trommel::Job::run`].
pub fn light(engine: &Engine, options: &Options, rows: &[Box<str>]) -> Result<Ran> {
    let mut sink = lines();
    let report = Pipeline::from(sources::slice(rows))
        .transform(|row, out| {
            let mut text = out.text();
            match light_line(row, &mut text) {
                Ok(true) => {
                    let line = text.finish();
                    out.emit(line)
                }
                _ => Ok(()),
            }
        })
        .load_into(&mut sink)
        .options(options.clone())
        .run(engine)?;
    Ok((sink.into_value(), report))
}

/// The heavy job over users.
///
/// # Errors
/// As [`trommel::Job::run`].
pub fn heavy(engine: &Engine, options: &Options, users: &[UserRecord], rounds: u32) -> Result<Ran> {
    let mut sink = lines();
    let report = Pipeline::from(sources::slice(users))
        .transform(move |user: &UserRecord, out| {
            let mut text = out.text();
            heavy_line(user, rounds, &mut text)
                .map_err(|_| trommel::Error::fatal("a text refused to be written"))?;
            let line = text.finish();
            out.emit(line)
        })
        .load_into(&mut sink)
        .options(options.clone())
        .run(engine)?;
    Ok((sink.into_value(), report))
}

/// Rows that nothing is done with: what is left is the engine's own cost.
///
/// # Errors
/// As [`trommel::Job::run`].
pub fn null(engine: &Engine, options: &Options, users: &[UserRecord]) -> Result<RunReport> {
    Ok(Pipeline::from(sources::slice(users))
        .transform(|_: &UserRecord, out| out.emit(()))
        .load_into(sinks::null())
        .options(options.clone())
        .run(engine)?)
}

/// Rows of no size that nothing is done with, counted by the report.
///
/// # Errors
/// As [`trommel::Job::run`].
pub fn units(engine: &Engine, options: &Options, units: &[()]) -> Result<Tally> {
    let report = Pipeline::from(sources::slice(units))
        .transform(|_: &(), out| out.emit(()))
        .load_into(sinks::null())
        .options(options.clone())
        .run(engine)?;
    Ok(Tally { lines: report.counts.loaded, ..Tally::default() })
}

/// Wide users, packed without a copy.
///
/// # Errors
/// As [`trommel::Job::run`].
pub fn wide(engine: &Engine, options: &Options, users: &[WideUser]) -> Result<Ran> {
    let mut sink = lines();
    let report = Pipeline::from(sources::slice(users))
        .transform(|wide: &WideUser, out| {
            let mut user = UserRecordRef::from(wide);
            origin::update(&mut user);
            let line = line_of(&user, out);
            out.emit(line)
        })
        .load_into(&mut sink)
        .options(options.clone())
        .run(engine)?;
    Ok((sink.into_value(), report))
}

/// Generated users into a sink that takes its time for each page.
///
/// # Errors
/// As [`trommel::Job::run`].
pub fn slow_sink(engine: &Engine, options: &Options, rows: u64) -> Result<Ran> {
    let mut sink = SlowSink::default();
    let report = Pipeline::from(sources::generate_in(rows, InArena))
        .transform(|mut user, out| {
            origin::update(&mut user);
            let line = line_of(&user, out);
            out.emit(line)
        })
        .load_into(&mut sink)
        .options(options.clone())
        .run(engine)?;
    Ok((sink.tally, report))
}
