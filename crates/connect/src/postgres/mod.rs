//! Tables of a PostgreSQL database as sinks, queries as sources, through libpq.
//!
//! Records, and rows of CSV files as they are, are turned into the binary form of `COPY` in the
//! workers, in the types of the table's columns, and sent by one connection or by several. What a
//! transaction has committed stays; what it has not is sent again after a lost connection, and taken
//! back when the run fails.
//!
//! ```no_run
//! use serde::Serialize;
//! use trommel::{Engine, Pipeline, sources};
//! use trommel_connect::postgres;
//!
//! #[derive(Serialize)]
//! struct Flight {
//!     id: u64,
//!     time_hour: &'static str,
//! }
//!
//! let flights = postgres::Sink::connect("postgresql://loader@db.example/warehouse")?
//!     .table::<Flight>("flights")
//!     .key(["id"])
//!     .upsert();
//! Pipeline::from(sources::generate(1000, |id| id))
//!     .transform(|id, out| out.emit(&Flight { id, time_hour: "2013-01-01T10:00:00Z" }))
//!     .load_into(flights)
//!     .run(&Engine::new()?)?;
//! # Ok::<(), trommel::Error>(())
//! ```
//!
//! Types, guarantees and messages: `docs/connectors/postgres.md`.

mod address;
mod checkpoint;
mod connection;
mod copy;
mod decode;
mod doubt;
mod encode;
mod failure;
mod isolate;
mod lane;
mod lanes;
mod libpq;
mod load;
mod schema;
mod session;
mod sink;
mod source;
mod stored;
mod table;
mod transaction;
mod types;
mod verify;

pub use decode::{Batch, Row};
pub use encode::{Encoder, Page};
pub use sink::Sink;
pub use source::Source;
pub use table::Table;
