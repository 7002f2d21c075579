//! The sources as their user and the driver see them.

use super::batch::{Batch, ColumnarBatch};
use super::input::{Input, Piece, Share, files};
use crate::arrow::many::{Many, open_many};
use crate::arrow::{Column, Shape};
use arrow_schema::SchemaRef;
use parquet::arrow::ProjectionMask;
use std::path::Path;
use std::sync::Arc;
use trommel::{Error, ErrorKind, Fill, Fingerprint, Limit, Position, Result, Size};

/// Batches smaller than this are how the driver gets to know a source: only the first one is.
const PROBE_ROWS: usize = 1024;

/// Reads Parquet files, row by row; the workers decode, each a piece of a row group.
///
/// Batches are row groups, or large pieces of them cut where pages start, whatever the batch size:
/// decoding fewer rows at a time would decompress pages, and dictionaries, again and again.
///
/// ```
/// use trommel::{Engine, Pipeline, sinks};
/// use trommel_connect::parquet;
/// # use trommel::sources;
/// # #[derive(serde::Serialize)] struct Flight { carrier: &'static str, distance: Option<u32> }
/// # let directory = tempfile::tempdir()?;
/// # let path = directory.path().join("flights.parquet");
/// # Pipeline::from(sources::generate(10, |id| id))
/// #     .map(|id| Flight { carrier: "UA", distance: (id > 0).then_some(100) })
/// #     .load_into(parquet::Sink::create(&path))
/// #     .run(&Engine::new()?)?;
///
/// let source = parquet::Source::open(&path)?.columns(["distance"])?;
/// let distance = source.column("distance")?;
/// let add = |sum: &mut u64, miles: u64| *sum += miles;
/// let mut sum = sinks::fold(|| 0, add, |sum, other| *sum += other);
/// Pipeline::from(source)
///     .transform(|row: trommel_connect::arrow::Row<'_>, out| match row.get::<Option<u64>>(distance)? {
///         Some(miles) => out.emit(miles),
///         None => Ok(()),
///     })
///     .load_into(&mut sum)
///     .run(&Engine::new()?)?;
/// assert_eq!(sum.into_value(), 900);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug)]
pub struct Source {
    reading: Reading,
}

/// Reads Parquet files as [`RecordBatch`](crate::arrow::RecordBatch)es; made by
/// [`Source::columnar`].
///
/// A record batch is one row to the pipeline: counts count batches, not the rows in them, so that
/// `read = loaded + rejected + filtered` holds of what transforms see.
#[derive(Debug)]
pub struct ColumnarSource {
    reading: Reading,
}

/// Where reading stands.
#[derive(Debug)]
struct Reading {
    files: Many<Input>,
    shape: Arc<Shape>,
    mask: ProjectionMask,
    share: Share,
    /// The next row: file, row group, row in it.
    next: [usize; 3],
    /// Rows of the file before the row group.
    before: u64,
    has_begun: bool,
}

impl Source {
    /// Opens a file or, as [`open_directory`](Self::open_directory), a directory; of the directory of
    /// a resumable job the files that its manifest lists.
    ///
    /// # Errors
    /// [`ErrorKind::Io`] naming the file that can't be opened; [`ErrorKind::Fatal`] naming the one
    /// that is no Parquet file or not a whole one.
    pub fn open(path: impl AsRef<Path>) -> Result<Self> {
        match path.as_ref().is_dir() {
            true => Self::open_directory(path),
            false => Self::open_many([path]),
        }
    }

    open_many!(files, "`.parquet`");

    fn over(files: Many<Input>) -> Self {
        Source {
            reading: Reading {
                shape: Arc::new(Shape::new(files.name.clone(), Arc::clone(files.schema()))),
                mask: ProjectionMask::all(),
                share: Share::of(files.groups),
                next: [0; 3],
                before: 0,
                has_begun: false,
                files,
            },
        }
    }

    /// Reads only these columns, in the order in which the file has them. Default: all.
    ///
    /// # Errors
    /// [`ErrorKind::Config`] when there is no such column.
    pub fn columns<N: AsRef<str>>(mut self, names: impl IntoIterator<Item = N>) -> Result<Self> {
        let reading = &mut self.reading;
        let schema = reading.files.schema();
        let all = Shape::new(reading.shape.name.clone(), Arc::clone(schema));
        let indices = names.into_iter().map(|name| all.require(name.as_ref()));
        let mut indices: Vec<usize> = indices.collect::<Result<_>>()?;
        indices.sort_unstable();
        indices.dedup();
        let schema = schema.project(&indices).map_err(|error| {
            Error::config("columns: they can't be taken out of the schema").caused_by(error)
        })?;
        reading.mask = reading.files.get(0)?.mask(&indices);
        reading.shape = Arc::new(Shape::new(all.name, Arc::new(schema)));
        Ok(self)
    }

    /// The column with this name, to be found once and used for every row. Ask after
    /// [`columns`](Self::columns).
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

impl ColumnarSource {
    /// The schema of the record batches.
    pub fn schema(&self) -> &SchemaRef {
        &self.reading.shape.schema
    }
}

impl Reading {
    /// Goes past row groups that are done; `false` at the end of all files.
    fn is_at_row(&mut self) -> Result<bool> {
        while self.next[0] < self.files.len() {
            let [file, group, row] = self.next;
            let is_done = self.before >= self.files.rows(file);
            let input = if is_done { None } else { Some(self.files.get(file)?) };
            match input.as_ref().and_then(|input| input.groups().get(group)) {
                Some(about) if (row as u64) < num_rows(about) => return Ok(true),
                Some(about) => {
                    self.before = self.before.saturating_add(num_rows(about));
                    self.next = [file, group + 1, 0];
                }
                None => {
                    self.before = 0;
                    self.next = [file + 1, 0, 0];
                }
            }
        }
        Ok(false)
    }

    fn piece(&mut self, limit: &Limit<'_>) -> Result<Option<Piece>> {
        if !self.is_at_row()? {
            return Ok(None);
        }
        let [file, group, from] = self.next;
        let input = self.files.get(file)?;
        let left = self.files.rows_from(file, self.before.saturating_add(from as u64));
        let left = usize::try_from(left).unwrap_or(usize::MAX);
        let mut end = input.cut((group, from), &self.mask, self.share, left, limit.bytes());
        if !self.has_begun && limit.rows() < PROBE_ROWS {
            end = end.min(from + limit.rows());
        }
        self.has_begun = true;
        self.next[2] = end;
        let (rows, before, mask) = (end - from, self.before, self.mask.clone());
        Ok(Some(Piece { input, group, from, rows, before, mask }))
    }

    fn position(&self) -> Position {
        let [file, group, row] = self.next.map(|number| number as u64);
        match self.files.mark(self.next[0]) {
            None => Position::from_numbers(&[file, group, row]),
            Some(mark) => Position::from_numbers(&[file, group, row, mark]),
        }
    }

    fn seek(&mut self, position: &Position) -> Result<()> {
        let numbers = position.numbers().unwrap_or_default();
        let (file, group, row, mark) = match numbers[..] {
            [file, group, row] => (file, group, row, None),
            [file, group, row, mark] => (file, group, row, Some(mark)),
            _ => {
                return Err(Error::new(
                    ErrorKind::Unsupported,
                    format!(
                        "not a position in Parquet files, so {} can't be resumed from it",
                        self.shape.name
                    ),
                ));
            }
        };
        let gone = || {
            Error::fatal(format!(
                "cannot resume {} at file {file}, row group {group}, row {row}: there is no such \
                 row; are they other files?",
                self.shape.name
            ))
        };
        let file = self.files.check(file, mark)?;
        let (group, row) = (group as usize, row as usize);
        let before = match file < self.files.len() {
            false if file == self.files.len() && group == 0 && row == 0 => 0,
            false => return Err(gone()),
            true => {
                let input = self.files.get(file)?;
                let groups = input.groups();
                let known = groups.get(..group).ok_or_else(gone)?;
                if row as u64 > groups.get(group).map_or(0, num_rows) {
                    return Err(gone());
                }
                known.iter().map(num_rows).fold(0, u64::saturating_add)
            }
        };
        self.next = [file, group, row];
        self.before = before;
        Ok(())
    }

    fn bytes_read(&self) -> u64 {
        self.files.bytes_read(self.next[0], self.before.saturating_add(self.next[2] as u64))
    }
}

fn num_rows(group: &parquet::file::metadata::RowGroupMetaData) -> u64 {
    u64::try_from(group.num_rows()).unwrap_or(0)
}

macro_rules! source {
    ($source:ty, $batch:ty, $reading:ident, $into:ident, $piece:ident => $fill:expr, $clear:expr, $size:expr) => {
        impl trommel::Source for $source {
            type Batch = $batch;

            fn fill(&mut self, $into: &mut $batch, limit: &Limit<'_>) -> Result<Fill> {
                let $reading = &mut self.reading;
                match $reading.piece(limit)? {
                    Some($piece) => $fill,
                    None => $clear,
                }
                Ok(if $reading.is_at_row()? { Fill::More } else { Fill::End })
            }

            /// Only footers are read here, when a file is reached: the workers read the rest.
            fn may_block(&self) -> bool {
                false
            }

            /// File, row group, row; of several files also a hash of the name.
            fn position(&self) -> Option<Position> {
                Some(self.reading.position())
            }

            fn seek(&mut self, position: &Position) -> Result<()> {
                self.reading.seek(position)
            }

            fn size(&self) -> Size {
                $size(self.reading.files.size())
            }

            fn bytes_read(&self) -> u64 {
                self.reading.bytes_read()
            }

            fn fingerprint(&self) -> Result<Option<Fingerprint>> {
                Ok(Some(self.reading.files.fingerprint()))
            }
        }
    };
}
source!(Source, Batch, reading, batch, piece => batch.fill(&reading.shape, piece), batch.clear(),
    |size| size);
// Its rows are record batches, of which there are not that many.
source!(ColumnarSource, ColumnarBatch, reading, batch,
    piece => batch.fill(&reading.shape.schema, Some(piece)), batch.clear(), |size: Size| Size { rows: None, ..size });
