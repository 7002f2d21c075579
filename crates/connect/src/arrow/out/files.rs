//! Which rows go to which file, and when a file ends.

use super::shelf::Shelf;
use super::{Building, Format, Rows, Whole};
use crate::arrow::aside::{Aside, io_error, sync_directory};
use crate::partition::Limits;
use crate::verify::{Digest, compare_file};
use arrow_schema::SchemaRef;
use std::collections::{BTreeMap, HashMap};
use std::fs;
use std::path::{Path, PathBuf};
use trommel::{Error, ErrorKind, Result};

/// Bytes of rows that wait for their row groups.
const MOST_WAITING: usize = 64 << 20;

/// The files of a run.
#[derive(Debug)]
pub(crate) struct Files<F: Format> {
    pub(crate) path: PathBuf,
    pub(crate) is_folder: bool,
    /// A file ends with so many rows or bytes; 0: never.
    pub(crate) roll_rows: u64,
    pub(crate) roll_bytes: u64,
    pub(crate) limits: Limits,
    /// What a file that has not rolled yet is called when files get their names, if not as the
    /// others.
    pub(crate) rest: Option<PathBuf>,
    /// Shows others that files are being written, where there is more than one.
    guard: Option<Aside>,
    shelves: Vec<Shelf<F::File>>,
    index: HashMap<Box<str>, usize>,
    whole: Vec<Whole>,
    /// Bytes of rows that wait.
    waiting: usize,
    /// Whose row group has been ended last, and may not be in its file yet.
    unsettled: Option<usize>,
    writes: u64,
    /// Directories that were made for the files.
    made: Vec<PathBuf>,
    /// Files with their names, of a job those of earlier runs too: in all, and of each key.
    named: usize,
    numbers: HashMap<Box<str>, u32>,
}

/// A run that fails at its very end is not told to take anything back.
impl<F: Format> Drop for Files<F> {
    fn drop(&mut self) {
        self.abort();
    }
}

/// A file that has got its name.
#[derive(Debug)]
pub(crate) struct Named {
    pub(crate) path: PathBuf,
    pub(crate) rows: u64,
    /// What was given to it, if it is to be verified.
    pub(crate) given: Option<Digest>,
}

impl<F: Format> Files<F> {
    pub(crate) fn new(path: PathBuf) -> Self {
        Files {
            path,
            is_folder: false,
            roll_rows: 0,
            roll_bytes: 0,
            limits: Limits::default(),
            rest: None,
            guard: None,
            shelves: Vec::new(),
            index: HashMap::new(),
            whole: Vec::new(),
            waiting: 0,
            unsettled: None,
            writes: 0,
            made: Vec::new(),
            named: 0,
            numbers: HashMap::new(),
        }
    }

    /// Whether there may be several.
    pub(crate) fn are_many(&self) -> bool {
        self.is_folder || self.rolls()
    }

    pub(crate) fn rolls(&self) -> bool {
        self.roll_rows > 0 || self.roll_bytes > 0
    }

    /// Begins a job, which goes on behind files of these keys.
    pub(crate) fn go_on(&mut self, keys: impl Iterator<Item = Box<str>>) -> Result<()> {
        self.abort();
        (self.named, self.numbers) = (0, HashMap::new());
        for key in keys {
            self.named += 1;
            *self.numbers.entry(key).or_default() += 1;
        }
        self.limits.check()
    }

    /// Begins, and finds out what would keep the files from being written.
    pub(crate) fn start(&mut self) -> Result<()> {
        self.go_on(std::iter::empty())?;
        if !self.are_many() {
            return Aside::create(&self.path).map(drop);
        }
        if self.is_folder && self.path.is_file() {
            return Err(Error::new(
                ErrorKind::Io,
                format!(
                    "cannot write into {}: it is a file; name a directory for the partitions",
                    self.path.display()
                ),
            ));
        }
        self.guard = Some(match self.is_folder {
            true => Aside::beside(&self.path)?,
            false => Aside::create(&self.path)?,
        });
        match self.is_folder {
            true => self.make_directory(&self.path.clone()),
            false => Ok(()),
        }
    }

    /// The number of a key.
    pub(crate) fn key(&mut self, key: &str) -> usize {
        if let Some(known) = self.index.get(key) {
            return *known;
        }
        let number = self.numbers.get(key).copied().unwrap_or(0);
        self.shelves.push(Shelf::new(key, number));
        self.index.insert(key.into(), self.shelves.len() - 1);
        self.shelves.len() - 1
    }

    /// Nothing has been given yet.
    pub(crate) fn are_none(&self) -> bool {
        self.shelves.iter().all(|shelf| shelf.file.is_none() && shelf.rows == 0)
            && self.whole.is_empty()
    }

    /// Takes rows for a key.
    pub(crate) fn put(
        &mut self,
        format: &F,
        schema: &SchemaRef,
        key: usize,
        rows: Rows,
    ) -> Result<()> {
        if rows.len() == 0 && !F::KEEPS_EMPTY {
            return Ok(());
        }
        if !self.is_folder {
            return self.append(format, schema, key, rows);
        }
        self.waiting += self.shelves[key].keep(rows);
        while self.shelves[key].rows >= format.group_rows() {
            self.store(format, schema, key)?;
        }
        while self.waiting > MOST_WAITING {
            let largest = (0..self.shelves.len()).max_by_key(|key| self.shelves[*key].bytes);
            self.store(format, schema, largest.unwrap_or(key))?;
        }
        Ok(())
    }

    /// Writes a row group of rows of a key that have waited.
    fn store(&mut self, format: &F, schema: &SchemaRef, key: usize) -> Result<()> {
        let before = self.unsettled.take().filter(|before| *before != key);
        let (taken, bytes) = self.shelves[key].take(format.group_rows());
        self.waiting -= bytes;
        for rows in taken {
            self.append(format, schema, key, rows)?;
        }
        if let Some(file) = &mut self.shelves[key].file {
            file.end_group()?;
            self.unsettled = Some(key);
            self.roll(key)?;
        }
        match before.and_then(|before| self.shelves[before].file.as_mut()) {
            Some(file) => file.settle(),
            None => Ok(()),
        }
    }

    /// Adds rows to the file of a key, and to further ones when it is full.
    fn append(&mut self, format: &F, schema: &SchemaRef, key: usize, mut rows: Rows) -> Result<()> {
        loop {
            let file = self.file(format, schema, key)?;
            let room = file.room(&rows);
            let had = file.rows();
            let room = match self.roll_rows {
                0 => room,
                most => room.min(usize::try_from(most - had).unwrap_or(usize::MAX)),
            };
            let rest = (rows.len() > room).then(|| rows.split_off(room));
            self.file(format, schema, key)?.add(rows)?;
            self.roll(key)?;
            match rest {
                Some(rest) => rows = rest,
                None => return Ok(()),
            }
        }
    }

    /// The file of a key, a new one if there is none.
    pub(crate) fn file(
        &mut self,
        format: &F,
        schema: &SchemaRef,
        key: usize,
    ) -> Result<&mut F::File> {
        self.writes += 1;
        self.shelves[key].used = self.writes;
        if self.shelves[key].file.is_none() {
            let rolls = self.rolls();
            let shelf = &mut self.shelves[key];
            let path = shelf.next_path(&self.path, self.is_folder, rolls, F::EXTENSION);
            let count = self.shelves.iter().filter(|shelf| shelf.file.is_some()).count();
            self.limits.admit(&path, self.named + self.whole.len() + count)?;
            if count >= self.limits.open {
                let open = (0..self.shelves.len()).filter(|key| self.shelves[*key].file.is_some());
                if let Some(oldest) = open.min_by_key(|key| self.shelves[*key].used) {
                    self.end_file(oldest)?;
                }
            }
            if let Some(directory) = path.parent().filter(|_| self.is_folder) {
                self.make_directory(directory)?;
            }
            self.shelves[key].file = Some(format.create(&path, schema)?);
        }
        self.shelves[key].file.as_mut().ok_or_else(|| Error::fatal("the file is not open"))
    }

    /// Ends the file of a key if it is full.
    fn roll(&mut self, key: usize) -> Result<()> {
        let Some(file) = &mut self.shelves[key].file else { return Ok(()) };
        let mut is_full = self.roll_rows > 0 && file.rows() >= self.roll_rows;
        if self.roll_bytes > 0 && !is_full && file.is_between_groups() {
            // How many there are is known only then.
            file.settle()?;
            is_full = file.bytes() >= self.roll_bytes;
        }
        if is_full { self.end_file(key) } else { Ok(()) }
    }

    fn end_file(&mut self, key: usize) -> Result<()> {
        let Some(file) = self.shelves[key].file.take() else { return Ok(()) };
        let mut whole = file.end()?;
        if self.are_many() {
            // What is locked besides shows that it is being written.
            whole.written.close();
        }
        self.whole.push(whole);
        Ok(())
    }

    /// Writes what waits, and gives the files their names, if with `reads_back` they hold what was
    /// given to them. `before` is done when nothing can be wrong with them any more. Answers what has
    /// been written.
    pub(crate) fn publish(
        &mut self,
        format: &F,
        schema: &SchemaRef,
        reads_back: bool,
        before: impl FnOnce() -> Result<()>,
    ) -> Result<Vec<Named>> {
        for key in 0..self.shelves.len() {
            while self.shelves[key].rows > 0 {
                self.store(format, schema, key)?;
            }
        }
        let rolled = self.whole.len();
        (0..self.shelves.len()).try_for_each(|key| self.end_file(key))?;
        if let Some(rest) = &self.rest {
            self.whole[rolled..].iter_mut().for_each(|whole| whole.written.call(rest));
        }
        if reads_back {
            for Whole { written, given, .. } in &self.whole {
                let Some(found) = format.read_back(written.temporary())? else { continue };
                let kept = format!("{} was not touched", written.path().display());
                compare_file(written.temporary(), given.unwrap_or_default(), found, &kept)?;
            }
        }
        before()?;
        let mut named = Vec::with_capacity(self.whole.len());
        for Whole { written, rows, given } in self.whole.drain(..) {
            let path = written.path().to_owned();
            written.publish()?;
            named.push(Named { path, rows, given });
        }
        // Each directory once.
        let paths = named.iter().map(|named| &named.path).chain(&self.made);
        let directories: BTreeMap<_, _> = paths.map(|path| (path.parent(), path)).collect();
        directories.values().try_for_each(|path| sync_directory(path))?;
        self.made.clear();
        self.named += named.len();
        self.numbers.extend(self.shelves.drain(..).map(|shelf| (shelf.key, shelf.begun)));
        self.abort();
        Ok(named)
    }

    /// Takes back what has no name yet.
    pub(crate) fn abort(&mut self) {
        self.shelves.clear();
        self.index.clear();
        self.whole.clear();
        (self.waiting, self.unsettled, self.writes) = (0, None, 0);
        for made in self.made.drain(..).rev() {
            // One with something in it stays.
            _ = fs::remove_dir(made);
        }
        self.guard = None;
    }

    fn make_directory(&mut self, path: &Path) -> Result<()> {
        if !path.is_dir() {
            if let Some(parent) = path.parent().filter(|_| path != self.path) {
                self.make_directory(parent)?;
            }
            fs::create_dir(path).map_err(|error| io_error(path, "can't be created", error))?;
            self.made.push(path.into());
        }
        Ok(())
    }
}
