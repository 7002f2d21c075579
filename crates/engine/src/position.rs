//! Positions and checkpoints: what a restart needs.

use crate::fingerprint::Fingerprint;
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use smallvec::SmallVec;

/// Where in a source a batch ended. Opaque to all but the source that made it.
///
/// Three numbers (file, byte offset, row) fit inline, so that taking a position costs no
/// allocation.
///
/// # Examples
/// ```
/// use trommel::Position;
/// let position = Position::from_numbers(&[2, 4_096, 17]); // third file, byte, row
/// let stored = position.as_bytes().to_vec();
/// assert_eq!(Position::from_bytes(&stored).numbers().unwrap()[1], 4_096);
/// ```
#[derive(Debug, Clone, PartialEq, Eq, Hash, Default)]
pub struct Position(SmallVec<[u8; 24]>);

impl Position {
    /// A position of whole numbers.
    pub fn from_numbers(numbers: &[u64]) -> Self {
        Position(numbers.iter().flat_map(|number| number.to_le_bytes()).collect())
    }

    /// The numbers given to [`from_numbers`](Self::from_numbers); `None` when it was made otherwise.
    pub fn numbers(&self) -> Option<SmallVec<[u64; 3]>> {
        let (words, rest) = self.0.as_chunks::<8>();
        rest.is_empty().then(|| words.iter().map(|word| u64::from_le_bytes(*word)).collect())
    }

    /// A position of any bytes (a key, a JSON document).
    pub fn from_bytes(bytes: &[u8]) -> Self {
        Position(SmallVec::from_slice(bytes))
    }

    /// The bytes, to be stored with the data.
    pub fn as_bytes(&self) -> &[u8] {
        &self.0
    }
}

/// As hexadecimal digits, so that a checkpoint in a text file can be read.
impl Serialize for Position {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let digits: String = self.0.iter().map(|byte| format!("{byte:02x}")).collect();
        serializer.serialize_str(&digits)
    }
}

impl<'de> Deserialize<'de> for Position {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let digits = String::deserialize(deserializer)?;
        let pair = |pair: &[u8]| {
            let pair = std::str::from_utf8(pair).ok().filter(|pair| pair.len() == 2)?;
            u8::from_str_radix(pair, 16).ok()
        };
        let bytes: Option<_> = digits.as_bytes().chunks(2).map(pair).collect();
        bytes.map(Position).ok_or_else(|| {
            serde::de::Error::custom("a position is written as pairs of hexadecimal digits")
        })
    }
}

/// Rows that have come through, each in exactly one of four places:
/// `read = loaded + rejected + filtered + abandoned`.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct Counts {
    /// Rows that a worker has visited.
    pub read: u64,
    /// Rows that emitted something that the sink has taken.
    pub loaded: u64,
    /// Rows that were bad.
    pub rejected: u64,
    /// Rows that emitted nothing.
    pub filtered: u64,
    /// Rows of batches that a failed or cancelled run did not load; 0 after success.
    pub abandoned: u64,
    /// Values emitted: more than `loaded` when rows emit several.
    pub emitted: u64,
}

impl Counts {
    /// Whether every row that was read is accounted for.
    pub fn add_up(&self) -> bool {
        self.read == self.loaded + self.rejected + self.filtered + self.abandoned
    }

    pub(crate) fn add(&mut self, other: &Counts) {
        self.read += other.read;
        self.loaded += other.loaded;
        self.rejected += other.rejected;
        self.filtered += other.filtered;
        self.abandoned += other.abandoned;
        self.emitted += other.emitted;
    }
}

/// Position, counts and epoch, stored with the data by a transactional sink.
///
/// # Examples
/// A sink that stores it as JSON, where its data are (see [`Sink::commit`](crate::Sink::commit) and
/// [`Sink::resume`](crate::Sink::resume)):
/// ```
/// use trommel::{Checkpoint, Position};
/// let checkpoint =
///     Checkpoint { position: Some(Position::from_numbers(&[500])), epoch: 1, ..Checkpoint::default() };
/// let stored = serde_json::to_string(&checkpoint)?;
/// let found: Checkpoint = serde_json::from_str(&stored)?;
/// assert_eq!(found, checkpoint);
/// assert!(!found.finished && found.counts.add_up());
/// # Ok::<(), serde_json::Error>(())
/// ```
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Checkpoint {
    /// Where the source stood after the last batch written; `None` before the first one, and for
    /// sources that can't restart.
    pub position: Option<Position>,
    /// What has been loaded up to here, from the very first run on.
    pub counts: Counts,
    /// Which input it was, when its source can tell.
    pub source: Option<Fingerprint>,
    /// The job has come to its end: run again, it does nothing. Set by the sink when it stores what
    /// [`finish`](crate::Sink::finish) concludes.
    pub finished: bool,
    /// Which runner wrote it; a sink refuses an older one.
    pub epoch: u64,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_survive_and_three_stay_inline() {
        let position = Position::from_numbers(&[1, u64::MAX, 3]);
        assert_eq!(position.numbers().unwrap().as_slice(), [1, u64::MAX, 3]);
        assert!(!position.0.spilled());
        assert_eq!(Position::from_bytes(b"key").numbers(), None);
    }

    #[test]
    fn positions_are_read_back_and_nonsense_is_not() {
        let position = Position::from_bytes(&[0, 255, 16]);
        let text = serde_json::to_string(&position).unwrap();
        assert_eq!(text, "\"00ff10\"");
        assert_eq!(serde_json::from_str::<Position>(&text).unwrap(), position);
        for nonsense in ["\"0\"", "\"0g\"", "\"€\"", "7"] {
            assert!(serde_json::from_str::<Position>(nonsense).is_err(), "{nonsense}");
        }
    }
}
