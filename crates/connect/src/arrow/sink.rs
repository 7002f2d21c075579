//! Arrow IPC files and streams as a sink.

use super::gather::Declared;
use super::ipc::Ipc;
use super::out::{Output, out_settings};
use super::page::Page;
use crate::partition::{FileSink, Partitioned};
use arrow_array::RecordBatch;
use arrow_schema::{DataType, Field, SchemaRef};
use serde::Serialize;
use std::path::Path;
use trommel::{Checkpoint, Commit, Durability, Encode, Result};

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
    output: Output<Ipc>,
}

/// Writes whole [`RecordBatch`]es; made by [`Sink::columnar`]. A record batch is one value: counts
/// count batches.
#[derive(Debug)]
#[must_use = "a sink does nothing until a pipeline loads into it"]
pub struct Columnar {
    output: Output<Ipc>,
}

/// What the workers share: the declared columns.
#[derive(Debug)]
pub struct Encoder(Declared);

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
        Sink { output: Output::new(path.as_ref().into(), Ipc::default()) }
    }

    /// Writes the stream format instead of the file format. Default: the file format.
    pub fn stream(mut self) -> Self {
        self.output.format.is_stream = true;
        self
    }

    /// How buffers are compressed. Default: not at all.
    pub fn compression(mut self, compression: Compression) -> Self {
        self.output.format.compression = compression;
        self
    }

    /// Rows after which a record batch ends. Default: 65,536; 0 is refused.
    pub fn batch_rows(mut self, rows: usize) -> Self {
        self.output.format.batch_rows = rows;
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
        self.output.format.verify = true;
        self
    }

    out_settings!(
        "A file ends with the record batch that brings it to so many",
        "batch_rows",
        "arrow"
    );

    /// Takes whole record batches instead of records.
    pub fn columnar(self) -> Columnar {
        Columnar { output: self.output }
    }
}

macro_rules! sink {
    ($sink:ty, $write:ident) => {
        impl trommel::Sink for $sink {
            type Page = Page;
            type Encoder = Encoder;

            fn encoder(&mut self) -> Result<Encoder> {
                self.output.start(None::<std::iter::Empty<_>>)?;
                Ok(Encoder(self.output.declared.clone()))
            }

            fn write(&mut self, page: &mut Page) -> Result<()> {
                self.output.$write(page)
            }

            fn commit(&mut self, _: &Checkpoint, _: Commit) -> Result<Durability> {
                Ok(Durability::Pending)
            }

            fn finish(&mut self) -> Result<()> {
                self.output.publish(true, true, || Ok(())).map(drop)
            }

            fn abort(&mut self) -> Durability {
                self.output.abort();
                Durability::Pending
            }
        }
    };
}
sink!(Sink, write);
sink!(Columnar, write_batches);

impl FileSink for Sink {
    type Output = Output<Ipc>;

    fn output(&mut self) -> &mut Output<Ipc> {
        &mut self.output
    }
}

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
