//! A row as input of `serde`.

use super::cell::Cell;
use super::field::FromField;
use super::row::Row;
use crate::decode::{Cells, Fault, Plain, PlainDecoder, Read};
use serde::de::Visitor;
use trommel::{Error, Result};

impl<'a> Cells<'a> for Row<'a> {
    type Cell = PlainDecoder<Cell<'a>>;

    fn count(&self) -> usize {
        self.len()
    }
    fn has_names(&self) -> bool {
        !self.shape().headers.names.is_empty()
    }
    fn name(&self, index: usize) -> Option<&'a str> {
        self.shape().headers.name(index)
    }
    /// Only what the struct asks for is looked at, whatever else the file holds.
    #[inline]
    fn wanted(self, fields: &'static [&'static str]) -> impl Iterator<Item = Result<usize>> {
        let mut fields = fields.iter();
        std::iter::from_fn(move || {
            loop {
                match self.find_column(fields.next()?) {
                    Ok(Some(column)) if column < self.len() => return Some(Ok(column)),
                    Ok(_) => {}
                    Err(error) => return Some(Err(error)),
                }
            }
        })
    }
    /// The same answer as for `get`, which knows the columns there are.
    fn missing(&self, name: &str) -> Error {
        match self.column(name) {
            Err(error) => error,
            Ok(index) => {
                let message = "the record is too short for this field";
                Row::in_column(self, Error::row(message), index)
            }
        }
    }
    #[inline(always)]
    fn cell(&self, index: usize) -> Result<Self::Cell> {
        Row::cell(self, index).map(PlainDecoder)
    }
    fn in_column(&self, error: Error, index: usize) -> Error {
        Row::in_column(self, error, index)
    }
}

impl<'a, T: FromField<'a>> Read<T> for Cell<'a> {
    #[inline(always)]
    fn read(self) -> Result<T> {
        T::from_field(self)
    }
}

impl<'a> Plain<'a> for Cell<'a> {
    #[inline(always)]
    fn is_null(self) -> bool {
        Cell::is_null(&self)
    }

    fn is_not(self, expected: &str) -> Error {
        Cell::is_not(&self, expected)
    }

    /// Any field may as well be text.
    fn blob(self) -> Option<&'a [u8]> {
        None
    }

    /// Null, boolean, whole number, number, or else text.
    fn any<V: Visitor<'a>>(self, visitor: V) -> Result<V::Value, Fault> {
        if Cell::is_null(&self) {
            return visitor.visit_unit();
        }
        match self.bytes() {
            b"true" => return visitor.visit_bool(true),
            b"false" => return visitor.visit_bool(false),
            [b'0'..=b'9' | b'-' | b'+' | b'.', ..] => {}
            _ => return visitor.visit_borrowed_str(self.str()?),
        }
        if let Ok(number) = u64::from_field(self) {
            return visitor.visit_u64(number);
        }
        if let Ok(number) = i64::from_field(self) {
            return visitor.visit_i64(number);
        }
        if let Ok(number) = f64::from_field(self) {
            return visitor.visit_f64(number);
        }
        visitor.visit_borrowed_str(self.str()?)
    }
}
