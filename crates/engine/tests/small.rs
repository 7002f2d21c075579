//! A small job does not pay for threads.
#![cfg(target_os = "linux")]

mod common;

use common::no_hang;
use trommel::{CancelToken, Engine, Pipeline, sinks, sources};

/// Threads of this process.
fn threads() -> usize {
    std::fs::read_dir("/proc/self/task").unwrap().count()
}

/// Symptom: a job of a hundred rows took 40 to 70 us instead of 2 when it could be cancelled. Cause: a
/// thread watched for the end of the grace period. Fix: whoever would go on finds out for itself.
#[test]
fn a_small_job_that_may_be_cancelled_starts_no_thread() {
    no_hang("small", || {
        let engine = Engine::builder().workers(1).build().unwrap();
        let before = threads();
        let token = CancelToken::new();
        let mut counted = sinks::collect();
        Pipeline::from(sources::generate(10, |id| id))
            .cancel_with(&token)
            .map(|_| threads())
            .load_into(&mut counted)
            .run(&engine)
            .unwrap();
        assert_eq!(counted.into_vec(), [before; 10]);
    });
}
