//! Where text formats read from: files, standard input, and what comes over a network.

use super::connected::{Decode, opened};
use super::{Ask, Opened};
use crate::plan::Column;
use crate::url::Settings;
use engine::{Result, Source};
use std::io::Read;
use std::path::Path;
use trommel_connect::input::Compression;

/// What is known of a source's columns from the start.
pub(super) type ShapeOf<S> = <<S as Source>::Batch as Decode>::Shape;

/// A text format, its options set.
pub(super) trait Format: Sized {
    type Source: Source<Batch: Decode> + 'static;

    fn file(self, path: &Path) -> Result<Self::Source>;
    fn files(self, pattern: &str) -> Result<Self::Source>;
    fn directory(self, path: &Path) -> Result<Self::Source>;
    fn reader(self, name: String, reader: impl Read + Send + 'static) -> Result<Self::Source>;
    /// What is known of the columns of a source, given those that are wanted.
    fn columns(
        source: &Self::Source,
        wanted: &[Column],
    ) -> Result<(ShapeOf<Self::Source>, Vec<Column>)>;
}

/// The ways in of a format whose connector has a builder.
#[cfg(any(feature = "csv", feature = "ndjson"))]
macro_rules! opened_by_builder {
    ($source:ty) => {
        type Source = $source;

        fn file(self, path: &std::path::Path) -> Result<$source> {
            self.open(path)
        }

        fn files(self, pattern: &str) -> Result<$source> {
            self.open_glob(pattern)
        }

        fn directory(self, path: &std::path::Path) -> Result<$source> {
            self.open_directory(path)
        }

        fn reader(
            self,
            name: String,
            reader: impl std::io::Read + Send + 'static,
        ) -> Result<$source> {
            self.from_reader(name, reader)
        }
    };
}
#[cfg(any(feature = "csv", feature = "ndjson"))]
pub(super) use opened_by_builder;

/// The setting `compression`.
pub(super) fn compression(settings: &mut Settings) -> Result<Option<Compression>> {
    settings.read("compression", "auto, none, gzip, zstd, bzip2, lz4 or xz", |text| {
        Some(match text {
            "auto" => Compression::Auto,
            "none" => Compression::None,
            "gzip" => Compression::GZIP,
            "zstd" => Compression::ZSTD,
            "bzip2" => Compression::Bzip2,
            "lz4" => Compression::Lz4,
            "xz" => Compression::Xz,
            _ => return None,
        })
    })
}

/// Opens what the path names; takes the settings that the way there has.
pub(super) fn open<F: Format>(format: F, ask: &Ask<'_>, settings: Settings) -> Result<Opened> {
    let path = ask.url.path.as_str();
    match path.split_once(':').map(|(transport, _)| transport) {
        Some("http" | "https") => return http(format, ask, settings),
        Some("tcp" | "unix") => return socket(format, ask, settings),
        _ => {}
    }
    settings.end()?;
    let place = Path::new(path);
    let source = if path == "-" {
        format.reader("standard input".to_owned(), std::io::stdin())?
    } else if place.is_dir() {
        format.directory(place)?
    } else if path.contains(['*', '?', '[']) && !place.exists() {
        // A file that is there is meant, whatever is in its name.
        format.files(path)?
    } else {
        format.file(place)?
    };
    let (shape, columns) = F::columns(&source, ask.columns)?;
    Ok(opened(source, shape, columns))
}

#[cfg(feature = "http")]
fn http<F: Format>(format: F, ask: &Ask<'_>, mut settings: Settings) -> Result<Opened> {
    let mut get = trommel_connect::http::get(&ask.url.path).cancel_with(ask.cancel, super::GRACE);
    super::network::http_settings!(get, settings);
    settings.end()?;
    let source = get.source(|name, body| format.reader(name, body))?;
    let (shape, columns) = F::columns(source.get_ref(), ask.columns)?;
    Ok(opened(source, shape, columns))
}

#[cfg(feature = "socket")]
fn socket<F: Format>(format: F, ask: &Ask<'_>, mut settings: Settings) -> Result<Opened> {
    let mut socket = super::network::socket(ask, &mut settings)?;
    let listens = settings.flag("listen")?.unwrap_or(false);
    if let Some(peers) = settings.number("peers")? {
        socket = socket.peers(peers);
    }
    if let Some(on) = settings.flag("lenient_eof")? {
        socket = socket.lenient_eof(on);
    }
    if let Some(bytes) = settings.number("max_line_bytes")? {
        socket = socket.max_line_bytes(bytes);
    }
    if let Some(timeout) = settings.millis("idle_timeout_ms")? {
        socket = socket.idle_timeout(timeout);
    }
    settings.end()?;
    let source = match listens {
        true => socket.listen()?.source(|name, reader| format.reader(name, reader))?,
        false => socket.source(|name, reader| format.reader(name, reader))?,
    };
    let (shape, columns) = F::columns(source.get_ref(), ask.columns)?;
    Ok(opened(source, shape, columns))
}

#[cfg(not(feature = "http"))]
fn http<F: Format>(_: F, ask: &Ask<'_>, _: Settings) -> Result<Opened> {
    Err(without("http", &ask.url.path))
}

#[cfg(not(feature = "socket"))]
fn socket<F: Format>(_: F, ask: &Ask<'_>, _: Settings) -> Result<Opened> {
    Err(without("socket", &ask.url.path))
}

/// The error that a path needs a feature that is not there.
#[cfg(not(all(feature = "http", feature = "socket")))]
pub(super) fn without(feature: &str, path: &str) -> engine::Error {
    let transport = path.split(':').next().unwrap_or_default();
    let message =
        format!("url: `{transport}:` needs the feature `{feature}`, which this library lacks");
    engine::Error::new(engine::ErrorKind::Unsupported, message)
}
