//! Sources and sinks for Trommel: files and databases, each behind a feature of its own.
//!
//! | feature | source | sink |
//! |---|---|---|
//! | `arrow` | [`arrow::Source`]: Arrow IPC files and streams | [`arrow::Sink`] |
//! | `parquet` | [`parquet::Source`]: files and directories, rows or record batches | [`parquet::Sink`]: files, resumable directories of parts |
//! | `csv` (default) | [`csv::Source`]: CSV, TSV, from files, stdin and any `Read` | [`csv::Sink`]: files, resumable, rolled, partitioned |
//! | `ndjson` (default) | | [`ndjson::Sink`]: JSON lines, as above |
//! | `gzip`, `zstd` (default) | | compressed [`files`] |
//! | `rejects` (default) | [`rejects::Replay`]: rows that were refused, once more | [`rejects::File`] |
//! | `sqlite` (default) | [`sqlite::Source`]: queries, restartable by key | [`sqlite::Sink`]: tables, in transactions, resumable |
//!
//! ```no_run
//! use serde::Serialize;
//! use trommel::{Engine, Pipeline};
//! use trommel_connect::{csv, sqlite};
//!
//! #[derive(Serialize)]
//! struct Flight<'a> {
//!     id: &'a str,
//!     speed: f64,
//! }
//!
//! let report = Pipeline::from(csv::Source::builder().nulls(["", "NA"]).open("flights.csv")?)
//!     .transform(|row, out| {
//!         let Some(air_time) = row.get::<Option<f64>>("air_time")? else { return Ok(()) };
//!         let id = out.text().str(row.str("carrier")?).str(row.str("flight")?).finish();
//!         out.emit(&Flight { id, speed: row.get::<f64>("distance")? / air_time * 60.0 })
//!     })
//!     .load_into(sqlite::Sink::create("flights.db")?.table::<Flight<'_>>("flights"))
//!     .run(&Engine::new()?)?;
//! println!("{report}");
//! # Ok::<(), trommel::Error>(())
//! ```

#[cfg(feature = "arrow")]
pub mod arrow;
#[cfg(feature = "csv")]
pub mod csv;
#[cfg(any(feature = "csv", feature = "ndjson"))]
pub mod files;
#[cfg(feature = "ndjson")]
pub mod ndjson;
#[cfg(feature = "parquet")]
pub mod parquet;
#[cfg(feature = "rejects")]
pub mod rejects;
#[cfg(feature = "sqlite")]
pub mod sqlite;
#[cfg(feature = "sqlite")]
pub mod table;

/// The programs in the documents, compiled and run as doc tests.
#[cfg(all(doctest, feature = "csv", feature = "sqlite"))]
mod documents {
    #[doc = include_str!("../../../README.md")]
    struct Readme;

    #[doc = include_str!("../../../docs/guide.md")]
    struct Guide;

    #[cfg(all(feature = "gzip", feature = "ndjson", feature = "zstd"))]
    #[doc = include_str!("../../../docs/connectors/file-sinks.md")]
    struct FileSinks;

    #[doc = include_str!("../../../docs/connectors/csv-sink.md")]
    struct CsvSink;

    #[cfg(all(feature = "ndjson", feature = "zstd"))]
    #[doc = include_str!("../../../docs/connectors/ndjson-sink.md")]
    struct NdjsonSink;

    #[doc = include_str!("../../../docs/connectors/sqlite.md")]
    struct Sqlite;
}

/// Pages about connectors that are not on by default, compiled as doc tests.
#[cfg(all(doctest, feature = "csv", feature = "parquet"))]
mod connectors {
    #[doc = include_str!("../../../docs/connectors/arrow.md")]
    struct Arrow;

    #[doc = include_str!("../../../docs/connectors/parquet.md")]
    struct Parquet;
}
