//! Adaptive batching against the best fixed batch size.

use super::{Ledger, Target, engine};
use crate::floors::sequential;
use crate::origin::Tally;
use crate::race::Race;
use crate::workload::{FlightLines, HEAVY_ROUNDS, Users};
use crate::{Result, jobs, origin};
use std::cell::RefCell;
use trommel::{Engine, Options};
use trommel_record::UserRecord;

/// Fixed sizes that adaptive batching must not be behind, in rows.
const SIZES: [usize; 6] = [16, 64, 256, 1_024, 4_096, 8_192];

pub(super) fn measure(ledger: &mut Ledger<'_>) -> Result<()> {
    let engine = engine()?;
    light(ledger, &engine)?;
    heavy(ledger, &engine)?;
    memory(ledger, &engine)?;
    boxed(ledger, &engine)?;
    iter(ledger, &engine)?;
    null(ledger, &engine)?;
    wide(ledger, &engine)?;
    slow_sink(ledger, &engine)
}

/// Races adaptive against every fixed size.
fn versus(
    ledger: &mut Ledger<'_>,
    name: &str,
    rows: u64,
    expected: Tally,
    prepare: impl FnMut(),
    run: impl Fn(&Options) -> Result<Tally>,
) -> Result<()> {
    let adaptive = Options::default();
    let run = &run;
    let mut race = Race::new(rows, expected).prepare(prepare).with("adaptive", || run(&adaptive));
    for size in SIZES {
        let options = Options::builder().fixed_batch_size(size).build()?;
        race = race.with(format!("batches of {size}"), move || run(&options));
    }
    let duel = race.duel(ledger.plan())?;
    let ratio = duel.ratio().median;
    ledger.add(name, ratio, Target::AtLeast(0.95), duel.to_string());
    Ok(())
}

fn light(ledger: &mut Ledger<'_>, engine: &Engine) -> Result<()> {
    let name = "adaptive.light";
    if !ledger.wants(name) {
        return Ok(());
    }
    let flights = FlightLines::new(ledger.plan().rows(300_000));
    let (rows, expected) = (flights.workload.rows, flights.workload.expected);
    versus(
        ledger,
        name,
        rows,
        expected,
        || {},
        |options| Ok(jobs::light(engine, options, &flights.lines)?.0),
    )
}

fn heavy(ledger: &mut Ledger<'_>, engine: &Engine) -> Result<()> {
    let name = "adaptive.heavy";
    if !ledger.wants(name) {
        return Ok(());
    }
    let rows = ledger.plan().rows(6_000);
    let users: Vec<UserRecord> = origin::generator().records(0..rows).collect();
    let expected = sequential::heavy(&users, HEAVY_ROUNDS);
    versus(
        ledger,
        name,
        rows,
        expected,
        || {},
        |options| Ok(jobs::heavy(engine, options, &users, HEAVY_ROUNDS)?.0),
    )
}

fn memory(ledger: &mut Ledger<'_>, engine: &Engine) -> Result<()> {
    let name = "adaptive.slice";
    if !ledger.wants(name) {
        return Ok(());
    }
    let users = Users::new("adaptive.slice", ledger.plan().rows(1_000_000));
    let (rows, expected) = (users.workload.rows, users.workload.expected);
    let users = RefCell::new(users);
    versus(
        ledger,
        name,
        rows,
        expected,
        || users.borrow_mut().reset(),
        |options| Ok(jobs::slice(engine, options, &mut users.borrow_mut().records)?.0),
    )
}

fn boxed(ledger: &mut Ledger<'_>, engine: &Engine) -> Result<()> {
    let name = "adaptive.generate_boxed";
    if !ledger.wants(name) {
        return Ok(());
    }
    let rows = ledger.plan().rows(2_000_000);
    let expected = sequential::boxed(rows);
    versus(ledger, name, rows, expected, || {}, |options| Ok(jobs::boxed(engine, options, rows)?.0))
}

fn iter(ledger: &mut Ledger<'_>, engine: &Engine) -> Result<()> {
    let name = "adaptive.iter";
    if !ledger.wants(name) {
        return Ok(());
    }
    let rows = ledger.plan().rows(1_000_000);
    let expected = sequential::boxed(rows);
    versus(
        ledger,
        name,
        rows,
        expected,
        || {},
        |options| Ok(jobs::iter_owned(engine, options, rows)?.0),
    )
}

fn null(ledger: &mut Ledger<'_>, engine: &Engine) -> Result<()> {
    let name = "adaptive.null";
    if !ledger.wants(name) {
        return Ok(());
    }
    let rows = ledger.plan().rows(8_000_000);
    let units = vec![(); rows as usize];
    let expected = Tally { lines: rows, ..Tally::default() };
    versus(ledger, name, rows, expected, || {}, |options| jobs::units(engine, options, &units))
}

fn wide(ledger: &mut Ledger<'_>, engine: &Engine) -> Result<()> {
    let name = "adaptive.wide";
    if !ledger.wants(name) {
        return Ok(());
    }
    let rows = ledger.plan().rows(8_000);
    let wide: Vec<_> = (0..rows).map(|id| origin::generator().wide(id)).collect();
    let expected = sequential::wide(&wide);
    versus(ledger, name, rows, expected, || {}, |options| Ok(jobs::wide(engine, options, &wide)?.0))
}

fn slow_sink(ledger: &mut Ledger<'_>, engine: &Engine) -> Result<()> {
    let name = "adaptive.slow_sink";
    if !ledger.wants(name) {
        return Ok(());
    }
    let rows = ledger.plan().rows(500_000);
    let expected = sequential::arena(rows);
    versus(
        ledger,
        name,
        rows,
        expected,
        || {},
        |options| Ok(jobs::slow_sink(engine, options, rows)?.0),
    )
}
