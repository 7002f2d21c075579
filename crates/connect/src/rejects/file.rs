//! A file that takes rejects.

use std::fs::OpenOptions;
use std::io::{BufWriter, Write};
use std::path::Path;
use trommel::{DeadLetter, Error, ErrorKind, Reject, Result};

/// Keeps rejects as JSON lines; see [`RejectPolicy::dead_letter`](trommel::RejectPolicy::dead_letter).
///
/// What a run has rejected is on the disk when the run has ended. It is outside the sink's
/// transaction: rejects that shall be stored, and taken back, with the data are kept
/// [with the data](trommel::RejectPolicy::with_data).
#[derive(Debug)]
pub struct File {
    name: Box<str>,
    file: BufWriter<std::fs::File>,
}

impl File {
    /// Begins a new file; one that is there already is overwritten, also by a run that goes on with a
    /// [`resumable`](trommel::Job::resumable) job, or finds it finished: what the runs before it have
    /// rejected is gone. Such jobs keep rejects [with the data](trommel::RejectPolicy::with_data).
    ///
    /// # Errors
    /// [`ErrorKind::Io`] when it can't be created.
    pub fn create(path: impl AsRef<Path>) -> Result<Self> {
        Self::open(path.as_ref(), OpenOptions::new().write(true).create(true).truncate(true))
    }

    /// Goes on at the end of a file, or begins one.
    ///
    /// # Errors
    /// [`ErrorKind::Io`] when it can't be opened.
    pub fn append(path: impl AsRef<Path>) -> Result<Self> {
        Self::open(path.as_ref(), OpenOptions::new().append(true).create(true))
    }

    fn open(path: &Path, options: &OpenOptions) -> Result<Self> {
        let name = path.display().to_string().into_boxed_str();
        let file = options.open(path).map_err(|error| failed(&name, "open", error))?;
        Ok(File { name, file: BufWriter::new(file) })
    }
}

impl DeadLetter for File {
    fn write(&mut self, reject: &Reject) -> Result<()> {
        serde_json::to_writer(&mut self.file, reject)
            .map_err(std::io::Error::from)
            .and_then(|()| self.file.write_all(b"\n"))
            .map_err(|error| failed(&self.name, "write to", error))
    }

    fn finish(&mut self) -> Result<()> {
        self.file
            .flush()
            .and_then(|()| self.file.get_ref().sync_all())
            .map_err(|error| failed(&self.name, "write to", error))
    }
}

#[cold]
fn failed(name: &str, what: &str, error: std::io::Error) -> Error {
    Error::new(ErrorKind::Io, format!("cannot {what} the reject file {name}")).caused_by(error)
}
