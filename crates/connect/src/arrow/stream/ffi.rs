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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::arrow::{RecordBatch, Schema, SchemaRef};
    use arrow_array::{Array as _, Int64Array, RecordBatchReader};
    use arrow_schema::ArrowError;
    use std::sync::Arc;
    use std::sync::atomic::{AtomicUsize, Ordering};

    /// Batches of 100 numbers, and how often it has been released.
    struct Producer {
        next: i64,
        batches: i64,
        released: Arc<AtomicUsize>,
    }

    impl Iterator for Producer {
        type Item = Result<RecordBatch, ArrowError>;

        fn next(&mut self) -> Option<Self::Item> {
            if self.next == self.batches {
                return None;
            }
            let numbers = Int64Array::from_iter_values(self.next * 100..(self.next + 1) * 100);
            self.next += 1;
            Some(RecordBatch::try_new(self.schema(), vec![Arc::new(numbers)]))
        }
    }

    impl RecordBatchReader for Producer {
        fn schema(&self) -> SchemaRef {
            let field = crate::arrow::Field::new("id", crate::arrow::DataType::Int64, false);
            Arc::new(Schema::new(vec![field]))
        }
    }

    impl Drop for Producer {
        fn drop(&mut self) {
            self.released.fetch_add(1, Ordering::SeqCst);
        }
    }

    /// What becomes of `batches` batches: the batches pulled, at most `pull`, and the error.
    fn through<F>(batches: i64, pull: usize, closure: F) -> (Vec<RecordBatch>, Option<String>)
    where
        F: for<'b> Fn(Row<'b>, &mut Out<'b, Batches>) -> Result<()> + Send + Sync + 'static,
    {
        let released = Arc::new(AtomicUsize::new(0));
        let producer = Producer { next: 0, batches, released: Arc::clone(&released) };
        let mut input = CStream::new(Box::new(producer));
        let mut output = CStream::empty();
        let settings = || Settings::new().workers(2);
        // SAFETY: both are streams of this function's own; `output` holds nothing.
        let code = unsafe { transform(&raw mut input, &raw mut output, settings, closure) };
        assert_eq!(code, 0);
        assert!(input.release().is_none(), "the input was moved");
        let mut reader = RecordBatchStreamReader::try_new(output).unwrap();
        let mut pulled = Vec::new();
        let mut error = None;
        while pulled.len() < pull {
            match reader.next() {
                Some(Ok(batch)) => pulled.push(batch),
                Some(Err(said)) => error = Some(said.to_string()),
                None => break,
            }
        }
        drop(reader);
        assert_eq!(released.load(Ordering::SeqCst), 1, "the input is released once");
        (pulled, error)
    }

    #[test]
    fn rows_go_through_in_order() {
        let (batches, error) = through(50, usize::MAX, |row, out| {
            let id = row.get::<i64>("id")?;
            if id % 3 == 0 { Ok(()) } else { out.emit((id, id * 2)) }
        });
        assert_eq!(error, None);
        let mut ids = Vec::new();
        for batch in &batches {
            let column = batch.column(0).as_any().downcast_ref::<Int64Array>().unwrap();
            ids.extend(column.values().iter().copied());
        }
        assert_eq!(ids, (0..5_000).filter(|id| id % 3 != 0).collect::<Vec<i64>>());
    }

    #[test]
    fn a_panic_and_an_error_are_the_streams_error() {
        let (_, error) = through(50, usize::MAX, |row, out| {
            let id = row.get::<i64>("id")?;
            assert!(id != 4_321, "a number that is not liked");
            out.emit((id,))
        });
        assert!(error.unwrap().contains("not liked"));
        let (_, error) = through(5, usize::MAX, |row, out| out.emit((row.get::<i64>("di")?,)));
        assert!(error.unwrap().contains("`di`"));
    }

    #[test]
    fn released_early_it_ends() {
        for pull in [0, 1, 2] {
            let (batches, error) =
                through(100_000, pull, |row, out| out.emit((row.get::<i64>("id")?,)));
            assert_eq!((batches.len(), error), (pull, None));
        }
    }

    #[test]
    fn what_is_null_or_released_is_refused() {
        let (mut input, mut output) = (CStream::empty(), CStream::empty());
        let nothing = std::ptr::null_mut();
        for (from, into) in [
            (nothing, &raw mut output),
            (&raw mut input, nothing),
            (&raw mut input, &raw mut output),
        ] {
            // SAFETY: NULL, or streams of this function's own.
            let code = unsafe { transform(from, into, Settings::new, |_, out| out.emit((1,))) };
            assert_eq!(code, INVALID);
        }
    }
}
