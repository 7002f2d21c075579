//! Pages of columns: what a batch became on its way into a columnar file.

use super::column::{Column, Named};
use super::gather::Declared;
use super::value::ValueSerializer;
use crate::encode::{Fault, Rows, encode_into};
use arrow_array::RecordBatch;
use arrow_schema::Field;
use serde::Serialize;
use trommel::{Error, Page as _, Result};

/// Rows as columns under construction, or whole record batches.
#[derive(Debug, Default)]
pub struct Page {
    pub(crate) rows: usize,
    pub(crate) columns: Vec<Named>,
    pub(crate) batches: Vec<RecordBatch>,
    /// What the fields of the records were called, in their order, and their columns.
    order: Vec<Slot>,
    /// The name of the field at hand, in a record that is a map.
    key: String,
    /// Whether the columns were given, so that a record may not add any.
    is_fixed: bool,
    /// Types of columns that may come.
    declared: Vec<Field>,
    /// Bytes of a row whatever its values.
    width: usize,
    /// Bytes on top.
    variable: usize,
    /// Rows that the page had when it was last taken.
    expected: usize,
}

/// The place of a field among those of a record. Derived implementations pass the same literal each
/// time, so its address settles which column is meant.
#[derive(Debug, Clone, Copy)]
struct Slot {
    name: &'static str,
    column: usize,
}

impl Page {
    /// Appends a record as a row. After an error the page is as it was.
    #[inline]
    pub(crate) fn encode<T: Serialize + ?Sized>(&mut self, record: &T) -> Result<()> {
        encode_into(self, record)
    }

    /// Prepares an empty page for its first row.
    pub(crate) fn begin(&mut self, declared: &Declared) -> Result<()> {
        if self.declared.len() != declared.columns.len() {
            self.declared = declared.columns.clone();
        }
        if let Some(schema) = &declared.schema
            && !self.is_fixed
        {
            self.columns = schema
                .fields()
                .iter()
                .map(|field| Ok((field.name().as_str().into(), Column::of(field)?)))
                .collect::<Result<_>>()?;
            self.order.clear();
            self.is_fixed = true;
        }
        let rows = self.expected;
        self.columns.iter_mut().for_each(|(_, column)| column.reserve(rows));
        Ok(())
    }

    /// Takes the columns, leaving empty ones of the same names and types.
    pub(crate) fn take_columns(&mut self) -> Vec<Named> {
        self.expected = self.rows.next_multiple_of(64);
        self.rows = 0;
        self.variable = 0;
        // Taking all rows off leaves columns without memory, of the same types.
        self.columns
            .iter_mut()
            .map(|(name, column)| {
                let empty = column.split_off(column.len);
                (name.clone(), std::mem::replace(column, empty))
            })
            .collect()
    }

    /// Appends a whole record batch.
    pub(crate) fn push_batch(&mut self, batch: RecordBatch) {
        self.rows += batch.num_rows();
        self.variable += batch.get_array_memory_size();
        self.batches.push(batch);
    }

    fn measure(&mut self) {
        self.width = self.columns.iter().map(|(_, column)| column.width()).sum();
        let batches: usize = self.batches.iter().map(RecordBatch::get_array_memory_size).sum();
        let columns = self.columns.iter().map(|(_, column)| column.variable_bytes());
        self.variable = batches + columns.sum::<usize>();
    }
}

impl trommel::Page for Page {
    fn clear(&mut self) {
        self.batches.clear();
        self.columns.iter_mut().for_each(|(_, column)| column.truncate(0));
        self.rows = 0;
        self.variable = 0;
    }

    fn bytes(&self) -> usize {
        self.rows * self.width + self.variable
    }

    /// Batches before it when the page holds such, else rows before it.
    fn mark(&self) -> usize {
        if self.columns.is_empty() { self.batches.len() } else { self.rows }
    }

    fn rewind(&mut self, mark: usize) {
        if self.columns.is_empty() {
            self.batches.truncate(mark);
            self.rows = self.batches.iter().map(RecordBatch::num_rows).sum();
        } else {
            self.columns.iter_mut().for_each(|(_, column)| column.truncate(mark));
            self.rows = mark;
        }
        self.measure();
    }
}

impl Page {
    #[inline(always)]
    fn push<T: Serialize + ?Sized>(&mut self, column: usize, value: &T) -> Result<()> {
        let (name, column) = &mut self.columns[column];
        if column.len > self.rows {
            return Err(twice(name));
        }
        let serializer = ValueSerializer { column, bytes: &mut self.variable };
        match value.serialize(serializer) {
            Ok(()) => Ok(()),
            Err(fault) => Err(in_column(fault, name)),
        }
    }

    #[cold]
    fn resolve(&mut self, index: usize, name: &'static str) -> Result<usize> {
        let column = self.find(name)?;
        self.order.truncate(index);
        if self.order.len() == index {
            self.order.push(Slot { name, column });
        }
        Ok(column)
    }

    /// The column of this name, a new one if need be.
    fn find(&mut self, name: &str) -> Result<usize> {
        if let Some(index) = self.columns.iter().position(|(known, _)| **known == *name) {
            return Ok(index);
        }
        if self.is_fixed {
            let names: Vec<&str> = self.columns.iter().map(|(name, _)| &**name).collect();
            return Err(Error::config(format!(
                "the record's field `{name}` has no column in the schema; columns are: {}",
                names.join(", ")
            )));
        }
        let mut column = Column::nulls(self.rows);
        if let Some(field) = self.declared.iter().find(|field| *field.name() == name) {
            column.become_type(field)?;
        }
        self.columns.push((name.into(), column));
        Ok(self.columns.len() - 1)
    }
}

impl Rows for Page {
    type Mark = ();
    /// Fields so far.
    type Names = usize;

    #[inline]
    fn begin(&mut self) -> Result<((), usize)> {
        Ok(((), 0))
    }

    #[inline(always)]
    fn field<T: Serialize + ?Sized>(
        &mut self,
        fields: &mut usize,
        name: &'static str,
        value: &T,
    ) -> Result<()> {
        let column = match self.order.get(*fields) {
            Some(slot) if std::ptr::eq(slot.name, name) => slot.column,
            _ => self.resolve(*fields, name)?,
        };
        *fields += 1;
        self.push(column, value)
    }

    fn key(&mut self) -> &mut String {
        &mut self.key
    }

    fn entry<T: Serialize + ?Sized>(&mut self, fields: &mut usize, value: &T) -> Result<()> {
        let column = match self.columns.get(*fields) {
            Some((name, _)) if **name == *self.key => *fields,
            _ => self.find(&self.key.clone())?,
        };
        *fields += 1;
        self.push(column, value)
    }

    /// A value without a name goes to the column of its place, which is called by its number when
    /// it is new.
    #[inline]
    fn place<T: Serialize + ?Sized>(&mut self, fields: &mut usize, value: &T) -> Result<()> {
        let index = *fields;
        *fields += 1;
        let column = match index < self.columns.len() {
            true => index,
            false => self.find(&fields.to_string())?,
        };
        self.push(column, value)
    }

    #[inline]
    fn end(&mut self, (): &(), fields: usize) -> Result<()> {
        if fields != self.columns.len() || self.rows == 0 {
            for (name, column) in &mut self.columns {
                if column.len == self.rows {
                    column.push_null().map_err(|error| error.in_column(&**name))?;
                }
            }
            self.width = self.columns.iter().map(|(_, column)| column.width()).sum();
        }
        if self.columns.is_empty() {
            return Err(Error::row("a record without fields has nothing to store"));
        }
        self.rows += 1;
        Ok(())
    }

    #[inline]
    fn end_places(&mut self, (): &(), fields: usize) -> Result<()> {
        self.end(&(), fields)
    }

    fn give_up(&mut self, (): ()) {
        self.rewind(self.rows);
    }
}

#[cold]
fn in_column(fault: Fault, name: &str) -> Error {
    Error::from(fault).in_column(name)
}

#[cold]
fn twice(name: &str) -> Error {
    Error::row("two fields of the record have the same name: rename one of them").in_column(name)
}
