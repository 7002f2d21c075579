//! Batch sizes.

use super::{Cell, Row, Table, engine, rounds};
use crate::floors::sequential;
use crate::plan::{Plan, WORKERS};
use crate::race::Race;
use crate::workload::FlightLines;
use crate::{Result, jobs};
use trommel::Options;

const SIZES: [usize; 10] = [10, 25, 50, 100, 128, 250, 500, 1_000, 4_096, 8_192];

pub(super) fn measure(plan: &Plan) -> Result<Table> {
    let engine = engine(WORKERS)?;
    let rows = plan.rows(500_000);
    let flights = FlightLines::new(plan.rows(150_000));
    let mut options: Vec<(String, Options)> = Vec::new();
    for size in SIZES {
        options.push((size.to_string(), Options::builder().fixed_batch_size(size).build()?));
    }
    options.push(("adaptive".into(), Options::default()));
    let mut races = [
        Race::new(rows, sequential::boxed(rows)),
        Race::new(rows, sequential::arena(rows)),
        Race::new(rows, sequential::boxed(rows)),
        Race::new(flights.workload.rows, flights.workload.expected),
    ];
    let (engine, lines) = (&engine, &flights.lines[..]);
    for (name, options) in &options {
        let [boxed, arena, iter, light] = races;
        races = [
            boxed.with(name, move || Ok(jobs::boxed(engine, options, rows)?.0)),
            arena.with(name, move || Ok(jobs::generate_in(engine, options, rows)?.0)),
            iter.with(name, move || Ok(jobs::iter_owned(engine, options, rows)?.0)),
            light.with(name, move || Ok(jobs::light(engine, options, lines)?.0)),
        ];
    }
    let mut columns = Vec::new();
    for mut race in races {
        columns.push(race.run(rounds(plan))?);
    }
    let rows = options.iter().enumerate().map(|(index, (name, _))| {
        let cells = columns.iter().map(|times| Cell::rate(times, index)).collect();
        let origin = match name.as_str() {
            "50" => "quicker than 500",
            "500" => "slower than 50",
            "128" => "chosen",
            _ => super::UNKNOWN,
        };
        Row::new(name, cells).origin(origin)
    });
    Ok(Table {
        name: "batch-sizes",
        title: "Batch sizes",
        note: format!("Records per second by rows per batch; {WORKERS} workers."),
        columns: [
            "boxed, in the worker",
            "arena, in the worker",
            "one iterator",
            "light: CSV lines",
        ]
        .map(|what| format!("{what} (rows/s)"))
        .to_vec(),
        rows: rows.collect(),
    })
}
