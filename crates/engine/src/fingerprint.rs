//! Fingerprints: what tells one input from another.

use serde::{Deserialize, Serialize};
use std::borrow::Cow;
use std::fmt::Display;

/// What tells an input from another one, so that a job isn't resumed in the middle of something
/// else: named traits (the size, the time of the last change, a hash of the head, a query) and their
/// values.
///
/// ```
/// use trommel::Fingerprint;
/// let then = Fingerprint::new().with("size of a.csv", 310).with("head of a.csv", "5f1c");
/// let now = Fingerprint::new().with("size of a.csv", 512).with("head of a.csv", "5f1c");
/// assert_eq!(then.difference(&now).unwrap(), "size of a.csv was 310 and is 512");
/// assert_eq!(then.difference(&then.clone()), None);
/// ```
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Fingerprint(Vec<(String, String)>);

impl Fingerprint {
    /// Without a trait yet.
    pub fn new() -> Self {
        Fingerprint::default()
    }

    /// With one more trait. Of inputs with a name it is called `TRAIT of NAME`; a `time of …` in
    /// seconds since 1970 (`1795881523.25`), or in nanoseconds, is shown as a date.
    #[must_use]
    pub fn with(mut self, name: impl Into<String>, value: impl Display) -> Self {
        self.0.push((name.into(), value.to_string()));
        self
    }

    /// The traits and their values, in the order in which they were given.
    pub fn traits(&self) -> impl Iterator<Item = (&str, &str)> {
        self.0.iter().map(|(name, value)| (name.as_str(), value.as_str()))
    }

    /// The first trait that is another `now`, in words; `None` when all are the same.
    ///
    /// ```
    /// use trommel::Fingerprint;
    /// let of = |name, time| {
    ///     let size = Fingerprint::new().with(format!("size of {name}"), 310);
    ///     size.with(format!("time of the last change of {name}"), time)
    /// };
    /// let then = of("a.csv", "1795881523.400");
    /// assert_eq!(then.difference(&of("b.csv", "1")).unwrap(), "it was a.csv and is b.csv");
    /// assert_eq!(
    ///     then.difference(&of("a.csv", "1795881600.000")).unwrap(),
    ///     "time of the last change of a.csv was 2026-11-28 15:58:43.4 UTC and is 2026-11-28 \
    ///      16:00:00 UTC"
    /// );
    /// ```
    pub fn difference(&self, now: &Fingerprint) -> Option<String> {
        for (index, (name, was)) in self.0.iter().enumerate() {
            let Some((same, is)) = now.0.get(index).filter(|(now, _)| are_of_a_kind(name, now))
            else {
                return Some(format!("{name} was {was} and is not there any more"));
            };
            if name != same {
                let input = |name: &str| name.split_once(OF).map(|(_, input)| input.to_owned());
                return Some(format!("it was {} and is {}", input(name)?, input(same)?));
            }
            if was != is {
                return Some(format!("{name} was {} and is {}", shown(name, was), shown(name, is)));
            }
        }
        let (name, is) = now.0.get(self.0.len())?;
        Some(format!("{name}, {is}, is new"))
    }
}

/// Stands between a trait and the input that has it.
const OF: &str = " of ";

/// Whether two names are of one trait, maybe of two inputs.
fn are_of_a_kind(one: &str, other: &str) -> bool {
    let kind = |name: &str| name.split_once(OF).map(|(kind, _)| kind.to_owned());
    one == other || kind(one).is_some() && kind(one) == kind(other)
}

/// A value as a person reads it.
fn shown<'v>(name: &str, value: &'v str) -> Cow<'v, str> {
    match name.starts_with("time of ").then(|| date(value)).flatten() {
        Some(date) => Cow::Owned(date),
        None => Cow::Borrowed(value),
    }
}

/// Seconds since 1970 with a fraction, or nanoseconds, as a date and time.
fn date(value: &str) -> Option<String> {
    let (seconds, fraction) = match value.split_once('.') {
        Some(parts) => parts,
        None => value.split_at_checked(value.len().checked_sub(9)?)?,
    };
    let (seconds, nanos): (u64, u64) = (seconds.parse().ok()?, fraction.parse().ok()?);
    let (days, second) = (seconds / 86_400, seconds % 86_400);
    // Howard Hinnant's algorithm: years begin in March, eras have 400 of them.
    let days = days + 719_468;
    let (era, day) = (days / 146_097, days % 146_097);
    let year = (day - day / 1_460 + day / 36_524 - day / 146_096) / 365;
    let day = day - (365 * year + year / 4 - year / 100);
    let month = (5 * day + 2) / 153;
    let day = day - (153 * month + 2) / 5 + 1;
    let (month, late) = if month < 10 { (month + 3, 0) } else { (month - 9, 1) };
    let year = era * 400 + year + late;
    let (hour, minute, second) = (second / 3600, second / 60 % 60, second % 60);
    let fraction = match nanos {
        0 => "",
        _ => &format!(".{}", fraction.trim_end_matches('0')),
    };
    Some(format!("{year:04}-{month:02}-{day:02} {hour:02}:{minute:02}:{second:02}{fraction} UTC"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn traits_that_come_and_go_are_differences() {
        let one = Fingerprint::new().with("a", 1);
        let two = Fingerprint::new().with("a", 1).with("b", 2);
        assert_eq!(one.difference(&two).unwrap(), "b, 2, is new");
        assert_eq!(two.difference(&one).unwrap(), "b was 2 and is not there any more");
    }

    #[test]
    fn instants_are_dates() {
        for (value, date) in [
            ("0.000000000", "1970-01-01 00:00:00 UTC"),
            ("951827696.500000000", "2000-02-29 12:34:56.5 UTC"),
            ("1795881523408943923", "2026-11-28 15:58:43.408943923 UTC"),
            ("-1.5s", "-1.5s"),
            ("7", "7"),
            ("", ""),
        ] {
            assert_eq!(shown("time of change of a", value), date);
        }
    }
}
