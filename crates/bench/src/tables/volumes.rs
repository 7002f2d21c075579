//! Volumes: how long a run takes and what it holds.

use super::{Cell, Row, Table, engine, rounds};
use crate::floors::sequential;
use crate::plan::{Plan, WORKERS};
use crate::race::Race;
use crate::stats::short;
use crate::{Result, jobs, sibling};
use trommel::Options;

pub(super) fn measure(plan: &Plan) -> Result<Table> {
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
        let printed = sibling::myself(&["child", "peak-generate", &count.to_string()])?;
        let peak = sibling::number(&printed, "peak_mib")?;
        rows.push(Row::new(
            count.to_string(),
            vec![
                time(0),
                time(1),
                time(2),
                Cell::rate(&times, 0),
                Cell::rate(&times, 1),
                Cell::rate(&times, 2),
                Cell::number(peak, format!("{peak:.1}")),
                Cell::number(count as f64 * 55e3, format!("{}B", short(count as f64 * 55e3))),
            ],
        ));
    }
    Ok(Table {
        name: "volumes",
        title: "Volumes",
        note: format!(
            "Whole runs on a warm engine, generation included; peak memory of a process that does \
             one such run with arena strings, program included; {WORKERS} workers."
        ),
        columns: [
            "boxed, µs",
            "arena, µs",
            "plain loop, boxed, µs",
            "boxed, records/s",
            "arena, records/s",
            "plain loop, records/s",
            "peak, MiB",
            "the same as wide records held at once",
        ]
        .map(String::from)
        .to_vec(),
        rows,
    })
}
