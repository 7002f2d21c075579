//! CSV, parsed by the workers and by the `csv` crate on one thread.

use criterion::{Criterion, Throughput, criterion_group, criterion_main};
use mimalloc::MiMalloc;
use trommel::{Engine, Options};
use trommel_bench::jobs::csv;
use trommel_bench::plan::WORKERS;
use trommel_bench::workload::FlightCsv;

#[global_allocator]
static ALLOCATOR: MiMalloc = MiMalloc;

const BYTES: u64 = 4 << 20;

fn parse(criterion: &mut Criterion) {
    let engine = Engine::builder().workers(WORKERS).build().unwrap();
    let options = Options::default();
    // A source owns its reader; the text lives as long as the program.
    let text: &'static str = FlightCsv::new(BYTES).into_text().leak();
    let expected = csv::plain(text).unwrap();

    let mut group = criterion.benchmark_group("csv");
    group.throughput(Throughput::Bytes(BYTES)).sample_size(20);
    group.bench_function("trommel", |bencher| {
        bencher.iter(|| assert_eq!(csv::parse(&engine, &options, text).unwrap(), expected));
    });
    group.bench_function("csv::ByteRecord", |bencher| {
        bencher.iter(|| assert_eq!(csv::plain(text).unwrap(), expected));
    });
    group.finish();
}

criterion_group!(benches, parse);
criterion_main!(benches);
