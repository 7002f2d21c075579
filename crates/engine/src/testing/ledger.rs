//! A transactional sink in memory.

use crate::error::Result;
use crate::position::Checkpoint;
use crate::reject::Reject;
use crate::sink::{Commit, Durability, Encode, Sink};

/// Behaves as a database: what is written is pending until a commit, which stores data and
/// checkpoint together; an abort takes back what is pending.
///
/// ```
/// use trommel::testing::{Fault, Ledger, Trap};
/// use trommel::{Engine, Options, Pipeline, sources};
/// let trap = Trap::at(95, Fault::FATAL);
/// let mut ledger = Ledger::new(3); // a commit after every third batch
/// let result = Pipeline::from(sources::generate(100, |id| id))
///     .options(Options::builder().fixed_batch_size(10).build()?)
///     .transform(|id, out| {
///         trap.step()?;
///         out.emit(id)
///     })
///     .load_into(&mut ledger)
///     .run(&Engine::builder().workers(1).build()?);
/// assert!(result.is_err());
/// let checkpoint = ledger.checkpoint().unwrap();
/// assert_eq!(ledger.stored().len() as u64, checkpoint.counts.loaded);
/// assert_eq!(ledger.stored().len() % 30, 0);
/// # Ok::<(), trommel::Error>(())
/// ```
#[derive(Debug)]
pub struct Ledger<T> {
    stored: Vec<T>,
    pending: Vec<T>,
    rejects: Vec<Reject>,
    pending_rejects: Vec<Reject>,
    job: Option<String>,
    checkpoint: Option<Checkpoint>,
    latest: Option<Checkpoint>,
    batches_per_commit: u64,
    batches: u64,
}

impl<T> Ledger<T> {
    /// Commits after every `batches_per_commit` batches; 0: only when it must.
    pub fn new(batches_per_commit: u64) -> Self {
        Ledger {
            stored: Vec::new(),
            pending: Vec::new(),
            rejects: Vec::new(),
            pending_rejects: Vec::new(),
            job: None,
            checkpoint: None,
            latest: None,
            batches_per_commit,
            batches: 0,
        }
    }

    /// What would survive a crash.
    pub fn stored(&self) -> &[T] {
        &self.stored
    }

    /// What was written and neither committed nor taken back.
    pub fn pending(&self) -> &[T] {
        &self.pending
    }

    /// The rejects that were stored with the data.
    pub fn rejects(&self) -> &[Reject] {
        &self.rejects
    }

    /// The checkpoint that was stored with the data.
    pub fn checkpoint(&self) -> Option<&Checkpoint> {
        self.checkpoint.as_ref()
    }

    fn store(&mut self) {
        self.stored.append(&mut self.pending);
        self.rejects.append(&mut self.pending_rejects);
        self.checkpoint = self.latest.take().or(self.checkpoint.take());
        self.batches = 0;
    }
}

impl<T: Send> Sink for Ledger<T> {
    type Page = Vec<T>;
    type Encoder = ();

    fn encoder(&mut self) -> Result<()> {
        Ok(())
    }
    fn write(&mut self, page: &mut Vec<T>) -> Result<()> {
        self.pending.append(page);
        Ok(())
    }
    fn commit(&mut self, checkpoint: &Checkpoint, when: Commit) -> Result<Durability> {
        self.latest = Some(checkpoint.clone());
        self.batches += 1;
        if when == Commit::Now || self.batches == self.batches_per_commit {
            self.store();
            return Ok(Durability::Stored);
        }
        Ok(Durability::Pending)
    }
    fn finish(&mut self) -> Result<()> {
        self.store();
        if let (Some(_), Some(checkpoint)) = (&self.job, &mut self.checkpoint) {
            checkpoint.finished = true;
        }
        Ok(())
    }
    fn abort(&mut self) -> Durability {
        self.pending.clear();
        self.pending_rejects.clear();
        self.latest = None;
        Durability::Pending
    }
    fn keeps_rejects(&self) -> bool {
        true
    }
    fn keep_reject(&mut self, reject: &Reject) -> Result<()> {
        self.pending_rejects.push(reject.clone());
        Ok(())
    }
    fn resume(&mut self, job: &str) -> Result<Option<Checkpoint>> {
        self.job = Some(job.to_owned());
        Ok(self.checkpoint.clone())
    }
}

impl<T: Send> Encode<T> for Ledger<T> {
    fn encode(_: &(), page: &mut Vec<T>, value: T) -> Result<()> {
        page.push(value);
        Ok(())
    }
}
