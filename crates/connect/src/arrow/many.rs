//! Files that are read as one.

use super::at::About;
use crate::listing::{HASH_START, NAMED, another_file, hash};
use arrow_array::{RecordBatch, RecordBatchOptions};
use arrow_schema::{Field, Schema, SchemaRef};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use trommel::{Error, ErrorKind, Fingerprint, Result, Size};

/// Files that stay open: systems have limits, and what is known of a file takes memory.
const KEPT: usize = 64;

/// A file that is open, and known as far as its head or footer tells.
pub(crate) trait Known: Sized {
    fn open(path: &Path) -> Result<Self>;
    fn about(&self) -> &About;
    fn schema(&self) -> SchemaRef;
    fn rows(&self) -> u64;
    /// Record batches or row groups.
    fn groups(&self) -> usize;
}

/// Files in the order in which they are read, with the same columns.
#[derive(Debug)]
pub(crate) struct Many<F> {
    entries: Vec<Entry<F>>,
    /// What messages call all of them.
    pub(crate) name: Box<str>,
    schema: SchemaRef,
    pub(crate) groups: usize,
    /// The one that was asked for last.
    current: Option<(usize, Arc<F>)>,
}

#[derive(Debug)]
struct Entry<F> {
    path: PathBuf,
    name: Box<str>,
    about: About,
    rows: u64,
    /// Those of the files before it.
    rows_before: u64,
    bytes_before: u64,
    kept: Option<Arc<F>>,
}

impl<F: Known> Many<F> {
    /// Looks at all files, so that one that is missing or has other columns is known at once.
    pub(crate) fn open<P: AsRef<Path>>(paths: impl IntoIterator<Item = P>) -> Result<Self> {
        let mut all: Option<Many<F>> = None;
        for path in paths {
            let path = path.as_ref();
            let file = F::open(path)?;
            let name: Box<str> = path.display().to_string().into();
            let many = all.get_or_insert_with(|| Many {
                entries: Vec::new(),
                name: name.clone(),
                schema: file.schema(),
                groups: 0,
                current: None,
            });
            if let Some(first) = many.entries.first() {
                many.schema = same_columns((&first.name, &many.schema), (&name, file.schema()))?;
            }
            many.groups += file.groups();
            let size = many.size();
            many.entries.push(Entry {
                path: path.into(),
                name,
                about: file.about().clone(),
                rows: file.rows(),
                rows_before: size.rows.unwrap_or(0),
                bytes_before: size.bytes.unwrap_or(0),
                kept: (many.entries.len() < KEPT).then(|| Arc::new(file)),
            });
        }
        let mut all = all.ok_or_else(|| {
            Error::config("paths: none, there is no file to read; a source needs at least one")
        })?;
        if let count @ 2.. = all.len() {
            all.name = format!("{} and {} more", all.name, count - 1).into();
        }
        Ok(all)
    }

    /// A file, which may have been closed since.
    pub(crate) fn get(&mut self, file: usize) -> Result<Arc<F>> {
        match &self.current {
            Some((current, open)) if *current == file => return Ok(Arc::clone(open)),
            _ => {}
        }
        let entry = &self.entries[file];
        let open = match &entry.kept {
            Some(open) => Arc::clone(open),
            None => Arc::new(entry.reopen()?),
        };
        self.current = Some((file, Arc::clone(&open)));
        Ok(open)
    }
}

impl<F: Known> Entry<F> {
    fn reopen(&self) -> Result<F> {
        let file = F::open(&self.path)?;
        match *file.about() == self.about {
            true => Ok(file),
            false => Err(Error::new(
                ErrorKind::Io,
                format!("{} has changed since the run began: run again", self.name),
            )),
        }
    }
}

impl<F> Many<F> {
    pub(crate) fn len(&self) -> usize {
        self.entries.len()
    }

    /// The columns of all of them.
    pub(crate) fn schema(&self) -> &SchemaRef {
        &self.schema
    }

    pub(crate) fn rows(&self, file: usize) -> u64 {
        self.entries[file].rows
    }

    /// Rows to come in all files when so many of a file have been taken.
    pub(crate) fn rows_from(&self, file: usize, rows: u64) -> u64 {
        let before = self.entries[file].rows_before.saturating_add(rows);
        self.size().rows.unwrap_or(0).saturating_sub(before)
    }

    /// Bytes as they are stored when so many of the rows of a file have been taken.
    pub(crate) fn bytes_read(&self, file: usize, rows: u64) -> u64 {
        let Some(entry) = self.entries.get(file) else {
            return self.size().bytes.unwrap_or(0);
        };
        if rows >= entry.rows {
            return entry.bytes_before + entry.about.length;
        }
        let share =
            u128::from(entry.about.length) * u128::from(rows) / u128::from(entry.rows.max(1));
        entry.bytes_before + u64::try_from(share).unwrap_or(entry.about.length)
    }

    pub(crate) fn size(&self) -> Size {
        let last = self.entries.last();
        Size {
            rows: Some(last.map_or(0, |last| last.rows_before.saturating_add(last.rows))),
            bytes: Some(last.map_or(0, |last| last.bytes_before + last.about.length)),
        }
    }

    /// What the position says of a file besides its number, where there are several.
    pub(crate) fn mark(&self, file: usize) -> Option<u64> {
        let name = |entry: &Entry<F>| hash(HASH_START, entry.name.as_bytes());
        (self.len() > 1).then(|| self.entries.get(file).map_or(0, name))
    }

    /// Holds the file of a position, of this number and with this mark, against what is there. The
    /// number may be the one behind the last, where everything has been read; of one file alone it is
    /// what was asked for.
    pub(crate) fn check(&self, file: u64, mark: Option<u64>) -> Result<usize> {
        let file = usize::try_from(file).unwrap_or(usize::MAX);
        let is_only = self.len() == 1 && mark.is_none();
        match is_only || file <= self.len() && self.mark(file) == mark {
            true => Ok(file),
            false => Err(another_file(file, self.len())),
        }
    }

    /// Size and time of the last change of each.
    pub(crate) fn fingerprint(&self) -> Fingerprint {
        if self.len() <= NAMED {
            let each = |print, entry: &Entry<F>| entry.about.print(print, &entry.name);
            return self.entries.iter().fold(Fingerprint::new(), each);
        }
        let all = self
            .entries
            .iter()
            .fold(HASH_START, |all, entry| entry.about.hash(hash(all, entry.name.as_bytes())));
        Fingerprint::new()
            .with("number of files", self.len())
            .with("size of all files", self.size().bytes.unwrap_or(0))
            .with("hash of their names, sizes and changes", format!("{all:016x}"))
    }
}

/// The columns of both, which are the same but for nulls, which either may have.
fn same_columns(
    (first, known): (&str, &SchemaRef),
    (other, found): (&str, SchemaRef),
) -> Result<SchemaRef> {
    let differs = |what: String| {
        Err(Error::config(format!("{first} and {other} don't have the same columns: {what}")))
    };
    let has = |schema: &Schema, field: &Field| schema.index_of(field.name()).is_ok();
    if let Some(missing) = known.fields().iter().find(|field| !has(&found, field)) {
        return differs(format!("`{}` is missing in {other}", missing.name()));
    }
    if let Some(more) = found.fields().iter().find(|field| !has(known, field)) {
        return differs(format!("`{}` is only in {other}", more.name()));
    }
    let mut fields = Vec::with_capacity(known.fields().len());
    for (one, two) in known.fields().iter().zip(found.fields()) {
        if one.name() != two.name() {
            return differs(format!(
                "they come in another order, `{}` where the first one has `{}`",
                two.name(),
                one.name()
            ));
        }
        if one.data_type() != two.data_type() {
            return differs(format!(
                "`{}` of type {} and `{}` of type {}",
                one.name(),
                one.data_type(),
                two.name(),
                two.data_type()
            ));
        }
        let nullable = one.is_nullable() || two.is_nullable();
        fields.push(one.as_ref().clone().with_nullable(nullable));
    }
    if known.fields().len() != found.fields().len() {
        return differs(format!("{} and {} of them", known.fields().len(), found.fields().len()));
    }
    Ok(Arc::new(Schema::new_with_metadata(fields, known.metadata().clone())))
}

/// A record batch of one of the files, with the columns of all.
pub(crate) fn with_schema(batch: RecordBatch, schema: &SchemaRef) -> Result<RecordBatch> {
    if Arc::ptr_eq(batch.schema_ref(), schema) {
        return Ok(batch);
    }
    let rows = RecordBatchOptions::new().with_row_count(Some(batch.num_rows()));
    let columns = batch.columns().to_vec();
    RecordBatch::try_new_with_options(Arc::clone(schema), columns, &rows)
        .map_err(|error| Error::fatal("a record batch is not what its file says").caused_by(error))
}

/// The methods that sources of files of columns share; for one with
/// `fn over(Many<_>) -> Self`. The endings are those of the files of a directory.
macro_rules! open_many {
    ($files:path, $what:literal) => {
        /// Opens several files, to be read one after the other; no batch spans two of them. All are
        /// looked at before the first is read, and no more than 64 are open at a time.
        ///
        /// # Errors
        /// As [`open`](Self::open) for each, naming it; [`ErrorKind::Config`](trommel::ErrorKind)
        /// when there is none, or when their columns differ, naming the file and the column.
        pub fn open_many<P: AsRef<Path>>(paths: impl IntoIterator<Item = P>) -> Result<Self> {
            Ok(Self::over(Many::open(paths)?))
        }

        /// As [`open_many`](Self::open_many) with the regular files that match a pattern (`*`, `?`,
        /// `[a-z]`, `**` for directories of any depth), in the order of their names.
        ///
        /// # Errors
        /// As [`open_many`](Self::open_many), and [`ErrorKind::Io`](trommel::ErrorKind) when there
        /// is none.
        pub fn open_glob(pattern: &str) -> Result<Self> {
            Self::open_many(crate::listing::matching(pattern)?)
        }

        #[doc = concat!("As [`open_many`](Self::open_many) with the files of a directory whose names end in ", $what, ",")]
        /// in the order of their names, and with those in the folders of its partitions
        /// (`year=2013/month=1`). What begins with `.` or `_` is left out.
        ///
        /// # Errors
        /// As [`open_many`](Self::open_many), and [`ErrorKind::Io`](trommel::ErrorKind) when there
        /// is none.
        pub fn open_directory(path: impl AsRef<Path>) -> Result<Self> {
            Self::open_many($files(path.as_ref())?)
        }
    };
}
pub(crate) use open_many;
