//! Looks for floats that JSON has no form for.

use crate::encode::sequence;
use serde::Serialize;
use serde::ser::{self, Serializer};
use trommel::{Error, Result};

/// What becomes of NaN and infinite numbers, for which JSON has no form.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub enum NonFinite {
    /// They are written as `null`, as `serde_json` does.
    #[default]
    Null,
    /// They are an error of the row, which names the field.
    Reject,
}

/// An error when a float in `value` is NaN or infinite.
pub(super) fn check<T: Serialize + ?Sized>(value: &T) -> Result<()> {
    value.serialize(Finite).map_err(Error::from)
}

type Fault = crate::encode::Fault;

/// Walks a value and does nothing but look at its floats.
struct Finite;

impl Finite {
    fn look<T: Serialize + ?Sized>(&mut self, value: &T) -> Result<(), Fault> {
        value.serialize(Finite)
    }

    fn finish(self) -> Result<(), Fault> {
        Ok(())
    }
}

macro_rules! pass {
    ($($method:ident($($type:ty),*);)*) => {$(
        fn $method(self, $(_: $type),*) -> Result<(), Fault> {
            Ok(())
        }
    )*};
}

macro_rules! walk {
    ($($method:ident($($type:ty),*);)*) => {$(
        fn $method(self, $(_: $type),*) -> Result<Finite, Fault> {
            Ok(self)
        }
    )*};
}

impl Serializer for Finite {
    type Ok = ();
    type Error = Fault;
    type SerializeSeq = Self;
    type SerializeTuple = Self;
    type SerializeTupleStruct = Self;
    type SerializeTupleVariant = Self;
    type SerializeMap = Self;
    type SerializeStruct = Self;
    type SerializeStructVariant = Self;

    pass! {
        serialize_bool(bool); serialize_char(char); serialize_str(&str); serialize_bytes(&[u8]);
        serialize_i8(i8); serialize_i16(i16); serialize_i32(i32); serialize_i64(i64);
        serialize_i128(i128);
        serialize_u8(u8); serialize_u16(u16); serialize_u32(u32); serialize_u64(u64);
        serialize_u128(u128);
        serialize_none(); serialize_unit(); serialize_unit_struct(&'static str);
        serialize_unit_variant(&'static str, u32, &'static str);
    }

    walk! {
        serialize_seq(Option<usize>); serialize_tuple(usize); serialize_map(Option<usize>);
        serialize_tuple_struct(&'static str, usize); serialize_struct(&'static str, usize);
        serialize_tuple_variant(&'static str, u32, &'static str, usize);
        serialize_struct_variant(&'static str, u32, &'static str, usize);
    }

    fn collect_str<T: std::fmt::Display + ?Sized>(self, _value: &T) -> Result<(), Fault> {
        Ok(())
    }

    fn serialize_f32(self, number: f32) -> Result<(), Fault> {
        self.serialize_f64(number.into())
    }

    fn serialize_f64(self, number: f64) -> Result<(), Fault> {
        match number.is_finite() {
            true => Ok(()),
            false => Err(Error::row(format!(
                "{number} has no form in JSON: filter it, emit an `Option`, or let the sink write \
                 `null` with `NonFinite::Null`"
            ))
            .into()),
        }
    }

    crate::encode::unwrap!();

    fn serialize_newtype_variant<T: Serialize + ?Sized>(
        self,
        _name: &'static str,
        _index: u32,
        _variant: &'static str,
        value: &T,
    ) -> Result<(), Fault> {
        value.serialize(self)
    }
}

sequence!(Finite: look, finish);
sequence!(SerializeTupleVariant::serialize_field => Finite: look, finish);

impl ser::SerializeMap for Finite {
    type Ok = ();
    type Error = Fault;
    fn serialize_key<T: Serialize + ?Sized>(&mut self, _key: &T) -> Result<(), Fault> {
        Ok(())
    }
    fn serialize_value<T: Serialize + ?Sized>(&mut self, value: &T) -> Result<(), Fault> {
        self.look(value)
    }
    fn end(self) -> Result<(), Fault> {
        Ok(())
    }
}

macro_rules! fields {
    ($($trait:ident)*) => {$(
        impl ser::$trait for Finite {
            type Ok = ();
            type Error = Fault;
            fn serialize_field<T: Serialize + ?Sized>(
                &mut self,
                name: &'static str,
                value: &T,
            ) -> Result<(), Fault> {
                self.look(value).map_err(|fault| Error::from(fault).in_column(name).into())
            }
            fn end(self) -> Result<(), Fault> {
                Ok(())
            }
        }
    )*};
}
fields!(SerializeStruct SerializeStructVariant);
