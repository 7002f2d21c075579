//! Options of a CSV source.

use super::headers::Headers;
use super::input::Input;
use super::rules::{Rules, is_end};
use super::shape::{Nulls, Shape};
use super::source::Source;
use std::fs::File;
use std::io::Read;
use std::path::Path;
use trommel::{Batch as _, Error, ErrorKind, Result};

/// Most bytes of [`Builder::block_size`].
const LARGEST_BLOCK: usize = 1 << 29;

/// What to strip of blanks at both ends (ASCII ones, also within quotes).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Trim {
    /// Nothing.
    #[default]
    None,
    /// The names in the header.
    Headers,
    /// The fields of each record.
    Fields,
    /// Both.
    All,
}

/// How a file is written. Start with [`Source::builder`], end with [`open`](Self::open),
/// [`from_reader`](Self::from_reader) or [`stdin`](Self::stdin), which check the options.
///
/// ```
/// use trommel_connect::csv;
/// let text = "# ages\nAnna;36\nBo;NA\n";
/// let source = csv::Source::builder()
///     .delimiter(b';')
///     .comment(b'#')
///     .has_headers(false)
///     .headers(["name", "age"])
///     .nulls(["", "NA"])
///     .from_reader("people", text.as_bytes())?;
/// assert_eq!(source.column("age")?.index(), 1);
/// # Ok::<(), trommel::Error>(())
/// ```
#[derive(Debug, Clone)]
#[must_use = "it does nothing until `open`, `from_reader` or `stdin` is called"]
pub struct Builder {
    delimiter: u8,
    quote: u8,
    quoting: bool,
    double_quote: bool,
    escape: Option<u8>,
    comment: Option<u8>,
    has_headers: bool,
    headers: Option<Vec<Box<str>>>,
    nulls: Nulls,
    flexible: bool,
    trim: Trim,
    lenient_eof: bool,
    block_bytes: usize,
}

impl Builder {
    /// The defaults: comma, double quotes doubled within quotes, a header, no comments, the empty
    /// field as null, all rows of the same length.
    pub fn new() -> Self {
        Builder {
            delimiter: b',',
            quote: b'"',
            quoting: true,
            double_quote: true,
            escape: None,
            comment: None,
            has_headers: true,
            headers: None,
            nulls: Nulls::new([""]),
            flexible: false,
            trim: Trim::None,
            lenient_eof: false,
            block_bytes: 0,
        }
    }

    /// What stands between fields. Default: a comma.
    pub fn delimiter(mut self, delimiter: u8) -> Self {
        self.delimiter = delimiter;
        self
    }

    /// What stands around fields that contain delimiters, line breaks or quotes. It counts only at
    /// the very start of a field. Default: `"`.
    pub fn quote(mut self, quote: u8) -> Self {
        self.quote = quote;
        self
    }

    /// Whether quotes mean anything. Default: true.
    pub fn quoting(mut self, quoting: bool) -> Self {
        self.quoting = quoting;
        self
    }

    /// Whether two quotes within a quoted field stand for one. Default: true.
    pub fn double_quote(mut self, double_quote: bool) -> Self {
        self.double_quote = double_quote;
        self
    }

    /// A byte that, within a quoted field, makes the byte after it literal. Default: none.
    pub fn escape(mut self, escape: u8) -> Self {
        self.escape = Some(escape);
        self
    }

    /// A byte that at the start of a record makes it a comment, up to the next `\n`. Default: none.
    pub fn comment(mut self, comment: u8) -> Self {
        self.comment = Some(comment);
        self
    }

    /// Whether the first record holds the names of the columns. Default: true.
    pub fn has_headers(mut self, has_headers: bool) -> Self {
        self.has_headers = has_headers;
        self
    }

    /// Names of the columns, in place of those in the first record if
    /// [`has_headers`](Self::has_headers), which is then passed over. Default: none.
    pub fn headers<T: Into<Box<str>>>(mut self, names: impl IntoIterator<Item = T>) -> Self {
        self.headers = Some(names.into_iter().map(Into::into).collect());
        self
    }

    /// The fields that stand for a missing value, quoted or not. Default: the empty field. With
    /// none at all nothing is null.
    pub fn nulls<T: AsRef<[u8]>>(mut self, nulls: impl IntoIterator<Item = T>) -> Self {
        self.nulls = Nulls::new(nulls);
        self
    }

    /// Whether records may have more or fewer fields than the header (without one: than the first
    /// record). Otherwise such a record is an error of its row. Default: false.
    pub fn flexible(mut self, flexible: bool) -> Self {
        self.flexible = flexible;
        self
    }

    /// What to strip of blanks. Default: nothing.
    pub fn trim(mut self, trim: Trim) -> Self {
        self.trim = trim;
        self
    }

    /// Whether a record that ends with the input inside a quoted field is taken as it is, as the
    /// `csv` crate does. Otherwise it is an error of its row: most likely the input was cut off, or
    /// a stray quote has swallowed the rest of it. Default: false.
    pub fn lenient_eof(mut self, lenient: bool) -> Self {
        self.lenient_eof = lenient;
        self
    }

    /// Bytes per block, at most; a record that is longer gets a block of its own. Default: 0, which
    /// means as many as the rows asked for are expected to take.
    pub fn block_size(mut self, bytes: usize) -> Self {
        self.block_bytes = bytes;
        self
    }

    /// Opens a file. A pipe or device is read like a [`reader`](Self::from_reader).
    ///
    /// # Errors
    /// [`ErrorKind::Config`] when an option cannot work (the message starts with its name) or the
    /// header can't be used; [`ErrorKind::Io`] when the file can't be opened or is a directory.
    pub fn open(self, path: impl AsRef<Path>) -> Result<Source> {
        let path = path.as_ref();
        let name = path.display().to_string();
        let fault = |message: String| Error::new(ErrorKind::Io, message);
        let cannot = |error: std::io::Error| fault(format!("cannot open {name}")).caused_by(error);
        let rules = self.rules()?;
        let file = File::open(path).map_err(cannot)?;
        let metadata = file.metadata().map_err(cannot)?;
        if metadata.is_dir() {
            return Err(fault(format!("cannot read {name}: it is a directory; name a file in it")));
        }
        let name = name.into();
        match metadata.is_file() {
            true => self.build(name, rules, Input::File(file), Some(metadata.len())),
            false => self.build(name, rules, Input::Direct(Box::new(file)), None),
        }
    }

    /// Reads from anything; `name` is what messages call it.
    ///
    /// # Errors
    /// As [`open`](Self::open).
    pub fn from_reader(
        self,
        name: impl Into<Box<str>>,
        reader: impl Read + Send + 'static,
    ) -> Result<Source> {
        let rules = self.rules()?;
        self.build(name.into(), rules, Input::Direct(Box::new(reader)), None)
    }

    /// Reads standard input.
    ///
    /// # Errors
    /// As [`open`](Self::open).
    pub fn stdin(self) -> Result<Source> {
        self.from_reader("standard input", std::io::stdin())
    }

    /// The bytes that mean something, checked.
    fn rules(&self) -> Result<Rules> {
        let mut taken: Vec<(&str, u8)> = Vec::new();
        let named = [
            ("delimiter", Some(self.delimiter)),
            ("quote", self.quoting.then_some(self.quote)),
            ("escape", self.escape),
            ("comment", self.comment),
        ];
        for (name, byte) in named {
            let Some(byte) = byte else { continue };
            let shown = byte.escape_ascii();
            if is_end(byte) {
                let message = format!("{name}: `{shown}` ends a record and can't be anything else");
                return Err(Error::config(message));
            }
            if let Some((other, _)) = taken.iter().find(|(_, taken)| *taken == byte) {
                return Err(Error::config(format!("{name}: `{shown}` is the {other} already")));
            }
            taken.push((name, byte));
        }
        if self.escape.is_some() && !self.quoting {
            return Err(Error::config("escape: works within quotes only, and `quoting` is off"));
        }
        if self.block_bytes > LARGEST_BLOCK {
            let message = format!("block_size: {} is above {LARGEST_BLOCK}", self.block_bytes);
            return Err(Error::config(message));
        }
        if self.headers.as_ref().is_some_and(Vec::is_empty) {
            let message = "headers: no names; leave the option out for columns without names";
            return Err(Error::config(message));
        }
        Ok(Rules {
            delimiter: self.delimiter,
            quote: self.quoting.then_some(self.quote),
            double_quote: self.double_quote,
            escape: self.escape,
            comment: self.comment,
        })
    }

    fn build(
        self,
        name: Box<str>,
        rules: Rules,
        input: Input,
        length: Option<u64>,
    ) -> Result<Source> {
        let shape = Shape {
            name,
            rules,
            headers: Headers::default(),
            width: None,
            nulls: self.nulls.clone(),
            trim: matches!(self.trim, Trim::Fields | Trim::All),
            lenient_eof: self.lenient_eof,
        };
        let mut source = Source::new(shape, input, length, self.block_bytes);
        let mut names = self.headers.clone();
        let mut width = names.as_ref().map(Vec::len);
        if self.has_headers || width.is_none() && !self.flexible {
            let mut first = source.first_record(self.has_headers)?;
            if names.is_none() {
                first.for_each(0, |row| {
                    width = row.as_ref().ok().map(|row| row.len());
                    if self.has_headers {
                        names = Some(self.names(row?.iter())?);
                    }
                    Ok(())
                })?;
            }
        }
        if let Some(shape) = source.shape_mut() {
            shape.headers = Headers::new(names.unwrap_or_default());
            shape.width = width.filter(|_| !self.flexible);
        }
        Ok(source)
    }

    fn names<'a>(&self, fields: impl Iterator<Item = &'a [u8]>) -> Result<Vec<Box<str>>> {
        let strip = matches!(self.trim, Trim::Headers | Trim::All);
        let name = |(index, field): (usize, &[u8])| {
            let field = if strip { field.trim_ascii() } else { field };
            std::str::from_utf8(field).map(Into::into).map_err(|error| {
                let message = format!(
                    "the name of column {index} (counted from 0) is not valid UTF-8: give the \
                     names with `headers`"
                );
                Error::config(message).caused_by(error)
            })
        };
        fields.enumerate().map(name).collect()
    }
}

impl Default for Builder {
    fn default() -> Self {
        Self::new()
    }
}
