//! Slots in the ring: what the origin calls channel capacity.

use super::{Cell, Row, Table, engine, rounds};
use crate::floors::sequential;
use crate::plan::{Plan, WORKERS};
use crate::race::Race;
use crate::{Result, jobs};
use trommel::Options;

const SLOTS: [usize; 7] = [1, 2, 4, 8, 16, 64, 256];

pub(super) fn measure(plan: &Plan) -> Result<Table> {
    let engine = engine(WORKERS)?;
    let rows = plan.rows(500_000);
    let mut options: Vec<(String, Options, Options)> = Vec::new();
    for slots in SLOTS {
        let small = Options::builder().fixed_batch_size(128);
        options.push((
            slots.to_string(),
            small.channel_capacity(slots).build()?,
            Options::builder().channel_capacity(slots).build()?,
        ));
    }
    let small = Options::builder().fixed_batch_size(128).build()?;
    let default = format!("default ({})", 2 * WORKERS + 2);
    options.push((default, small, Options::default()));
    let mut races =
        [Race::new(rows, sequential::boxed(rows)), Race::new(rows, sequential::boxed(rows))];
    let engine = &engine;
    for (name, small, adaptive) in &options {
        let [fixed, free] = races;
        races = [
            fixed.with(name, move || Ok(jobs::iter_owned(engine, small, rows)?.0)),
            free.with(name, move || Ok(jobs::iter_owned(engine, adaptive, rows)?.0)),
        ];
    }
    let [mut fixed, mut free] = races;
    let columns = [fixed.run(rounds(plan))?, free.run(rounds(plan))?];
    let rows = options.iter().enumerate().map(|(index, (name, ..))| {
        Row::new(name, columns.iter().map(|times| Cell::rate(times, index)).collect())
    });
    Ok(Table {
        name: "channels",
        title: "Channel capacity",
        note: format!(
            "Slots between one iterator and {WORKERS} workers; each slot is a batch and its page."
        ),
        columns: ["batches of 128", "adaptive batches"]
            .map(|what| format!("{what} (rows/s)"))
            .to_vec(),
        rows: rows.collect(),
    })
}
