//! Where the fields of records go: plain values, or a destination's own format.

use super::layouts::{Layouts, Names};
use super::value::push;
use serde::Serialize;
use std::fmt::Display;
use trommel::{Error, Result};

/// Takes the values of fields, one after the other.
///
/// After an error the row is given up, so what a value has left behind doesn't matter. What has no
/// method of its own is taken as text, as it displays itself.
pub(crate) trait Values {
    fn null(&mut self) -> Result<()>;
    fn bool(&mut self, value: bool) -> Result<()> {
        self.display(&value)
    }
    fn int(&mut self, number: i64) -> Result<()> {
        self.display(&number)
    }
    /// A whole number beyond `i64`.
    fn big(&mut self, number: i128) -> Result<()> {
        self.display(&number)
    }
    /// A whole number of a type that reaches beyond `i128`.
    fn huge(&mut self, number: u128) -> Result<()> {
        if let Ok(number) = number.try_into() {
            return self.int(number);
        }
        match number.try_into() {
            Ok(number) => self.big(number),
            Err(_) => Err(Error::row("a number of more than 128 bits")),
        }
    }
    fn float(&mut self, number: f64) -> Result<()> {
        self.display(&number)
    }
    /// A float of 32 bits, whose shortest decimal form differs from that of the same `f64`.
    fn float32(&mut self, number: f32) -> Result<()> {
        self.float(number.into())
    }
    fn text(&mut self, text: &str) -> Result<()>;
    fn display<D: Display + ?Sized>(&mut self, value: &D) -> Result<()>;
    fn blob(&mut self, bytes: &[u8]) -> Result<()>;
    /// A struct, sequence, map or enum variant with content.
    fn nested<T: Serialize + ?Sized>(&mut self, value: &T) -> Result<()>;
}

/// Takes records, field by field. Errors of values name their column.
pub(crate) trait Rows {
    /// What it takes to give a row up.
    type Mark;
    /// How far a row has come.
    type Names;

    fn begin(&mut self) -> Result<(Self::Mark, Self::Names)>;

    fn field<T: Serialize + ?Sized>(
        &mut self,
        names: &mut Self::Names,
        name: &'static str,
        value: &T,
    ) -> Result<()>;

    /// Holds the name of the field at hand, in a row that is a map.
    fn key(&mut self) -> &mut String;

    /// The field called as in `key`.
    fn entry<T: Serialize + ?Sized>(&mut self, names: &mut Self::Names, value: &T) -> Result<()>;

    /// A field without a name.
    fn place<T: Serialize + ?Sized>(&mut self, names: &mut Self::Names, value: &T) -> Result<()>;

    /// Ends a row whose fields have names.
    fn end(&mut self, mark: &Self::Mark, names: Self::Names) -> Result<()>;

    /// Ends a row whose fields have none.
    fn end_places(&mut self, mark: &Self::Mark, names: Self::Names) -> Result<()>;

    fn give_up(&mut self, mark: Self::Mark);
}

/// Takes records as plain values, and is told when their columns are not those of the row before.
pub(crate) trait Target: Values {
    /// What it takes to give a row up.
    type Mark;

    fn layouts(&mut self) -> &mut Layouts;

    fn begin_row(&mut self) -> Result<Self::Mark>;

    /// Announces the value of a named field. `as_latest`: all names of this row, up to this one,
    /// are those of the row before.
    #[inline]
    fn field(&mut self, index: usize, as_latest: bool, name: &str) -> Result<()> {
        let _ = (index, as_latest, name);
        Ok(())
    }

    /// Announces the value of the field of `layouts().key`.
    fn key_field(&mut self, index: usize, as_latest: bool) -> Result<()> {
        let _ = (index, as_latest);
        Ok(())
    }

    /// Announces the value of a field without a name.
    #[inline]
    fn place(&mut self, index: usize, as_latest: bool) -> Result<()> {
        let _ = (index, as_latest);
        Ok(())
    }

    fn end_row(&mut self, mark: &Self::Mark, layout: usize) -> Result<()>;

    /// Ends a row without a field of its own.
    #[cold]
    fn end_empty_row(&mut self, mark: &Self::Mark) -> Result<()> {
        let _ = mark;
        Err(Error::row("a record without fields has nothing to store"))
    }

    fn give_up_row(&mut self, mark: Self::Mark);
}

impl<P: Target> Rows for P {
    type Mark = P::Mark;
    type Names = Names;

    #[inline]
    fn begin(&mut self) -> Result<(P::Mark, Names)> {
        let mark = self.begin_row()?;
        Ok((mark, self.layouts().begin()))
    }

    #[inline(always)]
    fn field<T: Serialize + ?Sized>(
        &mut self,
        names: &mut Names,
        name: &'static str,
        value: &T,
    ) -> Result<()> {
        let (index, as_latest) = self.layouts().literal(names, name);
        Target::field(self, index, as_latest, name)?;
        match push(self, value) {
            Ok(()) => Ok(()),
            Err(error) => Err(in_column(error, name)),
        }
    }

    fn key(&mut self) -> &mut String {
        &mut self.layouts().key
    }

    fn entry<T: Serialize + ?Sized>(&mut self, names: &mut Names, value: &T) -> Result<()> {
        let (index, as_latest) = self.layouts().owned(names);
        self.key_field(index, as_latest)?;
        push(self, value).map_err(|error| error.in_column(self.key().as_str()))
    }

    #[inline]
    fn place<T: Serialize + ?Sized>(&mut self, names: &mut Names, value: &T) -> Result<()> {
        let (index, as_latest) = self.layouts().place(names);
        Target::place(self, index, as_latest)?;
        push(self, value).map_err(|error| error.in_column((index + 1).to_string()))
    }

    #[inline]
    fn end(&mut self, mark: &P::Mark, names: Names) -> Result<()> {
        if names.fields == 0 {
            return self.end_empty_row(mark);
        }
        let layout = self.layouts().end_named(names)?;
        self.end_row(mark, layout)
    }

    #[inline]
    fn end_places(&mut self, mark: &P::Mark, names: Names) -> Result<()> {
        if names.fields == 0 {
            return self.end_empty_row(mark);
        }
        let layout = self.layouts().numbered(names.fields)?;
        self.end_row(mark, layout)
    }

    fn give_up(&mut self, mark: P::Mark) {
        self.give_up_row(mark);
    }
}

#[cold]
fn in_column(error: Error, name: &'static str) -> Error {
    error.in_column(name)
}
