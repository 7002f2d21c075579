//! Law 4 and 6: memory is bounded by `memory_limit`, and the steady state allocates nothing per
//! record. One test at a time, since they measure the process.

mod common;
#[path = "common/counting.rs"]
mod counting;

use bumpalo::Bump;
use common::{batches_of, engine, no_hang};
use counting::{Counting, measure};
use std::sync::Mutex;
use trommel::testing::Lines;
use trommel::{
    Encode, Engine, Error, Options, OptionsBuilder, Pipeline, RejectPolicy, Sink, Source, sinks,
    sources,
};

#[global_allocator]
static ALLOCATOR: Counting = Counting;

/// Not even building options runs beside a measurement.
static TURN: Mutex<()> = Mutex::new(());

const MIB: usize = 1 << 20;
const LIMIT: usize = 4 * MIB;
/// Channels, threads, the pool's queues, and the buffers that double before they are full.
const ALLOWED: usize = 3 * LIMIT;

/// Runs `work` and fails when it held more than [`ALLOWED`] at once.
fn bounded(label: &'static str, work: impl Fn(&Engine, OptionsBuilder) + Send + 'static) {
    let _turn = TURN.lock().unwrap_or_else(|poisoned| poisoned.into_inner());
    no_hang(label, move || {
        for workers in [1, 2] {
            for (pieces, rows) in [(0, 512), (1, 512), (3, 512), (3, 2_048)] {
                let engine = engine(workers);
                let options = batches_of(rows).memory_limit(LIMIT).transform_concurrency(pieces);
                let ((), used) = measure(|| work(&engine, options));
                assert!(
                    used.peak_bytes <= ALLOWED,
                    "{label}, {workers} workers, batches of {rows} in {pieces} pieces: {} KiB at \
                     once, limit {} KiB",
                    used.peak_bytes >> 10,
                    LIMIT >> 10
                );
            }
        }
    });
}

/// A transform that makes hundreds of times its input.
#[test]
fn a_transform_that_multiplies_its_input_is_bounded() {
    bounded("300 values a row", |engine, options| {
        let mut bytes = 0;
        let sink = sinks::for_each(|_: [u64; 4]| {
            bytes += 32;
            Ok(())
        });
        Pipeline::from(sources::generate(5_000, |id| id))
            .options(options.build().unwrap())
            .transform(|id, out| (0..300).try_for_each(|copy| out.emit([id, copy, 0, 0])))
            .load_into(sink)
            .run(engine)
            .unwrap();
        assert_eq!(bytes, 5_000 * 300 * 32u64);
    });
}

/// Symptom: 32 rows, whatever they emitted, went into a page before its size was looked at.
/// Expected: a page that is full ends the turn at the next row.
#[test]
fn rows_that_become_wide_are_bounded() {
    bounded("100 KiB a row", |engine, options| {
        let text = "x".repeat(100 << 10);
        Pipeline::from(sources::generate(2_000, |id| id))
            .options(options.build().unwrap())
            .transform(|_, out| out.emit(text.as_str()))
            .load_into(sinks::write(std::io::sink()))
            .run(engine)
            .unwrap();
    });
}

/// Symptom: what had been learned of light rows let 32 wide ones into a page. Expected: the limit
/// holds whatever the rows before were like.
#[test]
fn rows_that_turn_wide_are_bounded() {
    bounded("256 KiB a row, suddenly", |engine, options| {
        let text = "x".repeat(256 << 10);
        Pipeline::from(sources::generate(30_000, |id| id))
            .options(options.build().unwrap())
            .transform(|id, out| {
                let wide = id % 10_000 > 9_800;
                out.emit(if wide { text.as_str() } else { "light" })
            })
            .load_into(sinks::write(std::io::sink()))
            .run(engine)
            .unwrap();
    });
}

/// Scratch values count as well.
#[test]
fn an_arena_that_grows_is_bounded() {
    bounded("10 KiB of scratch a row", |engine, options| {
        Pipeline::from(sources::generate(5_000, |id| id))
            .options(options.build().unwrap())
            .transform(|id, out| {
                let scratch = out.arena().alloc_slice_fill_copy(10 << 10, 1u8);
                out.emit(id + scratch[5] as u64)
            })
            .load_into(sinks::count())
            .run(engine)
            .unwrap();
    });
}

/// Wide rows at the source: a batch of bytes keeps to the bytes that the limit gives it.
#[test]
fn wide_rows_at_the_source_are_bounded() {
    let _turn = TURN.lock().unwrap_or_else(|poisoned| poisoned.into_inner());
    no_hang("50 KiB a line", || {
        let line = format!("{}\n", "y".repeat(50 << 10));
        let lines = Lines::new(line.repeat(400)); // 20 MiB, made before the measurement
        let options = batches_of(512).memory_limit(LIMIT).build().unwrap();
        let engine = engine(2);
        let (report, used) = measure(|| {
            Pipeline::from(lines)
                .options(options)
                .map(|line| line.len())
                .load_into(sinks::count())
                .run(&engine)
                .unwrap()
        });
        assert_eq!(report.counts.loaded, 400);
        assert!(used.peak_bytes <= ALLOWED, "{} KiB at once", used.peak_bytes >> 10);
    });
}

/// Symptom: a batch of rejects held an error for each of its rows, uncounted. Expected: rejects
/// count, a lane full of them is handed over.
#[test]
fn a_flood_of_rejects_is_bounded() {
    let _turn = TURN.lock().unwrap_or_else(|poisoned| poisoned.into_inner());
    no_hang("rejects", || {
        let engine = engine(1);
        let options = batches_of(500_000)
            .memory_limit(LIMIT)
            .on_reject(RejectPolicy::skip(u64::MAX))
            .build()
            .unwrap();
        let ((), used) = measure(|| {
            let report = Pipeline::from(sources::generate(500_000, |id| id))
                .options(options)
                .transform(|_, _| Err::<(), _>(Error::row("no")))
                .load_into(sinks::null())
                .run(&engine)
                .unwrap();
            assert_eq!(report.counts.rejected, 500_000);
        });
        assert!(used.peak_bytes <= ALLOWED, "{} KiB at once", used.peak_bytes >> 10);
    });
}

/// Symptom: the records of one batch of `generate_in` all lay in its arena at once, uncounted.
#[test]
fn records_made_in_an_arena_are_bounded() {
    struct Wide;
    impl sources::Generator for Wide {
        type Row<'a> = &'a [u8];
        fn make<'a>(&self, id: u64, arena: &'a Bump) -> &'a [u8] {
            arena.alloc_slice_fill_copy(20 << 10, id as u8)
        }
    }
    bounded("20 KiB a record", |engine, options| {
        Pipeline::from(sources::generate_in(2_048, Wide))
            .options(options.build().unwrap())
            .map(|bytes| bytes.len())
            .load_into(sinks::count())
            .run(engine)
            .unwrap();
    });
}

/// Symptom: after one batch of wide rows a lane paused every 32 rows for ever. Cause: an emptied
/// arena keeps its largest chunk, and that counted as content. Expected: one page per batch again.
#[test]
fn a_lane_that_was_full_once_is_not_full_for_ever() {
    let _turn = TURN.lock().unwrap_or_else(|poisoned| poisoned.into_inner());
    no_hang("pages", || {
        let sink = trommel::testing::Recorder::new();
        // One slot: the same lane does everything. Its page and arena may hold 512 KiB.
        let options = batches_of(1_000).memory_limit(MIB).channel_capacity(1).build().unwrap();
        let report = Pipeline::from(sources::generate(50_000, |id| id))
            .options(options)
            .transform(|id, out| {
                if id < 1_000 {
                    out.arena().alloc_slice_fill_copy(1 << 10, 0u8);
                }
                out.emit(id)
            })
            .load_into(sink.clone())
            .run(&engine(1))
            .unwrap();
        let pages = sink.count("write") as u64;
        assert!(pages < report.batches + 10, "{pages} pages from {} batches", report.batches);
    });
}

fn allocations_of(run: impl Fn(u64)) -> (u64, u64) {
    run(10_000); // warm
    let ((), short) = measure(|| run(10_000));
    let ((), long) = measure(|| run(210_000));
    (long.calls.saturating_sub(short.calls), 200_000)
}

fn settings() -> Options {
    batches_of(200).build().unwrap()
}

fn steady<S: Source, K: Sink + Encode<u64>>(
    engine: &Engine,
    source: S,
    sink: K,
    id: impl for<'b> Fn(<S::Batch as trommel::Batch>::Row<'b>) -> u64 + Sync,
) {
    Pipeline::from(source)
        .options(settings())
        .transform(|row, out| {
            let id = id(row);
            let text = out.text().str("user-").int(id).finish();
            out.emit(text.len() as u64)
        })
        .load_into(sink)
        .run(engine)
        .unwrap();
}

/// Law 6: what many rows more allocate is what their batches cost the pool, and nothing per
/// record.
#[test]
fn the_steady_state_allocates_nothing_per_record() {
    let _turn = TURN.lock().unwrap_or_else(|poisoned| poisoned.into_inner());
    no_hang("allocations", || {
        for workers in [1, 2] {
            let engine = engine(workers);
            let sum =
                || sinks::fold(|| 0, |sum: &mut u64, n: u64| *sum += n, |sum, part| *sum += part);
            let records: Vec<u64> = (0..210_000).collect();
            let cases: [(&str, &dyn Fn(u64)); 4] = [
                ("slice", &|rows| {
                    steady(&engine, sources::slice(&records[..rows as usize]), sum(), |id| *id)
                }),
                ("generate", &|rows| {
                    steady(&engine, sources::generate(rows, |id| id), sum(), |id| id)
                }),
                ("iter", &|rows| steady(&engine, sources::iter(0..rows), sum(), |id| *id)),
                ("owned, blocking sink", &|rows| {
                    steady(
                        &engine,
                        sources::iter(0..rows).owned(),
                        sinks::for_each(|_: u64| Ok(())),
                        |id| id,
                    )
                }),
            ];
            for (label, run) in cases {
                let (calls, rows) = allocations_of(run);
                println!("{label}, {workers} workers: {calls} allocations for {rows} rows more");
                // The pool may queue a task per batch, of which there are a thousand.
                assert!(calls <= 4_000, "{label}, {workers} workers: {calls} for {rows} rows");
            }
        }
    });
}

/// A long run holds no more than a short one.
#[test]
fn a_long_run_holds_no_more_than_a_short_one() {
    let _turn = TURN.lock().unwrap_or_else(|poisoned| poisoned.into_inner());
    no_hang("long run", || {
        let engine = engine(2);
        let run = |rows| {
            let ((), used) = measure(|| {
                steady(&engine, sources::generate(rows, |id| id), sinks::count(), |id| id)
            });
            used.peak_bytes
        };
        run(10_000);
        let (short, long) = (run(100_000), run(500_000));
        assert!(long <= 2 * short + MIB, "short {} KiB, long {} KiB", short >> 10, long >> 10);
    });
}
