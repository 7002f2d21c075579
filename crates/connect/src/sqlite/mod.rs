//! SQLite: queries as sources, tables as sinks.
//!
//! Rows are turned into values in the workers and appended by one connection, many rows per
//! transaction. What a transaction has committed stays; what it has not is taken back when the run
//! fails.
//!
//! ```
//! use serde::Serialize;
//! use trommel::{Commit, Encode, Sink as _};
//! use trommel_connect::sqlite;
//!
//! #[derive(Serialize)]
//! struct Flight<'a> {
//!     id: &'a str,
//!     speed: f64,
//! }
//!
//! # let directory = tempfile::tempdir().unwrap();
//! # let path = directory.path().join("flights.db");
//! let mut flights = sqlite::Sink::create(&path)?.table::<Flight>("flights").key(["id"]).upsert();
//! // What a pipeline does with `.load_into(flights)`:
//! flights.encoder()?;
//! let mut page = Default::default();
//! let flight = Flight { id: "UA1545", speed: 373.5 };
//! sqlite::Table::<Flight>::encode(&(), &mut page, &flight)?;
//! flights.write(&mut page)?;
//! flights.finish()?;
//!
//! let speed: f64 = flights
//!     .into_connection()
//!     .query_row("SELECT speed FROM flights WHERE id = 'UA1545'", [], |row| row.get(0))?;
//! assert_eq!(speed, 373.5);
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```
//!
//! Values are stored as [`table`](crate::table) says. SQLite keeps no NaN: it becomes NULL.

mod affinity;
mod bulk;
mod checkpoint;
mod error;
mod image;
mod insert;
mod load;
mod reader;
mod rejects;
mod schema;
mod sink;
mod source;
mod table;
mod verify;

pub use rusqlite;
pub use sink::{Durability, Sink};
pub use source::Source;
pub use table::Table;
