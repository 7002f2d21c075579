//! Options of a CSV source.

use super::rules::{Rules, is_end};
use super::shape::Nulls;
use super::source::Source;
use crate::input::{Compression, Inputs, open_inputs};
use trommel::{Error, Result};

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
    pub(super) has_headers: bool,
    pub(super) headers: Option<Vec<Box<str>>>,
    pub(super) nulls: Nulls,
    pub(super) quoted_nulls: bool,
    pub(super) flexible: bool,
    pub(super) trim: Trim,
    pub(super) lenient_eof: bool,
    pub(super) block_bytes: usize,
    compression: Compression,
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
            quoted_nulls: true,
            flexible: false,
            trim: Trim::None,
            lenient_eof: false,
            block_bytes: 0,
            compression: Compression::Auto,
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

    /// The fields that stand for a missing value; whether also in quotes,
    /// [`quoted_nulls`](Self::quoted_nulls) says. Default: the empty field. With none at all nothing
    /// is null.
    pub fn nulls<T: AsRef<[u8]>>(mut self, nulls: impl IntoIterator<Item = T>) -> Self {
        self.nulls = Nulls::new(nulls);
        self
    }

    /// Whether a field in quotes may be null. Default: true, `""` is what an empty field is, as for
    /// most readers of CSV. With false quotes make a value of whatever is between them, so `,"",` is
    /// a text that is empty and `,,` a null: as [`csv::Sink`](super::Sink) and PostgreSQL write them.
    ///
    /// ```
    /// use trommel::{Batch as _, Limit, Source as _};
    /// use trommel_connect::csv;
    /// let text = "city,note\nOslo,\"\"\nBergen,\n";
    /// let builder = csv::Source::builder().quoted_nulls(false);
    /// let mut source = builder.from_reader("cities", text.as_bytes())?;
    /// let mut batch = csv::Batch::default();
    /// source.fill(&mut batch, &Limit::of_rows(10))?;
    /// let mut notes = Vec::new();
    /// batch.for_each(0, |row| {
    ///     notes.push(row?.get::<Option<&str>>("note")?);
    ///     Ok(())
    /// })?;
    /// assert_eq!(notes, [Some(""), None]);
    /// # Ok::<(), trommel::Error>(())
    /// ```
    pub fn quoted_nulls(mut self, quoted_nulls: bool) -> Self {
        self.quoted_nulls = quoted_nulls;
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

    open_inputs! {
        /// With [`has_headers`](Self::has_headers) each starts with a header; all must name the
        /// same columns in the same order.
        ///
        /// ```
        /// use trommel_connect::csv;
        /// # let directory = tempfile::tempdir()?;
        /// # let [may, june] = ["may.csv", "june.csv"].map(|name| directory.path().join(name));
        /// # std::fs::write(&may, "carrier,distance\nUA,1400\n")?;
        /// # std::fs::write(&june, "carrier,distance\nB6,1089\n")?;
        /// let source = csv::Source::builder().open_many([may, june])?;
        /// # Ok::<(), Box<dyn std::error::Error>>(())
        /// ```
    }

    fn read(self, inputs: impl FnOnce(Compression) -> Result<Inputs>) -> Result<Source> {
        let rules = self.rules()?;
        let inputs = inputs(self.compression)?;
        self.build(rules, inputs)
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
        self.check_block_size()?;
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
}

impl Default for Builder {
    fn default() -> Self {
        Self::new()
    }
}
