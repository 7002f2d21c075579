//! What a function answers.

use engine::ErrorKind;
use std::ffi::c_int;

/// `trommel_status`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[repr(i32)]
pub(crate) enum Status {
    /// It was done.
    Ok = 0,
    /// A source's answer: there is no more.
    End = 1,
    /// A pointer that must not be NULL is.
    Null = 2,
    /// The size field of a struct is none that a version of this library has known.
    Size = 3,
    /// An argument can't be used; the message names it.
    Argument = 4,
    /// Not at this time: the pipeline runs, has run, or lacks a part; the engine is in use.
    State = 5,
    /// Not a handle that lives (found out in debug builds only).
    Handle = 6,
    /// The handle was made before `fork`, by the parent.
    Forked = 7,
    /// A callback has reported an error.
    Callback = 8,
    /// Code of the library, or a callback written in Rust, panicked.
    Panic = 9,
    /// A row is bad.
    Row = 10,
    /// An option has a value that cannot work.
    Config = 11,
    /// It may succeed when tried again.
    Transient = 12,
    /// Reading or writing failed for good.
    Io = 13,
    /// The run was cancelled.
    Cancelled = 14,
    /// The watchdog saw no progress.
    Stalled = 15,
    /// More rows were rejected than allowed.
    RejectLimit = 16,
    /// Not supported by this source or sink, or not built in.
    Unsupported = 17,
    /// Anything else that ends the run.
    Fatal = 18,
}

impl Status {
    pub(crate) fn code(self) -> c_int {
        self as c_int
    }

    pub(crate) fn of(kind: ErrorKind) -> Status {
        match kind {
            ErrorKind::Row => Status::Row,
            ErrorKind::Config => Status::Config,
            ErrorKind::Transient => Status::Transient,
            ErrorKind::Io => Status::Io,
            ErrorKind::Panic => Status::Panic,
            ErrorKind::Cancelled => Status::Cancelled,
            ErrorKind::Stalled => Status::Stalled,
            ErrorKind::RejectLimit => Status::RejectLimit,
            ErrorKind::Unsupported => Status::Unsupported,
            _ => Status::Fatal,
        }
    }
}
