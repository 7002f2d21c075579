//! Hand-written threads and the standard library's channels.

use std::sync::mpsc::sync_channel;
use std::thread;

use trommel_bench::origin::{Tally, generator};

use super::Peer;
use crate::job::{BATCH, Form, Scratch, block, blocks, boxed_lines, load, threads};

/// Messages that may wait for each worker.
const WAITING: usize = 16;

/// The caller generates batches (boxed) or cuts ranges of ids (arena) for workers in turn; each
/// worker has a channel. The threads are started by each run, as this design has it.
pub(crate) struct Threads;

impl Peer for Threads {
    fn name(&self) -> &'static str {
        "std-threads"
    }

    fn does(&self, form: Form) -> bool {
        form != Form::Wide
    }

    fn run(&mut self, form: Form, rows: u64) -> Tally {
        let ids = (0..blocks(rows)).map(|index| block(index, rows));
        if form == Form::Arena {
            return fan_out(ids, || {
                let mut scratch = Scratch::default();
                move |tally, ids| tally.merge(scratch.tally(ids))
            });
        }
        let batches = ids.map(|ids| {
            let mut batch = Vec::with_capacity(BATCH);
            generator().batch(ids.start, &mut batch, (ids.end - ids.start) as usize);
            batch
        });
        fan_out(batches, || |tally, batch| load(tally, boxed_lines(batch)))
    }
}

fn fan_out<T, W>(messages: impl Iterator<Item = T>, worker: impl Fn() -> W) -> Tally
where
    T: Send,
    W: FnMut(&mut Tally, T) + Send,
{
    thread::scope(|scope| {
        let (senders, workers): (Vec<_>, Vec<_>) = (0..threads())
            .map(|_| {
                let (sender, receiver) = sync_channel(WAITING);
                let mut work = worker();
                let thread = scope.spawn(move || {
                    let mut tally = Tally::default();
                    for message in receiver {
                        work(&mut tally, message);
                    }
                    tally
                });
                (sender, thread)
            })
            .unzip();
        for (message, sender) in messages.zip(senders.iter().cycle()) {
            sender.send(message).expect("the worker lives");
        }
        drop(senders);
        let mut tally = Tally::default();
        for thread in workers {
            tally.merge(thread.join().expect("no worker panics"));
        }
        tally
    })
}
