//! Reports and progress, as C sees them.

use crate::cast::Sized32;
use crate::numbers::{outcome, stage};
use engine::{Outcome, Progress, RunReport, Stage};
use std::time::Duration;

/// `trommel_report`.
#[derive(Debug, Clone, Copy)]
#[repr(C)]
pub(crate) struct ReportView {
    size: u32,
    outcome: i32,
    read: u64,
    loaded: u64,
    rejected: u64,
    filtered: u64,
    abandoned: u64,
    emitted: u64,
    bytes_read: u64,
    batches: u64,
    retries: u64,
    elapsed_ns: u64,
    workers: u32,
    bottleneck: i32,
    busy_ns: [u64; 3],
    waiting_ns: [u64; 3],
}

// SAFETY: `repr(C)`, begins with its size, holds numbers.
unsafe impl Sized32 for ReportView {
    const LEAST: usize = size_of::<ReportView>();
    const NAME: &'static str = "trommel_report";
}

fn nanoseconds(duration: Duration) -> u64 {
    u64::try_from(duration.as_nanos()).unwrap_or(u64::MAX)
}

pub(crate) fn stage_code(at: Option<Stage>) -> i32 {
    match at {
        None => stage::NONE,
        Some(Stage::Source) => stage::SOURCE,
        Some(Stage::Transform) => stage::TRANSFORM,
        Some(Stage::Sink) => stage::SINK,
    }
}

impl ReportView {
    pub(crate) fn of(report: &RunReport) -> Self {
        let counts = &report.counts;
        ReportView {
            size: 0,
            outcome: match report.outcome {
                Outcome::Finished => outcome::FINISHED,
                Outcome::Cancelled => outcome::CANCELLED,
                Outcome::Failed => outcome::FAILED,
            },
            read: counts.read,
            loaded: counts.loaded,
            rejected: counts.rejected,
            filtered: counts.filtered,
            abandoned: counts.abandoned,
            emitted: counts.emitted,
            bytes_read: report.bytes_read,
            batches: report.batches,
            retries: report.retries,
            elapsed_ns: nanoseconds(report.elapsed),
            workers: report.workers as u32,
            bottleneck: stage_code(report.bottleneck),
            busy_ns: report.stages.map(|stage| nanoseconds(stage.busy)),
            waiting_ns: report.stages.map(|stage| nanoseconds(stage.waiting)),
        }
    }
}

/// `trommel_progress`.
#[derive(Debug, Clone, Copy)]
#[repr(C)]
pub(crate) struct ProgressView {
    size: u32,
    reserved: u32,
    rows: u64,
    bytes: u64,
    elapsed_ns: u64,
    rows_per_second: f64,
    /// -1 when it is not known.
    fraction: f64,
    /// -1 when it is not known.
    eta_seconds: f64,
    source_busy: f64,
    transform_busy: f64,
    sink_busy: f64,
}

// SAFETY: `repr(C)`, begins with its size, holds numbers.
unsafe impl Sized32 for ProgressView {
    const LEAST: usize = size_of::<ProgressView>();
    const NAME: &'static str = "trommel_progress";
}

impl ProgressView {
    /// Before the first snapshot.
    pub(crate) const NONE: Self = ProgressView {
        size: 0,
        reserved: 0,
        rows: 0,
        bytes: 0,
        elapsed_ns: 0,
        rows_per_second: 0.0,
        fraction: -1.0,
        eta_seconds: -1.0,
        source_busy: 0.0,
        transform_busy: 0.0,
        sink_busy: 0.0,
    };

    pub(crate) fn of(progress: &Progress) -> Self {
        ProgressView {
            size: size_of::<ProgressView>() as u32,
            reserved: 0,
            rows: progress.rows,
            bytes: progress.bytes,
            elapsed_ns: nanoseconds(progress.elapsed),
            rows_per_second: progress.rows_per_second,
            fraction: progress.fraction.unwrap_or(-1.0),
            eta_seconds: progress.eta.map_or(-1.0, |eta| eta.as_secs_f64()),
            source_busy: progress.source.busy,
            transform_busy: progress.transform.busy,
            sink_busy: progress.sink.busy,
        }
    }
}
