//! PostgreSQL: tables as sinks, queries as sources, through libpq.

mod address;
mod checkpoint;
mod connection;
mod copy;
mod decode;
mod doubt;
mod encode;
mod failure;
mod isolate;
mod libpq;
mod load;
mod schema;
mod session;
mod sink;
mod source;
mod table;
mod transaction;
mod types;

pub use decode::{Batch, Row};
pub use encode::{Encoder, Page};
pub use sink::Sink;
pub use source::Source;
pub use table::Table;
