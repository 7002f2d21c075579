//! Dates and times from their ISO forms, in PostgreSQL's units: days and microseconds since 2000.

/// Days from 1970 to 2000.
pub(crate) const EPOCH_DAYS: i64 = 10_957;
const DAY: i64 = 86_400_000_000;
pub(super) const SECOND: i64 = 1_000_000;

/// What a text says of its time zone.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Zone {
    Unsaid,
    /// Seconds east of Greenwich.
    Offset(i32),
}

/// Days since 1970 of a date of the Gregorian calendar.
pub(crate) fn days_of(year: i64, month: i64, day: i64) -> i64 {
    // Years begin in March, so that the leap day comes last (Howard Hinnant, `days_from_civil`).
    let year = if month <= 2 { year - 1 } else { year };
    let era = year.div_euclid(400);
    let of_era = year.rem_euclid(400);
    let of_year = (153 * ((month + 9) % 12) + 2) / 5 + day - 1;
    era * 146_097 + of_era * 365 + of_era / 4 - of_era / 100 + of_year - 719_468
}

/// Reads digits off the front: at least `least`, at most `most`.
pub(super) fn digits<'a>(text: &mut &'a [u8], least: usize, most: usize) -> Option<i64> {
    let count = text.iter().take(most).take_while(|byte| byte.is_ascii_digit()).count();
    if count < least {
        return None;
    }
    let (number, rest): (&'a [u8], _) = text.split_at(count);
    *text = rest;
    Some(number.iter().fold(0, |value, digit| value * 10 + i64::from(digit - b'0')))
}

pub(super) fn eat(text: &mut &[u8], wanted: u8) -> bool {
    let found = text.first() == Some(&wanted);
    if found {
        *text = &text[1..];
    }
    found
}

#[inline]
fn read_date(text: &mut &[u8]) -> Option<i64> {
    let year = digits(text, 4, 6)?;
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
    // The type ends in the year 294276; year 0 is 1 BC, which ISO texts rarely mean.
    let valid = (1..=last).contains(&day) && (1..=294_275).contains(&year);
    valid.then(|| days_of(year, month, day) - EPOCH_DAYS)
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
pub(super) fn read_fraction(text: &mut &[u8]) -> Option<i64> {
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

/// `infinity` and `-infinity`, which dates and timestamps know.
fn infinity(text: &str) -> Option<bool> {
    match text {
        _ if text.eq_ignore_ascii_case("infinity") => Some(true),
        _ if text.eq_ignore_ascii_case("-infinity") => Some(false),
        _ => None,
    }
}

/// Days since 2000.
pub(super) fn date(text: &str) -> Option<i32> {
    let text = text.trim();
    if let Some(late) = infinity(text) {
        return Some(if late { i32::MAX } else { i32::MIN });
    }
    let mut rest = text.as_bytes();
    let days = read_date(&mut rest)?;
    rest.is_empty().then(|| i32::try_from(days).ok()).flatten()
}

/// Microseconds of a day, and the zone if one is said.
pub(super) fn time(text: &str) -> Option<(i64, Zone)> {
    let mut rest = text.trim().as_bytes();
    let time = read_time(&mut rest)?;
    let zone = read_zone(&mut rest)?;
    rest.is_empty().then_some((time, zone))
}

/// Microseconds since 2000 of `2013-01-01T10:00:00`, the form that nearly all timestamps begin with,
/// and what follows; `None` for any other form, and for what is no time. `date` says where its date
/// begins.
#[inline(always)]
pub(super) fn usual(
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
pub(super) fn usual_date(mut date: &[u8]) -> Option<i64> {
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

/// The latest date that was read: in most data it comes again at once.
#[derive(Debug, Default)]
pub(super) struct Dates {
    latest: [u8; 10],
    micros: i64,
}

impl Dates {
    /// Microseconds since 2000 of `2013-01-01`.
    #[inline(always)]
    pub(super) fn micros(&mut self, date: &[u8; 10]) -> Option<i64> {
        if *date != self.latest {
            self.micros = usual_date(date)?;
            self.latest = *date;
        }
        Some(self.micros)
    }
}

/// Microseconds since 2000, as the clock on the wall shows them, and the zone if one is said. A
/// zone's name in brackets, which some libraries append to the offset, is passed over.
#[inline]
pub(super) fn timestamp(text: &str) -> Option<(i64, Zone)> {
    match usual(text.as_bytes(), |date| usual_date(date)) {
        Some((micros, b"")) => return Some((micros, Zone::Unsaid)),
        Some((micros, b"Z")) => return Some((micros, Zone::Offset(0))),
        _ => {}
    }
    let text = text.trim();
    if let Some(late) = infinity(text) {
        return Some((if late { i64::MAX } else { i64::MIN }, Zone::Unsaid));
    }
    let mut rest = text.as_bytes();
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
    rest.is_empty().then_some((days * DAY + time, zone))
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
        assert_eq!(date("infinity"), Some(i32::MAX));
        for bad in ["2013-02-29", "2013-13-01", "2013-1-1", "2013-01-01 ", "01/02/2013", "", "2013"]
        {
            assert_eq!(date(bad).is_some(), bad == "2013-01-01 ", "{bad}");
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
    fn a_date_that_comes_again_is_read_once_and_no_other_is_taken_for_it() {
        let mut dates = Dates::default();
        for date in [b"2013-01-01", b"2013-01-01", b"2013-01-02", b"2013-02-30", b"2013-01-02"] {
            assert_eq!(dates.micros(date), usual_date(date));
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
        for bad in ["2013-01-01T25:00:00", "2013-01-01T12:60", "2013-01-01Tnoon", "2013-01-01X"] {
            assert_eq!(timestamp(bad), None, "{bad}");
        }
        assert_eq!(time("24:00:00"), Some((DAY, Zone::Unsaid)));
        assert_eq!(time("24:00:01"), None);
    }
}
