//! The jobs, one file each.

mod csv_csv;
mod csv_parquet;
mod csv_postgres;
mod csv_sqlite;
mod ndjson_fold;
mod parquet_fold;
mod tcp_ndjson;

use super::Job;

/// All jobs, in the order in which they are shown.
pub static ALL: [&Job; 9] = [
    &csv_csv::JOB,
    &csv_parquet::JOB,
    &csv_sqlite::JOB,
    &csv_sqlite::EXACTLY_ONCE,
    &csv_postgres::JOB,
    &csv_postgres::EXACTLY_ONCE,
    &ndjson_fold::JOB,
    &tcp_ndjson::JOB,
    &parquet_fold::JOB,
];
