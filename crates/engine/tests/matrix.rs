//! One case through every path of the engine, each labelled, against the sequential reference.

mod common;

use bumpalo::Bump;
use common::{Expected, Verdict, engine, no_hang, numbered_lines, reference, spin, value};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;
use trommel::testing::Lines;
use trommel::{
    Encode, Engine, Error, Options, Order, Pipeline, RejectPolicy, Result, RunReport, Runnable,
    Sink, Source, sinks, sources,
};

const SOURCES: [&str; 9] = [
    "slice_mut",
    "slice",
    "generate",
    "generate_in",
    "iter",
    "owned iter",
    "quick iter",
    "channel",
    "lines",
];

#[derive(Clone, Copy)]
struct Case {
    source: &'static str,
    order: Order,
    /// Rows per batch; 0 is adaptive.
    batch: usize,
    pieces: usize,
    blocking: bool,
    /// Boxed source, sink and pipeline, the first and the last as trait objects.
    boxed: bool,
    /// Some rows are bad.
    rejects: bool,
    rows: u64,
}

#[test]
fn one_worker() {
    all_cases(1);
}

#[test]
fn two_workers() {
    all_cases(2);
}

#[test]
fn four_workers() {
    all_cases(4);
}

fn all_cases(workers: usize) {
    let engine = engine(workers);
    for source in SOURCES {
        for order in [Order::Ordered, Order::Completion] {
            // Rows enough for several batches, few enough for a debug build.
            for (batch, rows) in [(1, 50), (7, 300), (4096, 9_000), (0, 5_000)] {
                for pieces in [0, 1, 3] {
                    for (blocking, boxed, rejects) in [
                        (false, false, pieces != 1),
                        (true, false, pieces == 1),
                        (pieces == 0, true, false),
                    ] {
                        let case =
                            Case { source, order, batch, pieces, blocking, boxed, rejects, rows };
                        let label = format!(
                            "{workers} workers, {source}, {order:?}, batch {batch}, {pieces} pieces, \
                             {} sink, {}, {rows} rows, {}",
                            if blocking { "blocking" } else { "self-draining" },
                            if boxed { "boxed" } else { "plain" },
                            if rejects { "some of them bad" } else { "all good" }
                        );
                        let engine = engine.clone();
                        let named = label.clone();
                        no_hang(&label, move || run_case(&engine, case, &named));
                    }
                }
            }
        }
    }
}

impl Case {
    /// Filters some rows, makes several values of others; every value tells where it came from. A bad
    /// row may have emitted before it turns out to be bad.
    fn verdict(self, id: u64) -> Verdict {
        if self.rejects && id % 11 == 5 { Verdict::Refuse(id % 3) } else { Verdict::Emit(id % 4) }
    }

    fn options(self) -> Options {
        let options = match self.batch {
            0 => Options::builder(),
            rows => Options::builder().fixed_batch_size(rows),
        };
        let policy = if self.rejects { RejectPolicy::skip(self.rows) } else { RejectPolicy::Stop };
        options
            .order(self.order)
            .transform_concurrency(self.pieces)
            .on_reject(policy)
            .build()
            .unwrap()
    }
}

/// Makes texts of numbers, in the arena.
struct Texts;

impl sources::Generator for Texts {
    type Row<'a> = &'a str;
    fn make<'a>(&self, id: u64, arena: &'a Bump) -> &'a str {
        arena.alloc_str(&id.to_string())
    }
}

fn run_case(engine: &Engine, case: Case, label: &str) {
    let (values, report, hooks) = if case.blocking {
        let mut values = Vec::new();
        let keep = sinks::for_each(|value: u64| {
            values.push(value);
            Ok(())
        });
        let (report, hooks) = run_source(engine, case, keep);
        (values, report, hooks)
    } else {
        let mut kept = sinks::collect();
        let (report, hooks) = run_source(engine, case, &mut kept);
        (kept.into_vec(), report, hooks)
    };
    check(case, label, values, &report, hooks);
}

fn check(case: Case, label: &str, mut values: Vec<u64>, report: &RunReport, hooks: [usize; 2]) {
    let mut expected: Expected = reference(case.rows, |id| case.verdict(id));
    if case.order == Order::Completion {
        values.sort_unstable();
        expected.values.sort_unstable();
    }
    assert!(values == expected.values, "{label}: other values or another order than the reference");
    assert_eq!(report.counts, expected.counts, "{label}");
    assert!(report.counts.add_up(), "{label}");
    assert_eq!(hooks, [1, 1], "{label}: hooks");
    if case.batch > 0 && !matches!(case.source, "channel" | "iter" | "owned iter" | "quick iter") {
        // Those four may hand over less than a full batch while workers are idle.
        assert_eq!(report.batches, case.rows.div_ceil(case.batch as u64), "{label}: batches");
    }
    // The first row is slow, so more than one batch means that the pool took over.
    let several = case.batch > 0 && case.rows > case.batch as u64;
    assert!(!several || report.workers > 0, "{label}: it never left the caller's thread");
}

fn run_source<K>(engine: &Engine, case: Case, sink: K) -> (RunReport, [usize; 2])
where
    K: Sink + Encode<u64>,
{
    match case.source {
        "slice_mut" => {
            let mut ids: Vec<u64> = (0..case.rows).collect();
            let ended = run(engine, case, sources::slice_mut(&mut ids), std::mem::take, sink);
            assert!(ids.iter().all(|id| *id == 0), "the records themselves were changed");
            ended
        }
        "slice" => {
            let ids: Vec<u64> = (0..case.rows).collect();
            run(engine, case, sources::slice(&ids), |id| *id, sink)
        }
        "generate" => run(engine, case, sources::generate(case.rows, |id| id), |id| id, sink),
        "generate_in" => {
            let number = |text: &str| text.parse().unwrap();
            run(engine, case, sources::generate_in(case.rows, Texts), number, sink)
        }
        "iter" => run(engine, case, sources::iter(0..case.rows), |id| *id, sink),
        "owned iter" => {
            let texts = (0..case.rows).map(|id| id.to_string());
            run(engine, case, sources::iter(texts).owned(), |id: String| id.parse().unwrap(), sink)
        }
        "quick iter" => {
            let ids = sources::iter(0..case.rows).never_blocks().owned();
            run(engine, case, ids, |id| id, sink)
        }
        "channel" => {
            let (sender, receiver) = crossbeam_channel::bounded(64);
            let rows = case.rows;
            let feeding = std::thread::spawn(move || (0..rows).try_for_each(|id| sender.send(id)));
            let ended = run(engine, case, sources::channel(receiver), |id| id, sink);
            feeding.join().unwrap().unwrap();
            ended
        }
        "lines" => {
            let lines = Lines::new(numbered_lines(case.rows));
            let number = |line: &[u8]| std::str::from_utf8(line).unwrap().parse().unwrap();
            run(engine, case, lines, number, sink)
        }
        other => unreachable!("{other}"),
    }
}

fn run<S, D, K>(
    engine: &Engine,
    case: Case,
    source: S,
    id_of: D,
    sink: K,
) -> (RunReport, [usize; 2])
where
    S: Source,
    D: for<'b> Fn(<S::Batch as trommel::Batch>::Row<'b>) -> u64 + Sync,
    K: Sink + Encode<u64>,
{
    match case.boxed {
        false => run_plain(engine, case, source, id_of, sink),
        true => run_plain(engine, case, boxed(source), id_of, Box::new(sink)),
    }
}

fn boxed<'s, S: Source + 's>(source: S) -> Box<dyn Source<Batch = S::Batch> + 's> {
    Box::new(source)
}

fn run_plain<S, D, K>(
    engine: &Engine,
    case: Case,
    source: S,
    id_of: D,
    sink: K,
) -> (RunReport, [usize; 2])
where
    S: Source,
    D: for<'b> Fn(<S::Batch as trommel::Batch>::Row<'b>) -> u64 + Sync,
    K: Sink + Encode<u64>,
{
    let hooks = Arc::new([AtomicUsize::new(0), AtomicUsize::new(0)]);
    let (before, after) = (Arc::clone(&hooks), Arc::clone(&hooks));
    let pipeline = Pipeline::from(source)
        .options(case.options())
        .before(move || {
            before[0].fetch_add(1, Ordering::SeqCst);
            Ok(())
        })
        .after(move |_| {
            after[1].fetch_add(1, Ordering::SeqCst);
        })
        .transform(|row, out| -> Result<()> {
            let id = id_of(row);
            if id == 0 {
                spin(Duration::from_micros(200));
            }
            let (copies, is_bad) = match case.verdict(id) {
                Verdict::Emit(copies) => (copies, false),
                Verdict::Refuse(copies) | Verdict::Panic(copies) => (copies, true),
            };
            (0..copies).try_for_each(|copy| out.emit(value(id, copy)))?;
            if is_bad { Err(Error::row("a bad row")) } else { Ok(()) }
        })
        .load_into(sink);
    let report = match case.boxed {
        false => pipeline.run(engine),
        true => {
            let pipeline: Box<dyn Runnable + '_> = Box::new(pipeline);
            engine.run_all(vec![pipeline], 1).pop().unwrap()
        }
    };
    let report = report.unwrap();
    (report, [0, 1].map(|hook| hooks[hook].load(Ordering::SeqCst)))
}

/// Symptom: `filter(..).load_into(..)` did not compile over rows that borrow. Cause: the emitting end
/// asked for one type that all rows have, whatever their lifetime. Fix: for each lifetime the sink
/// takes the row of that lifetime.
#[test]
fn rows_that_borrow_go_into_a_sink_as_they_are() {
    let (words, mut long) = (["sand", "gravel", "clay"], sinks::count());
    Pipeline::from(sources::slice(&words))
        .filter(|word| word.len() > 4)
        .load_into(&mut long)
        .run(&engine(1))
        .unwrap();
    assert_eq!(long.values(), 1);
    let mut changed = sinks::count();
    Pipeline::from(sources::iter(words)).load_into(&mut changed).run(&engine(1)).unwrap();
    assert_eq!(changed.values(), 3);
}
