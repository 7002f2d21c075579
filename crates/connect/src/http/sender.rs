//! Requests on their way.

use super::client::{Call, Client, Unsent};
use super::post::Post;
use super::watch::Watch;
use crate::leave::Leave;
use crate::threads;
use std::io::Read;
use std::sync::Arc;
use std::sync::mpsc::{Receiver, Sender, channel};
use std::thread::JoinHandle;
use trommel::{Error, ErrorKind, Result};

/// Most bytes of an answer that are read so that its connection can be used again.
const DRAINED: u64 = 64 * 1024;

/// A request that is ready to go.
#[derive(Debug, Default)]
pub(super) struct Job {
    pub(super) key: String,
    pub(super) body: Vec<u8>,
}

/// Sends one request at a time.
#[derive(Clone)]
pub(super) struct Line {
    client: Client,
    url: Arc<str>,
    content_type: Option<&'static str>,
    key_header: Arc<str>,
}

impl Line {
    pub(super) fn new(options: &Post, content_type: &'static str) -> Self {
        let mut named = options.settings.headers.iter().map(|(name, _)| name);
        let is_named = named.any(|name| name.eq_ignore_ascii_case("content-type"));
        Line {
            client: Client::new(options.settings.clone(), options.connections),
            url: options.url.as_str().into(),
            content_type: (!is_named).then_some(content_type),
            key_header: options.key_header.as_str().into(),
        }
    }

    /// Gives up what is on its way when the run is cancelled; until it is dropped.
    pub(super) fn watch(&self, leave: Leave) -> Result<Watch> {
        Watch::start(leave, self.client.closer())
    }

    /// Sends until it is taken, or there is nothing to hope for; `refused` says what to make of
    /// that.
    pub(super) fn send<E>(
        &self,
        job: &Job,
        refused: impl FnOnce(Unsent, Call<'_>) -> E,
    ) -> Result<(), E> {
        let mut headers = Vec::with_capacity(2);
        if let Some(content_type) = self.content_type {
            headers.push(("Content-Type".to_owned(), content_type.to_owned()));
        }
        if !self.key_header.is_empty() {
            headers.push((self.key_header.to_string(), job.key.clone()));
        }
        let call = Call { url: &self.url, headers: &headers, body: Some(&job.body) };
        match self.client.try_send(call) {
            Ok(response) => {
                // The request was taken; whether its answer can be read to the end changes nothing.
                let mut body = response.into_body().into_reader().take(DRAINED);
                let _ = std::io::copy(&mut body, &mut std::io::sink());
                Ok(())
            }
            Err(unsent) => Err(refused(unsent, call)),
        }
    }
}

/// Several lines at once, each with a thread.
pub(super) struct Lanes {
    lanes: Vec<(Sender<Job>, JoinHandle<()>)>,
    idle: Vec<usize>,
    done: Receiver<(usize, Job, Result<()>)>,
    spare: Vec<Job>,
    client: Client,
}

impl Lanes {
    pub(super) fn start(line: &Line, lanes: usize) -> Result<Self> {
        let (send_done, done) = channel();
        let mut started = Vec::with_capacity(lanes);
        for lane in 0..lanes {
            let (send, jobs) = channel::<Job>();
            let (line, send_done) = (line.clone(), send_done.clone());
            let work = move || {
                for job in jobs {
                    let result = line.send(&job, Unsent::explain);
                    if send_done.send((lane, job, result)).is_err() {
                        return;
                    }
                }
            };
            let thread = threads::start("trommel-http-post", work)?;
            started.push((send, thread));
        }
        let (idle, client) = ((0..lanes).collect(), line.client.clone());
        Ok(Lanes { lanes: started, idle, done, spare: Vec::new(), client })
    }

    /// A job whose buffers can be used.
    pub(super) fn spare(&mut self) -> Job {
        self.spare.pop().unwrap_or_default()
    }

    /// Whether all that was sent has been taken.
    pub(super) fn is_idle(&self) -> bool {
        self.idle.len() == self.lanes.len()
    }

    /// Sends as soon as a lane is free.
    pub(super) fn send(&mut self, job: Job) -> Result<()> {
        while let Ok(done) = self.done.try_recv() {
            self.settle(done)?;
        }
        while self.idle.is_empty() {
            self.settle_next()?;
        }
        if let Some(lane) = self.idle.pop()
            && self.lanes[lane].0.send(job).is_err()
        {
            return Err(died());
        }
        Ok(())
    }

    /// Waits until everything has been taken.
    pub(super) fn settle_all(&mut self) -> Result<()> {
        while !self.is_idle() {
            self.settle_next()?;
        }
        Ok(())
    }

    /// Waits for what is on its way, whatever becomes of it, without trying anything again.
    pub(super) fn give_up(&mut self) {
        self.client.stop();
        while !self.is_idle() {
            if self.settle_next().is_err_and(|error| error.kind() == ErrorKind::Panic) {
                return;
            }
        }
    }

    fn settle_next(&mut self) -> Result<()> {
        let done = self.done.recv().map_err(|_| died())?;
        self.settle(done)
    }

    fn settle(&mut self, (lane, job, result): (usize, Job, Result<()>)) -> Result<()> {
        self.idle.push(lane);
        self.spare.push(job);
        result.map_err(no_cancel)
    }
}

impl Drop for Lanes {
    fn drop(&mut self) {
        self.client.stop();
        for (send, thread) in self.lanes.drain(..) {
            drop(send);
            // A panic of the thread has been told as an error.
            let _ = thread.join();
        }
    }
}

/// For requests with records of earlier pages: the one at hand can't be left as if nothing had
/// happened, which is what a cancel would say.
pub(super) fn no_cancel(error: Error) -> Error {
    match error.kind() {
        ErrorKind::Cancelled => Error::new(ErrorKind::Io, "cancelled").caused_by(error),
        _ => error,
    }
}

fn died() -> Error {
    Error::new(ErrorKind::Panic, "a thread that sends requests has died")
}
