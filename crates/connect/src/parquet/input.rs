//! Files that are read: their footers, and how their row groups are cut into pieces.

use super::error::explain;
use super::manifest;
use super::reader::Shared;
use crate::arrow::at::{self, About};
use crate::arrow::many::Known;
use crate::listing::in_partitions;
use arrow_schema::SchemaRef;
use parquet::arrow::ProjectionMask;
use parquet::arrow::arrow_reader::{
    ArrowReaderMetadata, ArrowReaderOptions, ParquetRecordBatchReader,
    ParquetRecordBatchReaderBuilder, RowSelection,
};
use parquet::basic::Type;
use parquet::file::metadata::{PageIndexPolicy, RowGroupMetaData};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use trommel::{Error, Result};

/// Rows that a piece has at least, unless they are large: opening a reader costs some 20 µs.
const PIECE_ROWS: usize = 16 << 10;
/// Bytes that the values of a piece may take.
const PIECE_BYTES: usize = 4 << 20;

/// How large pieces should be, so that all workers get some and none is left with the last large
/// one.
#[derive(Debug, Clone, Copy)]
pub(super) struct Share {
    cores: usize,
    row_groups: usize,
}

impl Share {
    /// For so many row groups in all.
    pub(super) fn of(row_groups: usize) -> Self {
        let cores = std::thread::available_parallelism().map_or(1, usize::from);
        Share { cores, row_groups: row_groups.max(1) }
    }

    /// Rows of a piece where a page index tells where pages start, with so many left to be read:
    /// each piece costs its dictionaries once more, so that they get smaller only towards the end.
    fn at_pages(self, left: usize) -> usize {
        left.div_ceil(2 * self.cores)
    }

    /// Without one, of a row group of so many rows: each piece costs what comes before it in a page,
    /// too.
    fn within_pages(self, rows: usize) -> usize {
        rows.div_ceil(self.cores.div_ceil(self.row_groups))
    }
}

/// One file, open, with its footer.
#[derive(Debug)]
pub(super) struct Input {
    pub(super) name: Box<str>,
    path: PathBuf,
    file: Shared,
    metadata: ArrowReaderMetadata,
    about: About,
}

/// Rows of a row group, to be decoded by one worker.
#[derive(Debug, Clone)]
pub(super) struct Piece {
    pub(super) input: Arc<Input>,
    pub(super) group: usize,
    pub(super) from: usize,
    pub(super) rows: usize,
    /// Rows of the file before the row group.
    pub(super) before: u64,
    pub(super) mask: ProjectionMask,
}

impl Input {
    pub(super) fn open(path: &Path) -> Result<Self> {
        let (file, about) = at::open(path)?;
        let file = Shared { file, length: about.length };
        let options = ArrowReaderOptions::new().with_offset_index_policy(PageIndexPolicy::Optional);
        let metadata = ArrowReaderMetadata::load(&file, options).map_err(|error| {
            let what = match about.length {
                0 => "is empty: no Parquet file".to_owned(),
                bytes => format!(
                    "is not a Parquet file, or not a whole one (its footer, at the end of its \
                     {bytes} bytes, can't be read)"
                ),
            };
            explain(path, &what, error)
        })?;
        Ok(Input {
            name: path.display().to_string().into(),
            path: path.into(),
            file,
            metadata,
            about,
        })
    }

    pub(super) fn groups(&self) -> &[RowGroupMetaData] {
        self.metadata.metadata().row_groups()
    }

    /// The columns of these numbers.
    pub(super) fn mask(&self, columns: &[usize]) -> ProjectionMask {
        ProjectionMask::roots(self.metadata.parquet_schema(), columns.iter().copied())
    }

    /// Where a piece that starts at row `from` of a row group shall end, with `left` rows to come in
    /// all files.
    pub(super) fn cut(
        &self,
        (group, from): (usize, usize),
        mask: &ProjectionMask,
        share: Share,
        left: usize,
        most_bytes: usize,
    ) -> usize {
        let about = &self.groups()[group];
        let all = rows(about) as usize;
        let bytes = most_bytes.min(PIECE_BYTES);
        let most = (bytes / row_bytes(about, mask).max(1)).clamp(64, usize::MAX);
        let wanted = |rows: usize| rows.max(PIECE_ROWS).min(most);
        // Where pages of all columns start, nothing is decompressed twice.
        let index = self.metadata.metadata().page_index_for_row_group(group);
        let leaves = (0..about.num_columns()).filter(|leaf| mask.leaf_included(*leaf));
        let pages: Option<Vec<_>> = leaves.map(|leaf| index.page_locations(leaf)).collect();
        let pages = pages.and_then(|leaves| leaves.into_iter().min_by_key(|pages| pages.len()));
        if let Some(pages) = pages
            && (pages.len() > 1 || all <= 2 * PIECE_ROWS.min(most))
        {
            let least = from + wanted(share.at_pages(left));
            let mut starts = pages.iter().map(|page| page.first_row_index as usize);
            let end = starts.find(|start| *start >= least).unwrap_or(all);
            return end.min(from + most).min(all);
        }
        all.min(from + wanted(share.within_pages(all)))
    }
}

fn rows(group: &RowGroupMetaData) -> u64 {
    u64::try_from(group.num_rows()).unwrap_or(0)
}

/// Bytes of a row, decoded, by what the footer says.
fn row_bytes(group: &RowGroupMetaData, mask: &ProjectionMask) -> usize {
    let rows = rows(group).max(1);
    let columns = group.columns().iter().enumerate();
    let included = columns.filter(|(leaf, _)| mask.leaf_included(*leaf));
    let bytes = included.map(|(_, column)| {
        let width = match column.column_type() {
            Type::BOOLEAN => 1,
            Type::INT32 | Type::FLOAT => 4,
            Type::INT64 | Type::DOUBLE => 8,
            Type::INT96 => 12,
            Type::FIXED_LEN_BYTE_ARRAY => {
                usize::try_from(column.column_descr().type_length()).unwrap_or(0)
            }
            Type::BYTE_ARRAY => {
                let stored = column.unencoded_byte_array_data_bytes();
                4 + stored.map_or(28, |bytes| usize::try_from(bytes).unwrap_or(0) / rows as usize)
            }
        };
        let stored = usize::try_from(column.uncompressed_size()).unwrap_or(0) / rows as usize;
        width.max(stored)
    });
    bytes.sum()
}

impl Piece {
    /// Opens a reader for these rows, which gives them in batches of `batch_rows`.
    pub(super) fn reader(&self, batch_rows: usize) -> Result<ParquetRecordBatchReader> {
        let input = &self.input;
        let metadata = input.metadata.clone();
        let mut builder =
            ParquetRecordBatchReaderBuilder::new_with_metadata(input.file.clone(), metadata)
                .with_row_groups(vec![self.group])
                .with_projection(self.mask.clone())
                .with_batch_size(batch_rows);
        let all = rows(&input.groups()[self.group]) as usize;
        if self.rows < all {
            let ranges = std::iter::once(self.from..self.from + self.rows);
            builder =
                builder.with_row_selection(RowSelection::from_consecutive_ranges(ranges, all));
        }
        builder.build().map_err(|error| self.explain(error.into()))
    }

    /// Number of its first row in the file.
    pub(super) fn record(&self) -> u64 {
        self.before + self.from as u64
    }

    pub(super) fn explain(&self, error: arrow_schema::ArrowError) -> Error {
        Error::fatal(format!(
            "{}: rows {} to {} of row group {} can't be decoded: the file is damaged, or uses \
             something that this reader doesn't know",
            self.input.path.display(),
            self.from,
            self.from + self.rows,
            self.group
        ))
        .caused_by(error)
    }
}

impl Known for Input {
    fn open(path: &Path) -> Result<Self> {
        Input::open(path)
    }

    fn about(&self) -> &About {
        &self.about
    }

    fn schema(&self) -> SchemaRef {
        Arc::clone(self.metadata.schema())
    }

    fn rows(&self) -> u64 {
        self.groups().iter().map(rows).fold(0, u64::saturating_add)
    }

    fn groups(&self) -> usize {
        self.groups().len()
    }
}

/// The Parquet files of a directory, by name, those of its partitions included. In the directory of
/// a resumable job, those that its manifest lists.
pub(super) fn files(path: &Path) -> Result<Vec<PathBuf>> {
    match manifest::parts(path)? {
        Some(parts) => Ok(parts),
        None => in_partitions(path, &[".parquet"]),
    }
}
