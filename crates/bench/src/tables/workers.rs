//! Workers.

use super::{Cell, Row, Table, engine, rounds};
use crate::floors::{self, rayon, sequential};
use crate::origin;
use crate::plan::Plan;
use crate::race::Race;
use crate::workload::HEAVY_ROUNDS;
use crate::{Result, jobs};
use trommel::Options;
use trommel_record::UserRecord;

pub(super) fn measure(plan: &Plan) -> Result<Table> {
    let counts = [1, 2, 4, 8];
    let mut engines = Vec::new();
    for workers in counts {
        engines.push((workers.to_string(), engine(workers)?, floors::pool(workers)?));
    }
    let options = &Options::default();
    let rows = plan.rows(1_000_000);
    let heavy_rows = plan.rows(3_000);
    let users: Vec<UserRecord> = origin::generator().records(0..heavy_rows).collect();
    let users = &users[..];
    let mut races = [
        Race::new(rows, sequential::boxed(rows)),
        Race::new(rows, sequential::arena(rows)),
        Race::new(heavy_rows, sequential::heavy(users, HEAVY_ROUNDS)),
        Race::new(rows, sequential::boxed(rows)),
    ];
    for (name, engine, pool) in &engines {
        let [boxed, arena, heavy, floor] = races;
        races = [
            boxed.with(name, move || Ok(jobs::boxed(engine, options, rows)?.0)),
            arena.with(name, move || Ok(jobs::generate_in(engine, options, rows)?.0)),
            heavy.with(name, move || Ok(jobs::heavy(engine, options, users, HEAVY_ROUNDS)?.0)),
            floor.with(name, move || Ok(rayon::boxed(pool, rows, 2_048))),
        ];
    }
    let mut columns = Vec::new();
    for mut race in races {
        columns.push(race.run(rounds(plan))?);
    }
    let rows = engines.iter().enumerate().map(|(index, (name, ..))| {
        let cells = columns.iter().map(|times| Cell::rate(times, index)).collect();
        let row = Row::new(name, cells);
        match name.as_str() {
            "4" => row.origin("2.1 M (on 8 cores)"),
            _ => row,
        }
    });
    let cores = std::thread::available_parallelism().map_or(1, usize::from);
    Ok(Table {
        name: "workers",
        title: "Workers",
        note: format!("Adaptive batches; this machine has {cores} cores."),
        columns: ["boxed", "arena", "heavy", "rayon, boxed"]
            .map(|what| format!("{what} (rows/s)"))
            .to_vec(),
        rows: rows.collect(),
    })
}
