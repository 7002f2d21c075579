//! The record of every job on files: all columns of the table, and two that are derived.

use crate::Result;
use serde::{Deserialize, Serialize};
use trommel_connect::csv::{Column, Row, Source};

/// Strings that stand for no value.
pub(super) const NULLS: [&str; 2] = ["NA", ""];

/// A flight as it is loaded. Texts are borrowed, from the input or from an arena.
#[derive(Debug, Serialize)]
pub(super) struct Flight<'a> {
    pub(super) year: u16,
    pub(super) month: u8,
    pub(super) day: u8,
    pub(super) dep_time: Option<u16>,
    pub(super) sched_dep_time: u16,
    pub(super) dep_delay: Option<i16>,
    pub(super) arr_time: Option<u16>,
    pub(super) sched_arr_time: u16,
    pub(super) arr_delay: Option<i16>,
    pub(super) carrier: &'a str,
    pub(super) flight: u16,
    pub(super) tailnum: Option<&'a str>,
    pub(super) origin: &'a str,
    pub(super) dest: &'a str,
    pub(super) air_time: u16,
    pub(super) distance: u16,
    pub(super) hour: u8,
    pub(super) minute: u8,
    pub(super) time_hour: &'a str,
    /// Miles per hour.
    pub(super) speed: f64,
    /// Carrier and number.
    pub(super) id: &'a str,
}

/// Miles per hour, computed as every peer does.
pub(super) fn speed(distance: u16, air_time: u16) -> f64 {
    f64::from(distance) / f64::from(air_time) * 60.0
}

/// Where the columns are, looked up once.
#[derive(Debug, Clone, Copy)]
pub(super) struct Columns([Column; 19]);

const NAMES: [&str; 19] = [
    "year",
    "month",
    "day",
    "dep_time",
    "sched_dep_time",
    "dep_delay",
    "arr_time",
    "sched_arr_time",
    "arr_delay",
    "carrier",
    "flight",
    "tailnum",
    "origin",
    "dest",
    "air_time",
    "distance",
    "hour",
    "minute",
    "time_hour",
];

impl Columns {
    pub(super) fn of(source: &Source) -> Result<Self> {
        let mut columns = [source.column("year")?; 19];
        for (column, name) in columns.iter_mut().zip(NAMES) {
            *column = source.column(name)?;
        }
        Ok(Columns(columns))
    }

    /// The carrier and the number of a flight, for its id.
    #[inline]
    pub(super) fn name<'a>(&self, row: &Row<'a>) -> trommel::Result<(&'a str, &'a str)> {
        Ok((row.str(self.0[9])?, row.str(self.0[10])?))
    }

    /// Minutes in the air, when the flight took off and landed.
    #[inline]
    pub(super) fn air_time(&self, row: &Row<'_>) -> trommel::Result<Option<u16>> {
        row.get(self.0[14])
    }

    /// The flight in a row.
    #[inline]
    pub(super) fn flight<'a>(
        &self,
        row: &Row<'a>,
        air_time: u16,
        id: &'a str,
    ) -> trommel::Result<Flight<'a>> {
        let at = &self.0;
        let distance = row.get(at[15])?;
        Ok(Flight {
            year: row.get(at[0])?,
            month: row.get(at[1])?,
            day: row.get(at[2])?,
            dep_time: row.get(at[3])?,
            sched_dep_time: row.get(at[4])?,
            dep_delay: row.get(at[5])?,
            arr_time: row.get(at[6])?,
            sched_arr_time: row.get(at[7])?,
            arr_delay: row.get(at[8])?,
            carrier: row.get(at[9])?,
            flight: row.get(at[10])?,
            tailnum: row.get(at[11])?,
            origin: row.get(at[12])?,
            dest: row.get(at[13])?,
            air_time,
            distance,
            hour: row.get(at[16])?,
            minute: row.get(at[17])?,
            time_hour: row.get(at[18])?,
            speed: speed(distance, air_time),
            id,
        })
    }
}

/// A flight as it stands in NDJSON.
#[derive(Debug, Serialize, Deserialize)]
pub(super) struct Line<'a> {
    pub(super) year: u16,
    pub(super) month: u8,
    pub(super) day: u8,
    pub(super) dep_time: Option<u16>,
    pub(super) sched_dep_time: u16,
    pub(super) dep_delay: Option<i16>,
    pub(super) arr_time: Option<u16>,
    pub(super) sched_arr_time: u16,
    pub(super) arr_delay: Option<i16>,
    pub(super) carrier: &'a str,
    pub(super) flight: u16,
    pub(super) tailnum: Option<&'a str>,
    pub(super) origin: &'a str,
    pub(super) dest: &'a str,
    pub(super) air_time: Option<u16>,
    pub(super) distance: u16,
    pub(super) hour: u8,
    pub(super) minute: u8,
    pub(super) time_hour: &'a str,
}
