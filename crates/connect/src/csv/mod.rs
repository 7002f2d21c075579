//! CSV in: files, pipes and any [`Read`](std::io::Read), cut by one thread and parsed by all.
//!
//! - [`Source`] cuts the input into [`Batch`]es of whole records;
//! - [`Row`] is one record as the transform sees it, with [`FromField`] for its values;
//! - [`Builder`] says how the file is written.
//!
//! Every record is known by its number, line and byte offset, exactly, though blocks are parsed in
//! parallel: the cutter counts records as it goes.

mod batch;
mod cutter;
mod de;
mod feed;
mod field;
mod headers;
mod input;
mod masks;
mod options;
mod parse;
mod row;
mod rules;
mod shape;
mod skip;
mod source;
mod window;

pub use batch::Batch;
pub use field::{Cell, FromField};
pub use headers::{Column, Field};
pub use options::{Builder, Trim};
pub use row::Row;
pub use source::Source;
