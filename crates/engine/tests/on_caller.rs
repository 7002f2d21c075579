//! A sink that stays on the caller's thread is never called on another one, and nothing hangs.

use std::thread::{self, ThreadId};
use std::time::Duration;
use trommel::{
    Checkpoint, Commit, Durability, Encode, Engine, Error, ErrorKind, Options, Order, Pipeline,
    Result, Sink, sources,
};

#[derive(Debug)]
struct Bound {
    home: ThreadId,
    sum: u64,
    calls: u32,
    strays: u32,
    fails_after: u32,
}

impl Bound {
    fn new() -> Self {
        Bound { home: thread::current().id(), sum: 0, calls: 0, strays: 0, fails_after: u32::MAX }
    }

    fn called(&mut self) {
        self.calls += 1;
        self.strays += u32::from(thread::current().id() != self.home);
    }
}

impl Sink for Bound {
    type Page = Vec<u64>;
    type Encoder = ();

    fn encoder(&mut self) -> Result<()> {
        self.called();
        Ok(())
    }

    fn write(&mut self, page: &mut Vec<u64>) -> Result<()> {
        self.called();
        if self.calls > self.fails_after {
            return Err(Error::fatal("the sink broke"));
        }
        self.sum += page.iter().sum::<u64>();
        Ok(())
    }

    fn commit(&mut self, _: &Checkpoint, _: Commit) -> Result<Durability> {
        self.called();
        Ok(Durability::Stored)
    }

    fn finish(&mut self) -> Result<()> {
        self.called();
        Ok(())
    }

    fn abort(&mut self) -> Durability {
        self.called();
        Durability::Stored
    }

    fn stays_on_caller(&self) -> bool {
        true
    }
}

impl Encode<u64> for Bound {
    fn encode((): &(), page: &mut Vec<u64>, value: u64) -> Result<()> {
        page.push(value);
        Ok(())
    }
}

const ROWS: u64 = 20_000;

/// Work that is worth the pool.
fn work(id: u64) -> u64 {
    std::hint::black_box((0..300).fold(id, |sum, step| sum.wrapping_mul(31).wrapping_add(step)));
    id
}

fn options(order: Order, slots: usize) -> Options {
    let options = Options::builder().fixed_batch_size(64).order(order).channel_capacity(slots);
    options.build().unwrap()
}

#[test]
fn every_call_comes_on_the_callers_thread() {
    for workers in [1, 2, 4] {
        let engine = Engine::builder().workers(workers).build().unwrap();
        for order in [Order::Ordered, Order::Completion] {
            for slots in [1, 2, 0] {
                let label = format!("{workers} workers, {order:?}, {slots} slots");
                // One source that the workers ask themselves, one that blocks.
                let mut sink = Bound::new();
                let report = Pipeline::from(sources::generate(ROWS, |id| id))
                    .options(options(order, slots))
                    .map(work)
                    .load_into(&mut sink)
                    .run(&engine)
                    .unwrap();
                assert_eq!((report.counts.loaded, sink.strays), (ROWS, 0), "{label}");
                assert_eq!(sink.sum, ROWS * (ROWS - 1) / 2, "{label}");
                let mut sink = Bound::new();
                Pipeline::from(sources::iter(0..ROWS))
                    .options(options(order, slots))
                    .map(|id: &mut u64| work(*id))
                    .load_into(&mut sink)
                    .run(&engine)
                    .unwrap();
                assert_eq!((sink.sum, sink.strays), (ROWS * (ROWS - 1) / 2, 0), "{label}");
                assert!(report.batches > 100, "{label}: the ring was used");
            }
        }
    }
}

#[test]
fn a_failing_sink_and_a_cancel_end_the_run() {
    let engine = Engine::builder().workers(2).build().unwrap();
    for blocks in [false, true] {
        let mut sink = Bound { fails_after: 9, ..Bound::new() };
        let options = options(Order::Ordered, 0);
        let result = if blocks {
            let pipe = Pipeline::from(sources::iter(0..ROWS)).options(options);
            pipe.map(|id: &mut u64| work(*id)).load_into(&mut sink).run(&engine)
        } else {
            let pipe = Pipeline::from(sources::generate(ROWS, |id| id)).options(options).map(work);
            pipe.load_into(&mut sink).run(&engine)
        };
        let error = result.unwrap_err();
        assert!(error.report().unwrap().counts.add_up());
        assert_eq!((error.message(), sink.strays), ("the sink broke", 0));
    }
    let handle = Pipeline::from(sources::iter(0_u64..))
        .options(Options::builder().grace(Duration::from_secs(1)).build().unwrap())
        .map(|id: &mut u64| work(*id))
        .load_into(Bound::new())
        .start(&engine)
        .unwrap();
    while handle.progress().is_none_or(|progress| progress.rows < 1_000) {
        thread::yield_now();
    }
    handle.cancel();
    assert_eq!(handle.wait().unwrap_err().kind(), ErrorKind::Cancelled);
}
