//! Decisions in the small; `trommel-bench tables --only ablations` has them in the large.

use criterion::{Criterion, criterion_group, criterion_main};
use mimalloc::MiMalloc;
use std::fmt::Write;
use std::hint::black_box;
use std::sync::Mutex;
use std::sync::atomic::AtomicU64;
use std::sync::atomic::Ordering::{Relaxed, SeqCst};
use trommel_bench::origin;
use trommel_record::{User, data_hash};

#[global_allocator]
static ALLOCATOR: MiMalloc = MiMalloc;

fn strings(criterion: &mut Criterion) {
    let boxed = User::<Box<str>>::new(7, "ines7", "ines7@me.test");
    let string = User::<String>::new(7, "ines7", "ines7@me.test");
    assert_eq!((boxed.username(), boxed.email()), (string.username(), string.email()));

    let mut group = criterion.benchmark_group("string");
    group.bench_function("Box<str>", |bencher| {
        bencher.iter(|| User::<Box<str>>::new(black_box(7), "ines7", "ines7@me.test"));
    });
    group.bench_function("String", |bencher| {
        bencher.iter(|| User::<String>::new(black_box(7), "ines7", "ines7@me.test"));
    });
    group.finish();
}

fn lines(criterion: &mut Criterion) {
    let user = origin::generator().record(1_234_567);
    let mut by_hand = String::new();
    origin::write_line(&user, &mut by_hand);
    let formatted = format!("{}|{}|{}", user.id(), user.username(), user.activity_score());
    assert_eq!(by_hand, formatted);

    let mut group = criterion.benchmark_group("line");
    let mut line = String::new();
    group.bench_function("itoa", |bencher| {
        bencher.iter(|| {
            line.clear();
            origin::write_line(black_box(&user), &mut line);
        });
    });
    group.bench_function("write!", |bencher| {
        bencher.iter(|| {
            line.clear();
            let user = black_box(&user);
            write!(line, "{}|{}|{}", user.id(), user.username(), user.activity_score()).unwrap();
        });
    });
    group.finish();
}

fn hashes(criterion: &mut Criterion) {
    let user = origin::generator().record(7);
    assert_eq!(user.data_hash(), data_hash(user.id()));
    let mut group = criterion.benchmark_group("hash");
    group.bench_function("kept", |bencher| bencher.iter(|| black_box(&user).data_hash()));
    group.bench_function("computed", |bencher| {
        bencher.iter(|| data_hash(black_box(&user).id()));
    });
    group.finish();
}

fn counters(criterion: &mut Criterion) {
    let counter = AtomicU64::new(0);
    counter.store(counter.load(Relaxed) + 1, Relaxed);
    counter.fetch_add(1, Relaxed);
    counter.fetch_add(1, SeqCst);
    assert_eq!(counter.load(SeqCst), 3, "each way counts one");
    let mut group = criterion.benchmark_group("counter");
    group.bench_function("own, relaxed load and store", |bencher| {
        bencher.iter(|| counter.store(counter.load(Relaxed) + 1, Relaxed));
    });
    group.bench_function("relaxed add", |bencher| {
        bencher.iter(|| counter.fetch_add(1, Relaxed));
    });
    group.bench_function("SeqCst add", |bencher| {
        bencher.iter(|| counter.fetch_add(1, SeqCst));
    });
    group.finish();
}

fn randoms(criterion: &mut Criterion) {
    let shared = Mutex::new(fastrand::Rng::with_seed(7));
    fastrand::seed(7);
    assert_eq!(fastrand::u64(..), shared.lock().unwrap().u64(..), "the same generator");
    let mut group = criterion.benchmark_group("random");
    group.bench_function("thread-local", |bencher| bencher.iter(|| fastrand::u64(..)));
    group.bench_function("shared, nobody else there", |bencher| {
        bencher.iter(|| shared.lock().unwrap().u64(..));
    });
    group.finish();
}

criterion_group!(benches, strings, lines, hashes, counters, randoms);
criterion_main!(benches);
