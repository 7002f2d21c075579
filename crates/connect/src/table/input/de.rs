//! A row as input of `serde`.

use super::field::{FromValue, is_not};
use super::row::Row;
use crate::decode::{Cells, Fault, Plain, PlainDecoder, Read};
use crate::table::Value;
use serde::de::Visitor;
use trommel::{Error, Result};

impl<'a> Cells<'a> for Row<'a> {
    type Cell = PlainDecoder<Value<'a>>;

    fn count(&self) -> usize {
        self.len()
    }
    fn name(&self, index: usize) -> Option<&'a str> {
        self.names().nth(index)
    }
    /// All: a query names what it wants.
    fn wanted(self, _: &'static [&'static str]) -> impl Iterator<Item = Result<usize>> {
        (0..self.len()).map(Ok)
    }
    fn missing(&self, name: &str) -> Error {
        match self.shape().column(name) {
            Err(error) => error,
            Ok(_) => Error::row("the value is missing").in_column(name),
        }
    }
    #[inline(always)]
    fn cell(&self, index: usize) -> Result<Self::Cell> {
        match self.value(index) {
            Ok(value) => Ok(PlainDecoder(value)),
            Err(error) => Err(Row::in_column(self, error, index)),
        }
    }
    fn in_column(&self, error: Error, index: usize) -> Error {
        Row::in_column(self, error, index)
    }
}

impl<'a, T: FromValue<'a>> Read<T> for Value<'a> {
    #[inline(always)]
    fn read(self) -> Result<T> {
        T::from_value(self)
    }
}

impl<'a> Plain<'a> for Value<'a> {
    #[inline(always)]
    fn is_null(self) -> bool {
        matches!(self, Value::Null)
    }

    fn is_not(self, expected: &str) -> Error {
        is_not(self, expected)
    }

    fn blob(self) -> Option<&'a [u8]> {
        match self {
            Value::Blob(bytes) => Some(bytes),
            _ => None,
        }
    }

    fn any<V: Visitor<'a>>(self, visitor: V) -> Result<V::Value, Fault> {
        match self {
            Value::Null => visitor.visit_unit(),
            Value::Int(number) => visitor.visit_i64(number),
            Value::Float(number) => visitor.visit_f64(number),
            Value::Text(text) => visitor.visit_borrowed_str(text),
            Value::Blob(bytes) => visitor.visit_borrowed_bytes(bytes),
        }
    }
}
