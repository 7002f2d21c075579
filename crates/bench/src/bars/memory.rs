//! Records in memory: nothing to hide behind.

use super::{Ledger, Target, engine};
use crate::floors::rayon::{self, CHUNKS, Into};
use crate::floors::{self, sequential};
use crate::plan::WORKERS;
use crate::race::Race;
use crate::workload::Users;
use crate::{Result, jobs};
use std::cell::RefCell;
use trommel::{Options, Tier};

pub(super) fn measure(ledger: &mut Ledger<'_>) -> Result<()> {
    if ledger.wants("memory.slice") {
        slice(ledger)?;
    }
    if ledger.wants("memory.generate") {
        generate(ledger)?;
    }
    Ok(())
}

fn slice(ledger: &mut Ledger<'_>) -> Result<()> {
    let (engine, pool) = (engine()?, floors::pool(WORKERS)?);
    let options = Options::tier(Tier::Memory).build()?;
    let users = Users::new("memory.slice", ledger.plan().rows(2_000_000));
    let workload = users.workload.clone();
    let users = RefCell::new(users);
    let mut race = Race::new(workload.rows, workload.expected)
        .prepare(|| users.borrow_mut().reset())
        .with("trommel", || Ok(jobs::slice(&engine, &options, &mut users.borrow_mut().records)?.0));
    for chunk in CHUNKS {
        for into in [Into::Copied, Into::Direct] {
            let (pool, users) = (&pool, &users);
            race = race.with(format!("rayon par_chunks_mut({chunk}), {into:?}"), move || {
                Ok(rayon::slice(pool, &mut users.borrow_mut().records, chunk, into))
            });
        }
    }
    let duel = race.duel(ledger.plan())?;
    let ratio = duel.ratio().median;
    ledger.add("memory.slice", ratio, Target::AtLeast(0.95), duel.to_string());
    Ok(())
}

fn generate(ledger: &mut Ledger<'_>) -> Result<()> {
    let (engine, pool) = (engine()?, floors::pool(WORKERS)?);
    let options = Options::tier(Tier::Memory).build()?;
    let rows = ledger.plan().rows(4_000_000);
    let mut race = Race::new(rows, sequential::arena(rows))
        .with("trommel", || Ok(jobs::generate_in(&engine, &options, rows)?.0));
    for chunk in CHUNKS {
        for into in [Into::Copied, Into::Direct] {
            let pool = &pool;
            race = race.with(format!("rayon chunks of {chunk}, {into:?}"), move || {
                Ok(rayon::generate_in(pool, rows, chunk, into))
            });
        }
    }
    let duel = race.duel(ledger.plan())?;
    let ratio = duel.ratio().median;
    ledger.add("memory.generate", ratio, Target::AtLeast(0.90), duel.to_string());
    Ok(())
}
