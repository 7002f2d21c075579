//! From records to `COPY` data, in the workers.

mod array;
mod cell;
pub(super) mod number;
mod page;
#[cfg(feature = "csv")]
pub(super) mod pass;
mod plain;
mod span;
mod temporal;
mod text;
mod words;

pub use page::Page;
pub(super) use page::{Stretch, Writer};
pub(super) use plain::PlainRow;

use super::types::Column;
use crate::table::{self, Columns, lacking};
use serde::Serialize;
use std::sync::{Arc, OnceLock};
use trommel::{Error, ErrorKind, Result, Stage};

/// Encodes records for one table; made by the sink, shared by all workers.
#[derive(Debug, Clone, Default)]
pub struct Encoder {
    /// Empty until the table exists: rows are kept as plain values that long.
    pub(super) plan: Arc<OnceLock<Plan>>,
}

/// The table's columns, and the form in which it takes rows.
#[derive(Debug)]
pub(super) struct Plan {
    pub(super) table: String,
    pub(super) columns: Vec<Column>,
    /// The columns that the fields of a tuple go to.
    pub(super) places: Vec<u16>,
    /// Binary `COPY`; text otherwise.
    pub(super) binary: bool,
}

impl Plan {
    /// `declared` names the columns for tuples; without, all of the table's.
    pub(super) fn new(table: &str, columns: Vec<Column>, declared: &[String]) -> Result<Self> {
        if columns.len() > usize::from(u16::MAX >> 1) {
            return Err(Error::config(format!("table: `{table}` has too many columns")));
        }
        let binary = columns.iter().all(|column| column.kind.is_binary());
        let places = (0..columns.len() as u16).collect();
        let mut plan = Plan { table: table.to_owned(), columns, places, binary };
        if !declared.is_empty() {
            plan.check_exist(declared)?;
            plan.places = declared.iter().filter_map(|name| plan.find(name)).collect();
        }
        Ok(plan)
    }

    /// The column of this name; without regard to the case of ASCII letters when only one is meant.
    fn find(&self, name: &str) -> Option<u16> {
        let exact = self.columns.iter().position(|column| column.name == name);
        let found = exact.or_else(|| {
            let alike = |column: &Column| column.name.eq_ignore_ascii_case(name);
            let first = self.columns.iter().position(alike)?;
            (!self.columns[first + 1..].iter().any(alike)).then_some(first)
        });
        found.map(|index| index as u16)
    }

    /// The same, which must be there.
    pub(super) fn column(&self, name: &str) -> Result<u16> {
        self.find(name).ok_or_else(|| self.lacking(&[name]))
    }

    /// Whether the table has all columns of these names.
    fn check_exist<T: AsRef<str>>(&self, names: &[T]) -> Result<()> {
        let names = names.iter().map(AsRef::as_ref);
        let missing: Vec<&str> = names.filter(|name| self.find(name).is_none()).collect();
        if missing.is_empty() { Ok(()) } else { Err(self.lacking(&missing)) }
    }

    fn lacking(&self, missing: &[&str]) -> Error {
        let columns: Vec<&str> = self.columns.iter().map(|column| &*column.name).collect();
        lacking(&self.table, missing, &columns)
    }

    /// Why `record` can't go to the table at all: if columns are missing, all of them, of which
    /// `error` names the first.
    #[cold]
    fn explain<T: Serialize + ?Sized>(&self, record: &T, error: Error) -> Error {
        if error.kind() != ErrorKind::Config {
            return error;
        }
        let mut page = table::Page::default();
        // A record that is no row of plain values has the first one's error.
        _ = table::encode(&mut page, record);
        let missing = page.runs().find_map(|rows| match rows.columns() {
            Columns::Named(names) => self.check_exist(names).err(),
            Columns::Numbered(_) => None,
        });
        // The worker's part of storing, not of transforming.
        missing.unwrap_or(error).in_stage(Stage::Sink)
    }

    /// The column of a tuple's field at `index`.
    fn place(&self, index: usize) -> Result<u16> {
        self.places.get(index).copied().ok_or_else(|| {
            Error::config(format!(
                "column: the record is a tuple of more than the {} columns of `{}`: declare each \
                 (`column`), or give the fields names",
                self.places.len(),
                self.table
            ))
        })
    }
}

/// Appends `record` to the page, as `COPY` data once the table is known.
#[inline]
pub(super) fn encode<T: Serialize + ?Sized>(
    encoder: &Encoder,
    page: &mut Page,
    record: &T,
) -> Result<()> {
    match encoder.plan.get() {
        // A page that began with plain values stays one.
        Some(plan) if page.plain.rows_are_none() => {
            table::encode_into(&mut Writer::new(page, plan), record)
                .map_err(|error| plan.explain(record, error))
        }
        _ => table::encode(&mut page.plain, record),
    }
}
