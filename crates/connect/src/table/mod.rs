//! What every sink with named columns shares: records in, pages of plain values out.
//!
//! [`encode`] writes any [`serde::Serialize`] struct, tuple or map into a [`Page`], in the worker.
//! A database sink then only binds what [`Page::runs`] hands it.
//!
//! | Rust (serde) | [`Value`] |
//! |---|---|
//! | `None`, `()`, a field that `skip_serializing_if` left out | `Null` |
//! | `bool` | `Int`, 0 or 1 |
//! | integers | `Int`; beyond `i64` the row is bad |
//! | `f32`, `f64` | `Float` |
//! | `str`, `char`, unit variants of enums, what displays itself (`Uuid`, `IpAddr`, dates) | `Text` |
//! | bytes (see [`bytes`]) | `Blob` |
//! | nested structs, sequences, tuples, maps, other enum variants | `Text`, as JSON |
//!
//! A record of named fields (struct or map, also with `rename` and `flatten`) is matched with the
//! columns by name. A tuple is matched by place.
//!
//! ```
//! use serde::Serialize;
//! use trommel_connect::table::{Columns, Page, Value, encode};
//!
//! #[derive(Serialize)]
//! struct Flight<'a> {
//!     id: &'a str,
//!     stops: [u8; 2],
//!     delay: Option<f64>,
//! }
//!
//! let mut page = Page::default();
//! encode(&mut page, &Flight { id: "UA1545", stops: [3, 4], delay: None })?;
//! let rows = page.runs().next().unwrap();
//! assert_eq!(rows.columns(), &Columns::Named(vec!["id".into(), "stops".into(), "delay".into()]));
//! let row: Vec<_> = rows.row(0).collect();
//! assert_eq!(row, [Value::Text("UA1545"), Value::Text("[3,4]"), Value::Null]);
//! # Ok::<(), trommel::Error>(())
//! ```

pub mod bytes;
mod declared;
mod input;
pub(crate) mod keyed;
mod kind;
#[cfg(any(feature = "postgres-common", feature = "sqlite"))]
mod limits;
mod page;
#[cfg(any(feature = "postgres-common", feature = "sqlite"))]
mod taken;

pub use crate::encode::Columns;
#[cfg(any(feature = "postgres", feature = "postgres-system"))]
pub(crate) use crate::encode::{Layouts, Target, Values, encode_into, push, write_json};
#[cfg(any(feature = "postgres-common", feature = "sqlite"))]
pub(crate) use declared::{Mode, check_names, definitions, lacking, list, quoted};
pub use input::{Batch, Column, Field, FromValue, Row, Shape};
pub use kind::Kind;
#[cfg(any(feature = "postgres-common", feature = "sqlite"))]
pub(crate) use limits::Limits;
pub use page::{Page, RowOf, Rows, Value};
#[cfg(any(feature = "postgres-common", feature = "sqlite"))]
pub(crate) use taken::Taken;

use serde::Serialize;
use trommel::Result;

/// Appends `record` as a row. After an error the page is as it was.
///
/// # Errors
/// Row errors, which name the column: a number beyond `i64`, a nested value that has no JSON form,
/// and whatever is not a struct, a map or a tuple.
#[inline]
pub fn encode<T: Serialize + ?Sized>(page: &mut Page, record: &T) -> Result<()> {
    crate::encode::encode_into(page, record)
}

/// Writes a field of bytes as a BLOB: `#[serde(serialize_with = "trommel_connect::table::blob")]`.
///
/// Without it serde calls `Vec<u8>` and `&[u8]` sequences of numbers, which become JSON text.
/// [`bytes`] does it for both directions.
///
/// # Errors
/// Whatever the serializer says.
///
/// ```
/// # use trommel_connect::table::{Page, Value, encode};
/// #[derive(serde::Serialize)]
/// struct Image {
///     #[serde(serialize_with = "trommel_connect::table::blob")]
///     pixels: Vec<u8>,
/// }
/// let mut page = Page::default();
/// encode(&mut page, &Image { pixels: vec![0, 255] })?;
/// assert_eq!(page.runs().next().unwrap().row(0).next(), Some(Value::Blob(&[0, 255])));
/// # Ok::<(), trommel::Error>(())
/// ```
pub fn blob<S: serde::Serializer>(
    bytes: &impl AsRef<[u8]>,
    serializer: S,
) -> Result<S::Ok, S::Error> {
    serializer.serialize_bytes(bytes.as_ref())
}
