//! One file of the output, under its side name until it is whole.

use super::manifest::Entry;
use super::place::{create_anew, explain, parent, rename, with_suffix};
use super::settings::Existing;
use super::verify::{self, ReadBack};
use crate::verify::{Digest, RowHash, compare_file};
use std::fs::{self, File, OpenOptions};
use std::io::{Read, Seek, SeekFrom, Write};
use std::path::{Path, PathBuf};
use trommel::{Error, ErrorKind, Result};

/// Which file it is.
#[derive(Debug)]
pub(super) struct Slot {
    /// Relative to the folder of the destination.
    pub(super) name: String,
    /// The how-many-th of its key, from 0.
    pub(super) number: u32,
}

/// A file that grows at `NAME.part` and becomes `NAME` at the end.
#[derive(Debug)]
pub(super) struct Part {
    name: String,
    pub(super) key: String,
    pub(super) number: u32,
    path: PathBuf,
    side: PathBuf,
    /// `None` while it is closed because others are open.
    file: Option<File>,
    /// Bytes written, and those of them that a commit would have to sync.
    pub(super) bytes: u64,
    /// Values written, a header not counted.
    pub(super) values: u64,
    /// What the records in it come to, if it is to be verified.
    pub(super) digest: Option<Digest>,
    dirty: bool,
    /// When it was last written to, in writes.
    pub(super) used: u64,
}

impl Part {
    fn of(folder: &Path, entry: &Entry) -> Self {
        let path = folder.join(&entry.name);
        Part {
            name: entry.name.clone(),
            key: entry.key.clone(),
            number: entry.number,
            side: with_suffix(&path, ".part"),
            path,
            file: None,
            bytes: entry.bytes,
            values: entry.values,
            digest: entry.digest,
            dirty: false,
            used: 0,
        }
    }

    /// An empty one. What an earlier run may have left is passed over, and its folder is made.
    pub(super) fn create(
        folder: &Path,
        slot: Slot,
        key: &str,
        existing: Existing,
        read_back: Option<&ReadBack>,
    ) -> Result<Self> {
        let Slot { name, number } = slot;
        let entry = Entry { name, key: key.to_owned(), number, ..Entry::default() };
        let mut part = Part::of(folder, &entry);
        let inside = parent(&part.path);
        fs::create_dir_all(inside)
            .map_err(|error| explain("create the directory", inside, error))?;
        let shown = part.path.display();
        if part.path.is_dir() {
            let message = format!("cannot write to {shown}: it is a directory");
            return Err(Error::new(ErrorKind::Io, message));
        }
        if existing == Existing::Refuse && part.path.exists() {
            let remedy = "move it away, or have it replaced or added to";
            return Err(Error::new(ErrorKind::Io, format!("{shown} is there already: {remedy}")));
        }
        part.file = Some(create_anew(&part.side)?);
        part.dirty = true;
        if existing == Existing::Append {
            part.copy_finished()?;
        }
        part.digest = match read_back {
            Some(read_back) if part.bytes > 0 => Some(verify::read(read_back, &part.side)?),
            read_back => read_back.map(|_| Digest::default()),
        };
        Ok(part)
    }

    /// One that an earlier run has left, cut back to what its checkpoint says. When that runner may
    /// still be writing, into a copy, which it does not know.
    pub(super) fn resume(folder: &Path, entry: &Entry, is_in_use: bool) -> Result<Self> {
        let mut part = Part::of(folder, entry);
        let cannot = |error| explain("go on with", &part.side, error);
        let mut file =
            OpenOptions::new().read(true).write(true).open(&part.side).map_err(cannot)?;
        let length = file.metadata().map_err(cannot)?.len();
        if length < entry.bytes {
            return Err(Error::fatal(format!(
                "{} has {length} bytes, where its checkpoint says {}: it was changed or is damaged; \
                 delete it and the checkpoint file to load from the start",
                part.side.display(),
                entry.bytes
            )));
        }
        if is_in_use {
            let beside = with_suffix(&part.side, ".copy");
            let mut copy = create_anew(&beside)?;
            std::io::copy(&mut Read::take(&mut file, entry.bytes), &mut copy)
                .and_then(|_| copy.sync_all())
                .map_err(|error| explain("copy to", &beside, error))?;
            rename(&beside, &part.side)?;
            file = copy;
        } else {
            file.set_len(entry.bytes).map_err(cannot)?;
        }
        file.seek(SeekFrom::End(0)).map_err(cannot)?;
        part.file = Some(file);
        part.dirty = true;
        Ok(part)
    }

    /// Begins with what the finished file has, if there is one.
    fn copy_finished(&mut self) -> Result<()> {
        let mut from = match File::open(&self.path) {
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(()),
            opened => opened.map_err(|error| explain("read", &self.path, error))?,
        };
        let file = self.open()?;
        let copied = std::io::copy(&mut from, file);
        self.bytes = copied.map_err(|error| explain("copy to", &self.side, error))?;
        Ok(())
    }

    fn open(&mut self) -> Result<&mut File> {
        if self.file.is_none() {
            let cannot = |error| explain("go on with", &self.side, error);
            let mut file = OpenOptions::new().write(true).open(&self.side).map_err(cannot)?;
            file.seek(SeekFrom::Start(self.bytes)).map_err(cannot)?;
            self.file = Some(file);
        }
        match &mut self.file {
            Some(file) => Ok(file),
            None => Err(Error::fatal("a file that was just opened is closed")),
        }
    }

    /// Where it is while it grows.
    pub(super) fn side(&self) -> &Path {
        &self.side
    }

    pub(super) fn is_open(&self) -> bool {
        self.file.is_some()
    }

    pub(super) fn append(&mut self, bytes: &[u8], values: u64) -> Result<()> {
        let written = self.open()?.write_all(bytes);
        written.map_err(|error| explain("write to", &self.side, error))?;
        self.bytes += bytes.len() as u64;
        self.values += values;
        self.dirty = true;
        Ok(())
    }

    /// Counts a record that was appended, if the file is to be verified: the header, which is no
    /// row, with `is_header`.
    pub(super) fn given(&mut self, record: &RowHash, is_header: bool) {
        match &mut self.digest {
            Some(digest) if is_header => digest.mark(record),
            Some(digest) => digest.add(record),
            None => {}
        }
    }

    /// Compares what is in the file with what was given to it.
    pub(super) fn verify(&self, read_back: &ReadBack) -> Result<()> {
        let found = verify::read(read_back, &self.side)?;
        let kept = format!("{} was not touched", self.path.display());
        compare_file(&self.side, self.digest.unwrap_or_default(), found, &kept)
    }

    /// Whether it has to be opened by its name to be synced.
    pub(super) fn opens_to_sync(&self) -> bool {
        self.dirty && self.file.is_none()
    }

    /// Makes what was written durable.
    pub(super) fn sync(&mut self) -> Result<()> {
        if self.dirty {
            let synced = self.open()?.sync_data();
            synced.map_err(|error| explain("sync", &self.side, error))?;
            self.dirty = false;
        }
        Ok(())
    }

    /// Closes the file for now: another one needs its place.
    pub(super) fn close(&mut self) {
        self.file = None;
    }

    /// Gives the file its name. Again is harmless: one that has its name already is left alone.
    pub(super) fn publish(&mut self) -> Result<()> {
        self.file = None;
        match self.side.exists() {
            true => {
                rename(&self.side, &self.path)?;
                window!("files: name given, before the directory's fsync");
                Ok(())
            }
            false => Ok(()),
        }
    }

    /// As [`publish`](Self::publish), for a file that a finished job has left.
    pub(super) fn publish_left(folder: &Path, entry: &Entry) -> Result<bool> {
        let mut part = Part::of(folder, entry);
        let is_left = part.side.exists();
        part.publish()?;
        Ok(is_left)
    }

    /// Removes it under its side name.
    pub(super) fn remove(self) {
        // The run has failed already, and the next one overwrites what can't be removed now.
        _ = fs::remove_file(&self.side);
    }

    /// The folder that it is in.
    pub(super) fn folder(&self) -> &Path {
        parent(&self.path)
    }

    pub(super) fn entry(&self) -> Entry {
        Entry {
            name: self.name.clone(),
            key: self.key.clone(),
            number: self.number,
            bytes: self.bytes,
            values: self.values,
            digest: self.digest,
        }
    }
}
