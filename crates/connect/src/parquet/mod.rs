//! Parquet files, in and out.

mod aside;
mod error;
mod group;
mod jobs;
mod manifest;
mod options;
mod output;
mod sink;

pub use options::{Compression, Statistics};
pub use sink::{Columnar, Encoder, Sink};
