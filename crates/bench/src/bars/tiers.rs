//! The light and the heavy tier against rayon.

use super::{Ledger, Target, engine};
use crate::floors::{self, rayon, sequential};
use crate::plan::WORKERS;
use crate::race::Race;
use crate::workload::{FlightLines, HEAVY_ROUNDS};
use crate::{Result, jobs, origin};
use trommel::{Options, Tier};
use trommel_record::UserRecord;

pub(super) fn measure(ledger: &mut Ledger<'_>) -> Result<()> {
    if ledger.wants("light") {
        light(ledger)?;
    }
    if ledger.wants("heavy") {
        heavy(ledger)?;
    }
    Ok(())
}

fn light(ledger: &mut Ledger<'_>) -> Result<()> {
    let (engine, pool) = (engine()?, floors::pool(WORKERS)?);
    let options = Options::tier(Tier::Light).build()?;
    let flights = FlightLines::new(ledger.plan().rows(500_000));
    let mut race = Race::new(flights.workload.rows, flights.workload.expected)
        .with("trommel", || Ok(jobs::light(&engine, &options, &flights.lines)?.0));
    for chunk in [128, 512, 4_096] {
        let (pool, lines) = (&pool, &flights.lines);
        race = race.with(format!("rayon par_chunks({chunk})"), move || {
            Ok(rayon::light(pool, lines, chunk))
        });
    }
    let duel = race.duel(ledger.plan())?;
    ledger.add("light", duel.ratio().median, Target::AtLeast(0.95), duel.to_string());
    Ok(())
}

fn heavy(ledger: &mut Ledger<'_>) -> Result<()> {
    let (engine, pool) = (engine()?, floors::pool(WORKERS)?);
    let options = Options::tier(Tier::Heavy).build()?;
    let rows = ledger.plan().rows(10_000);
    let users: Vec<UserRecord> = origin::generator().records(0..rows).collect();
    let expected = sequential::heavy(&users, HEAVY_ROUNDS);
    let mut race = Race::new(rows, expected)
        .with("trommel", || Ok(jobs::heavy(&engine, &options, &users, HEAVY_ROUNDS)?.0));
    for chunk in [1, 16, 128] {
        let (pool, users) = (&pool, &users);
        race = race.with(format!("rayon par_chunks({chunk})"), move || {
            Ok(rayon::heavy(pool, users, HEAVY_ROUNDS, chunk))
        });
    }
    let duel = race.duel(ledger.plan())?;
    ledger.add("heavy", duel.ratio().median, Target::AtLeast(0.98), duel.to_string());
    Ok(())
}
