//! Arrow IPC files and streams as a source.

use super::aside::io_error;
use super::at::{self, About, At};
use super::batch::{Batch, ColumnarBatch, Piece};
use super::heads::rows_before;
use super::many::{Known, Many, open_many};
use super::row::{Column, Shape};
use crate::listing::in_partitions;
use arrow_ipc::reader::{FileReader, StreamReader};
use arrow_schema::{ArrowError, SchemaRef};
use std::fs::File;
use std::io::{BufReader, Read};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use trommel::{Error, ErrorKind, Fill, Fingerprint, Limit, Position, Result, Size};

/// First bytes of a file in the file format; a stream begins otherwise.
const MAGIC: &[u8] = b"ARROW1";

/// Reads Arrow IPC files (`.arrow`, `.feather` of version 2) and streams, row by row.
///
/// A record batch of a file is a batch, whatever the batch size. Those of files are read and
/// decoded by the workers, and the source can be resumed; those of a stream are decoded by the
/// feeder, one after the other, as streams want it.
pub struct Source {
    reading: Reading,
}

/// Reads Arrow IPC as [`RecordBatch`](super::RecordBatch)es; made by [`Source::columnar`].
///
/// A record batch is one row to the pipeline: counts count batches, not the rows in them.
pub struct ColumnarSource {
    reading: Reading,
}

struct Reading {
    shape: Arc<Shape>,
    from: Input,
    /// The file that is read.
    file: usize,
    /// Number of its next record batch, or of the stream's.
    next: usize,
    /// Rows before it.
    rows: u64,
}

enum Input {
    Files(Many<Blocks>),
    Stream(Box<dyn Iterator<Item = Result<arrow_array::RecordBatch, ArrowError>> + Send>),
}

/// A file and the number of rows before each of its record batches, and after the last.
#[derive(Debug)]
pub(super) struct Blocks {
    pub(super) file: Arc<File>,
    pub(super) name: Box<str>,
    schema: SchemaRef,
    rows_before: Vec<u64>,
    about: About,
}

impl Source {
    /// Opens a file of either format, told apart by its first bytes.
    ///
    /// # Errors
    /// [`ErrorKind::Io`] when it can't be opened; [`ErrorKind::Fatal`] when it is neither an Arrow
    /// file nor a stream, or not a whole one.
    pub fn open(path: impl AsRef<Path>) -> Result<Self> {
        let path = path.as_ref();
        let (file, _) = at::open(path)?;
        match is_file_format(path, &file)? {
            true => Self::open_many([path]),
            false => {
                let name = path.display().to_string();
                Self::stream(name.into(), BufReader::new(At::new(&file, 0)))
            }
        }
    }

    open_many!(files, "`.arrow`, `.feather` or `.ipc`");

    fn over(files: Many<Blocks>) -> Self {
        let (name, schema) = (files.name.clone(), Arc::clone(files.schema()));
        Self::new(name, schema, Input::Files(files))
    }

    /// Reads a stream from anything; `name` is what messages call it. The schema is read at once.
    ///
    /// # Errors
    /// [`ErrorKind::Fatal`] when it is no Arrow stream.
    pub fn from_reader(
        name: impl Into<Box<str>>,
        reader: impl Read + Send + 'static,
    ) -> Result<Self> {
        Self::stream(name.into(), BufReader::new(reader))
    }

    /// Reads record batches that somebody else makes; `name` is what messages call them.
    pub fn from_batches(
        name: impl Into<Box<str>>,
        reader: impl arrow_array::RecordBatchReader + Send + 'static,
    ) -> Self {
        let schema = reader.schema();
        Self::new(name.into(), schema, Input::Stream(Box::new(reader)))
    }

    fn stream(name: Box<str>, reader: impl Read + Send + 'static) -> Result<Self> {
        let reader = StreamReader::try_new(reader, None)
            .map_err(|error| unreadable(&name, "an Arrow file or stream", error))?;
        let schema = reader.schema();
        Ok(Self::new(name, schema, Input::Stream(Box::new(reader))))
    }

    fn new(name: Box<str>, schema: SchemaRef, from: Input) -> Self {
        let shape = Arc::new(Shape::new(name, schema));
        Source { reading: Reading { shape, from, file: 0, next: 0, rows: 0 } }
    }

    /// The column with this name, to be found once and used for every row.
    ///
    /// # Errors
    /// [`ErrorKind::Config`] when there is none.
    pub fn column(&self, name: &str) -> Result<Column> {
        self.reading.shape.require(name).map(|index| Column(index as u32))
    }

    /// The schema of what is read.
    pub fn schema(&self) -> &SchemaRef {
        &self.reading.shape.schema
    }

    /// Reads record batches instead of rows.
    pub fn columnar(self) -> ColumnarSource {
        ColumnarSource { reading: self.reading }
    }
}

fn unreadable(name: &str, what: &str, error: ArrowError) -> Error {
    Error::fatal(format!("{name} is not {what}, or not a whole one")).caused_by(error)
}

/// Whether a file is in the file format, not a stream.
fn is_file_format(path: &Path, file: &Arc<File>) -> Result<bool> {
    let mut head = Vec::new();
    At::new(file, 0)
        .take(MAGIC.len() as u64)
        .read_to_end(&mut head)
        .map_err(|error| io_error(path, "can't be read", error))?;
    Ok(head == MAGIC)
}

/// The files of a directory, by name, those of its partitions included.
fn files(path: &Path) -> Result<Vec<PathBuf>> {
    in_partitions(path, &[".arrow", ".feather", ".ipc"])
}

impl Known for Blocks {
    fn open(path: &Path) -> Result<Self> {
        let (file, about) = at::open(path)?;
        let name: Box<str> = path.display().to_string().into();
        if !is_file_format(path, &file)? {
            // Or nothing of Arrow's at all.
            let stream = StreamReader::try_new(BufReader::new(At::new(&file, 0)), None);
            stream.map_err(|error| unreadable(&name, "an Arrow file", error))?;
            return Err(Error::config(format!(
                "{name} is an Arrow stream: only files in the file format are read as one"
            )));
        }
        let failed = |error| unreadable(&name, "an Arrow file", error);
        let rows_before = rows_before(&file).map_err(failed)?;
        let schema = reader(&file).map_err(failed)?.schema();
        Ok(Blocks { file, name, schema, rows_before, about })
    }

    fn about(&self) -> &About {
        &self.about
    }

    fn schema(&self) -> SchemaRef {
        Arc::clone(&self.schema)
    }

    fn rows(&self) -> u64 {
        self.rows_before.last().copied().unwrap_or(0)
    }

    fn groups(&self) -> usize {
        self.rows_before.len() - 1
    }
}

fn reader(file: &Arc<File>) -> Result<FileReader<BufReader<At>>, ArrowError> {
    FileReader::try_new(BufReader::new(At::new(file, 0)), None)
}

impl Blocks {
    /// A reader of its own for a worker.
    pub(super) fn reader(&self) -> Result<FileReader<BufReader<At>>, ArrowError> {
        reader(&self.file)
    }
}

impl Reading {
    fn next(&mut self) -> Result<Option<Piece>> {
        match &mut self.from {
            Input::Files(files) => {
                let mut blocks = files.get(self.file)?;
                let end = loop {
                    if let Some(end) = blocks.rows_before.get(self.next + 1) {
                        break *end;
                    }
                    if self.file + 1 == files.len() {
                        return Ok(None);
                    }
                    (self.file, self.next, self.rows) = (self.file + 1, 0, 0);
                    blocks = files.get(self.file)?;
                };
                let rows = (end - self.rows) as usize;
                let piece = Piece::Block(blocks, self.next, self.rows, rows);
                self.next += 1;
                self.rows = end;
                Ok(Some(piece))
            }
            Input::Stream(stream) => {
                let Some(batch) = stream.next() else {
                    return Ok(None);
                };
                let batch = batch.map_err(|error| {
                    let name = &self.shape.name;
                    Error::fatal(format!(
                        "{name}: record batch {} can't be read: the stream is damaged or cut off",
                        self.next
                    ))
                    .caused_by(error)
                })?;
                let first = self.rows;
                self.next += 1;
                self.rows += batch.num_rows() as u64;
                Ok(Some(Piece::Whole(batch, first)))
            }
        }
    }

    fn position(&self) -> Option<Position> {
        let Input::Files(files) = &self.from else { return None };
        let (next, rows) = (self.next as u64, self.rows);
        Some(match files.mark(self.file) {
            None => Position::from_numbers(&[next, rows]),
            Some(mark) => Position::from_numbers(&[next, rows, self.file as u64, mark]),
        })
    }

    fn seek(&mut self, position: &Position) -> Result<()> {
        let unsupported = |why: &str| {
            let message = format!("{} can't be resumed: {why}", self.shape.name);
            Error::new(ErrorKind::Unsupported, message)
        };
        let Input::Files(files) = &mut self.from else {
            return Err(unsupported("it is a stream"));
        };
        let numbers = position.numbers().unwrap_or_default();
        let (next, rows, file) = match numbers[..] {
            [next, rows] => (next, rows, files.check(0, None)?),
            [next, rows, file, mark] => (next, rows, files.check(file, Some(mark))?),
            _ => return Err(unsupported("this is not a position in Arrow files")),
        };
        let is_there = |blocks: &Blocks| blocks.rows_before.get(next as usize) == Some(&rows);
        if file == files.len() || !is_there(&*files.get(file)?) {
            return Err(Error::fatal(format!(
                "cannot resume {} at record batch {next}: it has others; is it another file?",
                self.shape.name
            )));
        }
        (self.file, self.next, self.rows) = (file, next as usize, rows);
        Ok(())
    }

    fn size(&self) -> Size {
        match &self.from {
            Input::Files(files) => files.size(),
            Input::Stream(_) => Size::default(),
        }
    }

    fn bytes_read(&self) -> u64 {
        match &self.from {
            Input::Files(files) => files.bytes_read(self.file, self.rows),
            Input::Stream(_) => 0,
        }
    }

    fn fingerprint(&self) -> Option<Fingerprint> {
        match &self.from {
            Input::Files(files) => Some(files.fingerprint()),
            Input::Stream(_) => None,
        }
    }
}

macro_rules! source {
    ($source:ty, $batch:ty, $size:expr) => {
        impl trommel::Source for $source {
            type Batch = $batch;

            fn fill(&mut self, batch: &mut $batch, _: &Limit<'_>) -> Result<Fill> {
                let piece = self.reading.next()?;
                let fill = if piece.is_some() { Fill::More } else { Fill::End };
                batch.fill(&self.reading.shape, piece);
                Ok(fill)
            }

            /// Record batch, and rows before it; of several files also which one, and a hash of its
            /// name.
            fn position(&self) -> Option<Position> {
                self.reading.position()
            }

            fn seek(&mut self, position: &Position) -> Result<()> {
                self.reading.seek(position)
            }

            fn size(&self) -> Size {
                $size(self.reading.size())
            }

            fn bytes_read(&self) -> u64 {
                self.reading.bytes_read()
            }

            fn fingerprint(&self) -> Result<Option<Fingerprint>> {
                Ok(self.reading.fingerprint())
            }
        }

        impl std::fmt::Debug for $source {
            fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                f.debug_struct(stringify!($source))
                    .field("name", &self.reading.shape.name)
                    .field("next", &self.reading.next)
                    .finish_non_exhaustive()
            }
        }
    };
}
source!(Source, Batch, |size| size);
// Its rows are record batches.
source!(ColumnarSource, ColumnarBatch, |size: Size| Size { rows: None, ..size });
