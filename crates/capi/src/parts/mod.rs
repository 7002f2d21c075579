//! Ready-made sources and sinks, by the scheme of their URL.

#[cfg(feature = "csv")]
mod csv;
#[cfg(feature = "sqlite")]
mod sqlite;

use crate::plan::Column;
use crate::sink::Output;
use crate::source::Input;
use crate::url::Url;
use engine::{Error, ErrorKind, Result};

/// A source with columns, opened.
#[cfg_attr(not(feature = "csv"), expect(dead_code, reason = "no source with columns"))]
pub(crate) struct Opened {
    pub(crate) input: Box<dyn Input>,
    /// The names of its columns, in order.
    pub(crate) names: Vec<String>,
}

/// Opens the source that a URL names.
pub(crate) fn source(url: &Url) -> Result<Opened> {
    match url.scheme.as_str() {
        #[cfg(feature = "csv")]
        "csv" => csv::open(url),
        scheme => Err(unknown("source", scheme, &[("csv", cfg!(feature = "csv"))])),
    }
}

/// Opens the sink that a URL names, for rows of these columns.
pub(crate) fn sink(url: &Url, columns: &[Column]) -> Result<Box<dyn Output>> {
    match url.scheme.as_str() {
        #[cfg(feature = "sqlite")]
        "sqlite" => sqlite::open(url, columns),
        scheme => {
            let _ = columns;
            Err(unknown("sink", scheme, &[("sqlite", cfg!(feature = "sqlite"))]))
        }
    }
}

fn unknown(what: &str, scheme: &str, known: &[(&str, bool)]) -> Error {
    let names: Vec<_> = known.iter().filter(|(_, built)| *built).map(|(name, _)| *name).collect();
    let built = if names.is_empty() { "none".to_owned() } else { names.join(", ") };
    let message = format!("url: no {what} `{scheme}:` is built in; there is {built}");
    Error::new(ErrorKind::Unsupported, message)
}
