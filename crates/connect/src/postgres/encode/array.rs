//! Sequences as arrays: dimensions first, then the elements.

use super::cell::{Cell, close};
use crate::encode::{Fault, refuse, refuse_plain, refuse_variants, sequence, unwrap};
use crate::postgres::types::Type;
use crate::table::{Values, push};
use serde::Serialize;
use serde::ser::Impossible;
use std::fmt::Display;
use trommel::{Error, Result};

/// PostgreSQL's own limit.
const MOST_DIMENSIONS: usize = 6;

/// Appends a sequence, or sequences of sequences of the same length, to an array column.
pub(super) fn write<T: Serialize + ?Sized>(cell: &mut Cell<'_>, value: &T) -> Result<()> {
    let Type::Array { element, oid } = cell.kind else { return Ok(()) };
    let start = cell.out.len();
    // Length, dimensions, whether there are nulls, the type of the elements.
    cell.out.extend_from_slice(&[0; 16]);
    let body = cell.out.len();
    let mut shape = Shape { lengths: Vec::new(), nulls: false };
    let elements = Elements {
        cell: Cell {
            out: &mut *cell.out,
            kind: element,
            declared: cell.declared,
            scratch: &mut *cell.scratch,
        },
        shape: &mut shape,
        depth: 0,
        count: 0,
    };
    value.serialize(elements)?;
    if shape.lengths.contains(&0) {
        shape.lengths.clear();
        cell.out.truncate(body);
    }
    let words = [shape.lengths.len() as u32, shape.nulls.into(), *oid];
    for (index, word) in words.into_iter().enumerate() {
        let at = start + 4 + index * 4;
        cell.out[at..at + 4].copy_from_slice(&word.to_be_bytes());
    }
    // Only now are the dimensions known: their bytes go before the elements.
    let dimensions = shape.lengths.iter().flat_map(|length| {
        let [a, b, c, d] = length.to_be_bytes();
        // Counted from 1.
        [a, b, c, d, 0, 0, 0, 1]
    });
    cell.out.splice(body..body, dimensions);
    close(cell.out, start)
}

/// Appends a sequence of numbers below 256 to a column of bytes.
pub(super) fn write_bytes<T: Serialize + ?Sized>(cell: &mut Cell<'_>, value: &T) -> Result<()> {
    let text = serde_json::to_value(value)
        .and_then(serde_json::from_value::<Vec<u8>>)
        .map_err(|error| Error::row("the nested value is no sequence of bytes").caused_by(error))?;
    cell.blob(&text)
}

struct Shape {
    /// Elements in each dimension.
    lengths: Vec<u32>,
    nulls: bool,
}

/// One sequence, on its way into the array.
struct Elements<'a> {
    cell: Cell<'a>,
    shape: &'a mut Shape,
    depth: usize,
    count: u32,
}

impl Elements<'_> {
    fn add<T: Serialize + ?Sized>(&mut self, value: &T) -> Result<(), Fault> {
        self.count += 1;
        Ok(push(self, value)?)
    }

    fn finish(self) -> Result<(), Fault> {
        match self.shape.lengths.get(self.depth) {
            Some(&u32::MAX) => {
                self.shape.lengths[self.depth] = self.count;
                Ok(())
            }
            Some(&known) if known == self.count => Ok(()),
            _ => Err(Error::row("the sequences within an array must have the same length").into()),
        }
    }

    /// Opens a dimension; its length is known when its first sequence ends.
    fn open(self) -> Result<Self, Fault> {
        if self.depth == MOST_DIMENSIONS {
            return Err(Error::row("an array has no more than six dimensions").into());
        }
        if self.shape.lengths.len() == self.depth {
            self.shape.lengths.push(u32::MAX);
        }
        Ok(self)
    }

    /// Elements that are values must not lie beside sequences.
    fn leaf(&mut self) -> Result<&mut Self> {
        match self.shape.lengths.len() == self.depth + 1 {
            true => Ok(self),
            false => Err(Error::row("an array mixes values and sequences")),
        }
    }
}

impl Values for Elements<'_> {
    fn null(&mut self) -> Result<()> {
        self.shape.nulls = true;
        self.leaf()?.cell.null()
    }
    fn bool(&mut self, value: bool) -> Result<()> {
        self.leaf()?.cell.bool(value)
    }
    fn int(&mut self, number: i64) -> Result<()> {
        self.leaf()?.cell.int(number)
    }
    fn big(&mut self, number: i128) -> Result<()> {
        self.leaf()?.cell.big(number)
    }
    fn float(&mut self, number: f64) -> Result<()> {
        self.leaf()?.cell.float(number)
    }
    fn float32(&mut self, number: f32) -> Result<()> {
        self.leaf()?.cell.float32(number)
    }
    fn text(&mut self, text: &str) -> Result<()> {
        self.leaf()?.cell.text(text)
    }
    fn display<D: Display + ?Sized>(&mut self, value: &D) -> Result<()> {
        self.leaf()?.cell.display(value)
    }
    fn blob(&mut self, bytes: &[u8]) -> Result<()> {
        self.leaf()?.cell.blob(bytes)
    }
    fn nested<T: Serialize + ?Sized>(&mut self, value: &T) -> Result<()> {
        if matches!(self.cell.kind, Type::Json | Type::Jsonb) {
            return self.leaf()?.cell.nested(value);
        }
        // A dimension more: its length is open until now, or known from the sequence before.
        if self.count > 1 && self.shape.lengths.len() == self.depth + 1 {
            return Err(Error::row("an array mixes values and sequences"));
        }
        let inner = Elements {
            cell: Cell {
                out: &mut *self.cell.out,
                kind: self.cell.kind,
                declared: self.cell.declared,
                scratch: &mut *self.cell.scratch,
            },
            shape: &mut *self.shape,
            depth: self.depth + 1,
            count: 0,
        };
        Ok(value.serialize(inner)?)
    }
}

sequence!(Elements<'_>: add, finish);

#[cold]
fn no_sequence() -> Fault {
    Error::row("an array column takes sequences: emit a `Vec`, a slice or an array").into()
}

impl serde::Serializer for Elements<'_> {
    type Ok = ();
    type Error = Fault;
    type SerializeSeq = Self;
    type SerializeTuple = Self;
    type SerializeTupleStruct = Self;
    type SerializeTupleVariant = Impossible<(), Fault>;
    type SerializeMap = Impossible<(), Fault>;
    type SerializeStruct = Impossible<(), Fault>;
    type SerializeStructVariant = Impossible<(), Fault>;

    fn serialize_seq(self, _len: Option<usize>) -> Result<Self, Fault> {
        self.open()
    }
    fn serialize_tuple(self, _len: usize) -> Result<Self, Fault> {
        self.open()
    }
    fn serialize_tuple_struct(self, _name: &'static str, _len: usize) -> Result<Self, Fault> {
        self.open()
    }
    unwrap!();
    refuse_plain!(no_sequence());
    refuse_variants!(no_sequence());
    refuse! {
        no_sequence() => {
            serialize_map(Option<usize>) -> Self::SerializeMap,
            serialize_struct(&'static str, usize) -> Self::SerializeStruct,
        }
    }
}
