//! CSV in and out.
//!
//! In: files, pipes and any [`Read`](std::io::Read), cut by one thread and parsed by all.
//!
//! - [`Source`] cuts the input into [`Batch`]es of whole records;
//! - [`Row`] is one record as the transform sees it, with [`FromField`] for its values;
//! - [`Builder`] says how the file is written.
//!
//! Out: [`Sink`] writes records, encoded by all workers, and passes rows through
//! ([`Row::with`]) without taking them apart.
//!
//! Every record is known by its number, line and byte offset, exactly, though blocks are parsed in
//! parallel: the cutter counts records as it goes. A line is what a `\n` ends, so a file whose lines
//! end in `\r` alone is a single one, with its records and offsets right all the same.
//!
//! ```
//! use trommel::{Engine, Pipeline, sinks};
//! use trommel_connect::csv::{self, Row};
//!
//! let text = "carrier,distance,air_time\nUA,1400,227\nB6,1089,\nAA,1089,160\n";
//! let mut speeds = sinks::collect();
//! Pipeline::from(csv::Source::from_reader("flights", text.as_bytes())?)
//!     .transform(|row: Row<'_>, out| {
//!         let Some(minutes) = row.get::<Option<f64>>("air_time")? else {
//!             return Ok(()); // filtered
//!         };
//!         let miles: f64 = row.get("distance")?;
//!         out.emit((row.get::<String>("carrier")?, (miles / minutes * 60.0).round()))
//!     })
//!     .load_into(&mut speeds)
//!     .run(&Engine::new()?)?;
//! assert_eq!(speeds.into_vec(), [("UA".to_string(), 370.0), ("AA".to_string(), 408.0)]);
//! # Ok::<(), trommel::Error>(())
//! ```

mod batch;
mod cell;
mod cutter;
mod de;
mod dialect;
mod field;
mod fields;
mod header;
mod headers;
mod masks;
mod number;
mod options;
mod page;
mod parse;
#[cfg(any(feature = "postgres", feature = "postgres-system"))]
mod plain;
mod record;
mod row;
mod rules;
mod shape;
mod sink;
mod source;
mod with;

pub use batch::Batch;
pub use cell::Cell;
pub use dialect::QuoteStyle;
pub use field::FromField;
pub use fields::Record;
pub use headers::{Column, Field};
pub use options::{Builder, Trim};
pub use page::Page;
#[cfg(any(feature = "postgres", feature = "postgres-system"))]
pub(crate) use plain::Plain;
pub use row::Row;
#[cfg(any(feature = "postgres", feature = "postgres-system"))]
pub(crate) use shape::Shape;
pub use sink::{Encoder, Sink};
pub use source::Source;
pub use with::With;
