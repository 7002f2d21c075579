//! What the behaviour tests share: the sequential reference, a guard against hangs.
#![allow(dead_code, reason = "each test binary uses a part of it")]

use std::panic::resume_unwind;
use std::sync::mpsc::{RecvTimeoutError, channel};
use std::thread;
use std::time::Duration;
use trommel::{Counts, Engine, ErrorKind, Options, OptionsBuilder, Result};

/// Longer than any test takes on a loaded machine.
pub(crate) const HANG: Duration = Duration::from_secs(30);

/// Runs `test` on a thread of its own and fails when it has not returned after [`HANG`].
pub(crate) fn no_hang<R: Send + 'static>(
    label: &str,
    test: impl FnOnce() -> R + Send + 'static,
) -> R {
    let (done, ended) = channel();
    let runner = thread::spawn(move || {
        let result = test();
        let _ = done.send(());
        result
    });
    if ended.recv_timeout(HANG) == Err(RecvTimeoutError::Timeout) {
        panic!("{label}: no end after {HANG:?}, it hangs");
    }
    runner.join().unwrap_or_else(|panic| resume_unwind(panic))
}

pub(crate) fn engine(workers: usize) -> Engine {
    Engine::builder().workers(workers).build().unwrap()
}

/// Options with batches of exactly `rows` rows.
pub(crate) fn batches_of(rows: usize) -> OptionsBuilder {
    Options::builder().fixed_batch_size(rows)
}

/// The same, of which no batch is cut for an idle worker, however heavy a busy machine makes it look: the
/// sink is called once for each.
pub(crate) fn one_page_each(rows: usize) -> OptionsBuilder {
    batches_of(rows).transform_concurrency(1)
}

/// That the run was cancelled, and all its rows are accounted for.
#[track_caller]
pub(crate) fn is_cancelled<T>(result: &Result<T>) {
    let error = result.as_ref().err().expect("a cancelled run");
    assert_eq!(error.kind(), ErrorKind::Cancelled, "{error}");
    assert!(error.report().unwrap().counts.add_up());
}

/// A transform heavy enough for the pool.
pub(crate) fn heavy(id: u64) -> u64 {
    spin(Duration::from_micros(2));
    id
}

/// Of all rows the first is worth the pool.
pub(crate) fn some_work(id: u64) -> u64 {
    if id == 0 {
        spin(Duration::from_micros(500));
    }
    id
}

/// What the transform does with a row.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Verdict {
    /// Emits this many values.
    Emit(u64),
    /// Emits this many values and then refuses the row.
    Refuse(u64),
    /// Emits this many values and then panics.
    Panic(u64),
}

/// Value number `copy` of row `id`.
pub(crate) fn value(id: u64, copy: u64) -> u64 {
    id.wrapping_mul(0x517c_c1b7_2722_0a95) ^ copy
}

/// What should come of a run.
#[derive(Debug, Default, PartialEq, Eq)]
pub(crate) struct Expected {
    pub(crate) values: Vec<u64>,
    pub(crate) rejected: Vec<u64>,
    pub(crate) counts: Counts,
}

/// The sequential reference: rows `0..rows`, each with its verdict.
pub(crate) fn reference(rows: u64, verdict: impl Fn(u64) -> Verdict) -> Expected {
    let mut expected = Expected::default();
    for id in 0..rows {
        expected.counts.read += 1;
        match verdict(id) {
            Verdict::Emit(0) => expected.counts.filtered += 1,
            Verdict::Emit(copies) => {
                expected.counts.loaded += 1;
                expected.counts.emitted += copies;
                expected.values.extend((0..copies).map(|copy| value(id, copy)));
            }
            Verdict::Refuse(_) | Verdict::Panic(_) => {
                expected.counts.rejected += 1;
                expected.rejected.push(id);
            }
        }
    }
    expected
}

/// Keeps the core busy, so that the driver finds the row worth its pool.
pub(crate) fn spin(time: Duration) {
    let began = std::time::Instant::now();
    while began.elapsed() < time {
        std::hint::spin_loop();
    }
}

/// The file of numbers `0..rows`, one per line, for [`trommel::testing::Lines`].
pub(crate) fn numbered_lines(rows: u64) -> String {
    (0..rows).map(|id| format!("{id}\n")).collect()
}
