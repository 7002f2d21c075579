//! Options of an NDJSON source.

use super::batch::Shape;
use super::cutter::{Cutter, Form};
use super::source::Source;
use crate::input::{Compression, Feeder, Inputs, open_inputs};
use std::sync::Arc;
use trommel::Result;

/// What becomes of a key that occurs twice in an object.
///
/// All but [`RejectAll`](Self::RejectAll) are about what [`Row::get`](super::Row::get) is asked for:
/// [`Row::decode`](super::Row::decode) leaves it to the type: a derived struct refuses a field that
/// occurs twice and doesn't look at keys that it has no field for, a map keeps the last.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Duplicates {
    /// An error of the row when that key is asked for.
    #[default]
    Reject,
    /// An error of the row whatever is asked of it, also where the key is deep inside, or of no
    /// interest: every row is read once more to look for one.
    RejectAll,
    /// The first one counts.
    First,
    /// The last one counts.
    Last,
}

/// How the input is written. Start with [`Source::builder`], end with [`open`](Self::open) or one of
/// its siblings, which check the options.
///
/// ```
/// use trommel_connect::ndjson;
/// let source = ndjson::Source::builder()
///     .array(true)
///     .from_reader("numbers", "[1, 2,\n 3]".as_bytes())?;
/// # Ok::<(), trommel::Error>(())
/// ```
#[derive(Debug, Clone)]
#[must_use = "it does nothing until `open`, `from_reader` or `stdin` is called"]
pub struct Builder {
    form: Form,
    duplicates: Duplicates,
    block_bytes: usize,
    compression: Compression,
}

impl Builder {
    /// The defaults: one value a line.
    pub fn new() -> Self {
        Builder {
            form: Form::Lines,
            duplicates: Duplicates::Reject,
            block_bytes: 0,
            compression: Compression::Auto,
        }
    }

    /// Whether each file is one array, `[ {...}, {...} ]`, whose elements are the rows. They may be
    /// laid out in any way, also over many lines. Default: false, every line is a row.
    pub fn array(mut self, array: bool) -> Self {
        self.form = if array { Form::Array } else { Form::Lines };
        self
    }

    /// What becomes of a key that occurs twice. Default: [`Duplicates::Reject`], which does not reach
    /// maps that [`Row::decode`](super::Row::decode) makes: [`Duplicates::RejectAll`] does.
    ///
    /// ```
    /// use std::collections::BTreeMap;
    /// use trommel::{Engine, Options, Pipeline, RejectPolicy, sinks};
    /// use trommel_connect::ndjson::{self, Duplicates, Row};
    ///
    /// let text = "{\"a\":1}\n{\"a\":1,\"a\":2}\n";
    /// let builder = ndjson::Source::builder().duplicates(Duplicates::RejectAll);
    /// let report = Pipeline::from(builder.from_reader("counts", text.as_bytes())?)
    ///     .options(Options::builder().on_reject(RejectPolicy::skip(10)).build()?)
    ///     .transform(|row: Row<'_>, out| out.emit(row.decode::<BTreeMap<String, u64>>()?))
    ///     .load_into(sinks::collect())
    ///     .run(&Engine::new()?)?;
    /// assert_eq!((report.counts.loaded, report.counts.rejected), (1, 1));
    /// # Ok::<(), trommel::Error>(())
    /// ```
    pub fn duplicates(mut self, duplicates: Duplicates) -> Self {
        self.duplicates = duplicates;
        self
    }

    open_inputs!();

    fn read(self, inputs: impl FnOnce(Compression) -> Result<Inputs>) -> Result<Source> {
        self.check_block_size()?;
        let inputs = inputs(self.compression)?;
        let shape = Arc::new(Shape { form: self.form, duplicates: self.duplicates });
        let feeder = Feeder::new(inputs, Cutter::new(self.form), self.block_bytes);
        Ok(Source { shape, feeder })
    }
}

impl Default for Builder {
    fn default() -> Self {
        Self::new()
    }
}
