//! PostgreSQL

mod connection;
mod encode;
mod failure;
#[allow(dead_code)]
mod libpq;
mod types;
pub use encode::{Encoder, Page};
