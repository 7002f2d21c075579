//! seam first; docs follow.
#![allow(dead_code, rustdoc::broken_intra_doc_links)]
mod batch;
mod error;
mod out;
mod page;
mod position;
mod report;
mod sink;
mod source;

pub use batch::Batch;
pub use error::{Class, Error, ErrorKind, OrReject, Origin, Result, Stage};
pub use out::{Out, Text};
pub use page::Page;
pub use position::{Checkpoint, Counts, Position};
pub use report::{BatchSample, Outcome, RunReport, StageReport};
pub use sink::{Commit, Durability, Encode, Sink};
pub use source::{Fill, Limit, Size, Source};
