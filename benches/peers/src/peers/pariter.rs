//! pariter (once dpc-pariter): a sequential iterator with one step on threads, results in order.

use std::ops::Range;

use pariter::IteratorExt;
use trommel_bench::origin::{Tally, generator};

use super::Peer;
use crate::job::{BATCH, Form, Scratch, block, blocks, boxed_lines, load, threads};

/// Works on batches: its own guide asks for more than 200 ns a call. Its threads are started by
/// each run, since it has no pool.
pub(crate) struct Pariter;

impl Peer for Pariter {
    fn name(&self) -> &'static str {
        "pariter"
    }

    fn does(&self, form: Form) -> bool {
        form != Form::Wide
    }

    fn run(&mut self, form: Form, rows: u64) -> Tally {
        let ids = (0..blocks(rows)).map(move |index| block(index, rows));
        let mut tally = Tally::default();
        if form == Form::Arena {
            let mut scratch = PerThread::default();
            ids.parallel_map_custom(|map| map.threads(threads()), move |ids| scratch.tally(ids))
                .for_each(|part| tally.merge(part));
            return tally;
        }
        let batches = ids.map(|ids| {
            let mut batch = Vec::with_capacity(BATCH);
            generator().batch(ids.start, &mut batch, (ids.end - ids.start) as usize);
            batch
        });
        batches
            .parallel_map_custom(|map| map.threads(threads()), boxed_lines)
            .for_each(|lines| load(&mut tally, lines));
        tally
    }
}

/// The closure is cloned once for each thread, and each clone gets an arena of its own.
#[derive(Default)]
struct PerThread(Scratch);

impl PerThread {
    fn tally(&mut self, ids: Range<u64>) -> Tally {
        self.0.tally(ids)
    }
}

impl Clone for PerThread {
    fn clone(&self) -> Self {
        PerThread::default()
    }
}
