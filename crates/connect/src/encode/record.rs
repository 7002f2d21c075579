//! A record, as serde hands it over, becomes one row.

use super::target::Rows;
use super::value::{Fault, push_key};
use super::{refuse, sequence, unwrap};
use serde::Serialize;
use serde::ser::{self, Impossible};
use trommel::{Error, Result};

/// Appends `record` as a row. After an error the target is as it was.
#[inline]
pub(crate) fn encode_into<P: Rows, T: Serialize + ?Sized>(
    target: &mut P,
    record: &T,
) -> Result<()> {
    let (mark, names) = target.begin()?;
    match record.serialize(Row { target, mark: &mark, names }) {
        Ok(()) => Ok(()),
        Err(fault) => {
            target.give_up(mark);
            Err(fault.into())
        }
    }
}

#[cold]
fn no_record(what: &str) -> Error {
    Error::row(format!(
        "{what} is not a record: emit a struct, a map or a tuple (an enum with \
         `#[serde(untagged)]` or `#[serde(tag = \"…\")]`)"
    ))
}

/// A row under construction.
struct Row<'p, P: Rows> {
    target: &'p mut P,
    mark: &'p P::Mark,
    names: P::Names,
}

impl<P: Rows> Row<'_, P> {
    #[inline]
    fn place<T: Serialize + ?Sized>(&mut self, value: &T) -> Result<(), Fault> {
        Ok(self.target.place(&mut self.names, value)?)
    }

    #[inline]
    fn end(self) -> Result<(), Fault> {
        Ok(self.target.end(self.mark, self.names)?)
    }

    #[inline]
    fn end_places(self) -> Result<(), Fault> {
        Ok(self.target.end_places(self.mark, self.names)?)
    }
}

impl<P: Rows> ser::SerializeStruct for Row<'_, P> {
    type Ok = ();
    type Error = Fault;
    #[inline(always)]
    fn serialize_field<T: Serialize + ?Sized>(
        &mut self,
        name: &'static str,
        value: &T,
    ) -> Result<(), Fault> {
        Ok(self.target.field(&mut self.names, name, value)?)
    }
    fn skip_field(&mut self, name: &'static str) -> Result<(), Fault> {
        Ok(self.target.field(&mut self.names, name, &())?)
    }
    #[inline]
    fn end(self) -> Result<(), Fault> {
        Row::end(self)
    }
}

impl<P: Rows> ser::SerializeMap for Row<'_, P> {
    type Ok = ();
    type Error = Fault;
    fn serialize_key<T: Serialize + ?Sized>(&mut self, key: &T) -> Result<(), Fault> {
        let mut text = std::mem::take(self.target.key());
        text.clear();
        let written = push_key(&mut text, key);
        *self.target.key() = text;
        Ok(written?)
    }
    fn serialize_value<T: Serialize + ?Sized>(&mut self, value: &T) -> Result<(), Fault> {
        Ok(self.target.entry(&mut self.names, value)?)
    }
    fn end(self) -> Result<(), Fault> {
        Row::end(self)
    }
}

sequence!(Row<'_, P>: place, end_places; P: Rows);

impl<P: Rows> serde::Serializer for Row<'_, P> {
    type Ok = ();
    type Error = Fault;
    type SerializeSeq = Self;
    type SerializeTuple = Self;
    type SerializeTupleStruct = Self;
    type SerializeTupleVariant = Impossible<(), Fault>;
    type SerializeMap = Self;
    type SerializeStruct = Self;
    type SerializeStructVariant = Impossible<(), Fault>;

    #[inline]
    fn serialize_struct(self, _name: &'static str, _len: usize) -> Result<Self, Fault> {
        Ok(self)
    }
    fn serialize_map(self, _len: Option<usize>) -> Result<Self, Fault> {
        Ok(self)
    }
    fn serialize_seq(self, _len: Option<usize>) -> Result<Self, Fault> {
        Ok(self)
    }
    #[inline]
    fn serialize_tuple(self, _len: usize) -> Result<Self, Fault> {
        Ok(self)
    }
    fn serialize_tuple_struct(self, _name: &'static str, _len: usize) -> Result<Self, Fault> {
        Ok(self)
    }
    unwrap!();

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
