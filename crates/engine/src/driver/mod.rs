//! Runs a pipeline. See `README.md` beside this file for who waits on whom.
//!
//! Nothing outside this folder starts a thread or knows of the pool.

mod adaptive;
mod clock;
mod control;
mod drain;
mod feed;
mod fit;
mod monitor;
mod outlet;
mod patience;
mod pool;
mod resume;
mod ring;
mod slot;
mod sync;
mod work;

#[cfg(all(test, shuttle))]
mod explore;

use crate::cancel::{Cancel, CancelToken};
use crate::error::{Error, ErrorKind, Result, Stage};
use crate::options::Options;
use crate::progress::Progress;
use crate::report::{BatchSample, Outcome, RunReport, StageReport};
use crate::sink::Sink;
use crate::source::{Size, Source};
use crate::stage::Transform;
use adaptive::Batcher;
use clock::Clock;
use control::Control;
use drain::{Drain, Drained};
use feed::{Fed, Feed};
use monitor::Monitor;
use outlet::drop_guarded;
use patience::Patience;
use resume::Before;
use ring::{Drains, Ring, Start};
use slot::Slot;
use std::sync::atomic::Ordering;
use std::sync::{Arc, Weak};
use std::time::Duration;
use work::Work;

pub(crate) use outlet::{guarded, panicked};
pub(crate) use pool::{Pool, in_background, run_all};

/// Rows of the very first batch when the size is adaptive: enough to learn what a row costs, few
/// enough that heavy rows soon find the pool.
const PROBE_ROWS: usize = 16;

/// All that a run is asked to do.
pub(crate) struct Request<'r, S, T, K> {
    pub(crate) name: &'r str,
    /// What the job is called that this is a run of, when it can be resumed.
    pub(crate) job: Option<&'r str>,
    pub(crate) source: &'r mut S,
    pub(crate) transform: &'r T,
    pub(crate) sink: &'r mut K,
    pub(crate) options: &'r Options,
    pub(crate) cancel: &'r [CancelToken],
    pub(crate) on_progress: Option<&'r (dyn Fn(&Progress) + Sync)>,
}

/// Runs a pipeline to its end.
pub(crate) fn run<S, T, K>(pool: &Pool, request: Request<'_, S, T, K>) -> Result<RunReport>
where
    S: Source,
    T: Transform<S::Batch, K>,
    K: Sink,
{
    let Request { name, job, source, transform, sink, options, cancel, on_progress } = request;
    let prepared = guarded("the source or the sink", || {
        let before = resume::resume(job, source, sink, options)?;
        if before.finished {
            return Ok((before, None));
        }
        let encoder = sink.encoder().map_err(|error| error.in_stage(Stage::Sink))?;
        let shape = Shape {
            size: source.size(),
            source_blocks: source.may_block(),
            drains: Drains::of(sink),
            sink_refuses: sink.refuses_values(),
        };
        Ok((before, Some((shape, encoder, Slot::new()))))
    });
    let (before, (shape, encoder, slot)) = match prepared {
        Ok((before, Some(prepared))) => (before, prepared),
        Ok((before, None)) => {
            let clock = Clock::new(0);
            let drained = Drained { before: before.counts, ..Drained::default() };
            return Ok(report(name, &clock, drained, 0, None));
        }
        Err(error) => return Err(failed_early(name, error)),
    };
    let control = Arc::new(Control::new(pool.workers(), options.grace));
    for token in cancel {
        let listener: Weak<dyn Cancel> = Arc::downgrade(&(Arc::clone(&control) as Arc<dyn Cancel>));
        token.register(listener);
    }
    let clock = Clock::new(pool.workers());
    let watched = on_progress.is_some() || options.watchdog.is_some();
    let monitor = Monitor::new(&control, &clock, shape.size, options.watchdog, on_progress);
    let run =
        Run { pool, options, control: &control, clock: &clock, shape: &shape, before: &before };
    let drive = || run.drive(source, transform, sink, encoder, slot);
    // A thread that looks at the clock has no place among explored schedules.
    let ran = if watched && !cfg!(shuttle) { monitor.watch_while(drive) } else { drive() };
    monitor.tell();

    let error = control.take_error();
    let mut report = report(name, &clock, ran.drained, ran.workers, error.as_ref());
    report.batch_trace = ran.trace;
    report.stalls = monitor.stalls();
    match error {
        None => Ok(report),
        Some(error) => Err(error.in_pipeline(name).with_report(report)),
    }
}

/// An error that came before anything was read, with the report that says so.
pub(crate) fn failed_early(name: &str, error: Error) -> Error {
    let report = report(name, &Clock::new(0), Drained::default(), 0, Some(&error));
    error.in_pipeline(name).with_report(report)
}

/// What source and sink say of themselves.
struct Shape {
    size: Size,
    source_blocks: bool,
    drains: Drains,
    /// The sink may refuse single values of a page.
    sink_refuses: bool,
}

/// What the parts of one run share.
struct Run<'r> {
    pool: &'r Pool,
    options: &'r Options,
    control: &'r Control,
    clock: &'r Clock,
    shape: &'r Shape,
    /// What earlier runs of the same job have done.
    before: &'r Before,
}

/// What became of it.
struct Ran {
    drained: Drained,
    trace: Vec<BatchSample>,
    /// Workers that took part; 0 when the caller's thread did it all.
    workers: usize,
}

impl Run<'_> {
    fn drive<S, T, K>(
        &self,
        source: &mut S,
        transform: &T,
        sink: &mut K,
        encoder: K::Encoder,
        mut slot: Box<Slot<S::Batch, K::Page>>,
    ) -> Ran
    where
        S: Source,
        T: Transform<S::Batch, K>,
        K: Sink,
    {
        let Run { pool, options, control, clock, shape, before } = *self;
        let Shape { size: Size { rows, .. }, source_blocks, drains, sink_refuses } = *shape;
        let slots = options.slots(pool.workers());
        let share = options.memory_limit / slots;
        // Called from inside a transform of the same engine: to wait for the pool would be to wait
        // for oneself.
        let patience = match pool.is_worker() {
            true => Patience::Endless,
            false => Patience::Until { rows, source_blocks },
        };
        let work = Work {
            transform,
            encoder,
            control,
            collects_rejects: !options.on_reject.stops(),
            notes_owners: sink_refuses,
            on_panic: options.on_panic,
            full_bytes: share / 2,
        };
        let batcher = Batcher::new(options, share);
        let mut feed = Feed::new(source, batcher, control, clock, options.flush_timeout, share / 2);
        let mut drain = Drain::new(sink, control, clock, options, before, share);
        let probe = options.adaptive.map(|(min, _)| PROBE_ROWS.max(min));
        let here =
            run_here::<S, T, K>(&work, &mut feed, &mut drain, &mut slot, clock, patience, probe);
        let shares_pool = || pool.running() > 1;
        if here == Here::Ended {
            if let Err(error) = slot.drop_values().and(drop_guarded(work)) {
                control.fail(u64::MAX, error);
            }
        } else {
            let _running = pool.join();
            drain.expect(slots);
            let left = rows.map(|rows| rows.saturating_sub(clock.rows()));
            if here == Here::Empty {
                feed.learn(&mut slot);
            }
            feed.batcher.begin(left, pool.workers());
            let ring = Ring::new(Start {
                work,
                feed,
                drain,
                control,
                clock,
                slots,
                first: slot,
                first_is_filled: here == Here::Filled,
                self_feeding: !source_blocks,
                drains,
                pieces: options.transform_concurrency,
                shares_pool: &shares_pool,
            });
            pool.scope(|scope| ring.run(scope));
            (feed, drain) = ring.into_parts();
        }
        Ran {
            drained: drain.end(feed.is_exhausted()),
            trace: feed.batcher.into_trace(),
            workers: if here == Here::Ended { 0 } else { pool.workers() },
        }
    }
}

/// How far the caller's thread came alone.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Here {
    /// To the end.
    Ended,
    /// The next batch has not been asked for.
    Empty,
    /// The next batch is in the slot: its source took so long that the workers should have it.
    Filled,
}

/// Runs batches on the caller's thread: all of a small job, the first of a large one.
fn run_here<S, T, K>(
    work: &Work<'_, T, K::Encoder>,
    feed: &mut Feed<'_, S>,
    drain: &mut Drain<'_, K, S::Batch>,
    slot: &mut Slot<S::Batch, K::Page>,
    clock: &Clock,
    patience: Patience,
    mut probe: Option<usize>,
) -> Here
where
    S: Source,
    T: Transform<S::Batch, K>,
    K: Sink,
{
    let mut done = 0;
    loop {
        match feed.fill(slot, probe) {
            Fed::Ended => return Here::Ended,
            Fed::Nothing => continue,
            Fed::Batch => {}
        }
        if !feed.has_ended() && patience.is_over_after_fill(&slot.sample) {
            return Here::Filled;
        }
        let elapsed_ns = settle_here::<S, T, K>(work, slot, drain, clock, feed.filled_ns());
        let sample = slot.sample;
        let is_first = done == 0;
        done += sample.rows;
        if feed.has_ended() {
            return Here::Ended;
        }
        let asks_the_sink = probe.is_some() && patience.asks_the_sink(is_first, &sample);
        if !asks_the_sink && patience.is_over(elapsed_ns, done, &sample) {
            return Here::Empty;
        }
        probe = probe.map(|_| {
            let turn = patience.next_turn(is_first, done, &sample);
            (turn.as_nanos() / sample.row_ns().max(1)) as usize
        });
    }
}

/// Takes one batch through transform and sink on this thread. Takes and answers the time, ns from the
/// start of the run.
fn settle_here<S, T, K>(
    work: &Work<'_, T, K::Encoder>,
    slot: &mut Slot<S::Batch, K::Page>,
    drain: &mut Drain<'_, K, S::Batch>,
    clock: &Clock,
    mut now_ns: u64,
) -> u64
where
    S: Source,
    T: Transform<S::Batch, K>,
    K: Sink,
{
    let clock = clock.worker(None);
    loop {
        let (began, visited) = (clock.begin_at(now_ns), slot.visited());
        work.guarded_turn::<S::Batch, K>(slot, |_| 1);
        clock.count_rows(slot.visited() - visited);
        let took = clock.end(began);
        slot.sample.work_ns += took;
        now_ns = drain.settle(slot, now_ns + took);
        work.control.steps.fetch_add(1, Ordering::Relaxed);
        if !slot.unfinished {
            return now_ns;
        }
    }
}

fn report(
    name: &str,
    clock: &Clock,
    drained: Drained,
    workers: usize,
    error: Option<&Error>,
) -> RunReport {
    let elapsed = clock.started.elapsed();
    let threads = workers.max(1) as u32;
    let stage = |stage, busy: Duration, waiting| StageReport { stage, busy, waiting };
    let work = clock.work_busy();
    let stages = [
        stage(Stage::Source, clock.source.busy(), clock.source.waiting()),
        stage(Stage::Transform, work, (elapsed * threads).saturating_sub(work)),
        stage(Stage::Sink, clock.sink.busy(), clock.sink.waiting()),
    ];
    let share = |stage: &StageReport| {
        let threads = if stage.stage == Stage::Transform { threads } else { 1 };
        stage.busy.as_secs_f64() / (elapsed * threads).as_secs_f64().max(1e-9)
    };
    let busiest = stages.iter().max_by(|a, b| share(a).total_cmp(&share(b)));
    RunReport {
        pipeline: name.to_owned(),
        outcome: match error {
            None => Outcome::Finished,
            Some(error) if error.kind() == ErrorKind::Cancelled => Outcome::Cancelled,
            Some(_) => Outcome::Failed,
        },
        counts: drained.counts,
        before: drained.before,
        bytes_read: clock.bytes(),
        batches: drained.batches,
        elapsed,
        workers,
        bottleneck: busiest.filter(|stage| share(stage) > 0.5).map(|stage| stage.stage),
        stages,
        batch_trace: Vec::new(),
        retries: drained.retries,
        stalls: Vec::new(),
    }
}
