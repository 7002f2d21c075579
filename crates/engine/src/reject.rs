//! Rejects: bad rows, and what becomes of them.

use crate::error::{Error, Origin, Result, Stage};
use parking_lot::Mutex;
use serde::{Deserialize, Deserializer, Serialize};
use std::fmt;
use std::sync::Arc;

/// One bad row: what it was, where it was, and why it was refused.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Reject {
    /// Name of the file, table or stream.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub source: Option<Box<str>>,
    /// Row number in the input, from 0, also in a run that was resumed; `None` when neither the
    /// source nor an ordered run can tell.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub record: Option<u64>,
    /// Line on which the row starts, from 1.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub line: Option<u64>,
    /// Byte offset of the row from the start of the source.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub offset: Option<u64>,
    /// The column that is wrong.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub column: Option<Box<str>>,
    /// Where it was refused.
    pub stage: Stage,
    /// Why.
    pub reason: String,
    /// The row, byte for byte; empty for sources of typed records.
    #[serde(serialize_with = "text_or_bytes", deserialize_with = "from_text_or_bytes")]
    pub raw: Vec<u8>,
}

/// Text when it is text, an array of bytes when it is not, so that nothing is lost either way.
fn text_or_bytes<S: serde::Serializer>(raw: &[u8], serializer: S) -> Result<S::Ok, S::Error> {
    match std::str::from_utf8(raw) {
        Ok(text) => serializer.serialize_str(text),
        Err(_) => raw.serialize(serializer),
    }
}

fn from_text_or_bytes<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Vec<u8>, D::Error> {
    #[derive(Deserialize)]
    #[serde(untagged)]
    enum Raw {
        Text(String),
        Bytes(Vec<u8>),
    }
    Ok(match Raw::deserialize(deserializer)? {
        Raw::Text(text) => text.into_bytes(),
        Raw::Bytes(bytes) => bytes,
    })
}

impl Reject {
    pub(crate) fn new(error: &Error, origin: Origin, record: Option<u64>, raw: Vec<u8>) -> Self {
        let origin = error.origin().cloned().unwrap_or(origin);
        Reject {
            source: origin.source,
            record: origin.record.or(record),
            line: origin.line,
            offset: origin.offset,
            column: error.column().map(Into::into),
            stage: error.stage().unwrap_or(Stage::Transform),
            reason: reason(error),
            raw,
        }
    }
}

/// The message and its cause, without the place, which a reject has in fields of its own.
fn reason(error: &Error) -> String {
    match std::error::Error::source(error) {
        Some(cause) => format!("{}: {cause}", error.message()),
        None => error.message().to_owned(),
    }
}

/// Takes rejected rows, in order in an ordered run. Any closure over `&Reject` is one.
///
/// It is called while batches are written, outside the sink's transaction: when a run fails and the
/// sink takes rows back, their rejects stay and come again with the next run.
///
/// # Examples
/// How often each reason came, said at the end:
/// ```
/// use std::collections::BTreeMap;
/// use std::sync::mpsc::{Sender, channel};
/// use trommel::{DeadLetter, Engine, Error, Options, Pipeline, Reject, RejectPolicy, Result};
/// use trommel::{sinks, sources};
///
/// struct Reasons {
///     counts: BTreeMap<String, u64>,
///     tell: Sender<String>,
/// }
///
/// impl DeadLetter for Reasons {
///     fn write(&mut self, reject: &Reject) -> Result<()> {
///         *self.counts.entry(reject.reason.clone()).or_default() += 1;
///         Ok(())
///     }
///
///     fn finish(&mut self) -> Result<()> {
///         for (reason, count) in &self.counts {
///             let _ = self.tell.send(format!("{count} × {reason}"));
///         }
///         Ok(())
///     }
/// }
///
/// let (tell, told) = channel();
/// let reasons = Reasons { counts: BTreeMap::new(), tell };
/// Pipeline::from(sources::generate(10, |id| id))
///     .options(Options::builder().on_reject(RejectPolicy::dead_letter(reasons, 100)).build()?)
///     .try_map(|id| match id {
///         0 => Err(Error::row("zero")),
///         _ if id % 2 == 1 => Err(Error::row("odd")),
///         _ => Ok(id),
///     })
///     .load_into(sinks::count())
///     .run(&Engine::new()?)?;
/// assert_eq!(told.iter().collect::<Vec<_>>(), ["5 × odd", "1 × zero"]);
/// # Ok::<(), trommel::Error>(())
/// ```
pub trait DeadLetter: Send {
    /// Stores one reject.
    ///
    /// # Errors
    /// Ends the run: a reject that can't be kept would be lost.
    fn write(&mut self, reject: &Reject) -> Result<()>;

    /// Stores what is buffered. Called once at the end of every run, however it ends.
    ///
    /// # Errors
    /// Fails the run.
    fn finish(&mut self) -> Result<()> {
        Ok(())
    }
}

impl<F: FnMut(&Reject) -> Result<()> + Send> DeadLetter for F {
    fn write(&mut self, reject: &Reject) -> Result<()> {
        self(reject)
    }
}

/// What happens to bad rows.
#[derive(Clone, Default)]
#[non_exhaustive]
pub enum RejectPolicy {
    /// The first one ends the run.
    #[default]
    Stop,
    /// They are counted and dropped.
    Skip {
        /// One more than this ends the run.
        max: u64,
    },
    /// They are counted and kept.
    DeadLetter {
        /// Takes them.
        sink: Arc<Mutex<dyn DeadLetter>>,
        /// One more than this ends the run.
        max: u64,
    },
    /// They are counted, and the pipeline's sink stores them with the data.
    WithData {
        /// One more than this ends the run.
        max: u64,
    },
}

impl RejectPolicy {
    /// Counts and drops up to `max` bad rows.
    pub fn skip(max: u64) -> Self {
        RejectPolicy::Skip { max }
    }

    /// Hands every bad row to `sink`, up to `max` of them. It is no part of what a
    /// [`resumable`](crate::Job::resumable) job stores: a run that goes on hands over only the bad rows
    /// that it reads itself, and some of them for a second time. [`with_data`](Self::with_data) keeps
    /// those of all runs, each once.
    ///
    /// ```
    /// use std::sync::{Arc, Mutex};
    /// use trommel::{Engine, Error, Options, Pipeline, Reject, RejectPolicy, sinks, sources};
    ///
    /// let bad = Arc::new(Mutex::new(Vec::new()));
    /// let keep = Arc::clone(&bad);
    /// let options = Options::builder()
    ///     .on_reject(RejectPolicy::dead_letter(
    ///         move |reject: &Reject| {
    ///             keep.lock().unwrap().push(reject.record);
    ///             Ok(())
    ///         },
    ///         10,
    ///     ))
    ///     .build()?;
    /// let report = Pipeline::from(sources::generate(5, |id| id))
    ///     .options(options)
    ///     .transform(|id, out| if id == 3 { Err(Error::row("three")) } else { out.emit(id) })
    ///     .load_into(sinks::count())
    ///     .run(&Engine::new()?)?;
    /// assert_eq!((report.counts.loaded, report.counts.rejected), (4, 1));
    /// assert_eq!(*bad.lock().unwrap(), [Some(3)]);
    /// # Ok::<(), trommel::Error>(())
    /// ```
    pub fn dead_letter(sink: impl DeadLetter + 'static, max: u64) -> Self {
        RejectPolicy::DeadLetter { sink: Arc::new(Mutex::new(sink)), max }
    }

    /// Has up to `max` bad rows stored by the pipeline's own sink
    /// ([`Sink::keep_reject`](crate::Sink::keep_reject)): a commit stores them together with the
    /// rows that were good, an abort takes both back.
    pub fn with_data(max: u64) -> Self {
        RejectPolicy::WithData { max }
    }

    pub(crate) fn stops(&self) -> bool {
        matches!(self, RejectPolicy::Stop)
    }

    pub(crate) fn max(&self) -> u64 {
        match self {
            RejectPolicy::Stop => 0,
            RejectPolicy::Skip { max }
            | RejectPolicy::DeadLetter { max, .. }
            | RejectPolicy::WithData { max } => *max,
        }
    }
}

impl fmt::Debug for RejectPolicy {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            RejectPolicy::Stop => f.write_str("Stop"),
            RejectPolicy::Skip { max } => write!(f, "Skip {{ max: {max} }}"),
            RejectPolicy::DeadLetter { max, .. } => write!(f, "DeadLetter {{ max: {max} }}"),
            RejectPolicy::WithData { max } => write!(f, "WithData {{ max: {max} }}"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_not_text_is_kept_byte_for_byte() {
        for raw in [b"a,b".to_vec(), vec![0xff, 0, b'\n'], Vec::new()] {
            let reject = Reject {
                source: Some("a.csv".into()),
                record: Some(7),
                line: None,
                offset: Some(40),
                column: None,
                stage: Stage::Sink,
                reason: "no".into(),
                raw,
            };
            let text = serde_json::to_string(&reject).unwrap();
            assert_eq!(serde_json::from_str::<Reject>(&text).unwrap(), reject);
        }
    }
}
