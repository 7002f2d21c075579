//! The database tier: users into SQLite.

use super::Ran;
use crate::Result;
use crate::origin::{self, Tally};
use rusqlite::Connection;
use trommel::{Encode, Engine, Error, ErrorKind, Options, Pipeline, Sink, sources};
use trommel_record::UserRecord;

/// Makes users, changes them, and inserts each as a row; one transaction for the run. The tally is
/// of the lines that the database gives back.
///
/// # Errors
/// As [`trommel::Job::run`].
pub fn run(engine: &Engine, options: &Options, rows: u64) -> Result<Ran> {
    let connection = Connection::open_in_memory()?;
    connection
        .execute_batch("create table users (id integer primary key, name text, score int)")?;
    let mut sink = Table { connection };
    let report = Pipeline::from(sources::generate(rows, |id| origin::generator().record(id)))
        .map(|mut user: UserRecord| {
            origin::update(&mut user);
            user
        })
        .load_into(&mut sink)
        .options(options.clone())
        .run(engine)?;
    Ok((tally(&sink.connection)?, report))
}

/// The same with a plain loop.
///
/// # Errors
/// When the database fails.
pub fn plain(rows: u64) -> Result<Tally> {
    let connection = Connection::open_in_memory()?;
    connection
        .execute_batch("create table users (id integer primary key, name text, score int)")?;
    connection.execute_batch("begin")?;
    {
        let mut insert = connection.prepare_cached(INSERT)?;
        for mut user in origin::generator().records(0..rows) {
            origin::update(&mut user);
            insert.execute((user.id() as i64, user.username(), user.activity_score()))?;
        }
    }
    connection.execute_batch("commit")?;
    tally(&connection)
}

const INSERT: &str = "insert into users values (?, ?, ?)";

fn tally(connection: &Connection) -> Result<Tally> {
    let mut lines = connection.prepare("select id || '|' || name || '|' || score from users")?;
    let mut rows = lines.query([])?;
    let mut tally = Tally::default();
    while let Some(row) = rows.next()? {
        tally.add(row.get_ref(0)?.as_str()?);
    }
    Ok(tally)
}

struct Table {
    connection: Connection,
}

fn failed(error: rusqlite::Error) -> Error {
    Error::new(ErrorKind::Fatal, "SQLite refused").caused_by(error)
}

impl Sink for Table {
    type Page = Vec<UserRecord>;
    type Encoder = ();

    fn encoder(&mut self) -> trommel::Result<()> {
        self.connection.execute_batch("begin").map_err(failed)
    }

    fn write(&mut self, page: &mut Vec<UserRecord>) -> trommel::Result<()> {
        let mut insert = self.connection.prepare_cached(INSERT).map_err(failed)?;
        for user in page.drain(..) {
            insert
                .execute((user.id() as i64, user.username(), user.activity_score()))
                .map_err(failed)?;
        }
        Ok(())
    }

    fn finish(&mut self) -> trommel::Result<()> {
        self.connection.execute_batch("commit").map_err(failed)
    }
}

impl Encode<UserRecord> for Table {
    fn encode(_: &(), page: &mut Vec<UserRecord>, user: UserRecord) -> trommel::Result<()> {
        page.push(user);
        Ok(())
    }
}
