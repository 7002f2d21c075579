//! Arrow IPC files and streams as a sink.

use super::aside::{Aside, io_error};
use super::gather::{Declared, Gather};
use super::page::Page;
use super::verify;
use crate::verify::{Digest, compare_file};
use arrow_array::RecordBatch;
use arrow_ipc::CompressionType;
use arrow_ipc::writer::{FileWriter, IpcWriteOptions, StreamWriter};
use arrow_schema::{ArrowError, DataType, Field, Schema, SchemaRef};
use serde::Serialize;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use trommel::{Checkpoint, Commit, Durability, Encode, Error, ErrorKind, Result};

/// Compression of the buffers of a file.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
#[non_exhaustive]
pub enum Compression {
    /// Not at all: readers can map the file into memory.
    #[default]
    None,
    /// LZ4 frames: quick.
    Lz4,
    /// Zstandard.
    Zstd,
}

/// Writes records into an Arrow IPC file; see [`parquet::Sink`](crate::parquet::Sink) for how
/// records become columns, which is the same.
///
/// The file is written aside and gets its name when it is whole. There are no checkpoints: a run
/// that is killed is run again from the start.
///
/// ```
/// use serde::Serialize;
/// use trommel::{Engine, Pipeline, sources};
/// use trommel_connect::arrow;
///
/// #[derive(Serialize)]
/// struct Reading {
///     sensor: u64,
///     celsius: f32,
/// }
///
/// # let directory = tempfile::tempdir()?;
/// # let path = directory.path().join("readings.arrow");
/// Pipeline::from(sources::generate(1000, |id| id))
///     .map(|id| Reading { sensor: id % 7, celsius: 20.5 })
///     .load_into(arrow::Sink::create(&path))
///     .run(&Engine::new()?)?;
///
/// let source = arrow::Source::open(&path)?;
/// assert_eq!(source.schema().field(1).name(), "celsius");
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug)]
#[must_use = "a sink does nothing until a pipeline loads into it"]
pub struct Sink {
    output: Output,
}

/// Writes whole [`RecordBatch`]es; made by [`Sink::columnar`]. A record batch is one value: counts
/// count batches.
#[derive(Debug)]
#[must_use = "a sink does nothing until a pipeline loads into it"]
pub struct Columnar {
    output: Output,
}

/// What the workers share: the declared columns.
#[derive(Debug)]
pub struct Encoder(Declared);

#[derive(Debug)]
struct Output {
    path: PathBuf,
    is_stream: bool,
    compression: Compression,
    batch_rows: usize,
    declared: Declared,
    gather: Gather,
    writer: Option<Writer>,
    verify: bool,
    /// What the file was given, if it is to be verified.
    given: Digest,
}

enum Writer {
    File(Box<FileWriter<Aside>>),
    Stream(Box<StreamWriter<Aside>>),
}

impl Encoder {
    pub(super) fn new(declared: Declared) -> Self {
        Encoder(declared)
    }

    /// Appends a record to a page.
    #[inline]
    pub(super) fn push(&self, page: &mut Page, record: &impl Serialize) -> Result<()> {
        if page.rows == 0 {
            page.begin(&self.0)?;
        }
        page.encode(record)
    }
}

impl Sink {
    /// A file at `path`. Nothing is touched before the run.
    pub fn create(path: impl AsRef<Path>) -> Self {
        Sink {
            output: Output {
                path: path.as_ref().into(),
                is_stream: false,
                compression: Compression::default(),
                batch_rows: 1 << 16,
                declared: Declared::default(),
                gather: Gather::default(),
                writer: None,
                verify: false,
                given: Digest::default(),
            },
        }
    }

    /// Writes the stream format instead of the file format. Default: the file format.
    pub fn stream(mut self) -> Self {
        self.output.is_stream = true;
        self
    }

    /// How buffers are compressed. Default: not at all.
    pub fn compression(mut self, compression: Compression) -> Self {
        self.output.compression = compression;
        self
    }

    /// Rows after which a record batch ends. Default: 65,536; 0 is refused.
    pub fn batch_rows(mut self, rows: usize) -> Self {
        self.output.batch_rows = rows;
        self
    }

    /// The columns, all of them, in their order. Default: learnt from the first rows.
    pub fn schema(mut self, schema: SchemaRef) -> Self {
        self.output.declared.schema = Some(schema);
        self
    }

    /// The type of one column, the others being learnt. Default: learnt too.
    pub fn column(mut self, name: impl Into<String>, data_type: DataType) -> Self {
        self.output.declared.columns.push(Field::new(name, data_type, true));
        self
    }

    /// Reads the file back before it gets its name, and compares the number of rows and a hash of
    /// their values, in any order, with what was given to it: a difference fails the run and leaves
    /// what was there before. It costs a hash of all values and a second pass over the file, on the
    /// sink's thread. What the system has in its cache is not read from the disk. Default: off.
    pub fn verify(mut self) -> Self {
        self.output.verify = true;
        self
    }

    /// Takes whole record batches instead of records.
    pub fn columnar(self) -> Columnar {
        Columnar { output: self.output }
    }
}

impl Output {
    fn start(&mut self) -> Result<Encoder> {
        if self.batch_rows == 0 {
            return Err(Error::config("batch_rows: 0 rows make no record batch; give at least 1"));
        }
        self.declared.check()?;
        self.gather = Gather::new(self.declared.schema.clone());
        self.writer = None;
        self.given = Digest::default();
        drop(Aside::create(&self.path)?);
        Ok(Encoder(self.declared.clone()))
    }

    fn write(&mut self, page: &mut Page) -> Result<()> {
        self.gather.take(page);
        if self.gather.rows() >= self.batch_rows { self.flush(false) } else { Ok(()) }
    }

    fn flush(&mut self, now: bool) -> Result<()> {
        let batches = self.gather.batches(self.batch_rows, now)?;
        let Some(schema) = self.gather.schema().cloned().filter(|_| !batches.is_empty()) else {
            return Ok(());
        };
        let all = arrow_select::concat::concat_batches(&schema, &batches)
            .map_err(|error| self.explain(error))?;
        let mut from = 0;
        while from < all.num_rows() {
            let rows = self.batch_rows.min(all.num_rows() - from);
            self.append(&all.slice(from, rows))?;
            from += rows;
        }
        Ok(())
    }

    fn write_batches(&mut self, page: &mut Page) -> Result<()> {
        page.batches.drain(..).try_for_each(|batch| {
            if self.gather.schema().is_none() {
                self.gather = Gather::new(Some(batch.schema()));
            }
            self.append(&batch)
        })
    }

    fn append(&mut self, batch: &RecordBatch) -> Result<()> {
        let schema = self.gather.schema().cloned().unwrap_or_else(|| batch.schema());
        super::gather::check_schema(batch, &schema)?;
        if self.verify {
            verify::add(&mut self.given, batch.columns(), batch.num_rows())?;
        }
        let written = match self.writer(&schema)? {
            Writer::File(writer) => writer.write(batch),
            Writer::Stream(writer) => writer.write(batch),
        };
        written.map_err(|error| self.explain(error))
    }

    fn writer(&mut self, schema: &Schema) -> Result<&mut Writer> {
        if self.writer.is_none() {
            let aside = Aside::create(&self.path)?;
            let compression = match self.compression {
                Compression::None => None,
                Compression::Lz4 => Some(CompressionType::LZ4_FRAME),
                Compression::Zstd => Some(CompressionType::ZSTD),
            };
            let begin = || {
                let options = IpcWriteOptions::default().try_with_compression(compression)?;
                Ok(match self.is_stream {
                    true => Writer::Stream(Box::new(StreamWriter::try_new_with_options(
                        aside, schema, options,
                    )?)),
                    false => Writer::File(Box::new(FileWriter::try_new_with_options(
                        aside, schema, options,
                    )?)),
                })
            };
            self.writer = Some(begin().map_err(|error| self.explain(error))?);
        }
        self.writer.as_mut().ok_or_else(|| Error::fatal("the file is not open"))
    }

    fn finish(&mut self) -> Result<()> {
        self.flush(true)?;
        if self.writer.is_none() {
            let schema = self.gather.schema().cloned();
            self.writer(&schema.unwrap_or_else(|| Arc::new(Schema::empty())))?;
        }
        let aside = match self.writer.take() {
            Some(Writer::File(writer)) => writer.into_inner(),
            Some(Writer::Stream(writer)) => writer.into_inner(),
            None => return Ok(()),
        };
        aside.map_err(|error| self.explain(error))?.publish_if(|side| match self.verify {
            true => {
                let found = verify::read(side, self.is_stream)?;
                let kept = format!("{} was not touched", self.path.display());
                compare_file(side, self.given, found, &kept)
            }
            false => Ok(()),
        })
    }

    fn abort(&mut self) -> Durability {
        self.writer = None;
        Durability::Pending
    }

    fn explain(&self, error: ArrowError) -> Error {
        match error {
            ArrowError::IoError(_, error) => io_error(&self.path, "can't be written", error),
            error => {
                let message = format!("{}: can't be written", self.path.display());
                Error::new(ErrorKind::Fatal, message).caused_by(error)
            }
        }
    }
}

impl std::fmt::Debug for Writer {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            Writer::File(_) => "File",
            Writer::Stream(_) => "Stream",
        })
    }
}

macro_rules! sink {
    ($sink:ty, $write:ident) => {
        impl trommel::Sink for $sink {
            type Page = Page;
            type Encoder = Encoder;

            fn encoder(&mut self) -> Result<Encoder> {
                self.output.start()
            }

            fn write(&mut self, page: &mut Page) -> Result<()> {
                self.output.$write(page)
            }

            fn commit(&mut self, _: &Checkpoint, _: Commit) -> Result<Durability> {
                Ok(Durability::Pending)
            }

            fn finish(&mut self) -> Result<()> {
                self.output.finish()
            }

            fn abort(&mut self) -> Durability {
                self.output.abort()
            }
        }
    };
}
sink!(Sink, write);
sink!(Columnar, write_batches);

impl<R: Serialize> Encode<R> for Sink {
    #[inline]
    fn encode(encoder: &Encoder, page: &mut Page, record: R) -> Result<()> {
        encoder.push(page, &record)
    }
}

impl Encode<RecordBatch> for Columnar {
    fn encode(_: &Encoder, page: &mut Page, batch: RecordBatch) -> Result<()> {
        page.push_batch(batch);
        Ok(())
    }
}

impl Encode<&RecordBatch> for Columnar {
    fn encode(_: &Encoder, page: &mut Page, batch: &RecordBatch) -> Result<()> {
        page.push_batch(batch.clone());
        Ok(())
    }
}
