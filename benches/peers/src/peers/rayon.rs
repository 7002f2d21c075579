//! Hand-written rayon: a parallel iterator over ids, and the bridge from a sequential iterator.

use rayon::iter::{IntoParallelIterator, ParallelBridge, ParallelIterator};
use rayon::{ThreadPool, ThreadPoolBuilder};
use trommel_bench::origin::{Tally, boxed, generator};

use super::Peer;
use crate::job::{Form, Scratch, block, blocks, tally_boxed, threads};

/// Everything in the worker: no record ever changes its thread.
pub(crate) struct ParIter {
    pool: ThreadPool,
}

/// One sequential generator behind a lock, records handed out one by one.
pub(crate) struct ParBridge {
    pool: ThreadPool,
}

impl ParIter {
    pub(crate) fn new() -> Self {
        ParIter { pool: pool() }
    }
}

impl ParBridge {
    pub(crate) fn new() -> Self {
        ParBridge { pool: pool() }
    }
}

impl Peer for ParIter {
    fn name(&self) -> &'static str {
        "rayon-par-iter"
    }

    fn does(&self, form: Form) -> bool {
        form != Form::Wide
    }

    fn run(&mut self, form: Form, rows: u64) -> Tally {
        let parts = (0..blocks(rows)).into_par_iter();
        self.pool.install(|| match form {
            Form::Arena => parts
                .map_init(Scratch::default, |scratch, index| scratch.tally(block(index, rows)))
                .reduce(Tally::default, merged),
            _ => parts.map(|index| tally_boxed(block(index, rows))).reduce(Tally::default, merged),
        })
    }
}

impl Peer for ParBridge {
    fn name(&self) -> &'static str {
        "rayon-par-bridge"
    }

    fn does(&self, form: Form) -> bool {
        form == Form::Boxed
    }

    fn run(&mut self, _form: Form, rows: u64) -> Tally {
        let records = generator().records(0..rows).par_bridge();
        self.pool.install(|| {
            records
                .map(boxed)
                .fold(Tally::default, |mut tally, line| {
                    tally.add(&line);
                    tally
                })
                .reduce(Tally::default, merged)
        })
    }
}

fn pool() -> ThreadPool {
    ThreadPoolBuilder::new().num_threads(threads()).build().expect("the pool's threads start")
}

fn merged(mut tally: Tally, other: Tally) -> Tally {
    tally.merge(other);
    tally
}
