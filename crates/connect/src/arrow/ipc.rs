//! A file or stream of Arrow IPC that is being written.

use super::aside::{Aside, io_error};
use super::out::{Building, Format, Rows, Whole};
use super::sink::Compression;
use super::verify;
use crate::verify::Digest;
use arrow_array::RecordBatch;
use arrow_ipc::CompressionType;
use arrow_ipc::writer::{FileWriter, IpcWriteOptions, StreamWriter};
use arrow_schema::{ArrowError, SchemaRef};
use std::fmt;
use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use trommel::{Error, ErrorKind, Result};

/// How files are written.
#[derive(Debug)]
pub(crate) struct Ipc {
    pub(super) is_stream: bool,
    pub(super) compression: Compression,
    pub(super) batch_rows: usize,
    pub(super) verify: bool,
}

impl Default for Ipc {
    fn default() -> Self {
        let compression = Compression::default();
        Ipc { is_stream: false, compression, batch_rows: 1 << 16, verify: false }
    }
}

impl Format for Ipc {
    type File = Batches;

    const EXTENSION: &'static str = "arrow";

    const KEEPS_EMPTY: bool = true;

    fn check(&self) -> Result<()> {
        match self.batch_rows {
            0 => Err(Error::config("batch_rows: 0 rows make no record batch; give at least 1")),
            _ => Ok(()),
        }
    }

    fn create(&self, path: &Path, schema: &SchemaRef) -> Result<Batches> {
        let aside = Counted { file: Aside::create(path)?, bytes: 0 };
        let compression = match self.compression {
            Compression::None => None,
            Compression::Lz4 => Some(CompressionType::LZ4_FRAME),
            Compression::Zstd => Some(CompressionType::ZSTD),
        };
        let begin = || {
            let options = IpcWriteOptions::default().try_with_compression(compression)?;
            Ok(match self.is_stream {
                true => {
                    let writer = StreamWriter::try_new_with_options(aside, schema, options)?;
                    Writer::Stream(Box::new(writer))
                }
                false => {
                    let writer = FileWriter::try_new_with_options(aside, schema, options)?;
                    Writer::File(Box::new(writer))
                }
            })
        };
        Ok(Batches {
            writer: begin().map_err(|error| explain(path, error))?,
            path: path.into(),
            schema: Arc::clone(schema),
            batch_rows: self.batch_rows,
            open: Vec::new(),
            open_rows: 0,
            rows: 0,
            given: self.verify.then(Digest::default),
        })
    }

    fn group_rows(&self) -> usize {
        self.batch_rows
    }

    fn read_back(&self, path: &Path) -> Result<Option<Digest>> {
        self.verify.then(|| verify::read(path, self.is_stream)).transpose()
    }
}

/// A file, and the rows of the record batch that fills.
#[derive(Debug)]
pub(crate) struct Batches {
    path: PathBuf,
    schema: SchemaRef,
    writer: Writer,
    batch_rows: usize,
    open: Vec<RecordBatch>,
    open_rows: usize,
    rows: u64,
    /// What was given, if the file is to be verified.
    given: Option<Digest>,
}

enum Writer {
    File(Box<FileWriter<Counted>>),
    Stream(Box<StreamWriter<Counted>>),
}

impl Batches {
    fn write(&mut self, batch: &RecordBatch) -> Result<()> {
        if let Some(given) = &mut self.given {
            verify::add(given, batch.columns(), batch.num_rows())?;
        }
        let written = match &mut self.writer {
            Writer::File(writer) => writer.write(batch),
            Writer::Stream(writer) => writer.write(batch),
        };
        written.map_err(|error| explain(&self.path, error))
    }
}

impl Building for Batches {
    /// Whole record batches stay as they are.
    fn room(&self, rows: &Rows) -> usize {
        match rows {
            Rows::Columns(_) => self.batch_rows - self.open_rows,
            Rows::Batch(_) => usize::MAX,
        }
    }

    fn add(&mut self, rows: Rows) -> Result<()> {
        self.rows += rows.len() as u64;
        match rows {
            Rows::Batch(batch) => self.write(&batch),
            Rows::Columns(chunk) => {
                self.open_rows += chunk.rows;
                self.open.push(chunk.into_batch(&self.schema)?);
                if self.open_rows >= self.batch_rows { self.end_group() } else { Ok(()) }
            }
        }
    }

    fn end_group(&mut self) -> Result<()> {
        let open = std::mem::take(&mut self.open);
        self.open_rows = 0;
        match &open[..] {
            [] => Ok(()),
            [one] => self.write(one),
            several => {
                let joined = arrow_select::concat::concat_batches(&self.schema, several);
                self.write(&joined.map_err(|error| explain(&self.path, error))?)
            }
        }
    }

    fn is_between_groups(&self) -> bool {
        self.open.is_empty()
    }

    fn settle(&mut self) -> Result<()> {
        Ok(())
    }

    fn rows(&self) -> u64 {
        self.rows
    }

    fn bytes(&self) -> u64 {
        match &self.writer {
            Writer::File(writer) => writer.get_ref().bytes,
            Writer::Stream(writer) => writer.get_ref().bytes,
        }
    }

    fn end(mut self) -> Result<Whole> {
        self.end_group()?;
        let counted = match self.writer {
            Writer::File(writer) => writer.into_inner(),
            Writer::Stream(writer) => writer.into_inner(),
        };
        let written = counted.map_err(|error| explain(&self.path, error))?.file.written()?;
        Ok(Whole { written, rows: self.rows, given: self.given })
    }
}

fn explain(path: &Path, error: ArrowError) -> Error {
    match error {
        ArrowError::IoError(_, error) => io_error(path, "can't be written", error),
        error => {
            let message = format!("{}: can't be written", path.display());
            Error::new(ErrorKind::Fatal, message).caused_by(error)
        }
    }
}

impl fmt::Debug for Writer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Writer::File(_) => "File",
            Writer::Stream(_) => "Stream",
        })
    }
}

/// A file that counts its bytes.
#[derive(Debug)]
struct Counted {
    file: Aside,
    bytes: u64,
}

impl Write for Counted {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let written = self.file.write(bytes)?;
        self.bytes += written as u64;
        Ok(written)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.file.flush()
    }
}
