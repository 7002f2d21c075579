//! What a contest came to, as a table and as bars for a plot.

use super::{Kind, Outcome};
use crate::stats::short;
use crate::tables::{Cell, Row, Table};

/// Wall time, processor time and peak memory of all contestants.
pub fn table(outcome: &Outcome) -> Table {
    let ours = &outcome.entries[0];
    let mut rows: Vec<Row> = outcome
        .entries
        .iter()
        .map(|entry| {
            let (wall, cpu) = (entry.spread(|usage| usage.wall), entry.spread(|usage| usage.cpu));
            let peak = entry.spread(|usage| usage.peak_mib);
            let pairs = ours.runs.iter().zip(&entry.runs);
            let ratio = crate::stats::Spread::of(pairs.map(|(ours, it)| ours.wall / it.wall));
            let rate = outcome.bytes as f64 / wall.median;
            let name = match entry.kind {
                Kind::Floor => format!("by hand: {}", entry.name),
                _ => entry.name.clone(),
            };
            let cells = vec![
                Cell::number(
                    wall.median,
                    format!(
                        "{:.2} ({:.2}–{:.2}, {} runs)",
                        wall.median, wall.low, wall.high, wall.count
                    ),
                ),
                Cell::number(cpu.median, format!("{:.2}", cpu.median)),
                Cell::number(peak.median, format!("{:.0}", peak.median)),
                Cell::number(rate, format!("{}B", short(rate))),
                Cell::number(ratio.median, format!("{:.2}", ratio.median)),
            ];
            Row::new(name, cells)
        })
        .collect();
    for (name, why) in &outcome.missing {
        let cells = vec![Cell::text(format!("MISSING: {why}")); 1];
        let blank = std::iter::repeat_with(|| Cell::text("–")).take(4);
        rows.push(Row::new(*name, cells.into_iter().chain(blank).collect()));
    }
    Table {
        name: outcome.job.name,
        title: outcome.job.title,
        note: format!(
            "{} bytes read; {}, the same from all that do the same work. Each run is a process of \
             its own, its start included. Load of the machine before: {}.",
            outcome.bytes, outcome.check, outcome.load
        ),
        columns: ["wall, s", "CPU, s", "peak, MiB", "input per second", "trommel's wall ÷ its"]
            .map(String::from)
            .to_vec(),
        rows,
    }
}

/// Median wall times, s, for a plot.
pub fn plot(outcome: &Outcome) -> Vec<(String, f64)> {
    let wall = |entry: &super::Entry| entry.spread(|usage| usage.wall).median;
    outcome.entries.iter().map(|entry| (entry.name.clone(), wall(entry))).collect()
}
