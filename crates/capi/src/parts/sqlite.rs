//! `sqlite:PATH`: queries and tables, tables.

use super::connected::{Cell, Cells, Decode, opened, written};
use super::loaded::loaded;
use super::record::Layout;
use super::table::{Mode, table_settings};
use super::{Ask, Opened};
use crate::plan::{Column, Kind};
use crate::sink;
use engine::{Bump, Error, Result};
use trommel_connect::sqlite::{Durability, Sink, Source, Table};
use trommel_connect::table::{Batch, Row, Value};

/// Opens a query or a table.
pub(super) fn source(ask: &Ask<'_>) -> Result<Opened> {
    let mut settings = ask.url.settings();
    let (query, table) = (settings.take("query"), settings.take("table"));
    let key = settings.take("key");
    settings.end()?;
    let path = &ask.url.path;
    let mut source = match (query, table) {
        (Some(query), None) => Source::query(path, query)?,
        (None, Some(table)) => Source::table(path, &table)?,
        _ => return Err(Error::config("query: give a query or a table, one of them")),
    };
    if let Some(key) = key {
        source = source.key(&key)?;
    }
    // A column of SQLite may hold values of any type.
    let columns = source.names().map(|name| Column::of(name, Kind::Any)).collect();
    Ok(opened(source, (), columns))
}

impl Decode for Batch {
    type Shape = ();

    #[inline]
    fn read(
        row: &Row<'_>,
        (): &(),
        (index, kind): (usize, Kind),
        arena: &Bump,
        cells: &mut impl Cells,
    ) -> Result<()> {
        cells.put(match kind {
            Kind::Any => match row.get::<Value<'_>>(index)? {
                Value::Null => Cell::Null,
                Value::Int(number) => Cell::Integer(number),
                Value::Float(number) => Cell::Real(number),
                Value::Text(text) => Cell::Text(text),
                Value::Blob(bytes) => Cell::Blob(bytes),
            },
            Kind::Text => match row.get::<Value<'_>>(index)? {
                Value::Null => Cell::Null,
                Value::Int(number) => written(arena, format_args!("{number}")),
                Value::Float(number) => written(arena, format_args!("{number:?}")),
                _ => Cell::Text(row.get::<&str>(index)?),
            },
            Kind::Blob => row.get::<Option<&[u8]>>(index)?.into(),
            Kind::Integer => row.get::<Option<i64>>(index)?.into(),
            Kind::Real => row.get::<Option<f64>>(index)?.into(),
            Kind::Boolean => row.get::<Option<bool>>(index)?.into(),
        })
    }
}

/// Opens, or makes, a database.
pub(super) fn sink(ask: &Ask<'_>) -> Result<sink::Sink> {
    let mut settings = ask.url.settings();
    let name = super::table::name(&mut settings)?;
    let durability = settings.read("durability", "full, normal or off", |text| match text {
        "full" => Some(Durability::Full),
        "normal" => Some(Durability::Normal),
        "off" => Some(Durability::Off),
        _ => None,
    })?;
    let strict = settings.flag("strict")?.unwrap_or(false);
    let wal = settings.flag("wal")?.unwrap_or(false);
    let busy_timeout = settings.millis("busy_timeout_ms")?;
    let cache_bytes = settings.number("cache_bytes")?;

    let mut database = Sink::create(&ask.url.path)?;
    if let Some(durability) = durability {
        database = database.durability(durability);
    }
    if let Some(timeout) = busy_timeout {
        database = database.busy_timeout(timeout);
    }
    if let Some(bytes) = cache_bytes {
        database = database.cache_bytes(bytes);
    }
    if wal {
        database = database.wal();
    }
    let mut table: Table<()> = database.table(name);
    table_settings!(table, settings);
    settings.end()?;
    if strict {
        table = table.strict();
    }
    for column in ask.columns {
        let own = match column.kind {
            Kind::Any => "",
            Kind::Text => "TEXT",
            Kind::Integer => "INTEGER",
            Kind::Real => "REAL",
            Kind::Boolean if strict => "INTEGER",
            Kind::Boolean => "BOOLEAN",
            Kind::Blob => "BLOB",
        };
        table = table.column(&column.to, column.declared_or(own));
    }
    Ok(loaded(table, Layout::by_place(ask.columns)))
}
