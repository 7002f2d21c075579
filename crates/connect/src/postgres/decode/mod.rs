//! From `COPY` data to rows, in the workers.

mod batch;
mod de;
mod show;

pub use batch::{Batch, Row};
pub(super) use batch::{HEADER_LEN, SIGNATURE, Schema, key_of};
pub(super) use show::show;
