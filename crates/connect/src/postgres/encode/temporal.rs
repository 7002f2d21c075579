//! Dates and timestamps with the infinities that PostgreSQL knows: the ends of their numbers.

use crate::calendar::{self, Zone};

/// Days since 2000.
pub(super) fn date(text: &str) -> Option<i32> {
    let ends = (i32::MIN, i32::MAX);
    calendar::date(text).or_else(|| infinity(text, ends))
}

/// Microseconds since 2000, as the clock on the wall shows them, and the zone if one is said.
#[inline]
pub(super) fn timestamp(text: &str) -> Option<(i64, Zone)> {
    let ends = (i64::MIN, i64::MAX);
    calendar::timestamp(text).or_else(|| Some((infinity(text, ends)?, Zone::Unsaid)))
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
}
