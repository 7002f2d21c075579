//! Requests full of records.

use super::client::{Call, Unsent};
use super::error::Failure;
use super::post::Post;
use super::sender::{Job, Lanes, Line, no_cancel};
use super::stored::Stored;
use super::watch::Watch;
use crate::records::Records;
use serde::Serialize;
use std::fmt;
use std::hash::{BuildHasher, Hasher, RandomState};
use std::marker::PhantomData;
use std::ops::Range;
use std::time::{Duration, Instant};
use trommel::{Checkpoint, Commit, Durability, Encode, Error, ErrorKind, Result};

/// How often a job stores its checkpoint while rows flow.
const CHECKPOINT_EVERY: Duration = Duration::from_secs(1);

/// How records become a body.
pub trait Encoding: sealed::Sealed + Send + 'static {
    /// What a request says that its body is, unless a header of [`Post`] does.
    const CONTENT_TYPE: &'static str;
}

/// Newline-delimited JSON.
#[derive(Debug, Clone, Copy)]
pub struct Ndjson;

/// One JSON array.
#[derive(Debug, Clone, Copy)]
pub struct JsonArray;

/// Lines of text.
#[derive(Debug, Clone, Copy)]
pub struct Lines;

/// Bytes as they are.
#[derive(Debug, Clone, Copy)]
pub struct Raw;

impl Encoding for Ndjson {
    const CONTENT_TYPE: &'static str = "application/x-ndjson";
}

impl Encoding for JsonArray {
    const CONTENT_TYPE: &'static str = "application/json";
}

impl Encoding for Lines {
    const CONTENT_TYPE: &'static str = "text/plain; charset=utf-8";
}

impl Encoding for Raw {
    const CONTENT_TYPE: &'static str = "application/octet-stream";
}

/// Posts what is emitted, encoded by the workers as `E` says; made by [`Post`].
///
/// Delivery is *at least once*: a request whose answer is lost is sent again with the same
/// idempotency key, so a server that remembers keys takes each once.
pub struct Sink<E> {
    options: Post,
    line: Line,
    lanes: Option<Lanes>,
    /// Behind the lanes, since dropping those waits for their requests.
    watch: Option<Watch>,
    job: Job,
    /// What keys begin with.
    name: String,
    /// Number of the next request of the job.
    number: u64,
    /// Records of a request that is not full.
    pending: Records,
    /// Records that the server refused, with why.
    faults: Vec<(usize, Error)>,
    stored: Option<Stored>,
    last: Checkpoint,
    stored_at: Instant,
    encoding: PhantomData<fn() -> E>,
}

impl<E: Encoding> Sink<E> {
    pub(super) fn new(options: Post) -> Self {
        let random = || RandomState::new().build_hasher().finish();
        let name = match &options.job {
            Some(job) => key_part(job),
            None => format!("{:016x}{:016x}", random(), random()),
        };
        Sink {
            line: Line::new(&options, E::CONTENT_TYPE),
            options,
            lanes: None,
            watch: None,
            job: Job::default(),
            name,
            number: 0,
            pending: Records::default(),
            faults: Vec::new(),
            stored: None,
            last: Checkpoint::default(),
            stored_at: Instant::now(),
            encoding: PhantomData,
        }
    }

    /// Posts records, and finds those that the server refuses if they are to be rejected.
    fn post(&mut self, page: &Records, rows: Range<usize>, part: bool) -> Result<()> {
        let mut job = match &mut self.lanes {
            Some(lanes) => lanes.spare(),
            None => std::mem::take(&mut self.job),
        };
        body::<E>(page, &rows, &mut job.body);
        let hash = hash(&job.body);
        job.key = match part {
            false => format!("{}-{}-{hash:016x}", self.name, self.number),
            true => {
                let Range { start, end } = rows;
                format!("{}-{}.{start}.{end}-{hash:016x}", self.name, self.number)
            }
        };
        if let Some(lanes) = &mut self.lanes {
            return lanes.send(job);
        }
        let sent = self.line.send(&job, |unsent, call| self.judge(unsent, call));
        self.job = job;
        match sent {
            Ok(()) => Ok(()),
            Err(Refusal::Rows(error)) if rows.len() == 1 => {
                self.faults.push((rows.start, error));
                Ok(())
            }
            Err(Refusal::Rows(_)) => {
                let middle = rows.start + rows.len() / 2;
                self.post(page, rows.start..middle, true)?;
                self.post(page, middle..rows.end, true)
            }
            Err(Refusal::Run(error)) => Err(error),
        }
    }

    /// Whether a refusal is the fault of the rows.
    fn judge(&self, unsent: Unsent, call: Call<'_>) -> Refusal {
        match &unsent.failure {
            Failure::Status { status: 400 | 409 | 413 | 422, .. }
                if self.options.rejects_refused =>
            {
                Refusal::Rows(Error::row(unsent.explain(call).to_string()))
            }
            _ => Refusal::Run(unsent.explain(call)),
        }
    }

    fn post_pending(&mut self) -> Result<()> {
        if self.pending.ends.is_empty() {
            return Ok(());
        }
        let mut pending = std::mem::take(&mut self.pending);
        let posted = self.post(&pending, 0..pending.ends.len(), false);
        self.number += 1;
        trommel::Page::clear(&mut pending);
        self.pending = pending;
        posted.map_err(no_cancel)
    }

    fn settle_all(&mut self) -> Result<()> {
        self.lanes.as_mut().map_or(Ok(()), Lanes::settle_all)
    }

    fn store(&mut self) -> Result<()> {
        self.settle_all()?;
        if let Some(stored) = &mut self.stored {
            stored.save(&self.last, self.number, &self.pending)?;
            self.stored_at = Instant::now();
        }
        Ok(())
    }
}

/// Whose fault a refusal is.
enum Refusal {
    Rows(Error),
    Run(Error),
}

impl<E: Encoding> trommel::Sink for Sink<E> {
    type Page = Records;
    type Encoder = ();

    fn encoder(&mut self) -> Result<()> {
        self.options.settings.check(&self.options.url)?;
        let Post { connections, rows, rejects_refused, .. } = self.options;
        if rejects_refused && (connections > 1 || rows > 0) {
            return Err(Error::config(
                "reject_refused: works with one connection and without rows_per_request",
            ));
        }
        // A new client: that of an earlier run may have been closed.
        self.line = Line::new(&self.options, E::CONTENT_TYPE);
        let leave = self.options.settings.leave.clone();
        self.watch = leave.map(|leave| self.line.watch(leave)).transpose()?;
        if connections > 1 {
            self.lanes = Some(Lanes::start(&self.line, connections)?);
        }
        Ok(())
    }

    fn write(&mut self, page: &mut Records) -> Result<()> {
        let records = page.ends.len();
        if self.options.rows == 0 {
            let posted = self.post(page, 0..records, false);
            self.number += 1;
            return posted;
        }
        let mut from = 0;
        while from < records {
            let room = self.options.rows - self.pending.ends.len();
            from += self.pending.take(page, from, room, self.options.max_body_bytes);
            let is_full = self.pending.ends.len() == self.options.rows
                || self.pending.bytes.len() >= self.options.max_body_bytes;
            if is_full {
                self.post_pending()?;
            }
        }
        Ok(())
    }

    fn refuses_values(&self) -> bool {
        self.options.rejects_refused
    }

    fn take_faults(&mut self, faults: &mut Vec<(usize, Error)>) {
        faults.append(&mut self.faults);
    }

    fn commit(&mut self, checkpoint: &Checkpoint, when: Commit) -> Result<Durability> {
        if self.stored.is_some() {
            self.last = checkpoint.clone();
            if when == Commit::Grouped && self.stored_at.elapsed() < CHECKPOINT_EVERY {
                return Ok(Durability::Pending);
            }
            self.store()?;
            return Ok(Durability::Stored);
        }
        if when == Commit::Now {
            // A request that is not full would have a key that no other run sends.
            if self.options.job.is_none() {
                self.post_pending()?;
            }
            self.settle_all()?;
        }
        let is_idle = self.lanes.as_ref().is_none_or(Lanes::is_idle);
        Ok(match is_idle && self.pending.ends.is_empty() {
            true => Durability::Stored,
            false => Durability::Pending,
        })
    }

    fn finish(&mut self) -> Result<()> {
        self.post_pending()?;
        self.last.finished = true;
        self.store()?;
        self.watch = None;
        Ok(())
    }

    fn abort(&mut self) -> Durability {
        if let Some(lanes) = &mut self.lanes {
            lanes.give_up();
        }
        self.watch = None;
        // What a server has taken it keeps. But with several connections, or in larger requests, it
        // isn't known to be all that was written; then only what was committed is counted.
        match self.lanes.is_none() && self.options.rows == 0 {
            true => Durability::Stored,
            false => Durability::Pending,
        }
    }

    fn resume(&mut self, job: &str) -> Result<Option<Checkpoint>> {
        let Some(file) = self.options.checkpoints.clone() else {
            let message = "a server keeps no checkpoints: name a file for them with `checkpoints`";
            return Err(Error::new(ErrorKind::Unsupported, message));
        };
        if self.options.rows == 0 {
            return Err(Error::config(
                "rows_per_request: a job that can be resumed needs a number, so that its requests \
                 are the same again",
            ));
        }
        self.name = key_part(self.options.job.as_deref().unwrap_or(job));
        let (stored, before) = Stored::open(file, job)?;
        self.stored = Some(stored);
        Ok(before.map(|before| {
            self.number = before.number;
            self.pending = before.pending;
            self.last = before.checkpoint;
            self.last.clone()
        }))
    }
}

impl<T: Serialize + ?Sized> Encode<&T> for Sink<Ndjson> {
    #[inline]
    fn encode(_: &(), page: &mut Records, value: &T) -> Result<()> {
        push_json(page, value, b'\n')
    }
}

impl<T: Serialize + ?Sized> Encode<&T> for Sink<JsonArray> {
    #[inline]
    fn encode(_: &(), page: &mut Records, value: &T) -> Result<()> {
        push_json(page, value, b',')
    }
}

macro_rules! bytes {
    ($encoding:ty, $type:ty, |$page:ident, $value:ident| $push:expr) => {
        impl Encode<$type> for Sink<$encoding> {
            #[inline]
            fn encode(_: &(), $page: &mut Records, $value: $type) -> Result<()> {
                $push
            }
        }
    };
}
bytes!(Lines, &[u8], |page, value| page.push_line(value));
bytes!(Lines, &str, |page, value| page.push_line(value.as_bytes()));
bytes!(Raw, &[u8], |page, value| page.push(value));
bytes!(Raw, &str, |page, value| page.push(value.as_bytes()));

fn push_json<T: Serialize + ?Sized>(page: &mut Records, value: &T, end: u8) -> Result<()> {
    let mark = page.bytes.len();
    if let Err(error) = serde_json::to_writer(&mut page.bytes, value) {
        page.bytes.truncate(mark);
        return Err(Error::row("the value can't be written as JSON").caused_by(error));
    }
    page.bytes.push(end);
    page.ends.push(page.bytes.len());
    Ok(())
}

/// The body of a request for these records.
fn body<E: Encoding>(page: &Records, rows: &Range<usize>, body: &mut Vec<u8>) {
    let bytes = page.of(rows);
    body.clear();
    match bytes.split_last() {
        // Each value of an array ends in a comma; the last one's is where the array ends.
        Some((b',', values)) if E::CONTENT_TYPE == JsonArray::CONTENT_TYPE => {
            body.push(b'[');
            body.extend_from_slice(values);
            body.push(b']');
        }
        _ => body.extend_from_slice(bytes),
    }
}

/// FNV-1a: the same in every process and version, which the standard library's hashes aren't.
fn hash(bytes: &[u8]) -> u64 {
    bytes.iter().fold(0xcbf2_9ce4_8422_2325, |hash, byte| {
        (hash ^ u64::from(*byte)).wrapping_mul(0x100_0000_01b3)
    })
}

/// A name as a header can carry it.
fn key_part(name: &str) -> String {
    let mut key = String::with_capacity(name.len());
    for byte in name.bytes() {
        match byte {
            b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' | b'-' | b'_' | b'.' => key.push(byte.into()),
            _ => key.push_str(&format!("%{byte:02X}")),
        }
    }
    key
}

impl<E> fmt::Debug for Sink<E> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Sink")
            .field("options", &self.options)
            .field("requests", &self.number)
            .finish_non_exhaustive()
    }
}

mod sealed {
    pub trait Sealed {}
    impl Sealed for super::Ndjson {}
    impl Sealed for super::JsonArray {}
    impl Sealed for super::Lines {}
    impl Sealed for super::Raw {}
}
