//! paralight: parallel iteration over indexed sources on a pool of its own.

use paralight::prelude::*;
use trommel_bench::origin::Tally;

use super::Peer;
use crate::job::{Form, Scratch, block, blocks, tally_boxed, threads};

/// Iterates over blocks of ids, everything in the worker. Stealing is on: its guide advises a fixed
/// split for even work, but on a machine that does other things the work is never even.
pub(crate) struct Paralight {
    pool: ThreadPool,
}

impl Paralight {
    pub(crate) fn new() -> Self {
        let builder = ThreadPoolBuilder {
            num_threads: threads().try_into().expect("at least one thread"),
            range_strategy: RangeStrategy::WorkStealing,
            cpu_pinning: CpuPinningPolicy::No,
        };
        Paralight { pool: builder.build() }
    }
}

impl Peer for Paralight {
    fn name(&self) -> &'static str {
        "paralight"
    }

    fn does(&self, form: Form) -> bool {
        form != Form::Wide
    }

    fn run(&mut self, form: Form, rows: u64) -> Tally {
        (0..blocks(rows)).into_par_iter().with_thread_pool(&mut self.pool).fold_per_thread(
            || (Tally::default(), Scratch::default()),
            |(mut tally, mut scratch), index| {
                let ids = block(index, rows);
                tally.merge(match form {
                    Form::Arena => scratch.tally(ids),
                    _ => tally_boxed(ids),
                });
                (tally, scratch)
            },
            |_threads| Tally::default(),
            |mut tally, (part, _scratch)| {
                tally.merge(part);
                tally
            },
        )
    }
}
