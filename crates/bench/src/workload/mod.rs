//! What is run: data with a known result.

mod flights;
mod heavy;
mod users;

pub use flights::{FlightCsv, FlightLines, light_line};
pub use heavy::{HEAVY_ROUNDS, heavy_line};
pub use users::Users;

use crate::origin::Tally;

/// One workload: its name, its size, and what every way of running it must come to.
#[derive(Debug, Clone)]
pub struct Workload {
    /// What it is called in bars and tables.
    pub name: &'static str,
    /// Rows.
    pub rows: u64,
    /// Bytes of one row, heap included, about.
    pub row_bytes: u64,
    /// Seed of its data.
    pub seed: u64,
    /// Lines, bytes and sum of the result, from the plain sequential loop.
    pub expected: Tally,
}
