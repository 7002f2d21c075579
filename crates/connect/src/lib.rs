//! Sources and sinks for Trommel: files, databases and the network, each behind a feature of its own.
//!
//! | feature | source | sink |
//! |---|---|---|
//! | `csv` (default) | [`csv::Source`]: CSV, TSV, from files, stdin and any `Read` | [`csv::Sink`]: files, resumable, rolled, partitioned |
//! | `ndjson` (default) | [`ndjson::Source`]: JSON lines and JSON arrays, likewise | [`ndjson::Sink`]: JSON lines, as above |
//! | `sqlite` (default) | [`sqlite::Source`]: queries, restartable by key | [`sqlite::Sink`]: tables, in transactions, resumable |
//! | `rejects` (default) | [`rejects::Replay`]: rows that were refused, once more | [`rejects::File`] |
//! | `gzip`, `zstd` (default), `bzip2`, `lz4`, `xz` | compressed [`input`] | compressed [`files`]: gzip and zstd |
//! | `arrow` | [`arrow::Source`]: Arrow IPC files and streams | [`arrow::Sink`] |
//! | `parquet` | [`parquet::Source`]: files, directories, patterns, rows or record batches | [`parquet::Sink`]: files, rolled, partitioned, resumable directories of parts |
//! | `postgres`, `postgres-system` | [`postgres::Source`]: queries, resumable by key | [`postgres::Sink`]: tables, by `COPY`, resumable |
//! | `lines` | [`lines::Source`]: a row for each line of a file or any `Read` | |
//! | `socket` | [`socket`]: lines or any format over TCP and Unix sockets | [`socket::Sink`]: lines |
//! | `http` | [`http::get`]: bodies of any format, pages | [`http::Sink`]: posts NDJSON, JSON, lines |
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
//!         out.emit(&Flight {
//!             id: out.text().str(row.str("carrier")?).str(row.str("flight")?).finish(),
//!             speed: row.get::<f64>("distance")? / air_time * 60.0,
//!         })
//!     })
//!     .load_into(sqlite::Sink::create("flights.db")?.table::<Flight<'_>>("flights"))
//!     .run(&Engine::new()?)?;
//! println!("{report}");
//! # Ok::<(), trommel::Error>(())
//! ```

/// An instant at which a test may end the process; nothing without the feature `testing`.
#[cfg_attr(
    not(any(
        feature = "arrow",
        feature = "csv",
        feature = "ndjson",
        feature = "postgres",
        feature = "postgres-system",
        feature = "sqlite"
    )),
    expect(unused_macros, reason = "connectors have windows where they commit")
)]
macro_rules! window {
    ($name:literal) => {
        #[cfg(feature = "testing")]
        crate::testing::reach($name);
    };
}

#[cfg(feature = "arrow")]
#[cfg_attr(
    not(feature = "parquet"),
    allow(dead_code, unused_imports, reason = "some of it serves Parquet only")
)]
pub mod arrow;
#[cfg(any(
    feature = "http",
    feature = "postgres",
    feature = "postgres-system",
    feature = "socket"
))]
mod backoff;
#[cfg(any(feature = "arrow", feature = "postgres", feature = "postgres-system"))]
#[cfg_attr(
    not(all(feature = "arrow", feature = "postgres-common")),
    allow(dead_code, unused_imports, reason = "some of it serves one connector only")
)]
mod calendar;
#[cfg(feature = "csv")]
pub mod csv;
#[cfg(any(
    feature = "arrow",
    feature = "csv",
    feature = "postgres",
    feature = "postgres-system",
    feature = "sqlite"
))]
mod decode;
#[cfg(any(
    feature = "arrow",
    feature = "csv",
    feature = "ndjson",
    feature = "postgres",
    feature = "postgres-system",
    feature = "sqlite"
))]
#[cfg_attr(
    not(all(feature = "arrow", feature = "csv", feature = "postgres-common", feature = "sqlite")),
    allow(
        dead_code,
        unreachable_pub,
        unused_imports,
        unused_macros,
        reason = "some of it serves one connector only"
    )
)]
mod encode;
#[cfg(any(feature = "csv", feature = "ndjson"))]
pub mod files;
#[cfg(any(feature = "http", feature = "socket"))]
mod guarded;
#[cfg(feature = "http")]
pub mod http;
#[cfg(any(feature = "csv", feature = "lines", feature = "ndjson"))]
#[cfg_attr(
    not(all(feature = "csv", feature = "lines", feature = "ndjson")),
    allow(dead_code, unused_imports, unused_macros, reason = "some of it serves one format only")
)]
pub mod input;
#[cfg(any(feature = "http", feature = "socket"))]
mod leave;
#[cfg(feature = "lines")]
pub mod lines;
#[cfg(any(feature = "arrow", feature = "csv", feature = "lines", feature = "ndjson"))]
#[cfg_attr(
    not(all(feature = "arrow", feature = "csv")),
    allow(dead_code, reason = "some of it serves one kind of source only")
)]
mod listing;
#[cfg(feature = "ndjson")]
pub mod ndjson;
mod nearest;
#[cfg(feature = "parquet")]
pub mod parquet;
#[cfg(any(feature = "arrow", feature = "csv", feature = "ndjson"))]
mod partition;
#[cfg(any(feature = "postgres", feature = "postgres-system"))]
pub mod postgres;
#[cfg(any(feature = "http", feature = "socket"))]
mod records;
#[cfg(feature = "rejects")]
pub mod rejects;
#[cfg(feature = "socket")]
pub mod socket;
#[cfg(feature = "sqlite")]
pub mod sqlite;
#[cfg(any(feature = "postgres", feature = "postgres-system", feature = "sqlite"))]
pub mod table;
#[cfg(feature = "testing")]
pub mod testing;
#[cfg(any(
    feature = "csv",
    feature = "http",
    feature = "lines",
    feature = "ndjson",
    feature = "postgres",
    feature = "postgres-system",
    feature = "socket",
    feature = "sqlite"
))]
mod threads;
#[cfg(any(
    feature = "arrow",
    feature = "csv",
    feature = "ndjson",
    feature = "postgres",
    feature = "postgres-system",
    feature = "sqlite"
))]
#[cfg_attr(
    not(all(feature = "arrow", feature = "csv", feature = "sqlite")),
    allow(dead_code, reason = "some of it serves one kind of sink only")
)]
mod verify;

pub use nearest::nearest;

/// The programs in the documents, compiled and run as doc tests, with all features on.
#[cfg(all(
    doctest,
    feature = "arrow",
    feature = "csv",
    feature = "http",
    feature = "ndjson",
    feature = "parquet",
    feature = "postgres",
    feature = "rejects",
    feature = "socket",
    feature = "sqlite",
    feature = "zstd",
))]
mod documents {
    #[doc = include_str!("../../../README.md")]
    struct Readme;

    #[doc = include_str!("../../../docs/guide.md")]
    struct Guide;

    #[doc = include_str!("../../../docs/connectors/arrow.md")]
    struct Arrow;

    #[doc = include_str!("../../../docs/connectors/csv-sink.md")]
    struct CsvSink;

    #[doc = include_str!("../../../docs/connectors/csv-source.md")]
    struct CsvSource;

    #[doc = include_str!("../../../docs/connectors/file-sinks.md")]
    struct FileSinks;

    #[doc = include_str!("../../../docs/connectors/files.md")]
    struct Files;

    #[doc = include_str!("../../../docs/connectors/http.md")]
    struct Http;

    #[doc = include_str!("../../../docs/connectors/lines.md")]
    struct Lines;

    #[doc = include_str!("../../../docs/connectors/ndjson.md")]
    struct Ndjson;

    #[doc = include_str!("../../../docs/connectors/ndjson-sink.md")]
    struct NdjsonSink;

    #[doc = include_str!("../../../docs/connectors/parquet.md")]
    struct Parquet;

    #[doc = include_str!("../../../docs/connectors/postgres.md")]
    struct Postgres;

    #[doc = include_str!("../../../docs/connectors/rejects.md")]
    struct Rejects;

    #[doc = include_str!("../../../docs/connectors/socket.md")]
    struct Socket;

    #[doc = include_str!("../../../docs/connectors/sqlite.md")]
    struct Sqlite;
}
