//! Where rows go: one file, or the parts of a job, each a file under construction.

use super::error::explain;
use super::group::Groups;
use super::jobs::{Jobs, Piece};
use super::manifest::Directory;
use super::options::Options;
use crate::arrow::aside::{Aside, io_error, with_suffix};
use crate::arrow::{Declared, Gather, Page, check_schema};
use crate::verify::Digest;
use arrow_schema::SchemaRef;
use std::fs::File;
use std::io::Write;
use std::path::PathBuf;
use std::sync::Arc;
use trommel::{Checkpoint, Commit, Durability, Error, Reject, Result};

/// What both kinds of sink do once rows are in a page.
#[derive(Debug)]
pub(super) struct Output {
    pub(super) path: PathBuf,
    pub(super) options: Options,
    pub(super) declared: Declared,
    pub(super) jobs: Arc<Jobs>,
    gather: Gather,
    groups: Option<Groups>,
    /// The directory of a job that can be resumed.
    directory: Option<Directory>,
    /// Rejects of a single file.
    rejects: Option<Aside>,
    /// Rows of the part that have come, those that wait for the schema included.
    part_rows: usize,
}

impl Output {
    pub(super) fn new(path: PathBuf) -> Self {
        Output {
            path,
            options: Options::default(),
            declared: Declared::default(),
            jobs: Arc::default(),
            gather: Gather::default(),
            groups: None,
            directory: None,
            rejects: None,
            part_rows: 0,
        }
    }

    pub(super) fn start(&mut self) -> Result<()> {
        self.options.check()?;
        self.declared.check()?;
        if let Some(first) = self.directory.as_ref().and_then(Directory::first_part)
            && self.declared.schema.is_none()
        {
            self.declared.schema = Some(schema_of(first)?);
        }
        self.gather = Gather::new(self.declared.schema.clone());
        self.jobs = Arc::default();
        self.groups = None;
        self.rejects = None;
        self.part_rows = 0;
        if self.directory.is_none() {
            // Found out now what would keep the file from being written.
            drop(Aside::create(&self.path)?);
        }
        Ok(())
    }

    pub(super) fn resume(&mut self, job: &str) -> Result<Option<Checkpoint>> {
        let (directory, found) = Directory::take_over(&self.path, job, self.options.verify)?;
        self.directory = Some(directory);
        Ok(found)
    }

    /// Takes the rows of a page.
    pub(super) fn write(&mut self, page: &mut Page) -> Result<()> {
        self.part_rows += page.rows;
        self.gather.take(page);
        self.flush(false)
    }

    /// Takes whole record batches.
    pub(super) fn write_batches(&mut self, page: &mut Page) -> Result<()> {
        for batch in page.batches.drain(..) {
            self.part_rows += batch.num_rows();
            if self.gather.schema().is_none() {
                self.gather = Gather::new(Some(batch.schema()));
            }
            let schema = self.gather.schema().cloned().unwrap_or_else(|| batch.schema());
            check_schema(&batch, &schema)?;
            let mut from = 0;
            while from < batch.num_rows() {
                let groups = self.groups(&schema)?;
                let rows = groups.room().min(batch.num_rows() - from);
                let part = batch.slice(from, rows);
                let pieces = part.columns().iter().map(|array| Piece::Array(Arc::clone(array)));
                groups.add(rows, pieces)?;
                from += rows;
            }
        }
        Ok(())
    }

    /// Puts the rows that have been gathered into row groups, as soon as the schema is settled or
    /// when told.
    fn flush(&mut self, now: bool) -> Result<()> {
        let chunks = self.gather.chunks(self.options.row_group_rows, now)?;
        let Some(schema) = self.gather.schema().cloned() else {
            return Ok(());
        };
        for mut chunk in chunks {
            let groups = self.groups(&schema)?;
            while chunk.rows > 0 {
                let rows = groups.room().min(chunk.rows);
                // What doesn't fit the row group any more begins the next one.
                let rest: Vec<_> = match chunk.rows - rows {
                    0 => Vec::new(),
                    _ => chunk.columns.iter_mut().map(|column| column.split_off(rows)).collect(),
                };
                let columns = std::mem::replace(&mut chunk.columns, rest);
                groups.add(rows, columns.into_iter().map(Piece::Column))?;
                chunk.rows -= rows;
            }
        }
        Ok(())
    }

    fn groups(&mut self, schema: &SchemaRef) -> Result<&mut Groups> {
        if self.groups.is_none() {
            let path = match &self.directory {
                Some(directory) => directory.next_part(),
                None => self.path.clone(),
            };
            let jobs = Arc::clone(&self.jobs);
            let groups = Groups::create(&path, Arc::clone(schema), &self.options, jobs)?;
            self.groups = Some(groups);
        }
        self.groups.as_mut().ok_or_else(|| Error::fatal("the file is not open"))
    }

    /// Ends the file under construction; answers its rows and what they come to.
    fn publish(&mut self) -> Result<Option<(usize, Option<Digest>)>> {
        if self.part_rows > 0 {
            self.flush(true)?;
        }
        self.part_rows = 0;
        let Some(groups) = self.groups.take() else {
            return Ok(None);
        };
        let about = (groups.rows, groups.digest);
        // The parts of a job are read back when it ends, those of earlier runs too.
        let rejects = self.rejects.take();
        groups.publish(self.directory.is_none(), || rejects.map_or(Ok(()), Aside::publish))?;
        Ok(Some(about))
    }

    pub(super) fn commit(&mut self, checkpoint: &Checkpoint, when: Commit) -> Result<Durability> {
        let Some(directory) = &mut self.directory else {
            return Ok(Durability::Pending);
        };
        directory.checkpoint = checkpoint.clone();
        let is_small = self.part_rows < self.options.part_rows && !directory.is_full();
        if when == Commit::Grouped && is_small {
            return Ok(Durability::Pending);
        }
        self.end_part(false)?;
        Ok(Durability::Stored)
    }

    fn end_part(&mut self, finished: bool) -> Result<()> {
        let part = self.publish()?;
        match &mut self.directory {
            Some(directory) => directory.commit(part, finished),
            None => Ok(()),
        }
    }

    pub(super) fn finish(&mut self) -> Result<()> {
        if self.directory.is_none() && self.part_rows == 0 && self.groups.is_none() {
            // A load of nothing leaves a file all the same, one without rows.
            self.flush(true)?;
            let schema = self.gather.schema().cloned();
            self.groups(&schema.unwrap_or_else(|| Arc::new(arrow_schema::Schema::empty())))?;
        }
        self.end_part(true)
    }

    pub(super) fn abort(&mut self) -> Durability {
        self.groups = None;
        self.rejects = None;
        self.part_rows = 0;
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
fn schema_of(path: PathBuf) -> Result<SchemaRef> {
    use parquet::arrow::arrow_reader::{ArrowReaderMetadata, ArrowReaderOptions};
    let file = File::open(&path).map_err(|error| io_error(&path, "can't be opened", error))?;
    let metadata = ArrowReaderMetadata::load(&file, ArrowReaderOptions::new())
        .map_err(|error| explain(&path, "its footer can't be read", error))?;
    let schema = metadata.schema();
    // Without the metadata of the file, which is not the schema's.
    Ok(Arc::new(arrow_schema::Schema::new(schema.fields().clone())))
}
