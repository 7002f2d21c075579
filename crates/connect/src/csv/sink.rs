//! CSV out.

use super::dialect::{Dialect, QuoteStyle};
use super::page::{Layout, Page};
use super::record;
use super::row::Row;
use super::source::Source;
use super::with::With;
use crate::files::{self, Compression, Output, Settings, file_settings, open_compressed};
use serde::Serialize;
use std::fmt;
use std::io::Write;
use std::ops::Range;
use std::path::Path;
use std::sync::Arc;
use trommel::{Checkpoint, Commit, Durability, Encode, Error, Reject, Result};

/// Writes records as CSV, encoded in the workers.
///
/// Takes any [`serde::Serialize`] struct, map or tuple, and rows of a [`Source`](super::Source):
/// as they are, or [with more fields](Row::with). The header has the names of the first record; a
/// record with other columns is an error of its row. A file appears under its name only when it is
/// whole; see [`files`](crate::files) for what a kill leaves behind, for resumable runs, compression
/// and partitions.
///
/// ```
/// use serde::Serialize;
/// use trommel::{Engine, Pipeline, sources};
/// use trommel_connect::csv;
///
/// #[derive(Serialize)]
/// struct Person {
///     id: u64,
///     name: String,
///     height: Option<f32>,
/// }
///
/// # let directory = tempfile::tempdir()?;
/// # let path = directory.path().join("people.csv");
/// Pipeline::from(sources::generate(2, |id| id))
///     .transform(|id, out| {
///         let height = (id > 0).then_some(1.75);
///         out.emit(Person { id, name: format!("Person \"{id}\""), height })
///     })
///     .load_into(csv::Sink::create(&path)?)
///     .run(&Engine::new()?)?;
/// assert_eq!(
///     std::fs::read_to_string(path)?,
///     "id,name,height\n0,\"Person \"\"0\"\"\",\n1,\"Person \"\"1\"\"\",1.75\n"
/// );
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[must_use = "it does nothing until a pipeline loads into it"]
pub struct Sink {
    output: Output,
    dialect: Dialect,
    has_header: bool,
    declared: Option<Vec<String>>,
    appended: Vec<String>,
    columns: Columns,
    /// Values of the last page that have other columns.
    faults: Vec<(usize, Error)>,
}

/// What the columns of the output are, as far as it is known.
#[derive(Debug, Default)]
struct Columns {
    count: Option<usize>,
    names: Option<Vec<String>>,
}

/// What the workers need to encode records.
#[derive(Debug)]
pub struct Encoder {
    pub(super) dialect: Arc<Dialect>,
    pub(super) compression: Compression,
}

impl Sink {
    /// Writes the file at `path`, or replaces it, at the end of the run.
    ///
    /// # Errors
    /// None yet: what is wrong with the path shows when the run starts.
    pub fn create(path: impl AsRef<Path>) -> Result<Self> {
        Ok(Self::over(Output::at(path.as_ref(), "csv")))
    }

    /// Writes to anything; `name` is what messages call it. It can't be resumed, and what was
    /// written before an error stays written.
    pub fn from_writer(name: impl Into<String>, writer: impl Write + Send + 'static) -> Self {
        Self::over(Output::to_writer(name.into(), Box::new(writer)))
    }

    /// Writes to standard output.
    pub fn stdout() -> Self {
        Self::from_writer("standard output", std::io::stdout())
    }

    fn over(output: Output) -> Self {
        Sink {
            output,
            dialect: Dialect::new(),
            has_header: true,
            declared: None,
            appended: Vec::new(),
            columns: Columns::default(),
            faults: Vec::new(),
        }
    }

    /// What stands between fields. Default: a comma.
    pub fn delimiter(mut self, delimiter: u8) -> Self {
        self.dialect.delimiter = delimiter;
        self
    }

    /// What stands around fields that need it, and is doubled within. Default: `"`.
    pub fn quote(mut self, quote: u8) -> Self {
        self.dialect.quote = quote;
        self
    }

    /// Which fields are quoted. Default: [`QuoteStyle::Necessary`].
    pub fn quote_style(mut self, style: QuoteStyle) -> Self {
        self.dialect.style = style;
        self
    }

    /// What stands for a null, without quotes. Rows that pass through keep what they have.
    /// Default: nothing.
    pub fn null(mut self, null: impl AsRef<[u8]>) -> Self {
        self.dialect.null = null.as_ref().to_vec();
        self
    }

    /// Whether the first line names the columns. Default: true.
    pub fn header(mut self, header: bool) -> Self {
        self.has_header = header;
        self
    }

    /// Ends lines with `\r\n`. Default: `\n`.
    pub fn crlf(mut self) -> Self {
        self.dialect.terminator = b"\r\n";
        self.output.settings.line_end = b"\r\n";
        self
    }

    /// The names of all columns: for tuples, which have none of their own, and for a header also
    /// when there is no record. Records with names must have these, in this order, and so must a file
    /// that is [added to](Self::append). Default: those of the first record.
    pub fn columns<N: Into<String>>(mut self, names: impl IntoIterator<Item = N>) -> Self {
        self.declared = Some(names.into_iter().map(Into::into).collect());
        self
    }

    /// The names of the fields that a tuple adds to a row ([`Row::with`]). Default: none.
    pub fn appended<N: Into<String>>(mut self, names: impl IntoIterator<Item = N>) -> Self {
        self.appended = names.into_iter().map(Into::into).collect();
        self
    }

    fn set(mut self, set: impl FnOnce(&mut Settings)) -> Self {
        set(&mut self.output.settings);
        self
    }

    file_settings!();

    fn dialect(&self) -> String {
        let Dialect { delimiter, quote, null, .. } = &self.dialect;
        format!(
            ", delimiter `{}`, quote `{}`, null `{}`, {} header",
            delimiter.escape_ascii(),
            quote.escape_ascii(),
            null.escape_ascii(),
            if self.has_header { "a" } else { "no" },
        )
    }

    /// How the files are read back, if they are to be.
    fn read_back(&self) -> Option<files::ReadBack> {
        let settings = &self.output.settings;
        let (compression, has_header) = (settings.compression, self.has_header);
        let (delimiter, quote) = (self.dialect.delimiter, self.dialect.quote);
        settings.verify.then(|| -> files::ReadBack {
            Box::new(move |path| {
                let source = Source::builder()
                    .delimiter(delimiter)
                    .quote(quote)
                    .has_headers(false)
                    .flexible(true)
                    .compression(compression);
                files::digest(source.open(path)?, has_header)
            })
        })
    }

    /// Fixes the columns.
    fn settle(&mut self, names: Option<Vec<String>>, count: usize) {
        if let Some(names) = &names {
            let header = if self.has_header { self.dialect.header(names) } else { Vec::new() };
            self.output.set_header(header, Some(names.clone()));
        }
        self.columns = Columns { count: Some(count), names };
    }

    /// What is known of the columns before the first record.
    fn look_up_columns(&mut self) -> Result<()> {
        self.columns = Columns::default();
        let resumed = self.output.columns().map(<[String]>::to_vec);
        let known = match (resumed, self.output.appended_path()) {
            (Some(names), _) => Some(names),
            (None, Some(path)) if self.has_header => Some(self.header_of(&path)?),
            (None, _) => self.declared.clone(),
        };
        if let (Some(known), Some(declared)) = (&known, &self.declared)
            && known != declared
        {
            // Tuples have no names: of their rows nothing but the width could be found wrong later.
            return Err(Error::config(format!(
                "columns: {} has `{}`, and rows of `{}` are to be added: give them its columns, in \
                 its order",
                self.output.name(),
                known.join("`, `"),
                declared.join("`, `")
            )));
        }
        if let Some(names) = known {
            let count = names.len();
            self.settle(Some(names), count);
        }
        Ok(())
    }

    /// The names in the header of a file that is appended to.
    fn header_of(&self, path: &Path) -> Result<Vec<String>> {
        let reader = open_compressed(path, self.output.settings.compression)?;
        let source = Source::builder()
            .delimiter(self.dialect.delimiter)
            .quote(self.dialect.quote)
            .from_reader(path.display().to_string(), reader)?;
        Ok(source.headers().map(str::to_owned).collect())
    }

    /// Why a record with these columns can't be written, if it can't. The first record settles what
    /// the columns are.
    fn admit(&mut self, layout: &Layout) -> Result<Option<String>> {
        let names = layout.names(&self.appended);
        let width = layout.width();
        let Some(count) = self.columns.count else {
            if names.is_none() && self.has_header {
                return Err(Error::config(match layout.base {
                    Some(_) => {
                        "appended: the fields of a tuple behind a row, and rows without a \
                                header, have no names: give as many as there are with `.appended([…])` \
                                or `.columns([…])`, or leave the header out with `.header(false)`"
                    }
                    None => {
                        "columns: a tuple has no names for its fields: give them with \
                             `.columns([…])`, or leave the header out with `.header(false)`"
                    }
                }));
            }
            self.settle(names, width);
            return Ok(None);
        };
        let known = self.columns.names.as_deref();
        let same = match (&names, known) {
            (Some(names), Some(known)) => *names == known,
            _ => width == count,
        };
        Ok((!same).then(|| difference(names.as_deref(), width, known, count)))
    }

    fn refuse(&mut self, values: Range<usize>, reason: &str) {
        let fault = |value| (value, Error::row(reason.to_owned()));
        self.faults.extend(values.map(fault));
    }
}

/// How the columns of a record differ from those of the output, in words.
#[cold]
fn difference(
    names: Option<&[String]>,
    width: usize,
    known: Option<&[String]>,
    count: usize,
) -> String {
    let mut message = "the record has other columns than the header".to_owned();
    if let (Some(names), Some(known)) = (names, known) {
        let listed = |of: &[String], without: &[String]| {
            let names = of.iter().filter(|name| !without.contains(name));
            names.map(|name| format!("`{name}`")).collect::<Vec<_>>().join(", ")
        };
        let (missing, unknown) = (listed(known, names), listed(names, known));
        if missing.is_empty() && unknown.is_empty() {
            return message + ": the same in another order";
        }
        if !missing.is_empty() {
            message += &format!(": {missing} missing");
        }
        if !unknown.is_empty() {
            message += &format!(": {unknown} unknown");
        }
    } else {
        message += &format!(": {width} where {count} are expected");
    }
    message
}

impl files::FileSink for Sink {
    type Output = Output;

    fn output(&mut self) -> &mut Output {
        &mut self.output
    }
}

impl trommel::Sink for Sink {
    type Page = Page;
    type Encoder = Encoder;

    fn encoder(&mut self) -> Result<Encoder> {
        self.dialect.prepare()?;
        self.output.read_back = self.read_back();
        self.output.start()?;
        self.look_up_columns()?;
        Ok(Encoder {
            dialect: Arc::new(self.dialect.clone()),
            compression: self.output.settings.compression,
        })
    }

    fn write(&mut self, page: &mut Page) -> Result<()> {
        self.faults.clear();
        // Mostly one.
        let runs: Vec<_> = page.runs().collect();
        for (layout, values) in runs {
            match self.admit(&page.layouts[layout])? {
                None => self.output.write(&mut page.rows, values)?,
                Some(reason) => self.refuse(values, &reason),
            }
        }
        Ok(())
    }

    fn refuses_values(&self) -> bool {
        true
    }

    fn take_faults(&mut self, faults: &mut Vec<(usize, Error)>) {
        faults.append(&mut self.faults);
    }

    files::forward_output!();
}

/// Takes records by value and by reference.
impl<R: Serialize> Encode<R> for Sink {
    #[inline]
    fn encode(encoder: &Encoder, page: &mut Page, record: R) -> Result<()> {
        record::encode(encoder, page, None, &record)
    }
}

/// Rows as they are.
impl Encode<Row<'_>> for Sink {
    #[inline]
    fn encode(encoder: &Encoder, page: &mut Page, row: Row<'_>) -> Result<()> {
        record::pass(encoder, page, row);
        Ok(())
    }
}

/// Rows with more fields.
impl<T: Serialize> Encode<With<'_, T>> for Sink {
    #[inline]
    fn encode(encoder: &Encoder, page: &mut Page, value: With<'_, T>) -> Result<()> {
        record::encode(encoder, page, Some(value.row), &value.fields)
    }
}

impl fmt::Debug for Sink {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Sink").field("output", &self.output).finish_non_exhaustive()
    }
}
