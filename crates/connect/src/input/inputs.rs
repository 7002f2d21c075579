//! One stream, or files one after another.

use super::bytes::Input;
use super::compression::Compression;
use super::files::Entry;
use std::fs::File;
use std::io::Read;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use trommel::{Error, ErrorKind, Result};

/// Where the bytes of a source come from.
pub(crate) struct Inputs {
    /// In the order in which they are read; none when the input is a stream.
    files: Vec<Entry>,
    current: usize,
    name: Arc<str>,
    /// Of the current file or stream.
    compression: Compression,
    pub(super) input: Input,
    /// Compressed bytes taken from the current file or stream; `None` when it isn't compressed.
    taken: Option<Arc<AtomicU64>>,
}

impl Inputs {
    /// Anything that can be read, once.
    pub(crate) fn reader(
        name: impl Into<Box<str>>,
        reader: impl Read + Send + 'static,
        compression: Compression,
    ) -> Result<Self> {
        let name = Arc::from(name.into());
        Self::stream(name, reader, compression)
    }

    /// One file. A pipe or a device is read like any [`reader`](Self::reader).
    pub(crate) fn file(path: &Path, compression: Compression) -> Result<Self> {
        let name: Arc<str> = path.display().to_string().into();
        let fault = |message: String| Error::new(ErrorKind::Io, message);
        let cannot = |error: std::io::Error| fault(format!("cannot open {name}")).caused_by(error);
        let file = File::open(path).map_err(cannot)?;
        let metadata = file.metadata().map_err(cannot)?;
        if metadata.is_dir() {
            return Err(fault(format!(
                "cannot read {name}: it is a directory; name a file in it, or use `open_directory`"
            )));
        }
        let compression = compression.resolve(Some(path))?;
        if !metadata.is_file() {
            return Self::stream(name, file, compression);
        }
        Self::start(vec![Entry::new(path.into(), compression, metadata.len())])
    }

    /// Files, in this order.
    pub(crate) fn files(paths: Vec<PathBuf>, compression: Compression) -> Result<Self> {
        if paths.is_empty() {
            return Err(Error::config("paths: none; a source needs at least one file"));
        }
        let entries = paths.into_iter().map(|path| Entry::of(path, compression));
        Self::start(entries.collect::<Result<_>>()?)
    }

    fn start(files: Vec<Entry>) -> Result<Self> {
        let name = Arc::clone(&files[0].name);
        let (input, taken) = files[0].open()?;
        let compression = files[0].compression;
        Ok(Inputs { files, current: 0, name, compression, input, taken })
    }

    fn stream(
        name: Arc<str>,
        reader: impl Read + Send + 'static,
        compression: Compression,
    ) -> Result<Self> {
        let (input, taken) = match compression {
            Compression::Auto | Compression::None => (Input::Direct(Box::new(reader)), None),
            _ => {
                let taken = Arc::new(AtomicU64::new(0));
                let decoder = compression.decoder(reader, Arc::clone(&taken), &name)?;
                (Input::Direct(decoder), Some(taken))
            }
        };
        Ok(Inputs { files: Vec::new(), current: 0, name, compression, input, taken })
    }

    /// What messages call the current file or stream.
    pub(crate) fn name(&self) -> &Arc<str> {
        &self.name
    }

    /// How the current file or stream is decompressed; [`Auto`](Compression::Auto) where nobody has
    /// said that it isn't.
    pub(super) fn compression(&self) -> Compression {
        self.compression
    }

    /// Index of the current file.
    pub(super) fn current(&self) -> usize {
        self.current
    }

    pub(super) fn entries(&self) -> &[Entry] {
        &self.files
    }

    /// Goes to the start of another file, or of the same once more.
    pub(super) fn open(&mut self, index: usize) -> Result<()> {
        let entry = &self.files[index];
        (self.input, self.taken) = entry.open()?;
        self.name = Arc::clone(&entry.name);
        self.compression = entry.compression;
        self.current = index;
        Ok(())
    }

    /// Index of the file that comes after the current one, if there is one.
    pub(super) fn next(&self) -> Option<usize> {
        let next = self.current + 1;
        (next < self.files.len()).then_some(next)
    }

    /// Whether what has been read can be read again.
    pub(super) fn is_restartable(&self) -> bool {
        !self.files.is_empty()
    }

    /// Bytes in all as they are stored, when known.
    pub(super) fn size(&self) -> Option<u64> {
        self.is_restartable().then(|| self.files.iter().map(|file| file.bytes).sum())
    }

    /// Bytes taken so far as they are stored, when `plain` bytes of the current file have been.
    pub(super) fn bytes_read(&self, plain: u64) -> u64 {
        let before = self.files[..self.current.min(self.files.len())].iter();
        let here = self.taken.as_ref().map_or(plain, |taken| taken.load(Ordering::Relaxed));
        before.map(|file| file.bytes).sum::<u64>() + here
    }
}
