//! Field formats that make a line of NDJSON short and repeatable.

use std::collections::{BTreeMap, HashMap};

use serde::{Serialize, Serializer};

/// Writes a map in the order of its keys; the hasher's order differs from run to run.
pub(super) fn sorted<S: Serializer, V: Serialize>(
    map: &HashMap<String, V>,
    to: S,
) -> Result<S::Ok, S::Error> {
    map.iter().collect::<BTreeMap<_, _>>().serialize(to)
}

/// Bytes as lower-case hexadecimal text: two letters a byte, where a list of numbers takes four.
pub(super) mod hex {
    use std::fmt;

    use serde::de::{Error, Visitor};
    use serde::{Deserializer, Serializer};

    const DIGITS: &[u8; 16] = b"0123456789abcdef";

    pub(in crate::wide) fn serialize<S: Serializer>(
        bytes: &[u8],
        to: S,
    ) -> Result<S::Ok, S::Error> {
        let mut text = String::with_capacity(2 * bytes.len());
        for byte in bytes {
            text.push(char::from(DIGITS[usize::from(byte >> 4)]));
            text.push(char::from(DIGITS[usize::from(byte & 15)]));
        }
        to.serialize_str(&text)
    }

    pub(in crate::wide) fn deserialize<'de, D: Deserializer<'de>>(
        from: D,
    ) -> Result<Vec<u8>, D::Error> {
        from.deserialize_str(HexVisitor)
    }

    struct HexVisitor;

    impl Visitor<'_> for HexVisitor {
        type Value = Vec<u8>;

        fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
            f.write_str("hexadecimal digits, two a byte")
        }

        fn visit_str<E: Error>(self, text: &str) -> Result<Vec<u8>, E> {
            let digit = |letter: u8| {
                char::from(letter).to_digit(16).ok_or_else(|| E::custom("no hexadecimal digit"))
            };
            let (pairs, rest) = text.as_bytes().as_chunks::<2>();
            if !rest.is_empty() {
                return Err(E::custom("an odd number of hexadecimal digits"));
            }
            pairs.iter().map(|&[high, low]| Ok((digit(high)? << 4 | digit(low)?) as u8)).collect()
        }
    }
}
