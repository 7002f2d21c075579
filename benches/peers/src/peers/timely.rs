//! timely dataflow: input, exchange by id, map, inspect, on workers and a dataflow that stay.

use std::cell::RefCell;
use std::rc::Rc;
use std::sync::Mutex;
use std::sync::mpsc::{Receiver, Sender, channel};

use timely::Config;
use timely::communication::WorkerGuards;
use timely::dataflow::operators::core::{Input, Map, Probe};
use timely::dataflow::operators::{Exchange, Inspect};
use timely::dataflow::{InputHandle, ProbeHandle};
use timely::worker::Worker;
use trommel_bench::origin::{Tally, boxed, generator};
use trommel_record::UserRecord;

use super::Peer;
use crate::job::{Form, block, blocks, threads};

/// Each run is one epoch. Every worker generates its share, the exchange sends each record to the
/// worker that its id names, which is the other one for half of them.
pub(crate) struct Timely {
    jobs: Vec<Sender<u64>>,
    tallies: Receiver<Tally>,
    guards: Option<WorkerGuards<()>>,
}

impl Timely {
    pub(crate) fn new() -> Self {
        let (sender, tallies) = channel();
        let (jobs, receivers): (Vec<_>, Vec<_>) = (0..threads()).map(|_| channel()).unzip();
        // The workers share one closure; each takes its own end of the channels from here.
        let ends = receivers.into_iter().map(|jobs| Some((jobs, sender.clone())));
        let ends = Mutex::new(ends.collect::<Vec<_>>());
        let guards = timely::execute(Config::process(threads()), move |worker| {
            let (jobs, tallies) = ends.lock().expect("no worker has panicked")[worker.index()]
                .take()
                .expect("an index is used once");
            serve(worker, &jobs, &tallies);
        });
        Timely { jobs, tallies, guards: Some(guards.expect("the workers start")) }
    }
}

impl Drop for Timely {
    fn drop(&mut self) {
        // The workers end when there can be no more jobs; the guards then join them.
        self.jobs.clear();
        drop(self.guards.take());
    }
}

impl Peer for Timely {
    fn name(&self) -> &'static str {
        "timely"
    }

    fn does(&self, form: Form) -> bool {
        form == Form::Boxed
    }

    fn run(&mut self, _form: Form, rows: u64) -> Tally {
        for job in &self.jobs {
            job.send(rows).expect("the worker lives");
        }
        let mut tally = Tally::default();
        for _ in &self.jobs {
            tally.merge(self.tallies.recv().expect("the worker answers"));
        }
        tally
    }
}

fn serve(worker: &mut Worker, jobs: &Receiver<u64>, tallies: &Sender<Tally>) {
    let tally = Rc::new(RefCell::new(Tally::default()));
    let mut input = InputHandle::new();
    let probe = ProbeHandle::new();
    let inspected = Rc::clone(&tally);
    worker.dataflow(|scope| {
        scope
            .input_from(&mut input)
            .container::<Vec<UserRecord>>()
            .exchange(UserRecord::id)
            .map(boxed)
            .container::<Vec<Box<str>>>()
            .inspect(move |line| inspected.borrow_mut().add(line))
            .probe_with(&probe);
    });

    while let Ok(rows) = jobs.recv() {
        for index in (worker.index()..blocks(rows)).step_by(worker.peers()) {
            for id in block(index, rows) {
                input.send(generator().record(id));
            }
            // Keeps the queues short: what was sent is worked on before more is made.
            worker.step();
        }
        input.advance_to(input.time() + 1);
        while probe.less_than(input.time()) {
            worker.step();
        }
        if tallies.send(tally.take()).is_err() {
            return;
        }
    }
}
