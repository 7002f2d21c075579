//! `ndjson:PATH`, both ways.

use super::connected::{Cell, Cells, Decode};
use super::loaded::loaded;
use super::record::Layout;
use super::text::{self, Format};
use super::{Ask, Opened, files};
use crate::plan::{Column, Kind};
use crate::sink;
use engine::{Bump, Error, Result};
use trommel_connect::ndjson::{Batch, Builder, Duplicates, Row, Sink, Source};

/// Opens a source. It has no columns of its own: they are the paths that are asked for.
pub(super) fn source(ask: &Ask<'_>) -> Result<Opened> {
    let mut settings = ask.url.settings();
    let mut builder = Source::builder();
    if let Some(on) = settings.flag("array")? {
        builder = builder.array(on);
    }
    let duplicates = settings.read("duplicates", "first, last or reject", |text| match text {
        "first" => Some(Duplicates::First),
        "last" => Some(Duplicates::Last),
        "reject" => Some(Duplicates::Reject),
        _ => None,
    })?;
    if let Some(duplicates) = duplicates {
        builder = builder.duplicates(duplicates);
    }
    if let Some(bytes) = settings.number("block_size")? {
        builder = builder.block_size(bytes);
    }
    if let Some(compression) = text::compression(&mut settings)? {
        builder = builder.compression(compression);
    }
    text::open(builder, ask, settings)
}

impl Format for Builder {
    text::opened_by_builder!(Source);

    fn columns(_: &Source, wanted: &[Column]) -> Result<(Vec<String>, Vec<Column>)> {
        if wanted.is_empty() {
            return Err(Error::config(
                "column: JSON has no header: say which keys are read with trommel_pipeline_column, \
                 as `id` or `home.phones[0]`",
            ));
        }
        let mut paths: Vec<String> = Vec::new();
        for column in wanted {
            // The same key may be read twice, under two names.
            if !paths.contains(&column.from) {
                paths.push(column.from.clone());
            }
        }
        let columns = paths.iter().map(|path| Column::of(path, Kind::Any)).collect();
        Ok((paths, columns))
    }
}

impl Decode for Batch {
    type Shape = Vec<String>;

    #[inline]
    fn read(
        row: &Row<'_>,
        paths: &Vec<String>,
        (index, kind): (usize, Kind),
        arena: &Bump,
        cells: &mut impl Cells,
    ) -> Result<()> {
        let path = paths[index].as_str();
        cells.put(match kind {
            Kind::Integer => row.get::<Option<i64>>(path)?.into(),
            Kind::Real => row.get::<Option<f64>>(path)?.into(),
            Kind::Boolean => row.get::<Option<bool>>(path)?.into(),
            Kind::Any | Kind::Text | Kind::Blob => match row.find(path)? {
                None | Some("null") => Cell::Null,
                Some(found) => written(row, path, found, kind, arena)?,
            },
        })
    }
}

/// A value as it is written: strings without their quotes, nested ones as JSON.
fn written<'a>(
    row: &Row<'a>,
    path: &str,
    found: &'a str,
    kind: Kind,
    arena: &'a Bump,
) -> Result<Cell<'a>> {
    if kind == Kind::Any {
        match found.as_bytes().first() {
            Some(b't' | b'f') => return Ok(Cell::Integer(i64::from(row.get::<bool>(path)?))),
            Some(b'-' | b'0'..=b'9') => {
                let fraction = found.contains(['.', 'e', 'E']);
                return Ok(match fraction {
                    true => Cell::Real(row.get(path)?),
                    false => Cell::Integer(row.get(path)?),
                });
            }
            _ => {}
        }
    }
    let text = match found.strip_prefix('"').and_then(|rest| rest.strip_suffix('"')) {
        None => found,
        Some(plain) if !plain.contains('\\') => plain,
        Some(_) => arena.alloc_str(&row.get::<String>(path)?),
    };
    Ok(match kind {
        Kind::Blob => Cell::Blob(text.as_bytes()),
        _ => Cell::Text(text),
    })
}

/// Opens a sink: a file, or whoever takes JSON lines over a network.
pub(super) fn sink(ask: &Ask<'_>) -> Result<sink::Sink> {
    let path = ask.url.path.as_str();
    match path.split_once(':').map(|(transport, _)| transport) {
        Some("http" | "https") => return post(ask),
        Some("tcp" | "unix") => return send(ask),
        _ => {}
    }
    let mut settings = ask.url.settings();
    let mut sink = match path {
        "-" => Sink::stdout(),
        path => Sink::create(path)?,
    };
    files::file_settings!(sink, settings);
    settings.end()?;
    Ok(loaded(sink, Layout::by_name(ask.columns)))
}

#[cfg(feature = "http")]
fn post(ask: &Ask<'_>) -> Result<sink::Sink> {
    let mut settings = ask.url.settings();
    let mut post = trommel_connect::http::post(&ask.url.path).cancel_with(ask.cancel, super::GRACE);
    super::network::http_settings!(post, settings);
    if let Some(connections) = settings.number("connections")? {
        post = post.connections(connections);
    }
    if let Some(rows) = settings.number("rows_per_request")? {
        post = post.rows_per_request(rows);
    }
    if let Some(bytes) = settings.number("max_body_bytes")? {
        post = post.max_body_bytes(bytes);
    }
    if let Some(on) = settings.flag("reject_refused")? {
        post = post.reject_refused(on);
    }
    if let Some(path) = settings.take("checkpoints") {
        post = post.checkpoints(path);
    }
    settings.end()?;
    Ok(loaded(post.ndjson(), Layout::by_name(ask.columns)))
}

#[cfg(not(feature = "http"))]
fn post(ask: &Ask<'_>) -> Result<sink::Sink> {
    Err(text::without("http", &ask.url.path))
}

#[cfg(feature = "socket")]
fn send(ask: &Ask<'_>) -> Result<sink::Sink> {
    let mut settings = ask.url.settings();
    let mut socket = super::network::socket(ask, &mut settings)?;
    if let Some(timeout) = settings.millis("write_timeout_ms")? {
        socket = socket.write_timeout(timeout);
    }
    if let Some(timeout) = settings.millis("close_timeout_ms")? {
        socket = socket.close_timeout(timeout);
    }
    if let Some(on) = settings.flag("reconnect")? {
        socket = socket.reconnect(on);
    }
    settings.end()?;
    Ok(loaded(super::network::JsonLines(socket.sink()), Layout::by_name(ask.columns)))
}

#[cfg(not(feature = "socket"))]
fn send(ask: &Ask<'_>) -> Result<sink::Sink> {
    Err(text::without("socket", &ask.url.path))
}
