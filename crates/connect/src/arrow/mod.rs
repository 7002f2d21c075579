//! Arrow: columns from records, rows from columns.

mod array;
mod cell;
mod cells;
mod column;
mod de;
mod gather;
mod page;
mod row;
mod types;
mod value;

pub use cell::{Cell, FromCell};
pub use page::Page;
pub use row::{At, Column, Row};
pub use types::{Date, Decimal, Timestamp};
pub(crate) use column::Column as Building;
pub(crate) use row::{Frame, Shape};
pub(crate) use gather::{Declared, Gather};

pub use arrow_array::{self, RecordBatch};
pub use arrow_schema::{self, DataType, Field, Schema, SchemaRef};
