//! `trommel.h` in Rust, for tests that call the library as C does.
//!
//! A struct that drifts from the header's shows at once: its size is refused.

mod arrow;
pub(crate) mod callbacks;
mod parts;
mod runs;
mod setup;
pub(crate) mod tape;
pub(crate) mod world;

use std::ffi::{c_char, c_int, c_void};

/// Handles, of which only the address is known.
macro_rules! handles {
    ($($name:ident)*) => {$(
        #[derive(Debug)]
        #[repr(C)]
        pub(crate) struct $name {
            opaque: [u8; 0],
        }
    )*};
}

handles! { Engine Pipeline Error Call }

/// Structs that begin with their size.
pub(crate) trait Sized32 {
    /// All zeros but for the size.
    fn sized() -> Self;
}

/// Structs of the header; all bytes zero is a value of each.
macro_rules! structs {
    ($($name:ident { $($field:ident: $type:ty,)* })*) => {$(
        #[derive(Debug, Clone, Copy)]
        #[repr(C)]
        pub(crate) struct $name {
            $(pub(crate) $field: $type,)*
        }

        impl Sized32 for $name {
            fn sized() -> Self {
                // SAFETY: numbers, nullable pointers and nullable functions may all be zeros.
                let mut made: Self = unsafe { std::mem::zeroed() };
                made.size = size_of::<Self>() as u32;
                made
            }
        }
    )*};
}

pub(crate) type Fill =
    unsafe extern "C-unwind" fn(*mut c_void, *mut c_void, usize, *mut usize, *mut Call) -> c_int;
pub(crate) type Apply = unsafe extern "C-unwind" fn(*mut c_void, *mut Batch, *mut Call) -> c_int;
pub(crate) type Write = unsafe extern "C-unwind" fn(*mut c_void, *const Page, *mut Call) -> c_int;
pub(crate) type Step = unsafe extern "C-unwind" fn(*mut c_void, *mut Call) -> c_int;
pub(crate) type OnProgress = unsafe extern "C-unwind" fn(*mut c_void, *const Progress) -> c_int;
pub(crate) type DropUser = unsafe extern "C-unwind" fn(*mut c_void);

structs! {
    ErrorInfo {
        size: u32, status: c_int, stage: c_int, callback_code: c_int, batch: u64, row: u64,
        record: u64, line: u64, offset: u64, text: *const c_char, message: *const c_char,
        source: *const c_char, column: *const c_char, cause: *const Error,
    }
    EngineOptions {
        size: u32, workers: u32, stack_bytes: u64, thread_name: *const c_char,
    }
    Options {
        size: u32, tier: u32, batch_size: u32, batch_min: u32, batch_max: u32,
        transform_concurrency: u32, channel_capacity: u32, order: u32, memory_limit: u64,
        flush_timeout_ms: i64, grace_ms: i64, watchdog_ms: i64, on_reject: u32, on_panic: u32,
        max_rejects: u64, reject_file: *const c_char, retries: u32, retry_initial_ms: u32,
        retry_max_ms: u32, reserved: u32,
    }
    Report {
        size: u32, outcome: i32, read: u64, loaded: u64, rejected: u64, filtered: u64,
        abandoned: u64, emitted: u64, bytes_read: u64, batches: u64, retries: u64,
        elapsed_ns: u64, workers: u32, bottleneck: i32, busy_ns: [u64; 3], waiting_ns: [u64; 3],
    }
    Progress {
        size: u32, reserved: u32, rows: u64, bytes: u64, elapsed_ns: u64, rows_per_second: f64,
        fraction: f64, eta_seconds: f64, source_busy: f64, transform_busy: f64, sink_busy: f64,
    }
    Source {
        size: u32, record_size: u32, rows: u64, fill: Option<Fill>, user: *mut c_void,
        drop: Option<DropUser>,
    }
    Batch {
        size: u32, columns: u32, records: *mut c_void, count: usize, stride: usize,
        verdicts: *mut u8, output: *mut c_void, output_stride: usize, ends: *const usize,
    }
    Transform {
        size: u32, output_size: u32, apply: Option<Apply>, user: *mut c_void,
        drop: Option<DropUser>,
    }
    Page {
        size: u32, reserved: u32, records: *const c_void, count: usize, stride: usize,
        ends: *const usize,
    }
    Sink {
        size: u32, record_size: u32, write: Option<Write>, commit: Option<Step>,
        finish: Option<Step>, abort: Option<Step>, user: *mut c_void, drop: Option<DropUser>,
    }
}

/// A value of a row with columns; `data` stands for the union.
#[derive(Debug, Clone, Copy)]
#[repr(C)]
pub(crate) struct Value {
    pub(crate) kind: u32,
    pub(crate) length: u32,
    pub(crate) data: *const u8,
}

type Text = *const c_char;
type Failed = *mut *mut Error;
type Stream = *mut arrow_array::ffi_stream::FFI_ArrowArrayStream;

unsafe extern "C" {
    pub(crate) fn trommel_abi_version() -> u32;
    pub(crate) fn trommel_version() -> Text;
    pub(crate) fn trommel_features() -> Text;
    pub(crate) fn trommel_error_text(error: *const Error) -> Text;
    pub(crate) fn trommel_error_status(error: *const Error) -> c_int;
    pub(crate) fn trommel_error_info_get(error: *const Error, info: *mut ErrorInfo) -> c_int;
    pub(crate) fn trommel_error_free(error: *mut Error) -> c_int;
    pub(crate) fn trommel_engine_new(
        o: *const EngineOptions,
        e: *mut *mut Engine,
        f: Failed,
    ) -> c_int;
    pub(crate) fn trommel_engine_workers(engine: *const Engine) -> u32;
    pub(crate) fn trommel_engine_free(engine: *mut Engine) -> c_int;
    pub(crate) fn trommel_pipeline_new(e: *mut Engine, p: *mut *mut Pipeline, f: Failed) -> c_int;
    pub(crate) fn trommel_pipeline_free(pipeline: *mut Pipeline) -> c_int;
    pub(crate) fn trommel_pipeline_name(p: *mut Pipeline, name: Text, f: Failed) -> c_int;
    pub(crate) fn trommel_pipeline_from(p: *mut Pipeline, url: Text, f: Failed) -> c_int;
    pub(crate) fn trommel_pipeline_into(p: *mut Pipeline, url: Text, f: Failed) -> c_int;
    pub(crate) fn trommel_pipeline_set(
        p: *mut Pipeline,
        key: Text,
        value: Text,
        f: Failed,
    ) -> c_int;
    pub(crate) fn trommel_pipeline_column(
        p: *mut Pipeline,
        from: Text,
        to: Text,
        declaration: Text,
        f: Failed,
    ) -> c_int;
    pub(crate) fn trommel_pipeline_output(p: *mut Pipeline, to: Text, d: Text, f: Failed) -> c_int;
    pub(crate) fn trommel_pipeline_resumable(p: *mut Pipeline, job: Text, f: Failed) -> c_int;
    pub(crate) fn trommel_pipeline_options(p: *mut Pipeline, o: *const Options, f: Failed)
    -> c_int;
    pub(crate) fn trommel_pipeline_run(p: *mut Pipeline, report: *mut Report, f: Failed) -> c_int;
    pub(crate) fn trommel_pipeline_start(p: *mut Pipeline, f: Failed) -> c_int;
    pub(crate) fn trommel_pipeline_wait(p: *mut Pipeline, report: *mut Report, f: Failed) -> c_int;
    pub(crate) fn trommel_pipeline_cancel(p: *mut Pipeline) -> c_int;
    pub(crate) fn trommel_pipeline_is_finished(p: *const Pipeline) -> c_int;
    pub(crate) fn trommel_pipeline_progress(p: *const Pipeline, progress: *mut Progress) -> c_int;
    pub(crate) fn trommel_pipeline_on_progress(
        p: *mut Pipeline,
        call: Option<OnProgress>,
        user: *mut c_void,
        drop: Option<DropUser>,
        f: Failed,
    ) -> c_int;
    pub(crate) fn trommel_pipeline_report(p: *const Pipeline, report: *mut Report) -> c_int;
    pub(crate) fn trommel_pipeline_report_json(p: *const Pipeline) -> Text;
    pub(crate) fn trommel_pipeline_source(
        p: *mut Pipeline,
        source: *const Source,
        f: Failed,
    ) -> c_int;
    pub(crate) fn trommel_pipeline_transform(
        p: *mut Pipeline,
        t: *const Transform,
        f: Failed,
    ) -> c_int;
    pub(crate) fn trommel_pipeline_sink(p: *mut Pipeline, sink: *const Sink, f: Failed) -> c_int;
    pub(crate) fn trommel_pipeline_from_arrow(p: *mut Pipeline, stream: Stream, f: Failed)
    -> c_int;
    pub(crate) fn trommel_pipeline_stream(p: *mut Pipeline, stream: Stream, f: Failed) -> c_int;
    pub(crate) fn trommel_call_fail(call: *mut Call, message: Text) -> c_int;
    pub(crate) fn trommel_call_cancel(call: *mut Call) -> c_int;
    pub(crate) fn trommel_call_is_cancelled(call: *mut Call) -> c_int;
    pub(crate) fn trommel_call_push(call: *mut Call, data: *const c_void, length: usize) -> c_int;
    pub(crate) fn trommel_call_emit(
        call: *mut Call,
        row: usize,
        d: *const c_void,
        n: usize,
    ) -> c_int;
    pub(crate) fn trommel_call_emit_values(
        c: *mut Call,
        row: usize,
        v: *const Value,
        n: usize,
    ) -> c_int;
    pub(crate) fn trommel_call_reserve(call: *mut Call, length: usize) -> *mut c_void;
    pub(crate) fn trommel_call_commit(call: *mut Call, row: usize, length: usize) -> c_int;
    pub(crate) fn trommel_call_reject(call: *mut Call, row: usize, reason: Text) -> c_int;
}

/// Calls a function of the header.
macro_rules! c {
    ($name:ident($($argument:expr),* $(,)?)) => {{
        // SAFETY: what is passed keeps the contract of trommel.h: handles that live, texts that end
        // in NUL, structs that say their size, calls within their callback.
        unsafe { $crate::abi::$name($($argument),*) }
    }};
}
pub(crate) use c;

/// What the library answered as a text that lives on.
pub(crate) fn text<'a>(text: *const c_char) -> &'a str {
    // SAFETY: the library's texts end in NUL and live as long as what they were asked of.
    let text = unsafe { std::ffi::CStr::from_ptr(text) };
    text.to_str().expect("texts are UTF-8")
}
