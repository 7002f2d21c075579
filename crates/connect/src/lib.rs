//! Sources and sinks for Trommel.

#[cfg(feature = "csv")]
pub mod csv;
