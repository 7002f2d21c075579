//! Options of an NDJSON source.

use super::batch::Shape;
use super::cutter::{Cutter, Form};
use super::source::Source;
use crate::input::{Compression, Feeder, Inputs, open_inputs};
use std::sync::Arc;
use trommel::Result;

/// What [`Row::get`](super::Row::get) makes of a key that occurs twice in an object.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Duplicates {
    /// An error of the row.
    #[default]
    Reject,
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

    /// What [`Row::get`](super::Row::get) makes of a key that occurs twice. Default:
    /// [`Duplicates::Reject`].
    ///
    /// [`Row::decode`](super::Row::decode) leaves it to the type: a derived struct refuses a field
    /// that occurs twice and doesn't look at keys that it has no field for, a map keeps the last.
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
