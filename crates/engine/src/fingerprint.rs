//! Fingerprints: what tells one input from another.

use serde::{Deserialize, Serialize};
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

    /// With one more trait.
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
    pub fn difference(&self, now: &Fingerprint) -> Option<String> {
        for (index, (name, was)) in self.0.iter().enumerate() {
            match now.0.get(index) {
                Some((same, is)) if same == name && is == was => {}
                Some((same, is)) if same == name => {
                    return Some(format!("{name} was {was} and is {is}"));
                }
                _ => return Some(format!("{name} was {was} and is not there any more")),
            }
        }
        let (name, is) = now.0.get(self.0.len())?;
        Some(format!("{name}, {is}, is new"))
    }
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
}
