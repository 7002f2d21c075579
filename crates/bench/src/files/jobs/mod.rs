//! The jobs, one file each.

mod csv_sqlite;

use super::Job;

/// All jobs, in the order in which they are shown.
pub static ALL: [&Job; 1] = [&csv_sqlite::JOB];
