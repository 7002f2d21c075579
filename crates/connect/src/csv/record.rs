//! A record, as serde hands it over, becomes one line of CSV.

use super::dialect::Dialect;
use super::page::{Base, Fields, Layout, Page};
use super::row::Row;
use super::scalar::{self, Fault};
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

/// A line under construction.
///
/// Names are compared with those of the record before, and only written down when they differ.
struct Line<'p> {
    page: &'p mut Page,
    encoder: &'p Encoder,
    dialect: &'p Dialect,
    /// Where the line begins, in bytes.
    start: usize,
    /// Set when the row that is passed through is not that of the latest layout.
    base: Option<Base>,
    has_base: bool,
    /// Own fields so far.
    fields: usize,
    /// Whether base and names have been those of the latest layout; otherwise the names are in
    /// `page.names`.
    as_latest: bool,
}

impl<'p> Line<'p> {
    #[inline]
    fn new(encoder: &'p Encoder, page: &'p mut Page) -> Self {
        let as_latest = page.latest().is_some_and(|latest| latest.base.is_none());
        let start = page.rows.buffer().len();
        page.names.clear();
        let dialect = &encoder.dialect;
        Line { page, encoder, dialect, start, base: None, has_base: false, fields: 0, as_latest }
    }

    /// Appends the fields of a row.
    #[inline]
    fn pass(&mut self, row: Row<'_>) {
        self.has_base = true;
        let latest = self.page.latest().and_then(|latest| latest.base.as_ref());
        let known = latest
            .filter(|base| std::ptr::eq(&*base.shape, row.shape()) && base.width == row.len());
        let copies = match known {
            Some(base) => {
                self.as_latest = true;
                base.copies
            }
            None => self.meet(row),
        };
        let out = self.page.rows.buffer();
        if copies {
            out.extend_from_slice(row.raw());
            return;
        }
        for (index, field) in row.iter().enumerate() {
            if index > 0 {
                out.push(self.dialect.delimiter);
            }
            self.dialect.field(out, field);
        }
    }

    #[cold]
    fn meet(&mut self, row: Row<'_>) -> bool {
        self.as_latest = false;
        let Some(shape) = row.shared_shape() else { return false };
        let copies = self.dialect.copies(&shape);
        self.base = Some(Base { shape, width: row.len(), copies });
        copies
    }

    /// Appends a field and, before it, the delimiter if it is not the first.
    #[inline]
    fn push<T: Serialize + ?Sized>(&mut self, value: &T) -> Result<()> {
        let Page { rows, scratch, .. } = &mut *self.page;
        let out = rows.buffer();
        if self.fields > 0 || self.has_base {
            out.push(self.dialect.delimiter);
        }
        scalar::push(out, scratch, self.dialect, value)
    }

    /// The name that the record before had at this place.
    #[inline]
    fn expected(&self) -> Option<&str> {
        match self.page.latest().map(|latest| &latest.fields) {
            Some(Fields::Named(names)) if self.as_latest => names.get(self.fields).map(|n| &**n),
            _ => None,
        }
    }

    /// Writes down the names so far, which were those of the record before.
    #[cold]
    fn depart(&mut self) {
        if self.as_latest {
            self.as_latest = false;
            if let Some(latest) = self.page.layouts.get(self.page.latest) {
                self.base = latest.base.clone();
                if let Fields::Named(names) = &latest.fields {
                    let names = &names[..self.fields.min(names.len())];
                    self.page.names.extend_from_slice(names);
                }
            }
        }
    }

    #[inline]
    fn field<T: Serialize + ?Sized>(&mut self, name: &'static str, value: &T) -> Result<(), Fault> {
        self.push(value).map_err(|error| error.in_column(name))?;
        self.name(name);
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

    #[inline]
    fn end(mut self) -> Result<(), Fault> {
        let unchanged = self.as_latest
            && matches!(&self.page.layouts[self.page.latest].fields,
                Fields::Named(names) if names.len() == self.fields);
        let layout = match unchanged {
            true => self.page.latest,
            false => self.new_names()?,
        };
        self.finish(layout);
        Ok(())
    }

    #[cold]
    fn new_names(&mut self) -> Result<usize, Fault> {
        self.depart();
        let names = std::mem::take(&mut self.page.names);
        if names.is_empty() && self.base.is_none() {
            return Err(Fault::Row(Error::row("a record without fields has nothing to write")));
        }
        let twice = names.iter().enumerate().find(|(index, name)| names[..*index].contains(name));
        if let Some((_, name)) = twice {
            let error = Error::row("two fields of the record have the same name: rename one");
            return Err(Fault::Row(error.in_column(&**name)));
        }
        let base = self.base.take();
        Ok(self.page.layout(Layout { base, fields: Fields::Named(names) }))
    }

    #[inline]
    fn end_places(mut self) {
        let unchanged = self.as_latest
            && self.page.latest().is_some_and(|it| it.fields == Fields::Numbered(self.fields));
        let layout = match unchanged {
            true => self.page.latest,
            false => {
                if self.as_latest {
                    self.depart();
                }
                let base = self.base.take();
                self.page.layout(Layout { base, fields: Fields::Numbered(self.fields) })
            }
        };
        self.finish(layout);
    }

    #[inline]
    fn finish(&mut self, layout: usize) {
        let out = self.page.rows.buffer();
        if out.len() == self.start {
            // A line without a byte would not be a record.
            self.dialect.quoted(out, b"");
        }
        out.extend_from_slice(self.dialect.terminator);
        self.page.end_record(layout, self.encoder.compression);
    }

    fn place<T: Serialize + ?Sized>(&mut self, value: &T) -> Result<(), Fault> {
        self.push(value).map_err(|error| error.in_column((self.fields + 1).to_string()))?;
        self.fields += 1;
        Ok(())
    }
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
