//! The sources as their user and the driver see them.

use super::batch::{Batch, ColumnarBatch};
use super::input::{Input, Piece, Share, files};
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
    inputs: Vec<Arc<Input>>,
    shape: Arc<Shape>,
    mask: ProjectionMask,
    share: Share,
    /// The next row: file, row group, row in it.
    next: [usize; 3],
    /// Rows of the file before the row group, of the files before it, and of all.
    before: u64,
    before_file: u64,
    rows: u64,
    bytes: u64,
    has_begun: bool,
}

impl Source {
    /// Opens a file, or all files of a directory whose names end in `.parquet`, by name; of the
    /// directory of a resumable job those that its manifest lists. All footers are read.
    ///
    /// # Errors
    /// As [`open_all`](Self::open_all).
    pub fn open(path: impl AsRef<Path>) -> Result<Self> {
        Self::open_all(files(path.as_ref())?)
    }

    /// Opens several files, to be read one after the other.
    ///
    /// # Errors
    /// [`ErrorKind::Io`] naming the file that can't be opened; [`ErrorKind::Fatal`] naming the one
    /// that is no Parquet file or not a whole one; [`ErrorKind::Config`] when there is none, or
    /// their columns differ.
    pub fn open_all<P: AsRef<Path>>(paths: impl IntoIterator<Item = P>) -> Result<Self> {
        let inputs = paths.into_iter().map(|path| Input::open(path.as_ref()).map(Arc::new));
        let inputs: Vec<_> = inputs.collect::<Result<_>>()?;
        let Some(first) = inputs.first() else {
            return Err(Error::config("paths: there is no file to read"));
        };
        for input in &inputs[1..] {
            same_columns(first, input)?;
        }
        let groups: usize = inputs.iter().map(|input| input.groups().len()).sum();
        let name = match inputs.len() {
            1 => first.name.clone(),
            count => format!("{} and {} more", first.name, count - 1).into(),
        };
        let shape = Arc::new(Shape::new(name, Arc::clone(first.schema())));
        Ok(Source {
            reading: Reading {
                shape,
                mask: first.mask(None),
                share: Share::of(groups),
                next: [0; 3],
                before: 0,
                before_file: 0,
                rows: rows_of(&inputs),
                bytes: 0,
                has_begun: false,
                inputs,
            },
        })
    }

    /// Reads only these columns, in the order in which the file has them. Default: all.
    ///
    /// # Errors
    /// [`ErrorKind::Config`] when there is no such column.
    pub fn columns<N: AsRef<str>>(mut self, names: impl IntoIterator<Item = N>) -> Result<Self> {
        let reading = &mut self.reading;
        let first = &reading.inputs[0];
        let all = Shape::new(reading.shape.name.clone(), Arc::clone(first.schema()));
        let indices = names.into_iter().map(|name| all.require(name.as_ref()));
        let mut indices: Vec<usize> = indices.collect::<Result<_>>()?;
        indices.sort_unstable();
        indices.dedup();
        let schema = first.schema().project(&indices).map_err(|error| {
            Error::config("columns: they can't be taken out of the schema").caused_by(error)
        })?;
        reading.mask = first.mask(Some(&indices));
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

/// Files that are read as one have the same columns, nullable or not.
fn same_columns(first: &Input, other: &Input) -> Result<()> {
    let (a, b) = (first.schema().fields(), other.schema().fields());
    let differs = |what: String| {
        Error::config(format!(
            "{} and {} don't have the same columns: {what}",
            first.name, other.name
        ))
    };
    for (a, b) in a.iter().zip(b) {
        if a.name() != b.name() || a.data_type() != b.data_type() {
            return Err(differs(format!(
                "`{}` of type {} and `{}` of type {}",
                a.name(),
                a.data_type(),
                b.name(),
                b.data_type()
            )));
        }
    }
    match a.len() == b.len() {
        true => Ok(()),
        false => Err(differs(format!("{} and {} of them", a.len(), b.len()))),
    }
}

impl Reading {
    /// Goes past row groups that are done; `false` at the end of all files.
    fn is_at_row(&mut self) -> bool {
        loop {
            let [file, group, row] = self.next;
            let Some(input) = self.inputs.get(file) else {
                return false;
            };
            match input.groups().get(group) {
                Some(about) if (row as i64) < about.num_rows() => return true,
                Some(about) => {
                    self.before += u64::try_from(about.num_rows()).unwrap_or(0);
                    self.bytes += u64::try_from(about.compressed_size()).unwrap_or(0);
                    self.next = [file, group + 1, 0];
                }
                None => {
                    self.before_file = self.before_file.saturating_add(self.before);
                    self.before = 0;
                    self.next = [file + 1, 0, 0];
                }
            }
        }
    }

    fn piece(&mut self, limit: &Limit<'_>) -> Option<Piece> {
        if !self.is_at_row() {
            return None;
        }
        let [file, group, from] = self.next;
        let input = &self.inputs[file];
        let done = self.before_file.saturating_add(self.before).saturating_add(from as u64);
        let left = usize::try_from(self.rows.saturating_sub(done)).unwrap_or(usize::MAX);
        let mut end = input.cut((group, from), &self.mask, self.share, left, limit.bytes());
        if !self.has_begun && limit.rows() < PROBE_ROWS {
            end = end.min(from + limit.rows());
        }
        self.has_begun = true;
        self.next[2] = end;
        Some(Piece {
            input: Arc::clone(input),
            group,
            from,
            rows: end - from,
            before: self.before,
            mask: self.mask.clone(),
        })
    }

    fn position(&self) -> Position {
        Position::from_numbers(&self.next.map(|number| number as u64))
    }

    fn seek(&mut self, position: &Position) -> Result<()> {
        let numbers = position.numbers().unwrap_or_default();
        let [file, group, row] = numbers[..] else {
            return Err(Error::new(
                ErrorKind::Unsupported,
                format!(
                    "not a position in Parquet files, so {} can't be resumed from it",
                    self.shape.name
                ),
            ));
        };
        let (file, group, row) = (file as usize, group as usize, row as usize);
        let gone = || {
            Error::fatal(format!(
                "cannot resume {} at file {file}, row group {group}, row {row}: there is no such \
                 row; are they other files?",
                self.shape.name
            ))
        };
        let before = match self.inputs.get(file) {
            None if file == self.inputs.len() && group == 0 && row == 0 => 0,
            None => return Err(gone()),
            Some(input) => {
                let rows = |about: &[_]| about.iter().map(num_rows).sum::<u64>();
                let groups = input.groups();
                let known = groups.get(..group).ok_or_else(gone)?;
                if row as u64 > groups.get(group).map_or(0, num_rows) {
                    return Err(gone());
                }
                rows(known)
            }
        };
        self.next = [file, group, row];
        self.before = before;
        self.before_file = rows_of(&self.inputs[..file]);
        Ok(())
    }

    fn size(&self) -> Size {
        Size {
            rows: Some(self.rows),
            bytes: Some(self.inputs.iter().map(|input| input.length()).sum()),
        }
    }

    fn fingerprint(&self) -> Fingerprint {
        self.inputs
            .iter()
            .fold(Fingerprint::new(), |fingerprint, input| input.fingerprint(fingerprint))
    }
}

fn rows_of(inputs: &[Arc<Input>]) -> u64 {
    inputs.iter().map(|input| input.rows()).fold(0, u64::saturating_add)
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
                match $reading.piece(limit) {
                    Some($piece) => $fill,
                    None => $clear,
                }
                Ok(if $reading.is_at_row() { Fill::More } else { Fill::End })
            }

            /// Nothing is read here: the workers do.
            fn may_block(&self) -> bool {
                false
            }

            /// File, row group, row.
            fn position(&self) -> Option<Position> {
                Some(self.reading.position())
            }

            fn seek(&mut self, position: &Position) -> Result<()> {
                self.reading.seek(position)
            }

            fn size(&self) -> Size {
                $size(self.reading.size())
            }

            fn bytes_read(&self) -> u64 {
                self.reading.bytes
            }

            fn fingerprint(&self) -> Result<Option<Fingerprint>> {
                Ok(Some(self.reading.fingerprint()))
            }
        }
    };
}
source!(Source, Batch, reading, batch, piece => batch.fill(&reading.shape, piece), batch.clear(),
    |size| size);
// Its rows are record batches, of which there are not that many.
source!(ColumnarSource, ColumnarBatch, reading, batch, piece => batch.fill(Some(piece)),
    batch.fill(None), |size: Size| Size { rows: None, ..size });
