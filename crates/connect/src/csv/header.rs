//! The first record of each file: what its columns are called.

use super::batch::Batch;
use super::cutter::Cutter;
use super::headers::Headers;
use super::options::{Builder, Trim};
use super::rules::Rules;
use super::shape::Shape;
use super::source::Source;
use crate::input::{Feeder, Inputs};
use std::sync::Arc;
use trommel::{Batch as _, Error, Result};

/// What the first record of every file is.
#[derive(Debug, Clone, Copy)]
pub(super) struct Header {
    /// It holds names, and is no row.
    is_there: bool,
    /// The names are given by the program, so those in the files mean nothing.
    is_given: bool,
    /// Names are stripped of blanks.
    strip: bool,
}

impl Header {
    /// Passes the header of a further file, which must be that of the first.
    pub(super) fn check(self, feeder: &mut Feeder<Cutter>, shape: &Arc<Shape>) -> Result<()> {
        if !self.is_there {
            return Ok(());
        }
        let block = feeder.first_record(true)?;
        if self.is_given || block.rows() == 0 {
            return Ok(());
        }
        let mut batch = Batch::of(shape, block);
        let origin = batch.origin(0);
        let expected = &shape.headers.names;
        batch.for_each(0, |row| {
            let row = match row {
                Ok(row) => row,
                // Too few or too many names, or an unclosed quote.
                Err(error) => return Err(self.fault(shape, error.message()).at(origin.clone())),
            };
            for (index, (field, expected)) in row.iter().zip(expected).enumerate() {
                // With `Trim::Fields` the row gives its fields without blanks, and names keep them.
                let name = if self.strip { field.trim_ascii() } else { field };
                let expected_name = match shape.trim {
                    true => expected.as_bytes().trim_ascii(),
                    false => expected.as_bytes(),
                };
                if name != expected_name {
                    let difference = format!(
                        "column {index} (counted from 0) is `{}` and not `{expected}`",
                        name.escape_ascii()
                    );
                    return Err(self.fault(shape, &difference).at(origin.clone()));
                }
            }
            match row.len() == expected.len() {
                true => Ok(()),
                false => {
                    let difference = format!("{} columns, not {}", row.len(), expected.len());
                    Err(self.fault(shape, &difference).at(origin.clone()))
                }
            }
        })
    }

    #[cold]
    fn fault(self, shape: &Shape, difference: &str) -> Error {
        Error::config(format!(
            "the header is not that of {}: {difference}; load files with other columns as a source \
             of their own",
            shape.name
        ))
    }
}

impl Builder {
    pub(super) fn build(self, rules: Rules, inputs: Inputs) -> Result<Source> {
        let mut nulls = self.nulls.clone();
        nulls.set_quoted(self.quoted_nulls);
        let shape = Shape {
            name: (**inputs.name()).into(),
            rules,
            headers: Headers::default(),
            width: None,
            nulls,
            // Names are stripped for themselves.
            trim: false,
            lenient_eof: self.lenient_eof,
        };
        let mut shape = Arc::new(shape);
        let mut feeder = Feeder::new(inputs, Cutter::new(rules), self.block_bytes);
        let mut names = self.headers.clone();
        let mut width = names.as_ref().map(Vec::len);
        if self.has_headers || width.is_none() && !self.flexible {
            let mut block = feeder.first_record(self.has_headers)?;
            while block.rows() == 0 && feeder.next_file()? {
                block = feeder.first_record(self.has_headers)?;
            }
            if names.is_none() {
                let mut batch = Batch::of(&shape, block);
                let origin = batch.origin(0);
                batch.for_each(0, |row| {
                    width = row.as_ref().ok().map(|row| row.len());
                    if self.has_headers {
                        let known = row
                            .map_err(|error| Error::config(error.message().to_owned()))
                            .and_then(|row| self.names(row.iter()));
                        names = Some(known.map_err(|error| error.at(origin.clone()))?);
                    }
                    Ok(())
                })?;
            }
        }
        let columns = width.unwrap_or_else(|| names.as_ref().map_or(0, Vec::len));
        if let Some(shape) = Arc::get_mut(&mut shape) {
            shape.headers = Headers::new(names.unwrap_or_default());
            shape.width = width.filter(|_| !self.flexible);
            shape.trim = matches!(self.trim, Trim::Fields | Trim::All);
        }
        feeder.set_cutter(Cutter::new(rules).with_fields(columns));
        let header = Header {
            is_there: self.has_headers,
            is_given: self.headers.is_some(),
            strip: self.strips_names(),
        };
        Ok(Source { shape, feeder, header })
    }

    fn strips_names(&self) -> bool {
        matches!(self.trim, Trim::Headers | Trim::All)
    }

    fn names<'a>(&self, fields: impl Iterator<Item = &'a [u8]>) -> Result<Vec<Box<str>>> {
        let strip = self.strips_names();
        let name = |(index, field): (usize, &[u8])| {
            let field = if strip { field.trim_ascii() } else { field };
            std::str::from_utf8(field).map(Into::into).map_err(|error| {
                let message = format!(
                    "the name of column {index} (counted from 0) is not valid UTF-8: give the \
                     names with `headers`"
                );
                Error::config(message).caused_by(error)
            })
        };
        fields.enumerate().map(name).collect()
    }
}
