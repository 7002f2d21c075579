//! PostgreSQL: tables as sinks, queries as sources, through libpq.

mod checkpoint;
mod connection;
mod copy;
mod encode;
mod failure;
#[allow(dead_code)]
mod libpq;
mod load;
mod schema;
mod session;
mod sink;
mod table;
mod types;

pub use encode::{Encoder, Page};
pub use sink::Sink;
pub use table::Table;
