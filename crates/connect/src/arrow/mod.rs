//! Arrow: columns from records, rows from columns.

mod array;
pub(crate) mod aside;
pub(crate) mod at;
mod batch;
mod cell;
mod cells;
mod column;
mod de;
mod gather;
mod heads;
mod ipc;
pub(crate) mod many;
pub(crate) mod merge;
pub(crate) mod out;
mod page;
mod push;
mod row;
mod single;
mod sink;
mod source;
pub mod stream;
mod types;
mod value;
pub(crate) mod verify;

pub use batch::{Batch, ColumnarBatch};
pub use cell::{Cell, FromCell};
pub(crate) use column::Column as Building;
pub(crate) use gather::Declared;
pub use page::Page;
pub use row::{At, Column, Row};
pub(crate) use row::{Frame, Shape};
pub use sink::{Columnar, Compression, Encoder, Sink};
pub use source::{ColumnarSource, Source};
pub use types::{Date, Decimal, Timestamp};

pub use crate::partition::{Keyed, KeyedEncoder, KeyedPage, PartitionKey, Partitioned};

pub use arrow_array::{self, RecordBatch};
pub use arrow_ipc;
pub use arrow_schema::{self, DataType, Field, Schema, SchemaRef};
