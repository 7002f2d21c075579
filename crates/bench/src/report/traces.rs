//! How adaptive batching went, batch by batch.

use super::chart::Series;
use crate::plan::{Plan, WORKERS};
use crate::workload::{FlightLines, HEAVY_ROUNDS, heavy_line};
use crate::{Result, jobs, origin};
use trommel::{Engine, Options, Pipeline, RunReport, sources};
use trommel_record::UserRecord;

/// Batches that are shown of a steady workload.
const SHOWN: f64 = 400.0;
/// Hashes for each row before and after the shift, and between.
const ROUNDS: [u32; 3] = [4, 200, 4];

/// The traces of four workloads that stay as they are.
pub(super) fn steady(plan: &Plan) -> Result<Vec<Series>> {
    let engine = Engine::builder().workers(WORKERS).build()?;
    let options = Options::default();
    let flights = FlightLines::new(plan.rows(500_000));
    let rows = plan.rows(20_000_000);
    let heavy: Vec<UserRecord> = origin::generator().records(0..plan.rows(20_000)).collect();
    let runs = [
        ("memory", jobs::generate_in(&engine, &options, rows)?.1),
        ("boxed", jobs::boxed(&engine, &options, rows / 4)?.1),
        ("light", jobs::light(&engine, &options, &flights.lines)?.1),
        ("heavy", jobs::heavy(&engine, &options, &heavy, HEAVY_ROUNDS)?.1),
    ];
    Ok(runs.iter().map(|(name, report)| trace(name, report)).collect())
}

fn trace(name: &str, report: &RunReport) -> Series {
    let end = (report.batches as f64).min(SHOWN);
    let mut points: Vec<(f64, f64)> = report
        .batch_trace
        .iter()
        .map(|sample| (sample.batch as f64, f64::from(sample.rows)))
        .filter(|&(batch, _)| batch <= end)
        .collect();
    if let Some(&(_, rows)) = points.last() {
        points.push((end, rows));
    }
    Series { name: name.into(), points, stairs: true }
}

/// The trace of a workload whose rows become fifty times as heavy and light again, and how
/// heavy they were.
pub(super) fn shifting() -> Result<Vec<Series>> {
    let engine = Engine::builder().workers(WORKERS).build()?;
    // Rows enough for many batches in each part.
    let (light, heavy) = (3_000_000, 600_000);
    let mut sink = jobs::lines();
    let report = Pipeline::from(sources::generate(2 * light + heavy, move |id| {
        let part = u64::from(id >= light) + u64::from(id >= light + heavy);
        (origin::generator().record(id), ROUNDS[part as usize])
    }))
    .transform(|(user, rounds), out| {
        let mut text = out.text();
        heavy_line(&user, rounds, &mut text)
            .map_err(|_| trommel::Error::fatal("a text refused to be written"))?;
        let line = text.finish();
        out.emit(line)
    })
    .load_into(&mut sink)
    .run(&engine)?;
    let mut points: Vec<(f64, f64)> = Vec::new();
    let mut weight = Vec::new();
    let (mut row, mut part) = (0.0, 0);
    let ends = [light as f64, (light + heavy) as f64, f64::MAX];
    weight.push((0.0, f64::from(ROUNDS[0])));
    for (index, sample) in report.batch_trace.iter().enumerate() {
        let next = report.batch_trace.get(index + 1);
        let until = next.map_or(report.batches, |next| next.batch);
        points.push((sample.batch as f64, f64::from(sample.rows)));
        let size = f64::from(sample.rows);
        while row + (until - sample.batch) as f64 * size > ends[part] {
            let batch = sample.batch as f64 + (ends[part] - row).max(0.0) / size;
            part += 1;
            weight.push((batch, f64::from(ROUNDS[part])));
        }
        row += (until - sample.batch) as f64 * size;
    }
    let end = report.batches as f64;
    if let (Some(&(_, rows)), Some(&(_, rounds))) = (points.last(), weight.last()) {
        points.push((end, rows));
        weight.push((end, rounds));
    }
    Ok(vec![
        Series { name: "rows per batch".into(), points, stairs: true },
        Series { name: "hashes per row".into(), points: weight, stairs: true },
    ])
}
