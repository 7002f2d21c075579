//! Workloads, floors and the report of Trommel.
//!
//! A [`Workload`](workload::Workload) is data: rows, seed and the [`Tally`](origin::Tally) that
//! every way of running it must reach. [`jobs`] runs it on Trommel, [`floors`] is the same work
//! written by hand, and a [`Race`](race::Race) runs both alternately in one process, checks every
//! tally before it believes a time, and answers with medians of paired ratios.

pub mod bars;
pub mod files;
pub mod floors;
pub mod instructions;
pub mod jobs;
pub mod origin;
pub mod plan;
pub mod race;
pub mod report;
pub mod sibling;
pub mod stats;
pub mod tables;
pub mod workload;

/// Whatever can go wrong in a benchmark: a run that fails, a tally that differs, a missing program.
pub type Failure = Box<dyn std::error::Error + Send + Sync>;

/// The result of a benchmark.
pub type Result<T> = std::result::Result<T, Failure>;
