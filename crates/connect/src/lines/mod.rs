//! Lines in: a row for each line of files or of any [`Read`](std::io::Read).
//!
//! [`Source`] cuts at `\n`; a `\r` before it goes too. An empty line is a row. Rows are `&[u8]`, or
//! `&str` after [`Source::text`]; every row is known by its number, line and byte offset.
//!
//! ```
//! use trommel::{Engine, Pipeline, sinks};
//! use trommel_connect::lines;
//!
//! let mut lengths = sinks::collect();
//! let source = lines::Source::from_reader("sizes", "sand\ngravel\r\n\nclay".as_bytes())?;
//! Pipeline::from(source.text())
//!     .map(|line: &str| line.len())
//!     .load_into(&mut lengths)
//!     .run(&Engine::new()?)?;
//! assert_eq!(lengths.into_vec(), [4, 6, 0, 4]);
//! # Ok::<(), trommel::Error>(())
//! ```

mod batch;
mod cutter;
mod row;
mod source;

pub use batch::Batch;
pub use row::{Bytes, Kind, Text};
pub use source::Source;
