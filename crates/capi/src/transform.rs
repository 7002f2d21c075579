//! The transform: a C callback that is given a batch at a time.

use crate::buffer::Buffer;
use crate::call::{Call, CallPointer, Work, Writer};
use crate::cast::Sized32;
use crate::numbers::verdict;
use crate::plan::Plan;
use crate::rows::Rows;
use crate::user::{DropFn, User};
use crate::value::Value;
use engine::{Bump, Error, Result};
use std::ffi::{c_int, c_void};

/// `trommel_batch`.
#[derive(Debug)]
#[repr(C)]
pub(crate) struct BatchView {
    size: u32,
    columns: u32,
    records: *mut c_void,
    count: usize,
    stride: usize,
    verdicts: *mut u8,
    output: *mut c_void,
    output_stride: usize,
    ends: *const usize,
}

type Apply = unsafe extern "C-unwind" fn(*mut c_void, *mut BatchView, CallPointer) -> c_int;

/// `trommel_transform`.
#[derive(Debug, Clone, Copy)]
#[repr(C)]
pub(crate) struct TransformSpec {
    size: u32,
    output_size: u32,
    apply: Option<Apply>,
    user: *mut c_void,
    drop: Option<DropFn>,
}

// SAFETY: `repr(C)`, begins with its size, holds numbers, pointers and nullable functions.
unsafe impl Sized32 for TransformSpec {
    const LEAST: usize = size_of::<TransformSpec>();
    const NAME: &'static str = "trommel_transform";
}

/// The callback and what belongs to it.
#[derive(Debug)]
pub(crate) struct Transform {
    apply: Apply,
    user: User,
    /// Bytes of what each row becomes; 0 when rows go on as they are, or are written.
    pub(crate) output_size: usize,
}

impl Transform {
    /// Checks the struct and takes `user` over; `None` when it has no function.
    pub(crate) fn new(spec: TransformSpec) -> Option<Self> {
        let apply = spec.apply?;
        let user = User::new(spec.user, spec.drop);
        Some(Transform { apply, user, output_size: spec.output_size as usize })
    }
}

/// Something that a transform wrote for a row.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Written {
    row: usize,
    start: *const c_void,
    count: usize,
    is_values: bool,
}

// SAFETY: it points into the arena of the outcome that it lies in.
unsafe impl Send for Written {}
// SAFETY: as above; nothing is changed through the pointer.
unsafe impl Sync for Written {}

impl Written {
    pub(crate) fn bytes(row: usize, bytes: &[u8]) -> Self {
        Written { row, start: bytes.as_ptr().cast(), count: bytes.len(), is_values: false }
    }

    pub(crate) fn values(row: usize, values: &[Value]) -> Self {
        Written { row, start: values.as_ptr().cast(), count: values.len(), is_values: true }
    }

    pub(crate) fn row(&self) -> usize {
        self.row
    }

    /// What was written; it lives as long as the outcome's arena is not reset.
    pub(crate) fn item(&self) -> Item<'_> {
        match self.is_values {
            true => Item::Values(crate::cast::items(self.start.cast(), self.count).unwrap_or(&[])),
            false => Item::Bytes(crate::cast::bytes(self.start.cast(), self.count).unwrap_or(&[])),
        }
    }
}

/// What goes to the sink.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Item<'a> {
    Bytes(&'a [u8]),
    Values(&'a [Value]),
    /// A row of an Arrow batch, by its index.
    #[cfg(feature = "arrow")]
    Arrow(&'a crate::arrow::ArrowRows, usize),
}

/// What a transform made of a batch.
#[derive(Debug, Default)]
pub(crate) struct Outcome {
    pub(crate) verdicts: Vec<u8>,
    pub(crate) output: Buffer,
    pub(crate) written: Vec<Written>,
    pub(crate) rejects: Vec<(usize, Error)>,
    arena: Bump,
}

impl Outcome {
    pub(crate) fn clear(&mut self) {
        self.verdicts.clear();
        self.output.clear();
        self.written.clear();
        self.rejects.clear();
        self.arena.reset();
    }

    pub(crate) fn bytes(&self) -> usize {
        self.arena.allocated_bytes() + self.output.len() + self.verdicts.len()
    }
}

/// Calls the transform with all rows of a batch.
pub(crate) fn apply(
    transform: &Transform,
    plan: &Plan,
    rows: &mut Rows,
    values: &mut [Value],
    outcome: &mut Outcome,
) -> Result<()> {
    let count = rows.len();
    outcome.clear();
    outcome.verdicts.resize(count, verdict::KEEP);
    let size = transform.output_size;
    outcome.output.reserve(count * size);
    outcome.output.commit(count * size);
    let mut view = BatchView {
        size: size_of::<BatchView>() as u32,
        columns: plan.inputs.len() as u32,
        records: std::ptr::null_mut(),
        count,
        stride: 0,
        verdicts: outcome.verdicts.as_mut_ptr(),
        output: if size > 0 { outcome.output.pointer(0).cast() } else { std::ptr::null_mut() },
        output_stride: size,
        ends: std::ptr::null(),
    };
    match rows {
        Rows::Empty => return Ok(()),
        Rows::Fixed { records, size } => {
            view.records = records.pointer(0).cast();
            view.stride = *size;
        }
        Rows::Bytes(records) => {
            view.records = records.data.as_mut_ptr().cast();
            view.ends = records.ends.as_ptr();
        }
        #[cfg(feature = "arrow")]
        Rows::Arrow(_) => {
            view.records = values.as_mut_ptr().cast();
            view.stride = plan.inputs.len() * size_of::<Value>();
        }
        Rows::Table(_) => {
            view.records = values.as_mut_ptr().cast();
            view.stride = plan.inputs.len() * size_of::<Value>();
        }
    }
    let writer = Writer {
        arena: &outcome.arena,
        written: &mut outcome.written,
        rejects: &mut outcome.rejects,
        verdicts: view.verdicts,
        rows: count,
        reserved: None,
    };
    let mut call = Call::new(&plan.cancel, Work::Transform(writer));
    let pointer = call.pointer();
    // SAFETY: the header obliges the caller that the function takes these arguments and its `user`,
    // on any worker and on several at once; what the view points to outlives the call.
    let code = unsafe { (transform.apply)(transform.user.pointer(), &raw mut view, pointer) };
    call.ended(code, "the transform callback failed")?;
    outcome.rejects.sort_by_key(|(row, _)| *row);
    Ok(())
}
