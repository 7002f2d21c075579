//! A value of a row with columns, as C sees it.

use crate::error::Failure;
use crate::numbers::kind;
use engine::Bump;
use std::fmt;

/// `trommel_value`: 16 bytes.
#[derive(Clone, Copy)]
#[repr(C)]
pub(crate) struct Value {
    kind: u32,
    /// Bytes of a text or blob.
    length: u32,
    content: Content,
}

#[derive(Clone, Copy)]
#[repr(C)]
union Content {
    integer: i64,
    real: f64,
    data: *const u8,
}

// SAFETY: what `data` points to lies in the batch or arena that the value travels with, or is the
// caller's and, as the header demands, stays until the run has ended.
unsafe impl Send for Value {}
// SAFETY: as above; nothing is changed through `data`.
unsafe impl Sync for Value {}

/// What a value is.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) enum Known<'a> {
    Null,
    Integer(i64),
    Real(f64),
    Text(&'a [u8]),
    Blob(&'a [u8]),
}

impl Value {
    pub(crate) const NULL: Value =
        Value { kind: kind::NULL, length: 0, content: Content { integer: 0 } };

    pub(crate) fn integer(integer: i64) -> Self {
        Value { kind: kind::INTEGER, length: 0, content: Content { integer } }
    }

    pub(crate) fn real(real: f64) -> Self {
        Value { kind: kind::REAL, length: 0, content: Content { real } }
    }

    /// A text that the value's holder keeps alive; `None` beyond 4 GiB.
    pub(crate) fn text(text: &str) -> Option<Self> {
        Self::bytes(kind::TEXT, text.as_bytes())
    }

    /// As [`text`](Self::text), for bytes.
    pub(crate) fn blob(bytes: &[u8]) -> Option<Self> {
        Self::bytes(kind::BLOB, bytes)
    }

    fn bytes(kind: u32, bytes: &[u8]) -> Option<Self> {
        let length = u32::try_from(bytes.len()).ok()?;
        Some(Value { kind, length, content: Content { data: bytes.as_ptr() } })
    }

    /// A copy whose text or bytes lie in `arena`.
    pub(crate) fn copy_in(&self, arena: &Bump) -> Result<Value, Failure> {
        let refused = || Failure::argument("a value has an unknown kind or a NULL pointer");
        match self.content().ok_or_else(refused)? {
            Known::Text(text) | Known::Blob(text) => {
                let data = arena.alloc_slice_copy(text).as_ptr();
                Ok(Value { content: Content { data }, ..*self })
            }
            _ => Ok(*self),
        }
    }

    /// What it is; `None` when the kind is unknown or the pointer NULL.
    #[inline(always)]
    pub(crate) fn content<'a>(&self) -> Option<Known<'a>> {
        match self.kind {
            kind::NULL => Some(Known::Null),
            kind::INTEGER => {
                // SAFETY: 8 bytes of the union are initialised in every value, and any are an i64.
                Some(Known::Integer(unsafe { self.content.integer }))
            }
            kind::REAL => {
                // SAFETY: as above, for an f64.
                Some(Known::Real(unsafe { self.content.real }))
            }
            kind::TEXT | kind::BLOB => {
                // SAFETY: as above; the kind says that it is a pointer.
                let data = unsafe { self.content.data };
                let bytes = crate::cast::bytes(data, self.length as usize)?;
                Some(match self.kind {
                    kind::TEXT => Known::Text(bytes),
                    _ => Known::Blob(bytes),
                })
            }
            _ => None,
        }
    }
}

impl fmt::Debug for Value {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.content().fmt(f)
    }
}

/// Who has had a value in hands.
#[cfg_attr(not(feature = "connect"), allow(dead_code, reason = "only connectors make values"))]
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Maker {
    /// This library alone, so that a text is UTF-8.
    Library,
    /// C too.
    Caller,
}

#[cfg(feature = "connect")]
impl Value {
    /// As one field.
    #[inline(always)]
    pub(crate) fn serialize<S: serde::Serializer>(
        &self,
        maker: Maker,
        serializer: S,
    ) -> Result<S::Ok, S::Error> {
        use serde::ser::Error;
        match self.content() {
            Some(Known::Null) => serializer.serialize_none(),
            Some(Known::Integer(number)) => serializer.serialize_i64(number),
            Some(Known::Real(number)) => serializer.serialize_f64(number),
            Some(Known::Text(text)) if maker == Maker::Library => {
                // SAFETY: here a text is made by `Value::text` alone, of a `str`.
                serializer.serialize_str(unsafe { std::str::from_utf8_unchecked(text) })
            }
            Some(Known::Text(text)) => match std::str::from_utf8(text) {
                Ok(text) => serializer.serialize_str(text),
                Err(error) => Err(Error::custom(format_args!("a text is not UTF-8: {error}"))),
            },
            Some(Known::Blob(bytes)) => serializer.serialize_bytes(bytes),
            None => Err(Error::custom("a value has an unknown kind or a NULL pointer")),
        }
    }
}

const _: () = assert!(size_of::<Value>() == 16 || cfg!(target_pointer_width = "32"));
