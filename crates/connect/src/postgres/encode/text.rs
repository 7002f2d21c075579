//! One value in the text form of `COPY`, for tables that have a type without a binary form here.
//!
//! The server reads every value by itself; what it can't read is found by bisection.

use super::words::truth;
use crate::postgres::types::Type;
use crate::table::{Values, write_json};
use serde::Serialize;
use serde_json::Value;
use std::fmt::{Display, Write as _};
use trommel::{Error, Result};

/// Appends values of one type.
pub(super) struct TextCell<'p> {
    pub(super) out: &'p mut Vec<u8>,
    pub(super) kind: &'p Type,
    pub(super) scratch: &'p mut String,
}

impl TextCell<'_> {
    fn put(&mut self, text: &str) -> Result<()> {
        for byte in text.bytes() {
            match byte {
                0 => {
                    return Err(Error::row(
                        "the text has a NUL byte, which PostgreSQL doesn't store: remove it",
                    ));
                }
                b'\\' => self.out.extend_from_slice(b"\\\\"),
                b'\n' => self.out.extend_from_slice(b"\\n"),
                b'\r' => self.out.extend_from_slice(b"\\r"),
                b'\t' => self.out.extend_from_slice(b"\\t"),
                byte => self.out.push(byte),
            }
        }
        Ok(())
    }

    fn put_scratch(&mut self, write: impl FnOnce(&mut String) -> Result<()>) -> Result<()> {
        let mut text = std::mem::take(self.scratch);
        text.clear();
        let put = write(&mut text).and_then(|()| self.put(&text));
        *self.scratch = text;
        put
    }
}

impl Values for TextCell<'_> {
    fn null(&mut self) -> Result<()> {
        self.out.extend_from_slice(b"\\N");
        Ok(())
    }
    fn bool(&mut self, value: bool) -> Result<()> {
        match self.kind {
            Type::Bool | Type::Text { .. } | Type::Json | Type::Jsonb | Type::Other => {
                self.put(if value { "true" } else { "false" })
            }
            _ => self.int(value.into()),
        }
    }
    fn int(&mut self, number: i64) -> Result<()> {
        self.put(itoa::Buffer::new().format(number))
    }
    fn big(&mut self, number: i128) -> Result<()> {
        self.put(itoa::Buffer::new().format(number))
    }
    fn float(&mut self, number: f64) -> Result<()> {
        let whole = matches!(self.kind, Type::Int2 | Type::Int4 | Type::Int8);
        if whole && number.fract() == 0.0 && number.abs() < 9.2e18 {
            return self.int(number as i64);
        }
        self.put(zmij::Buffer::new().format(number))
    }
    fn float32(&mut self, number: f32) -> Result<()> {
        self.put(zmij::Buffer::new().format(number))
    }
    fn text(&mut self, text: &str) -> Result<()> {
        match (self.kind, truth(text)) {
            (Type::Bool, Some(value)) => self.bool(value),
            (Type::Bytea, _) => self.blob(text.as_bytes()),
            _ => self.put(text),
        }
    }
    fn display<D: Display + ?Sized>(&mut self, value: &D) -> Result<()> {
        self.put_scratch(|text| Ok(write!(text, "{value}")?))
    }
    fn blob(&mut self, bytes: &[u8]) -> Result<()> {
        if !matches!(self.kind, Type::Bytea) {
            let text = std::str::from_utf8(bytes)
                .map_err(|_| Error::row("the bytes are not valid UTF-8"))?;
            return self.put(text);
        }
        self.out.extend_from_slice(b"\\\\x");
        for byte in bytes {
            let digit = |value: u8| b"0123456789abcdef"[usize::from(value)];
            self.out.extend_from_slice(&[digit(byte >> 4), digit(byte & 15)]);
        }
        Ok(())
    }
    fn nested<T: Serialize + ?Sized>(&mut self, value: &T) -> Result<()> {
        if !matches!(self.kind, Type::Array { .. }) {
            return self.put_scratch(|text| write_json(text, value));
        }
        let value = serde_json::to_value(value).map_err(|error| {
            Error::row("the nested value can't be written as an array").caused_by(error)
        })?;
        if !value.is_array() {
            return Err(Error::row("an array column takes sequences"));
        }
        self.put_scratch(|text| {
            literal(text, &value);
            Ok(())
        })
    }
}

/// An array as PostgreSQL writes one: `{1,NULL,"a \"b\""}`.
fn literal(text: &mut String, value: &Value) {
    match value {
        Value::Array(elements) => {
            text.push('{');
            for (index, element) in elements.iter().enumerate() {
                if index > 0 {
                    text.push(',');
                }
                literal(text, element);
            }
            text.push('}');
        }
        Value::Null => text.push_str("NULL"),
        Value::String(element) => quote(text, element),
        other => quote(text, &other.to_string()),
    }
}

fn quote(text: &mut String, element: &str) {
    text.push('"');
    for character in element.chars() {
        if matches!(character, '"' | '\\') {
            text.push('\\');
        }
        text.push(character);
    }
    text.push('"');
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn escapes_what_copy_and_arrays_read_otherwise() {
        let (mut out, mut scratch) = (Vec::new(), String::new());
        let mut cell =
            TextCell { out: &mut out, kind: &Type::Text { max: None }, scratch: &mut scratch };
        cell.text("a\\b\tc\nd\\N").unwrap();
        assert_eq!(out, b"a\\\\b\\tc\\nd\\\\N");
        let mut text = String::new();
        literal(&mut text, &serde_json::json!([["a,b", null], ["\"q\\", 1]]));
        assert_eq!(text, r#"{{"a,b",NULL},{"\"q\\","1"}}"#);
    }
}
