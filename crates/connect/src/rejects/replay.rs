//! Rejects read back.

use std::fs::File;
use std::io::{BufRead, BufReader, Read};
use std::path::Path;
use trommel::{Error, ErrorKind, Origin, Reject, Result};

/// Reads a reject file.
///
/// # Errors
/// [`ErrorKind::Io`] when it can't be opened. Each item can fail as well: with [`ErrorKind::Io`]
/// when reading does, with [`ErrorKind::Row`] when a line is no reject, as one that a crash cut off.
pub fn read(path: impl AsRef<Path>) -> Result<Rejects> {
    let path = path.as_ref();
    let name = path.display().to_string().into_boxed_str();
    let file = File::open(path).map_err(|error| {
        Error::new(ErrorKind::Io, format!("cannot open the reject file {name}")).caused_by(error)
    })?;
    Ok(Rejects { name, input: BufReader::new(file), line: Vec::new(), lines: 0, offset: 0 })
}

/// The rejects of a file, in order; made by [`read`].
#[derive(Debug)]
pub struct Rejects {
    name: Box<str>,
    input: BufReader<File>,
    line: Vec<u8>,
    lines: u64,
    offset: u64,
}

impl Iterator for Rejects {
    type Item = Result<Reject>;

    fn next(&mut self) -> Option<Self::Item> {
        loop {
            self.line.clear();
            let origin = Origin {
                source: Some(self.name.clone()),
                record: None,
                line: Some(self.lines + 1),
                offset: Some(self.offset),
            };
            match read_line(&mut self.input, &mut self.line) {
                Ok(0) => return None,
                Ok(bytes) => self.offset += bytes as u64,
                Err(error) => {
                    let message = format!("cannot read the reject file {}", self.name);
                    let error = Error::new(ErrorKind::Io, message).caused_by(error);
                    return Some(Err(error.at(origin)));
                }
            }
            self.lines += 1;
            if self.line.trim_ascii().is_empty() {
                continue;
            }
            return Some(serde_json::from_slice(&self.line).map_err(|error| {
                Error::row("not a reject: mend or remove the line").caused_by(error).at(origin)
            }));
        }
    }
}

/// Appends what comes up to a line break, and that; says how much it is. A file without line breaks
/// may be larger than memory.
fn read_line(input: &mut impl BufRead, line: &mut Vec<u8>) -> std::io::Result<usize> {
    loop {
        let ahead = match input.fill_buf() {
            Ok(bytes) => bytes.len(),
            Err(error) if error.kind() == std::io::ErrorKind::Interrupted => continue,
            Err(error) => return Err(error),
        };
        line.try_reserve(ahead).map_err(|_| {
            let message = format!("there is no memory for a line of {} bytes", line.len() + ahead);
            std::io::Error::new(std::io::ErrorKind::OutOfMemory, message)
        })?;
        input.take(ahead as u64).read_until(b'\n', line)?;
        if ahead == 0 || line.ends_with(b"\n") {
            return Ok(line.len());
        }
    }
}

/// The raw rows of a reject file as one input for a source: what has been mended in the file goes
/// through the pipeline again.
///
/// A row that does not end in a line feed gets one. Records, lines and offsets that the source then
/// tells are those in this input.
#[derive(Debug)]
pub struct Replay {
    rejects: Rejects,
    row: Vec<u8>,
    taken: usize,
}

impl Replay {
    /// Replays the rejects of a file.
    ///
    /// # Errors
    /// [`ErrorKind::Io`] when it can't be opened. Reading fails at a line that is no reject.
    pub fn open(path: impl AsRef<Path>) -> Result<Self> {
        Ok(Replay { rejects: read(path)?, row: Vec::new(), taken: 0 })
    }

    /// Puts a line before the rows: the header that the rejects of a CSV file have lost.
    #[must_use]
    pub fn with_header(mut self, header: &str) -> Self {
        self.row = format!("{}\n", header.trim_end_matches(['\r', '\n'])).into_bytes();
        self
    }
}

impl Read for Replay {
    fn read(&mut self, space: &mut [u8]) -> std::io::Result<usize> {
        while self.taken == self.row.len() {
            let Some(reject) = self.rejects.next() else { return Ok(0) };
            self.row = reject.map_err(std::io::Error::other)?.raw;
            self.taken = 0;
            if !self.row.is_empty() && !self.row.ends_with(b"\n") {
                self.row.push(b'\n');
            }
        }
        let rest = &self.row[self.taken..];
        let count = rest.len().min(space.len());
        space[..count].copy_from_slice(&rest[..count]);
        self.taken += count;
        Ok(count)
    }
}
