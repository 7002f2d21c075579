//! `csv:PATH`, both ways.

use super::connected::{Cell, Cells, Decode};
use super::loaded::loaded;
use super::record::Layout;
use super::text::{self, Format};
use super::{Ask, Opened, files};
use crate::plan::{Column, Kind};
use crate::sink;
use engine::{Bump, Error, Result};
use trommel_connect::csv::{Batch, Builder, QuoteStyle, Row, Sink, Source, Trim};

/// Opens a source.
pub(super) fn source(ask: &Ask<'_>) -> Result<Opened> {
    let mut settings = ask.url.settings();
    let mut builder = Source::builder();
    let delimiter = settings.byte("delimiter")?;
    if let Some(byte) = delimiter {
        builder = builder.delimiter(byte);
    }
    if let Some(byte) = settings.byte("quote")? {
        builder = builder.quote(byte);
    }
    if let Some(byte) = settings.byte("escape")? {
        builder = builder.escape(byte);
    }
    if let Some(byte) = settings.byte("comment")? {
        builder = builder.comment(byte);
    }
    if let Some(on) = settings.flag("quoting")? {
        builder = builder.quoting(on);
    }
    if let Some(on) = settings.flag("double_quote")? {
        builder = builder.double_quote(on);
    }
    if let Some(on) = settings.flag("has_headers")? {
        builder = builder.has_headers(on);
    }
    if let Some(names) = settings.list("headers") {
        builder = builder.headers(names);
    }
    if let Some(nulls) = settings.list("nulls") {
        builder = builder.nulls(nulls);
    }
    if let Some(on) = settings.flag("flexible")? {
        builder = builder.flexible(on);
    }
    if let Some(on) = settings.flag("lenient_eof")? {
        builder = builder.lenient_eof(on);
    }
    if let Some(bytes) = settings.number("block_size")? {
        builder = builder.block_size(bytes);
    }
    let trim = settings.read("trim", "none, headers, fields or all", |text| match text {
        "none" => Some(Trim::None),
        "headers" => Some(Trim::Headers),
        "fields" => Some(Trim::Fields),
        "all" => Some(Trim::All),
        _ => None,
    })?;
    if let Some(trim) = trim {
        builder = builder.trim(trim);
    }
    if let Some(compression) = text::compression(&mut settings)? {
        builder = builder.compression(compression);
    }
    let opened = text::open(builder, ask, settings)?;
    if let ([only], None) = (&*opened.columns, delimiter) {
        check_delimiter(ask, &only.from)?;
    }
    Ok(opened)
}

/// Refuses to take a header for one column that looks like several: all would be loaded as it, unseen.
fn check_delimiter(ask: &Ask<'_>, name: &str) -> Result<()> {
    match name.chars().find(|sign| matches!(sign, ';' | '\t' | '|')) {
        None => Ok(()),
        Some(other) => Err(Error::config(format!(
            "delimiter: the header of {} is one name, `{name}`: set it to `{}`, or to `,` if that is \
             its name",
            ask.url.called(),
            other.escape_default()
        ))),
    }
}

impl Format for Builder {
    text::opened_by_builder!(Source);

    fn columns(source: &Source, _: &[Column]) -> Result<((), Vec<Column>)> {
        Ok(((), source.headers().map(|name| Column::of(name, Kind::Text)).collect()))
    }
}

impl Decode for Batch {
    type Shape = ();

    // A call of its own takes a third of what it does, and what a cell is is known where it is put.
    #[inline(always)]
    fn read(
        row: &Row<'_>,
        (): &(),
        (index, kind): (usize, Kind),
        _: &Bump,
        cells: &mut impl Cells,
    ) -> Result<()> {
        match kind {
            Kind::Any | Kind::Text => cells.put(row.get::<Option<&str>>(index)?.into()),
            Kind::Blob if row.is_null(index)? => cells.put(Cell::Null),
            Kind::Blob => cells.put(Cell::Blob(row.bytes(index)?)),
            Kind::Integer => cells.put(row.get::<Option<i64>>(index)?.into()),
            Kind::Real => cells.put(row.get::<Option<f64>>(index)?.into()),
            Kind::Boolean => cells.put(row.get::<Option<bool>>(index)?.into()),
        }
    }
}

/// Opens a sink.
pub(super) fn sink(ask: &Ask<'_>) -> Result<sink::Sink> {
    let mut settings = ask.url.settings();
    let mut sink = match ask.url.path.as_str() {
        "-" => Sink::stdout(),
        path => Sink::create(path)?,
    };
    files::file_settings!(sink, settings);
    if let Some(byte) = settings.byte("delimiter")? {
        sink = sink.delimiter(byte);
    }
    if let Some(byte) = settings.byte("quote")? {
        sink = sink.quote(byte);
    }
    let style = settings.read("quotes", "necessary, always or non_numeric", |text| match text {
        "necessary" => Some(QuoteStyle::Necessary),
        "always" => Some(QuoteStyle::Always),
        "non_numeric" => Some(QuoteStyle::NonNumeric),
        _ => None,
    })?;
    if let Some(style) = style {
        sink = sink.quote_style(style);
    }
    if let Some(null) = settings.take("null") {
        sink = sink.null(null);
    }
    if let Some(on) = settings.flag("header")? {
        sink = sink.header(on);
    }
    if settings.flag("crlf")?.unwrap_or(false) {
        sink = sink.crlf();
    }
    settings.end()?;
    let names = ask.columns.iter().map(|column| column.to.as_str());
    Ok(loaded(sink.columns(names), Layout::by_place(ask.columns)))
}
