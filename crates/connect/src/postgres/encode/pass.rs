//! Rows of CSV files as they are: each field to the column of its name, read as the column's type.
//!
//! A row counts as a record of `Option<&str>` fields, and is stored as one would be. What makes the
//! difference is that no field becomes a value of Rust on its way.

use super::cell::{Cell, append};
use super::page::{Page, Writer};
use super::temporal::Dates;
use super::{Encoder, Plan};
use crate::calendar;
use crate::csv::{self, FromField, Row, With};
use crate::encode::{Values, encode_into};
use crate::postgres::types::Type;
use crate::table;
use serde::ser::{Error as _, SerializeMap as _, SerializeTuple as _};
use serde::{Serialize, Serializer};
use std::sync::Arc;
use trommel::{Error, Result};

/// Kinds of rows that a page remembers from one use to the next: sources mostly have one.
const REMEMBERED: usize = 8;

/// The kinds of rows that a page has met.
#[derive(Debug, Default)]
pub(super) struct Bases {
    known: Vec<Base>,
    /// The one of the row before.
    latest: usize,
    dates: Dates,
}

#[derive(Debug)]
struct Base {
    /// Kept, so that no other can be at its address.
    shape: Arc<csv::Shape>,
    /// For each field.
    steps: Vec<Step>,
}

/// Where a field goes.
#[derive(Debug, Clone, Copy)]
struct Step {
    column: u16,
    form: Form,
}

/// The types that most values have.
#[derive(Debug, Clone, Copy)]
enum Form {
    Int2,
    Int4,
    Int8,
    Float8,
    /// Of any length.
    Text,
    /// With a time zone or without: what is read is UTC.
    Timestamp,
    Other,
}

impl Step {
    fn to(column: u16, plan: &Plan) -> Self {
        let form = match plan.columns[usize::from(column)].kind {
            Type::Int2 => Form::Int2,
            Type::Int4 => Form::Int4,
            Type::Int8 => Form::Int8,
            Type::Float8 => Form::Float8,
            Type::Text { max: None } => Form::Text,
            Type::Timestamp | Type::TimestampTz => Form::Timestamp,
            _ => Form::Other,
        };
        Step { column, form }
    }
}

impl Base {
    #[inline(always)]
    fn is_of(&self, row: &Row<'_>) -> bool {
        std::ptr::eq(&*self.shape, row.shape()) && self.steps.len() == row.len()
    }
}

impl Bases {
    /// Forgets when they are many; whether it did.
    pub(super) fn clear(&mut self) -> bool {
        let many = self.known.len() > REMEMBERED;
        if many {
            self.known.clear();
        }
        many
    }

    /// The columns of a row's fields, in their order.
    pub(super) fn columns(&self, base: Option<usize>) -> impl Iterator<Item = u16> {
        let steps = base.map_or(&[][..], |base| &self.known[base].steps);
        steps.iter().map(|step| step.column)
    }

    /// The number of the kind that `row` is of.
    #[inline(always)]
    fn find(&mut self, row: &Row<'_>, plan: &Plan) -> Result<usize> {
        match self.known.get(self.latest) {
            Some(base) if base.is_of(row) => Ok(self.latest),
            _ => self.meet(row, plan),
        }
    }

    #[cold]
    fn meet(&mut self, row: &Row<'_>, plan: &Plan) -> Result<usize> {
        if let Some(known) = self.known.iter().position(|base| base.is_of(row)) {
            self.latest = known;
            return Ok(known);
        }
        let names = named(row)?;
        let columns: Vec<u16> = match names {
            [] => (0..row.len()).map(|index| plan.place(index)).collect::<Result<_>>()?,
            names => names.iter().map(|name| plan.column(name)).collect::<Result<_>>()?,
        };
        let steps = columns.into_iter().map(|column| Step::to(column, plan)).collect();
        let Some(shape) = row.shared_shape() else { return Err(Error::fatal("a row of no file")) };
        self.known.push(Base { shape, steps });
        self.latest = self.known.len() - 1;
        Ok(self.latest)
    }
}

/// What the fields of a row are called; nothing when the file has no header.
fn named<'a>(row: &Row<'a>) -> Result<&'a [Box<str>]> {
    let names = row.shape().names();
    if !names.is_empty() && names.len() != row.len() {
        return Err(Error::row(format!(
            "the row has {} fields where the header names {}",
            row.len(),
            names.len()
        )));
    }
    Ok(names)
}

/// Appends `row` to the page.
#[inline]
pub(in crate::postgres) fn pass(encoder: &Encoder, page: &mut Page, row: Row<'_>) -> Result<()> {
    match encoder.plan.get() {
        Some(plan) if page.plain.rows_are_none() => {
            let mut writer = Writer::new(page, plan);
            writer.pass(row).map_err(|error| plan.explain(&Fields(row), error))?;
            writer.close(None).inspect_err(|_| writer.give_up())
        }
        _ => table::encode(&mut page.plain, &Fields(row)),
    }
}

/// Appends `row` and more fields behind its own to the page.
#[inline]
pub(in crate::postgres) fn pass_with<T: Serialize>(
    encoder: &Encoder,
    page: &mut Page,
    With { row, fields }: With<'_, T>,
) -> Result<()> {
    match encoder.plan.get() {
        Some(plan) if page.plain.rows_are_none() => {
            let mut writer = Writer::new(page, plan);
            let passed = writer.pass(row).and_then(|()| encode_into(&mut writer, &fields));
            passed.map_err(|error| plan.explain(&More { row: Fields(row), fields: &fields }, error))
        }
        _ => table::encode(&mut page.plain, &More { row: Fields(row), fields: &fields }),
    }
}

impl Writer<'_> {
    /// Appends the fields of a row. After an error the page is as it was.
    #[inline]
    fn pass(&mut self, row: Row<'_>) -> Result<()> {
        let base = self.page.bases.find(&row, self.plan)?;
        self.base = Some(base);
        self.open();
        let passed = match self.plan.binary {
            true => self.pass_binary(row, base),
            false => self.pass_text(row, base),
        };
        passed.map_err(|(field, error)| {
            self.give_up();
            if error.column().is_none() { row.in_column(error, field) } else { error }
        })
    }

    /// On failure also which field it was.
    #[inline]
    fn pass_binary(&mut self, row: Row<'_>, base: usize) -> Result<(), (usize, Error)> {
        let Page { data, scratch, bases, .. } = &mut *self.page;
        let Bases { known, dates, .. } = bases;
        let steps = &known[base].steps[..];
        let Some(fields) = row.plain_fields() else {
            return steps.iter().enumerate().try_for_each(|(index, step)| {
                closely(self.plan, step.column, row, index, (data, scratch))
            });
        };
        for (index, (step, field)) in steps.iter().zip(fields).enumerate() {
            let is_done = field.is_some_and(|field| put(step.form, data, field, dates));
            if !is_done {
                closely(self.plan, step.column, row, index, (data, scratch))?;
            }
        }
        Ok(())
    }

    fn pass_text(&mut self, row: Row<'_>, base: usize) -> Result<(), (usize, Error)> {
        for index in 0..row.len() {
            self.turn_to_column(self.page.bases.known[base].steps[index].column);
            let put = row.cell(index).and_then(|field| match field.is_null() {
                true => self.null(),
                false => self.text(field.str()?),
            });
            put.map_err(|error| (index, error))?;
        }
        Ok(())
    }
}

/// Appends a field of the usual form of its type; whether it was one. None of these is a null.
#[inline(always)]
fn put(form: Form, data: &mut Vec<u8>, field: csv::Plain<'_>, dates: &mut Dates) -> bool {
    match form {
        Form::Int4 => {
            let Some(number) = field.short_number() else { return false };
            append(data, number.to_be_bytes());
            true
        }
        Form::Text => put_text(data, field),
        Form::Other => false,
        _ => put_less_common(form, data, field, dates),
    }
}

/// The types that are not worth a place in the loop.
#[inline(never)]
fn put_less_common(
    form: Form,
    data: &mut Vec<u8>,
    field: csv::Plain<'_>,
    dates: &mut Dates,
) -> bool {
    if matches!(form, Form::Timestamp) {
        let usual = calendar::usual(field.bytes(), |date| dates.micros(date));
        let Some((micros, b"" | b"Z")) = usual else { return false };
        append(data, micros.to_be_bytes());
        return true;
    }
    let Some(number) = field.short_number() else { return false };
    match form {
        Form::Int8 => append(data, i64::from(number).to_be_bytes()),
        // Zero may be a negative one.
        Form::Float8 if number != 0 => append(data, f64::from(number).to_be_bytes()),
        Form::Int2 => match i16::try_from(number) {
            Ok(number) => append(data, number.to_be_bytes()),
            Err(_) => return false,
        },
        _ => return false,
    }
    true
}

/// Appends a text that is not null and not too long to be taken as one; whether it is one.
#[inline(always)]
fn put_text(data: &mut Vec<u8>, field: csv::Plain<'_>) -> bool {
    const SHORT: usize = 12;
    let length = field.length();
    if field.is_null() || length > i32::MAX as usize {
        return false;
    }
    match field.chunk::<SHORT>() {
        // A piece of fixed size, of which what is too much is cut off: most texts are shorter than
        // it takes to call for a copy of just their length.
        Some(chunk) if length <= SHORT => {
            let end = data.len() + 4 + length;
            let mut piece = [0; 4 + SHORT];
            piece[..4].copy_from_slice(&(length as u32).to_be_bytes());
            piece[4..].copy_from_slice(chunk);
            data.extend_from_slice(&piece);
            data.truncate(end);
        }
        _ => {
            data.extend_from_slice(&(length as u32).to_be_bytes());
            data.extend_from_slice(field.bytes());
        }
    }
    true
}

/// Appends a field that is not of the usual form: null, quoted, of another type, or bad.
#[inline(never)]
fn closely(
    plan: &Plan,
    column: u16,
    row: Row<'_>,
    index: usize,
    (out, scratch): (&mut Vec<u8>, &mut String),
) -> Result<(), (usize, Error)> {
    let column = &plan.columns[usize::from(column)];
    let mut cell = Cell { out, kind: &column.kind, declared: &column.declared, scratch };
    let put = row.cell(index).and_then(|field| match column.kind {
        _ if field.is_null() => cell.null(),
        // Read as quickly as where it is a value of Rust.
        Type::Float8 => match f64::from_field(field) {
            Ok(number) => cell.float(number),
            Err(_) => cell.text(field.str()?),
        },
        _ => cell.text(field.str()?),
    });
    put.map_err(|error| (index, error))
}

/// A row as a record, for a table that is not there yet.
struct Fields<'a>(Row<'a>);

/// The same with fields behind its own.
#[derive(Serialize)]
struct More<'a, T: Serialize> {
    #[serde(flatten)]
    row: Fields<'a>,
    #[serde(flatten)]
    fields: &'a T,
}

impl Serialize for Fields<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let Fields(row) = self;
        let value = |index: usize| row.get::<Option<&str>>(index).map_err(S::Error::custom);
        match named(row).map_err(S::Error::custom)? {
            [] => {
                let mut tuple = serializer.serialize_tuple(row.len())?;
                for index in 0..row.len() {
                    tuple.serialize_element(&value(index)?)?;
                }
                tuple.end()
            }
            names => {
                let mut map = serializer.serialize_map(Some(names.len()))?;
                for (index, name) in names.iter().enumerate() {
                    map.serialize_entry(name, &value(index)?)?;
                }
                map.end()
            }
        }
    }
}
