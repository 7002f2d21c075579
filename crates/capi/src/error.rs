//! Errors as C sees them: an object of the caller's own, never a global.

use crate::boundary::export;
use crate::cast::{Out, Ref, Sized32, Wanted};
use crate::handle::{self, Handle};
use crate::status::Status;
use engine::Error;
use std::any::Any;
use std::ffi::{CString, c_char, c_int};
use std::ptr::null;

/// Why an export did not do what it was asked for.
#[derive(Debug)]
pub(crate) enum Failure {
    /// The call itself was wrong.
    Call(Status, String),
    /// The engine's error.
    Engine(Error),
}

impl From<Error> for Failure {
    fn from(error: Error) -> Self {
        Failure::Engine(error)
    }
}

impl Failure {
    pub(crate) fn null(name: &'static str) -> Self {
        Failure::Call(Status::Null, format!("{name} is NULL"))
    }

    pub(crate) fn size(name: &'static str, size: usize, known: usize) -> Self {
        let message = format!(
            "{name}.size is {size}; set it to sizeof({name}), which is {known} in this version"
        );
        Failure::Call(Status::Size, message)
    }

    pub(crate) fn argument(message: impl Into<String>) -> Self {
        Failure::Call(Status::Argument, message.into())
    }

    pub(crate) fn state(message: impl Into<String>) -> Self {
        Failure::Call(Status::State, message.into())
    }

    #[cfg_attr(not(debug_assertions), expect(dead_code, reason = "found out in debug builds"))]
    pub(crate) fn handle(message: String) -> Self {
        Failure::Call(Status::Handle, message)
    }

    pub(crate) fn panic(panic: &(dyn Any + Send)) -> Self {
        let said = panic.downcast_ref::<&str>().copied();
        let said = said.or_else(|| panic.downcast_ref::<String>().map(String::as_str));
        let message = format!("the library panicked: {}", said.unwrap_or("no message"));
        Failure::Call(Status::Panic, message)
    }

    pub(crate) fn status(&self) -> Status {
        match self {
            Failure::Call(status, _) => *status,
            Failure::Engine(error) => status_of(error),
        }
    }

    /// Makes it an object where one is asked for.
    pub(crate) fn hand_over(self, error: Out<*mut ErrorHandle>) {
        if error.is_wanted() {
            error.set(handle::hand_out(ErrorHandle::new(&self)));
        }
    }
}

/// What a C callback said of its failure; travels as the cause of the engine's error.
#[derive(Debug)]
pub(crate) struct CallbackFailure {
    pub(crate) code: c_int,
    pub(crate) message: String,
}

impl std::fmt::Display for CallbackFailure {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self.message.is_empty() {
            true => write!(f, "code {}", self.code),
            false => write!(f, "{} (code {})", self.message, self.code),
        }
    }
}

impl std::error::Error for CallbackFailure {}

fn callback_of(error: &Error) -> Option<&CallbackFailure> {
    std::error::Error::source(error)?.downcast_ref()
}

fn status_of(error: &Error) -> Status {
    match callback_of(error) {
        Some(_) => Status::Callback,
        None => Status::of(error.kind()),
    }
}

/// A text for C; what follows a NUL within it is lost.
pub(crate) fn c_text(text: &str) -> CString {
    let end = text.find('\0').unwrap_or(text.len());
    CString::new(&text[..end]).unwrap_or_default()
}

/// `trommel_error`.
#[derive(Debug)]
pub(crate) struct ErrorHandle {
    status: Status,
    callback_code: c_int,
    stage: c_int,
    batch: u64,
    row: u64,
    record: u64,
    line: u64,
    offset: u64,
    text: CString,
    message: CString,
    source: Option<CString>,
    column: Option<CString>,
    cause: Option<Box<ErrorHandle>>,
}

impl Handle for ErrorHandle {
    const NAME: &'static str = "trommel_error";
}

impl ErrorHandle {
    fn new(failure: &Failure) -> Self {
        match failure {
            Failure::Call(status, message) => Self::plain(*status, message),
            Failure::Engine(error) => Self::of(error),
        }
    }

    fn plain(status: Status, message: &str) -> Self {
        ErrorHandle {
            status,
            callback_code: 0,
            stage: crate::numbers::stage::NONE,
            batch: u64::MAX,
            row: u64::MAX,
            record: u64::MAX,
            line: u64::MAX,
            offset: u64::MAX,
            text: c_text(message),
            message: c_text(message),
            source: None,
            column: None,
            cause: None,
        }
    }

    fn of(error: &Error) -> Self {
        let origin = error.origin();
        let mut handle = Self::plain(status_of(error), error.message());
        handle.callback_code = callback_of(error).map_or(0, |failure| failure.code);
        handle.text = c_text(&error.to_string());
        handle.stage = crate::report::stage_code(error.stage());
        handle.batch = error.batch().unwrap_or(u64::MAX);
        handle.row = error.batch_row().unwrap_or(u64::MAX);
        handle.record = origin.and_then(|origin| origin.record).unwrap_or(u64::MAX);
        handle.line = origin.and_then(|origin| origin.line).unwrap_or(u64::MAX);
        handle.offset = origin.and_then(|origin| origin.offset).unwrap_or(u64::MAX);
        handle.source = origin.and_then(|origin| origin.source.as_deref()).map(c_text);
        handle.column = error.column().map(c_text);
        handle.cause = std::error::Error::source(error).map(|cause| Box::new(Self::cause(cause)));
        handle
    }

    fn cause(error: &(dyn std::error::Error + 'static)) -> Self {
        if let Some(error) = error.downcast_ref::<Error>() {
            return Self::of(error);
        }
        let status = match error.downcast_ref::<CallbackFailure>() {
            Some(_) => Status::Callback,
            None => Status::Fatal,
        };
        let mut handle = Self::plain(status, &error.to_string());
        handle.cause = error.source().map(|cause| Box::new(Self::cause(cause)));
        handle
    }
}

/// `trommel_error_info`.
#[derive(Debug, Clone, Copy)]
#[repr(C)]
pub(crate) struct ErrorInfo {
    size: u32,
    status: c_int,
    stage: c_int,
    callback_code: c_int,
    batch: u64,
    row: u64,
    record: u64,
    line: u64,
    offset: u64,
    text: *const c_char,
    message: *const c_char,
    source: *const c_char,
    column: *const c_char,
    cause: *const ErrorHandle,
}

// SAFETY: `repr(C)`, begins with its size, holds numbers and pointers.
unsafe impl Sized32 for ErrorInfo {
    const LEAST: usize = size_of::<ErrorInfo>();
    const NAME: &'static str = "trommel_error_info";
}

export! {
    /// The whole message, place and causes included; lives as long as the error.
    value fn trommel_error_text(error: Ref<ErrorHandle>) -> *const c_char, or c"no error".as_ptr() => {
        error.get_part().map(|error| error.text.as_ptr())
    }

    /// Its status code.
    value fn trommel_error_status(error: Ref<ErrorHandle>) -> c_int, or Status::Ok.code() => {
        error.get_part().map(|error| error.status.code())
    }

    /// All that is known of it.
    quiet fn trommel_error_info_get(error: Ref<ErrorHandle>, info: Wanted<ErrorInfo>) => {
        let info = info.required()?;
        let error = error.get_part().ok_or_else(|| Failure::null(ErrorHandle::NAME))?;
        let optional = |text: &Option<CString>| text.as_ref().map_or(null(), |text| text.as_ptr());
        info.set(&ErrorInfo {
            size: 0,
            status: error.status.code(),
            stage: error.stage,
            callback_code: error.callback_code,
            batch: error.batch,
            row: error.row,
            record: error.record,
            line: error.line,
            offset: error.offset,
            text: error.text.as_ptr(),
            message: error.message.as_ptr(),
            source: optional(&error.source),
            column: optional(&error.column),
            cause: error.cause.as_deref().map_or(null(), std::ptr::from_ref),
        });
        Ok(())
    }

    /// Frees an error that a function has handed out; NULL is fine.
    quiet fn trommel_error_free(error: Ref<ErrorHandle>) => {
        handle::take_back(error.address()).map(drop)
    }
}
