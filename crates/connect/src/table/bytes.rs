//! Fields of bytes, both ways: `#[serde(with = "trommel_connect::table::bytes")]`.
//!
//! serde takes `Vec<u8>` for a list of numbers, which databases and CSV get as JSON text. With this a
//! field is stored as the bytes that it is: a BLOB, `bytea`, Arrow's `Binary`, a field of CSV. It
//! reads back what was stored either way.
//!
//! ```
//! # use serde::{Deserialize, Serialize};
//! #[derive(Serialize, Deserialize)]
//! struct Image {
//!     #[serde(with = "trommel_connect::table::bytes")]
//!     pixels: Vec<u8>,
//! }
//! ```

use serde::de::{Deserializer, Error, SeqAccess, Visitor};
use serde::ser::Serializer;
use std::fmt;

/// As [`blob`](super::blob).
///
/// # Errors
/// Whatever the serializer says.
pub fn serialize<S: Serializer>(
    bytes: &impl AsRef<[u8]>,
    serializer: S,
) -> Result<S::Ok, S::Error> {
    super::blob(bytes, serializer)
}

/// Of bytes, of a text's bytes, or of a list of numbers below 256.
///
/// # Errors
/// Whatever the deserializer says, and that it is none of these.
pub fn deserialize<'de, T, D>(deserializer: D) -> Result<T, D::Error>
where
    T: From<Vec<u8>>,
    D: Deserializer<'de>,
{
    deserializer.deserialize_byte_buf(Bytes).map(T::from)
}

struct Bytes;

impl<'de> Visitor<'de> for Bytes {
    type Value = Vec<u8>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("bytes")
    }
    fn visit_bytes<E: Error>(self, bytes: &[u8]) -> Result<Vec<u8>, E> {
        Ok(bytes.to_vec())
    }
    fn visit_byte_buf<E: Error>(self, bytes: Vec<u8>) -> Result<Vec<u8>, E> {
        Ok(bytes)
    }
    fn visit_str<E: Error>(self, text: &str) -> Result<Vec<u8>, E> {
        Ok(text.as_bytes().to_vec())
    }
    fn visit_seq<A: SeqAccess<'de>>(self, mut numbers: A) -> Result<Vec<u8>, A::Error> {
        let mut bytes = Vec::new();
        while let Some(byte) = numbers.next_element()? {
            bytes.push(byte);
        }
        Ok(bytes)
    }
}
