//! Random pipelines against the sequential reference: any verdict for any row, any options.

mod common;

use common::{Expected, HANG, Verdict, reference, spin, value};
use proptest::prelude::*;
use std::sync::mpsc::channel;
use std::sync::{Arc, LazyLock, Mutex};
use std::time::Duration;
use trommel::testing::{Lines, Recorder};
use trommel::{
    Engine, Error, ErrorKind, Options, Order, Out, PanicPolicy, Pipeline, Reject, RejectPolicy,
    Result, RunReport, sources,
};

static ENGINES: LazyLock<[Engine; 3]> = LazyLock::new(|| [1, 2, 3].map(common::engine));

#[derive(Debug, Clone)]
struct Plan {
    verdicts: Vec<Verdict>,
    workers: usize,
    order: Order,
    batch: usize,
    adaptive: bool,
    pieces: usize,
    slots: usize,
    memory: usize,
    source: Kind,
    self_draining: bool,
    /// The first row keeps the caller's thread so long that the pool takes over.
    pool: bool,
}

#[derive(Debug, Clone, Copy)]
enum Kind {
    Slice,
    Generate,
    Owned,
    Lines,
    UncuttableLines,
}

fn verdict() -> impl Strategy<Value = Verdict> {
    prop_oneof![
        8 => Just(Verdict::Emit(1)),
        2 => Just(Verdict::Emit(0)),
        2 => Just(Verdict::Emit(3)),
        1 => Just(Verdict::Emit(30)),
        1 => (0..3u64).prop_map(Verdict::Refuse),
        1 => (0..3u64).prop_map(Verdict::Panic),
    ]
}

fn plan() -> impl Strategy<Value = Plan> {
    let shape = (
        prop::collection::vec(verdict(), 0..400),
        0..3usize,
        prop_oneof![Just(Order::Ordered), Just(Order::Completion)],
        prop_oneof![Just(1usize), 2..10usize, Just(64), Just(500)],
        any::<bool>(),
    );
    let driver = (
        0..4usize,
        prop_oneof![Just(0usize), 1..4usize],
        prop_oneof![Just(64usize << 10), Just(16 << 20)],
        prop_oneof![
            Just(Kind::Slice),
            Just(Kind::Generate),
            Just(Kind::Owned),
            Just(Kind::Lines),
            Just(Kind::UncuttableLines)
        ],
        any::<bool>(),
        any::<bool>(),
    );
    (shape, driver).prop_map(
        |(
            (verdicts, workers, order, batch, adaptive),
            (pieces, slots, memory, source, self_draining, pool),
        )| Plan {
            verdicts,
            workers,
            order,
            batch,
            adaptive,
            pieces,
            slots,
            memory,
            source,
            self_draining,
            pool,
        },
    )
}

/// What a run came to: its result, what the sink holds, what the dead letters say.
struct Outcome {
    result: Result<RunReport>,
    values: Vec<u64>,
    letters: Vec<Reject>,
}

/// Every value comes with padding, so that small memory limits make batches pause.
type Padded = [u64; 8];

fn run(plan: &Plan, max: u64) -> Outcome {
    let letters = Arc::new(Mutex::new(Vec::new()));
    let log = Arc::clone(&letters);
    let policy = RejectPolicy::dead_letter(
        move |reject: &Reject| {
            log.lock().unwrap().push(reject.clone());
            Ok(())
        },
        max,
    );
    let mut options = Options::builder()
        .order(plan.order)
        .transform_concurrency(plan.pieces)
        .channel_capacity(plan.slots)
        .memory_limit(plan.memory)
        .on_panic(PanicPolicy::Reject)
        .on_reject(policy);
    options = if plan.adaptive {
        options.batch_size(plan.batch).adaptive(1..=plan.batch)
    } else {
        options.fixed_batch_size(plan.batch)
    };
    let options = options.build().unwrap();
    let mut sink = Recorder::<Padded>::new();
    if plan.self_draining {
        sink = sink.self_draining();
    }
    let rows = plan.verdicts.len() as u64;
    let ids: Vec<u64> = (0..rows).collect();
    let engine = &ENGINES[plan.workers];
    macro_rules! run {
        ($source:expr, $id:expr) => {
            Pipeline::from($source)
                .options(options)
                .transform(|row, out| act(plan, $id(row), out))
                .load_into(sink.clone())
                .run(engine)
        };
    }
    let parse = |line: &[u8]| std::str::from_utf8(line).unwrap().parse().unwrap();
    let result = match plan.source {
        Kind::Slice => run!(sources::slice(&ids), |id: &u64| *id),
        Kind::Generate => run!(sources::generate(rows, |id| id), |id| id),
        Kind::Owned => {
            let texts: Vec<String> = ids.iter().map(u64::to_string).collect();
            run!(sources::iter(texts).owned(), |id: String| id.parse().unwrap())
        }
        Kind::Lines => run!(Lines::new(common::numbered_lines(rows)), parse),
        Kind::UncuttableLines => {
            run!(Lines::new(common::numbered_lines(rows)).uncuttable(), parse)
        }
    };
    let letters = letters.lock().unwrap().clone();
    let values = sink.values().iter().map(|padded| padded[0]).collect();
    Outcome { result, values, letters }
}

fn act(plan: &Plan, id: u64, out: &mut Out<'_, Recorder<Padded>>) -> Result<()> {
    if id == 0 && plan.pool {
        spin(Duration::from_micros(100));
    }
    let verdict = plan.verdicts[id as usize];
    let (Verdict::Emit(copies) | Verdict::Refuse(copies) | Verdict::Panic(copies)) = verdict;
    for copy in 0..copies {
        out.emit([value(id, copy); 8])?;
    }
    match verdict {
        Verdict::Emit(_) => Ok(()),
        Verdict::Refuse(_) => Err(Error::row("refused").in_column("c")),
        Verdict::Panic(_) => panic!("quietly"),
    }
}

/// As `common::no_hang`, for borrowed plans and with the plan in the message.
fn run_within(plan: &Plan, max: u64) -> Outcome {
    let (done, ended) = channel();
    let plan_there = plan.clone();
    std::thread::spawn(move || {
        let _ = done.send(run(&plan_there, max));
    });
    ended.recv_timeout(HANG).unwrap_or_else(|_| panic!("hangs or panics: {plan:?}"))
}

/// Panics of the transforms are expected; only those of the tests are worth a line.
fn quiet() {
    static ONCE: std::sync::Once = std::sync::Once::new();
    ONCE.call_once(|| {
        let loud = std::panic::take_hook();
        std::panic::set_hook(Box::new(move |panic| {
            if panic.payload().downcast_ref::<&str>() != Some(&"quietly") {
                loud(panic);
            }
        }));
    });
}

fn sorted(mut values: Vec<u64>) -> Vec<u64> {
    values.sort_unstable();
    values
}

fn expected(plan: &Plan) -> Expected {
    reference(plan.verdicts.len() as u64, |id| plan.verdicts[id as usize])
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 400, max_shrink_time: 10_000, failure_persistence: None, ..ProptestConfig::default() })]

    /// The result is the reference's; rejected rows leave nothing behind; every reject is in the
    /// dead letters, once, with its number and its bytes.
    #[test]
    fn a_run_equals_the_sequential_reference(plan in plan()) {
        quiet();
        let Expected { values, rejected, counts } = expected(&plan);
        let outcome = run_within(&plan, u64::MAX);
        let report = outcome.result.unwrap();
        prop_assert_eq!(report.counts, counts);
        if plan.order == Order::Ordered {
            prop_assert_eq!(outcome.values, values);
        } else {
            prop_assert_eq!(sorted(outcome.values), sorted(values));
        }
        prop_assert_eq!(outcome.letters.len(), rejected.len());
        let bytes = matches!(plan.source, Kind::Lines | Kind::UncuttableLines);
        if plan.order == Order::Ordered || bytes {
            let mut records: Vec<u64> =
                outcome.letters.iter().map(|letter| letter.record.unwrap()).collect();
            if plan.order == Order::Completion {
                records = sorted(records);
            }
            prop_assert_eq!(records, rejected);
        }
        for letter in &outcome.letters {
            if bytes {
                let record = letter.record.unwrap();
                prop_assert_eq!(&letter.raw, &record.to_string().into_bytes());
                prop_assert_eq!(letter.line, Some(record + 1));
                let before: usize = (0..record).map(|id| id.to_string().len() + 1).sum();
                prop_assert_eq!(letter.offset, Some(before as u64));
            }
            let panicked = letter.reason.contains("quietly");
            prop_assert!(panicked || (letter.reason == "refused" && letter.column.as_deref() == Some("c")));
        }
    }

    /// `max` rejects are allowed and one more ends the run; either way the sink holds what the
    /// report says, and in an ordered run it is a beginning of the reference.
    #[test]
    fn the_reject_limit_is_exact(plan in plan(), less in 0..3u64) {
        quiet();
        let Expected { values, rejected, .. } = expected(&plan);
        let max = (rejected.len() as u64).saturating_sub(less);
        let outcome = run_within(&plan, max);
        let report = match &outcome.result {
            Ok(report) => {
                prop_assert!(rejected.len() as u64 <= max);
                report
            }
            Err(error) => {
                prop_assert!(rejected.len() as u64 > max, "{}", error);
                prop_assert_eq!(error.kind(), ErrorKind::RejectLimit);
                error.report().unwrap()
            }
        };
        prop_assert!(report.counts.add_up());
        prop_assert_eq!(report.counts.emitted, outcome.values.len() as u64);
        if plan.order == Order::Ordered {
            prop_assert!(values.starts_with(&outcome.values));
        }
    }
}
