//! Row groups on their way into a file.

use super::chunk::{self, Codec, Settings};
use super::error::explain;
use super::footer::{Footer, MAGIC};
use super::jobs::{Jobs, Piece, Task, Writer};
use super::nested::Nested;
use super::options::Options;
use crate::arrow::aside::Aside;
use crate::arrow::out::{self, Rows, Whole};
use crate::arrow::verify::add;
use crate::verify::Digest;
use arrow_schema::SchemaRef;
use parquet::arrow::ArrowWriter;
use parquet::arrow::arrow_writer::ArrowRowGroupWriterFactory;
use parquet::errors::ParquetError;
use parquet::file::properties::WriterPropertiesPtr;
use parquet::file::writer::{SerializedRowGroupWriter, TrackedWrite};
use parquet::schema::types::{SchemaDescPtr, SchemaDescriptor};
use std::collections::VecDeque;
use std::io::{Write, sink};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use trommel::{Error, Result};

/// Row groups that may be closing while the next one fills.
const MAX_CLOSING: usize = 1;
/// Tasks that may wait for workers, in multiples of the number of columns.
const MAX_BACKLOG: usize = 2;

/// One file being written.
pub(crate) struct Groups {
    path: PathBuf,
    file: TrackedWrite<Aside>,
    footer: Footer,
    descriptors: SchemaDescPtr,
    properties: WriterPropertiesPtr,
    factory: ArrowRowGroupWriterFactory,
    schema: SchemaRef,
    jobs: Arc<Jobs>,
    row_group_rows: usize,
    settings: Settings,
    /// The row group that fills: its columns and rows.
    open: Option<(Vec<Arc<Task>>, usize)>,
    closing: VecDeque<Vec<Arc<Task>>>,
    /// Row groups begun.
    begun: usize,
    rows: usize,
    /// What was given, if the file is to be verified.
    digest: Option<Digest>,
}

impl Groups {
    pub(super) fn create(
        path: &Path,
        schema: SchemaRef,
        options: &Options,
        jobs: Arc<Jobs>,
    ) -> Result<Self> {
        let aside = Aside::create(path)?;
        let failed = |error| explain(path, "no Parquet file can have this schema", error);
        let properties = options.properties()?;
        // Into nowhere: what it knows of the schema is what is wanted.
        let (model, factory) = ArrowWriter::try_new(sink(), Arc::clone(&schema), Some(properties))
            .and_then(ArrowWriter::into_serialized_writer)
            .map_err(failed)?;
        let root = model.schema_descr().root_schema_ptr();
        let descriptors = Arc::new(SchemaDescriptor::new(root));
        let properties = Arc::clone(model.properties());
        let mut file = TrackedWrite::new(aside);
        let begun = file.write_all(MAGIC).map_err(ParquetError::from);
        let footer = begun.and_then(|()| Footer::new(Arc::clone(&descriptors), &properties));
        Ok(Groups {
            path: path.into(),
            file,
            footer: footer.map_err(failed)?,
            descriptors,
            properties,
            factory,
            schema,
            jobs,
            row_group_rows: options.row_group_rows,
            settings: Settings {
                codec: Codec::new(options.compression)?,
                statistics: options.statistics,
            },
            open: None,
            closing: VecDeque::new(),
            begun: 0,
            rows: 0,
            digest: options.verify.then(Digest::default),
        })
    }

    /// Adds rows to the open row group: a piece of each column, of no more rows than it has room.
    fn add(&mut self, rows: usize, pieces: impl Iterator<Item = Piece>) -> Result<()> {
        let mut pieces: Vec<Piece> = pieces.collect();
        if let Some(digest) = &mut self.digest {
            let arrays = pieces.into_iter().map(Piece::into_array).collect::<Result<Vec<_>>>()?;
            add(digest, &arrays, rows)?;
            pieces = arrays.into_iter().map(Piece::Array).collect();
        }
        let (tasks, filled) = match &mut self.open {
            Some(open) => open,
            None => {
                let tasks = self.begin()?;
                self.open.insert((tasks, 0))
            }
        };
        for (task, piece) in tasks.iter().zip(pieces) {
            self.jobs.post(task, piece);
        }
        *filled += rows;
        self.rows += rows;
        let most = MAX_BACKLOG * tasks.len();
        if *filled >= self.row_group_rows {
            self.close_group();
        }
        while self.jobs.waiting() > most && self.jobs.help() {}
        self.store_closed(MAX_CLOSING)
    }

    fn begin(&mut self) -> Result<Vec<Arc<Task>>> {
        let failed = |error| explain(&self.path, "a row group can't be begun", error);
        let mut writers = self.factory.create_column_writers(self.begun).map_err(failed)?;
        self.begun += 1;
        let mut tasks = Vec::with_capacity(self.schema.fields().len());
        let mut descriptors = self.descriptors.columns().iter();
        for field in self.schema.fields() {
            let leaves = leaves(field.data_type());
            let rest = writers.split_off(leaves.min(writers.len()));
            let own = std::mem::replace(&mut writers, rest);
            let descriptor = descriptors.by_ref().take(leaves).last();
            let flat = descriptor
                .and_then(|descriptor| chunk::of(field.data_type(), descriptor, self.settings));
            let nested = || Writer::Nested(Nested::new(Arc::clone(field), own));
            let writer = flat.map_or_else(nested, Writer::Flat);
            tasks.push(Task::new(Arc::clone(field), writer));
        }
        Ok(tasks)
    }

    fn close_group(&mut self) {
        if let Some((tasks, _)) = self.open.take() {
            tasks.iter().for_each(|task| self.jobs.close(task));
            self.closing.push_back(tasks);
        }
    }

    /// Appends row groups that are encoded to the file, waiting while more than `most` are not.
    fn store_closed(&mut self, most: usize) -> Result<()> {
        while let Some(tasks) = self.closing.front() {
            if self.closing.len() > most {
                self.jobs.finish(tasks);
            } else if !tasks.iter().all(|task| task.is_done()) {
                return Ok(());
            }
            let failed = |error| explain(&self.path, "a row group can't be written", error);
            let (number, footer) = (self.footer.len() as i32, &mut self.footer);
            let mut group = SerializedRowGroupWriter::new(
                Arc::clone(&self.descriptors),
                Arc::clone(&self.properties),
                &mut self.file,
                number,
                Some(Box::new(|_, about, _, columns, offsets| footer.add(about, columns, offsets))),
            );
            for task in tasks {
                let lost = || Err(Error::fatal("a column of the row group was lost"));
                let encoded = task.take_done().unwrap_or_else(lost)?;
                encoded.append_to(&mut group).map_err(failed)?;
            }
            group.close().map_err(failed)?;
            self.closing.pop_front();
        }
        Ok(())
    }
}

impl out::Building for Groups {
    fn room(&self, _: &Rows) -> usize {
        self.row_group_rows - self.open.as_ref().map_or(0, |(_, rows)| *rows)
    }

    fn add(&mut self, rows: Rows) -> Result<()> {
        let count = rows.len();
        match rows {
            Rows::Columns(chunk) => self.add(count, chunk.columns.into_iter().map(Piece::Column)),
            Rows::Batch(batch) => {
                self.add(count, batch.columns().iter().cloned().map(Piece::Array))
            }
        }
    }

    fn end_group(&mut self) -> Result<()> {
        self.close_group();
        self.store_closed(MAX_CLOSING)
    }

    fn is_between_groups(&self) -> bool {
        self.open.is_none()
    }

    fn settle(&mut self) -> Result<()> {
        self.store_closed(0)
    }

    fn rows(&self) -> u64 {
        self.rows as u64
    }

    fn bytes(&self) -> u64 {
        self.file.bytes_written() as u64
    }

    /// Encodes what is left and writes the footer.
    fn end(mut self) -> Result<Whole> {
        self.close_group();
        self.store_closed(0)?;
        let failed = |error| explain(&self.path, "the footer can't be written", error);
        self.footer.write(&mut self.file).map_err(failed)?;
        let written = self.file.into_inner().map_err(failed)?.written()?;
        Ok(Whole { written, rows: self.rows as u64, given: self.digest })
    }
}

/// Columns in the file that a column of this type becomes.
fn leaves(kind: &arrow_schema::DataType) -> usize {
    use arrow_schema::DataType as Kind;
    match kind {
        Kind::List(item)
        | Kind::LargeList(item)
        | Kind::ListView(item)
        | Kind::LargeListView(item)
        | Kind::FixedSizeList(item, _)
        | Kind::Map(item, _) => leaves(item.data_type()),
        Kind::Struct(fields) => fields.iter().map(|field| leaves(field.data_type())).sum(),
        _ => 1,
    }
}

impl std::fmt::Debug for Groups {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Groups").field("path", &self.path).finish_non_exhaustive()
    }
}
