//! The engine on its four kinds of input, and by itself.

use criterion::{Criterion, Throughput, criterion_group, criterion_main};
use mimalloc::MiMalloc;
use std::hint::black_box;
use trommel::{Engine, Options};
use trommel_bench::floors::{pool, rayon};
use trommel_bench::plan::WORKERS;
use trommel_bench::workload::Users;
use trommel_bench::{floors, jobs};

#[global_allocator]
static ALLOCATOR: MiMalloc = MiMalloc;

const ROWS: u64 = 200_000;

fn engine(criterion: &mut Criterion) {
    let engine = Engine::builder().workers(WORKERS).build().unwrap();
    let pool = pool(WORKERS).unwrap();
    let options = Options::default();
    let mut users = Users::new("engine", ROWS);
    let expected = users.workload.expected;
    let generated = floors::sequential::boxed(ROWS);

    let nothing = jobs::null(&engine, &options, &users.records).unwrap().counts;
    assert_eq!((nothing.read, nothing.loaded), (ROWS, ROWS));

    let mut group = criterion.benchmark_group("engine");
    group.throughput(Throughput::Elements(ROWS)).sample_size(20);
    group.bench_function("null", |bencher| {
        bencher.iter(|| black_box(jobs::null(&engine, &options, &users.records).unwrap()));
    });
    // A login more each time would change the lines: the first result is checked, the rest timed.
    assert_eq!(jobs::slice(&engine, &options, &mut users.records).unwrap().0, expected);
    group.bench_function("slice", |bencher| {
        bencher.iter(|| jobs::slice(&engine, &options, &mut users.records).unwrap().0);
    });
    users.reset();
    let by_hand = rayon::slice(&pool, &mut users.records, 2_048, rayon::Into::Direct);
    assert_eq!(by_hand, expected);
    group.bench_function("slice, by hand", |bencher| {
        bencher.iter(|| rayon::slice(&pool, &mut users.records, 2_048, rayon::Into::Direct));
    });
    group.bench_function("generate, boxed", |bencher| {
        bencher.iter(|| {
            let tally = jobs::boxed(&engine, &options, ROWS).unwrap().0;
            assert_eq!(tally, generated);
        });
    });
    group.bench_function("generate, boxed, by hand", |bencher| {
        bencher.iter(|| assert_eq!(rayon::boxed(&pool, ROWS, 2_048), generated));
    });
    group.bench_function("generate, arena", |bencher| {
        bencher.iter(|| {
            let tally = jobs::generate_in(&engine, &options, ROWS).unwrap().0;
            assert_eq!(tally, generated);
        });
    });
    group.bench_function("iter", |bencher| {
        bencher.iter(|| {
            let tally = jobs::iter_owned(&engine, &options, ROWS).unwrap().0;
            assert_eq!(tally, generated);
        });
    });
    group.finish();
}

criterion_group!(benches, engine);
criterion_main!(benches);
