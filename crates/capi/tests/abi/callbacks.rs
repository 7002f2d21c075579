//! Callbacks that follow a script: a byte a call says what it does.

use super::{Batch, Call, Page, Progress, Value, c};
use std::ffi::{c_int, c_void};
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, AtomicU64, AtomicUsize, Ordering};

/// What `user` points to.
#[derive(Debug)]
pub(crate) struct User {
    script: Vec<u8>,
    next: AtomicUsize,
    /// Rows that a source has left.
    left: AtomicI64,
    record_size: usize,
    /// Rows that a sink has taken.
    written: Arc<AtomicU64>,
    /// Users that were not dropped yet.
    alive: Arc<AtomicUsize>,
}

const END: c_int = 1;
const TRANSIENT: c_int = 12;
const IO: c_int = 13;

impl User {
    pub(crate) fn hand_out(
        script: Vec<u8>,
        rows: u16,
        record_size: u32,
        written: &Arc<AtomicU64>,
        alive: &Arc<AtomicUsize>,
    ) -> *mut c_void {
        alive.fetch_add(1, Ordering::SeqCst);
        Box::into_raw(Box::new(User {
            script,
            next: AtomicUsize::new(0),
            left: AtomicI64::new(rows.into()),
            record_size: record_size as usize,
            written: Arc::clone(written),
            alive: Arc::clone(alive),
        }))
        .cast()
    }

    fn step(&self) -> u8 {
        self.script.get(self.next.fetch_add(1, Ordering::Relaxed)).copied().unwrap_or(0)
    }

    /// What any callback may do; `Some` is its answer.
    fn common(&self, step: u8, call: *mut Call) -> Option<c_int> {
        match step {
            200 => return Some(77),
            201 => {
                c!(trommel_call_fail(call, c"as the script says".as_ptr()));
                return Some(-1);
            }
            202 => {
                c!(trommel_call_cancel(call));
            }
            203 => return Some(TRANSIENT),
            204 => return Some(IO),
            // Not through the panic hook, which ends a fuzzer.
            205 => std::panic::resume_unwind(Box::new("as the script says")),
            206 => {
                c!(trommel_call_fail(call, std::ptr::null()));
                c!(trommel_call_is_cancelled(call));
            }
            // Of another kind of callback, perhaps.
            207 => {
                c!(trommel_call_push(call, b"pushed".as_ptr().cast(), 6));
                c!(trommel_call_emit(call, 0, b"emitted".as_ptr().cast(), 7));
                c!(trommel_call_emit_values(call, 0, std::ptr::null(), 0));
                c!(trommel_call_commit(call, 0, 1));
                c!(trommel_call_reject(call, 0, std::ptr::null()));
                c!(trommel_call_reserve(call, usize::MAX));
            }
            _ => {}
        }
        None
    }
}

fn user<'a>(pointer: *mut c_void) -> &'a User {
    // SAFETY: `User::hand_out` made it, and the library drops it after its last callback.
    unsafe { &*pointer.cast() }
}

pub(crate) unsafe extern "C-unwind" fn drop_user(pointer: *mut c_void) {
    // SAFETY: `User::hand_out` made it, and the library drops it once.
    let user: Box<User> = unsafe { Box::from_raw(pointer.cast()) };
    user.alive.fetch_sub(1, Ordering::SeqCst);
}

pub(crate) unsafe extern "C-unwind" fn fill(
    pointer: *mut c_void,
    records: *mut c_void,
    room: usize,
    count: *mut usize,
    call: *mut Call,
) -> c_int {
    let (user, step) = (user(pointer), user(pointer).step());
    if let Some(code) = user.common(step, call) {
        return code;
    }
    match step {
        210 => return END,
        // No record, and it is asked again.
        211 => return 0,
        212 => {
            // More than there is room for, said and not done.
            // SAFETY: the engine's place for the count.
            unsafe { *count = room + 1 };
            return 0;
        }
        _ => {}
    }
    let wanted = [1, 2, 100, usize::MAX][usize::from(step % 4)];
    let left = user.left.load(Ordering::Relaxed) as usize;
    let size = user.record_size;
    let came = if size == 0 { wanted.min(40) } else { wanted.min(room) }.min(left);
    if size == 0 {
        let bytes = [step; 64];
        for length in 0..came {
            c!(trommel_call_push(call, bytes.as_ptr().cast(), length));
        }
    } else {
        // All of the room may be written to.
        // SAFETY: the engine has that much room.
        unsafe { records.cast::<u8>().write_bytes(step, room * size) };
        // SAFETY: the engine's place for the count.
        unsafe { *count = came };
    }
    user.left.fetch_sub(came as i64, Ordering::Relaxed);
    if came == left { END } else { 0 }
}

/// Reads every byte of `records`, so that a checker sees each.
fn look(records: *const c_void, count: usize, stride: usize, ends: *const usize) -> u64 {
    let length = if ends.is_null() {
        count * stride
    } else {
        let last = ends.wrapping_add(count.saturating_sub(1));
        // SAFETY: as many ends as there are records, which is not 0.
        if count == 0 { 0 } else { unsafe { *last } }
    };
    if length == 0 {
        return 0;
    }
    // SAFETY: the engine has handed out that many bytes.
    let bytes = unsafe { std::slice::from_raw_parts(records.cast::<u8>(), length) };
    bytes.iter().map(|byte| u64::from(*byte)).sum()
}

pub(crate) unsafe extern "C-unwind" fn apply(
    pointer: *mut c_void,
    batch: *mut Batch,
    call: *mut Call,
) -> c_int {
    let (user, step) = (user(pointer), user(pointer).step());
    // SAFETY: the engine's batch, alive during the call.
    let batch = unsafe { &mut *batch };
    std::hint::black_box(look(batch.records, batch.count, batch.stride, batch.ends));
    // SAFETY: one for each row.
    let verdicts = unsafe { std::slice::from_raw_parts_mut(batch.verdicts, batch.count) };
    if let Some(code) = user.common(step, call) {
        return code;
    }
    let bytes = [step; 64];
    let size = user.record_size.min(64);
    if !batch.output.is_null() {
        // SAFETY: room for that many records of the output.
        unsafe { batch.output.cast::<u8>().write_bytes(step, batch.count * batch.output_stride) };
    }
    let values = strange_values(step);
    for (row, verdict) in verdicts.iter_mut().enumerate() {
        match step % 16 {
            1 => *verdict = (row % 4) as u8,
            2 => *verdict = (row % 2) as u8,
            3 if row % 100 == 99 => *verdict = step,
            4 => {
                c!(trommel_call_emit(call, row, bytes.as_ptr().cast(), size));
            }
            // Backwards, which is refused.
            5 => {
                c!(trommel_call_emit(call, batch.count - row, bytes.as_ptr().cast(), size));
            }
            6 => {
                let room = c!(trommel_call_reserve(call, size + row % 9));
                if !room.is_null() {
                    // SAFETY: the engine has that much room.
                    unsafe { room.cast::<u8>().write_bytes(step, size) };
                }
                c!(trommel_call_commit(call, row, size));
            }
            7 if row % 3 == 0 => {
                c!(trommel_call_reject(call, row, c"bad".as_ptr()));
            }
            8 => {
                for _ in 0..row % 3 {
                    c!(trommel_call_emit_values(call, row, values.as_ptr(), 1 + row % 2));
                }
            }
            // Rejected and emitted, whatever that may mean.
            9 => {
                c!(trommel_call_reject(call, batch.count - 1 - row, std::ptr::null()));
                c!(trommel_call_emit(call, row, bytes.as_ptr().cast(), size));
            }
            10 if batch.columns > 0 => {
                // SAFETY: the engine's values, `columns` to a row.
                let cell =
                    unsafe { batch.records.cast::<Value>().add(row * batch.columns as usize) };
                // SAFETY: as above.
                unsafe { cell.write(values[row % 2]) };
            }
            11 if batch.columns == 0 && batch.stride > 0 => {
                // SAFETY: a record of the engine's, to be changed in place.
                let record = unsafe { batch.records.cast::<u8>().add(row * batch.stride) };
                // SAFETY: as above.
                unsafe { record.write_bytes(step, batch.stride) };
            }
            _ => {}
        }
    }
    0
}

/// Two values, good and bad ones.
fn strange_values(step: u8) -> [Value; 2] {
    let of =
        |kind, data: &'static [u8]| Value { kind, length: data.len() as u32, data: data.as_ptr() };
    let number =
        Value { kind: 1, length: 0, data: std::ptr::without_provenance(usize::from(step)) };
    let null_text = Value { kind: 3, length: 5, data: std::ptr::null() };
    match step / 16 % 8 {
        0 => [number, of(3, b"text")],
        1 => [of(3, b""), of(4, b"\xff\x00")],
        2 => [of(3, b"\xff is not UTF-8"), number],
        3 => [null_text, number],
        4 => [Value { kind: 77, ..number }, number],
        5 => [Value { kind: 2, ..number }, Value { kind: 0, ..null_text }],
        6 => [number, Value { kind: u32::MAX, length: u32::MAX, data: std::ptr::null() }],
        _ => [number, number],
    }
}

pub(crate) unsafe extern "C-unwind" fn write(
    pointer: *mut c_void,
    page: *const Page,
    call: *mut Call,
) -> c_int {
    let (user, step) = (user(pointer), user(pointer).step());
    // SAFETY: the engine's page, alive during the call.
    let page = unsafe { &*page };
    std::hint::black_box(look(page.records, page.count, page.stride, page.ends));
    if let Some(code) = user.common(step, call) {
        return code;
    }
    user.written.fetch_add(page.count as u64, Ordering::Relaxed);
    0
}

/// Commit, finish and abort.
pub(crate) unsafe extern "C-unwind" fn step(pointer: *mut c_void, call: *mut Call) -> c_int {
    let user = user(pointer);
    user.common(user.step(), call).unwrap_or(0)
}

pub(crate) unsafe extern "C-unwind" fn on_progress(
    pointer: *mut c_void,
    progress: *const Progress,
) -> c_int {
    // SAFETY: the engine's, alive during the call.
    let progress = unsafe { &*progress };
    assert_eq!(progress.size as usize, size_of::<Progress>());
    match user(pointer).step() {
        205 => std::panic::resume_unwind(Box::new("as the script says")),
        step => c_int::from(step > 240),
    }
}
