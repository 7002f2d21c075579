//! Dates and timestamps as PostgreSQL has them: within bounds, and with infinities, which are the ends
//! of their numbers.

use crate::calendar::{self, DAY, Zone, days_of};

/// The type ends in the year 294276; year 0 is 1 BC, which ISO texts rarely mean.
const FIRST: i64 = days_of(1, 1, 1);
const END: i64 = days_of(294_276, 1, 1);

/// Days since 2000.
pub(super) fn date(text: &str) -> Option<i32> {
    let ends = (i32::MIN, i32::MAX);
    let date = calendar::date(text).filter(|days| (FIRST..END).contains(&i64::from(*days)));
    date.or_else(|| infinity(text, ends))
}

/// Microseconds since 2000, as the clock on the wall shows them, and the zone if one is said.
#[inline]
pub(super) fn timestamp(text: &str) -> Option<(i64, Zone)> {
    let ends = (i64::MIN, i64::MAX);
    let timestamp = calendar::timestamp(text);
    let timestamp = timestamp.filter(|(micros, _)| (FIRST * DAY..END * DAY).contains(micros));
    timestamp.or_else(|| Some((infinity(text, ends)?, Zone::Unsaid)))
}

/// The latest date that was read: in most data it comes again at once.
#[cfg(feature = "csv")]
#[derive(Debug, Default)]
pub(super) struct Dates {
    latest: [u8; 10],
    micros: i64,
}

#[cfg(feature = "csv")]
impl Dates {
    /// Microseconds since 2000 of `2013-01-01`.
    #[inline(always)]
    pub(super) fn micros(&mut self, date: &[u8; 10]) -> Option<i64> {
        if *date != self.latest {
            self.micros = calendar::usual_date(date).filter(|micros| *micros >= FIRST * DAY)?;
            self.latest = *date;
        }
        Some(self.micros)
    }
}

#[cold]
fn infinity<T>(text: &str, (first, last): (T, T)) -> Option<T> {
    match text.trim() {
        text if text.eq_ignore_ascii_case("infinity") => Some(last),
        text if text.eq_ignore_ascii_case("-infinity") => Some(first),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn infinities_are_the_ends() {
        assert_eq!(date("infinity"), Some(i32::MAX));
        assert_eq!(date(" -Infinity "), Some(i32::MIN));
        assert_eq!(timestamp("Infinity"), Some((i64::MAX, Zone::Unsaid)));
        assert_eq!(date("2000-01-02"), Some(1));
        assert_eq!(timestamp("never"), None);
    }

    #[test]
    fn years_have_bounds() {
        for (year, is) in [("0000", false), ("0001", true), ("294275", true), ("294276", false)] {
            assert_eq!(date(&format!("{year}-01-01")).is_some(), is, "{year}");
            assert_eq!(timestamp(&format!("{year}-01-01 00:00:00")).is_some(), is, "{year}");
        }
        assert_eq!(date("-0001-01-01"), None);
    }
    #[cfg(feature = "csv")]
    #[test]
    fn a_date_that_comes_again_is_read_once_and_no_other_is_taken_for_it() {
        let mut dates = Dates::default();
        for day in
            ["2013-01-01", "2013-01-01", "2013-01-02", "2013-02-30", "2013-01-02", "0000-01-01"]
        {
            let bytes: &[u8; 10] = day.as_bytes().try_into().unwrap();
            assert_eq!(dates.micros(bytes), date(day).map(|days| i64::from(days) * DAY), "{day}");
        }
    }
}
