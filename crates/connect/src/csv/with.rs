//! Rows that pass through, with something added.

use super::row::Row;
use crate::files::PartitionKey;
use serde::Serialize;
use trommel::Result;

/// A row and fields to write behind its own; made by [`Row::with`].
#[derive(Debug, Clone, Copy)]
pub struct With<'a, T> {
    pub(crate) row: Row<'a>,
    pub(crate) fields: T,
}

impl<'a> Row<'a> {
    /// This row with fields behind its own, to be emitted into a [`Sink`](super::Sink): the quickest
    /// way to add columns. The row's bytes are copied as they were read, quotes and all, unless the
    /// output is written in another way than the input.
    ///
    /// The fields are those of a struct, whose names become the names of the columns, or of a tuple,
    /// named by [`appended`](super::Sink::appended).
    ///
    /// ```
    /// use trommel::{Engine, Pipeline};
    /// use trommel_connect::csv::{self, Row};
    ///
    /// # let directory = tempfile::tempdir()?;
    /// # let path = directory.path().join("out.csv");
    /// let text = "name,miles,minutes\n\"Oslo, Gardermoen\",100,15\nBergen,300,60\n";
    /// Pipeline::from(csv::Source::from_reader("flights", text.as_bytes())?)
    ///     .transform(|row: Row<'_>, out| {
    ///         let speed = row.get::<f64>("miles")? / row.get::<f64>("minutes")? * 60.0;
    ///         out.emit(row.with((speed, row.record())))
    ///     })
    ///     .load_into(csv::Sink::create(&path)?.appended(["speed", "number"]))
    ///     .run(&Engine::new()?)?;
    /// assert_eq!(
    ///     std::fs::read_to_string(path)?,
    ///     "name,miles,minutes,speed,number\n\
    ///      \"Oslo, Gardermoen\",100,15,400.0,0\n\
    ///      Bergen,300,60,300.0,1\n"
    /// );
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    #[inline]
    pub fn with<T: Serialize>(self, fields: T) -> With<'a, T> {
        With { row: self, fields }
    }
}

impl PartitionKey for Row<'_> {
    fn write_column(&self, column: &str, text: &mut String) -> Result<bool> {
        let value: Option<&str> = self.get(column)?;
        text.push_str(value.unwrap_or_default());
        Ok(value.is_some())
    }
}

impl<T: Serialize> PartitionKey for With<'_, T> {
    /// The row's own columns first.
    fn write_column(&self, column: &str, text: &mut String) -> Result<bool> {
        match self.row.find_column(column)? {
            Some(index) => {
                let value: Option<&str> = self.row.get(index)?;
                text.push_str(value.unwrap_or_default());
                Ok(value.is_some())
            }
            None => self.fields.write_column(column, text),
        }
    }
}
