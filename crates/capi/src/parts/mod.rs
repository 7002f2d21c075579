//! Ready-made sources and sinks, by the scheme of their URL.

#[cfg(feature = "connect")]
mod connected;
#[cfg(feature = "connect")]
mod loaded;
#[cfg(feature = "connect")]
mod record;

#[cfg(any(feature = "arrow", feature = "parquet"))]
mod arrow;
#[cfg(feature = "csv")]
mod csv;
#[cfg(any(feature = "arrow", feature = "parquet"))]
mod declared;
#[cfg(any(feature = "csv", feature = "ndjson"))]
mod files;
#[cfg(feature = "lines")]
mod lines;
#[cfg(feature = "ndjson")]
mod ndjson;
#[cfg(any(feature = "http", feature = "socket"))]
mod network;
#[cfg(feature = "parquet")]
mod parquet;
#[cfg(feature = "postgres-common")]
mod postgres;
#[cfg(feature = "sqlite")]
mod sqlite;
#[cfg(any(feature = "postgres-common", feature = "sqlite"))]
mod table;
#[cfg(any(feature = "csv", feature = "lines", feature = "ndjson"))]
mod text;

use crate::plan::Column;
use crate::sink::Sink;
use crate::source::Input;
use crate::url::Url;
use engine::{CancelToken, Error, ErrorKind, Result};

/// Opens what the path names: a file, a directory, or where there is none, the files of a pattern.
#[cfg(any(feature = "arrow", feature = "parquet"))]
macro_rules! opened_path {
    ($source:ty, $path:expr) => {{
        let place = std::path::Path::new($path);
        if place.is_dir() {
            <$source>::open_directory(place)
        } else if $path.contains(['*', '?', '[']) && !place.exists() {
            <$source>::open_glob($path)
        } else {
            <$source>::open(place)
        }
    }};
}
#[cfg(any(feature = "arrow", feature = "parquet"))]
use opened_path;

/// The settings that make several files of an output.
#[cfg(any(feature = "arrow", feature = "parquet"))]
macro_rules! rolled {
    ($sink:ident, $settings:ident) => {
        if let Some(bytes) = $settings.number("roll_bytes")? {
            $sink = $sink.roll_bytes(bytes as u64);
        }
        if let Some(rows) = $settings.number("roll_rows")? {
            $sink = $sink.roll_rows(rows as u64);
        }
    };
}
#[cfg(any(feature = "arrow", feature = "parquet"))]
use rolled;

/// How long a peer that has stopped answering is waited for once the run is cancelled.
#[cfg(any(feature = "http", feature = "postgres-common", feature = "socket"))]
const GRACE: std::time::Duration = std::time::Duration::from_secs(2);

/// What is to be opened, and for what.
pub(crate) struct Ask<'a> {
    pub(crate) url: &'a Url,
    /// The columns that are wanted of a source (none: all), or that a sink gets.
    pub(crate) columns: &'a [Column],
    /// What ends the run, for ends that wait.
    pub(crate) cancel: &'a CancelToken,
}

/// A source with columns, opened.
pub(crate) struct Opened {
    pub(crate) input: Box<dyn Input>,
    /// Its columns, in order; of a source without a schema those that were asked for.
    pub(crate) columns: Vec<Column>,
}

type OpenSource = fn(&Ask<'_>) -> Result<Opened>;
type OpenSink = fn(&Ask<'_>) -> Result<Sink>;

/// What a scheme stands for.
struct Plug {
    scheme: &'static str,
    feature: &'static str,
    built: bool,
    source: Option<OpenSource>,
    sink: Option<OpenSink>,
}

macro_rules! plugs {
    ($($scheme:literal, $feature:literal, if $built:literal: $source:expr, $sink:expr;)*) => {
        const PLUGS: &[Plug] = &[$(
            #[cfg(feature = $built)]
            Plug {
                scheme: $scheme,
                feature: $feature,
                built: true,
                source: $source,
                sink: $sink,
            },
            #[cfg(not(feature = $built))]
            Plug { scheme: $scheme, feature: $feature, built: false, source: None, sink: None },
        )*];
    };
}

plugs! {
    "csv", "csv", if "csv": Some(csv::source), Some(csv::sink);
    "ndjson", "ndjson", if "ndjson": Some(ndjson::source), Some(ndjson::sink);
    "lines", "lines", if "lines": Some(lines::source), None;
    "parquet", "parquet", if "parquet": Some(parquet::source), Some(parquet::sink);
    "arrow", "arrow", if "arrow": Some(arrow::source), Some(arrow::sink);
    "sqlite", "sqlite", if "sqlite": Some(sqlite::source), Some(sqlite::sink);
    "postgresql", "postgres", if "postgres-common": Some(postgres::source), Some(postgres::sink);
    "postgres", "postgres", if "postgres-common": Some(postgres::source), Some(postgres::sink);
}

/// Opens a source.
pub(crate) fn source(ask: &Ask<'_>) -> Result<Opened> {
    let scheme = ask.url.scheme.as_str();
    match find(scheme).and_then(|plug| plug.source) {
        Some(open) => named(ask, "source").and_then(|()| open(ask)),
        None => Err(unknown(scheme, "source", |plug| plug.source.is_some())),
    }
}

/// Opens a sink.
pub(crate) fn sink(ask: &Ask<'_>) -> Result<Sink> {
    let scheme = ask.url.scheme.as_str();
    match find(scheme).and_then(|plug| plug.sink) {
        Some(open) => named(ask, "sink").and_then(|()| open(ask)),
        None => Err(unknown(scheme, "sink", |plug| plug.sink.is_some())),
    }
}

/// Refuses a URL without a path; databases on a server may have all in their settings.
fn named(ask: &Ask<'_>, part: &str) -> Result<()> {
    let Url { scheme, path, .. } = ask.url;
    match path.is_empty() && !scheme.starts_with("postgres") {
        false => Ok(()),
        true => Err(Error::config(format!(
            "path: the {part} `{scheme}:` names no file: write {scheme}:PATH, or set `{part}.path`"
        ))),
    }
}

fn find(scheme: &str) -> Option<&'static Plug> {
    PLUGS.iter().find(|plug| plug.scheme == scheme)
}

/// The error that a scheme can't be used, and which ones can.
#[cold]
fn unknown(scheme: &str, what: &str, usable: fn(&Plug) -> bool) -> Error {
    let names: Vec<_> = PLUGS.iter().filter(|plug| usable(plug)).map(|plug| plug.scheme).collect();
    let there_are = match names.is_empty() {
        true => format!("this library was built without any {what}"),
        false => format!("{what}s are {}", names.join(", ")),
    };
    let why = match (find(scheme), scheme) {
        (Some(plug), _) if !plug.built => {
            format!("this library was built without the feature `{}`", plug.feature)
        }
        (Some(_), _) => "that goes the other way only".to_owned(),
        (None, "http" | "https" | "tcp" | "unix") => {
            format!("say what comes over it, as in csv:{scheme}:… or ndjson:{scheme}:…")
        }
        (None, _) => "there is no such scheme".to_owned(),
    };
    Error::new(ErrorKind::Unsupported, format!("url: no {what} `{scheme}:`: {why}; {there_are}"))
}
