//! Parquet files, in and out.

mod batch;
mod chunk;
mod error;
mod footer;
mod group;
mod input;
mod jobs;
mod manifest;
mod nested;
mod options;
mod output;
mod reader;
mod sink;
mod source;
mod verify;

pub use batch::{Batch, ColumnarBatch};
pub use options::{Compression, Statistics};
pub use sink::{Columnar, Encoder, Sink};
pub use source::{ColumnarSource, Source};

pub use crate::partition::{Keyed, KeyedEncoder, KeyedPage, PartitionKey, Partitioned};
pub use ::parquet;
