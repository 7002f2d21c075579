//! Rows as records, for sinks of any kind.

use super::row::Row;
use serde::ser::{Error as _, Serialize, SerializeMap, SerializeTuple, Serializer};

/// A row as a record that `serde` writes; made by [`Row::as_record`].
#[derive(Debug, Clone, Copy)]
pub struct Record<'a>(Row<'a>);

impl<'a> Row<'a> {
    /// This row as a record for whatever takes one: its fields are called as the header says, and
    /// are texts or, when null, `None`. Without a header it is a tuple.
    ///
    /// A row that is emitted as it is becomes such a record by itself, in the sinks of this crate;
    /// a [`csv::Sink`](super::Sink) copies its bytes.
    ///
    /// ```
    /// use trommel::{Engine, Pipeline, sinks};
    /// use trommel_connect::csv::{self, Row};
    ///
    /// let mut seen = sinks::collect();
    /// Pipeline::from(csv::Source::from_reader("people", "id,name\n1,Anna\n2,\n".as_bytes())?)
    ///     .transform(|row: Row<'_>, out| out.emit(serde_json::to_string(&row.as_record()).ok()))
    ///     .load_into(&mut seen)
    ///     .run(&Engine::new()?)?;
    /// assert_eq!(
    ///     seen.into_vec().into_iter().flatten().collect::<Vec<_>>(),
    ///     [r#"{"id":"1","name":"Anna"}"#, r#"{"id":"2","name":null}"#]
    /// );
    /// # Ok::<(), trommel::Error>(())
    /// ```
    #[inline]
    pub fn as_record(self) -> Record<'a> {
        Record(self)
    }
}

impl Serialize for Record<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> std::result::Result<S::Ok, S::Error> {
        let Record(row) = self;
        let field = |index| row.get::<Option<&str>>(index).map_err(S::Error::custom);
        let names = &row.shape().headers.names;
        if names.is_empty() {
            let mut tuple = serializer.serialize_tuple(row.len())?;
            for index in 0..row.len() {
                tuple.serialize_element(&field(index)?)?;
            }
            return tuple.end();
        }
        if row.len() > names.len() {
            let message = format_args!("{} fields, and names for {}", row.len(), names.len());
            return Err(S::Error::custom(message));
        }
        let mut map = serializer.serialize_map(Some(names.len()))?;
        for (index, name) in names.iter().enumerate() {
            let field = if index < row.len() { field(index)? } else { None };
            map.serialize_entry(&**name, &field)?;
        }
        map.end()
    }
}

/// Rows as they come, into sinks of records; PostgreSQL's has a shorter way. Not `Serialize` for [`Row`] itself: a
/// [`csv::Sink`](super::Sink), which takes any record, then could not copy rows.
macro_rules! takes_rows {
    ($(#[$on:meta] [$($kind:ident)?] $sink:ty;)*) => {$(
        #[$on]
        impl$(<$kind: ?Sized>)? trommel::Encode<Row<'_>> for $sink {
            fn encode(
                encoder: &Self::Encoder,
                page: &mut Self::Page,
                row: Row<'_>,
            ) -> trommel::Result<()> {
                <Self as trommel::Encode<Record<'_>>>::encode(encoder, page, row.as_record())
            }
        }
    )*};
}
takes_rows! {
    #[cfg(feature = "ndjson")] [] crate::ndjson::Sink;
    #[cfg(feature = "sqlite")] [T] crate::sqlite::Table<T>;
    #[cfg(feature = "arrow")] [] crate::arrow::Sink;
    #[cfg(feature = "arrow")] [] crate::arrow::stream::Batches;
    #[cfg(feature = "parquet")] [] crate::parquet::Sink;
}
