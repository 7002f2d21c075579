//! Pages of columns: what a batch became on its way into a columnar file.

use super::column::{Column, Named};
use super::gather::Declared;
use super::value::{Fault, ValueSerializer};
use arrow_array::RecordBatch;
use arrow_schema::Field;
use serde::Serialize;
use serde::ser::{self, Impossible};
use trommel::{Error, ErrorKind, Page as _, Result};

/// Rows as columns under construction, or whole record batches.
#[derive(Debug, Default)]
pub struct Page {
    pub(crate) rows: usize,
    pub(crate) columns: Vec<Named>,
    pub(crate) batches: Vec<RecordBatch>,
    /// What the fields of the records were called, in their order, and their columns.
    order: Vec<Slot>,
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
        match record.serialize(RecordSerializer(self)) {
            Ok(()) => {
                self.rows += 1;
                Ok(())
            }
            Err(Fault(error)) => {
                self.rewind(self.rows);
                Err(error)
            }
        }
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

/// A row under construction.
struct Row<'p> {
    page: &'p mut Page,
    /// Fields so far.
    fields: usize,
    /// The key of a map.
    key: String,
}

impl<'p> Row<'p> {
    fn new(page: &'p mut Page) -> Self {
        Row { page, fields: 0, key: String::new() }
    }

    #[inline]
    fn field<T: Serialize + ?Sized>(&mut self, name: &'static str, value: &T) -> Result<(), Fault> {
        let slot = self.page.order.get(self.fields);
        let column = match slot {
            Some(slot) if std::ptr::eq(slot.name, name) => slot.column,
            _ => self.resolve(name)?,
        };
        self.fields += 1;
        self.push(column, value)
    }

    #[inline]
    fn push<T: Serialize + ?Sized>(&mut self, index: usize, value: &T) -> Result<(), Fault> {
        let page = &mut *self.page;
        let (name, column) = &mut page.columns[index];
        if column.len > page.rows {
            return Err(Fault(twice(name)));
        }
        let serializer = ValueSerializer { column, bytes: &mut page.variable };
        value.serialize(serializer).map_err(|Fault(error)| Fault(error.in_column(&**name)))
    }

    #[cold]
    fn resolve(&mut self, name: &'static str) -> Result<usize, Fault> {
        let column = self.column(name)?;
        self.page.order.truncate(self.fields);
        if self.page.order.len() == self.fields {
            self.page.order.push(Slot { name, column });
        }
        Ok(column)
    }

    /// The column of this name, a new one if need be.
    fn column(&mut self, name: &str) -> Result<usize, Fault> {
        let page = &mut *self.page;
        if let Some(index) = page.columns.iter().position(|(known, _)| **known == *name) {
            return Ok(index);
        }
        if page.is_fixed {
            let names: Vec<&str> = page.columns.iter().map(|(name, _)| &**name).collect();
            let message = format!(
                "the record's field `{name}` has no column in the schema; columns are: {}",
                names.join(", ")
            );
            return Err(Fault(Error::new(ErrorKind::Config, message)));
        }
        let mut column = Column::nulls(page.rows);
        if let Some(field) = page.declared.iter().find(|field| *field.name() == name) {
            column.become_type(field)?;
        }
        page.columns.push((name.into(), column));
        Ok(page.columns.len() - 1)
    }

    fn end_row(self) -> Result<(), Fault> {
        let page = self.page;
        let rows = page.rows + 1;
        if self.fields != page.columns.len() || page.rows == 0 {
            for (name, column) in &mut page.columns {
                if column.len < rows {
                    column.push_null().map_err(|error| error.in_column(&**name))?;
                }
            }
            page.width = page.columns.iter().map(|(_, column)| column.width()).sum();
        }
        if page.columns.is_empty() {
            return Err(Fault(Error::row("a record without fields has nothing to store")));
        }
        Ok(())
    }

    /// A value without a name goes to the column of its place, which is called by its number when
    /// it is new.
    fn place<T: Serialize + ?Sized>(&mut self, value: &T) -> Result<(), Fault> {
        let index = self.fields;
        self.fields += 1;
        if index >= self.page.columns.len() {
            self.column(&self.fields.to_string())?;
        }
        self.push(index, value)
    }
}

#[cold]
fn twice(name: &str) -> Error {
    Error::row("two fields of the record have the same name: rename one of them").in_column(name)
}

impl ser::SerializeStruct for Row<'_> {
    type Ok = ();
    type Error = Fault;
    #[inline]
    fn serialize_field<T: Serialize + ?Sized>(
        &mut self,
        name: &'static str,
        value: &T,
    ) -> Result<(), Fault> {
        self.field(name, value)
    }
    fn skip_field(&mut self, name: &'static str) -> Result<(), Fault> {
        self.field(name, &())
    }
    #[inline]
    fn end(self) -> Result<(), Fault> {
        self.end_row()
    }
}

impl ser::SerializeMap for Row<'_> {
    type Ok = ();
    type Error = Fault;
    fn serialize_key<T: Serialize + ?Sized>(&mut self, key: &T) -> Result<(), Fault> {
        // A key is a value of a column of its own.
        let mut column = Column::default();
        key.serialize(ValueSerializer { column: &mut column, bytes: &mut 0 })?;
        self.key = column
            .into_text()
            .ok_or_else(|| Fault(Error::row("the keys of a map must be texts to name columns")))?;
        Ok(())
    }
    fn serialize_value<T: Serialize + ?Sized>(&mut self, value: &T) -> Result<(), Fault> {
        let key = std::mem::take(&mut self.key);
        let column = self.column(&key)?;
        self.fields += 1;
        self.push(column, value)
    }
    fn end(self) -> Result<(), Fault> {
        self.end_row()
    }
}

macro_rules! by_place {
    ($($trait:ident::$method:ident),*) => {$(
        impl ser::$trait for Row<'_> {
            type Ok = ();
            type Error = Fault;
            fn $method<T: Serialize + ?Sized>(&mut self, value: &T) -> Result<(), Fault> {
                self.place(value)
            }
            fn end(self) -> Result<(), Fault> {
                self.end_row()
            }
        }
    )*};
}
by_place! {
    SerializeSeq::serialize_element,
    SerializeTuple::serialize_element,
    SerializeTupleStruct::serialize_field
}

struct RecordSerializer<'p>(&'p mut Page);

#[cold]
fn refused(what: &str) -> Fault {
    Fault(Error::row(format!(
        "{what} is not a record: emit a struct, a map or a tuple (an enum with \
         `#[serde(untagged)]` or `#[serde(tag = \"…\")]`)"
    )))
}

macro_rules! refuse {
    ($($what:literal: $method:ident($($type:ty),*) -> $ok:ty),* $(,)?) => {$(
        fn $method(self, $(_: $type),*) -> Result<$ok, Fault> {
            Err(refused($what))
        }
    )*};
}

impl<'p> ser::Serializer for RecordSerializer<'p> {
    type Ok = ();
    type Error = Fault;
    type SerializeSeq = Row<'p>;
    type SerializeTuple = Row<'p>;
    type SerializeTupleStruct = Row<'p>;
    type SerializeTupleVariant = Impossible<(), Fault>;
    type SerializeMap = Row<'p>;
    type SerializeStruct = Row<'p>;
    type SerializeStructVariant = Impossible<(), Fault>;

    #[inline]
    fn serialize_struct(self, _name: &'static str, _len: usize) -> Result<Row<'p>, Fault> {
        Ok(Row::new(self.0))
    }
    fn serialize_map(self, _len: Option<usize>) -> Result<Row<'p>, Fault> {
        Ok(Row::new(self.0))
    }
    fn serialize_seq(self, _len: Option<usize>) -> Result<Row<'p>, Fault> {
        Ok(Row::new(self.0))
    }
    fn serialize_tuple(self, _len: usize) -> Result<Row<'p>, Fault> {
        Ok(Row::new(self.0))
    }
    fn serialize_tuple_struct(self, _name: &'static str, _len: usize) -> Result<Row<'p>, Fault> {
        Ok(Row::new(self.0))
    }
    fn serialize_newtype_struct<T: Serialize + ?Sized>(
        self,
        _name: &'static str,
        value: &T,
    ) -> Result<(), Fault> {
        value.serialize(self)
    }
    fn serialize_some<T: Serialize + ?Sized>(self, value: &T) -> Result<(), Fault> {
        value.serialize(self)
    }
    refuse! {
        "a boolean": serialize_bool(bool) -> (),
        "a number": serialize_i8(i8) -> (),
        "a number": serialize_i16(i16) -> (),
        "a number": serialize_i32(i32) -> (),
        "a number": serialize_i64(i64) -> (),
        "a number": serialize_u8(u8) -> (),
        "a number": serialize_u16(u16) -> (),
        "a number": serialize_u32(u32) -> (),
        "a number": serialize_u64(u64) -> (),
        "a number": serialize_f32(f32) -> (),
        "a number": serialize_f64(f64) -> (),
        "a character": serialize_char(char) -> (),
        "a text": serialize_str(&str) -> (),
        "a byte string": serialize_bytes(&[u8]) -> (),
        "`None`": serialize_none() -> (),
        "`()`": serialize_unit() -> (),
        "a unit struct": serialize_unit_struct(&'static str) -> (),
        "a unit variant": serialize_unit_variant(&'static str, u32, &'static str) -> (),
        "a tuple variant": serialize_tuple_variant(&'static str, u32, &'static str, usize)
            -> Impossible<(), Fault>,
        "a struct variant": serialize_struct_variant(&'static str, u32, &'static str, usize)
            -> Impossible<(), Fault>,
    }
    fn serialize_newtype_variant<T: Serialize + ?Sized>(
        self,
        _name: &'static str,
        _index: u32,
        _variant: &'static str,
        _value: &T,
    ) -> Result<(), Fault> {
        Err(refused("a newtype variant"))
    }
}
