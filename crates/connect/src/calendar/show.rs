//! Dates and times in their ISO forms.

use super::{EPOCH_DAYS, SECOND};
use std::fmt::{self, Write};

/// Days since 2000 as a date; BC as ISO counts it, year 0 being 1 BC.
pub(crate) fn show_date(out: &mut impl Write, days: i64) -> fmt::Result {
    // Years begin in March (Howard Hinnant, `civil_from_days`).
    let days = days + EPOCH_DAYS + 719_468;
    let era = days.div_euclid(146_097);
    let of_era = days.rem_euclid(146_097);
    let year_of_era = (of_era - of_era / 1460 + of_era / 36_524 - of_era / 146_096) / 365;
    let of_year = of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    let shifted = (5 * of_year + 2) / 153;
    let day = of_year - (153 * shifted + 2) / 5 + 1;
    let month = if shifted < 10 { shifted + 3 } else { shifted - 9 };
    let year = year_of_era + era * 400 + i64::from(month <= 2);
    let sign = if year < 0 { "-" } else { "" };
    write!(out, "{sign}{:04}-{month:02}-{day:02}", year.unsigned_abs())
}

/// Microseconds of a day.
pub(crate) fn show_time(out: &mut impl Write, micros: i64) -> fmt::Result {
    let seconds = micros / SECOND;
    write!(out, "{:02}:{:02}:{:02}", seconds / 3600, seconds / 60 % 60, seconds % 60)?;
    show_fraction(out, micros % SECOND)
}

/// Microseconds of a second, behind the seconds; nothing if there are none.
pub(crate) fn show_fraction(out: &mut impl Write, micros: i64) -> fmt::Result {
    let (mut number, mut places) = (micros.unsigned_abs(), 6);
    if number == 0 {
        return Ok(());
    }
    while number.is_multiple_of(10) {
        (number, places) = (number / 10, places - 1);
    }
    write!(out, ".{number:0places$}")
}

#[cfg(test)]
mod tests {
    use super::super::{DAY, Zone, date, timestamp};
    use super::*;

    #[test]
    fn what_is_shown_is_read() {
        for days in (-900_000..800_000).step_by(97) {
            let mut text = String::new();
            show_date(&mut text, days).unwrap();
            assert_eq!(date(&text).map(i64::from), Some(days), "{text}");
        }
        for micros in [0, 1, 10, 999_999, 1_500_000, DAY - 1, -DAY, -1, 426_815_999_999_990] {
            let mut text = String::new();
            show_date(&mut text, micros.div_euclid(DAY)).unwrap();
            text.push(' ');
            show_time(&mut text, micros.rem_euclid(DAY)).unwrap();
            assert_eq!(timestamp(&text), Some((micros, Zone::Unsaid)), "{text}");
        }
    }

    #[test]
    fn years_before_0_have_four_digits() {
        let mut text = String::new();
        show_date(&mut text, -800_000 - EPOCH_DAYS).unwrap();
        assert_eq!(text, "-0221-09-04");
    }
}
