//! Where rows go: one file, or the parts of a job, each a file under construction.

use super::error::explain;
use super::group::Groups;
use super::jobs::Jobs;
use super::manifest::Directory;
use super::options::Options;
use super::verify;
use crate::arrow::Page;
use crate::arrow::aside::{Aside, io_error, with_suffix};
use crate::arrow::out::{self, Format, Named};
use crate::verify::{Digest, compare_file};
use arrow_schema::SchemaRef;
use std::fs::File;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use trommel::{Checkpoint, Commit, Durability, Error, ErrorKind, Reject, Result};

/// How Parquet files are written.
#[derive(Debug, Default)]
pub(crate) struct Parquet {
    pub(super) options: Options,
    pub(super) jobs: Arc<Jobs>,
}

impl Format for Parquet {
    type File = Groups;

    const EXTENSION: &'static str = "parquet";

    const KEEPS_EMPTY: bool = false;

    fn check(&self) -> Result<()> {
        self.options.check()
    }

    fn create(&self, path: &Path, schema: &SchemaRef) -> Result<Groups> {
        Groups::create(path, Arc::clone(schema), &self.options, Arc::clone(&self.jobs))
    }

    fn group_rows(&self) -> usize {
        self.options.row_group_rows
    }

    fn read_back(&self, path: &Path) -> Result<Option<Digest>> {
        self.options.verify.then(|| verify::read(path)).transpose()
    }
}

/// What both kinds of sink do once rows are in a page.
#[derive(Debug)]
pub(super) struct Output {
    pub(super) path: PathBuf,
    pub(super) out: out::Output<Parquet>,
    /// The directory of a job that can be resumed.
    directory: Option<Directory>,
    /// Rejects of a run without checkpoints.
    rejects: Option<Aside>,
    /// Rows of the part that have come, those that wait for the schema included, and those of the
    /// tail.
    part_rows: usize,
    /// The rows of the tail are to come again, before any others.
    tail_waits: bool,
}

impl Output {
    pub(super) fn new(path: PathBuf) -> Self {
        let out = out::Output::new(path.clone(), Parquet::default());
        Output { path, out, directory: None, rejects: None, part_rows: 0, tail_waits: false }
    }

    pub(super) fn start(&mut self) -> Result<()> {
        if let Some(directory) = &self.directory
            && let Some(first) = directory.first_file()
        {
            let begun = schema_of(&first)?;
            match &self.out.declared.schema {
                None => self.out.declared.schema = Some(begun),
                // That does nothing, whatever it is called with.
                Some(_) if directory.checkpoint.finished => {}
                Some(declared) => same_schema(&first, &begun, declared)?,
            }
        }
        self.out.format.jobs = Arc::default();
        self.rejects = None;
        if let Some(directory) = self.directory.as_ref().filter(|_| !self.out.files.is_folder) {
            self.out.files.path = directory.parts();
            self.out.files.roll_rows = self.out.format.options.part_rows as u64;
        }
        self.out.start(self.directory.as_ref().map(Directory::keys))?;
        self.begin_part();
        match self.tail_waits && self.out.files.is_folder {
            true => Err(Error::config(format!(
                "{}: the job was begun without partitions: finish it so, or give the one with \
                 partitions a directory of its own",
                self.path.display()
            ))),
            false => Ok(()),
        }
    }

    /// What is behind the last commit is what counts already.
    fn begin_part(&mut self) {
        let tail = self.directory.as_ref().and_then(Directory::tail);
        self.part_rows = tail.as_ref().map_or(0, |tail| tail.rows as usize);
        self.tail_waits = tail.is_some();
    }

    pub(super) fn resume(&mut self, job: &str) -> Result<Option<Checkpoint>> {
        // By its user: parts roll as well.
        if self.directory.is_none() && self.out.files.rolls() {
            return Err(Error::new(
                ErrorKind::Unsupported,
                format!(
                    "{}: a resumable job can't be rolled: leave out `roll_rows` and `roll_bytes`, \
                     and say with `part_rows` when a part ends",
                    self.path.display()
                ),
            ));
        }
        let (verify, form) = (self.out.format.options.verify, self.out.form());
        let (directory, found) = Directory::take_over(&self.path, job, verify, form)?;
        self.directory = Some(directory);
        Ok(found)
    }

    /// Begins the part with the rows of the tail.
    fn restore(&mut self) -> Result<()> {
        if !std::mem::take(&mut self.tail_waits) {
            return Ok(());
        }
        let Some(tail) = self.directory.as_ref().and_then(Directory::tail) else { return Ok(()) };
        if let Some(given) = tail.given {
            let kept = "the job is not finished; remove the directory and load from the start";
            compare_file(&tail.path, given, verify::read(&tail.path)?, kept)?;
        }
        verify::batches(&tail.path)?.try_for_each(|batch| self.out.add(batch?))
    }

    /// Takes the rows of a page.
    pub(super) fn write(&mut self, page: &mut Page) -> Result<()> {
        self.restore()?;
        self.part_rows += page.rows;
        self.out.write(page)
    }

    /// Takes whole record batches.
    pub(super) fn write_batches(&mut self, page: &mut Page) -> Result<()> {
        self.restore()?;
        self.part_rows += page.rows;
        self.out.write_batches(page)
    }

    /// Ends the file under construction, or the files.
    fn publish(&mut self) -> Result<Vec<Named>> {
        let rejects = self.rejects.take();
        // A load of nothing leaves a file all the same, one without rows, but no part. The parts of a
        // job are read back when it ends, those of earlier runs too.
        let is_plain = self.directory.is_none();
        let before = || rejects.map_or(Ok(()), Aside::publish);
        self.out.publish(is_plain, is_plain, before)
    }

    pub(super) fn commit(&mut self, checkpoint: &Checkpoint, when: Commit) -> Result<Durability> {
        let Some(directory) = &mut self.directory else {
            return Ok(Durability::Pending);
        };
        directory.checkpoint = checkpoint.clone();
        let is_small = self.part_rows < self.out.format.options.part_rows && !directory.is_full();
        if when == Commit::Grouped && is_small {
            return Ok(Durability::Pending);
        }
        self.end_part(false)?;
        Ok(Durability::Stored)
    }

    fn end_part(&mut self, finished: bool) -> Result<()> {
        self.restore()?;
        let has_tail = !finished && !self.out.files.is_folder;
        let tail = self.directory.as_ref().filter(|_| has_tail).map(Directory::next_tail);
        self.out.files.rest.clone_from(&tail);
        let mut parts = self.publish()?;
        let tail = parts.pop_if(|last| tail.as_ref() == Some(&last.path));
        if let Some(directory) = &mut self.directory {
            directory.commit(parts, tail, finished)?;
            self.out.go_on(directory.keys())?;
        }
        self.begin_part();
        Ok(())
    }

    pub(super) fn finish(&mut self) -> Result<()> {
        self.end_part(true)
    }

    pub(super) fn abort(&mut self) -> Durability {
        self.out.abort();
        self.rejects = None;
        if let Some(directory) = &mut self.directory {
            directory.forget();
        }
        Durability::Pending
    }

    /// In the directory of a job, or beside a single file.
    pub(super) fn keep_reject(&mut self, reject: &Reject) -> Result<()> {
        let mut line = serde_json::to_vec(reject)
            .map_err(|error| Error::fatal("a reject can't be written").caused_by(error))?;
        line.push(b'\n');
        if let Some(directory) = &mut self.directory {
            directory.keep_reject(&line);
            return Ok(());
        }
        let path = with_suffix(&self.path, ".rejects.ndjson");
        if self.rejects.is_none() {
            self.rejects = Some(Aside::create(&path)?);
        }
        match &mut self.rejects {
            Some(file) => {
                file.write_all(&line).map_err(|error| io_error(&path, "can't be written", error))
            }
            None => Ok(()),
        }
    }
}

/// The schema that the parts before have.
fn schema_of(path: &Path) -> Result<SchemaRef> {
    use parquet::arrow::arrow_reader::{ArrowReaderMetadata, ArrowReaderOptions};
    let file = File::open(path).map_err(|error| io_error(path, "can't be opened", error))?;
    let metadata = ArrowReaderMetadata::load(&file, ArrowReaderOptions::new())
        .map_err(|error| explain(path, "its footer can't be read", error))?;
    let schema = metadata.schema();
    // Without the metadata of the file, which is not the schema's.
    Ok(Arc::new(arrow_schema::Schema::new(schema.fields().clone())))
}

/// Refuses to go on with other columns than the parts before have.
fn same_schema(part: &Path, begun: &SchemaRef, declared: &SchemaRef) -> Result<()> {
    if begun.fields() == declared.fields() {
        return Ok(());
    }
    Err(Error::config(format!(
        "{}: the job was begun with other columns: {}; and is to go on with: {}: go on as it was begun, \
         or load as another job into a directory of its own",
        part.display(),
        listed(begun),
        listed(declared)
    )))
}

fn listed(schema: &SchemaRef) -> String {
    let columns = schema.fields().iter().map(|field| {
        let null = if field.is_nullable() { "" } else { " NOT NULL" };
        format!("{} {}{null}", field.name(), field.data_type())
    });
    columns.collect::<Vec<_>>().join(", ")
}
