//! A record, as serde hands it over, becomes one line of CSV.

use super::line::Line;
use super::page::Page;
use super::row::Row;
use super::scalar::Fault;
use super::sink::Encoder;
use serde::Serialize;
use serde::ser::{self, Impossible};
use std::borrow::Cow;
use trommel::{Error, Result};

/// Appends `record` as a line; behind the fields of `row`, if there is one. After an error the page
/// is as it was.
#[inline]
pub(super) fn encode<T: Serialize + ?Sized>(
    encoder: &Encoder,
    page: &mut Page,
    row: Option<Row<'_>>,
    record: &T,
) -> Result<()> {
    let mut line = Line::new(encoder, page);
    if let Some(row) = row {
        line.pass(row);
    }
    match record.serialize(RecordSerializer(line)) {
        Ok(()) => Ok(()),
        Err(fault) => Err(take_back(page, fault)),
    }
}

/// Appends a row as it is.
#[inline]
pub(super) fn pass(encoder: &Encoder, page: &mut Page, row: Row<'_>) {
    let mut line = Line::new(encoder, page);
    line.pass(row);
    line.end_places();
}

#[cold]
fn take_back(page: &mut Page, fault: Fault) -> Error {
    page.rows.take_back();
    match fault {
        Fault::Row(error) => error,
        Fault::Nested => refused("an unusual value"),
    }
}

#[cold]
fn refused(what: &str) -> Error {
    Error::row(format!(
        "{what} is not a record: emit a struct, a map or a tuple (an enum with \
         `#[serde(untagged)]` or `#[serde(tag = \"…\")]`)"
    ))
}

impl ser::SerializeStruct for Line<'_> {
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
        Line::end(self)
    }
}

impl ser::SerializeMap for Line<'_> {
    type Ok = ();
    type Error = Fault;
    fn serialize_key<T: Serialize + ?Sized>(&mut self, key: &T) -> Result<(), Fault> {
        self.page.key.clear();
        crate::files::write_scalar(key, &mut self.page.key)?;
        if self.expected() != Some(&self.page.key) {
            self.depart();
            let key = self.page.key.clone();
            self.page.names.push(Cow::Owned(key));
        }
        Ok(())
    }
    fn serialize_value<T: Serialize + ?Sized>(&mut self, value: &T) -> Result<(), Fault> {
        self.push(value).map_err(|error| error.in_column(self.page.key.as_str()))?;
        self.fields += 1;
        Ok(())
    }
    fn end(self) -> Result<(), Fault> {
        Line::end(self)
    }
}

macro_rules! by_place {
    ($($trait:ident::$method:ident),*) => {$(
        impl ser::$trait for Line<'_> {
            type Ok = ();
            type Error = Fault;
            #[inline]
            fn $method<T: Serialize + ?Sized>(&mut self, value: &T) -> Result<(), Fault> {
                self.place(value)
            }
            #[inline]
            fn end(self) -> Result<(), Fault> {
                if self.fields == 0 && !self.has_base {
                    let error = Error::row("a record without fields has nothing to write");
                    return Err(Fault::Row(error));
                }
                self.end_places();
                Ok(())
            }
        }
    )*};
}
by_place! {
    SerializeSeq::serialize_element,
    SerializeTuple::serialize_element,
    SerializeTupleStruct::serialize_field
}

struct RecordSerializer<'p>(Line<'p>);

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
    type SerializeSeq = Line<'p>;
    type SerializeTuple = Line<'p>;
    type SerializeTupleStruct = Line<'p>;
    type SerializeTupleVariant = Impossible<(), Fault>;
    type SerializeMap = Line<'p>;
    type SerializeStruct = Line<'p>;
    type SerializeStructVariant = Impossible<(), Fault>;

    #[inline]
    fn serialize_struct(self, _name: &'static str, _len: usize) -> Result<Line<'p>, Fault> {
        Ok(self.0)
    }
    fn serialize_map(self, _len: Option<usize>) -> Result<Line<'p>, Fault> {
        Ok(self.0)
    }
    fn serialize_seq(self, _len: Option<usize>) -> Result<Line<'p>, Fault> {
        Ok(self.0)
    }
    #[inline]
    fn serialize_tuple(self, _len: usize) -> Result<Line<'p>, Fault> {
        Ok(self.0)
    }
    fn serialize_tuple_struct(self, _name: &'static str, _len: usize) -> Result<Line<'p>, Fault> {
        Ok(self.0)
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
