//! Days and instants as ISO 8601 has them.

use std::fmt;

/// Days since 1970-01-01.
pub(super) struct Day(pub(super) i64);

impl Day {
    /// Year, and month and day of the month.
    fn date(&self) -> (i64, (i64, i64)) {
        // Howard Hinnant's algorithm: years begin in March, eras have 400 of them.
        let days = self.0 + 719_468;
        let (era, day) = (days.div_euclid(146_097), days.rem_euclid(146_097));
        let year = (day - day / 1_460 + day / 36_524 - day / 146_096) / 365;
        let day = day - (365 * year + year / 4 - year / 100);
        let month = (5 * day + 2) / 153;
        let day = day - (153 * month + 2) / 5 + 1;
        let (month, late) = if month < 10 { (month + 3, 0) } else { (month - 9, 1) };
        (era * 400 + year + late, (month, day))
    }
}

impl fmt::Display for Day {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (year, (month, day)) = self.date();
        let sign = if year < 0 { "-" } else { "" };
        write!(f, "{sign}{:04}-{month:02}-{day:02}", year.unsigned_abs())
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

/// Whether an instant says how far its clock is from UTC.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Zone {
    /// It must not.
    Without,
    /// It may; else it is UTC.
    With,
}

impl Zone {
    /// What a text must be.
    pub(super) fn expected(self) -> &'static str {
        match self {
            Zone::Without => "a timestamp without a zone, as 2026-11-22 12:34:56.789",
            Zone::With => "a timestamp, as 2026-11-22 12:34:56.789+02:00",
        }
    }
}

impl Day {
    /// A day of the Gregorian calendar, `YYYY-MM-DD`.
    pub(super) fn parse(text: &[u8]) -> Option<Day> {
        let (rest, sign) = match text.strip_prefix(b"-") {
            Some(rest) => (rest, -1),
            None => (text, 1),
        };
        let digits = rest.iter().position(|byte| !byte.is_ascii_digit())?;
        if !(4..=6).contains(&digits) {
            return None;
        }
        let (year, rest) = rest.split_at(digits);
        let [b'-', m1, m2, b'-', d1, d2] = *rest else { return None };
        let (year, month, day) = (sign * number(year)?, number(&[m1, m2])?, number(&[d1, d2])?);
        if !(1..=12).contains(&month) || day == 0 {
            return None;
        }
        // The inverse of what `Display` does.
        let (of_march, year) = if month > 2 { (month - 3, year) } else { (month + 9, year - 1) };
        let (era, of_era) = (year.div_euclid(400), year.rem_euclid(400));
        let of_year = (153 * of_march + 2) / 5 + day - 1;
        let days = era * 146_097 + of_era * 365 + of_era / 4 - of_era / 100 + of_year;
        let parsed = Day(days - 719_468);
        // A day that its month does not have is one of the next month.
        (parsed.date().1 == (month, day)).then_some(parsed)
    }
}

impl Instant {
    /// `YYYY-MM-DD HH:MM[:SS[.FRACTION]]`, with a blank or a `T`, and with a zone where it may have
    /// one: `Z`, `+HH`, `+HH:MM` or `+HHMM`. A fraction of more than microseconds is refused unless it
    /// is of zeros.
    pub(super) fn parse(text: &[u8], zone: Zone) -> Option<Instant> {
        let at = text.iter().position(|byte| matches!(byte, b' ' | b'T'))?;
        let Day(days) = Day::parse(&text[..at])?;
        let (clock, offset) = split_offset(&text[at + 1..], zone)?;
        let (clock, fraction) = match clock.iter().position(|byte| *byte == b'.') {
            Some(point) => (&clock[..point], Some(&clock[point + 1..])),
            None => (clock, None),
        };
        let (hour, minute, second) = match *clock {
            [h1, h2, b':', m1, m2] if fraction.is_none() => ([h1, h2], [m1, m2], [b'0'; 2]),
            [h1, h2, b':', m1, m2, b':', s1, s2] => ([h1, h2], [m1, m2], [s1, s2]),
            _ => return None,
        };
        let (hour, minute, second) = (number(&hour)?, number(&minute)?, number(&second)?);
        if hour > 23 || minute > 59 || second > 59 {
            return None;
        }
        let mut micros = 0;
        if let Some(fraction) = fraction {
            let (kept, beyond) = fraction.split_at(fraction.len().min(6));
            if kept.is_empty() || beyond.iter().any(|byte| *byte != b'0') {
                return None;
            }
            micros = number(kept)? * 10_i64.pow(6 - kept.len() as u32);
        }
        let seconds = days * 86_400 + hour * 3600 + minute * 60 + second - offset;
        Some(Instant(seconds.checked_mul(1_000_000)?.checked_add(micros)?))
    }
}

/// Cuts off how far a clock is from UTC, in seconds.
fn split_offset(text: &[u8], zone: Zone) -> Option<(&[u8], i64)> {
    let Some(at) = text.iter().position(|byte| matches!(byte, b'Z' | b'+' | b'-')) else {
        return Some((text, 0));
    };
    if zone == Zone::Without {
        return None;
    }
    let (hours, minutes) = match text[at + 1..] {
        [] if text[at] == b'Z' => return Some((&text[..at], 0)),
        [h1, h2] => ([h1, h2], [b'0'; 2]),
        [h1, h2, b':', m1, m2] | [h1, h2, m1, m2] => ([h1, h2], [m1, m2]),
        _ => return None,
    };
    let (hours, minutes) = (number(&hours)?, number(&minutes)?);
    let seconds = hours * 3600 + minutes * 60;
    let sign = match text[at] {
        b'+' => 1,
        b'-' => -1,
        _ => return None,
    };
    (hours < 24 && minutes < 60).then_some((&text[..at], sign * seconds))
}

/// Digits and nothing else, few enough for any number.
fn number(digits: &[u8]) -> Option<i64> {
    digits.iter().try_fold(0, |number, byte| {
        byte.is_ascii_digit().then(|| number * 10 + i64::from(byte - b'0'))
    })
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
            (-800_000, "-0221-09-04"),
            (20_779, "2026-11-22"),
        ] {
            assert_eq!(Day(days).to_string(), text);
        }
        assert_eq!(Instant(1).to_string(), "1970-01-01 00:00:00.000001");
        assert_eq!(Instant(-1).to_string(), "1969-12-31 23:59:59.999999");
        assert_eq!(Instant(951_827_696_000_000).to_string(), "2000-02-29 12:34:56");
    }

    #[test]
    fn what_is_written_is_read_and_nothing_else() {
        for days in (-800_000..800_000).step_by(97) {
            assert_eq!(Day::parse(Day(days).to_string().as_bytes()).map(|day| day.0), Some(days));
        }
        for micros in [0, 1, -1, 951_827_696_000_000, i64::MAX / 2, -62_135_596_800_000_000] {
            let text = Instant(micros).to_string();
            let parsed = Instant::parse(text.as_bytes(), Zone::Without);
            assert_eq!(parsed.map(|instant| instant.0), Some(micros), "{text}");
        }
        for (text, same) in [
            ("2026-11-22T12:34", "2026-11-22 12:34:00"),
            ("2026-11-22 12:34:56.5Z", "2026-11-22 12:34:56.500000"),
            ("2026-11-22 12:34:56.1234560+00", "2026-11-22 12:34:56.123456"),
            ("2026-11-22 01:34:56+02:30", "2026-11-21 23:04:56"),
            ("2026-12-31 23:34:56-0130", "2027-01-01 01:04:56"),
        ] {
            let parsed = Instant::parse(text.as_bytes(), Zone::With).map(|at| at.to_string());
            assert_eq!(parsed.as_deref(), Some(same), "{text}");
        }
        for bad in [
            "",
            "2026",
            "2026-02-29",
            "2026-13-01",
            "2026-00-01",
            "2026-01-00",
            "26-01-01",
            "2026-1-1",
            "2026-01-01x",
            "+2026-01-01",
            "2026/01/01",
            "2026-01-011",
        ] {
            assert!(Day::parse(bad.as_bytes()).is_none(), "{bad}");
        }
        for bad in [
            "2026-11-22",
            "2026-11-22 24:00:00",
            "2026-11-22 12:60:00",
            "2026-11-22 12:00:60",
            "2026-11-22 12",
            "2026-11-22 12:34.5",
            "2026-11-22 12:34:56.",
            "2026-11-22 12:34:56.1234567",
            "2026-11-22 12:34:56+2",
            "2026-11-22 12:34:56Zx",
            "2026-11-22 12:34:56Z01",
            "2026-11-22 12:34:56+24",
            "999999-01-01 00:00:00",
        ] {
            assert!(Instant::parse(bad.as_bytes(), Zone::With).is_none(), "{bad}");
        }
        assert!(Instant::parse(b"2026-11-22 12:34:56Z", Zone::Without).is_none());
    }
}
