//! What the user can choose about the files.

use crate::input::Compression;
use crate::partition::{Limits, each_folder};
use std::time::Duration;

/// What happens to a file that is there already.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(crate) enum Existing {
    #[default]
    Replace,
    Append,
    Refuse,
}

/// How files are written, whatever is in them.
#[derive(Debug, Clone)]
pub(crate) struct Settings {
    pub(crate) compression: Compression,
    /// What `Auto` stands for.
    pub(crate) of_path: Compression,
    pub(crate) existing: Existing,
    /// What stands behind each value.
    pub(crate) line_end: &'static [u8],
    /// Whether a run without checkpoints syncs at its end.
    pub(crate) sync: bool,
    pub(crate) commit_bytes: u64,
    pub(crate) commit_interval: Duration,
    /// A new file begins when this one has so many bytes or values; 0: never.
    pub(crate) roll_bytes: u64,
    pub(crate) roll_values: u64,
    pub(crate) limits: Limits,
    pub(crate) verify: bool,
    /// What the format lets one choose that a reader has to know.
    pub(crate) dialect: String,
    /// Of a partitioned output: the columns of the key.
    pub(crate) keys: Option<Vec<String>>,
}

impl Default for Settings {
    fn default() -> Self {
        Settings {
            compression: Compression::None,
            of_path: Compression::None,
            existing: Existing::Replace,
            line_end: b"\n",
            sync: false,
            commit_bytes: 64 << 20,
            commit_interval: Duration::from_secs(1),
            roll_bytes: 0,
            roll_values: 0,
            limits: Limits::default(),
            verify: false,
            dialect: String::new(),
            keys: None,
        }
    }
}

impl Settings {
    /// What files are written as, in so many words: half a file written otherwise is no file.
    pub(crate) fn form(&self) -> String {
        let compression = match self.compression {
            Compression::Gzip(_) => "gzip",
            Compression::Zstd(_) => "zstd",
            _ => "not compressed",
        };
        let folders = self.keys.as_deref().map(|keys| format!(", {}", each_folder(keys)));
        format!("{compression}{}{}", self.dialect, folders.unwrap_or_default())
    }

    pub(crate) fn rolls(&self) -> bool {
        self.roll_bytes > 0 || self.roll_values > 0
    }
}

/// Setters that every sink of files has, written once.
macro_rules! file_settings {
    () => {
        /// How the output is compressed: by gzip, zstd or not at all. Default:
        /// [`Auto`](crate::files::Compression::Auto), what the extension of the path says (`.gz`,
        /// `.zst`); for a writer, not at all.
        pub fn compression(self, compression: crate::files::Compression) -> Self {
            self.set(|settings| {
                settings.compression = match compression {
                    crate::files::Compression::Auto => settings.of_path,
                    chosen => chosen,
                }
            })
        }

        /// Adds to a file that is there: the run works on a copy, so that others see the old
        /// content or all of the new one. A last line that nothing has ended is ended first.
        /// Default: it is replaced.
        pub fn append(self) -> Self {
            self.set(|settings| settings.existing = crate::files::Existing::Append)
        }

        /// Refuses to run when there is such a file already. Default: it is replaced.
        pub fn refuse_existing(self) -> Self {
            self.set(|settings| settings.existing = crate::files::Existing::Refuse)
        }

        /// Has a run that is not resumable sync its files before they get their names, so that
        /// they survive a loss of power, too. Default: off. Resumable runs always sync.
        pub fn sync(self) -> Self {
            self.set(|settings| settings.sync = true)
        }

        /// A resumable run commits when so many bytes are not committed. Default: 64 MiB; 0: no
        /// such limit.
        pub fn commit_bytes(self, bytes: u64) -> Self {
            self.set(|settings| settings.commit_bytes = bytes)
        }

        /// A resumable run commits when the oldest bytes that are not committed are this old, at
        /// the end of a batch. Default: 1 s; 0: after each batch.
        pub fn commit_interval(self, interval: std::time::Duration) -> Self {
            self.set(|settings| settings.commit_interval = interval)
        }

        /// Begins a new file when the present one would grow beyond so many bytes: `a.csv` becomes
        /// `a-00000.csv`, `a-00001.csv` and so on, each with a header. Only a single row may be
        /// larger; compressed, a whole batch. Default: 0, one file.
        pub fn roll_bytes(self, bytes: u64) -> Self {
            self.set(|settings| settings.roll_bytes = bytes)
        }

        /// Begins a new file when the present one has so many rows. Default: 0, one file.
        pub fn roll_rows(self, rows: u64) -> Self {
            self.set(|settings| settings.roll_values = rows)
        }

        /// Reads the files back before they get their names, unpacked and through this crate's own
        /// source, and compares them with what was given to them: the number of records and a hash
        /// of their bytes, in any order, for each file. When they differ the run fails, no file
        /// gets its name, and the job, if it is one, is not finished. Default: off.
        ///
        /// What is added to is read at the start, too. What the system has in its cache it does
        /// not read from the disk. A job keeps its digests in its checkpoint file, and must be
        /// verified from its first run on.
        pub fn verify(self) -> Self {
            self.set(|settings| settings.verify = true)
        }

        /// Writes one file, or several that [roll](Self::roll_rows), for each key into the folder
        /// that the path names: `OUT/year=2013/month=1/part-0.csv`. The key is made of these
        /// columns of the record, in this order, which stay in the files as well. With no columns,
        /// only [`Keyed`](crate::files::Keyed) values can be emitted.
        pub fn partition_by<N: Into<String>>(
            self,
            columns: impl IntoIterator<Item = N>,
        ) -> crate::files::Partitioned<Self> {
            crate::files::Partitioned::new(self, columns.into_iter().map(Into::into).collect())
        }
    };
}
pub(crate) use file_settings;

/// The methods of `trommel::Sink` that are the output's alone.
macro_rules! forward_output {
    () => {
        fn commit(&mut self, checkpoint: &Checkpoint, when: Commit) -> Result<Durability> {
            self.output.commit(checkpoint, when)
        }

        fn finish(&mut self) -> Result<()> {
            self.output.finish()
        }

        fn abort(&mut self) -> Durability {
            self.output.abort()
        }

        fn keeps_rejects(&self) -> bool {
            self.output.keeps_rejects()
        }

        fn keep_reject(&mut self, reject: &Reject) -> Result<()> {
            self.output.keep_reject(reject)
        }

        fn resume(&mut self, job: &str) -> Result<Option<Checkpoint>> {
            self.output.read_back = self.read_back();
            self.output.settings.dialect = self.dialect();
            self.output.resume(job)
        }
    };
}
pub(crate) use forward_output;
