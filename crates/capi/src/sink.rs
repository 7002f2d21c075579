//! Sinks: connectors, and C callbacks.

use crate::call::{Call, CallPointer, Work};
use crate::cast::Sized32;
use crate::page::{Form, Page};
use crate::transform::Item;
use crate::user::{DropFn, User};
use engine::{CancelToken, Checkpoint, Commit, Durability, Encode, Result};
use std::ffi::{c_int, c_void};

/// A sink of any kind.
pub(crate) type Sink = Box<dyn engine::Sink<Page = Page, Encoder = Form>>;

impl Encode<Item<'_>> for Sink {
    #[inline]
    fn encode(form: &Form, page: &mut Page, item: Item<'_>) -> Result<()> {
        page.push(form, item)
    }
}

/// `trommel_page`.
#[derive(Debug)]
#[repr(C)]
pub(crate) struct PageView {
    size: u32,
    reserved: u32,
    records: *const c_void,
    count: usize,
    stride: usize,
    ends: *const usize,
}

type WriteFn = unsafe extern "C-unwind" fn(*mut c_void, *const PageView, CallPointer) -> c_int;
type StepFn = unsafe extern "C-unwind" fn(*mut c_void, CallPointer) -> c_int;

/// `trommel_sink`.
#[derive(Debug, Clone, Copy)]
#[repr(C)]
pub(crate) struct SinkSpec {
    size: u32,
    record_size: u32,
    write: Option<WriteFn>,
    commit: Option<StepFn>,
    finish: Option<StepFn>,
    abort: Option<StepFn>,
    user: *mut c_void,
    drop: Option<DropFn>,
}

// SAFETY: `repr(C)`, begins with its size, holds numbers, pointers and nullable functions.
unsafe impl Sized32 for SinkSpec {
    const LEAST: usize = size_of::<SinkSpec>();
    const NAME: &'static str = "trommel_sink";
}

/// A sink that calls C.
#[derive(Debug)]
pub(crate) struct CallbackSink {
    spec: SinkSpec,
    write: WriteFn,
    user: User,
    cancel: CancelToken,
}

// SAFETY: the pointer in `spec` is the one in `user`, which may travel; the rest is functions.
unsafe impl Send for CallbackSink {}

impl CallbackSink {
    /// Takes `user` over; `None` when there is no function to write with.
    pub(crate) fn new(spec: SinkSpec, cancel: CancelToken) -> Option<Self> {
        let write = spec.write?;
        Some(CallbackSink { spec, write, user: User::new(spec.user, spec.drop), cancel })
    }

    fn step(&self, step: Option<StepFn>, what: &'static str) -> Result<()> {
        let Some(step) = step else { return Ok(()) };
        let mut call = Call::new(&self.cancel, Work::Plain);
        let pointer = call.pointer();
        // SAFETY: the header obliges the caller that the function takes these arguments.
        let code = unsafe { step(self.user.pointer(), pointer) };
        call.ended(code, what)
    }
}

impl engine::Sink for CallbackSink {
    type Page = Page;
    type Encoder = Form;

    fn encoder(&mut self) -> Result<Form> {
        Ok(match self.spec.record_size {
            0 => Form::Bytes,
            size => Form::Fixed(size as usize),
        })
    }

    fn write(&mut self, page: &mut Page) -> Result<()> {
        let view = |records, count, stride, ends| PageView {
            size: size_of::<PageView>() as u32,
            reserved: 0,
            records,
            count,
            stride,
            ends,
        };
        let view = match page {
            Page::Fixed { records, size } => {
                let count = records.len() / *size;
                view(records.pointer(0).cast_const().cast(), count, *size, std::ptr::null())
            }
            Page::Bytes(records) => {
                let ends = records.ends.as_ptr();
                view(records.data.as_ptr().cast(), records.ends.len(), 0, ends)
            }
            _ => return Ok(()),
        };
        let mut call = Call::new(&self.cancel, Work::Plain);
        let pointer = call.pointer();
        // SAFETY: the header obliges the caller that the function takes these arguments; the page
        // outlives the call.
        let code = unsafe { (self.write)(self.user.pointer(), &raw const view, pointer) };
        call.ended(code, "the sink callback failed")
    }

    fn commit(&mut self, _: &Checkpoint, _: Commit) -> Result<Durability> {
        self.step(self.spec.commit, "the sink's commit callback failed")?;
        Ok(Durability::Stored)
    }

    fn finish(&mut self) -> Result<()> {
        self.step(self.spec.finish, "the sink's finish callback failed")
    }

    /// A sink that can take back says so by having the function.
    fn abort(&mut self) -> Durability {
        match self.step(self.spec.abort, "the sink's abort callback failed") {
            Ok(()) if self.spec.abort.is_some() => Durability::Pending,
            _ => Durability::Stored,
        }
    }

    fn stays_on_caller(&self) -> bool {
        true
    }
}
