//! Sources and sinks for Trommel: files and databases, each behind a feature of its own.
//!
//! | feature | source | sink |
//! |---|---|---|
//! | `csv` (default) | [`csv::Source`]: CSV, TSV, from files, stdin and any `Read` | |
//! | `ndjson` (default) | [`ndjson::Source`]: JSON lines and JSON arrays, likewise | |
//! | `rejects` (default) | [`rejects::Replay`]: rows that were refused, once more | [`rejects::File`] |
//! | `http` | [`http::get`]: bodies of any format, pages | [`http::Sink`]: posts NDJSON, JSON, lines |
//! | `lines` | [`lines::Source`]: a row for each line of a file or any `Read` | |
//! | `socket` | [`socket`]: lines or any format over TCP and Unix sockets | [`socket::Sink`]: lines |
//! | `sqlite` (default) | | [`sqlite::Sink`]: tables, in transactions, resumable |
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

#[cfg(any(feature = "http", feature = "socket"))]
mod backoff;
#[cfg(feature = "csv")]
pub mod csv;
#[cfg(any(feature = "http", feature = "socket"))]
mod guarded;
#[cfg(feature = "http")]
pub mod http;
#[cfg(any(feature = "csv", feature = "lines", feature = "ndjson"))]
pub mod input;
#[cfg(feature = "lines")]
pub mod lines;
#[cfg(feature = "ndjson")]
pub mod ndjson;
#[cfg(any(feature = "http", feature = "socket"))]
mod records;
#[cfg(feature = "rejects")]
pub mod rejects;
#[cfg(feature = "socket")]
pub mod socket;
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
}

/// Likewise, of the pages on sources of bytes.
#[cfg(all(doctest, feature = "csv", feature = "ndjson"))]
mod input_documents {
    #[doc = include_str!("../../../docs/connectors/csv-source.md")]
    struct CsvSource;

    #[doc = include_str!("../../../docs/connectors/files.md")]
    struct Files;

    #[doc = include_str!("../../../docs/connectors/ndjson.md")]
    struct Ndjson;
}

/// Those about one connector, which need no other.
#[cfg(doctest)]
mod connectors {
    #[cfg(feature = "http")]
    #[doc = include_str!("../../../docs/connectors/http.md")]
    struct Http;

    #[cfg(feature = "lines")]
    #[doc = include_str!("../../../docs/connectors/lines.md")]
    struct Lines;

    #[cfg(feature = "socket")]
    #[doc = include_str!("../../../docs/connectors/socket.md")]
    struct Socket;
}
