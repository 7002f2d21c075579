//! A synchronous, data-parallel ETL engine to link into a program: **source → transform → sink**,
//! on threads, without async.
//!
//! Three nouns make a pipeline. A [`Source`] cuts its input into batches on one thread, a transform
//! (a closure) turns the rows of each batch into values on all cores, a [`Sink`] appends what the
//! workers have encoded, in order, on one thread. An [`Engine`] owns the threads.
//!
//! ```
//! use trommel::{Engine, Pipeline, sinks, sources};
//!
//! let engine = Engine::builder().workers(2).build()?;
//! let mut lines = sinks::write(Vec::new());
//! let report = Pipeline::from(sources::generate(1_000, |id| id))
//!     .transform(|id, out| {
//!         if id % 2 == 1 {
//!             return Ok(()); // filtered
//!         }
//!         let line = out.text().str("id=").int(id).char('\n').finish(); // in the arena
//!         out.emit(line) // none, one or many per row
//!     })
//!     .load_into(&mut lines)
//!     .run(&engine)?;
//!
//! assert_eq!((report.counts.loaded, report.counts.filtered), (500, 500));
//! assert!(lines.into_inner().starts_with(b"id=0\nid=2\n"));
//! # Ok::<(), trommel::Error>(())
//! ```
//!
//! What was read is what was loaded, rejected or filtered, always: [`Counts`]. Memory is bounded by
//! [`OptionsBuilder::memory_limit`]. The steady state allocates nothing per record.

mod batch;
mod cancel;
mod driver;
mod engine;
mod error;
mod fingerprint;
mod handle;
mod options;
mod or_reject;
mod out;
mod page;
mod pipeline;
mod position;
mod progress;
mod reject;
mod report;
mod sink;
pub mod sinks;
mod source;
pub mod sources;
mod stage;
#[cfg(feature = "testing")]
pub mod testing;
mod text;

pub use bumpalo::Bump;

pub use batch::Batch;
pub use cancel::CancelToken;
pub use engine::{Engine, EngineBuilder};
pub use error::{Class, Error, ErrorKind, Origin, Result, Stage};
pub use fingerprint::Fingerprint;
pub use handle::RunHandle;
pub use options::{Options, OptionsBuilder, Order, PanicPolicy, Retry, Tier};
pub use or_reject::OrReject;
pub use out::Out;
pub use page::Page;
pub use pipeline::{Job, Pipeline, Runnable, Transformed};
pub use position::{Checkpoint, Counts, Position};
pub use progress::{Load, Progress};
pub use reject::{DeadLetter, Reject, RejectPolicy};
pub use report::{BatchSample, Outcome, RunReport, StageReport};
pub use sink::{Commit, Durability, Encode, Sink};
pub use source::{Fill, Limit, Size, Source};
pub use stage::{
    ByStretches, Closure, EmitAll, Filter, InPlace, Map, Rows, Step, Stretch, Transform, TryMap,
    ZeroCopyTransform,
};
pub use text::{Line, Text};
