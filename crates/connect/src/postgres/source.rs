//! A query as a source.

use super::address::Address;
use super::connection::{Connection, literal, row_of};
use super::decode::{Batch, Schema, key_of};
use super::failure::Failure;
use super::types::{Column, Type};
use crate::table::{keyed, list, quoted};
use std::sync::Arc;
use std::time::{Duration, Instant};
use trommel::{Error, Fill, Fingerprint, Limit, Position, Result, Retry};

mod lost;

/// How long to wait for the server before looking at flush timeout and cancel.
const NAP: Duration = Duration::from_millis(10);

/// The rows of a query, streamed by `COPY (query) TO STDOUT` in binary: the feeder cuts, the workers
/// decode.
///
/// The query sees the database as it was when it began. With a [`key`](Self::key) a run can be taken
/// up again, and a lost connection is replaced ([`retry`](Self::retry)).
///
/// ```no_run
/// use trommel::{Engine, Pipeline, sinks};
/// use trommel_connect::postgres::Source;
///
/// let flights = Source::query(
///     "postgresql://reader@db.example/warehouse",
///     "SELECT id, carrier, distance FROM flights WHERE air_time IS NOT NULL",
/// )?;
/// let report = Pipeline::from(flights.key("id"))
///     .transform(|row, out| out.emit(row.get::<i32>("distance")?))
///     .load_into(sinks::count())
///     .run(&Engine::new()?)?;
/// # Ok::<(), trommel::Error>(())
/// ```
#[derive(Debug)]
#[must_use = "a source does nothing until a pipeline reads it"]
pub struct Source {
    address: Address,
    connection: Option<Connection>,
    query: String,
    schema: Arc<Schema>,
    key: Option<String>,
    /// Place of the key among the columns, once the query runs.
    key_index: Option<usize>,
    /// The key of the last row handed out, as it came, and before the first one of this run as text.
    last: Option<Vec<u8>>,
    from: Option<String>,
    /// Handed out so far, by the runs before too.
    rows: u64,
    bytes: u64,
    state: State,
    retry: Retry,
    /// Attempts to come back since the last row.
    attempts: u32,
    /// When the next one is due.
    due: Option<Instant>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum State {
    Idle,
    /// The server has not answered yet.
    Sent,
    /// The first message may begin with the header.
    Begun,
    Streaming,
    Ended,
}

impl Source {
    /// Connects, and has the server check the query: a `SELECT` (or `VALUES`, `TABLE`) without a
    /// semicolon, whose columns have names of their own. Types that are not read here are read as
    /// texts.
    ///
    /// # Errors
    /// As [`Sink::connect`](super::Sink::connect); [`ErrorKind::Config`](trommel::ErrorKind::Config)
    /// when the query is wrong.
    pub fn query(conninfo: &str, query: impl Into<String>) -> Result<Self> {
        let mut address = Address::parse(conninfo)?;
        let mut connection = address.connect()?;
        address.place = connection.place.clone();
        let query = query.into().trim().trim_end_matches(';').to_owned();
        let columns = describe(&mut connection, &query)
            .map_err(|failure| failure.explain(&address.place, "the query can't be run"))?;
        for (index, column) in columns.iter().enumerate() {
            if columns[..index].iter().any(|other| other.name == column.name) {
                return Err(Error::config(format!(
                    "query: two of its columns are called `{}`: name them with AS",
                    column.name
                )));
            }
        }
        if columns.is_empty() {
            return Err(Error::config("query: it has no columns"));
        }
        let schema = Arc::new(Schema { name: address.place.to_string(), columns });
        Ok(Source {
            address,
            connection: Some(connection),
            query,
            schema,
            key: None,
            key_index: None,
            last: None,
            from: None,
            rows: 0,
            bytes: 0,
            state: State::Idle,
            retry: Retry::times(10),
            attempts: 0,
            due: None,
        })
    }

    /// The column by which rows are ordered and a run is taken up again: unique, never null, and
    /// best indexed. The query is wrapped in one with `ORDER BY key`, and after a resume with
    /// `WHERE key > position`. Default: none, the order is the server's and nothing can be resumed.
    pub fn key(mut self, column: impl Into<String>) -> Self {
        self.key = Some(column.into());
        self
    }

    /// How long the server may let us wait for a row. Default: 5 minutes; 0: no limit.
    pub fn timeout(mut self, timeout: Duration) -> Self {
        self.address.patience.timeout = Some(timeout).filter(|timeout| !timeout.is_zero());
        if let Some(connection) = &mut self.connection {
            connection.be_patient(&self.address.patience);
        }
        self
    }

    /// How often to come back after the connection was lost, since the last row, and with what
    /// pauses: a query with a [`key`](Self::key) goes on behind the last row that it gave, one
    /// without only if it gave none. It then sees the database as it is at that time. Default: 10
    /// times, over about 20 s; [`Retry::NONE`]: never.
    pub fn retry(mut self, retry: Retry) -> Self {
        self.retry = retry;
        self
    }

    /// Names of the columns, in order, and their types as SQL writes them.
    pub fn columns(&self) -> impl ExactSizeIterator<Item = (&str, &str)> {
        self.schema.columns.iter().map(|column| (column.name.as_str(), column.declared.as_str()))
    }

    fn begin(&mut self) -> Result<()> {
        let columns: Vec<String> = self
            .schema
            .columns
            .iter()
            .map(|column| match column.kind {
                Type::Other => format!("{}::text", quoted(&column.name)),
                _ => quoted(&column.name),
            })
            .collect();
        let mut select =
            format!("SELECT {} FROM ({}) AS trommel_query", columns.join(", "), self.query);
        if let Some(key) = &self.key {
            let found = self.schema.columns.iter().position(|column| column.name == *key);
            let Some(index) = found else {
                let names: Vec<&str> =
                    self.schema.columns.iter().map(|column| &*column.name).collect();
                return Err(Error::config(format!(
                    "key: the query has no column `{key}`; its columns are {}",
                    names.join(", ")
                )));
            };
            self.key_index = Some(index);
            let name = list(&[key]);
            if let Some(from) = &self.from {
                let kind = &self.schema.columns[index].declared;
                select.push_str(&format!(" WHERE {name} > {}::{kind}", literal(from)));
            }
            select.push_str(&format!(" ORDER BY {name}"));
        }
        let connection = match &mut self.connection {
            Some(connection) if connection.is_open() => connection,
            _ => self.connection.insert(self.address.connect()?),
        };
        connection
            .send_copy_out(&format!("COPY ({select}) TO STDOUT (FORMAT binary)"))
            .map_err(|failure| failure.explain(&self.address.place, "the query can't be run"))?;
        self.state = State::Sent;
        Ok(())
    }

    /// Adds a message to the batch; whether it was a row.
    fn take(&mut self, message: &[u8], batch: &mut Batch) -> Result<bool> {
        let is_first = self.state == State::Begun;
        self.state = State::Streaming;
        let Some(row) = row_of(message, is_first) else { return Ok(false) };
        if let Some(index) = self.key_index {
            self.note_key(row, index)?;
        }
        batch.data.extend_from_slice(row);
        let end = u32::try_from(batch.data.len())
            .map_err(|_| Error::fatal("more than 4 GiB in one batch: lower the batch size"))?;
        batch.ends.push(end);
        (self.attempts, self.due) = (0, None);
        self.rows += 1;
        self.bytes += row.len() as u64;
        Ok(true)
    }

    fn note_key(&mut self, row: &[u8], index: usize) -> Result<()> {
        let name = &self.schema.columns[index].name;
        let Some(key) = key_of(row, self.schema.columns.len(), index) else {
            return Err(Error::fatal(format!(
                "{}: a row has no key: `{name}` is null; leave such rows out of the query",
                self.address.place
            ))
            .in_column(name.as_str()));
        };
        if self.last.as_deref() == Some(key) {
            return Err(Error::fatal(format!(
                "{}: two rows have the same key, so that a run can't be taken up between them: \
                 choose a unique column",
                self.address.place
            ))
            .in_column(name.as_str()));
        }
        let last = self.last.get_or_insert_default();
        last.clear();
        last.extend_from_slice(key);
        Ok(())
    }
}

/// Names and types of what a query gives.
fn describe(connection: &mut Connection, query: &str) -> Result<Vec<Column>, Failure> {
    let found =
        connection.describe(&format!("SELECT * FROM ({query}) AS trommel_query LIMIT 0"))?;
    let mut columns = Vec::new();
    for (name, oid) in found {
        let answer = connection.run(&format!(
            "SELECT t.typreceive::text, format_type(t.oid, NULL), e.oid, e.typreceive::text \
             FROM pg_catalog.pg_type t LEFT JOIN pg_catalog.pg_type e \
             ON e.oid = t.typelem AND t.typreceive::text = 'array_recv' WHERE t.oid = {oid}"
        ))?;
        let cell = |index: usize| answer.rows.first()?.get(index)?.as_deref();
        let kind = match (cell(2).and_then(|oid| oid.parse().ok()), cell(3)) {
            (Some(oid), Some(element)) => match Type::of_receiver(element, -1) {
                Type::Other => Type::Other,
                element => Type::Array { element: Box::new(element), oid },
            },
            _ => Type::of_receiver(cell(0).unwrap_or_default(), -1),
        };
        columns.push(Column { name, kind, declared: cell(1).unwrap_or("unknown").to_owned() });
    }
    Ok(columns)
}

impl trommel::Source for Source {
    type Batch = Batch;

    fn fill(&mut self, batch: &mut Batch, limit: &Limit<'_>) -> Result<Fill> {
        batch.clear();
        batch.schema = Arc::clone(&self.schema);
        batch.first = self.rows;
        if self.state == State::Ended {
            return Ok(Fill::End);
        }
        let began = Instant::now();
        let mut first_row = began;
        loop {
            if self.state == State::Idle && self.due.is_none_or(|due| Instant::now() >= due) {
                match self.begin() {
                    // Nobody is there yet: a server that starts, say.
                    Err(error) if self.due.is_some() => self.wait_for_another(error)?,
                    begun => begun?,
                }
            }
            let next = match (self.state, &mut self.connection) {
                (State::Idle, _) => {
                    std::thread::sleep(NAP);
                    Ok(None)
                }
                (_, None) => return Err(Error::fatal("the query has no connection")),
                (State::Sent, Some(connection)) => match connection.is_copying_out(NAP) {
                    Ok(true) => {
                        self.state = State::Begun;
                        continue;
                    }
                    Ok(false) => Ok(None),
                    Err(failure) => Err(Some(failure)),
                },
                (_, Some(connection)) => connection.get_copy(NAP),
            };
            match next {
                Ok(Some(message)) => {
                    if batch.ends.is_empty() {
                        first_row = Instant::now();
                    }
                    self.take(message.bytes(), batch)?;
                    let full = batch.ends.len() >= limit.rows()
                        || trommel::Batch::bytes(batch) >= limit.bytes();
                    if full {
                        return Ok(Fill::More);
                    }
                }
                Ok(None) => {
                    let waiting = batch.ends.is_empty();
                    if limit.is_cancelled() || !waiting && limit.should_flush(first_row) {
                        return Ok(Fill::More);
                    }
                    let timeout = self.address.patience.timeout;
                    if let Some(timeout) = timeout.filter(|limit| began.elapsed() >= *limit) {
                        if let Some(connection) = self.connection.take() {
                            connection.interrupt();
                        }
                        return Err(Failure::TimedOut(timeout)
                            .explain(&self.address.place, "the query gives no rows"));
                    }
                }
                Err(None) => {
                    self.state = State::Ended;
                    return Ok(Fill::End);
                }
                Err(Some(failure)) => {
                    self.come_back(failure)?;
                }
            }
        }
    }

    fn position(&self) -> Option<Position> {
        self.key.as_ref()?;
        // Before the first row there is none.
        let Some(text) = self.reached().ok()? else { return Some(Position::from_bytes(&[])) };
        // A mark in front, since a key may be an empty text.
        Some(keyed::position(self.rows, format!("={text}").as_bytes()))
    }

    fn seek(&mut self, position: &Position) -> Result<()> {
        if self.state != State::Idle {
            return Err(Error::fatal("the query runs already"));
        }
        if position.as_bytes().is_empty() {
            self.from = None;
            return Ok(());
        }
        let (rows, key) = keyed::rows_and_key(position).unwrap_or_default();
        let key = key.strip_prefix(b"=").and_then(|key| std::str::from_utf8(key).ok());
        let Some(key) = key else {
            return Err(Error::fatal("the position is not one of a query with a key"));
        };
        (self.rows, self.from) = (rows, Some(key.to_owned()));
        Ok(())
    }

    fn fingerprint(&self) -> Result<Option<Fingerprint>> {
        Ok(Some(
            Fingerprint::new()
                .with("the server", &self.address.place)
                .with("the query", &self.query)
                .with("its key", self.key.as_deref().unwrap_or("none")),
        ))
    }

    fn bytes_read(&self) -> u64 {
        self.bytes
    }
}

impl Drop for Source {
    fn drop(&mut self) {
        // A query that nobody reads to its end would go on until it has something to send.
        if let Some(connection) = &self.connection
            && !matches!(self.state, State::Idle | State::Ended)
        {
            connection.interrupt();
        }
    }
}
