//! Sinks: the sequential end that appends pages, and the parallel half that encodes them.

use crate::error::{Error, ErrorKind, Result};
use crate::page::Page;
use crate::position::Checkpoint;
use crate::reject::Reject;

/// Whether what was written so far would survive a crash of this process.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Durability {
    /// Everything up to this checkpoint is stored, and stays whatever happens to the run.
    Stored,
    /// It waits for a later commit, or was taken back by [`Sink::abort`].
    Pending,
}

/// How badly the driver wants a commit.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Commit {
    /// A batch ended here: the sink groups batches as it likes.
    Grouped,
    /// The run ends early (it was cancelled): store what has been written.
    Now,
}

/// Takes pages in order. Sequential: one thread at a time, `&mut self`.
///
/// # Examples
/// The longest word of all, found page by page; [`Encode`] is what runs in the workers:
/// ```
/// use trommel::{Encode, Engine, Pipeline, Result, Sink, sources};
///
/// #[derive(Default)]
/// struct Longest(String);
///
/// impl Sink for Longest {
///     type Page = Vec<String>; // what a batch became
///     type Encoder = ();
///
///     fn encoder(&mut self) -> Result<()> {
///         Ok(())
///     }
///
///     fn write(&mut self, page: &mut Vec<String>) -> Result<()> {
///         for word in page.drain(..) {
///             if word.len() > self.0.len() {
///                 self.0 = word;
///             }
///         }
///         Ok(())
///     }
/// }
///
/// impl Encode<&str> for Longest {
///     fn encode((): &(), page: &mut Vec<String>, word: &str) -> Result<()> {
///         page.push(word.to_owned());
///         Ok(())
///     }
/// }
///
/// let words = ["a", "trommel", "turns"];
/// let mut longest = Longest::default();
/// Pipeline::from(sources::slice(&words))
///     .map(|word| *word)
///     .load_into(&mut longest)
///     .run(&Engine::new()?)?;
/// assert_eq!(longest.0, "trommel");
/// # Ok::<(), trommel::Error>(())
/// ```
///
/// One with transactions, whose jobs can be resumed: rows and checkpoint are stored together, or not
/// at all.
/// ```
/// use std::sync::{Arc, Mutex};
/// use trommel::{Checkpoint, Commit, Durability, Encode, Engine, Error, Pipeline, Result, Sink, sources};
///
/// /// It has one table, and one job that fills it.
/// #[derive(Default)]
/// struct Database {
///     rows: Vec<u64>,
///     checkpoint: Checkpoint,
/// }
///
/// #[derive(Default)]
/// struct Load {
///     database: Arc<Mutex<Database>>,
///     /// What the next commit will store.
///     rows: Vec<u64>,
///     checkpoint: Checkpoint,
/// }
///
/// impl Load {
///     fn store(&mut self) -> Result<()> {
///         let mut database = self.database.lock().unwrap();
///         if database.checkpoint.epoch != self.checkpoint.epoch {
///             return Err(Error::fatal("a newer runner has taken the job over"));
///         }
///         database.rows.append(&mut self.rows);
///         database.checkpoint = self.checkpoint.clone();
///         Ok(())
///     }
/// }
///
/// impl Sink for Load {
///     type Page = Vec<u64>;
///     type Encoder = ();
///
///     fn resume(&mut self, _job: &str) -> Result<Option<Checkpoint>> {
///         let mut database = self.database.lock().unwrap();
///         database.checkpoint.epoch += 1; // an older runner can't commit any more
///         self.checkpoint = database.checkpoint.clone();
///         Ok(Some(self.checkpoint.clone()))
///     }
///
///     fn encoder(&mut self) -> Result<()> {
///         Ok(())
///     }
///
///     fn write(&mut self, page: &mut Vec<u64>) -> Result<()> {
///         self.rows.append(page);
///         Ok(())
///     }
///
///     fn commit(&mut self, checkpoint: &Checkpoint, when: Commit) -> Result<Durability> {
///         self.checkpoint = checkpoint.clone();
///         if when == Commit::Grouped && self.rows.len() < 1_000 {
///             return Ok(Durability::Pending);
///         }
///         self.store()?;
///         Ok(Durability::Stored)
///     }
///
///     fn finish(&mut self) -> Result<()> {
///         self.checkpoint.finished = true;
///         self.store()
///     }
///
///     fn abort(&mut self) -> Durability {
///         self.rows.clear();
///         Durability::Pending
///     }
/// }
///
/// impl Encode<u64> for Load {
///     fn encode((): &(), page: &mut Vec<u64>, row: u64) -> Result<()> {
///         page.push(row);
///         Ok(())
///     }
/// }
///
/// let database = Arc::new(Mutex::new(Database::default()));
/// let run = |breaks_at: u64| {
///     Pipeline::from(sources::generate(10_000, |id| id))
///         .try_map(move |id| if id == breaks_at { Err(Error::fatal("broken")) } else { Ok(id) })
///         .load_into(Load { database: Arc::clone(&database), ..Load::default() })
///         .resumable("numbers")
///         .run(&Engine::new()?)
/// };
/// run(7_000).unwrap_err();
/// let stored = database.lock().unwrap().rows.len();
/// assert!(stored <= 7_000);
/// let report = run(u64::MAX)?; // goes on from there
/// assert_eq!(report.counts.loaded, 10_000 - stored as u64);
/// assert!(database.lock().unwrap().rows.iter().copied().eq(0..10_000)); // each once
/// # Ok::<(), Error>(())
/// ```
pub trait Sink: Send {
    /// Encoded output of one batch.
    type Page: Page;
    /// What encoding needs (a schema, options), shared by all workers.
    type Encoder: Send + Sync;

    /// Prepares the destination and returns the shared encoder. Called once per run, first.
    ///
    /// # Errors
    /// Whatever makes the destination unusable; the run ends before it reads anything.
    fn encoder(&mut self) -> Result<Self::Encoder>;

    /// Appends a page. It may drain the page or leave it: the driver clears it afterwards. After an
    /// error of class [`Transient`](crate::Class::Transient) page and destination must be
    /// unchanged, because the same page will come again.
    ///
    /// # Errors
    /// Transient errors are retried by policy; a row error rejects nothing here and ends the run.
    fn write(&mut self, page: &mut Self::Page) -> Result<()>;

    /// Whether the destination may refuse single values (see [`take_faults`](Self::take_faults));
    /// the workers then note which row emitted which value.
    fn refuses_values(&self) -> bool {
        false
    }

    /// Hands over the values of the last page that the destination itself refused (a constraint, a
    /// type), each with its index among the values of that page, in rising order. Called after each
    /// successful [`write`](Self::write), which has stored all the others, if
    /// [`refuses_values`](Self::refuses_values) says so.
    fn take_faults(&mut self, faults: &mut Vec<(usize, Error)>) {
        let _ = faults;
    }

    /// Called after each batch's pages have been written. A transactional sink stores the
    /// checkpoint in the transaction that stores the data, and says whether it has committed.
    ///
    /// # Errors
    /// As [`write`](Self::write).
    fn commit(&mut self, checkpoint: &Checkpoint, when: Commit) -> Result<Durability> {
        let _ = (checkpoint, when);
        Ok(Durability::Stored)
    }

    /// Stores everything. Called only after success; again after a transient error, by the retry
    /// policy.
    ///
    /// # Errors
    /// The run fails, and [`abort`](Self::abort) is not called.
    fn finish(&mut self) -> Result<()> {
        Ok(())
    }

    /// Takes back what was not committed. Called once, after a failure; the answer says what became
    /// of that: [`Durability::Pending`], it was taken back; [`Durability::Stored`], it stays, since
    /// this sink can't.
    fn abort(&mut self) -> Durability {
        Durability::Stored
    }

    /// Whether [`keep_reject`](Self::keep_reject) is supported.
    fn keeps_rejects(&self) -> bool {
        false
    }

    /// Stores a bad row beside the data: it becomes durable with the next commit and is taken back
    /// with the data by an abort. Called for rows of the pages written last.
    ///
    /// # Errors
    /// [`ErrorKind::Unsupported`] unless the sink has a place for rejects; otherwise as
    /// [`write`](Self::write).
    fn keep_reject(&mut self, reject: &Reject) -> Result<()> {
        let _ = reject;
        Err(Error::new(ErrorKind::Unsupported, "this sink has no place for rejects"))
    }

    /// Makes this the run of a job that can be resumed, before [`encoder`](Self::encoder), and
    /// answers where earlier runs of a job with this name have come. From now on each commit stores
    /// data, rejects and checkpoint together or not at all, [`finish`](Self::finish) marks the job
    /// finished, and a runner that resumed the job before can't commit any more.
    ///
    /// # Errors
    /// [`ErrorKind::Unsupported`] unless the sink stores checkpoints; otherwise whatever keeps it
    /// from reading them.
    fn resume(&mut self, job: &str) -> Result<Option<Checkpoint>> {
        let _ = job;
        Err(Error::new(
            ErrorKind::Unsupported,
            "this sink stores no checkpoints, so a run of it can't be resumed",
        ))
    }

    /// Whether [`write`](Self::write) or [`commit`](Self::commit) may wait (for I/O, a lock, a
    /// receiver) or fail with a transient error.
    ///
    /// A sink that answers `false` is called by the workers themselves: no drain thread is started
    /// and no page changes its core.
    fn may_block(&self) -> bool {
        true
    }

    /// Whether every call must come on the thread that called `run` (what it writes to belongs to
    /// that thread: a foreign callback, a connection that is not to be shared). No drain thread is
    /// started then: that thread asks the source and calls the sink in turns, so that a source that
    /// waits keeps the sink waiting.
    fn stays_on_caller(&self) -> bool {
        false
    }

    /// Whether pages are stored several at a time, so that their order is lost: a run in the
    /// source's order is refused before it reads anything.
    fn gives_up_order(&self) -> bool {
        false
    }
}

/// A sink that can encode values of type `T`. Parallel: runs in the worker while the arena lives,
/// so `T` may borrow from the row and from the arena.
#[diagnostic::on_unimplemented(
    message = "the sink `{Self}` cannot encode a `{T}`",
    label = "emitted here or by the pipeline's last `map`",
    note = "a database's sink takes records once it knows its table: `.table::<Record>(\"name\")`",
    note = "rows that borrow (`csv::Row`) are turned into a value that the sink takes by `.map` or `.transform`"
)]
pub trait Encode<T>: Sink {
    /// Appends `value` to `page`.
    ///
    /// # Errors
    /// A row error rejects the row that emitted the value; what it emitted before is taken back. A
    /// value that is refused must leave the page as it was.
    fn encode(encoder: &Self::Encoder, page: &mut Self::Page, value: T) -> Result<()>;
}

macro_rules! forward_sink {
    () => {
        type Page = K::Page;
        type Encoder = K::Encoder;
        fn encoder(&mut self) -> Result<Self::Encoder> {
            (**self).encoder()
        }
        fn write(&mut self, page: &mut Self::Page) -> Result<()> {
            (**self).write(page)
        }
        fn refuses_values(&self) -> bool {
            (**self).refuses_values()
        }
        fn take_faults(&mut self, faults: &mut Vec<(usize, Error)>) {
            (**self).take_faults(faults);
        }
        fn commit(&mut self, checkpoint: &Checkpoint, when: Commit) -> Result<Durability> {
            (**self).commit(checkpoint, when)
        }
        fn finish(&mut self) -> Result<()> {
            (**self).finish()
        }
        fn abort(&mut self) -> Durability {
            (**self).abort()
        }
        fn keeps_rejects(&self) -> bool {
            (**self).keeps_rejects()
        }
        fn keep_reject(&mut self, reject: &Reject) -> Result<()> {
            (**self).keep_reject(reject)
        }
        fn resume(&mut self, job: &str) -> Result<Option<Checkpoint>> {
            (**self).resume(job)
        }
        fn may_block(&self) -> bool {
            (**self).may_block()
        }
        fn stays_on_caller(&self) -> bool {
            (**self).stays_on_caller()
        }
        fn gives_up_order(&self) -> bool {
            (**self).gives_up_order()
        }
    };
}

impl<K: Sink + ?Sized> Sink for &mut K {
    forward_sink!();
}

impl<K: Sink + ?Sized> Sink for Box<K> {
    forward_sink!();
}

impl<T, K: Encode<T>> Encode<T> for &mut K {
    #[inline]
    fn encode(encoder: &Self::Encoder, page: &mut Self::Page, value: T) -> Result<()> {
        K::encode(encoder, page, value)
    }
}

impl<T, K: Encode<T>> Encode<T> for Box<K> {
    #[inline]
    fn encode(encoder: &Self::Encoder, page: &mut Self::Page, value: T) -> Result<()> {
        K::encode(encoder, page, value)
    }
}
