//! The origin's own job.

use super::{Ledger, Target, engine};
use crate::floors::rayon::{CHUNKS, Into};
use crate::floors::{self, rayon, sequential};
use crate::plan::WORKERS;
use crate::race::Race;
use crate::stats::short;
use crate::{Result, jobs, sibling};
use std::process::Command;
use trommel::{Options, Tier};

pub(super) fn measure(ledger: &mut Ledger<'_>) -> Result<()> {
    peers(ledger)?;
    if ledger.wants("origin.2m.boxed") {
        boxed(ledger)?;
    }
    if ledger.wants("origin.2m.arena") {
        arena(ledger)?;
    }
    Ok(())
}

/// The origin's optimized benchmark in its own design: measured by the peers' program, which runs
/// Trommel and the other designs in turn.
fn peers(ledger: &mut Ledger<'_>) -> Result<()> {
    let bars = [("origin.5000.boxed", 10.0), ("origin.5000.arena", 30.0)];
    if !bars.iter().any(|(name, _)| ledger.wants(name)) {
        return Ok(());
    }
    let printed = match sibling::peers() {
        Some(program) => {
            let mut command = Command::new(program);
            command.args(["--only", "tokio-optimized"]);
            if ledger.plan().quick {
                command.arg("--quick");
            }
            sibling::output(&mut command)
        }
        None => Err("run `just bench-peers`, which builds the peers".into()),
    };
    for (name, target) in bars {
        let target = Target::AtLeast(target);
        match &printed {
            Ok(printed) => {
                let value = sibling::number(printed, &format!("ratio {name} "))?;
                let lines = printed.lines().filter(|line| line.starts_with("peer "));
                let lines: Vec<&str> = lines.filter(|line| line.contains(" 5000.")).collect();
                ledger.add(name, value, target, lines.join("; "));
            }
            Err(why) => ledger.skip(name, target, why),
        }
    }
    Ok(())
}

fn boxed(ledger: &mut Ledger<'_>) -> Result<()> {
    let (engine, pool) = (engine()?, floors::pool(WORKERS)?);
    let options = Options::tier(Tier::Memory).build()?;
    let rows = ledger.plan().rows(40_000_000);
    let race = Race::new(rows, sequential::boxed(rows))
        .with("trommel", || Ok(jobs::boxed(&engine, &options, rows)?.0))
        .with("rayon chunks of 2048", || Ok(rayon::boxed(&pool, rows, CHUNKS[1])));
    rate(ledger, "origin.2m.boxed", 20e6, rows, race)
}

fn arena(ledger: &mut Ledger<'_>) -> Result<()> {
    let (engine, pool) = (engine()?, floors::pool(WORKERS)?);
    let options = Options::tier(Tier::Memory).build()?;
    let rows = ledger.plan().rows(60_000_000);
    let race = Race::new(rows, sequential::arena(rows))
        .with("trommel", || Ok(jobs::generate_in(&engine, &options, rows)?.0))
        .with("rayon chunks of 2048", || {
            Ok(rayon::generate_in(&pool, rows, CHUNKS[1], Into::Direct))
        });
    rate(ledger, "origin.2m.arena", 30e6, rows, race)
}

/// Rows per second of the first contestant, beside the second's.
fn rate(
    ledger: &mut Ledger<'_>,
    name: &str,
    target: f64,
    rows: u64,
    mut race: Race<'_>,
) -> Result<()> {
    let times = race.run(5)?;
    let note = format!(
        "{} rows; hand-written, fully parallel: {}/s, ratio {}",
        short(rows as f64),
        short(times.rate(1).median),
        times.ratio(0, 1)
    );
    ledger.add(name, times.rate(0).median, Target::AtLeast(target), note);
    Ok(())
}
