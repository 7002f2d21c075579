//! What each decision is worth: the same work both ways.

mod counters;
mod fields;
mod output;
mod randoms;
mod strings;

use super::{Cell, Row, Table, rounds};
use crate::Result;
use crate::plan::{Plan, WORKERS};
use crate::race::{Race, Times};

pub use output::boxed as boxed_child;

pub(super) fn measure(plan: &Plan) -> Result<Table> {
    let mut rows = Vec::new();
    strings::measure(plan, &mut rows)?;
    fields::measure(plan, &mut rows)?;
    counters::measure(plan, &mut rows)?;
    randoms::measure(plan, &mut rows)?;
    output::measure(plan, &mut rows)?;
    Ok(Table {
        name: "ablations",
        title: "What each decision is worth",
        note: format!(
            "Each row does the same work both ways; above 1 the chosen way is quicker. One thread, \
             or {WORKERS} workers where it says so."
        ),
        columns: ["chosen, rows/s", "instead, rows/s", "chosen × instead"]
            .map(String::from)
            .to_vec(),
        rows,
    })
}

/// Runs a pair and makes its row.
fn row(plan: &Plan, label: &str, race: &mut Race<'_>) -> Result<Row> {
    Ok(of(label, &race.run(rounds(plan))?))
}

fn of(label: &str, times: &Times) -> Row {
    let cells = vec![Cell::rate(times, 0), Cell::rate(times, 1), Cell::ratio(times, 0, 1)];
    Row::new(label, cells)
}
