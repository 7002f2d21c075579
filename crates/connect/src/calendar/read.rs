//! Dates and times from their ISO forms.

use super::{DAY, EPOCH_DAYS, SECOND};

/// What a text says of its time zone.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Zone {
    Unsaid,
    /// Seconds east of Greenwich.
    Offset(i32),
}

/// Days since 2000 of a date of the Gregorian calendar.
pub(crate) const fn days_of(year: i64, month: i64, day: i64) -> i64 {
    // Years begin in March, so that the leap day comes last (Howard Hinnant, `days_from_civil`).
    let year = if month <= 2 { year - 1 } else { year };
    let era = year.div_euclid(400);
    let of_era = year.rem_euclid(400);
    let of_year = (153 * ((month + 9) % 12) + 2) / 5 + day - 1;
    era * 146_097 + of_era * 365 + of_era / 4 - of_era / 100 + of_year - 719_468 - EPOCH_DAYS
}

/// Reads digits off the front: at least `least`, at most `most`.
pub(crate) fn digits<'a>(text: &mut &'a [u8], least: usize, most: usize) -> Option<i64> {
    let count = text.iter().take(most).take_while(|byte| byte.is_ascii_digit()).count();
    if count < least {
        return None;
    }
    let (number, rest): (&'a [u8], _) = text.split_at(count);
    *text = rest;
    Some(number.iter().fold(0, |value, digit| value * 10 + i64::from(digit - b'0')))
}

pub(crate) fn eat(text: &mut &[u8], wanted: u8) -> bool {
    let found = text.first() == Some(&wanted);
    if found {
        *text = &text[1..];
    }
    found
}

#[inline]
fn read_date(text: &mut &[u8]) -> Option<i64> {
    let sign = if eat(text, b'-') { -1 } else { 1 };
    let year = sign * digits(text, 4, 6)?;
    if !eat(text, b'-') {
        return None;
    }
    let month = digits(text, 2, 2)?;
    if !eat(text, b'-') {
        return None;
    }
    let day = digits(text, 2, 2)?;
    days(year, month, day)
}

/// Days since 2000 of a date that there is.
#[inline]
fn days(year: i64, month: i64, day: i64) -> Option<i64> {
    let leap = year % 4 == 0 && (year % 100 != 0 || year % 400 == 0);
    let last = match month {
        1 | 3 | 5 | 7 | 8 | 10 | 12 => 31,
        4 | 6 | 9 | 11 => 30,
        2 if leap => 29,
        2 => 28,
        _ => return None,
    };
    (1..=last).contains(&day).then(|| days_of(year, month, day))
}

/// Microseconds of a day; 24:00:00 is allowed, as PostgreSQL does.
#[inline]
fn read_time(text: &mut &[u8]) -> Option<i64> {
    let hours = digits(text, 2, 2)?;
    if !eat(text, b':') {
        return None;
    }
    let minutes = digits(text, 2, 2)?;
    let mut micros = 0;
    if eat(text, b':') {
        let seconds = digits(text, 2, 2)?;
        if seconds > 60 {
            return None;
        }
        micros = seconds * SECOND + read_fraction(text)?;
    }
    let time = (hours * 60 + minutes) * 60 * SECOND + micros;
    (hours <= 24 && minutes < 60 && time <= DAY).then_some(time)
}

/// Microseconds of `.123456789`, rounded; 0 without a point.
pub(crate) fn read_fraction(text: &mut &[u8]) -> Option<i64> {
    if !eat(text, b'.') && !eat(text, b',') {
        return Some(0);
    }
    let count = text.iter().take_while(|byte| byte.is_ascii_digit()).count();
    if count == 0 {
        return None;
    }
    let digit = |index: usize| text[..count].get(index).map_or(0, |digit| i64::from(digit - b'0'));
    let micros = (0..6).fold(0, |value, index| value * 10 + digit(index));
    let rounded = micros + i64::from(digit(6) >= 5);
    *text = &text[count..];
    Some(rounded)
}

/// Whether a text has a fraction of a second that is lost in microseconds.
pub(crate) fn is_finer(text: &str) -> bool {
    let fraction = text.split_once(['.', ',']).map_or("", |(_, fraction)| fraction);
    let digits = fraction.bytes().take_while(u8::is_ascii_digit);
    digits.skip(6).any(|digit| digit != b'0')
}

fn read_zone(text: &mut &[u8]) -> Option<Zone> {
    let sign = match text.first() {
        None => return Some(Zone::Unsaid),
        Some(b'Z' | b'z') => {
            *text = &text[1..];
            return Some(Zone::Offset(0));
        }
        Some(b'+') => 1,
        Some(b'-') => -1,
        Some(_) => return None,
    };
    *text = &text[1..];
    let hours = digits(text, 2, 2)?;
    let colon = eat(text, b':');
    let minutes = match digits(text, 2, 2) {
        Some(minutes) => minutes,
        None if colon => return None,
        None => 0,
    };
    let seconds = if eat(text, b':') { digits(text, 2, 2)? } else { 0 };
    let offset = (hours * 60 + minutes) * 60 + seconds;
    // PostgreSQL's own bound.
    (minutes < 60 && seconds < 60 && offset < 16 * 3600)
        .then_some(Zone::Offset(sign * offset as i32))
}

/// Days since 2000. Year 0 is 1 BC, and those before it have a sign.
#[inline]
pub(crate) fn date(text: &str) -> Option<i32> {
    let mut rest = text.trim().as_bytes();
    let days = read_date(&mut rest)?;
    rest.is_empty().then(|| i32::try_from(days).ok()).flatten()
}

/// Microseconds of a day, and the zone if one is said.
pub(crate) fn time(text: &str) -> Option<(i64, Zone)> {
    let mut rest = text.trim().as_bytes();
    let time = read_time(&mut rest)?;
    let zone = read_zone(&mut rest)?;
    rest.is_empty().then_some((time, zone))
}

/// Microseconds since 2000 of `2013-01-01T10:00:00`, the form that nearly all timestamps begin with,
/// and what follows; `None` for any other form, and for what is no time. `date` says where its date
/// begins.
#[inline(always)]
pub(crate) fn usual(
    text: &[u8],
    date: impl FnOnce(&[u8; 10]) -> Option<i64>,
) -> Option<(i64, &[u8])> {
    let (day, rest) = text.split_first_chunk()?;
    let (separator, rest) = rest.split_first()?;
    let (clock, rest) = rest.split_first_chunk()?;
    if !matches!(separator, b'T' | b' ') {
        return None;
    }
    Some((date(day)? + seconds(*clock)? * SECOND, rest))
}

/// Microseconds since 2000 of `2013-01-01`.
pub(crate) fn usual_date(mut date: &[u8]) -> Option<i64> {
    let days = read_date(&mut date)?;
    date.is_empty().then_some(days * DAY)
}

/// Seconds of `10:00:00`, all eight bytes at once.
#[inline(always)]
fn seconds(clock: [u8; 8]) -> Option<i64> {
    let values = u64::from_le_bytes(clock) ^ u64::from_le_bytes(*b"00:00:00");
    // The uppermost bit of each byte that is no digit, or no colon in a colon's place.
    let wrong = values.wrapping_add(0x7676_7f76_767f_7676) | values;
    let two = |at: u32| {
        let pair = values >> (8 * at);
        i64::from((pair & 15) as u8 * 10 + (pair >> 8 & 15) as u8)
    };
    let (hours, minutes, seconds) = (two(0), two(3), two(6));
    let is_time =
        wrong & 0x8080_8080_8080_8080 == 0 && hours <= 23 && minutes <= 59 && seconds <= 59;
    is_time.then_some((hours * 60 + minutes) * 60 + seconds)
}

/// Microseconds since 2000, as the clock on the wall shows them, and the zone if one is said. A
/// zone's name in brackets, which some libraries append to the offset, is passed over.
#[inline]
pub(crate) fn timestamp(text: &str) -> Option<(i64, Zone)> {
    match usual(text.as_bytes(), |date| usual_date(date)) {
        Some((micros, b"")) => return Some((micros, Zone::Unsaid)),
        Some((micros, b"Z")) => return Some((micros, Zone::Offset(0))),
        _ => {}
    }
    let mut rest = text.trim().as_bytes();
    let days = read_date(&mut rest)?;
    let mut time = 0;
    let mut zone = Zone::Unsaid;
    if let [b'T' | b't' | b' ', time_of_day @ ..] = rest {
        rest = time_of_day;
        time = read_time(&mut rest)?;
        eat(&mut rest, b' ');
        if rest.first() != Some(&b'[') {
            zone = read_zone(&mut rest)?;
        }
    }
    if rest.first() == Some(&b'[') && rest.last() == Some(&b']') && zone != Zone::Unsaid {
        rest = &[];
    }
    let micros = days.checked_mul(DAY)?.checked_add(time)?;
    rest.is_empty().then_some((micros, zone))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn dates_count_from_2000() {
        assert_eq!(date("2000-01-01"), Some(0));
        assert_eq!(date("1999-12-31"), Some(-1));
        assert_eq!(date("2013-01-01"), Some(4749));
        assert_eq!(date("2000-02-29"), Some(59));
        assert_eq!(date(" 2013-01-01 "), Some(4749));
        assert_eq!(date("0000-03-01"), Some(-719_468 - EPOCH_DAYS as i32));
        for bad in [
            "",
            "2013",
            "2013-02-29",
            "2013-13-01",
            "2013-00-01",
            "2013-01-00",
            "2013-1-1",
            "13-01-01",
            "2013-01-011",
            "+2013-01-01",
            "01/02/2013",
        ] {
            assert_eq!(date(bad), None, "{bad}");
        }
    }

    #[test]
    fn the_usual_form_is_read_as_all_others_are() {
        let mut numbers = [1999, 2, 28, 23, 59, 58];
        for round in 0..20_000_u32 {
            let at = round as usize % 6;
            let step = i64::from(round.wrapping_mul(2_654_435_761) >> 28);
            numbers[at] = (numbers[at] + step) % [10_000, 14, 33, 26, 62, 62][at];
            let [year, month, day, hours, minutes, seconds] = numbers;
            for end in ["", "Z", ".5", "+02", "x"] {
                let text = format!(
                    "{year:04}-{month:02}-{day:02}T{hours:02}:{minutes:02}:{seconds:02}{end}"
                );
                // A blank in front makes it an unusual one.
                assert_eq!(timestamp(&text), timestamp(&format!(" {text}")), "{text}");
            }
        }
        for odd in [
            "2013-01-01T1a:00:00",
            "2013-01-01T10:0/:00",
            "2013-01-01T10:00:0:",
            "2013-01-01T10;00:00",
            "2013-01-01T10:00 00",
            "2013-01-0:T10:00:00",
            "2013/01/01T10:00:00",
        ] {
            assert_eq!(timestamp(odd), None, "{odd}");
        }
        // Each byte in each place of the clock.
        for at in 0..8 {
            for byte in 0..=u8::MAX {
                let mut clock = *b"12:34:56";
                clock[at] = byte;
                let usually = std::str::from_utf8(&clock).ok().and_then(time);
                let usually = usually.map(|(micros, _)| micros / SECOND);
                assert_eq!(seconds(clock), usually, "{clock:?}");
            }
        }
    }

    #[test]
    fn timestamps_know_their_zone() {
        let noon = Some((4749 * DAY + 12 * 3600 * SECOND, Zone::Unsaid));
        assert_eq!(timestamp("2013-01-01T12:00:00"), noon);
        assert_eq!(timestamp("2013-01-01 12:00"), noon);
        let zone = |text| timestamp(text).map(|(_, zone)| zone);
        assert_eq!(zone("2013-01-01T12:00:00Z"), Some(Zone::Offset(0)));
        assert_eq!(zone("2013-01-01 12:00:00.5+05:30"), Some(Zone::Offset(19_800)));
        assert_eq!(zone("2013-01-01 12:00:00-08"), Some(Zone::Offset(-28_800)));
        assert_eq!(
            zone("2013-01-01T12:00:00-05:00[America/New_York]"),
            Some(Zone::Offset(-18_000))
        );
        assert_eq!(timestamp("2000-01-01T00:00:00.1234567").unwrap().0, 123_457);
        for bad in [
            "2013-01-01T25:00:00",
            "2013-01-01T12:60",
            "2013-01-01T12:00:61",
            "2013-01-01T12",
            "2013-01-01T12:00.5",
            "2013-01-01T12:00:00.",
            "2013-01-01T12:00:00+2",
            "2013-01-01T12:00:00Z01",
            "2013-01-01T12:00:00+24",
            "2013-01-01Tnoon",
            "2013-01-01X",
            "999999-01-01T00:00:00",
        ] {
            assert_eq!(timestamp(bad), None, "{bad}");
        }
        for (text, is) in
            [("12:00:00.1234567", true), ("12:00:00.1234560Z", false), ("12:00", false)]
        {
            assert_eq!(is_finer(text), is, "{text}");
        }
        assert_eq!(time("24:00:00"), Some((DAY, Zone::Unsaid)));
        assert_eq!(time("24:00:01"), None);
    }
}
