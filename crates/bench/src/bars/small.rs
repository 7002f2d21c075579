//! Small jobs: a run must not cost more than the work.

use super::{Ledger, Target, engine};
use crate::floors::halves::Halves;
use crate::floors::sequential;
use crate::origin::Tally;
use crate::stats::Spread;
use crate::workload::Users;
use crate::{Result, jobs};
use std::hint::black_box;
use std::time::{Duration, Instant};
use trommel::Options;

/// What the engine may add to the loop where a ratio would be unfair.
const EXTRA: Duration = Duration::from_micros(3);

pub(super) fn measure(ledger: &mut Ledger<'_>) -> Result<()> {
    let engine = engine()?;
    let options = Options::default();
    for (rows, limit) in [(100, 1.5), (1_000, 1.1), (5_000, 0.8)] {
        let name = format!("small.{rows}");
        if !ledger.wants(&name) {
            continue;
        }
        let mut users = Users::new("small", rows);
        let expected = users.workload.expected;
        let calls = ledger.plan().rows(10_000_000 / rows).clamp(200, 5_000);
        let timed = alternate(calls, expected, |ours| {
            users.reset();
            let began = Instant::now();
            let tally = match ours {
                true => jobs::slice_lines(&engine, &options, &mut users.records)?.0,
                false => sequential::slice(black_box(&mut users.records)),
            };
            Ok((tally, began.elapsed()))
        })?;
        add(ledger, name.clone(), limit, rows == 100, timed);

        if rows == 5_000 {
            halves(ledger, &name, calls)?;
        }

        let expected = sequential::boxed(rows);
        let timed = alternate(calls, expected, |ours| {
            let began = Instant::now();
            let tally = match ours {
                true => jobs::boxed(&engine, &options, rows)?.0,
                false => sequential::boxed(black_box(rows)),
            };
            Ok((tally, began.elapsed()))
        })?;
        let [ours, theirs] = timed;
        ledger.add(
            format!("small.{rows}.generated_boxed"),
            ours.median / theirs.median,
            Target::None,
            format!("trommel {ours} µs, loop {theirs} µs"),
        );
    }
    Ok(())
}

/// What sharing can gain on this machine at all, by a thread that is always awake.
fn halves(ledger: &mut Ledger<'_>, name: &str, calls: u64) -> Result<()> {
    let mut halves = Halves::new(5_000);
    let timed = alternate(calls, halves.expected(), |together| {
        halves.reset();
        let began = Instant::now();
        let tally = if together { halves.together() } else { black_box(&mut halves).alone() };
        Ok((tally, began.elapsed()))
    })?;
    let [together, alone] = timed;
    ledger.add(
        format!("{name}.two_awake_threads"),
        together.median / alone.median,
        Target::None,
        format!("no engine: a half on each of two threads {together} µs, loop {alone} µs"),
    );
    Ok(())
}

fn add(ledger: &mut Ledger<'_>, name: String, limit: f64, extra: bool, timed: [Spread; 2]) {
    let [ours, theirs] = timed;
    let within = ours.median - theirs.median <= EXTRA.as_micros() as f64;
    let target = match extra {
        true => Target::AtMostOr(limit, "loop+3us", within),
        false => Target::AtMost(limit),
    };
    let note = format!("trommel {ours} µs, loop {theirs} µs");
    ledger.add(name, ours.median / theirs.median, target, note);
}

/// Calls ours and theirs in turn and answers the times of each, µs.
fn alternate(
    calls: u64,
    expected: Tally,
    mut call: impl FnMut(bool) -> Result<(Tally, Duration)>,
) -> Result<[Spread; 2]> {
    let mut times = [Vec::new(), Vec::new()];
    for turn in 0..2 * (calls + 20) {
        let ours = turn % 2 == 0;
        let (tally, took) = call(ours)?;
        if tally != expected {
            return Err(format!("the run made {tally:?}, expected {expected:?}").into());
        }
        // The first calls warm up.
        if turn >= 40 {
            times[usize::from(!ours)].push(took.as_nanos() as f64 / 1_000.0);
        }
    }
    Ok(times.map(Spread::of))
}
