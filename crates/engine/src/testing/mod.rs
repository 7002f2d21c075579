//! Test doubles for pipelines: sources and sinks that fail, wait, panic or write down what happens
//! to them. Needs the feature `testing`; meant for `[dev-dependencies]`.
//!
//! | double | is |
//! |---|---|
//! | [`Gate`] | a door that a test opens: no sleep is ever needed to be "in the middle" of a run |
//! | [`Trap`], [`Fault`] | goes off at the n-th step, as an error or a panic; for transforms and the doubles below |
//! | [`FaultySource`], [`GatedSource`], [`SlowSource`] | wrap any source |
//! | [`Lines`] | a source of bytes, whose rows borrow from the batch and know where they came from |
//! | [`Recorder`] | keeps every value and the order of all calls |
//! | [`Ledger`] | a transactional sink: pending until a commit, rolled back by an abort |
//! | [`FaultySink`], [`GatedSink`], [`SlowSink`] | wrap any sink |
//!
//! An allocator that counts is not among them: to implement one is `unsafe`, which this crate forbids itself.
//! That of its own tests is `tests/common/counting.rs`.
//!
//! ```
//! use trommel::testing::{Fault, Recorder, Trap};
//! use trommel::{Engine, ErrorKind, Pipeline, sources};
//!
//! let trap = Trap::at(500, Fault::Panic);
//! let mut sink = Recorder::new();
//! let error = Pipeline::from(sources::generate(1_000, |id| id))
//!     .transform(|id, out| {
//!         trap.step()?;
//!         out.emit(id)
//!     })
//!     .load_into(&mut sink)
//!     .run(&Engine::new()?)
//!     .unwrap_err();
//!
//! assert_eq!(error.kind(), ErrorKind::Panic);
//! assert_eq!((sink.count("finish"), sink.count("abort")), (0, 1));
//! # Ok::<(), trommel::Error>(())
//! ```
//!
//! # What the compiler refuses
//!
//! These can't be tested in a test, so they are tested here, each beside what compiles. A source that
//! can't go to another thread:
//! ```compile_fail,E0277
//! # use trommel::{Engine, Pipeline, sinks, sources};
//! let shared = std::rc::Rc::new(7u64);
//! let ids = (0..10).map(|id| id + *shared);
//! Pipeline::from(sources::iter(ids))
//!     .map(|id| *id)
//!     .load_into(sinks::count())
//!     .run(&Engine::new()?)?;
//! # Ok::<(), trommel::Error>(())
//! ```
//! ```
//! # use trommel::{Engine, Pipeline, sinks, sources};
//! let shared = std::sync::Arc::new(7u64);
//! let ids = (0..10).map(|id| id + *shared);
//! # Pipeline::from(sources::iter(ids))
//! #     .map(|id| *id)
//! #     .load_into(sinks::count())
//! #     .run(&Engine::new()?)?;
//! # Ok::<(), trommel::Error>(())
//! ```
//! A pipeline that nobody runs:
//! ```compile_fail
//! #![deny(unused_must_use)]
//! # use trommel::{Engine, Pipeline, sinks, sources};
//! Pipeline::from(sources::iter(0..10)).map(|id| *id).load_into(sinks::count()); // no `.run(..)`
//! ```
//! ```
//! #![deny(unused_must_use)]
//! # use trommel::{Engine, Pipeline, sinks, sources};
//! Pipeline::from(sources::iter(0..10)).map(|id| *id).load_into(sinks::count()).run(&Engine::new()?)?;
//! # Ok::<(), trommel::Error>(())
//! ```
//! A row that outlives its batch:
//! ```compile_fail,E0521
//! # use trommel::testing::Lines;
//! # use trommel::{Engine, Pipeline, sinks};
//! let mut lines = sinks::collect::<&[u8]>();
//! Pipeline::from(Lines::new("a\nb"))
//!     .transform(|line, out| out.emit(line))
//!     .load_into(&mut lines)
//!     .run(&Engine::new()?)?;
//! # Ok::<(), trommel::Error>(())
//! ```
//! ```
//! # use trommel::testing::Lines;
//! # use trommel::{Engine, Pipeline, sinks};
//! let mut lines = sinks::collect::<Vec<u8>>();
//! Pipeline::from(Lines::new("a\nb"))
//!     .transform(|line, out| out.emit(line.to_vec()))
//!     .load_into(&mut lines)
//!     .run(&Engine::new()?)?;
//! # Ok::<(), trommel::Error>(())
//! ```
//! A value that the sink can't encode:
//! ```compile_fail,E0277
//! # use trommel::{Engine, Pipeline, sinks, sources};
//! Pipeline::from(sources::iter(0..10))
//!     .map(|id| *id)
//!     .load_into(sinks::collect::<String>())
//!     .run(&Engine::new()?)?;
//! # Ok::<(), trommel::Error>(())
//! ```
//! ```
//! # use trommel::{Engine, Pipeline, sinks, sources};
//! Pipeline::from(sources::iter(0..10))
//!     .map(|id| id.to_string())
//!     .load_into(sinks::collect::<String>())
//!     .run(&Engine::new()?)?;
//! # Ok::<(), trommel::Error>(())
//! ```

mod faulty;
mod gate;
mod gated;
mod ledger;
mod lines;
mod recorder;
mod slow;
mod trap;
mod wrap;

pub use faulty::{FaultySink, FaultySource};
pub use gate::Gate;
pub use gated::{GatedSink, GatedSource};
pub use ledger::Ledger;
pub use lines::{Lines, LinesBatch};
pub use recorder::{Call, Recorder};
pub use slow::{SlowSink, SlowSource};
pub use trap::{Fault, Trap};

/// A call that a sink gets from the driver, to say at which one a double should act.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum SinkCall {
    /// [`Sink::encoder`](crate::Sink::encoder).
    Encoder,
    /// [`Sink::write`](crate::Sink::write).
    Write,
    /// [`Sink::commit`](crate::Sink::commit).
    Commit,
    /// [`Sink::finish`](crate::Sink::finish).
    Finish,
    /// [`Sink::keep_reject`](crate::Sink::keep_reject).
    KeepReject,
}
