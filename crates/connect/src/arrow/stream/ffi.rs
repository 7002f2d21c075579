//! The C side of streams.
#![expect(unsafe_code, reason = "pointers to C structs come in")]

use super::Settings;
use super::pulled::Pulled;
use super::sink::Batches;
use crate::arrow::{Row, Source};
use arrow_array::ffi_stream::{FFI_ArrowArrayStream, RecordBatchStreamReader};
use std::ffi::c_int;
use std::panic::{AssertUnwindSafe, catch_unwind};
use trommel::{Error, ErrorKind, Out, Result};

/// `struct ArrowArrayStream` of the Arrow C stream interface.
pub type CStream = FFI_ArrowArrayStream;

/// `EINVAL`, which is 22 wherever there is an `errno`.
const INVALID: c_int = 22;

/// What [`export_transform!`](crate::export_transform) calls: moves the stream at `input` into a
/// pipeline and puts what comes out of it into `output`.
///
/// # Safety
/// Each pointer is NULL, or points to an `ArrowArrayStream` that nobody else uses during the call;
/// the one at `input` keeps the C stream interface, the one at `output` holds nothing that would
/// have to be released.
pub unsafe fn transform<F>(
    input: *mut CStream,
    output: *mut CStream,
    settings: impl FnOnce() -> Settings,
    transform: F,
) -> c_int
where
    F: for<'b> Fn(Row<'b>, &mut Out<'b, Batches>) -> Result<()> + Send + Sync + 'static,
{
    if input.is_null() || output.is_null() || std::ptr::eq(input, output) {
        return INVALID;
    }
    // SAFETY: not NULL; the caller vouches for the struct.
    if unsafe { &*input }.release().is_none() {
        return INVALID;
    }
    // SAFETY: as above; what is left there has been released.
    let stream = unsafe { FFI_ArrowArrayStream::from_raw(input) };
    let started = catch_unwind(AssertUnwindSafe(|| {
        let reader = RecordBatchStreamReader::try_new(stream).map_err(|error| {
            Error::fatal("the input is no Arrow stream with a schema of columns").caused_by(error)
        })?;
        Pulled::start(Source::from_batches("the input", reader), settings(), transform)
    }));
    let pulled = match started {
        Ok(Ok(pulled)) => pulled,
        Ok(Err(error)) => Pulled::failed(error),
        Err(_) => Pulled::failed(Error::new(ErrorKind::Panic, "the transform's settings panicked")),
    };
    // SAFETY: not NULL; the caller vouches for the room, and that its old content needs no release.
    unsafe { output.write(FFI_ArrowArrayStream::new(Box::new(pulled))) };
    0
}
