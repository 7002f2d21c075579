//! What every source of rows with named columns shares: flat batches that are filled once, and rows
//! that are decoded in the worker.

mod batch;
mod de;
mod field;
mod row;

pub use batch::{Batch, Shape};
pub use field::FromValue;
pub use row::{Column, Field, Row};
