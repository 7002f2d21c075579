//! Where the fields of records go: plain values, or a destination's own format.

use super::layouts::Layouts;
use serde::Serialize;
use std::fmt::Display;
use trommel::{Error, Result};

/// Takes the values of fields, one after the other.
///
/// After an error the row is given up, so what a value has left behind doesn't matter.
pub(crate) trait Values {
    fn null(&mut self) -> Result<()>;
    fn bool(&mut self, value: bool) -> Result<()>;
    fn int(&mut self, number: i64) -> Result<()>;
    /// A whole number beyond `i64`.
    fn big(&mut self, number: i128) -> Result<()>;
    /// A whole number of a type that reaches beyond `i128`.
    fn huge(&mut self, number: u128) -> Result<()> {
        if let Ok(number) = number.try_into() {
            return self.int(number);
        }
        match number.try_into() {
            Ok(number) => self.big(number),
            Err(_) => Err(Error::row("a number of more than 128 bits")),
        }
    }
    fn float(&mut self, number: f64) -> Result<()>;
    /// A float of 32 bits, whose shortest decimal form differs from that of the same `f64`.
    fn float32(&mut self, number: f32) -> Result<()> {
        self.float(number.into())
    }
    fn text(&mut self, text: &str) -> Result<()>;
    fn display<D: Display + ?Sized>(&mut self, value: &D) -> Result<()>;
    fn blob(&mut self, bytes: &[u8]) -> Result<()>;
    /// A struct, sequence, map or enum variant with content.
    fn nested<T: Serialize + ?Sized>(&mut self, value: &T) -> Result<()>;
}

/// Takes records.
pub(crate) trait Target: Values {
    /// What it takes to give a row up.
    type Mark;

    fn layouts(&mut self) -> &mut Layouts;

    fn begin_row(&mut self) -> Result<Self::Mark>;

    /// Announces the value of a named field. `as_latest`: all names of this row, up to this one,
    /// are those of the row before.
    #[inline]
    fn field(&mut self, index: usize, as_latest: bool, name: &str) -> Result<()> {
        let _ = (index, as_latest, name);
        Ok(())
    }

    /// Announces the value of the field of `layouts().key`.
    fn key_field(&mut self, index: usize, as_latest: bool) -> Result<()> {
        let _ = (index, as_latest);
        Ok(())
    }

    /// Announces the value of a field without a name.
    #[inline]
    fn place(&mut self, index: usize, as_latest: bool) -> Result<()> {
        let _ = (index, as_latest);
        Ok(())
    }

    fn end_row(&mut self, mark: &Self::Mark, layout: usize) -> Result<()>;

    /// Ends a row without a field of its own.
    #[cold]
    fn end_empty_row(&mut self, mark: &Self::Mark) -> Result<()> {
        let _ = mark;
        Err(Error::row("a record without fields has nothing to store"))
    }

    fn give_up_row(&mut self, mark: Self::Mark);
}
