//! The one file that calls libpq: each function here owns its pointers and gives Rust values.
//!
//! libpq keeps no global state that matters here; a connection may be used by any thread, by one at
//! a time, which `&mut` and the missing `Sync` say.
#![expect(unsafe_code, reason = "binds a C library")]

use pq_sys as ffi;
use std::ffi::{CStr, CString, c_char, c_int, c_void};
use std::ptr::{self, NonNull};
use std::time::Duration;

/// A connection of libpq, whatever its state.
#[derive(Debug)]
pub(super) struct Handle(NonNull<ffi::PGconn>);

// SAFETY: libpq's connections have no thread affinity; `Handle` isn't `Sync`, so one thread at a
// time uses it.
unsafe impl Send for Handle {}

/// What the server answered to one statement.
#[derive(Debug)]
pub(super) struct Response(NonNull<ffi::PGresult>);

/// What kind of answer it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Status {
    /// Done, without rows.
    Done,
    /// Rows.
    Rows,
    /// The server waits for `COPY` data.
    CopyIn,
    /// The server sends `COPY` data.
    CopyOut,
    /// It failed.
    Failed,
}

/// Parts of an error report, by libpq's codes (`postgres_ext.h`).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[repr(u8)]
pub(super) enum Part {
    State = b'C',
    Message = b'M',
    Detail = b'D',
    Hint = b'H',
    Context = b'W',
    Column = b'c',
    Constraint = b'n',
}

/// One message of a `COPY … TO STDOUT`, freed when dropped.
#[derive(Debug)]
pub(super) struct CopyRow {
    start: NonNull<c_char>,
    len: usize,
}

/// What asking for `COPY` data gave.
#[derive(Debug)]
pub(super) enum CopyOut {
    Row(CopyRow),
    /// Nothing has arrived yet.
    Wait,
    /// The end, or a failure: the next response tells.
    End,
}

/// A request to stop what a connection is doing, usable from any thread.
#[derive(Debug)]
pub(super) struct Cancel(NonNull<ffi::PGcancel>);

// SAFETY: the object is a copy of the connection's address and key; libpq documents `PQcancel` as
// safe to call from another thread.
unsafe impl Send for Cancel {}

/// The value of each option that a connection string sets, or libpq's complaint.
pub(super) fn parse(conninfo: &CStr) -> Result<Vec<(String, String)>, String> {
    let mut message: *mut c_char = ptr::null_mut();
    // SAFETY: `conninfo` ends with NUL; `message` is a place for one pointer.
    let options = unsafe { ffi::PQconninfoParse(conninfo.as_ptr(), &raw mut message) };
    if options.is_null() {
        // Without a message when there is no memory for one either.
        let text = text(message).unwrap_or_else(|| "out of memory".into());
        // SAFETY: libpq allocated the message for us, or it is null, which is allowed.
        unsafe { ffi::PQfreemem(message.cast()) };
        return Err(text);
    }
    let mut found = Vec::new();
    let mut next = options;
    loop {
        // SAFETY: `next` walks an array that ends with a null keyword, where this loop ends.
        let option = unsafe { &*next };
        let Some(keyword) = text(option.keyword) else { break };
        if let Some(value) = text(option.val) {
            found.push((keyword, value));
        }
        // SAFETY: the entry was not the last one, so there is another.
        next = unsafe { next.add(1) };
    }
    // SAFETY: made by `PQconninfoParse`, freed once; nothing refers to it any more.
    unsafe { ffi::PQconninfoFree(options) };
    Ok(found)
}

/// Waits until the socket can be read, or written when `write`; `false` after `limit`.
pub(super) fn wait(socket: c_int, write: bool, limit: Duration) -> std::io::Result<bool> {
    let events = if write { libc::POLLIN | libc::POLLOUT } else { libc::POLLIN };
    let mut poll = libc::pollfd { fd: socket, events, revents: 0 };
    let limit_ms = c_int::try_from(limit.as_millis()).unwrap_or(c_int::MAX);
    // SAFETY: `poll` is one `pollfd`, as the count says; a closed descriptor is only reported.
    let ready = unsafe { libc::poll(&raw mut poll, 1, limit_ms) };
    if ready >= 0 {
        return Ok(ready > 0);
    }
    match std::io::Error::last_os_error() {
        error if error.kind() == std::io::ErrorKind::Interrupted => Ok(false),
        error => Err(error),
    }
}

/// Notices (`table "x" does not exist, skipping`) would go to stderr.
unsafe extern "C" fn ignore_notice(_: *mut c_void, _: *const c_char) {}

impl Handle {
    /// Connects, or fails: [`is_ok`](Self::is_ok) tells. Later options override earlier ones, and
    /// the value of `dbname` is read as a connection string. `None` when memory is short.
    pub(super) fn connect(options: &[(&CStr, &CStr)]) -> Option<Handle> {
        let pointers = |of: fn(&(&CStr, &CStr)) -> *const c_char| -> Vec<*const c_char> {
            options.iter().map(of).chain([ptr::null()]).collect()
        };
        let keywords = pointers(|(keyword, _)| keyword.as_ptr());
        let values = pointers(|(_, value)| value.as_ptr());
        // SAFETY: two arrays of the same length, of NUL-terminated texts, ended by null.
        let connection = unsafe { ffi::PQconnectdbParams(keywords.as_ptr(), values.as_ptr(), 1) };
        let handle = Handle(NonNull::new(connection)?);
        // SAFETY: the connection is alive; the function ignores its argument.
        unsafe { ffi::PQsetNoticeProcessor(handle.raw(), Some(ignore_notice), ptr::null_mut()) };
        if handle.is_ok() {
            // SAFETY: the connection is alive.
            unsafe { ffi::PQsetnonblocking(handle.raw(), 1) };
        }
        Some(handle)
    }

    fn raw(&self) -> *mut ffi::PGconn {
        self.0.as_ptr()
    }

    /// Whether the connection is open.
    pub(super) fn is_ok(&self) -> bool {
        // SAFETY: the connection is alive.
        unsafe { ffi::PQstatus(self.raw()) == ffi::ConnStatusType::CONNECTION_OK }
    }

    /// libpq's latest complaint.
    pub(super) fn message(&self) -> String {
        // SAFETY: the connection is alive; the text is copied before the next call.
        text(unsafe { ffi::PQerrorMessage(self.raw()) }).unwrap_or_default()
    }

    /// The socket, or -1.
    pub(super) fn socket(&self) -> c_int {
        // SAFETY: the connection is alive.
        unsafe { ffi::PQsocket(self.raw()) }
    }

    /// Host, or directory of the socket, as connected to.
    pub(super) fn host(&self) -> String {
        // SAFETY: the connection is alive; the text is copied.
        text(unsafe { ffi::PQhost(self.raw()) }).unwrap_or_default()
    }

    pub(super) fn port(&self) -> String {
        // SAFETY: the connection is alive; the text is copied.
        text(unsafe { ffi::PQport(self.raw()) }).unwrap_or_default()
    }

    pub(super) fn database(&self) -> String {
        // SAFETY: the connection is alive; the text is copied.
        text(unsafe { ffi::PQdb(self.raw()) }).unwrap_or_default()
    }

    pub(super) fn user(&self) -> String {
        // SAFETY: the connection is alive; the text is copied.
        text(unsafe { ffi::PQuser(self.raw()) }).unwrap_or_default()
    }

    /// Begins a simple query: one statement or several. `false` on failure.
    pub(super) fn send_query(&mut self, sql: &CStr) -> bool {
        // SAFETY: the connection is alive; `sql` ends with NUL.
        unsafe { ffi::PQsendQuery(self.raw(), sql.as_ptr()) == 1 }
    }

    /// Begins one statement with text parameters. `false` on failure.
    pub(super) fn send_params(&mut self, sql: &CStr, values: &[Option<CString>]) -> bool {
        let pointers: Vec<*const c_char> = values
            .iter()
            .map(|value| value.as_ref().map_or(ptr::null(), |value| value.as_ptr()))
            .collect();
        // At most a handful of parameters.
        let count = c_int::try_from(pointers.len()).unwrap_or(0);
        // SAFETY: the connection is alive; `pointers` has `count` entries, each null or a
        // NUL-terminated text; null for types, lengths and formats means text of a guessed type.
        let sent = unsafe {
            ffi::PQsendQueryParams(
                self.raw(),
                sql.as_ptr(),
                count,
                ptr::null(),
                pointers.as_ptr(),
                ptr::null(),
                ptr::null(),
                0,
            )
        };
        sent == 1
    }

    /// Sends what is buffered: 0 when all is sent, 1 when some is left, -1 on failure.
    pub(super) fn flush(&mut self) -> c_int {
        // SAFETY: the connection is alive.
        unsafe { ffi::PQflush(self.raw()) }
    }

    /// Takes in what has arrived. `false` on failure.
    pub(super) fn consume(&mut self) -> bool {
        // SAFETY: the connection is alive.
        unsafe { ffi::PQconsumeInput(self.raw()) == 1 }
    }

    /// Whether [`response`](Self::response) would wait.
    pub(super) fn is_busy(&mut self) -> bool {
        // SAFETY: the connection is alive.
        unsafe { ffi::PQisBusy(self.raw()) == 1 }
    }

    /// The next response; `None` after the last one of a query.
    pub(super) fn response(&mut self) -> Option<Response> {
        // SAFETY: the connection is alive; the result, if any, is ours to clear.
        NonNull::new(unsafe { ffi::PQgetResult(self.raw()) }).map(Response)
    }

    /// Hands over `COPY` data: 1 when taken, 0 when the buffer is full, -1 on failure.
    pub(super) fn put_copy(&mut self, data: &[u8]) -> c_int {
        let len = c_int::try_from(data.len()).unwrap_or(-1);
        // SAFETY: the connection is alive; `data` is `len` bytes, or `len` is negative, which libpq
        // refuses before it looks.
        unsafe { ffi::PQputCopyData(self.raw(), data.as_ptr().cast(), len) }
    }

    /// Ends a `COPY … FROM STDIN`, in failure when there is a reason; results as for data.
    pub(super) fn end_copy(&mut self, reason: Option<&CStr>) -> c_int {
        let reason = reason.map_or(ptr::null(), CStr::as_ptr);
        // SAFETY: the connection is alive; the reason is null or ends with NUL.
        unsafe { ffi::PQputCopyEnd(self.raw(), reason) }
    }

    /// The next row of a `COPY … TO STDOUT`, without waiting.
    pub(super) fn get_copy(&mut self) -> CopyOut {
        let mut start: *mut c_char = ptr::null_mut();
        // SAFETY: the connection is alive; `start` is a place for one pointer.
        let len = unsafe { ffi::PQgetCopyData(self.raw(), &raw mut start, 1) };
        match (usize::try_from(len), NonNull::new(start)) {
            (Ok(0), _) => CopyOut::Wait,
            (Ok(len), Some(start)) => CopyOut::Row(CopyRow { start, len }),
            _ => CopyOut::End,
        }
    }

    /// What it takes to stop the statement at hand. `None` when the connection is gone.
    pub(super) fn canceller(&self) -> Option<Cancel> {
        // SAFETY: the connection is alive; the object, if any, is ours to free.
        NonNull::new(unsafe { ffi::PQgetCancel(self.raw()) }).map(Cancel)
    }
}

impl Drop for Handle {
    fn drop(&mut self) {
        // SAFETY: made by `PQconnectdbParams`, finished once; responses and rows don't refer to it.
        unsafe { ffi::PQfinish(self.raw()) };
    }
}

impl Cancel {
    /// Asks the server to stop; whether it was asked. May wait for the network.
    pub(super) fn ask(&self) -> bool {
        let mut message = [0 as c_char; 256];
        // SAFETY: the object is alive; the buffer has as many bytes as its length says.
        unsafe { ffi::PQcancel(self.0.as_ptr(), message.as_mut_ptr(), message.len() as c_int) == 1 }
    }
}

impl Drop for Cancel {
    fn drop(&mut self) {
        // SAFETY: made by `PQgetCancel`, freed once.
        unsafe { ffi::PQfreeCancel(self.0.as_ptr()) };
    }
}

impl Response {
    fn raw(&self) -> *const ffi::PGresult {
        self.0.as_ptr()
    }

    pub(super) fn status(&self) -> Status {
        use ffi::ExecStatusType as Raw;
        // SAFETY: the result is alive.
        match unsafe { ffi::PQresultStatus(self.raw()) } {
            Raw::PGRES_COMMAND_OK | Raw::PGRES_EMPTY_QUERY => Status::Done,
            Raw::PGRES_TUPLES_OK => Status::Rows,
            Raw::PGRES_COPY_IN => Status::CopyIn,
            Raw::PGRES_COPY_OUT => Status::CopyOut,
            _ => Status::Failed,
        }
    }

    /// A part of the error report.
    pub(super) fn part(&self, part: Part) -> Option<String> {
        // SAFETY: the result is alive; the text belongs to it and is copied.
        text(unsafe { ffi::PQresultErrorField(self.raw(), c_int::from(part as u8)) })
    }

    /// The whole error report as one text.
    pub(super) fn message(&self) -> String {
        // SAFETY: the result is alive; the text belongs to it and is copied.
        text(unsafe { ffi::PQresultErrorMessage(self.raw()) }).unwrap_or_default()
    }

    /// Rows that a statement has changed or copied; 0 for others.
    pub(super) fn changed(&self) -> u64 {
        // SAFETY: the result is alive, and isn't modified although C's type says it may be; the
        // text belongs to it and is copied.
        let text = text(unsafe { ffi::PQcmdTuples(self.0.as_ptr()) });
        text.and_then(|text| text.parse().ok()).unwrap_or(0)
    }

    /// All rows, as texts.
    pub(super) fn rows(&self) -> Vec<Vec<Option<String>>> {
        // SAFETY: the result is alive.
        let rows = unsafe { ffi::PQntuples(self.raw()) };
        // SAFETY: the result is alive.
        let columns = unsafe { ffi::PQnfields(self.raw()) };
        (0..rows).map(|row| (0..columns).map(|column| self.value(row, column)).collect()).collect()
    }

    fn value(&self, row: c_int, column: c_int) -> Option<String> {
        // SAFETY: the result is alive; row and column are within it.
        if unsafe { ffi::PQgetisnull(self.raw(), row, column) } == 1 {
            return None;
        }
        // SAFETY: as above; the text belongs to the result and is copied.
        text(unsafe { ffi::PQgetvalue(self.raw(), row, column) })
    }

    /// Names and type numbers of the columns.
    pub(super) fn columns(&self) -> Vec<(String, u32)> {
        // SAFETY: the result is alive.
        let columns = unsafe { ffi::PQnfields(self.raw()) };
        (0..columns)
            .map(|column| {
                // SAFETY: the result is alive and has the column; the text is copied.
                let name = text(unsafe { ffi::PQfname(self.raw(), column) });
                // SAFETY: the result is alive and has the column.
                (name.unwrap_or_default(), unsafe { ffi::PQftype(self.raw(), column) })
            })
            .collect()
    }
}

impl Drop for Response {
    fn drop(&mut self) {
        // SAFETY: given out by libpq as ours, cleared once.
        unsafe { ffi::PQclear(self.0.as_ptr()) };
    }
}

impl CopyRow {
    pub(super) fn bytes(&self) -> &[u8] {
        // SAFETY: libpq said that `len` bytes begin there; they live until they are freed.
        unsafe { std::slice::from_raw_parts(self.start.as_ptr().cast(), self.len) }
    }
}

impl Drop for CopyRow {
    fn drop(&mut self) {
        // SAFETY: allocated by `PQgetCopyData` for us, freed once.
        unsafe { ffi::PQfreemem(self.start.as_ptr().cast()) };
    }
}

/// A copy of a C text; `None` for null.
fn text(pointer: *const c_char) -> Option<String> {
    if pointer.is_null() {
        return None;
    }
    // SAFETY: not null, and libpq's texts end with NUL; it is copied before libpq can change it.
    let text = unsafe { CStr::from_ptr(pointer) };
    Some(text.to_string_lossy().into_owned())
}
