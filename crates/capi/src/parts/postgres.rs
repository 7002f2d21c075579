//! `postgresql:…`: queries and tables, tables.

use super::connected::{Cell, Cells, Decode, opened};
use super::loaded::loaded;
use super::record::Layout;
use super::table::{Mode, table_settings};
use super::{Ask, Opened};
use crate::plan::{Column, Kind};
use crate::sink;
use crate::url::Settings;
use engine::{Bump, Error, Result};
use serde::Deserialize;
use serde::de::{Deserializer, Visitor};
use std::borrow::Cow;
use std::fmt;
use trommel_connect::postgres::{Batch, Row, Sink, Source, Table};

/// What libpq takes; each may be a setting.
const KEYWORDS: &[&str] = &[
    "host",
    "hostaddr",
    "port",
    "dbname",
    "user",
    "password",
    "passfile",
    "service",
    "options",
    "application_name",
    "connect_timeout",
    "client_encoding",
    "target_session_attrs",
    "keepalives",
    "keepalives_idle",
    "keepalives_interval",
    "tcp_user_timeout",
    "sslmode",
    "sslrootcert",
    "sslcert",
    "sslkey",
    "krbsrvname",
];

/// The connection string: `//user@host:port/database`, or `host=… dbname=…`.
fn conninfo(ask: &Ask<'_>, settings: &mut Settings) -> String {
    let address = ask.url.as_written.as_str();
    let is_uri = address.starts_with("//");
    let mut conninfo = match is_uri {
        true => format!("postgresql:{address}"),
        false => address.to_owned(),
    };
    let mut between = '?';
    for keyword in KEYWORDS {
        let Some(value) = settings.take(keyword) else { continue };
        if is_uri {
            conninfo.push(between);
            between = '&';
            conninfo.push_str(&format!("{keyword}="));
            for byte in value.bytes() {
                match byte.is_ascii_alphanumeric() || b"-._~/".contains(&byte) {
                    true => conninfo.push(char::from(byte)),
                    false => conninfo.push_str(&format!("%{byte:02X}")),
                }
            }
        } else {
            let value = value.replace('\\', "\\\\").replace('\'', "\\'");
            conninfo.push_str(&format!(" {keyword}='{value}'"));
        }
    }
    conninfo
}

/// Opens a query or a table.
pub(super) fn source(ask: &Ask<'_>) -> Result<Opened> {
    let mut settings = ask.url.settings();
    let (query, table) = (settings.take("query"), settings.take("table"));
    let key = settings.take("key");
    let timeout = settings.millis("timeout_ms")?;
    let conninfo = conninfo(ask, &mut settings);
    settings.end()?;
    let query = match (query, table) {
        (Some(query), None) => query,
        (None, Some(table)) => {
            let parts = table.split('.').map(|part| format!("\"{}\"", part.replace('"', "\"\"")));
            format!("SELECT * FROM {}", parts.collect::<Vec<_>>().join("."))
        }
        _ => return Err(Error::config("query: give a query or a table, one of them")),
    };
    let mut source = Source::query(&conninfo, query)?;
    if let Some(key) = key {
        source = source.key(key);
    }
    if let Some(timeout) = timeout {
        source = source.timeout(timeout);
    }
    let columns: Vec<_> = source.columns().map(|(name, kind)| Column::of(name, of(kind))).collect();
    let kinds = columns.iter().map(|column| column.kind).collect();
    Ok(opened(source, kinds, columns))
}

/// How values of a type are read unless something else is asked for.
fn of(kind: &str) -> Kind {
    match kind {
        "smallint" | "integer" | "bigint" | "oid" => Kind::Integer,
        "real" | "double precision" => Kind::Real,
        "boolean" => Kind::Boolean,
        "bytea" => Kind::Blob,
        _ => Kind::Text,
    }
}

impl Decode for Batch {
    /// The kind of each column as the server has it.
    type Shape = Vec<Kind>;

    fn read(
        row: &Row<'_>,
        kinds: &Vec<Kind>,
        (index, kind): (usize, Kind),
        arena: &Bump,
        cells: &mut impl Cells,
    ) -> Result<()> {
        let kind = match kind {
            Kind::Any => kinds.get(index).copied().unwrap_or(Kind::Text),
            kind => kind,
        };
        cells.put(match kind {
            Kind::Integer => row.at::<Option<i64>>(index)?.into(),
            Kind::Real => row.at::<Option<f64>>(index)?.into(),
            Kind::Boolean => row.at::<Option<bool>>(index)?.into(),
            Kind::Blob => row.at::<Option<&[u8]>>(index)?.into(),
            Kind::Text | Kind::Any => match row.at::<Option<Text<'_>>>(index)? {
                Some(Text(Cow::Borrowed(text))) => Cell::Text(text),
                Some(Text(Cow::Owned(text))) => Cell::Text(arena.alloc_str(&text)),
                None => Cell::Null,
            },
        })
    }
}

/// A text that is borrowed where it can be.
struct Text<'a>(Cow<'a, str>);

impl<'de> Deserialize<'de> for Text<'de> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> std::result::Result<Self, D::Error> {
        struct Any;
        impl<'de> Visitor<'de> for Any {
            type Value = Text<'de>;
            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a text")
            }
            fn visit_borrowed_str<E>(self, text: &'de str) -> std::result::Result<Text<'de>, E> {
                Ok(Text(Cow::Borrowed(text)))
            }
            fn visit_str<E>(self, text: &str) -> std::result::Result<Text<'de>, E> {
                Ok(Text(Cow::Owned(text.to_owned())))
            }
            fn visit_string<E>(self, text: String) -> std::result::Result<Text<'de>, E> {
                Ok(Text(Cow::Owned(text)))
            }
        }
        deserializer.deserialize_str(Any)
    }
}

/// Connects to a database.
pub(super) fn sink(ask: &Ask<'_>) -> Result<sink::Sink> {
    let mut settings = ask.url.settings();
    let name = super::table::name(&mut settings)?;
    let timeout = settings.millis("timeout_ms")?;
    let conninfo = conninfo(ask, &mut settings);
    // Checked before there is a connection.
    let mut rest = settings.clone();
    for key in ["mode", "key", "commit_rows", "commit_bytes", "commit_interval_ms"] {
        rest.take(key);
    }
    rest.end()?;
    let mut database = Sink::connect(&conninfo)?.cancel_with(ask.cancel, super::GRACE);
    if let Some(timeout) = timeout {
        database = database.timeout(timeout);
    }
    let mut table: Table<()> = database.table(name);
    table_settings!(table, settings);
    // Types come from the first values when no column has one: a table is declared whole or not.
    if ask.columns.iter().any(|column| column.kind != Kind::Any) {
        for column in ask.columns {
            let own = match column.kind {
                Kind::Any | Kind::Text => "text",
                Kind::Integer => "bigint",
                Kind::Real => "double precision",
                Kind::Boolean => "boolean",
                Kind::Blob => "bytea",
            };
            table = table.column(&column.to, column.declared_or(own));
        }
    }
    // By name, so that errors have it.
    Ok(loaded(table, Layout::by_name(ask.columns)))
}
