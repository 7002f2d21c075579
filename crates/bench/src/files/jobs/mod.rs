//! The jobs, one file each.

mod csv_csv;
mod csv_parquet;
mod csv_postgres;
mod csv_sqlite;
mod ndjson_fold;

use super::Job;

/// All jobs, in the order in which they are shown.
pub static ALL: [&Job; 5] =
    [&csv_csv::JOB, &csv_parquet::JOB, &csv_sqlite::JOB, &csv_postgres::JOB, &ndjson_fold::JOB];
