//! Where the bytes come from: a file, or a stream that another thread reads.

use crate::threads;
use std::fs::File;
use std::io::{ErrorKind, Read, Result, Seek, SeekFrom};
use std::sync::mpsc::{Receiver, RecvTimeoutError, SyncSender, sync_channel};
use std::time::Duration;

/// Bytes that the reading thread asks for at once. A pipe holds 64 KiB.
const CHUNK: usize = 64 * 1024;

/// Chunks that are read ahead.
const CHUNKS_AHEAD: usize = 4;

/// What came of asking for bytes.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Got {
    Bytes(usize),
    End,
    /// Nothing yet.
    Nothing,
}

pub(crate) enum Input {
    File(File),
    /// A reader that may wait. Only its first bytes are read directly.
    Direct(Box<dyn Read + Send>),
    Threaded(Stream),
}

/// A buffer, and how many bytes of it were read: none at the end.
type Chunk = (Vec<u8>, usize);

/// A reader on a thread of its own.
///
/// A blocking `read` can't be given up. Were it called by the feeder, rows that have arrived would
/// wait for those that have not, and a cancelled run for a peer that may never speak again. The
/// thread ends with the input, with an error, or when it next has something to hand over after the
/// source is gone.
pub(super) struct Stream {
    full: Receiver<Result<Chunk>>,
    empty: SyncSender<Vec<u8>>,
    chunk: Chunk,
    taken: usize,
    ended: bool,
    failed: bool,
}

impl Input {
    /// Reads into `space`, waiting for a stream at most for as long as given.
    pub(super) fn read(&mut self, space: &mut [u8], wait: Duration) -> Result<Got> {
        match self {
            Input::File(file) => retry(file, space),
            Input::Direct(_) => {
                self.start()?;
                self.read(space, wait)
            }
            Input::Threaded(stream) => stream.read(space, wait),
        }
    }

    /// Reads into `space`, waiting as long as it takes; for before the run.
    pub(super) fn read_blocking(&mut self, space: &mut [u8]) -> Result<Got> {
        match self {
            Input::File(file) => retry(file, space),
            Input::Direct(reader) => retry(reader, space),
            Input::Threaded(stream) => stream.read(space, Duration::MAX),
        }
    }

    /// Whether reading may take as long as it likes.
    pub(super) fn may_wait(&self) -> bool {
        !matches!(self, Input::File(_))
    }

    /// Passes the first `offset` bytes of an input that nothing has been read from; says how many
    /// there are, if less. What is decompressed has to be read again.
    pub(super) fn pass(&mut self, offset: u64) -> Result<u64> {
        if let Input::File(file) = self {
            let length = file.metadata()?.len();
            return file.seek(SeekFrom::Start(offset)).map(|_| offset.min(length));
        }
        let mut scratch = vec![0; CHUNK];
        let mut passed = 0;
        while passed < offset {
            let most = usize::try_from(offset - passed).map_or(CHUNK, |rest| rest.min(CHUNK));
            match self.read_blocking(&mut scratch[..most])? {
                Got::Bytes(count) => passed += count as u64,
                Got::End | Got::Nothing => break,
            }
        }
        Ok(passed)
    }

    /// Moves the reader to a thread.
    fn start(&mut self) -> Result<()> {
        let (send_full, full) = sync_channel(CHUNKS_AHEAD);
        let (empty, receive_empty) = sync_channel(CHUNKS_AHEAD + 2);
        let stream =
            Stream { full, empty, chunk: (Vec::new(), 0), taken: 0, ended: false, failed: false };
        if let Input::Direct(reader) = std::mem::replace(self, Input::Threaded(stream)) {
            threads::start("trommel-read", move || pump(reader, &send_full, &receive_empty))?;
        }
        Ok(())
    }
}

/// Reads chunk after chunk until the input ends or nobody listens.
fn pump(
    mut reader: Box<dyn Read + Send>,
    full: &SyncSender<Result<Chunk>>,
    empty: &Receiver<Vec<u8>>,
) {
    loop {
        let mut chunk = empty.try_recv().unwrap_or_default();
        chunk.resize(CHUNK, 0);
        let message = retry(&mut reader, &mut chunk).map(|got| match got {
            Got::Bytes(count) => (chunk, count),
            Got::End | Got::Nothing => (chunk, 0),
        });
        let is_last = !matches!(message, Ok((_, 1..)));
        if full.send(message).is_err() || is_last {
            return;
        }
    }
}

impl Stream {
    fn read(&mut self, space: &mut [u8], wait: Duration) -> Result<Got> {
        if self.ended {
            return Ok(Got::End);
        }
        if self.taken == self.chunk.1 {
            // It does not matter when this is full: the thread then makes a new one.
            let _ = self.empty.try_send(std::mem::take(&mut self.chunk).0);
            self.taken = 0;
            match self.full.recv_timeout(wait) {
                Ok(chunk) => self.chunk = chunk.inspect_err(|_| self.failed = true)?,
                Err(RecvTimeoutError::Timeout) => return Ok(Got::Nothing),
                Err(RecvTimeoutError::Disconnected) => {
                    let reason = match self.failed {
                        true => "reading has failed before",
                        false => "the reader panicked",
                    };
                    return Err(std::io::Error::other(reason));
                }
            }
            if self.chunk.1 == 0 {
                self.ended = true;
                return Ok(Got::End);
            }
        }
        let rest = &self.chunk.0[self.taken..self.chunk.1];
        let count = rest.len().min(space.len());
        space[..count].copy_from_slice(&rest[..count]);
        self.taken += count;
        Ok(Got::Bytes(count))
    }
}

fn retry(reader: &mut (impl Read + ?Sized), space: &mut [u8]) -> Result<Got> {
    loop {
        match reader.read(space) {
            Ok(0) => return Ok(Got::End),
            Ok(count) => return Ok(Got::Bytes(count)),
            Err(error) if error.kind() == ErrorKind::Interrupted => {}
            Err(error) => return Err(error),
        }
    }
}
