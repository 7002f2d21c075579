//! A random generator for each thread, or one behind a lock.

use super::super::Row;
use super::row;
use crate::Result;
use crate::floors;
use crate::origin::Tally;
use crate::plan::{Plan, WORKERS};
use crate::race::Race;
use std::hint::black_box;
use std::sync::Mutex;

pub(super) fn measure(plan: &Plan, rows: &mut Vec<Row>) -> Result<()> {
    let count = plan.rows(1_000_000) / WORKERS as u64 * WORKERS as u64;
    let pool = floors::pool(WORKERS)?;
    let shared = Mutex::new(fastrand::Rng::with_seed(7));
    // Random numbers have no expected sum; how many were drawn is what is checked.
    let expected = Tally { lines: count, ..Tally::default() };
    let run = |draw: &(dyn Fn() -> u64 + Sync)| {
        let mut parts = [0; WORKERS];
        pool.scope(|scope| {
            for part in &mut parts {
                scope.spawn(move |_| {
                    for _ in 0..count / WORKERS as u64 {
                        black_box([draw(), draw(), draw()]);
                        *part += 1;
                    }
                });
            }
        });
        Ok(Tally { lines: parts.iter().sum(), ..Tally::default() })
    };
    let mut race = Race::new(count, expected)
        .with("thread-local", || run(&|| fastrand::u64(..)))
        .with("shared", || run(&|| shared.lock().unwrap_or_else(|lock| lock.into_inner()).u64(..)));
    let label =
        format!("random generator of the thread, or shared under a lock; {WORKERS} workers");
    rows.push(row(plan, &label, &mut race)?);
    Ok(())
}
