//! JSON lines: one JSON value a line.

mod sink;

pub use sink::Sink;
