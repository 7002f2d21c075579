//! JSON lines: one JSON value a line, cut by one thread and parsed by all; and the elements of an
//! array document.
//!
//! - [`Source`] cuts the input into [`Batch`]es of whole rows;
//! - [`Row`] is one value as the transform sees it: decoded whole, or asked for parts by their path;
//! - [`Builder`] says how the input is written;
//! - [`Sink`] writes records as lines.

mod batch;
mod cutter;
mod finite;
mod options;
mod path;
mod row;
mod scan;
mod sink;
mod source;
mod unique;

pub use batch::Batch;
pub use finite::NonFinite;
pub use options::{Builder, Duplicates};
pub use row::Row;
pub use sink::{Encoder, Sink};
pub use source::Source;
