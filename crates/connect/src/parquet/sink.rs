//! The sinks as their user and the driver see them.

use super::jobs::Jobs;
use super::options::{Compression, Statistics};
use super::output::{Output, Parquet};
use crate::arrow::out::{self, out_settings};
use crate::arrow::{Declared, Page};
use crate::partition::{FileSink, Partitioned};
use arrow_array::RecordBatch;
use arrow_schema::{DataType, Field, SchemaRef};
use serde::Serialize;
use std::path::Path;
use std::sync::Arc;
use trommel::{Checkpoint, Commit, Durability, Encode, Reject, Result};

/// Writes records (whatever is [`Serialize`]) into a Parquet file.
///
/// Columns are called like the fields and have the types of their values; a column of which the
/// first rows have no value, and types that Rust doesn't have, are declared with
/// [`column`](Self::column) or [`schema`](Self::schema). The workers build, encode and compress the
/// columns, and the file is written aside and gets its name when it is whole: a run that fails
/// leaves nothing, or what was there before.
///
/// In a [`resumable`](trommel::Pipeline) job the path is a directory of whole files,
/// `part-00000.parquet` and so on, and a manifest, `_trommel.json`, says which of them count. They
/// are the same, byte for byte, however often the job was cut off and whatever its batch sizes. A job
/// that has stored rows goes on only with the columns and the keys that it was begun with.
///
/// With [`RejectPolicy::with_data`](trommel::RejectPolicy::with_data) bad rows go to
/// `<file>.rejects.ndjson` beside the file, or into the directory, where the manifest lists them.
///
/// ```
/// use serde::Serialize;
/// use trommel::{Engine, Pipeline, sources};
/// use trommel_connect::arrow::Timestamp;
/// use trommel_connect::parquet;
///
/// #[derive(Serialize)]
/// struct Reading {
///     sensor: u64,
///     at: Timestamp,
///     celsius: Option<f32>,
///     tags: Vec<&'static str>,
/// }
///
/// # let directory = tempfile::tempdir()?;
/// # let path = directory.path().join("readings.parquet");
/// Pipeline::from(sources::generate(1000, |id| id))
///     .map(|id| Reading {
///         sensor: id % 7,
///         at: Timestamp(1_700_000_000_000_000 + id as i64),
///         celsius: (id % 10 != 0).then_some(20.5),
///         tags: vec!["indoor"],
///     })
///     .load_into(parquet::Sink::create(&path).compression(parquet::Compression::Snappy))
///     .run(&Engine::new()?)?;
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug)]
#[must_use = "a sink does nothing until a pipeline loads into it"]
pub struct Sink {
    output: Output,
}

/// Writes whole [`RecordBatch`]es into a Parquet file; made by [`Sink::columnar`].
///
/// A record batch is one value: counts count batches, not the rows in them.
#[derive(Debug)]
#[must_use = "a sink does nothing until a pipeline loads into it"]
pub struct Columnar {
    output: Output,
}

/// What the workers share: the declared columns, and the queue of columns to encode.
#[derive(Debug)]
pub struct Encoder {
    declared: Declared,
    jobs: Arc<Jobs>,
}

impl Sink {
    /// A file, or for a resumable job a directory, at `path`. Nothing is touched before the run.
    pub fn create(path: impl AsRef<Path>) -> Self {
        Sink { output: Output::new(path.as_ref().into()) }
    }

    /// How pages are compressed. Default: `Zstd(1)`.
    pub fn compression(mut self, compression: Compression) -> Self {
        self.output.out.format.options.compression = compression;
        self
    }

    /// For what statistics are kept. Default: for pages and row groups.
    pub fn statistics(mut self, statistics: Statistics) -> Self {
        self.output.out.format.options.statistics = statistics;
        self
    }

    /// Rows of a row group; the last one of a file has fewer. Default: 131,072; 0 is refused.
    pub fn row_group_rows(mut self, rows: usize) -> Self {
        self.output.out.format.options.row_group_rows = rows;
        self
    }

    /// Rows of each part of a resumable job, but the last; with partitions, rows after which the
    /// files of all keys end, with the batch that brings them. A run that is killed loads about so
    /// many again. Default: 1,048,576; 0 is refused.
    pub fn part_rows(mut self, rows: usize) -> Self {
        self.output.out.format.options.part_rows = rows;
        self
    }

    /// The columns, all of them, in their order. Fields of records go to the columns of their names
    /// and are converted where nothing is lost: whole numbers to other sizes, floats, decimals and
    /// timestamps (in the column's unit), texts to decimals. Default: learnt from the first rows.
    pub fn schema(mut self, schema: SchemaRef) -> Self {
        self.output.out.declared.schema = Some(schema);
        self
    }

    /// The type of one column, the others being learnt. Default: learnt too.
    pub fn column(mut self, name: impl Into<String>, data_type: DataType) -> Self {
        self.output.out.declared.columns.push(Field::new(name, data_type, true));
        self
    }

    /// Reads a file back before it gets its name, and compares the number of rows and a hash of
    /// their values, in any order, with what was given to it: a difference fails the run and leaves
    /// what was there before. A job reads all its parts when it ends, and is not finished if one
    /// differs; it keeps their digests in the manifest, so it must be verified from its first run
    /// on. It costs a hash of all values and a second pass over the files, on the sink's thread.
    /// What the system has in its cache is not read from the disk. Default: off.
    pub fn verify(mut self) -> Self {
        self.output.out.format.options.verify = true;
        self
    }

    out_settings!(
        "A file ends with the row group that brings it to so many",
        "row_group_rows",
        "parquet"
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
                self.output.start()?;
                Ok(Encoder {
                    declared: self.output.out.declared.clone(),
                    jobs: Arc::clone(&self.output.out.format.jobs),
                })
            }

            fn write(&mut self, page: &mut Page) -> Result<()> {
                self.output.$write(page)
            }

            fn commit(&mut self, checkpoint: &Checkpoint, when: Commit) -> Result<Durability> {
                self.output.commit(checkpoint, when)
            }

            fn finish(&mut self) -> Result<()> {
                self.output.finish()
            }

            fn abort(&mut self) -> Durability {
                self.output.abort()
            }

            fn keeps_rejects(&self) -> bool {
                true
            }

            fn keep_reject(&mut self, reject: &Reject) -> Result<()> {
                self.output.keep_reject(reject)
            }

            fn resume(&mut self, job: &str) -> Result<Option<Checkpoint>> {
                self.output.resume(job)
            }
        }
    };
}
sink!(Sink, write);
sink!(Columnar, write_batches);

impl FileSink for Sink {
    type Output = out::Output<Parquet>;

    fn output(&mut self) -> &mut Self::Output {
        &mut self.output.out
    }
}

impl Encoder {
    /// Done when a page begins: columns that wait to be encoded come before new rows.
    #[cold]
    fn begin(&self, page: &mut Page) -> Result<()> {
        while self.jobs.waiting() > 0 && self.jobs.help() {}
        page.begin(&self.declared)
    }
}

impl<R: Serialize> Encode<R> for Sink {
    #[inline]
    fn encode(encoder: &Encoder, page: &mut Page, record: R) -> Result<()> {
        if page.rows == 0 {
            encoder.begin(page)?;
        }
        page.encode(&record)
    }
}

impl Encode<RecordBatch> for Columnar {
    fn encode(encoder: &Encoder, page: &mut Page, batch: RecordBatch) -> Result<()> {
        if page.rows == 0 {
            encoder.begin(page)?;
        }
        page.push_batch(batch);
        Ok(())
    }
}

impl Encode<&RecordBatch> for Columnar {
    fn encode(encoder: &Encoder, page: &mut Page, batch: &RecordBatch) -> Result<()> {
        <Self as Encode<RecordBatch>>::encode(encoder, page, batch.clone())
    }
}
