//! Sending what a pipeline emits.

use super::settings::{Settings, setters};
use super::sink::{JsonArray, Lines, Ndjson, Raw, Sink};
use super::url::public;
use std::path::PathBuf;

/// Sends to a URL by `POST`.
///
/// ```no_run
/// use trommel::{Engine, Options, Pipeline, Retry, sources};
/// use trommel_connect::http;
/// let lines = http::post("https://log.example/in").connections(4).lines();
/// Pipeline::from(sources::generate(10_000, |id| id))
///     .options(Options::builder().retry(Retry::times(5)).build()?)
///     .transform(|id, out| out.emit(out.text().str("event ").int(id).finish()))
///     .load_into(lines)
///     .run(&Engine::new()?)?;
/// # Ok::<(), trommel::Error>(())
/// ```
pub fn post(url: impl Into<String>) -> Post {
    Post {
        url: url.into(),
        settings: Settings::default(),
        connections: 1,
        rows: 0,
        max_body_bytes: 4 << 20,
        job: None,
        key_header: "Idempotency-Key".into(),
        rejects_refused: false,
        checkpoints: None,
    }
}

/// How to send. Start with [`post`], end with an encoding: [`ndjson`](Self::ndjson),
/// [`json_array`](Self::json_array), [`lines`](Self::lines) or [`raw`](Self::raw).
#[derive(Clone)]
#[must_use = "it does nothing until an encoding is chosen"]
pub struct Post {
    pub(super) url: String,
    pub(super) settings: Settings,
    pub(super) connections: usize,
    pub(super) rows: usize,
    pub(super) max_body_bytes: usize,
    pub(super) job: Option<String>,
    pub(super) key_header: String,
    pub(super) rejects_refused: bool,
    pub(super) checkpoints: Option<PathBuf>,
}

impl Post {
    setters!();

    /// Requests on their way at once, each on a connection and a thread of its own. Default: 1,
    /// which keeps the order of the rows; with more, requests arrive in any order. 0 counts as 1.
    pub fn connections(mut self, connections: usize) -> Self {
        self.connections = connections.max(1);
        self
    }

    /// Records per request, the last one of a run aside. Default: 0, whatever a batch has become,
    /// so that rows of a slow source are sent as they come.
    ///
    /// A number makes requests the same in each run of the same input, whatever the batches are:
    /// that is what lets a server know a request again by its key.
    pub fn rows_per_request(mut self, rows: usize) -> Self {
        self.rows = rows;
        self
    }

    /// A request of [`rows_per_request`](Self::rows_per_request) is sent early, also the same way
    /// in each run, when its body has come to this many bytes. Default: 4 MiB.
    pub fn max_body_bytes(mut self, bytes: usize) -> Self {
        self.max_body_bytes = bytes.max(1);
        self
    }

    /// The name that [keys](Self::key_header) begin with, so that a load that is started all over
    /// again sends the same ones. Default: one made up for each run, or the name of a
    /// [resumable](trommel::Pipeline::resumable) job.
    pub fn job(mut self, name: impl Into<String>) -> Self {
        self.job = Some(name.into());
        self
    }

    /// The header of the idempotency key: job, number of the request and a hash of its body, so
    /// that it is the same when, and only when, the same records are sent at the same place.
    /// Default: `Idempotency-Key`; the empty string sends none.
    pub fn key_header(mut self, name: impl Into<String>) -> Self {
        self.key_header = name.into();
        self
    }

    /// Whether rows are bad that the server refuses with status 400, 409, 413 or 422. Default: no,
    /// the run ends.
    ///
    /// A refused request is cut in halves until the rows are found that are refused by themselves;
    /// all others are loaded. For servers that take a request whole or not at all, with one
    /// connection and without [`rows_per_request`](Self::rows_per_request).
    pub fn reject_refused(mut self, rejects: bool) -> Self {
        self.rejects_refused = rejects;
        self
    }

    /// Where a [resumable](trommel::Pipeline::resumable) job keeps its checkpoint, since a server
    /// has no place for it. Needs [`rows_per_request`](Self::rows_per_request).
    pub fn checkpoints(mut self, file: impl Into<PathBuf>) -> Self {
        self.checkpoints = Some(file.into());
        self
    }

    /// Bodies of newline-delimited JSON (`application/x-ndjson`): emit `&T` with `T: Serialize`.
    pub fn ndjson(self) -> Sink<Ndjson> {
        Sink::new(self)
    }

    /// Bodies that are one JSON array (`application/json`): emit `&T` with `T: Serialize`.
    pub fn json_array(self) -> Sink<JsonArray> {
        Sink::new(self)
    }

    /// Bodies of lines (`text/plain`): emit `&str` or `&[u8]`.
    pub fn lines(self) -> Sink<Lines> {
        Sink::new(self)
    }

    /// Bodies of what is emitted (`&str`, `&[u8]`), with nothing between
    /// (`application/octet-stream`, unless a header says otherwise).
    pub fn raw(self) -> Sink<Raw> {
        Sink::new(self)
    }
}

impl std::fmt::Debug for Post {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Post")
            .field("url", &public(&self.url))
            .field("settings", &self.settings)
            .field("connections", &self.connections)
            .finish_non_exhaustive()
    }
}
