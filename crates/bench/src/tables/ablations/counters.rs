//! Counters: one for each worker or one for all, relaxed or sequentially consistent.

use super::super::Row;
use super::row;
use crate::Result;
use crate::floors;
use crate::origin::Tally;
use crate::plan::{Plan, WORKERS};
use crate::race::Race;
use std::sync::atomic::AtomicU64;
use std::sync::atomic::Ordering::{self, Relaxed, SeqCst};

/// A cache line, and the one that the prefetcher takes with it, for itself.
#[derive(Default)]
#[repr(align(128))]
struct Padded(AtomicU64);

pub(super) fn measure(plan: &Plan, rows: &mut Vec<Row>) -> Result<()> {
    let count = plan.rows(10_000_000) / WORKERS as u64 * WORKERS as u64;
    let pool = floors::pool(WORKERS)?;
    let pool = &pool;
    let expected = Tally { lines: count, ..Tally::default() };
    let run = move |each: bool, count_one: fn(&AtomicU64)| {
        let counters: [Padded; WORKERS] = std::array::from_fn(|_| Padded::default());
        pool.scope(|scope| {
            for worker in 0..WORKERS {
                let counter = &counters[if each { worker } else { 0 }].0;
                scope.spawn(move |_| (0..count / WORKERS as u64).for_each(|_| count_one(counter)));
            }
        });
        let lines = counters.iter().map(|counter| counter.0.load(Relaxed)).sum();
        Ok(Tally { lines, ..Tally::default() })
    };
    type Way = (bool, fn(&AtomicU64));
    let pairs: [(&str, Way, Way); 3] = [
        ("counter for each worker, or one shared, both relaxed", (true, relaxed), (false, relaxed)),
        (
            "shared counter relaxed, or SeqCst (the same instruction on x86)",
            (false, relaxed),
            (false, seq_cst),
        ),
        // What the engine does: only its owner writes a worker's counter, so load and store do.
        ("own counter: relaxed load and store, or SeqCst add", (true, own), (true, seq_cst)),
    ];
    for (label, chosen, instead) in pairs {
        let label = format!("{label}; {WORKERS} workers");
        let mut race = Race::new(count, expected)
            .with("chosen", move || run(chosen.0, chosen.1))
            .with("instead", move || run(instead.0, instead.1));
        rows.push(row(plan, &label, &mut race)?);
    }
    Ok(())
}

fn relaxed(counter: &AtomicU64) {
    add(counter, Relaxed);
}

fn seq_cst(counter: &AtomicU64) {
    add(counter, SeqCst);
}

fn own(counter: &AtomicU64) {
    counter.store(counter.load(Relaxed) + 1, Relaxed);
}

fn add(counter: &AtomicU64, ordering: Ordering) {
    counter.fetch_add(1, ordering);
}
