//! Transforms as functions over Arrow C streams, for programs in other languages.
//!
//! [`export_transform!`](crate::export_transform) makes a C function of a closure:
//!
//! ```c
//! int NAME(struct ArrowArrayStream *input, struct ArrowArrayStream *output);
//! ```
//!
//! It takes `input` over (its `release` becomes NULL) and puts a stream into `output`, from which the
//! caller pulls what the transform makes of it. 0 is success; `EINVAL` (22) says that a pointer is NULL
//! or `input` was released before, and nothing was taken. Whatever goes wrong later (the producer fails,
//! a row is bad, the closure panics) is the stream's last error.
//!
//! The rows run through a pipeline with an engine of its own, whose threads have ended when the
//! stream is released; released before its end it cancels the run. A few batches at most are
//! between the two streams.

mod ffi;
mod pulled;
mod sink;

pub use ffi::{CStream, transform};
pub use sink::Batches;

use super::gather::Declared;
use arrow_schema::{DataType, Field, SchemaRef};
use trommel::Options;

/// How a transform runs, and what comes out of it.
#[derive(Debug, Clone, Default)]
#[must_use]
pub struct Settings {
    workers: usize,
    options: Options,
    declared: Declared,
}

impl Settings {
    /// The defaults.
    pub fn new() -> Self {
        Settings::default()
    }

    /// Threads of its engine. Default: 0, as many as there are cores.
    pub fn workers(mut self, workers: usize) -> Self {
        self.workers = workers;
        self
    }

    /// The knobs of the run, as what becomes of bad rows. Default: [`Options::default`].
    pub fn options(mut self, options: Options) -> Self {
        self.options = options;
        self
    }

    /// The columns that come out, all of them, in their order. Default: learnt from the first
    /// records, so that the schema can't be asked for before there are some, and a stream without
    /// any has no columns.
    pub fn schema(mut self, schema: SchemaRef) -> Self {
        self.declared.schema = Some(schema);
        self
    }

    /// The type of one column, the others being learnt. Default: learnt too.
    pub fn column(mut self, name: impl Into<String>, data_type: DataType) -> Self {
        self.declared.columns.push(Field::new(name, data_type, true));
        self
    }
}

/// Exports a transform as a C function over Arrow streams; see [`arrow::stream`](crate::arrow::stream).
///
/// The closure is one of [`Pipeline::transform`](trommel::Pipeline::transform): it gets each
/// [`Row`](crate::arrow::Row) and emits any number of records, any [`serde::Serialize`]. It owns what
/// it captures, which in a function at the top of a module can only be constants and statics.
///
/// ```
/// use serde::Serialize;
/// use trommel_connect::arrow::stream::Settings;
///
/// #[derive(Serialize)]
/// struct Speed<'a> {
///     flight: &'a str,
///     mph: f64,
/// }
///
/// trommel_connect::export_transform!(speeds, |row, out| {
///     let Some(minutes) = row.get::<Option<f64>>("air_time")? else { return Ok(()) };
///     let mph = row.get::<f64>("distance")? / minutes * 60.0;
///     out.emit(Speed { flight: row.str("flight")?, mph })
/// });
///
/// // The same on two threads.
/// trommel_connect::export_transform!(slow_speeds, Settings::new().workers(2), |row, out| {
///     out.emit((row.get::<f64>("distance")?,))
/// });
/// # fn main() {}
/// ```
///
/// A crate with `crate-type = ["cdylib"]` that does so is a library for C, Python, R, DuckDB and
/// others.
#[macro_export]
macro_rules! export_transform {
    ($name:ident, $transform:expr $(,)?) => {
        $crate::export_transform!($name, $crate::arrow::stream::Settings::new(), $transform);
    };
    ($name:ident, $settings:expr, $transform:expr $(,)?) => {
        /// A transform over Arrow C streams: 0, or `EINVAL`.
        ///
        /// # Safety
        /// Each pointer is NULL or points to an `ArrowArrayStream` of the C stream interface; what
        /// was in `output` is overwritten.
        #[unsafe(no_mangle)]
        pub unsafe extern "C" fn $name(
            input: *mut $crate::arrow::stream::CStream,
            output: *mut $crate::arrow::stream::CStream,
        ) -> ::std::ffi::c_int {
            // SAFETY: what the caller vouches for is what the function asks.
            unsafe { $crate::arrow::stream::transform(input, output, || $settings, $transform) }
        }
    };
}
