//! The network tier: users as lines of JSON over a loopback connection.

use super::{Ran, boxed_lines};
use crate::{Result, origin};
use std::io::{BufRead, BufReader, Read, Write};
use std::net::{TcpListener, TcpStream};
use std::thread;
use trommel::{Batch, Engine, Error, ErrorKind, Fill, Limit, Options, Pipeline, Source};
use trommel_record::UserRecord;

/// Most bytes read at once.
const READ_BYTES: usize = 64 << 10;

/// Users as lines of JSON, made once.
///
/// # Errors
/// When a record can't be written as JSON.
pub fn json_lines(rows: u64) -> Result<Vec<u8>> {
    let mut text = Vec::new();
    for user in origin::generator().records(0..rows) {
        serde_json::to_writer(&mut text, &user)?;
        text.push(b'\n');
    }
    Ok(text)
}

/// Sends `text` from a thread, reads it from a socket, parses it in the workers, and does the
/// origin's job on what comes out.
///
/// # Errors
/// As [`trommel::Job::run`], and when there is no loopback.
pub fn run(engine: &Engine, options: &Options, text: &[u8]) -> Result<Ran> {
    let listener = TcpListener::bind("127.0.0.1:0")?;
    let address = listener.local_addr()?;
    thread::scope(|scope| {
        let server = scope.spawn(move || -> std::io::Result<()> {
            let (mut stream, _) = listener.accept()?;
            stream.write_all(text)
        });
        let mut sink = boxed_lines();
        let report = Pipeline::from(Lines::new(TcpStream::connect(address)?))
            .transform(|line: &[u8], out| {
                let user: UserRecord = serde_json::from_slice(line)
                    .map_err(|error| Error::new(ErrorKind::Row, "not a user").caused_by(error))?;
                out.emit(origin::boxed(user))
            })
            .load_into(&mut sink)
            .options(options.clone())
            .run(engine)?;
        server.join().expect("the server panicked")?;
        Ok((sink.into_value(), report))
    })
}

/// Lines from anything that can be read: the feeder cuts after the last line break, the workers
/// find the lines.
struct Lines<R> {
    reader: R,
    /// Read, but behind the last line break.
    rest: Vec<u8>,
}

impl<R> Lines<R> {
    fn new(reader: R) -> Self {
        Lines { reader, rest: Vec::new() }
    }
}

/// Whole lines.
#[derive(Default)]
struct LineBatch(Vec<u8>);

/// A line of the workload has about this many bytes.
const LINE_BYTES: usize = 300;

impl Batch for LineBatch {
    type Row<'a> = &'a [u8];

    fn len(&self) -> usize {
        self.0.len().div_ceil(LINE_BYTES)
    }

    fn bytes(&self) -> usize {
        self.0.len()
    }

    fn for_each<'a, F>(&'a mut self, from: usize, mut visit: F) -> trommel::Result<()>
    where
        F: FnMut(trommel::Result<Self::Row<'a>>) -> trommel::Result<()>,
    {
        let lines = self.0.split_inclusive(|&byte| byte == b'\n');
        lines.skip(from).try_for_each(|line| visit(Ok(line)))
    }
}

impl<R: Read + Send> Source for Lines<R> {
    type Batch = LineBatch;

    fn fill(&mut self, batch: &mut LineBatch, limit: &Limit<'_>) -> trommel::Result<Fill> {
        let text = &mut batch.0;
        text.clear();
        text.append(&mut self.rest);
        let wanted = (limit.rows() * LINE_BYTES).min(limit.bytes());
        loop {
            let before = text.len();
            text.resize(before + READ_BYTES.min(wanted.max(LINE_BYTES)), 0);
            let read = self.reader.read(&mut text[before..]).map_err(|error| {
                Error::new(ErrorKind::Io, "reading from the socket failed").caused_by(error)
            })?;
            text.truncate(before + read);
            if read == 0 {
                return Ok(Fill::End);
            }
            if text.len() >= wanted
                && let Some(last) = text.iter().rposition(|&byte| byte == b'\n')
            {
                self.rest.extend_from_slice(&text[last + 1..]);
                text.truncate(last + 1);
                return Ok(Fill::More);
            }
        }
    }
}

/// The same with a plain loop over a buffered reader.
///
/// # Errors
/// When there is no loopback or a line is not a user.
pub fn plain(text: &[u8]) -> Result<crate::origin::Tally> {
    let listener = TcpListener::bind("127.0.0.1:0")?;
    let address = listener.local_addr()?;
    thread::scope(|scope| {
        let server = scope.spawn(move || -> std::io::Result<()> {
            let (mut stream, _) = listener.accept()?;
            stream.write_all(text)
        });
        let mut reader = BufReader::with_capacity(READ_BYTES, TcpStream::connect(address)?);
        let (mut tally, mut line) = (crate::origin::Tally::default(), Vec::new());
        while reader.read_until(b'\n', &mut line)? > 0 {
            tally.add(&origin::boxed(serde_json::from_slice(&line)?));
            line.clear();
        }
        server.join().expect("the server panicked")?;
        Ok(tally)
    })
}
