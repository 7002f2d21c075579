//! Arrow: columns from records, rows from columns.

mod array;
mod column;
mod gather;
mod page;
mod types;
mod value;

pub use page::Page;
pub use types::{Date, Decimal, Timestamp};
pub(crate) use column::Column;
pub(crate) use gather::{Declared, Gather};

pub use arrow_array::{self, RecordBatch};
pub use arrow_schema::{self, DataType, Field, Schema, SchemaRef};
