//! The worker that stays awake between two runs: it takes the next one's rows, works for whoever else
//! asks the pool, and goes when its engine does.

mod common;

use common::{batches_of, no_hang, spin};
use rayon::prelude::*;
use std::time::Duration;
use trommel::{Engine, Pipeline, Runnable, sinks, sources};

/// Longer than any test may take.
const FOR_EVER: Duration = Duration::from_secs(3_600);

fn awake(workers: usize) -> Engine {
    Engine::builder().workers(workers).idle_spin(FOR_EVER).build().unwrap()
}

fn job(rows: u64) -> Box<dyn Runnable> {
    let job = Pipeline::from(sources::generate(rows, |id| id))
        .options(batches_of(10).build().unwrap())
        .map(|id| {
            spin(Duration::from_micros(2));
            id
        });
    Box::new(job.load_into(sinks::count()))
}

#[test]
fn an_engine_ends_while_a_worker_is_awake() {
    for workers in [1, 2, 3] {
        no_hang("drop", move || {
            let engine = awake(workers);
            for _ in 0..20 {
                let report = job(400).run_on(&engine).unwrap();
                assert_eq!(report.counts.loaded, 400);
                assert_eq!(report.workers, workers, "the ring was not used");
            }
        });
    }
}

#[test]
fn several_pipelines_share_a_pool_with_a_worker_awake() {
    no_hang("sharing", || {
        let engine = awake(2);
        for _ in 0..5 {
            let jobs = (1..6).map(|n| job(n * 100)).collect();
            let loaded = engine.run_all(jobs, 3).into_iter().map(|run| run.unwrap().counts.loaded);
            assert!(loaded.eq((1..6).map(|n| n * 100)));
        }
    });
}

#[test]
fn rayon_in_a_transform_beside_a_worker_awake() {
    no_hang("rayon", || {
        let engine = awake(2);
        for _ in 0..5 {
            let mut sums = sinks::collect();
            Pipeline::from(sources::generate(500, |id| id))
                .options(batches_of(10).build().unwrap())
                .map(|id| (0..64u64).into_par_iter().map(|n| n * id).sum::<u64>())
                .load_into(&mut sums)
                .run(&engine)
                .unwrap();
            assert!(sums.into_vec().into_iter().eq((0..500).map(|id| id * 2_016)));
        }
    });
}
