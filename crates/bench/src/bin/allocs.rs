//! Counts allocations per record in the steady state.
//!
//! The allocator is chosen once per program, and counting costs time, so this is a program of its
//! own. A run over twice the rows is compared with a run over the rows: what a run costs once
//! (slots, threads, the report) falls out.

use stats_alloc::{INSTRUMENTED_SYSTEM, Region, StatsAlloc};
use std::alloc::System;
use trommel::Bump;
use trommel::{Engine, Options};
use trommel_bench::plan::WORKERS;
use trommel_bench::workload::Users;
use trommel_bench::{Result, jobs, origin};
use trommel_record::wide::WideUser;
use trommel_record::{User, UserRecord, UserRecordRef};

#[global_allocator]
static ALLOCATOR: &StatsAlloc<System> = &INSTRUMENTED_SYSTEM;

const ROWS: u64 = 1_000_000;

fn main() -> Result<()> {
    match std::env::args().nth(1).as_deref() {
        Some("records") => records(),
        _ => steady_state()?,
    }
    Ok(())
}

/// Bytes and allocations of a record in each form.
fn records() {
    const RECORDS: u64 = 10_000;
    let made = |label: &str, make: &dyn Fn(&Bump, u64)| {
        let bump = Bump::new();
        let region = Region::new(ALLOCATOR);
        (0..RECORDS).for_each(|id| make(&bump, id));
        let change = region.change();
        let each = |count: usize| count as f64 / RECORDS as f64;
        (label.to_owned(), each(change.bytes_allocated), each(change.allocations))
    };
    let generator = origin::generator();
    let arena = Bump::new();
    let strings: Vec<(&str, &str)> = (0..RECORDS)
        .map(|id| generator.generate_in(id, &arena))
        .map(|user| (&*arena.alloc_str(user.username()), &*arena.alloc_str(user.email())))
        .collect();
    // Forgotten, since a region counts what was asked for, and the program ends soon.
    let forms = [
        (made("wide", &|_, id| std::mem::forget(generator.wide(id))), size_of::<WideUser>()),
        (
            made("packed, String", &|_, id| {
                let (name, mail) = strings[id as usize];
                std::mem::forget(User::<String>::new(id, name, mail));
            }),
            size_of::<User<String>>(),
        ),
        (
            made("packed, Box<str>", &|_, id| std::mem::forget(generator.record(id))),
            size_of::<UserRecord>(),
        ),
        (
            made("packed, arena", &|bump, id| {
                let _ = generator.generate_in(id, bump);
            }),
            size_of::<UserRecordRef<'_>>(),
        ),
    ];
    for ((label, heap, allocations), inline) in forms {
        println!("bytes {label}: {:.1}", heap + inline as f64);
        println!("allocations {label}: {allocations:.4}");
    }
}

fn steady_state() -> Result<()> {
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
    println!("allocations_per_run {few} over {ROWS} rows, {many} over {}", 2 * ROWS);
    Ok(())
}
