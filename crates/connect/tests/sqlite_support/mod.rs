//! What the tests of the SQLite sink share.
#![allow(dead_code, reason = "each test binary uses a part of it")]

use rusqlite::Connection;
use serde::Serialize;
use trommel::{Commit, ErrorKind, Sink};
use trommel_connect::sqlite::{self, rusqlite};
use trommel_connect::table::{self, Page};

/// A page of records.
pub(crate) fn page<T: Serialize>(records: impl IntoIterator<Item = T>) -> Page {
    let mut page = Page::default();
    for record in records {
        table::encode(&mut page, &record).unwrap();
    }
    page
}

/// Loads the pages and gives the connection.
pub(crate) fn load(table: sqlite::Table<()>, pages: &mut [Page]) -> trommel::Result<Connection> {
    let mut table = table;
    table.encoder()?;
    for page in pages {
        table.write(page)?;
        table.commit(&Default::default(), Commit::Grouped)?;
    }
    table.finish()?;
    Ok(table.into_connection())
}

pub(crate) fn memory() -> sqlite::Sink {
    sqlite::Sink::from_connection(Connection::open_in_memory().unwrap())
}

pub(crate) fn prepared(sql: &str) -> sqlite::Sink {
    let connection = Connection::open_in_memory().unwrap();
    connection.execute_batch(sql).unwrap();
    sqlite::Sink::from_connection(connection)
}

/// All rows, each as `a|b|c`.
pub(crate) fn rows(connection: &Connection, sql: &str) -> Vec<String> {
    let mut statement = connection.prepare(sql).unwrap();
    let width = statement.column_count();
    let rows = statement.query_map([], |row| {
        let cells = (0..width).map(|index| {
            Ok(match row.get_ref(index)? {
                rusqlite::types::ValueRef::Null => "NULL".to_owned(),
                rusqlite::types::ValueRef::Integer(number) => number.to_string(),
                rusqlite::types::ValueRef::Real(number) => format!("{number:?}"),
                rusqlite::types::ValueRef::Text(text) => String::from_utf8_lossy(text).into(),
                rusqlite::types::ValueRef::Blob(bytes) => format!("{bytes:?}"),
            })
        });
        Ok(cells.collect::<rusqlite::Result<Vec<_>>>()?.join("|"))
    });
    rows.unwrap().map(Result::unwrap).collect()
}

pub(crate) fn schema(connection: &Connection) -> String {
    rows(connection, "SELECT sql FROM sqlite_schema WHERE sql IS NOT NULL").join("; ")
}

#[derive(Serialize, Clone, Copy)]
pub(crate) struct Item {
    pub(crate) id: i64,
    pub(crate) size: Option<i64>,
}

pub(crate) fn items(ids: impl IntoIterator<Item = i64>) -> Page {
    page(ids.into_iter().map(|id| Item { id, size: Some(id) }))
}

pub(crate) fn ids(connection: &Connection) -> Vec<i64> {
    let mut statement = connection.prepare("SELECT id FROM t ORDER BY 1").unwrap();
    let ids = statement.query_map([], |row| row.get(0)).unwrap();
    ids.map(Result::unwrap).collect()
}

/// Checks an error's kind and that it says all of `parts`.
#[track_caller]
pub(crate) fn says<T>(result: trommel::Result<T>, kind: ErrorKind, parts: &[&str]) {
    let error = result.err().expect("an error");
    assert_eq!(error.kind(), kind, "{error}");
    for part in parts {
        assert!(error.to_string().contains(part), "no `{part}` in: {error}");
    }
}
