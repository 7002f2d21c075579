//! Files as destinations: what the sinks of every format have in common.

mod compress;
mod job;
mod key;
mod manifest;
mod output;
mod page;
mod part;
mod partition;
mod place;
mod run;
mod runner;
mod settings;

pub use compress::Compression;
#[cfg(feature = "csv")]
pub(crate) use compress::open_compressed;
pub(crate) use key::write_scalar;
pub(crate) use output::Output;
pub use page::Page;
pub(crate) use partition::FileSink;
pub use partition::{Keyed, KeyedEncoder, KeyedPage, PartitionKey, Partitioned};
pub(crate) use settings::{Existing, Settings, file_settings, forward_output};
