//! Records: made, changed, written.

use criterion::{BatchSize, Criterion, Throughput, criterion_group, criterion_main};
use mimalloc::MiMalloc;
use std::hint::black_box;
use trommel::Bump;
use trommel_bench::origin;
use trommel_record::{BATCH_ROWS, UserRecord, UserRecordRef};

#[global_allocator]
static ALLOCATOR: MiMalloc = MiMalloc;

fn records(criterion: &mut Criterion) {
    let generator = origin::generator();
    let mut made = Vec::new();
    generator.batch(0, &mut made, BATCH_ROWS);
    let bump = Bump::new();
    let in_arena = generator.batch_in(0, &bump, BATCH_ROWS);
    assert_eq!(made.len(), BATCH_ROWS);
    assert!(in_arena.iter().zip(&made).all(|(arena, boxed)| arena == boxed));

    let mut group = criterion.benchmark_group("records");
    group.throughput(Throughput::Elements(BATCH_ROWS as u64));
    let mut batch = Vec::new();
    group.bench_function("made, boxed", |bencher| {
        bencher.iter(|| generator.batch(black_box(0), &mut batch, BATCH_ROWS));
    });
    let mut arena = Bump::new();
    group.bench_function("made, arena", |bencher| {
        bencher.iter(|| {
            arena.reset();
            black_box(generator.batch_in(black_box(0), &arena, BATCH_ROWS));
        });
    });
    generator.batch(0, &mut batch, BATCH_ROWS);
    group.bench_function("changed in place", |bencher| {
        bencher.iter(|| black_box(&mut batch).iter_mut().for_each(origin::update));
    });
    let mut line = String::new();
    group.bench_function("written as lines", |bencher| {
        bencher.iter(|| {
            line.clear();
            for user in &batch {
                origin::write_line(user, &mut line);
            }
            black_box(&line);
        });
    });
    group.throughput(Throughput::Elements(1));
    let wide = generator.wide(7);
    assert_eq!(UserRecordRef::from(&wide), generator.record(7));
    group.bench_function("wide, packed without a copy", |bencher| {
        bencher.iter(|| black_box(UserRecordRef::from(black_box(&wide))).id());
    });
    group.bench_function("wide, packed", |bencher| {
        bencher.iter(|| UserRecord::from(black_box(&wide)));
    });
    group.bench_function("wide, made", |bencher| {
        bencher.iter_batched(|| (), |()| generator.wide(black_box(7)), BatchSize::SmallInput);
    });
    group.finish();
}

criterion_group!(benches, records);
criterion_main!(benches);
