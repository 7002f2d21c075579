//! The pictures of the report.

use super::chart::{Axis, Chart, Columns, Series};
use super::{Plot, traces};
use crate::Result;
use crate::files::{self, Outcome};
use crate::plan::Plan;
use crate::tables::Table;
use plotters::chart::SeriesLabelPosition;

pub(super) fn all(plan: &Plan, tables: &[Table]) -> Result<Vec<Plot>> {
    let mut plots = Vec::new();
    let mut throughput =
        |name: &'static str, table: &str, label: &str, log: bool, columns: &[usize]| {
            let Some(table) = tables.iter().find(|known| known.name == table) else {
                return Ok(());
            };
            let chart = Chart {
                title: format!("Throughput by {label}"),
                x: axis(label, log),
                y: axis("records per second", false),
                legend: SeriesLabelPosition::UpperLeft,
                series: columns.iter().map(|&column| series(table, column)).collect(),
            };
            plots.push(Plot {
                name,
                caption: format!("{}: {}", table.title, table.note),
                svg: chart.svg()?,
            });
            Ok::<(), crate::Failure>(())
        };
    let batch = "rows per batch";
    throughput("throughput-by-batch-size", "batch-sizes", batch, true, &[0, 1, 2, 3])?;
    throughput("throughput-by-workers", "workers", "workers", false, &[0, 1, 3])?;
    throughput("throughput-by-volume", "volumes", "records in a run", true, &[3, 4, 5])?;
    plots.push(adaptive(plan)?);
    plots.push(shift()?);
    if let Some(records) = tables.iter().find(|table| table.name == "records") {
        plots.push(bytes(records)?);
    }
    Ok(plots)
}

fn axis(label: &str, log: bool) -> Axis {
    Axis { label: label.into(), log }
}

/// A column of a table over its labels; rows whose label is no number are left out.
fn series(table: &Table, column: usize) -> Series {
    let points = table.rows.iter().filter_map(|row| {
        let x: f64 = row.label.parse().ok()?;
        let y = row.cells.get(column)?.value;
        y.is_finite().then_some((x, y))
    });
    Series {
        name: table.columns[column]
            .trim_end_matches(" (rows/s)")
            .trim_end_matches(", records/s")
            .into(),
        points: points.collect(),
        stairs: false,
    }
}

fn adaptive(plan: &Plan) -> Result<Plot> {
    let chart = Chart {
        title: "Adaptive batch size, from the first batch on".into(),
        x: axis("batch number", false),
        y: axis("rows per batch", true),
        legend: SeriesLabelPosition::LowerRight,
        series: traces::steady(plan)?,
    };
    Ok(Plot {
        name: "adaptive-trace",
        caption: "Batch sizes that adaptive batching chose, on four workloads; the first 400 \
                  batches of each."
            .into(),
        svg: chart.svg()?,
    })
}

fn shift() -> Result<Plot> {
    let chart = Chart {
        title: "Adaptive batch size over a shift".into(),
        x: axis("batch number", false),
        y: axis("rows per batch; hashes per row", true),
        legend: SeriesLabelPosition::MiddleRight,
        series: traces::shifting()?,
    };
    Ok(Plot {
        name: "adaptive-shift",
        caption:
            "A row takes 4 hashes, then 200 in the middle of the run (about 5 µs), then 4 again; \
                  the second line shows which."
                .into(),
        svg: chart.svg()?,
    })
}

/// Wall times of a job on files.
pub(super) fn files(outcome: &Outcome) -> Result<Plot> {
    let title = format!("{}: seconds of wall time", outcome.job.title);
    let columns = Columns { title, label: "seconds".into(), bars: files::plot(outcome) };
    Ok(Plot {
        name: outcome.job.name,
        caption: format!("{}: median wall time of each contestant.", outcome.job.title),
        svg: columns.svg()?,
    })
}

fn bytes(records: &Table) -> Result<Plot> {
    let columns = Columns {
        title: "Bytes per record, heap included".into(),
        label: "bytes".into(),
        bars: records
            .rows
            .iter()
            .map(|row| (row.label.clone(), row.cells[0].value))
            .filter(|bar| bar.1.is_finite())
            .collect(),
    };
    Ok(Plot {
        name: "bytes-per-record",
        caption: format!("{}: {}", records.title, records.note),
        svg: columns.svg()?,
    })
}
