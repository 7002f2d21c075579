//! What the engine costs when there is nothing to do.

use super::{Ledger, Target, engine};
use crate::plan::{Plan, WORKERS};
use crate::stats::Spread;
use crate::workload::Users;
use crate::{Result, jobs};
use std::time::Instant;
use trommel::{
    Batch, Encode, Engine, Fill, Limit, Options, Pipeline, RunReport, Sink, Source, sinks, sources,
};

pub(super) fn measure(ledger: &mut Ledger<'_>) -> Result<()> {
    if ledger.wants("engine.null_ns_per_row") {
        null(ledger)?;
    }
    if ledger.wants("engine.batch_us") {
        batch(ledger)?;
    }
    Ok(())
}

fn null(ledger: &mut Ledger<'_>) -> Result<()> {
    let users = Users::new("null", ledger.plan().rows(2_000_000));
    let options = Options::default();
    for (workers, name) in
        [(WORKERS, "engine.null_ns_per_row"), (1, "engine.null_ns_per_row.one_worker")]
    {
        let engine = Engine::builder().workers(workers).build()?;
        let mut batches = 0;
        let spread = per_unit(ledger.plan(), users.workload.rows, || {
            let report = jobs::null(&engine, &options, &users.records)?;
            batches = report.batches;
            Ok(report)
        })?;
        let target = match workers {
            WORKERS => Target::AtMost(2.0),
            _ => Target::None,
        };
        let note = format!("{spread} ns of wall time, {workers} workers, {batches} batches");
        ledger.add(name, spread.median, target, note);
    }
    Ok(())
}

fn batch(ledger: &mut Ledger<'_>) -> Result<()> {
    let engine = engine()?;
    let options = Options::builder().fixed_batch_size(1).build()?;
    let rows = ledger.plan().rows(300_000);
    let one_row_us = |spread: Spread| spread.median / 1_000.0;
    let ring = per_unit(ledger.plan(), rows, || {
        Ok(Pipeline::from(Blocking { left: rows })
            .map(|id| id)
            .load_into(BlockingNull)
            .options(options.clone())
            .run(&engine)?)
    })?;
    ledger.add(
        "engine.batch_us",
        one_row_us(ring),
        Target::AtMost(3.0),
        format!("{ring} ns a batch of one row, source and sink that may block"),
    );
    let feeding = per_unit(ledger.plan(), rows, || {
        Ok(Pipeline::from(sources::generate(rows, |id| id))
            .map(|id| id)
            .load_into(sinks::null())
            .options(options.clone())
            .run(&engine)?)
    })?;
    ledger.add(
        "engine.batch_us.self_feeding",
        one_row_us(feeding),
        Target::AtMost(3.0),
        format!("{feeding} ns a batch of one row, workers feed themselves"),
    );
    Ok(())
}

/// Nanoseconds of wall time per row of a run over `rows` rows.
fn per_unit(plan: &Plan, rows: u64, mut run: impl FnMut() -> Result<RunReport>) -> Result<Spread> {
    let mut times = Vec::new();
    for round in 0..=plan.rounds() {
        let began = Instant::now();
        let report = run()?;
        let took = began.elapsed();
        if report.counts.loaded != rows {
            return Err(format!("{} of {rows} rows were loaded", report.counts.loaded).into());
        }
        if round > 0 {
            times.push(took.as_nanos() as f64 / rows as f64);
        }
    }
    Ok(Spread::of(times))
}

/// A source of ids that says it may block, as one that reads a file would.
struct Blocking {
    left: u64,
}

/// A range of ids.
#[derive(Default)]
struct Ids(std::ops::Range<u64>);

impl Batch for Ids {
    type Row<'a> = u64;

    fn len(&self) -> usize {
        (self.0.end - self.0.start) as usize
    }

    fn for_each<'a, F>(&'a mut self, from: usize, mut visit: F) -> trommel::Result<()>
    where
        F: FnMut(trommel::Result<Self::Row<'a>>) -> trommel::Result<()>,
    {
        self.0.clone().skip(from).try_for_each(|id| visit(Ok(id)))
    }
}

impl Source for Blocking {
    type Batch = Ids;

    fn fill(&mut self, batch: &mut Ids, limit: &Limit<'_>) -> trommel::Result<Fill> {
        let rows = self.left.min(limit.rows() as u64);
        batch.0 = 0..rows;
        self.left -= rows;
        Ok(match self.left {
            0 => Fill::End,
            _ => Fill::More,
        })
    }
}

/// A sink that says it may block.
struct BlockingNull;

impl Sink for BlockingNull {
    type Page = Vec<u64>;
    type Encoder = ();

    fn encoder(&mut self) -> trommel::Result<()> {
        Ok(())
    }

    fn write(&mut self, page: &mut Vec<u64>) -> trommel::Result<()> {
        std::hint::black_box(page);
        Ok(())
    }
}

impl Encode<u64> for BlockingNull {
    fn encode(_: &(), page: &mut Vec<u64>, id: u64) -> trommel::Result<()> {
        page.push(id);
        Ok(())
    }
}
