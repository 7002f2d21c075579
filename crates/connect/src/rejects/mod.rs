//! Reject files: bad rows kept as JSON lines, read again, and replayed once they have been mended.
//!
//! - [`File`] keeps the rejects of a run: a [`DeadLetter`](trommel::DeadLetter);
//! - [`read`] gives them back, one by one;
//! - [`Replay`] gives their raw bytes back, as the [`Read`](std::io::Read) that a source wants.
//!
//! A line is an object with `source`, `record`, `line`, `offset` and `column` as far as they are
//! known, `stage`, `reason`, and `raw`: the row, byte for byte, as a text, or as an array of bytes
//! when it is not UTF-8.
//!
//! ```
//! use trommel::{Engine, Options, Pipeline, RejectPolicy, sinks};
//! use trommel_connect::{csv, rejects};
//!
//! # let directory = tempfile::tempdir()?;
//! # let path = directory.path().join("bad.ndjson");
//! let engine = Engine::new()?;
//! let load = |source: csv::Source, policy| {
//!     Pipeline::from(source)
//!         .options(Options::builder().on_reject(policy).build()?)
//!         .transform(|row, out| out.emit(row.get::<u64>("people")?))
//!         .load_into(sinks::count())
//!         .run(&engine)
//! };
//! let text = "city,people\nOslo,709037\nRome,many\nBonn,331885\n";
//! let source = csv::Source::from_reader("cities", text.as_bytes())?;
//! let report = load(source, RejectPolicy::dead_letter(rejects::File::create(&path)?, 100))?;
//! assert_eq!((report.counts.loaded, report.counts.rejected), (2, 1));
//!
//! let reject = rejects::read(&path)?.next().unwrap()?;
//! assert_eq!((reject.line, reject.column.as_deref()), (Some(3), Some("people")));
//!
//! // Once "many" has been made a number, in the file itself:
//! # std::fs::write(&path, std::fs::read_to_string(&path)?.replace("Rome,many", "Rome,2748109"))?;
//! let mended = rejects::Replay::open(&path)?.with_header("city,people");
//! let report = load(csv::Source::from_reader("replay", mended)?, RejectPolicy::Stop)?;
//! assert_eq!(report.counts.loaded, 1);
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```

mod file;
mod replay;

pub use file::File;
pub use replay::{Rejects, Replay, read};
