//! What a timestamp and a decimal are made of, as serde hands it over.

use super::column::Column;
use crate::encode::Values;
use serde::Serialize;
use std::fmt::Display;
use trommel::{Error, Result};

/// Takes the value within a newtype of [`types`](super::types) into a column.
pub(super) struct Single<'c>(pub(super) &'c mut Column);

impl Single<'_> {
    fn refuse(&self) -> Result<()> {
        Err(Error::row("neither a number of microseconds nor a decimal number"))
    }
}

impl Values for Single<'_> {
    fn int(&mut self, micros: i64) -> Result<()> {
        self.0.push_timestamp(micros)
    }
    fn text(&mut self, decimal: &str) -> Result<()> {
        self.0.push_decimal(decimal.parse()?)
    }
    fn display<D: Display + ?Sized>(&mut self, value: &D) -> Result<()> {
        self.text(&value.to_string())
    }
    fn null(&mut self) -> Result<()> {
        self.refuse()
    }
    fn bool(&mut self, _: bool) -> Result<()> {
        self.refuse()
    }
    fn big(&mut self, _: i128) -> Result<()> {
        self.refuse()
    }
    fn float(&mut self, _: f64) -> Result<()> {
        self.refuse()
    }
    fn blob(&mut self, _: &[u8]) -> Result<()> {
        self.refuse()
    }
    fn nested<T: Serialize + ?Sized>(&mut self, _: &T) -> Result<()> {
        self.refuse()
    }
}
