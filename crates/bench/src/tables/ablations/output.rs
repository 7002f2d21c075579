//! Lines in the arena or on the heap; mimalloc or the system's allocator.

use super::super::{Cell, Row, UNKNOWN, engine};
use super::row;
use crate::origin::Tally;
use crate::plan::{Plan, WORKERS};
use crate::race::Race;
use crate::stats::{Spread, short};
use crate::workload::Users;
use crate::{Result, jobs, sibling};
use std::cell::RefCell;
use trommel::Options;

pub(super) fn measure(plan: &Plan, rows: &mut Vec<Row>) -> Result<()> {
    let engine = engine(WORKERS)?;
    let options = Options::default();
    let users = Users::new("output", plan.rows(1_000_000));
    let workload = users.workload.clone();
    let users = RefCell::new(users);
    let mut race = Race::new(workload.rows, workload.expected)
        .prepare(|| users.borrow_mut().reset())
        .with("arena", || Ok(jobs::slice(&engine, &options, &mut users.borrow_mut().records)?.0))
        .with("heap", || {
            Ok(jobs::slice_boxed(&engine, &options, &mut users.borrow_mut().records)?.0)
        });
    let label = format!("lines in the arena, or boxed; {WORKERS} workers");
    rows.push(row(plan, &label, &mut race)?);
    rows.push(allocators(plan)?);
    Ok(())
}

/// An allocator is chosen once per program: two programs, run in turn.
fn allocators(plan: &Plan) -> Result<Row> {
    let rows = plan.rows(4_000_000).to_string();
    let (mut ours, mut system) = (Vec::new(), Vec::new());
    let label = format!("mimalloc, or the system's allocator: boxed job; {WORKERS} workers");
    for _ in 0..super::rounds(plan) {
        let mimalloc = sibling::myself(&["child", "boxed", &rows])?;
        let printed = match sibling::run("trommel-bench-system", &[&rows]) {
            Ok(printed) => printed,
            Err(why) => {
                let cells =
                    vec![Cell::text(UNKNOWN), Cell::text(UNKNOWN), Cell::text(why.to_string())];
                return Ok(Row::new(label, cells));
            }
        };
        let line =
            |printed: &str| printed.lines().find(|l| l.starts_with("tally")).map(String::from);
        if line(&mimalloc) != line(&printed) {
            return Err(format!("{mimalloc:?} and {printed:?} differ in their tallies").into());
        }
        ours.push(sibling::number(&mimalloc, "rows_per_second")?);
        system.push(sibling::number(&printed, "rows_per_second")?);
    }
    let ratio = Spread::of(ours.iter().zip(&system).map(|(a, b)| a / b));
    let rate = |rates: Vec<f64>| {
        let rate = Spread::of(rates).median;
        Cell::number(rate, short(rate))
    };
    let shown = format!("{:.2} ({:.2}–{:.2})", ratio.median, ratio.low, ratio.high);
    let cells = vec![rate(ours), rate(system), Cell::number(ratio.median, shown)];
    Ok(Row::new(label, cells))
}

/// What each of the two programs does: prints the rate and the tally of the boxed job.
///
/// # Errors
/// When the run fails.
pub fn boxed(rows: u64) -> Result<()> {
    let engine = engine(WORKERS)?;
    let options = Options::default();
    jobs::boxed(&engine, &options, rows / 4)?;
    let began = std::time::Instant::now();
    let (Tally { lines, bytes, sum }, _) = jobs::boxed(&engine, &options, rows)?;
    println!("rows_per_second {:.0}", rows as f64 / began.elapsed().as_secs_f64());
    println!("tally {lines} {bytes} {sum}");
    Ok(())
}
