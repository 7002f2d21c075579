//! A query as a source.

use super::error::{Place, explain};
use super::reader::{Order, Read, Reader};
use super::schema::quoted;
use crate::table::{Batch, Column, Shape, keyed};
use rusqlite::types::{ToSql, ToSqlOutput, Value as Owned, ValueRef};
use rusqlite::{Connection, OpenFlags};
use std::fmt;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;
use trommel::{Error, ErrorKind, Fill, Fingerprint, Limit, Position, Result};

/// Rows of a query, read by a thread of its own, decoded in the workers.
///
/// All rows are of one moment: the query is one statement, and what others commit while it runs is
/// not seen. For as long as it runs, a database without WAL mode lets nobody else commit, so a load
/// into the same file needs WAL mode ([`Sink::wal`](super::Sink::wal)).
///
/// With a [`key`](Self::key) it is restartable.
///
/// ```
/// use trommel::{Engine, Pipeline, sinks};
/// use trommel_connect::sqlite::{self, rusqlite::Connection};
///
/// # let directory = tempfile::tempdir().unwrap();
/// # let path = directory.path().join("flights.db");
/// let database = Connection::open(&path).unwrap();
/// database.execute_batch(
///     "CREATE TABLE flights (id INTEGER PRIMARY KEY, carrier TEXT, distance INTEGER);
///      INSERT INTO flights VALUES (1, 'UA', 1400), (2, 'AA', NULL), (3, 'UA', 1416);",
/// ).unwrap();
///
/// let source = sqlite::Source::query(&path, "SELECT id, carrier, distance FROM flights")?.key("id")?;
/// let mut miles = sinks::fold(|| 0, |sum: &mut i64, miles: i64| *sum += miles, |a, b| *a += b);
/// Pipeline::from(source)
///     .transform(|row, out| match row.get::<Option<i64>>("distance")? {
///         Some(miles) => out.emit(miles),
///         None => Ok(()),
///     })
///     .load_into(&mut miles)
///     .run(&Engine::new()?)?;
/// assert_eq!(miles.into_value(), 2816);
/// # Ok::<(), trommel::Error>(())
/// ```
#[must_use = "a source does nothing until a pipeline runs it"]
pub struct Source {
    place: Place,
    /// Until the first row is asked for; then the reader has it.
    connection: Option<Connection>,
    sql: String,
    parameters: Vec<Owned>,
    shape: Arc<Shape>,
    key: Option<Key>,
    /// Where to begin: after this key.
    after: Option<Owned>,
    reader: Option<Reader>,
    ended: bool,
    /// Key of the last row handed over.
    position: Option<Position>,
    /// Rows handed over, those of the runs before included.
    rows: u64,
}

#[derive(Debug, Clone)]
struct Key {
    column: usize,
    name: String,
}

impl Source {
    /// The rows of a query on the database at `path`, which is only read.
    ///
    /// # Errors
    /// [`ErrorKind::Io`] when the file is missing or is no database; [`ErrorKind::Config`] when the
    /// query is wrong (a table or column that isn't there, a typing error) or is none.
    pub fn query(path: impl AsRef<Path>, sql: impl Into<String>) -> Result<Self> {
        let path = path.as_ref();
        let place = Place::file(path);
        place.check(path, false)?;
        let flags = OpenFlags::SQLITE_OPEN_READ_ONLY | OpenFlags::SQLITE_OPEN_NO_MUTEX;
        let connection = Connection::open_with_flags(path, flags)
            .map_err(|error| explain(&place, "it can't be opened", error))?;
        connection
            .busy_timeout(Duration::from_secs(5))
            .map_err(|error| explain(&place, "its options can't be set", error))?;
        Self::with(connection, place, sql.into())
    }

    /// All rows of a table or view of the database at `path`.
    ///
    /// # Errors
    /// As [`query`](Self::query).
    pub fn table(path: impl AsRef<Path>, table: &str) -> Result<Self> {
        Self::query(path, format!("SELECT * FROM {}", quoted(table)))
    }

    /// The rows of a query on a connection that is open already, with whatever was set on it.
    ///
    /// # Errors
    /// As [`query`](Self::query).
    pub fn from_connection(connection: Connection, sql: impl Into<String>) -> Result<Self> {
        let place = Place::of(&connection);
        Self::with(connection, place, sql.into())
    }

    fn with(connection: Connection, place: Place, sql: String) -> Result<Self> {
        let names: Vec<String> = {
            // Opening reads nothing; this does.
            connection
                .query_row("PRAGMA schema_version", [], |_| Ok(()))
                .map_err(|error| explain(&place, "it can't be read", error))?;
            let statement = connection.prepare(&sql).map_err(|error| wrong(&place, &sql, error))?;
            if statement.column_count() == 0 || !statement.readonly() {
                return Err(no_query(&sql));
            }
            statement.column_names().map(str::to_owned).collect()
        };
        Ok(Source {
            shape: Arc::new(Shape::new(place.to_string(), names)),
            place,
            connection: Some(connection),
            sql: sql.trim_end().trim_end_matches(';').to_owned(),
            parameters: Vec::new(),
            key: None,
            after: None,
            reader: None,
            ended: false,
            position: None,
            rows: 0,
        })
    }

    /// Values of the query's parameters (`?1`, `?2`, …), in order.
    ///
    /// # Errors
    /// [`ErrorKind::Config`] when they are too many or too few.
    pub fn bind<P: ToSql>(mut self, parameters: impl IntoIterator<Item = P>) -> Result<Self> {
        for parameter in parameters {
            let value = parameter.to_sql().map_err(|error| {
                Error::config("bind: a parameter has no form in SQLite").caused_by(error)
            })?;
            self.parameters.push(match value {
                ToSqlOutput::Owned(value) => value,
                ToSqlOutput::Borrowed(value) => owned(value),
                _ => return Err(Error::config("bind: only plain values can be bound")),
            });
        }
        Ok(self)
    }

    /// Orders the rows by a column of the query, which makes the source restartable: the position
    /// is the last row's key, and a run that is resumed asks for the keys after it.
    ///
    /// The keys must be unique and not NULL, which is checked as they come. It costs nothing when
    /// the column is the rowid (`INTEGER PRIMARY KEY`) or has an index; otherwise SQLite sorts.
    ///
    /// # Errors
    /// [`ErrorKind::Config`] when the query has no such column, or several.
    pub fn key(mut self, column: &str) -> Result<Self> {
        let index = self.shape.column(column)?.index();
        self.key = Some(Key { column: index, name: column.to_owned() });
        Ok(self)
    }

    /// Names of the columns, in order.
    pub fn names(&self) -> impl ExactSizeIterator<Item = &str> {
        self.shape.names()
    }

    /// A column, found once: the cheapest way to say which value of a row is meant.
    ///
    /// # Errors
    /// [`ErrorKind::Config`] when there is none, or there are several; the message lists what there
    /// is.
    pub fn column(&self, name: &str) -> Result<Column> {
        self.shape.column(name)
    }

    /// The statement that is run, and how its rows are ordered.
    fn ordered(&self) -> (String, Option<Order>) {
        let Some(key) = &self.key else {
            return (self.sql.clone(), None);
        };
        // By bytes, whatever the column's collation: `a` and `A` are two keys.
        let name = format!("{} COLLATE BINARY", quoted(&key.name));
        // The line break ends a comment at the end of the query.
        let from = format!("SELECT * FROM ({}\n)", self.sql);
        let sql = match &self.after {
            None => format!("{from} ORDER BY {name}"),
            Some(_) => format!("{from} WHERE {name} > :trommel_after ORDER BY {name}"),
        };
        let order = Order { column: key.column, name: key.name.clone(), after: self.after.clone() };
        (sql, Some(order))
    }

    /// Starts the reader, unless it runs.
    fn reader(&mut self) -> Result<&mut Reader> {
        if self.reader.is_none() {
            let connection = self.connection.take().ok_or_else(|| {
                Error::fatal(format!("{}: reading has failed before", self.place))
            })?;
            let (sql, order) = self.ordered();
            let expected = connection
                .prepare(&sql)
                .map_err(|error| wrong(&self.place, &sql, error))?
                .parameter_count();
            let given = self.parameters.len() + usize::from(self.after.is_some());
            if expected != given {
                let (expected, given) = match self.after {
                    Some(_) => (expected - 1, given - 1),
                    None => (expected, given),
                };
                return Err(Error::config(format!(
                    "bind: the query has {expected} parameters, {given} were given"
                )));
            }
            let read = Read {
                place: self.place.clone(),
                sql,
                parameters: self.parameters.clone(),
                order,
                shape: Arc::clone(&self.shape),
            };
            self.reader = Some(Reader::start(connection, read)?);
        }
        self.reader.as_mut().ok_or_else(|| Error::fatal("no reader"))
    }
}

impl trommel::Source for Source {
    type Batch = Batch;

    fn fill(&mut self, batch: &mut Batch, limit: &Limit<'_>) -> Result<Fill> {
        if self.ended {
            batch.start(&self.shape, self.rows);
            return Ok(Fill::End);
        }
        let first = self.rows;
        let read = self.reader()?.read(batch, first, limit);
        let (fill, last) = read.inspect_err(|_| self.ended = true)?;
        self.rows += trommel::Batch::len(batch) as u64;
        if let Some(last) = last {
            self.position = Some(position(self.rows, &last));
        }
        self.ended = fill == Fill::End;
        Ok(fill)
    }

    fn position(&self) -> Option<Position> {
        self.key.as_ref()?;
        // Before the first row: from the start.
        Some(self.position.clone().unwrap_or_default())
    }

    fn seek(&mut self, position: &Position) -> Result<()> {
        if self.key.is_none() {
            return Err(Error::new(
                ErrorKind::Unsupported,
                "a query without a key cannot be restarted: name a unique column with `key`",
            ));
        }
        if self.reader.is_some() {
            return Err(Error::fatal("a query that has been started cannot go elsewhere"));
        }
        (self.rows, self.after) = place(position)?;
        self.position = self.after.as_ref().map(|_| position.clone());
        Ok(())
    }

    fn fingerprint(&self) -> Result<Option<Fingerprint>> {
        // Not the size or the time of the last change: a database may grow while it is read, and
        // keys go on where they were.
        Ok(self.key.as_ref().map(|key| {
            let parameters = format!("{:?}", self.parameters);
            Fingerprint::new()
                .with("query", &self.sql)
                .with("parameters", parameters)
                .with("key", &key.name)
        }))
    }
}

impl fmt::Debug for Source {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Source")
            .field("database", &self.place.to_string())
            .field("query", &self.sql)
            .field("key", &self.key)
            .field("rows", &self.rows)
            .finish_non_exhaustive()
    }
}

fn no_query(sql: &str) -> Error {
    Error::config(format!("query: `{sql}` is not one that only reads rows: use a SELECT"))
}

fn wrong(place: &Place, sql: &str, error: rusqlite::Error) -> Error {
    if matches!(error, rusqlite::Error::Empty) {
        return no_query(sql);
    }
    Error::config(format!(
        "query: `{sql}` can't be run on {place}: check the names of tables and columns"
    ))
    .caused_by(error)
}

pub(super) fn owned(value: ValueRef<'_>) -> Owned {
    match value {
        ValueRef::Null => Owned::Null,
        ValueRef::Integer(number) => Owned::Integer(number),
        ValueRef::Real(number) => Owned::Real(number),
        ValueRef::Text(text) => Owned::Text(String::from_utf8_lossy(text).into_owned()),
        ValueRef::Blob(bytes) => Owned::Blob(bytes.to_vec()),
    }
}

/// A key in a position: a letter for its type, then its bytes.
fn position(rows: u64, key: &Owned) -> Position {
    let (letter, bytes): (u8, &[u8]) = match key {
        Owned::Null => (b'n', &[]),
        Owned::Integer(number) => (b'i', &number.to_le_bytes()),
        Owned::Real(number) => (b'r', &number.to_le_bytes()),
        Owned::Text(text) => (b't', text.as_bytes()),
        Owned::Blob(bytes) => (b'b', bytes),
    };
    keyed::position(rows, &[&[letter], bytes].concat())
}

/// The rows and the key that a position holds; no key for the start.
fn place(position: &Position) -> Result<(u64, Option<Owned>)> {
    if position.as_bytes().is_empty() {
        return Ok((0, None));
    }
    let (rows, bytes) = keyed::rows_and_key(position).unwrap_or_default();
    let number = || bytes.get(1..9).and_then(|bytes| <[u8; 8]>::try_from(bytes).ok());
    let key = match bytes.first() {
        Some(b'i') => number().map(|bytes| Owned::Integer(i64::from_le_bytes(bytes))),
        Some(b'r') => number().map(|bytes| Owned::Real(f64::from_le_bytes(bytes))),
        Some(b't') => String::from_utf8(bytes[1..].to_vec()).ok().map(Owned::Text),
        Some(b'b') => Some(Owned::Blob(bytes[1..].to_vec())),
        _ => None,
    };
    match key {
        Some(key) => Ok((rows, Some(key))),
        None => Err(Error::fatal("the checkpoint's position is not a key of this query")),
    }
}
