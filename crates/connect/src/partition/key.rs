//! The value of one column of a record, as text, for a key.

use super::PartitionKey;
use crate::encode::{Fault, Values, push, push_key, refuse, refuse_plain, refuse_variants, unwrap};
use serde::Serialize;
use serde::ser::{self, Impossible};
use std::fmt::{Display, Write};
use trommel::{Error, Result};

impl<T: Serialize> PartitionKey for T {
    fn write_column(&self, column: &str, text: &mut String) -> Result<bool> {
        let finder = Finder { column, text, found: None };
        match self.serialize(finder) {
            Ok(Some(is_there)) => Ok(is_there),
            Ok(None) => Err(Error::row("the record has no such column").in_column(column)),
            Err(fault) => Err(Error::from(fault).in_column(column)),
        }
    }
}

/// Passes over the fields of a record to the one that is wanted.
struct Finder<'t> {
    column: &'t str,
    text: &'t mut String,
    /// Whether the column has been found, and then whether it is not null.
    found: Option<bool>,
}

impl Finder<'_> {
    #[inline]
    fn field<T: Serialize + ?Sized>(&mut self, name: &str, value: &T) -> Result<(), Fault> {
        if name == self.column {
            let mut text = Text { text: self.text, is_null: false };
            push(&mut text, value)?;
            self.found = Some(!text.is_null);
        }
        Ok(())
    }
}

impl ser::SerializeStruct for Finder<'_> {
    type Ok = Option<bool>;
    type Error = Fault;
    #[inline]
    fn serialize_field<T: Serialize + ?Sized>(
        &mut self,
        name: &'static str,
        value: &T,
    ) -> Result<(), Fault> {
        self.field(name, value)
    }
    fn end(self) -> Result<Option<bool>, Fault> {
        Ok(self.found)
    }
}

/// Finds a column among the entries of a map.
struct MapFinder<'t> {
    finder: Finder<'t>,
    key: String,
}

impl ser::SerializeMap for MapFinder<'_> {
    type Ok = Option<bool>;
    type Error = Fault;
    fn serialize_key<T: Serialize + ?Sized>(&mut self, key: &T) -> Result<(), Fault> {
        self.key.clear();
        Ok(push_key(&mut self.key, key)?)
    }
    fn serialize_value<T: Serialize + ?Sized>(&mut self, value: &T) -> Result<(), Fault> {
        self.finder.field(&self.key, value)
    }
    fn end(self) -> Result<Option<bool>, Fault> {
        Ok(self.finder.found)
    }
}

#[cold]
fn no_record() -> Fault {
    Error::row("only structs and maps have columns to partition by").into()
}

impl<'t> serde::Serializer for Finder<'t> {
    type Ok = Option<bool>;
    type Error = Fault;
    type SerializeSeq = Impossible<Self::Ok, Fault>;
    type SerializeTuple = Impossible<Self::Ok, Fault>;
    type SerializeTupleStruct = Impossible<Self::Ok, Fault>;
    type SerializeTupleVariant = Impossible<Self::Ok, Fault>;
    type SerializeMap = MapFinder<'t>;
    type SerializeStruct = Self;
    type SerializeStructVariant = Impossible<Self::Ok, Fault>;

    unwrap!();
    fn serialize_map(self, _: Option<usize>) -> Result<MapFinder<'t>, Fault> {
        Ok(MapFinder { finder: self, key: String::new() })
    }
    fn serialize_struct(self, _: &'static str, _: usize) -> Result<Self, Fault> {
        Ok(self)
    }
    refuse_plain!(no_record());
    refuse_variants!(no_record());
    refuse! {
        no_record() => {
            serialize_seq(Option<usize>) -> Self::SerializeSeq,
            serialize_tuple(usize) -> Self::SerializeTuple,
            serialize_tuple_struct(&'static str, usize) -> Self::SerializeTupleStruct,
        }
    }
}

/// A plain value as text.
struct Text<'t> {
    text: &'t mut String,
    is_null: bool,
}

impl Values for Text<'_> {
    fn null(&mut self) -> Result<()> {
        self.is_null = true;
        Ok(())
    }
    fn float32(&mut self, number: f32) -> Result<()> {
        self.display(&number)
    }
    fn text(&mut self, text: &str) -> Result<()> {
        self.text.push_str(text);
        Ok(())
    }
    fn display<D: Display + ?Sized>(&mut self, value: &D) -> Result<()> {
        write!(self.text, "{value}").map_err(|_| Error::row("the value can't be formatted"))
    }
    fn blob(&mut self, _: &[u8]) -> Result<()> {
        Err(Error::row("a string of bytes can't be a part of a key"))
    }
    fn nested<T: Serialize + ?Sized>(&mut self, _: &T) -> Result<()> {
        Err(Error::row("a nested value can't be a part of a key"))
    }
}
