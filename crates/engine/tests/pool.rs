//! Law 1: a worker never waits, so a pool of one thread never hangs; and the threads that an engine
//! starts are its own and end with it.

mod common;

use common::{batches_of, engine, heavy, no_hang, spin};
use rayon::prelude::*;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering::SeqCst};
use std::sync::{Arc, Barrier};
use std::thread::{self};
use std::time::Duration;
use trommel::testing::Gate;
use trommel::{Engine, Options, Pipeline, Runnable, sinks, sources};

fn sum(engine: &Engine, rows: u64) -> u64 {
    let mut sum = sinks::fold(|| 0, |sum: &mut u64, id: u64| *sum += id, |sum, part| *sum += part);
    Pipeline::from(sources::generate(rows, |id| id))
        .options(batches_of(50).build().unwrap())
        .map(heavy)
        .load_into(&mut sum)
        .run(engine)
        .unwrap();
    sum.into_value()
}

#[test]
fn one_worker_and_rayon_inside_the_transform() {
    for workers in [1, 2] {
        for blocking in [false, true] {
            no_hang("nested rayon", move || {
                let count = Arc::new(AtomicUsize::new(0));
                let counted = Arc::clone(&count);
                let job = Pipeline::from(sources::iter(0..2_000u64))
                    .options(batches_of(16).build().unwrap())
                    .map(|id: &mut u64| {
                        let sum: u64 = (0..64u64).into_par_iter().map(|n| n * *id).sum();
                        let (a, b) = rayon::join(|| heavy(sum), || heavy(*id));
                        a + b
                    });
                let report = if blocking {
                    job.load_into(sinks::for_each(move |_: u64| {
                        counted.fetch_add(1, SeqCst);
                        Ok(())
                    }))
                    .run(&engine(workers))
                } else {
                    job.load_into(sinks::count()).run(&engine(workers))
                };
                assert_eq!(report.unwrap().counts.loaded, 2_000);
                assert!(!blocking || count.load(SeqCst) == 2_000);
            });
        }
    }
}

/// Rayon in the sink: a worker that drains holds the drain while it waits for other workers.
#[test]
fn rayon_inside_a_sink_that_the_workers_call() {
    no_hang("rayon in merge", || {
        for workers in [1, 2] {
            let mut sum = sinks::fold(
                || 0,
                |sum: &mut u64, id: u64| *sum += id,
                |sum, part| {
                    *sum += (0..4u64)
                        .into_par_iter()
                        .map(|n| heavy(part) * u64::from(n == 0))
                        .sum::<u64>()
                },
            );
            Pipeline::from(sources::generate(5_000, |id| id))
                .options(batches_of(16).build().unwrap())
                .map(heavy)
                .load_into(&mut sum)
                .run(&engine(workers))
                .unwrap();
            assert_eq!(sum.into_value(), (0..5_000).sum());
        }
    });
}

#[test]
fn a_run_inside_a_transform_of_the_same_engine() {
    for workers in [1, 2] {
        no_hang("nested run", move || {
            let engine = engine(workers);
            let inner = engine.clone();
            let mut sums = sinks::collect();
            Pipeline::from(sources::iter(0..200u64))
                .options(batches_of(5).build().unwrap())
                .map(move |rows: &mut u64| {
                    // A blocking sink, so that the inner run would want a drain thread.
                    let mut sum = 0;
                    Pipeline::from(sources::iter(0..*rows))
                        .map(|id: &mut u64| heavy(*id))
                        .load_into(sinks::for_each(|id: u64| {
                            sum += id;
                            Ok(())
                        }))
                        .run(&inner)
                        .unwrap();
                    sum
                })
                .load_into(&mut sums)
                .run(&engine)
                .unwrap();
            let expected = (0..200u64).map(|rows| (0..rows).sum::<u64>());
            assert!(sums.into_vec().into_iter().eq(expected));
        });
    }
}

/// Symptom: `run_all` inside a transform hung a one-worker engine once its jobs were worth the pool.
/// Cause: its helper threads are not workers, so their runs waited for the pool, whose only worker
/// waited for them. Expected: it ends, as a nested `run` does.
#[test]
fn run_all_inside_a_transform_of_the_same_engine() {
    no_hang("nested run_all", || {
        let engine = engine(1);
        let inner = engine.clone();
        let report = Pipeline::from(sources::iter(0..40u64))
            .options(batches_of(1).build().unwrap())
            .map(move |_: &mut u64| {
                let job = || {
                    Pipeline::from(sources::iter(0..300u64))
                        .options(batches_of(50).build().unwrap())
                        .map(|id: &mut u64| heavy(*id))
                        .load_into(sinks::count())
                };
                let jobs: Vec<Box<dyn Runnable>> = vec![Box::new(job()), Box::new(job())];
                inner
                    .run_all(jobs, 2)
                    .into_iter()
                    .map(|report| report.unwrap().counts.loaded)
                    .sum::<u64>()
            })
            .load_into(sinks::count())
            .run(&engine)
            .unwrap();
        assert_eq!(report.counts.loaded, 40);
    });
}

#[test]
fn pipelines_of_two_engines_inside_each_other() {
    no_hang("two engines", || {
        let (outer, inner) = (engine(1), engine(1));
        let mut sums = sinks::collect();
        Pipeline::from(sources::iter(0..30u64))
            .options(batches_of(1).build().unwrap())
            .map(move |_: &mut u64| sum(&inner, 2_000))
            .load_into(&mut sums)
            .run(&outer)
            .unwrap();
        assert_eq!(sums.into_vec(), [(0..2_000).sum::<u64>(); 30]);
    });
}

/// The transform owns the last handles but one, and the engine goes while a run in the background
/// still needs it.
#[test]
fn an_engine_dropped_while_it_runs() {
    no_hang("dropped engine", || {
        let gate = Gate::new();
        let engine = engine(1);
        let owned = engine.clone();
        let behind = gate.clone();
        let run = Pipeline::from(sources::generate(1_000, |id| id))
            .options(batches_of(10).build().unwrap())
            .map(move |id| {
                if id == 500 {
                    behind.pass();
                }
                sum(&owned, 20).min(heavy(id))
            })
            .load_into(sinks::count())
            .start(&engine)
            .unwrap();
        assert!(gate.await_arrivals(1));
        drop(engine);
        gate.open();
        let (report, _sink) = run.wait().unwrap();
        assert_eq!(report.counts.loaded, 1_000);
    });
}

/// Threads of this process whose name begins so.
#[cfg(target_os = "linux")]
fn threads_named(name: &str) -> usize {
    std::fs::read_dir("/proc/self/task")
        .unwrap()
        .filter_map(|task| std::fs::read_to_string(task.ok()?.path().join("comm")).ok())
        .filter(|comm| comm.starts_with(name))
        .count()
}

#[cfg(target_os = "linux")]
#[test]
fn all_threads_have_ended_when_the_engine_is_dropped() {
    no_hang("threads", || {
        let engine = Engine::builder().workers(3).thread_name("gone").build().unwrap();
        assert_eq!(sum(&engine, 10_000), (0..10_000).sum());
        // A thread bears its name only when it has begun.
        while threads_named("gone-") < 3 {
            thread::yield_now();
        }
        let clone = engine.clone();
        drop(engine);
        assert_eq!(threads_named("gone-"), 3, "a clone keeps them");
        drop(clone);
        // Symptom: one was left, on a busy machine. Cause: the kernel lists a thread that has been joined
        // until it has had its last turn. Fix: that is waited for; `no_hang` ends it.
        while threads_named("gone-") > 0 {
            thread::yield_now();
        }
    });
}

/// Whether a job of so many light rows was done on the caller's thread.
fn stays_here(engine: &Engine, rows: u64) -> bool {
    let (caller, strays) = (thread::current().id(), AtomicUsize::new(0));
    let report = Pipeline::from(sources::generate(rows, |id| id))
        .map(|id| {
            strays.fetch_add(usize::from(thread::current().id() != caller), SeqCst);
            id
        })
        .load_into(sinks::count())
        .run(engine)
        .unwrap();
    assert_eq!(report.counts.loaded, rows);
    assert!(report.workers > 0 || strays.into_inner() == 0, "{rows} rows");
    report.workers == 0
}

#[test]
fn a_small_job_stays_on_the_callers_thread() {
    let engine = engine(2);
    for rows in [0, 1, 5, 16] {
        assert!(stays_here(&engine, rows), "{rows} rows, one batch");
    }
    // Several batches. A thread that loses its core meanwhile has heavy rows, as far as it can tell.
    assert!((0..100).any(|_| stays_here(&engine, 40)));
}

#[test]
fn a_large_job_uses_every_worker() {
    no_hang("both workers", || {
        let engine = engine(2);
        // Two workers must be in the transform at once.
        let (both, met) = (Barrier::new(2), AtomicBool::new(false));
        let caller = thread::current().id();
        let report = Pipeline::from(sources::iter(0..1_000u64))
            .options(batches_of(10).build().unwrap())
            .map(|id: &mut u64| {
                spin(Duration::from_micros(20));
                if thread::current().id() != caller && !met.load(SeqCst) {
                    both.wait();
                    met.store(true, SeqCst);
                }
                *id
            })
            .load_into(sinks::count())
            .run(&engine)
            .unwrap();
        assert_eq!((report.counts.loaded, report.workers), (1_000, 2));
        assert!(met.into_inner());
    });
}

#[test]
fn every_size_around_a_batch() {
    no_hang("sizes", || {
        let engine = engine(2);
        for batch in [1u64, 2, 7, 64] {
            for rows in [0, 1, batch - 1, batch, batch + 1, 2 * batch, 5 * batch + 1] {
                for slots in [0, 1, 2] {
                    let mut kept = sinks::collect();
                    let report = Pipeline::from(sources::iter(0..rows))
                        .options(
                            Options::builder()
                                .fixed_batch_size(batch as usize)
                                .channel_capacity(slots)
                                .build()
                                .unwrap(),
                        )
                        .map(|id: &mut u64| {
                            spin(Duration::from_micros(10));
                            *id
                        })
                        .load_into(&mut kept)
                        .run(&engine)
                        .unwrap();
                    let label = format!("batch {batch}, {rows} rows, {slots} slots");
                    assert!(kept.into_vec().into_iter().eq(0..rows), "{label}");
                    assert_eq!(report.counts.read, rows, "{label}");
                }
            }
        }
    });
}
