//! Several pipelines on one engine.

use super::{Cell, Row, Table, engine, rounds};
use crate::floors::sequential;
use crate::origin::{self, Tally};
use crate::plan::{Plan, WORKERS};
use crate::race::Race;
use crate::{Result, jobs};
use trommel::{Engine, Pipeline, Runnable, sources};

const PIPELINES: [u64; 4] = [1, 2, 4, 8];

pub(super) fn measure(plan: &Plan) -> Result<Table> {
    let engine = engine(WORKERS)?;
    let rows = plan.rows(800_000) / 8 * 8;
    let mut race = Race::new(rows, sequential::boxed(rows));
    let engine = &engine;
    for pipelines in PIPELINES {
        race = race.with(pipelines.to_string(), move || run(engine, rows, pipelines));
    }
    let times = race.run(rounds(plan))?;
    let rows = PIPELINES.iter().enumerate().map(|(index, pipelines)| {
        let cells = vec![Cell::rate(&times, index), Cell::ratio(&times, index, 0)];
        Row::new(pipelines.to_string(), cells)
    });
    Ok(Table {
        name: "parallel",
        title: "Parallel pipelines",
        note: format!(
            "The same {} records in so many pipelines of one engine, all at once; {WORKERS} workers.",
            times.rows
        ),
        columns: vec!["all together, records/s".into(), "× one pipeline".into()],
        rows: rows.collect(),
    })
}

fn run(engine: &Engine, rows: u64, pipelines: u64) -> Result<Tally> {
    let each = rows / pipelines;
    let mut sinks: Vec<_> = (0..pipelines).map(|_| jobs::boxed_lines()).collect();
    let all = sinks.iter_mut().enumerate().map(|(index, sink)| {
        let first = index as u64 * each;
        let job = Pipeline::from(sources::generate(each, move |id| {
            origin::generator().record(first + id)
        }))
        .transform(|user, out| out.emit(origin::boxed(user)))
        .load_into(sink);
        Box::new(job) as Box<dyn Runnable + '_>
    });
    for result in engine.run_all(all.collect(), pipelines as usize) {
        result?;
    }
    let mut tally = Tally::default();
    for sink in sinks {
        tally.merge(sink.into_value());
    }
    Ok(tally)
}
