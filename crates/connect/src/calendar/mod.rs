//! Dates and times of the Gregorian calendar, from and to their ISO forms.
//!
//! Days and microseconds count from 2000-01-01, as PostgreSQL's do: from 1970 on its last year would
//! not fit.

mod read;
mod show;

pub(crate) use read::{
    Zone, date, days_of, digits, eat, is_finer, read_fraction, time, timestamp, usual, usual_date,
};
pub(crate) use show::{show_date, show_fraction, show_time};

/// Days from 1970 to 2000.
pub(crate) const EPOCH_DAYS: i64 = 10_957;
/// Microseconds.
pub(crate) const DAY: i64 = 86_400_000_000;
/// Microseconds.
pub(crate) const SECOND: i64 = 1_000_000;
