//! A record, as serde hands it over, becomes one row.

use super::layouts::Names;
use super::refuse;
use super::target::Target;
use super::value::{self, Fault};
use serde::Serialize;
use serde::ser::{self, Impossible};
use trommel::{Error, Result};

/// Appends `record` as a row. After an error the target is as it was.
#[inline]
pub(crate) fn encode_into<P: Target, T: Serialize + ?Sized>(
    target: &mut P,
    record: &T,
) -> Result<()> {
    let mark = target.begin_row()?;
    match record.serialize(RecordSerializer { target, mark: &mark }) {
        Ok(()) => Ok(()),
        Err(fault) => {
            target.give_up_row(mark);
            Err(match fault {
                Fault::Row(error) => error,
                Fault::Nested => no_record("an unusual value"),
            })
        }
    }
}

#[cold]
fn in_column(error: Error, name: &'static str) -> Fault {
    error.in_column(name).into()
}

#[cold]
fn no_record(what: &str) -> Error {
    Error::row(format!(
        "{what} is not a record: emit a struct, a map or a tuple (an enum with \
         `#[serde(untagged)]` or `#[serde(tag = \"…\")]`)"
    ))
}

/// A row under construction.
struct Row<'p, P: Target> {
    target: &'p mut P,
    mark: &'p P::Mark,
    names: Names,
}

impl<'p, P: Target> Row<'p, P> {
    #[inline]
    fn new(RecordSerializer { target, mark }: RecordSerializer<'p, P>) -> Self {
        let names = target.layouts().begin();
        Row { target, mark, names }
    }

    #[inline(always)]
    fn field<T: Serialize + ?Sized>(&mut self, name: &'static str, value: &T) -> Result<(), Fault> {
        let (index, as_latest) = self.target.layouts().literal(&mut self.names, name);
        self.target.field(index, as_latest, name)?;
        match value::push(self.target, value) {
            Ok(()) => Ok(()),
            Err(error) => Err(in_column(error, name)),
        }
    }

    #[inline]
    fn end(self) -> Result<(), Fault> {
        let layout = match self.names.fields {
            0 => return Ok(self.target.end_empty_row(self.mark)?),
            _ => self.target.layouts().end_named(self.names)?,
        };
        Ok(self.target.end_row(self.mark, layout)?)
    }

    #[inline]
    fn place<T: Serialize + ?Sized>(&mut self, value: &T) -> Result<(), Fault> {
        let (index, as_latest) = self.target.layouts().place(&mut self.names);
        self.target.place(index, as_latest)?;
        value::push(self.target, value)
            .map_err(|error| error.in_column((index + 1).to_string()))?;
        Ok(())
    }

    #[inline]
    fn end_places(self) -> Result<(), Fault> {
        let layout = match self.names.fields {
            0 => return Ok(self.target.end_empty_row(self.mark)?),
            _ => self.target.layouts().end_places(&self.names)?,
        };
        Ok(self.target.end_row(self.mark, layout)?)
    }
}

impl<P: Target> ser::SerializeStruct for Row<'_, P> {
    type Ok = ();
    type Error = Fault;
    #[inline(always)]
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
        Row::end(self)
    }
}

impl<P: Target> ser::SerializeMap for Row<'_, P> {
    type Ok = ();
    type Error = Fault;
    fn serialize_key<T: Serialize + ?Sized>(&mut self, key: &T) -> Result<(), Fault> {
        let mut text = std::mem::take(&mut self.target.layouts().key);
        text.clear();
        let written = value::push_key(&mut text, key);
        self.target.layouts().key = text;
        written?;
        let (index, as_latest) = self.target.layouts().owned(&mut self.names);
        Ok(self.target.key_field(index, as_latest)?)
    }
    fn serialize_value<T: Serialize + ?Sized>(&mut self, value: &T) -> Result<(), Fault> {
        value::push(self.target, value)
            .map_err(|error| error.in_column(self.target.layouts().key.as_str()))?;
        Ok(())
    }
    fn end(self) -> Result<(), Fault> {
        Row::end(self)
    }
}

macro_rules! by_place {
    ($($trait:ident::$method:ident),*) => {$(
        impl<P: Target> ser::$trait for Row<'_, P> {
            type Ok = ();
            type Error = Fault;
            #[inline]
            fn $method<T: Serialize + ?Sized>(&mut self, value: &T) -> Result<(), Fault> {
                self.place(value)
            }
            #[inline]
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

struct RecordSerializer<'p, P: Target> {
    target: &'p mut P,
    mark: &'p P::Mark,
}

impl<'p, P: Target> serde::Serializer for RecordSerializer<'p, P> {
    type Ok = ();
    type Error = Fault;
    type SerializeSeq = Row<'p, P>;
    type SerializeTuple = Row<'p, P>;
    type SerializeTupleStruct = Row<'p, P>;
    type SerializeTupleVariant = Impossible<(), Fault>;
    type SerializeMap = Row<'p, P>;
    type SerializeStruct = Row<'p, P>;
    type SerializeStructVariant = Impossible<(), Fault>;

    #[inline]
    fn serialize_struct(self, _name: &'static str, _len: usize) -> Result<Row<'p, P>, Fault> {
        Ok(Row::new(self))
    }
    fn serialize_map(self, _len: Option<usize>) -> Result<Row<'p, P>, Fault> {
        Ok(Row::new(self))
    }
    fn serialize_seq(self, _len: Option<usize>) -> Result<Row<'p, P>, Fault> {
        Ok(Row::new(self))
    }
    #[inline]
    fn serialize_tuple(self, _len: usize) -> Result<Row<'p, P>, Fault> {
        Ok(Row::new(self))
    }
    fn serialize_tuple_struct(self, _name: &'static str, _len: usize) -> Result<Row<'p, P>, Fault> {
        Ok(Row::new(self))
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
        no_record("a boolean").into() => { serialize_bool(bool) -> () }
        no_record("a number").into() => {
            serialize_i8(i8) -> (), serialize_i16(i16) -> (), serialize_i32(i32) -> (),
            serialize_i64(i64) -> (), serialize_i128(i128) -> (), serialize_u8(u8) -> (),
            serialize_u16(u16) -> (), serialize_u32(u32) -> (), serialize_u64(u64) -> (),
            serialize_u128(u128) -> (), serialize_f32(f32) -> (), serialize_f64(f64) -> (),
        }
        no_record("a character").into() => { serialize_char(char) -> () }
        no_record("a text").into() => { serialize_str(&str) -> () }
        no_record("a byte string").into() => { serialize_bytes(&[u8]) -> () }
        no_record("`None`").into() => { serialize_none() -> () }
        no_record("`()`").into() => { serialize_unit() -> () }
        no_record("a unit struct").into() => { serialize_unit_struct(&'static str) -> () }
        no_record("a unit variant").into() => {
            serialize_unit_variant(&'static str, u32, &'static str) -> ()
        }
        no_record("a tuple variant").into() => {
            serialize_tuple_variant(&'static str, u32, &'static str, usize) -> Impossible<(), Fault>
        }
        no_record("a struct variant").into() => {
            serialize_struct_variant(&'static str, u32, &'static str, usize)
                -> Impossible<(), Fault>
        }
    }
    fn serialize_newtype_variant<T: Serialize + ?Sized>(
        self,
        _name: &'static str,
        _index: u32,
        _variant: &'static str,
        _value: &T,
    ) -> Result<(), Fault> {
        Err(no_record("a newtype variant").into())
    }
}
