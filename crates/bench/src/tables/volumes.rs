//! Volumes: how long a run takes and what it holds.

use super::{Cell, Row, Table, UNKNOWN, engine, records, rounds};
use crate::floors::sequential;
use crate::plan::{Plan, WORKERS};
use crate::race::Race;
use crate::{Result, jobs, sibling};
use trommel::Options;

/// Most wide records that are really held: more take gigabytes.
const MOST_WIDE: u64 = 5_000;

pub(super) fn measure(plan: &Plan) -> Result<Table> {
    let [wide_bytes] = records::bytes(["wide"]);
    let engine = engine(WORKERS)?;
    let options = Options::default();
    let mut rows = Vec::new();
    for count in [100, 1_000, 5_000, 100_000, 2_000_000] {
        // Short runs many times over, so that the clock can see them.
        let runs = (200_000 / count).max(1);
        let expected = sequential::boxed(count);
        let repeat = |run: &dyn Fn() -> Result<crate::origin::Tally>| {
            let mut last = run();
            for _ in 1..runs {
                last = run();
            }
            last
        };
        let times = Race::new(count * runs, expected)
            .with("boxed", || repeat(&|| Ok(jobs::boxed(&engine, &options, count)?.0)))
            .with("arena", || repeat(&|| Ok(jobs::generate_in(&engine, &options, count)?.0)))
            .with("loop", || repeat(&|| Ok(sequential::boxed(count))))
            .run(rounds(plan))?;
        let time = |index: usize| {
            let micros = times.time(index).median * 1e6 / runs as f64;
            Cell::number(micros, format!("{micros:.1}"))
        };
        rows.push(Row::new(
            count.to_string(),
            vec![
                time(0),
                time(1),
                time(2),
                Cell::rate(&times, 0),
                Cell::rate(&times, 1),
                Cell::rate(&times, 2),
                peak("arena", count)?,
                peak("boxed", count)?,
                match count {
                    ..=MOST_WIDE => peak("wide", count)?,
                    _ => computed(count, wide_bytes),
                },
            ],
        ));
    }
    Ok(Table {
        name: "volumes",
        title: "Volumes",
        note: format!(
            "Whole runs on a warm engine, generation included; {WORKERS} workers. Memory is what one \
             such run adds to the peak of a process of its own, its engine and threads included; of \
             wide records, what holding all of them at once adds, computed from the bytes of one \
             where there are more than {MOST_WIDE}."
        ),
        columns: [
            "boxed, µs",
            "arena, µs",
            "plain loop, boxed, µs",
            "boxed, records/s",
            "arena, records/s",
            "plain loop, records/s",
            "arena, MiB",
            "boxed, MiB",
            "wide records held at once, MiB",
        ]
        .map(String::from)
        .to_vec(),
        rows,
    })
}

/// MiB that one run of this form adds to the peak of a process.
fn peak(form: &str, rows: u64) -> Result<Cell> {
    let printed =
        sibling::myself_in_small_pages(&["child", "peak-generate", &rows.to_string(), form])?;
    let [before, after] = ["before_mib", "peak_mib"].map(|key| sibling::number(&printed, key));
    let added = after? - before?;
    Ok(Cell::number(added, format!("{added:.1}")))
}

/// MiB of so many records of this size.
fn computed(rows: u64, bytes: Option<f64>) -> Cell {
    match bytes.map(|bytes| rows as f64 * bytes / f64::from(1 << 20)) {
        Some(mib) => Cell::number(mib, format!("{mib:.0}, computed")),
        None => Cell::text(UNKNOWN),
    }
}
