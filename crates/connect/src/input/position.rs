//! Where a source of bytes is, and going back there.

use super::cut::Cut;
use super::feed::Feeder;
use super::files::Entry;
use super::place::Place;
use crate::listing::{HASH_START, NAMED, another_file, hash};
use std::fs::File;
use std::io::Read;
use std::time::UNIX_EPOCH;
use trommel::{Error, ErrorKind, Fingerprint, Position, Result, Size};

/// Bytes of a file that tell it from another one.
const HEAD: u64 = 64 * 1024;

impl<C: Cut> Feeder<C> {
    /// Byte offset (of what is decompressed), record and line, or line 0 behind the last record where
    /// the bytes don't show that it is; with several files also which one, and a hash of its name.
    /// Nothing for streams.
    pub(crate) fn position(&self) -> Option<Position> {
        let Place { offset, record, line } = self.done;
        let line = if record > 0 && self.cutter.is_over() { 0 } else { line };
        let entries = self.inputs.entries();
        match entries.len() {
            0 => None,
            1 => Some(Position::from_numbers(&[offset, record, line])),
            _ => {
                let file = self.inputs.current();
                let name = hash(HASH_START, entries[file].name.as_bytes());
                Some(Position::from_numbers(&[offset, record, line, file as u64, name]))
            }
        }
    }

    /// Goes to a position that [`position`](Self::position) gave.
    pub(crate) fn seek(&mut self, position: &Position) -> Result<()> {
        let unsupported = |message: String| Err(Error::new(ErrorKind::Unsupported, message));
        let entries = self.inputs.entries();
        if entries.is_empty() {
            let name = self.inputs.name();
            return unsupported(format!("{name} is not a regular file and can't be resumed"));
        }
        let numbers = position.numbers().unwrap_or_default();
        let (place, file) = match numbers[..] {
            [offset, record, line] if entries.len() == 1 => (Place { offset, record, line }, 0),
            [offset, record, line, file, name] if entries.len() > 1 => {
                let file = usize::try_from(file).unwrap_or(usize::MAX);
                match entries.get(file) {
                    Some(entry) if hash(HASH_START, entry.name.as_bytes()) == name => {}
                    _ => {
                        return Err(another_file(file, entries.len()));
                    }
                }
                (Place { offset, record, line }, file)
            }
            _ => {
                let name = self.inputs.name();
                return unsupported(format!(
                    "not a position in {} files, so {name} can't be resumed from it",
                    entries.len()
                ));
            }
        };
        let entry = &entries[file];
        let is_over = place.line == 0;
        let place = Place { line: place.line.max(1), ..place };
        // Each record and each line has a byte at least, but for the last record of what was cut off.
        let records = place.record.saturating_sub(u64::from(is_over));
        if records.max(place.line - 1) > place.offset {
            let name = &entry.name;
            return unsupported(format!(
                "not a position in {name}, so it can't be resumed from it"
            ));
        }
        let (name, stored) = (entry.name.clone(), entry.bytes);
        let too_short = |length: u64| {
            let message = format!(
                "cannot resume {name} at byte {}: it has only {length} bytes; is it another file?",
                place.offset
            );
            Err(Error::fatal(message))
        };
        if !entry.is_compressed() && place.offset > stored {
            return too_short(stored);
        }
        self.inputs.open(file)?;
        self.restart(place, is_over);
        let passed = self.inputs.input.pass(place.offset).map_err(|error| {
            let message = format!("cannot go to byte {} of {name}", place.offset);
            Error::new(ErrorKind::Io, message).caused_by(error)
        })?;
        match passed < place.offset {
            true => too_short(passed),
            false => Ok(()),
        }
    }

    /// Size, time of the last change and a hash of the head of each file; nothing for streams.
    pub(crate) fn fingerprint(&self) -> Result<Option<Fingerprint>> {
        let entries = self.inputs.entries();
        if entries.is_empty() {
            return Ok(None);
        }
        let mut print = Fingerprint::new();
        if entries.len() > NAMED {
            let (mut bytes, mut all) = (0, HASH_START);
            for entry in entries {
                let traits = Traits::of(entry)?;
                bytes += traits.bytes;
                all = hash(all, entry.name.as_bytes());
                all = hash(all, &traits.bytes.to_le_bytes());
                all = hash(all, traits.changed.as_bytes());
                all = hash(all, &traits.head.to_le_bytes());
            }
            print = print
                .with("number of files", entries.len())
                .with("size of all files", bytes)
                .with("hash of their names, sizes, changes and heads", format!("{all:016x}"));
            return Ok(Some(print));
        }
        for entry in entries {
            let (name, traits) = (&entry.name, Traits::of(entry)?);
            print = print
                .with(format!("size of {name}"), traits.bytes)
                .with(format!("time of the last change of {name}"), traits.changed)
                .with(format!("hash of the head of {name}"), format!("{:016x}", traits.head));
        }
        Ok(Some(print))
    }

    /// Bytes as they are stored, in all files.
    pub(crate) fn size(&self) -> Size {
        Size { rows: None, bytes: self.inputs.size() }
    }

    /// Bytes as they are stored, from the start of the first file, those before a position it was
    /// resumed from included.
    pub(crate) fn bytes_read(&self) -> u64 {
        self.inputs.bytes_read(self.place.offset + self.window.len() as u64)
    }
}

/// What tells a file from another one.
struct Traits {
    bytes: u64,
    /// Seconds and nanoseconds since 1970.
    changed: String,
    head: u64,
}

impl Traits {
    fn of(entry: &Entry) -> Result<Self> {
        Self::read(entry).map_err(|error| {
            let message = format!("cannot look whether {} has changed", entry.name);
            Error::new(ErrorKind::Io, message).caused_by(error)
        })
    }

    fn read(entry: &Entry) -> std::io::Result<Self> {
        let file = File::open(&entry.path)?;
        let metadata = file.metadata()?;
        let changed = match metadata.modified()?.duration_since(UNIX_EPOCH) {
            Ok(since) => format!("{}.{:09}", since.as_secs(), since.subsec_nanos()),
            Err(before) => format!("-{:?}", before.duration()),
        };
        let mut head = Vec::new();
        file.take(HEAD).read_to_end(&mut head)?;
        Ok(Traits { bytes: metadata.len(), changed, head: hash(HASH_START, &head) })
    }
}
