//! The caller's `user` pointer and the function that drops it, exactly once.

use std::ffi::c_void;

/// `void (*)(void *user)`.
pub(crate) type DropFn = unsafe extern "C-unwind" fn(*mut c_void);

/// The pointer that callbacks get; dropped with this.
#[derive(Debug)]
pub(crate) struct User {
    pointer: *mut c_void,
    drop: Option<DropFn>,
}

// SAFETY: the header demands that what `user` points to may be used, and dropped, on other threads
// than the one that handed it over; it says on which.
unsafe impl Send for User {}
// SAFETY: as above; where callbacks run concurrently (transforms) the header says so.
unsafe impl Sync for User {}

impl User {
    pub(crate) fn new(pointer: *mut c_void, drop: Option<DropFn>) -> Self {
        User { pointer, drop }
    }

    pub(crate) fn pointer(&self) -> *mut c_void {
        self.pointer
    }
}

impl Drop for User {
    fn drop(&mut self) {
        if let Some(drop) = self.drop {
            let pointer = self.pointer;
            // A destructor may run while another panic unwinds; a second one must not get out.
            let _ = std::panic::catch_unwind(|| {
                // SAFETY: the header obliges the caller that `drop` takes this pointer, once.
                unsafe { drop(pointer) }
            });
        }
    }
}
