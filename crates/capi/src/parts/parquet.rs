//! `parquet:PATH`, both ways.

use super::arrow::columns;
use super::connected::opened;
use super::declared::{declare, layout};
use super::loaded::loaded;
use super::{Ask, Opened};
use crate::sink;
use engine::Result;
use trommel_connect::parquet::{Compression, Sink, Source, Statistics};

/// Opens a file, or the files of a directory or pattern; only the columns that are wanted are read.
pub(super) fn source(ask: &Ask<'_>) -> Result<Opened> {
    ask.url.settings().end()?;
    let mut source = super::opened_path!(Source, &ask.url.path)?;
    let by_name = |name: &str| source.schema().field_with_name(name).is_ok();
    if !ask.columns.is_empty() && ask.columns.iter().all(|column| by_name(&column.from)) {
        source = source.columns(ask.columns.iter().map(|column| column.from.as_str()))?;
    }
    let (shape, columns) = columns(source.schema(), ask.columns)?;
    Ok(opened(source, shape, columns))
}

/// Opens a file to be written; of a resumable run, a directory of parts.
pub(super) fn sink(ask: &Ask<'_>) -> Result<sink::Sink> {
    let mut settings = ask.url.settings();
    let mut sink = Sink::create(&ask.url.path);
    let level = settings.number("level")?;
    let compression = settings.read("compression", "none, snappy or zstd", |text| match text {
        "none" => Some(Compression::None),
        "snappy" => Some(Compression::Snappy),
        "zstd" => Some(Compression::default()),
        _ => None,
    })?;
    let level = level.map(|level| Compression::Zstd(i32::try_from(level).unwrap_or(i32::MAX)));
    if let Some(compression) = level.or(compression) {
        sink = sink.compression(compression);
    }
    let statistics = settings.read("statistics", "none, row_group or page", |text| match text {
        "none" => Some(Statistics::None),
        "row_group" => Some(Statistics::RowGroup),
        "page" => Some(Statistics::Page),
        _ => None,
    })?;
    if let Some(statistics) = statistics {
        sink = sink.statistics(statistics);
    }
    if let Some(rows) = settings.number("row_group_rows")? {
        sink = sink.row_group_rows(rows);
    }
    if let Some(rows) = settings.number("part_rows")? {
        sink = sink.part_rows(rows);
    }
    super::rolled!(sink, settings);
    settings.end()?;
    declare!(sink, ask);
    Ok(loaded(sink, layout(ask.columns)))
}
