//! `trommel_call`: what a callback can say and ask while it runs.

use crate::boundary::export;
use crate::cast;
use crate::cast::Text;
use crate::error::{CallbackFailure, Failure};
use crate::numbers::verdict;
use crate::rows::Records;
use crate::status::Status;
use crate::transform::Written;
use crate::value::Value;
use engine::{Bump, CancelToken, Error, ErrorKind};
use std::ffi::{c_int, c_void};

/// `trommel_call`, alive while one callback runs.
#[derive(Debug)]
pub(crate) struct Call<'a> {
    cancel: &'a CancelToken,
    failure: Option<String>,
    pub(crate) work: Work<'a>,
}

/// What the callback is there for.
#[derive(Debug)]
pub(crate) enum Work<'a> {
    /// A source of records of bytes.
    Push(&'a mut Records),
    /// A transform.
    Transform(Writer<'a>),
    /// Anything else.
    Plain,
}

/// Takes what a transform writes.
#[derive(Debug)]
pub(crate) struct Writer<'a> {
    pub(crate) arena: &'a Bump,
    pub(crate) written: &'a mut Vec<Written>,
    pub(crate) rejects: &'a mut Vec<(usize, Error)>,
    pub(crate) verdicts: *mut u8,
    pub(crate) rows: usize,
    /// What `reserve` has handed out and `commit` has not taken.
    pub(crate) reserved: Option<(*mut u8, usize)>,
}

impl<'a> Call<'a> {
    pub(crate) fn new(cancel: &'a CancelToken, work: Work<'a>) -> Self {
        Call { cancel, failure: None, work }
    }

    /// The pointer for the callback.
    pub(crate) fn pointer(&mut self) -> CallPointer {
        CallPointer(std::ptr::from_mut(self).cast())
    }

    /// What the callback's answer means; `what` names it.
    pub(crate) fn ended(&mut self, code: c_int, what: &'static str) -> engine::Result<()> {
        if code == Status::Ok.code() {
            return Ok(());
        }
        let message = self.failure.take().unwrap_or_default();
        // A sink or source that says "transient" is called again by the retry policy.
        let kind = match code {
            _ if code == Status::Transient.code() => ErrorKind::Transient,
            _ if code == Status::Io.code() => ErrorKind::Io,
            _ => ErrorKind::Fatal,
        };
        Err(Error::new(kind, what).caused_by(CallbackFailure { code, message }))
    }
}

/// A [`Call`] as C holds it.
#[derive(Debug, Clone, Copy)]
#[repr(transparent)]
pub(crate) struct CallPointer(*mut c_void);

impl CallPointer {
    fn get<'a>(self) -> Result<&'a mut Call<'a>, Failure> {
        let call = self.0.cast::<Call<'a>>();
        if call.is_null() {
            return Err(Failure::null("trommel_call"));
        }
        // SAFETY: not NULL; the header demands that a call is used by its callback alone, on its
        // thread, before it returns, and until then the engine does not touch it.
        Ok(unsafe { &mut *call })
    }
}

impl<'a> Call<'a> {
    fn writer(&mut self) -> Result<&mut Writer<'a>, Failure> {
        match &mut self.work {
            Work::Transform(writer) => Ok(writer),
            _ => Err(Failure::state("only a transform can do this")),
        }
    }
}

impl Writer<'_> {
    /// Sets a row's verdict.
    fn judge(&mut self, row: usize, verdict: u8) -> Result<(), Failure> {
        if row >= self.rows {
            return Err(Failure::argument(format!("row {row}: there are {}", self.rows)));
        }
        let place = self.verdicts.wrapping_add(row);
        // SAFETY: there are `rows` verdicts, which belong to the batch of this call.
        unsafe { place.write(verdict) };
        Ok(())
    }

    fn emit(&mut self, row: usize, written: Written) -> Result<(), Failure> {
        if self.written.last().is_some_and(|last| last.row() > row) {
            return Err(Failure::argument(format!("row {row}: rows must come in order")));
        }
        self.judge(row, verdict::WRITTEN)?;
        self.written.push(written);
        Ok(())
    }
}

fn given<'a>(data: *const u8, length: usize) -> Result<&'a [u8], Failure> {
    cast::bytes(data, length).ok_or_else(|| Failure::null("data"))
}

export! {
    /// Says why the callback will fail.
    quiet fn trommel_call_fail(call: CallPointer, message: Text) => {
        call.get()?.failure = Some(message.lossy());
        Ok(())
    }

    /// Cancels the run.
    quiet fn trommel_call_cancel(call: CallPointer) => {
        call.get()?.cancel.cancel();
        Ok(())
    }

    /// Whether the run is being cancelled: 1 or 0.
    value fn trommel_call_is_cancelled(call: CallPointer) -> c_int, or 0 => {
        call.get().ok().map(|call| c_int::from(call.cancel.is_cancelled()))
    }

    /// Hands over a record of bytes, which is copied.
    quiet fn trommel_call_push(call: CallPointer, data: *const u8, length: usize) => {
        let (call, data) = (call.get()?, given(data, length)?);
        match &mut call.work {
            Work::Push(records) => {
                records.push(data);
                Ok(())
            }
            _ => Err(Failure::state("only a source of bytes can do this")),
        }
    }

    /// Emits bytes for a row; they are copied.
    quiet fn trommel_call_emit(call: CallPointer, row: usize, data: *const u8, length: usize) => {
        let writer = call.get()?.writer()?;
        let bytes = writer.arena.alloc_slice_copy(given(data, length)?);
        writer.emit(row, Written::bytes(row, bytes))
    }

    /// Emits values for a row; they and their texts are copied.
    quiet fn trommel_call_emit_values(
        call: CallPointer, row: usize, values: *const Value, count: usize,
    ) => {
        let writer = call.get()?.writer()?;
        let values = cast::items(values, count).ok_or_else(|| Failure::null("values"))?;
        let arena = writer.arena;
        let copied = arena.alloc_slice_try_fill_with(values.len(), |index| {
            values[index].copy_in(arena)
        })?;
        writer.emit(row, Written::values(row, copied))
    }

    /// Room of the engine's for `length` bytes, to be filled and then committed; NULL when there is
    /// none to be had.
    value fn trommel_call_reserve(call: CallPointer, length: usize) -> *mut u8, or std::ptr::null_mut() => {
        let writer = call.get().ok()?.writer().ok()?;
        let layout = std::alloc::Layout::from_size_align(length.max(1), 16).ok()?;
        let room = writer.arena.try_alloc_layout(layout).ok()?.as_ptr();
        // Initialised, so that what the callback leaves out is zeros.
        // SAFETY: the arena has just handed out that many bytes.
        unsafe { room.write_bytes(0, length) };
        writer.reserved = Some((room, length));
        Some(room)
    }

    /// Emits the first `length` bytes of the room reserved last.
    quiet fn trommel_call_commit(call: CallPointer, row: usize, length: usize) => {
        let writer = call.get()?.writer()?;
        let Some((room, reserved)) = writer.reserved.take() else {
            return Err(Failure::state("nothing was reserved"));
        };
        if length > reserved {
            return Err(Failure::argument(format!("{length} bytes of {reserved} reserved")));
        }
        writer.emit(row, Written::bytes(row, given(room, length)?))
    }

    /// Rejects a row, saying why.
    quiet fn trommel_call_reject(call: CallPointer, row: usize, reason: Text) => {
        let writer = call.get()?.writer()?;
        writer.judge(row, verdict::REJECT)?;
        writer.rejects.push((row, Error::row(reason.lossy())));
        Ok(())
    }
}
