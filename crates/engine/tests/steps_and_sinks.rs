//! Every step before a transform and every sink of the engine, through workers, orders and sizes of
//! batches: beside `matrix.rs`, which does the same for sources.

mod common;

use common::{engine, no_hang};
use std::thread;
use trommel::testing::Recorder;
use trommel::{
    Counts, Engine, Error, Options, Order, Pipeline, RejectPolicy, Result, RunReport, sinks,
    sources,
};

const STEPS: [&str; 3] = ["try_map", "filter", "transform_in_place"];
const SINKS: [&str; 7] = ["collect", "for_each", "recorder", "fold", "count", "channel", "write"];

#[derive(Debug, Clone, Copy)]
struct Case {
    steps: &'static str,
    sink: &'static str,
    order: Order,
    /// Rows per batch; 0 is adaptive.
    batch: usize,
    rows: u64,
}

/// What the steps refuse.
fn is_bad(id: u64) -> bool {
    id % 7 == 3
}

impl Case {
    fn options(self) -> Options {
        let options = match self.batch {
            0 => Options::builder(),
            rows => Options::builder().fixed_batch_size(rows),
        };
        options.order(self.order).on_reject(RejectPolicy::skip(self.rows)).build().unwrap()
    }

    fn counts(self) -> Counts {
        let bad = (0..self.rows).filter(|id| is_bad(*id)).count() as u64;
        let (filtered, rejected) = if self.steps == "filter" { (bad, 0) } else { (0, bad) };
        let loaded = self.rows - bad;
        Counts { read: self.rows, loaded, rejected, filtered, emitted: loaded, abandoned: 0 }
    }

    /// The rows that pass, each one more than it was.
    fn values(self) -> Vec<u64> {
        (0..self.rows).filter(|id| !is_bad(*id)).map(|id| id + 1).collect()
    }
}

/// Runs the case's steps on numbers into a sink: what is emitted differs, and with it the type of the
/// pipeline.
macro_rules! run_steps {
    ($case:expr, $engine:expr, $sink:expr, $emit:expr) => {{
        let case: Case = $case;
        let mut ids: Vec<u64> = (0..case.rows).collect();
        let numbers = Pipeline::from(sources::slice_mut(&mut ids)).options(case.options());
        let refuse = |id: u64| match is_bad(id) {
            true => Err(Error::row("a bad row")),
            false => Ok(()),
        };
        let report: Result<RunReport> = match case.steps {
            "try_map" => numbers
                .try_map(|id| refuse(*id).map(|()| *id + 1))
                .transform($emit)
                .load_into($sink)
                .run($engine),
            "filter" => numbers
                .filter(|id| !is_bad(**id))
                .map(|id| *id + 1)
                .transform($emit)
                .load_into($sink)
                .run($engine),
            "transform_in_place" => numbers
                .transform_in_place(|id: &mut u64| {
                    refuse(*id)?;
                    *id += 1;
                    Ok(())
                })
                .map(|id| *id)
                .transform($emit)
                .load_into($sink)
                .run($engine),
            other => unreachable!("{other}"),
        };
        report.unwrap()
    }};
}

/// The values that reached the sink; of a sink that keeps less than these, what it kept of them.
fn run(engine: &Engine, case: Case) -> (RunReport, Kept) {
    match case.sink {
        "collect" => {
            let mut sink = sinks::collect();
            let report = run_steps!(case, engine, &mut sink, |id: u64, out| out.emit(id));
            (report, Kept::Values(sink.into_vec()))
        }
        "for_each" => {
            let mut values = Vec::new();
            let sink = sinks::for_each(|id: u64| {
                values.push(id);
                Ok(())
            });
            let report = run_steps!(case, engine, sink, |id: u64, out| out.emit(id));
            (report, Kept::Values(values))
        }
        "recorder" => {
            let sink = Recorder::new();
            let report = run_steps!(case, engine, sink.clone(), |id: u64, out| out.emit(id));
            (report, Kept::Values(sink.values()))
        }
        "fold" => {
            let mut sink = sinks::fold(
                || (0, 0),
                |(count, sum): &mut (u64, u64), id: u64| {
                    *count += 1;
                    *sum += id;
                },
                |all, part| *all = (all.0 + part.0, all.1 + part.1),
            );
            let report = run_steps!(case, engine, &mut sink, |id: u64, out| out.emit(id));
            let (count, sum) = sink.into_value();
            (report, Kept::CountAndSum(count, sum))
        }
        "count" => {
            let mut sink = sinks::count();
            let report = run_steps!(case, engine, &mut sink, |id: u64, out| out.emit(id));
            (report, Kept::Count(sink.values()))
        }
        "channel" => {
            // So small that the sink waits for its reader, and not at every row: each wait can cost a turn
            // of all who are busy.
            let (sender, receiver) = crossbeam_channel::bounded(100);
            let reader = thread::spawn(move || receiver.iter().collect());
            let sink = sinks::channel(sender);
            let report = run_steps!(case, engine, sink, |id: u64, out| out.emit(id));
            (report, Kept::Values(reader.join().unwrap()))
        }
        "write" => {
            let mut sink = sinks::write(Vec::new());
            let report = run_steps!(case, engine, &mut sink, |id: u64, out| {
                let line = out.text().int(id).char('\n').finish();
                out.emit(line)
            });
            let text = String::from_utf8(sink.into_inner()).unwrap();
            (report, Kept::Values(text.lines().map(|line| line.parse().unwrap()).collect()))
        }
        other => unreachable!("{other}"),
    }
}

#[derive(Debug, PartialEq, Eq)]
enum Kept {
    Values(Vec<u64>),
    Count(u64),
    CountAndSum(u64, u64),
}

fn check(engine: &Engine, case: Case) {
    let label = format!("{} workers, {case:?}", engine.workers());
    let (report, mut kept) = run(engine, case);
    let mut expected = case.values();
    if let (Kept::Values(values), Order::Completion) = (&mut kept, case.order) {
        values.sort_unstable();
        expected.sort_unstable();
    }
    let (count, sum) = (expected.len() as u64, expected.iter().sum());
    let expected = match kept {
        Kept::Values(_) => Kept::Values(expected),
        Kept::Count(_) => Kept::Count(count),
        Kept::CountAndSum(..) => Kept::CountAndSum(count, sum),
    };
    assert!(kept == expected, "{label}: other values or another order");
    assert_eq!(report.counts, case.counts(), "{label}");
}

#[test]
fn every_step_goes_with_every_sink() {
    for workers in [1, 2, 4] {
        let engine = engine(workers);
        for sink in SINKS {
            for steps in STEPS {
                let engine = engine.clone();
                no_hang(&format!("{workers} workers, {steps}, {sink}"), move || {
                    for order in [Order::Ordered, Order::Completion] {
                        for (batch, rows) in [(1, 50), (7, 300), (4096, 9_000), (0, 5_000)] {
                            check(&engine, Case { steps, sink, order, batch, rows });
                        }
                    }
                });
            }
        }
    }
}
