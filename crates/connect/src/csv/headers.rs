//! Column names, and the ways to say which column.

use super::row::Row;
use crate::nearest;
use std::collections::HashMap;
use trommel::{Error, ErrorKind, Result};

/// Column names, listed at most, in an error message.
const LISTED: usize = 60;

/// A column of a [`Source`](super::Source), found once by name with
/// [`Source::column`](super::Source::column): the cheapest way to say which field of a row is meant.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Column(pub(super) u32);

impl Column {
    /// Index of the column, from 0.
    pub fn index(self) -> usize {
        self.0 as usize
    }
}

/// Says which field of a row: its name (`&str`), its index from 0 (`usize`), or a [`Column`].
///
/// A name costs a few nanoseconds more than an index: it is looked up once per batch buffer and
/// then only compared.
pub trait Field: sealed::Resolve {}

impl<T: sealed::Resolve> Field for T {}

pub(super) mod sealed {
    use super::{Column, Result, Row};

    pub trait Resolve: Copy {
        #[doc(hidden)]
        fn resolve(self, row: &Row<'_>) -> Result<usize>;
    }

    impl Resolve for usize {
        #[inline(always)]
        fn resolve(self, _: &Row<'_>) -> Result<usize> {
            Ok(self)
        }
    }

    impl Resolve for Column {
        #[inline(always)]
        fn resolve(self, _: &Row<'_>) -> Result<usize> {
            Ok(self.index())
        }
    }

    impl Resolve for &str {
        #[inline(always)]
        fn resolve(self, row: &Row<'_>) -> Result<usize> {
            row.column(self)
        }
    }

    impl Resolve for &String {
        #[inline(always)]
        fn resolve(self, row: &Row<'_>) -> Result<usize> {
            row.column(self)
        }
    }
}

/// The names, in order, and where each is.
#[derive(Debug, Default)]
pub(super) struct Headers {
    pub(super) names: Vec<Box<str>>,
    /// The first column of each name, and how many columns have it.
    index: HashMap<Box<str>, (u32, u32)>,
}

impl Headers {
    pub(super) fn new(names: Vec<Box<str>>) -> Self {
        let mut index = HashMap::with_capacity(names.len());
        for (column, name) in (0..).zip(&names) {
            index.entry(name.clone()).or_insert((column, 0)).1 += 1;
        }
        Headers { names, index }
    }

    pub(super) fn name(&self, column: usize) -> Option<&str> {
        self.names.get(column).map(|name| &**name)
    }

    /// The column called `name`; `None` when there is none, an error when there are several.
    pub(super) fn find(&self, name: &str, source: &str) -> Result<Option<u32>> {
        match self.index.get(name) {
            Some((column, 1)) => Ok(Some(*column)),
            Some((first, count)) => Err(Error::new(
                ErrorKind::Config,
                format!(
                    "{count} columns of {source} are called `{name}` (the first is {first}, \
                     counted from 0): use the index"
                ),
            )),
            None => Ok(None),
        }
    }

    /// As [`find`](Self::find), but there must be one.
    pub(super) fn require(&self, name: &str, source: &str) -> Result<u32> {
        let missing = || Error::new(ErrorKind::Config, self.missing(name, source));
        self.find(name, source)?.ok_or_else(missing)
    }

    fn missing(&self, name: &str, source: &str) -> String {
        if self.names.is_empty() {
            return format!(
                "no column `{name}`: {source} has no header; use an index, or name the columns \
                 with `headers`"
            );
        }
        if let [only] = &*self.names
            && let Some(other) = other_delimiter(only)
        {
            return format!(
                "no column `{name}` in {source}: its header is one name, `{only}`; set `delimiter` \
                 to `{}`",
                other.escape_default()
            );
        }
        let mut message = format!("no column `{name}` in {source}; ");
        if let Some(near) = nearest(name, self.names.iter().map(|name| &**name)) {
            message.push_str("did you mean `");
            message.push_str(near);
            message.push_str("`? ");
        }
        message.push_str("columns are: ");
        message.push_str(&self.names[..self.names.len().min(LISTED)].join(", "));
        if self.names.len() > LISTED {
            message.push_str(&format!(" and {} more", self.names.len() - LISTED));
        }
        message
    }
}

/// What may stand between fields, if a name that should be several has it.
pub(super) fn other_delimiter(name: &str) -> Option<char> {
    name.chars().find(|sign| matches!(sign, ';' | '\t' | '|' | ','))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_unknown_name_is_answered_with_the_nearest() {
        let names = ["air_time", "arr_time", "distance"].map(Into::into).to_vec();
        let headers = Headers::new(names);
        assert_eq!(headers.require("distance", "f").unwrap(), 2);
        let error = headers.require("airtime", "f").unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Config);
        assert_eq!(
            error.message(),
            "no column `airtime` in f; did you mean `air_time`? columns are: air_time, arr_time, \
             distance"
        );
        let error = headers.require("carrier", "f").unwrap_err();
        assert!(!error.message().contains("did you mean"), "{error}");
    }

    #[test]
    fn a_name_used_twice_is_ambiguous() {
        let headers = Headers::new(["a", "b", "a"].map(Into::into).to_vec());
        let error = headers.require("a", "f").unwrap_err();
        assert!(error.message().starts_with("2 columns of f are called `a`"), "{error}");
        assert_eq!(headers.require("b", "f").unwrap(), 1);
    }

    #[test]
    fn a_header_that_was_not_cut_names_the_delimiter() {
        let headers = Headers::new(vec!["id;name".into()]);
        let error = headers.require("name", "f").unwrap_err();
        assert!(error.message().ends_with("`id;name`; set `delimiter` to `;`"), "{error}");
    }
}
