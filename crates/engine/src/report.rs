//! What a run did.

use crate::error::Stage;
use crate::position::Counts;
use serde::Serialize;
use std::fmt;
use std::time::Duration;

/// What a run did: counts that add up, times, rates, and what held it back.
///
/// # Examples
/// ```
/// use trommel::{Engine, Pipeline, sinks, sources};
/// let report = Pipeline::from(sources::generate(1_000, |id| id))
///     .filter(|id| id % 2 == 0)
///     .load_into(sinks::null())
///     .run(&Engine::new()?)?;
/// assert_eq!((report.counts.read, report.counts.loaded, report.counts.filtered), (1_000, 500, 500));
/// assert!(report.counts.add_up());
/// println!("{report}"); // for people; `serde_json::to_string(&report)` for programs
/// # Ok::<(), trommel::Error>(())
/// ```
#[derive(Debug, Clone, Serialize)]
#[non_exhaustive]
pub struct RunReport {
    /// Name of the pipeline.
    pub pipeline: String,
    /// How it ended.
    pub outcome: Outcome,
    /// Rows, each in exactly one place.
    pub counts: Counts,
    /// What earlier runs of the same job had done; `counts` is this run's alone.
    pub before: Counts,
    /// Bytes that the source read, 0 when it does not count them.
    pub bytes_read: u64,
    /// Batches that reached the sink.
    pub batches: u64,
    /// Wall time of the whole run.
    pub elapsed: Duration,
    /// Workers that the run could use; 0 when it ran on the caller's thread alone.
    pub workers: usize,
    /// The source's, the transform's and the sink's time.
    pub stages: [StageReport; 3],
    /// The stage that set the pace, when one was busy most of the time.
    pub bottleneck: Option<Stage>,
    /// Batch size over time, one sample for each change; empty when the size was fixed.
    pub batch_trace: Vec<BatchSample>,
    /// Times a sink call was tried again.
    pub retries: u64,
    /// Times the watchdog saw no progress for longer than its limit, naming the stage.
    pub stalls: Vec<String>,
}

/// How a run ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Outcome {
    /// All input was loaded.
    Finished,
    /// It was cancelled; what had been loaded stays.
    Cancelled,
    /// It failed.
    Failed,
}

/// One stage's share of the time. For the transform, times are summed over the workers.
#[derive(Debug, Clone, Copy, Serialize)]
pub struct StageReport {
    /// Which stage.
    pub stage: Stage,
    /// Time at work.
    pub busy: Duration,
    /// Time waiting for another stage.
    pub waiting: Duration,
}

/// The batch size chosen at some batch.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub struct BatchSample {
    /// Sequence number of the first batch of this size.
    pub batch: u64,
    /// Rows per batch.
    pub rows: u32,
}

impl RunReport {
    /// Rows read per second of wall time.
    pub fn rows_per_second(&self) -> f64 {
        self.counts.read as f64 / self.elapsed.as_secs_f64().max(1e-9)
    }
}

impl fmt::Display for RunReport {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let counts = &self.counts;
        let outcome = match self.outcome {
            Outcome::Finished => "finished",
            Outcome::Cancelled => "cancelled",
            Outcome::Failed => "failed",
        };
        writeln!(
            f,
            "{}: {outcome} in {:.3} s, {:.0} rows/s",
            self.pipeline,
            self.elapsed.as_secs_f64(),
            self.rows_per_second()
        )?;
        write!(
            f,
            "  read {} = loaded {} + rejected {} + filtered {}",
            counts.read, counts.loaded, counts.rejected, counts.filtered
        )?;
        if counts.abandoned > 0 {
            write!(f, " + abandoned {}", counts.abandoned)?;
        }
        if self.before.read > 0 {
            write!(f, "\n  earlier runs of this job had read {}", self.before.read)?;
        }
        for stage in &self.stages {
            write!(
                f,
                "\n  {:<9} busy {:>9.3} s, waiting {:>9.3} s",
                stage.stage.to_string(),
                stage.busy.as_secs_f64(),
                stage.waiting.as_secs_f64()
            )?;
        }
        if let Some(stage) = self.bottleneck {
            write!(f, "\n  the {stage} set the pace")?;
        }
        if self.retries > 0 {
            write!(f, "\n  {} retries", self.retries)?;
        }
        for stall in &self.stalls {
            write!(f, "\n  stalled: {stall}")?;
        }
        Ok(())
    }
}
