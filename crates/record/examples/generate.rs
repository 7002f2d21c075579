//! How long a generated record takes, boxed and in an arena, on one thread:
//! `cargo run --release -p trommel-record --example generate`.
//!
//! Each figure is the median of the rounds, in nanoseconds per record, dropping included. Before a
//! time is shown the checksums of the two forms are compared.

use std::hint::black_box;
use std::time::Instant;

use bumpalo::Bump;
use trommel_record::{BATCH_ROWS, Generator, random_with_id};

const ROUNDS: usize = 15;
const RECORDS: u64 = 200_000;
const LARGE_BATCH_ROWS: usize = 1_000;

fn main() {
    let generator = Generator::seeded(1);
    check(generator);

    println!("ns per record, medians of {ROUNDS} rounds of {RECORDS} records");
    for rows in [BATCH_ROWS, LARGE_BATCH_ROWS] {
        let mut batch = Vec::new();
        report(&format!("boxed, batches of {rows}"), || {
            for first in (0..RECORDS).step_by(rows) {
                generator.batch(first, &mut batch, rows);
                black_box(&mut batch);
            }
        });
        let mut arena = Bump::new();
        report(&format!("arena, batches of {rows}"), || {
            for first in (0..RECORDS).step_by(rows) {
                arena.reset();
                black_box(generator.batch_in(first, &arena, rows));
            }
        });
    }
    report("boxed, one by one", || {
        for id in 0..RECORDS {
            black_box(generator.record(id));
        }
    });
    report("boxed, thread-local RNG", || {
        for id in 0..RECORDS {
            black_box(random_with_id(id));
        }
    });
}

fn check(generator: Generator) {
    let arena = Bump::new();
    let boxed = generator.records(0..RECORDS).map(|user| user.checksum());
    let bumped = generator.batch_in(0, &arena, RECORDS as usize);
    let bumped = bumped.iter().map(|user| user.checksum());
    assert_eq!(
        boxed.fold(0, u64::wrapping_add),
        bumped.fold(0, u64::wrapping_add),
        "both forms hold the same"
    );
}

fn report(what: &str, mut round: impl FnMut()) {
    let mut times = [0.0; ROUNDS];
    for time in &mut times {
        let start = Instant::now();
        round();
        *time = start.elapsed().as_secs_f64() * 1e9 / RECORDS as f64;
    }
    times.sort_by(f64::total_cmp);
    println!("{what:<28} {:6.1} (best {:.1})", times[ROUNDS / 2], times[0]);
}
