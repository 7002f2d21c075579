//! A source that lets go of its connection.

use crate::lines;
use std::fmt;
use std::sync::Arc;
use trommel::{Fill, Fingerprint, Limit, Position, Result, Size, Source};

/// Ends whatever a connection is waiting for.
#[derive(Clone)]
pub(crate) struct Closer(Arc<dyn Fn() + Send + Sync>);

impl Closer {
    pub(crate) fn new(close: impl Fn() + Send + Sync + 'static) -> Self {
        Closer(Arc::new(close))
    }

    pub(crate) fn close(&self) {
        (self.0)();
    }
}

/// A source of any format that reads a connection, and closes it when it is dropped.
///
/// The thread that reads may be waiting for a peer that never speaks again; without this it would
/// wait on when the run has long been cancelled, and the peer would never be told.
pub struct Guarded<S> {
    source: S,
    closes: Closes,
}

/// Closes when it is dropped.
struct Closes(Closer);

impl<S> Guarded<S> {
    pub(crate) fn new(source: S, closer: Closer) -> Self {
        Guarded { source, closes: Closes(closer) }
    }

    /// The source within, to ask for its columns, say.
    pub fn get_ref(&self) -> &S {
        &self.source
    }
}

impl Guarded<lines::Source> {
    /// The same with rows of `&str`.
    pub fn text(self) -> Guarded<lines::Source<lines::Text>> {
        Guarded { source: self.source.text(), closes: self.closes }
    }
}

impl<S: Source> Source for Guarded<S> {
    type Batch = S::Batch;

    fn fill(&mut self, batch: &mut S::Batch, limit: &Limit<'_>) -> Result<Fill> {
        self.source.fill(batch, limit)
    }

    fn may_block(&self) -> bool {
        self.source.may_block()
    }

    fn position(&self) -> Option<Position> {
        self.source.position()
    }

    fn seek(&mut self, position: &Position) -> Result<()> {
        self.source.seek(position)
    }

    fn fingerprint(&self) -> Result<Option<Fingerprint>> {
        self.source.fingerprint()
    }

    fn size(&self) -> Size {
        self.source.size()
    }

    fn bytes_read(&self) -> u64 {
        self.source.bytes_read()
    }
}

impl Drop for Closes {
    fn drop(&mut self) {
        self.0.close();
    }
}

impl<S: fmt::Debug> fmt::Debug for Guarded<S> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.source.fmt(f)
    }
}
