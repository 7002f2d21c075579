//! Files as destinations: what the sinks of every format have in common.
//!
//! Workers encode values into [`Page`]s (and [compress](Compression) them); the sink only appends
//! pages. A file is written under a side name and gets its own when it is whole, so nobody ever sees
//! half of it. For a destination `OUT` these lie beside it:
//!
//! | file | what | when |
//! |---|---|---|
//! | `OUT.part` | the data so far | during the run; until a job that was cut off is finished |
//! | `OUT.part.lock` | an advisory lock: a runner is alive | during the run; a kill leaves it, unlocked |
//! | `OUT.part.checkpoint` | how far the job has come, and how long each file is there | resumable runs only; stays |
//! | `OUT.rejects.ndjson` | bad rows, with `RejectPolicy::with_data` | as the data, `.part` included |
//!
//! # Runs without checkpoints
//! An error, a cancel or a panic removes the side file; `OUT` stays what it was. After a kill the side
//! file is left, and the next run begins it anew.
//!
//! # Resumable runs
//! A *commit* syncs the data files and then replaces the checkpoint file as a whole: written beside,
//! synced, renamed, directory synced. The checkpoint holds the position in the source, the counts, and
//! the committed length of each file. Whoever resumes cuts the files back to these lengths.
//!
//! What a kill leaves, and what the next run makes of it:
//!
//! | killed | what is there | what happens |
//! |---|---|---|
//! | before the first commit | a checkpoint file without a position | begins anew |
//! | while appending | a side file longer than its checkpoint says | the rest is cut off and loaded again |
//! | between the data's sync and the rename of the checkpoint | the same, and `.checkpoint.new` | the same |
//! | while resuming | the side file as long as it shall be, or not yet | cut off again |
//! | at the end, before the checkpoint says *finished* | the side file | goes on from the last commit |
//! | after it says so, before the rename | a finished checkpoint and the side file | the rename is made good, nothing is loaded |
//! | between the renames of several files | some have their names | the other renames are made good |
//! | after the renames | `OUT`, a finished checkpoint, maybe the lock file | nothing is done |
//!
//! A job that has finished does nothing when it is run again; delete `OUT.part.checkpoint` to load it
//! anew. A run without a job name replaces `OUT` and removes a finished job's checkpoint; that of an
//! unfinished job it refuses to touch.
//!
//! # Two runners
//! The runner that resumes the job last owns it: it raises the epoch in the checkpoint, and a runner
//! from before fails at its next commit. Should that one still be alive (stopped, hung, on the other
//! side of a network), its lock shows it; then the newer runner goes on with *copies* of the committed
//! data, so that what the older one still appends goes to files that nobody reads. Without the lock it
//! is dead, and its files are used as they are. On file systems without locks only the epoch protects.
//! Runs without checkpoints refuse to start while another runner is alive.
//!
//! # What survives what
//! Committed data survives a kill of the process and, on disks that keep their promises, a loss of
//! power. Runs without checkpoints sync nothing unless `sync` is set: they survive kills, but after a
//! loss of power the new file may be empty.

mod append;
mod compress;
mod job;
mod manifest;
mod output;
mod page;
mod part;
mod place;
mod run;
mod runner;
mod settings;
mod verify;
mod write;

pub use crate::input::Compression;
pub(crate) use crate::partition::FileSink;
pub use crate::partition::{Keyed, KeyedEncoder, KeyedPage, PartitionKey, Partitioned};
#[cfg(feature = "csv")]
pub(crate) use compress::open_compressed;
pub(crate) use output::Output;
pub use page::Page;
pub(crate) use settings::{Existing, Settings, file_settings, forward_output};
pub(crate) use verify::{ReadBack, digest};
