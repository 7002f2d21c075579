//! Several peers at once, their lines mixed.

use super::listener::Acceptor;
use super::reader::Peer;
use crate::threads;
use std::io::{Error, ErrorKind, Read, Result};
use std::sync::mpsc::{Receiver, SyncSender, sync_channel};

/// Bytes that a peer is asked for at once.
const CHUNK: usize = 64 * 1024;

/// Chunks of all peers together that wait to be read.
const WAITING: usize = 8;

/// Whole lines of several peers, in the order in which they came.
pub(super) struct Peers {
    chunks: Receiver<Result<Vec<u8>>>,
    chunk: Vec<u8>,
    taken: usize,
}

/// How to cut what a peer sends.
#[derive(Clone, Copy)]
struct Cut {
    lenient_eof: bool,
    max_line_bytes: usize,
}

impl Peers {
    /// Accepts peers on a thread, and reads each on one of its own.
    pub(super) fn start(acceptor: Acceptor) -> Result<Self> {
        let (send, chunks) = sync_channel(WAITING);
        let cut = Cut {
            lenient_eof: acceptor.options.lenient_eof,
            max_line_bytes: acceptor.options.max_line_bytes,
        };
        named("trommel-accept", move || {
            if let Err(error) = accept(&acceptor, cut, &send) {
                let _ = send.send(Err(error));
            }
        })?;
        Ok(Peers { chunks, chunk: Vec::new(), taken: 0 })
    }
}

impl Read for Peers {
    fn read(&mut self, space: &mut [u8]) -> Result<usize> {
        if self.taken == self.chunk.len() {
            // All peers have closed when nobody is left to send.
            let Ok(chunk) = self.chunks.recv() else { return Ok(0) };
            (self.chunk, self.taken) = (chunk?, 0);
        }
        let count = (&self.chunk[self.taken..]).read(space)?;
        self.taken += count;
        Ok(count)
    }
}

fn accept(acceptor: &Acceptor, cut: Cut, send: &SyncSender<Result<Vec<u8>>>) -> Result<()> {
    let mut accepted = 0;
    while acceptor.peers() == 0 || accepted < acceptor.peers() {
        let Some(peer) = acceptor.accept()? else { return Ok(()) };
        accepted += 1;
        let send = send.clone();
        named("trommel-peer", move || {
            if let Err(error) = pump(peer, cut, &send) {
                let _ = send.send(Err(error));
            }
        })?;
    }
    Ok(())
}

/// Hands over whole lines until the peer closes or nobody listens.
fn pump(mut peer: Peer, cut: Cut, send: &SyncSender<Result<Vec<u8>>>) -> Result<()> {
    let mut buffer = Vec::new();
    loop {
        let have = buffer.len();
        buffer.resize(have + CHUNK, 0);
        let count = peer.read(&mut buffer[have..])?;
        buffer.truncate(have + count);
        if count == 0 {
            break;
        }
        if let Some(at) = memchr::memrchr(b'\n', &buffer[have..]) {
            let rest = buffer.split_off(have + at + 1);
            if send.send(Ok(std::mem::replace(&mut buffer, rest))).is_err() {
                return Ok(());
            }
        } else if buffer.len() > cut.max_line_bytes {
            let message = format!(
                "{} sent a line longer than the limit of {} bytes; raise max_line_bytes",
                peer.name(),
                cut.max_line_bytes
            );
            return Err(Error::new(ErrorKind::InvalidData, message));
        }
    }
    if buffer.is_empty() {
        return Ok(());
    }
    if !cut.lenient_eof {
        let message = format!(
            "{} closed the connection inside a line, {} bytes after the last line break",
            peer.name(),
            buffer.len()
        );
        return Err(Error::new(ErrorKind::UnexpectedEof, message));
    }
    buffer.push(b'\n');
    let _ = send.send(Ok(buffer));
    Ok(())
}

fn named(name: &str, run: impl FnOnce() + Send + 'static) -> Result<()> {
    threads::start(name, run).map(drop)
}
