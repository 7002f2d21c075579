//! NDJSON that comes over the loopback, every column decoded, into a few sums. Whoever reads also
//! sends, from a thread that does nothing else.

use super::ndjson_fold::{Sums, by_hand};
use crate::Result;
use crate::files::flight::Line;
use crate::files::{Against, Contestant, Goal, Input, Job, Output, Program, engine};
use std::fs::File;
use std::io::{self, Read};
use std::net::{TcpListener, TcpStream};
use std::path::Path;
use std::thread::{self, JoinHandle};
use trommel::{Pipeline, sinks};
use trommel_connect::{ndjson, socket};

pub(super) static JOB: Job = Job {
    name: "tcp_ndjson",
    title: "NDJSON over loopback TCP to sums",
    input: Input::Ndjson,
    output: Output::Printed,
    contestants: &[
        Contestant::ours(Program::Here(ours)),
        Contestant::floor("serde_json::from_str, 2 workers", |input, _| {
            received(input, by_hand)?.print()
        }),
        Contestant::shown("bytes read, lines counted", Program::Here(raw)).raw(),
    ],
    peers: &[],
    goals: &[Goal::rate("rows_per_second", 1e6), Goal::wall("serde_json", Against::Floors, 1.0)],
};

fn ours(input: &Path, _: &Path) -> Result<()> {
    let listener = socket::tcp("127.0.0.1:0").listen()?;
    let sender = send(input, listener.local_addr().to_owned());
    let mut sums =
        sinks::fold(Sums::default, |sums: &mut Sums, line: Line<'_>| sums.add(&line), Sums::merge);
    Pipeline::from(listener.source(ndjson::Source::from_reader)?)
        .transform(|row: ndjson::Row<'_>, out| out.emit(row.decode::<Line<'_>>()?))
        .load_into(&mut sums)
        .run(&engine()?)?;
    sender.join().map_err(|_| "the sender panicked")??;
    sums.into_value().print()
}

/// What the connection itself takes: nothing is decoded.
fn raw(input: &Path, _: &Path) -> Result<()> {
    let rows = received(input, |stream| {
        let (mut buffer, mut rows) = (vec![0; 64 << 10], 0);
        loop {
            match stream.read(&mut buffer)? {
                0 => return Ok(rows),
                read => rows += buffer[..read].iter().filter(|&&byte| byte == b'\n').count(),
            }
        }
    })?;
    Sums { rows: rows as u64, checksum: 0 }.print()
}

/// What `read` makes of the file, sent over the loopback.
fn received<T>(input: &Path, read: impl FnOnce(&mut TcpStream) -> Result<T>) -> Result<T> {
    let listener = TcpListener::bind("127.0.0.1:0")?;
    let sender = send(input, listener.local_addr()?.to_string());
    let answer = read(&mut listener.accept()?.0)?;
    sender.join().map_err(|_| "the sender panicked")??;
    Ok(answer)
}

/// Sends the file from a thread.
fn send(input: &Path, address: String) -> JoinHandle<io::Result<u64>> {
    let input = input.to_owned();
    thread::spawn(move || io::copy(&mut File::open(input)?, &mut TcpStream::connect(address)?))
}
