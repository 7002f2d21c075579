//! Counts allocations per record in the steady state.
//!
//! The allocator is chosen once per program, and counting costs time, so this is a program of its
//! own. A run over twice the rows is compared with a run over the rows: what a run costs once
//! (slots, threads, the report) falls out.

use stats_alloc::{INSTRUMENTED_SYSTEM, Region, StatsAlloc};
use std::alloc::System;
use trommel::{Engine, Options};
use trommel_bench::plan::WORKERS;
use trommel_bench::workload::Users;
use trommel_bench::{Result, jobs};

#[global_allocator]
static ALLOCATOR: &StatsAlloc<System> = &INSTRUMENTED_SYSTEM;

const ROWS: u64 = 1_000_000;

fn main() -> Result<()> {
    let engine = Engine::builder().workers(WORKERS).build()?;
    let options = Options::default();
    let mut once = Users::new("once", ROWS);
    let mut twice = Users::new("twice", 2 * ROWS);
    let count = |users: &mut Users| {
        users.reset();
        let region = Region::new(ALLOCATOR);
        let (tally, _) = jobs::slice(&engine, &options, &mut users.records)?;
        let change = region.change();
        assert_eq!(tally, users.workload.expected);
        Ok::<_, trommel_bench::Failure>((change.allocations + change.reallocations) as f64)
    };
    count(&mut twice)?;
    let mut pairs = Vec::new();
    for _ in 0..5 {
        pairs.push((count(&mut once)?, count(&mut twice)?));
    }
    pairs.sort_by(|a, b| (a.1 - a.0).total_cmp(&(b.1 - b.0)));
    let (few, many) = pairs[pairs.len() / 2];
    // How often buffers grow differs a little from run to run; a tenth of a millionth is noise.
    let steady = ((many - few) / ROWS as f64 * 1e4).round().max(0.0) / 1e4;
    println!("allocs_per_record {steady:.4}");
    println!(
        "allocations_per_run {few} over {ROWS} rows, {many} over {}",
        2 * ROWS
    );
    Ok(())
}
