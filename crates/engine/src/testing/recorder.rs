//! A sink that writes down what happens to it.

use crate::error::Result;
use crate::position::Checkpoint;
use crate::sink::{Commit, Durability, Encode, Sink};
use parking_lot::Mutex;
use std::sync::Arc;

/// One call of the driver.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Call {
    /// [`Sink::encoder`].
    Encoder,
    /// [`Sink::write`], and the values of its page.
    Write(usize),
    /// [`Sink::commit`].
    Commit(Checkpoint, Commit),
    /// [`Sink::finish`].
    Finish,
    /// [`Sink::abort`].
    Abort,
}

impl Call {
    /// The method's name.
    pub fn name(&self) -> &'static str {
        match self {
            Call::Encoder => "encoder",
            Call::Write(_) => "write",
            Call::Commit(..) => "commit",
            Call::Finish => "finish",
            Call::Abort => "abort",
        }
    }
}

/// Keeps every value, and every call in the order in which it came. Clones look at the same record,
/// so that a test can look while the run goes on.
///
/// ```
/// use trommel::testing::Recorder;
/// use trommel::{Engine, Pipeline, sources};
/// let sink = Recorder::new();
/// Pipeline::from(sources::generate(3, |id| id))
///     .map(|id| id)
///     .load_into(sink.clone())
///     .run(&Engine::new()?)?;
/// assert_eq!(sink.values(), [0, 1, 2]);
/// assert_eq!(sink.call_names(), ["encoder", "write", "commit", "finish"]);
/// # Ok::<(), trommel::Error>(())
/// ```
#[derive(Debug)]
pub struct Recorder<T> {
    record: Arc<Mutex<Record<T>>>,
    may_block: bool,
}

#[derive(Debug)]
struct Record<T> {
    values: Vec<T>,
    calls: Vec<Call>,
}

impl<T> Clone for Recorder<T> {
    fn clone(&self) -> Self {
        Recorder { record: Arc::clone(&self.record), may_block: self.may_block }
    }
}

impl<T> Default for Recorder<T> {
    fn default() -> Self {
        Self::new()
    }
}

impl<T> Recorder<T> {
    /// An empty record. The driver gives it a drain thread, as it does a file or a database.
    pub fn new() -> Self {
        Recorder {
            record: Arc::new(Mutex::new(Record { values: Vec::new(), calls: Vec::new() })),
            may_block: true,
        }
    }

    /// Says that it never blocks: the workers call it themselves.
    #[must_use]
    pub fn self_draining(mut self) -> Self {
        self.may_block = false;
        self
    }

    /// All calls so far.
    pub fn calls(&self) -> Vec<Call> {
        self.record.lock().calls.clone()
    }

    /// Their names.
    pub fn call_names(&self) -> Vec<&'static str> {
        self.record.lock().calls.iter().map(Call::name).collect()
    }

    /// How often a method was called, by its name.
    pub fn count(&self, name: &str) -> usize {
        let record = self.record.lock();
        record.calls.iter().filter(|call| call.name() == name).count()
    }

    /// How many values have been written.
    pub fn len(&self) -> usize {
        self.record.lock().values.len()
    }

    /// Whether none has.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }
}

impl<T: Clone> Recorder<T> {
    /// All values written so far.
    pub fn values(&self) -> Vec<T> {
        self.record.lock().values.clone()
    }
}

impl<T: Send> Sink for Recorder<T> {
    type Page = Vec<T>;
    type Encoder = ();

    fn encoder(&mut self) -> Result<()> {
        self.record.lock().calls.push(Call::Encoder);
        Ok(())
    }
    fn write(&mut self, page: &mut Vec<T>) -> Result<()> {
        let mut record = self.record.lock();
        record.calls.push(Call::Write(page.len()));
        record.values.append(page);
        Ok(())
    }
    fn commit(&mut self, checkpoint: &Checkpoint, when: Commit) -> Result<Durability> {
        let call = Call::Commit(checkpoint.clone(), when);
        self.record.lock().calls.push(call);
        Ok(Durability::Stored)
    }
    fn finish(&mut self) -> Result<()> {
        self.record.lock().calls.push(Call::Finish);
        Ok(())
    }
    fn abort(&mut self) -> Durability {
        self.record.lock().calls.push(Call::Abort);
        Durability::Stored
    }
    fn may_block(&self) -> bool {
        self.may_block
    }
}

impl<T: Send> Encode<T> for Recorder<T> {
    fn encode(_: &(), page: &mut Vec<T>, value: T) -> Result<()> {
        page.push(value);
        Ok(())
    }
}
