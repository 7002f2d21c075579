//! Days and instants as ISO 8601 has them.

use std::fmt;

/// Days since 1970-01-01.
pub(super) struct Day(pub(super) i64);

impl fmt::Display for Day {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // Howard Hinnant's algorithm: years begin in March, eras have 400 of them.
        let days = self.0 + 719_468;
        let (era, day) = (days.div_euclid(146_097), days.rem_euclid(146_097));
        let year = (day - day / 1_460 + day / 36_524 - day / 146_096) / 365;
        let day = day - (365 * year + year / 4 - year / 100);
        let month = (5 * day + 2) / 153;
        let day = day - (153 * month + 2) / 5 + 1;
        let (month, late) = if month < 10 { (month + 3, 0) } else { (month - 9, 1) };
        write!(f, "{:04}-{month:02}-{day:02}", era * 400 + year + late)
    }
}

/// Microseconds since 1970-01-01.
pub(super) struct Instant(pub(super) i64);

impl fmt::Display for Instant {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        const DAY: i64 = 86_400_000_000;
        let (day, micros) = (self.0.div_euclid(DAY), self.0.rem_euclid(DAY));
        let seconds = micros / 1_000_000;
        let (hour, minute, second) = (seconds / 3600, seconds / 60 % 60, seconds % 60);
        write!(f, "{} {hour:02}:{minute:02}:{second:02}", Day(day))?;
        match micros % 1_000_000 {
            0 => Ok(()),
            micros => write!(f, ".{micros:06}"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn days_and_instants_are_those_of_the_calendar() {
        for (days, text) in [
            (0, "1970-01-01"),
            (-1, "1969-12-31"),
            (11_016, "2000-02-29"),
            (11_017, "2000-03-01"),
            (-719_468, "0000-03-01"),
            (20_779, "2026-11-22"),
        ] {
            assert_eq!(Day(days).to_string(), text);
        }
        assert_eq!(Instant(1).to_string(), "1970-01-01 00:00:00.000001");
        assert_eq!(Instant(-1).to_string(), "1969-12-31 23:59:59.999999");
        assert_eq!(Instant(951_827_696_000_000).to_string(), "2000-02-29 12:34:56");
    }
}
