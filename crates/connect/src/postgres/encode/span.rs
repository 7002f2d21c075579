//! Intervals from their texts.

use crate::calendar::{SECOND, digits, eat, read_fraction};

/// An interval's three parts, which PostgreSQL keeps apart.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(super) struct Span {
    pub(super) months: i32,
    pub(super) days: i32,
    pub(super) micros: i64,
}

/// An interval: ISO (`P1Y2M3DT4H5M6.7S`) or `1 year 2 mons -3 days 04:05:06.7`.
pub(super) fn span(text: &str) -> Option<Span> {
    let text = text.trim();
    let (sign, iso) = match text.strip_prefix('-') {
        Some(rest) => (-1, rest),
        None => (1, text),
    };
    match iso.strip_prefix(['P', 'p']) {
        Some(rest) => iso_span(rest, sign),
        None => worded_span(text),
    }
}

fn iso_span(text: &str, sign: i64) -> Option<Span> {
    let mut span = Span::default();
    let mut rest = text.as_bytes();
    let mut in_time = false;
    let mut any = false;
    while !rest.is_empty() {
        if !in_time && (eat(&mut rest, b'T') || eat(&mut rest, b't')) {
            in_time = true;
            continue;
        }
        let minus = eat(&mut rest, b'-');
        let sign = if minus { -sign } else { sign };
        let number = digits(&mut rest, 1, 15)?;
        let fraction = read_fraction(&mut rest)?;
        let (unit, after) = rest.split_first()?;
        rest = after;
        let unit = unit.to_ascii_uppercase();
        if fraction != 0 && !(in_time && unit == b'S') {
            return None;
        }
        let unit = match (in_time, unit) {
            (false, b'Y') => "year",
            (false, b'M') => "month",
            (false, b'W') => "week",
            (false, b'D') => "day",
            (true, b'H') => "hour",
            (true, b'M') => "minute",
            (true, b'S') => "second",
            _ => return None,
        };
        span.add(sign * number, unit)?;
        span.micros = span.micros.checked_add(sign * fraction)?;
        any = true;
    }
    any.then_some(span)
}

fn worded_span(text: &str) -> Option<Span> {
    let mut span = Span::default();
    let mut words = text.split_ascii_whitespace();
    let mut any = false;
    while let Some(word) = words.next() {
        any = true;
        if word.contains(':') {
            let (sign, clock) = match word.as_bytes() {
                [b'-', clock @ ..] => (-1, clock),
                [b'+', clock @ ..] => (1, clock),
                clock => (1, clock),
            };
            let mut rest = clock;
            let hours = digits(&mut rest, 1, 10)?;
            eat(&mut rest, b':');
            let minutes = digits(&mut rest, 2, 2)?;
            let mut micros = (hours * 60 + minutes) * 60 * SECOND;
            if eat(&mut rest, b':') {
                micros += digits(&mut rest, 2, 2)? * SECOND + read_fraction(&mut rest)?;
            }
            if !rest.is_empty() {
                return None;
            }
            span.micros = span.micros.checked_add(sign * micros)?;
            continue;
        }
        span.add(word.parse().ok()?, words.next()?)?;
    }
    any.then_some(span)
}

impl Span {
    fn add(&mut self, number: i64, unit: &str) -> Option<()> {
        let months = |each: i64| i32::try_from(number.checked_mul(each)?).ok();
        match unit.trim_end_matches('s') {
            "year" | "yr" | "y" => self.months = self.months.checked_add(months(12)?)?,
            "month" | "mon" => self.months = self.months.checked_add(months(1)?)?,
            "week" | "w" => self.days = self.days.checked_add(months(7)?)?,
            "day" | "d" => self.days = self.days.checked_add(months(1)?)?,
            unit => {
                let each = match unit {
                    "hour" | "hr" | "h" => 3600 * SECOND,
                    "minute" | "min" | "m" => 60 * SECOND,
                    "second" | "sec" | "" => SECOND,
                    "millisecond" => 1000,
                    "microsecond" | "usec" => 1,
                    _ => return None,
                };
                self.micros = self.micros.checked_add(number.checked_mul(each)?)?;
            }
        }
        Some(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn intervals_keep_months_days_and_time_apart() {
        let span_of = |months, days, micros| Some(Span { months, days, micros });
        assert_eq!(span("P1Y2M3DT4H5M6.7S"), span_of(14, 3, 14_706_700_000));
        assert_eq!(span("-PT1H"), span_of(0, 0, -3_600_000_000));
        assert_eq!(span("1 year 2 mons -3 days 04:05:06.7"), span_of(14, -3, 14_706_700_000));
        assert_eq!(span("2 weeks"), span_of(0, 14, 0));
        assert_eq!(span("90 minutes"), span_of(0, 0, 5_400_000_000));
        assert_eq!(span("-00:00:01"), span_of(0, 0, -1_000_000));
        for bad in ["", "P", "P1", "1", "1 fortnight", "P1.5Y", "1:2:3:4"] {
            assert_eq!(span(bad), None, "{bad}");
        }
    }
}
