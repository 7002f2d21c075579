//! A record, as serde hands it over, becomes one row of a page.

use super::page::{Cell, Columns, Page};
use super::value::{self, Fault};
use serde::Serialize;
use serde::ser::{self, Impossible};
use std::borrow::Cow;
use trommel::{Error, Page as _, Result};

/// Appends `record` as a row. After an error the page is as it was.
///
/// # Errors
/// Row errors, which name the column: a number beyond `i64`, a nested value that has no JSON form,
/// and whatever is not a struct, a map or a tuple.
#[inline]
pub fn encode<T: Serialize + ?Sized>(page: &mut Page, record: &T) -> Result<()> {
    let (start, text, bytes) = (page.mark(), page.text.len(), page.bytes.len());
    match record.serialize(RecordSerializer(page)) {
        Ok(()) => Ok(()),
        Err(fault) => {
            page.rewind(start);
            // What was pushed without becoming a cell.
            page.text.truncate(text);
            page.bytes.truncate(bytes);
            Err(match fault {
                Fault::Row(error) => error,
                Fault::Nested => refused("an unusual value"),
            })
        }
    }
}

#[cold]
fn refused(what: &str) -> Error {
    Error::row(format!(
        "{what} is not a record: emit a struct, a map or a tuple (an enum with \
         `#[serde(untagged)]` or `#[serde(tag = \"…\")]`)"
    ))
}

/// A row under construction.
///
/// Names are compared with those of the row before, and only written down when they differ.
struct Row<'p> {
    page: &'p mut Page,
    /// Where the row's cells begin.
    start: usize,
    /// Fields so far.
    fields: usize,
    /// Whether the names have been those of the latest layout; otherwise they are in `page.names`.
    as_latest: bool,
}

impl<'p> Row<'p> {
    fn new(page: &'p mut Page) -> Self {
        let (start, as_latest) = (page.mark(), page.latest < page.layouts.len());
        page.names.clear();
        Row { page, start, fields: 0, as_latest }
    }

    /// The name that the row before had at this place.
    #[inline]
    fn expected(&self) -> Option<&str> {
        match self.page.layouts.get(self.page.latest) {
            Some(Columns::Named(names)) if self.as_latest => names.get(self.fields).map(|n| &**n),
            _ => None,
        }
    }

    /// Writes down the names so far, which were those of the row before.
    #[cold]
    fn depart(&mut self) {
        if self.as_latest {
            self.as_latest = false;
            if let Some(Columns::Named(names)) = self.page.layouts.get(self.page.latest) {
                let names = &names[..self.fields.min(names.len())];
                self.page.names.extend_from_slice(names);
            }
        }
    }

    #[inline]
    fn field<T: Serialize + ?Sized>(&mut self, name: &'static str, value: &T) -> Result<(), Fault> {
        self.name(name);
        value::push(self.page, value).map_err(|error| error.in_column(name))?;
        Ok(())
    }

    #[inline]
    fn name(&mut self, name: &'static str) {
        // Derived implementations pass the same literal each time, so its address settles it.
        let same = self.as_latest
            && self.page.literals.get(self.fields).is_some_and(|literal| {
                literal.as_ptr() == name.as_ptr() && literal.len() == name.len()
            });
        if !same {
            self.compare(name);
        }
        self.fields += 1;
    }

    #[cold]
    fn compare(&mut self, name: &'static str) {
        if self.expected() != Some(name) {
            self.depart();
            self.page.names.push(Cow::Borrowed(name));
        }
    }

    fn end(mut self) -> Result<(), Fault> {
        let unchanged = self.as_latest
            && matches!(&self.page.layouts[self.page.latest],
                Columns::Named(names) if names.len() == self.fields);
        let layout = if unchanged {
            self.page.latest
        } else {
            self.depart();
            let names = std::mem::take(&mut self.page.names);
            self.page.layout(Columns::Named(names))?
        };
        self.page.end_row(self.start, layout);
        Ok(())
    }

    fn place<T: Serialize + ?Sized>(&mut self, value: &T) -> Result<(), Fault> {
        self.fields += 1;
        value::push(self.page, value).map_err(|error| error.in_column(self.fields.to_string()))?;
        Ok(())
    }

    fn end_places(self) -> Result<(), Fault> {
        let layout = self.page.layout(Columns::Numbered(self.fields))?;
        self.page.end_row(self.start, layout);
        Ok(())
    }
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
        self.name(name);
        self.page.cells.push(Cell::Null);
        Ok(())
    }
    #[inline]
    fn end(self) -> Result<(), Fault> {
        Row::end(self)
    }
}

impl ser::SerializeMap for Row<'_> {
    type Ok = ();
    type Error = Fault;
    fn serialize_key<T: Serialize + ?Sized>(&mut self, key: &T) -> Result<(), Fault> {
        // A key is written as a value is, then taken off the page again.
        let (cells, text) = (self.page.cells.len(), self.page.text.len());
        value::push(self.page, key)?;
        let Some(Cell::Text { .. }) = self.page.cells.get(cells) else {
            return Err(Fault::Row(Error::row("the keys of a map must be texts to name columns")));
        };
        self.page.key.clear();
        self.page.key.push_str(&self.page.text[text..]);
        self.page.cells.truncate(cells);
        self.page.text.truncate(text);
        if self.expected() != Some(&self.page.key) {
            self.depart();
            let key = self.page.key.clone();
            self.page.names.push(Cow::Owned(key));
        }
        self.fields += 1;
        Ok(())
    }
    fn serialize_value<T: Serialize + ?Sized>(&mut self, value: &T) -> Result<(), Fault> {
        value::push(self.page, value).map_err(|error| error.in_column(self.page.key.as_str()))?;
        Ok(())
    }
    fn end(self) -> Result<(), Fault> {
        Row::end(self)
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
                self.end_places()
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

macro_rules! refuse {
    ($($what:literal: $method:ident($($type:ty),*)),* $(,)?) => {$(
        fn $method(self, $(_: $type),*) -> Result<(), Fault> {
            Err(Fault::Row(refused($what)))
        }
    )*};
}

impl<'p> serde::Serializer for RecordSerializer<'p> {
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
        "a boolean": serialize_bool(bool),
        "a number": serialize_i8(i8),
        "a number": serialize_i16(i16),
        "a number": serialize_i32(i32),
        "a number": serialize_i64(i64),
        "a number": serialize_i128(i128),
        "a number": serialize_u8(u8),
        "a number": serialize_u16(u16),
        "a number": serialize_u32(u32),
        "a number": serialize_u64(u64),
        "a number": serialize_u128(u128),
        "a number": serialize_f32(f32),
        "a number": serialize_f64(f64),
        "a character": serialize_char(char),
        "a text": serialize_str(&str),
        "a byte string": serialize_bytes(&[u8]),
        "`None`": serialize_none(),
        "`()`": serialize_unit(),
        "a unit struct": serialize_unit_struct(&'static str),
        "a unit variant": serialize_unit_variant(&'static str, u32, &'static str),
    }
    fn serialize_newtype_variant<T: Serialize + ?Sized>(
        self,
        _name: &'static str,
        _index: u32,
        _variant: &'static str,
        _value: &T,
    ) -> Result<(), Fault> {
        Err(Fault::Row(refused("a newtype variant")))
    }
    fn serialize_tuple_variant(
        self,
        _name: &'static str,
        _index: u32,
        _variant: &'static str,
        _len: usize,
    ) -> Result<Self::SerializeTupleVariant, Fault> {
        Err(Fault::Row(refused("a tuple variant")))
    }
    fn serialize_struct_variant(
        self,
        _name: &'static str,
        _index: u32,
        _variant: &'static str,
        _len: usize,
    ) -> Result<Self::SerializeStructVariant, Fault> {
        Err(Fault::Row(refused("a struct variant")))
    }
}
