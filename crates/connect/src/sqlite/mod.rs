//! SQLite: queries as sources, tables as sinks.
//!
//! Rows are turned into values in the workers and appended by one connection, many rows per
//! transaction. What a transaction has committed stays; what it has not is taken back when the run
//! fails.
//!
//! ```
//! use serde::Serialize;
//! use trommel::{Engine, Pipeline, sources};
//! use trommel_connect::sqlite;
//!
//! #[derive(Serialize)]
//! struct Flight {
//!     id: &'static str,
//!     speed: f64,
//! }
//!
//! # let directory = tempfile::tempdir().unwrap();
//! # let path = directory.path().join("flights.db");
//! let flown = [Flight { id: "UA1545", speed: 370.0 }, Flight { id: "UA1714", speed: 374.3 }];
//! let (report, flights) = Pipeline::from(sources::slice(&flown))
//!     .load_into(sqlite::Sink::create(&path)?.table::<Flight>("flights").key(["id"]).upsert())
//!     .run_and_return(&Engine::new()?)?;
//! assert_eq!(report.counts.loaded, 2);
//!
//! let speed: f64 = flights
//!     .into_connection()
//!     .query_row("SELECT speed FROM flights WHERE id = 'UA1714'", [], |row| row.get(0))?;
//! assert_eq!(speed, 374.3);
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
