//! Pointers from C, made into references. Each kind of pointer that the header has is a type here,
//! and nothing outside this file reads through one.
//!
//! Only a C caller makes such values, and `trommel.h` obliges it: a handle is one that a
//! `trommel_*_new` answered and nobody has freed, a text ends in NUL, an output can be written to.

use crate::error::Failure;
use crate::handle::Handle;
use std::ffi::{CStr, c_char};

/// A handle, borrowed for the length of one call.
#[derive(Debug)]
#[repr(transparent)]
pub(crate) struct Ref<T>(*const T);

impl<T> Clone for Ref<T> {
    fn clone(&self) -> Self {
        *self
    }
}

impl<T> Copy for Ref<T> {}

impl<T: Handle> Ref<T> {
    /// The handle, if it is one.
    pub(crate) fn get<'a>(self) -> Result<&'a T, Failure> {
        if self.0.is_null() {
            return Err(Failure::null(T::NAME));
        }
        crate::handle::check(self.0)?;
        // SAFETY: not NULL, and the caller vouches that it is a handle which no one frees during
        // the call. All its state is behind locks, so that shared references suffice.
        Ok(unsafe { &*self.0 })
    }

    /// What lies within another handle, or is one: not NULL is all that is looked at.
    pub(crate) fn get_part<'a>(self) -> Option<&'a T> {
        // SAFETY: NULL becomes `None`; otherwise the caller vouches that it is, or is part of, a
        // handle which no one frees during the call.
        unsafe { self.0.as_ref() }
    }

    /// The handle's address, to be freed.
    pub(crate) fn address(self) -> *mut T {
        self.0.cast_mut()
    }
}

/// Where a result goes. It is written only on success.
#[derive(Debug)]
#[repr(transparent)]
pub(crate) struct Out<T>(*mut T);

impl<T> Out<T> {
    pub(crate) fn none() -> Self {
        Out(std::ptr::null_mut())
    }

    /// Refuses NULL; to be asked before any work is done.
    pub(crate) fn required(self, name: &'static str) -> Result<Self, Failure> {
        if self.0.is_null() { Err(Failure::null(name)) } else { Ok(self) }
    }

    /// Whether there is a place to write to.
    pub(crate) fn is_wanted(&self) -> bool {
        !self.0.is_null()
    }

    /// Writes, unless it is NULL.
    pub(crate) fn set(self, value: T) {
        if !self.0.is_null() {
            // SAFETY: the caller vouches that a T can be written here; nothing is read or dropped.
            unsafe { self.0.write(value) };
        }
    }
}

/// A text that ends in NUL.
#[derive(Debug, Clone, Copy)]
#[repr(transparent)]
pub(crate) struct Text(*const c_char);

impl Text {
    /// The text, which must be there and be UTF-8.
    pub(crate) fn get<'a>(self, name: &'static str) -> Result<&'a str, Failure> {
        self.optional(name)?.ok_or_else(|| Failure::null(name))
    }

    /// The text; `None` when the pointer is NULL.
    pub(crate) fn optional<'a>(self, name: &'static str) -> Result<Option<&'a str>, Failure> {
        if self.0.is_null() {
            return Ok(None);
        }
        // SAFETY: not NULL; the caller vouches that it ends in NUL and stays during the call.
        let text = unsafe { CStr::from_ptr(self.0) };
        match text.to_str() {
            Ok(text) => Ok(Some(text)),
            Err(error) => Err(Failure::argument(format!("{name} is not UTF-8: {error}"))),
        }
    }

    /// As [`optional`](Self::optional); bytes that are not UTF-8 are replaced.
    pub(crate) fn lossy(self) -> String {
        if self.0.is_null() {
            return String::new();
        }
        // SAFETY: not NULL; the caller vouches that it ends in NUL and stays during the call.
        unsafe { CStr::from_ptr(self.0) }.to_string_lossy().into_owned()
    }
}

/// Structs that begin with their size in bytes, as the caller's header has it.
///
/// # Safety
/// The type is `repr(C)`, begins with a `u32` for the size, and any bytes that a caller puts into it
/// make a value of it: numbers, pointers, nullable functions.
pub(crate) unsafe trait Sized32: Copy {
    /// The least size that a version of this library has published.
    const LEAST: usize;
    /// What it is called in C.
    const NAME: &'static str;
}

/// A struct that the caller has filled.
#[derive(Debug)]
#[repr(transparent)]
pub(crate) struct Given<T>(*const T);

impl<T: Sized32> Given<T> {
    /// A copy, with zeros where the caller's version is shorter.
    pub(crate) fn get(self) -> Result<T, Failure> {
        self.optional()?.ok_or_else(|| Failure::null(T::NAME))
    }

    /// A copy; `None` when the pointer is NULL.
    pub(crate) fn optional(self) -> Result<Option<T>, Failure> {
        if self.0.is_null() {
            return Ok(None);
        }
        let size = declared_size::<T>(self.0)?;
        let mut copy = std::mem::MaybeUninit::<T>::zeroed();
        let (from, to) = (self.0.cast::<u8>(), copy.as_mut_ptr().cast::<u8>());
        // SAFETY: the caller vouches for `size` readable bytes; `size` is at most that of T, and
        // `copy` is a place of this function's own.
        unsafe { std::ptr::copy_nonoverlapping(from, to, size.min(size_of::<T>())) };
        // SAFETY: zeros and the caller's bytes make a T (`Sized32`).
        Ok(Some(unsafe { copy.assume_init() }))
    }
}

/// A struct that the caller wants filled; it has set the size.
#[derive(Debug)]
#[repr(transparent)]
pub(crate) struct Wanted<T>(*mut T);

impl<T: Sized32> Wanted<T> {
    /// Refuses NULL and sizes that can't be; to be asked before any work is done.
    pub(crate) fn required(self) -> Result<Self, Failure> {
        if self.0.is_null() {
            return Err(Failure::null(T::NAME));
        }
        self.checked()
    }

    /// As [`required`](Self::required), but NULL is fine.
    pub(crate) fn checked(self) -> Result<Self, Failure> {
        if !self.0.is_null() {
            declared_size(self.0.cast_const())?;
        }
        Ok(self)
    }

    /// Writes as much as the caller's version has room for, and leaves its size as it is.
    pub(crate) fn set(self, value: &T) {
        if self.0.is_null() {
            return;
        }
        let Ok(size) = declared_size(self.0.cast_const()) else { return };
        let header = size_of::<u32>();
        let from = std::ptr::from_ref(value).cast::<u8>().wrapping_add(header);
        let to = self.0.cast::<u8>().wrapping_add(header);
        let bytes = size.min(size_of::<T>()) - header;
        // SAFETY: `size` is at least LEAST, which is more than the header; both sides have `bytes`
        // bytes behind it, and the caller's struct is no object of this library.
        unsafe { std::ptr::copy_nonoverlapping(from, to, bytes) };
    }
}

fn declared_size<T: Sized32>(given: *const T) -> Result<usize, Failure> {
    // SAFETY: the caller vouches that the struct begins with its size; read without regard to
    // alignment, so that a wrong pointer cast shows as a wrong size.
    let size = unsafe { given.cast::<u32>().read_unaligned() } as usize;
    // A struct from a later version is longer; one of many kilobytes is a mistake.
    if size < T::LEAST || size > 4096 {
        return Err(Failure::size(T::NAME, size, size_of::<T>()));
    }
    Ok(size)
}

/// Bytes of the caller: `length` bytes at `start`. `None` when `start` is NULL and `length` is not 0.
#[inline]
pub(crate) fn bytes<'a>(start: *const u8, length: usize) -> Option<&'a [u8]> {
    if length == 0 {
        return Some(&[]);
    }
    if start.is_null() || isize::try_from(length).is_err() {
        return None;
    }
    // SAFETY: not NULL, not longer than memory can be; the caller vouches for the bytes during the
    // call.
    Some(unsafe { std::slice::from_raw_parts(start, length) })
}

/// Items of the caller, as [`bytes`].
pub(crate) fn items<'a, T: Copy>(start: *const T, count: usize) -> Option<&'a [T]> {
    if count == 0 {
        return Some(&[]);
    }
    let fits = count.checked_mul(size_of::<T>()).is_some_and(|size| isize::try_from(size).is_ok());
    if start.is_null() || !start.is_aligned() || !fits {
        return None;
    }
    // SAFETY: not NULL, aligned, not longer than memory can be; the caller vouches for the items
    // during the call.
    Some(unsafe { std::slice::from_raw_parts(start, count) })
}
