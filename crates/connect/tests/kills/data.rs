//! What is loaded: rows of all fates, and texts that are easily damaged.

use serde::{Deserialize, Serialize};
use std::io::Write;
use std::ops::Range;
use trommel::{Error, Result};

pub(crate) const ROWS: u64 = 600;
pub(crate) const BATCH: usize = 16;
/// So many rows, in batches so large, that SQLite copies them.
pub(crate) const MANY_ROWS: u64 = 5_600;
pub(crate) const MANY_BATCH: usize = 700;
/// Batches for each commit, about.
pub(crate) const COMMIT: usize = 2;

/// What becomes of a row; also how often.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Fate {
    Loaded,
    /// Emits a value and another one.
    Twice,
    Filtered,
    /// Refused by the transform.
    Bad,
    /// A key that is there already.
    Duplicate,
}

/// What a destination does with a row whose key is there already.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Twins {
    /// It has no keys, so there are none.
    Unknown,
    Refused,
    /// They update the row that is there.
    Updating,
    PassedOver,
}

pub(crate) fn fate(id: u64) -> Fate {
    match id {
        _ if id % 11 == 5 => Fate::Bad,
        _ if id % 7 == 3 => Fate::Filtered,
        _ if id % 13 == 12 => Fate::Duplicate,
        _ if id % 5 == 4 => Fate::Twice,
        _ => Fate::Loaded,
    }
}

/// A row of the input.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct Line {
    pub(crate) id: u64,
    pub(crate) kind: String,
    pub(crate) distance: String,
    pub(crate) note: Option<String>,
}

pub(crate) fn line(id: u64) -> Line {
    let is_bad = fate(id) == Fate::Bad;
    Line {
        id,
        kind: format!("{:?}", fate(id)),
        distance: if is_bad { "far".into() } else { format!("{}.25", id * 3) },
        note: match id % 4 {
            0 => Some("two\nlines, \"quoted\"".to_owned()),
            1 => Some("x".repeat(id as usize % 90)),
            2 => Some("żółw €".to_owned()),
            _ => None,
        },
    }
}

/// Writes a part of the input.
pub(crate) fn write_csv(to: impl Write, ids: Range<u64>) {
    let mut writer = ::csv::Writer::from_writer(to);
    ids.for_each(|id| writer.serialize(line(id)).unwrap());
    writer.flush().unwrap();
}

/// What is loaded of a row.
#[derive(Debug, Serialize)]
pub(crate) struct Item<'a> {
    pub(crate) id: u64,
    /// Where files are partitioned, their folders: new ones come in the middle of the job.
    pub(crate) part: u64,
    pub(crate) late: bool,
    pub(crate) distance: f64,
    pub(crate) note: Option<&'a str>,
}

/// What the pipeline does with a row, for any sink: `emit` takes what is loaded.
pub(crate) fn transform(
    line: &Line,
    twins: Twins,
    mut emit: impl FnMut(&Item<'_>) -> Result<()>,
) -> Result<()> {
    crate::window::reach(crate::window::MID_BATCH);
    let Line { id, kind, distance, note } = line;
    let item = Item {
        id: *id,
        part: id % 3,
        late: *id > 250,
        distance: distance.parse().map_err(|_| Error::row("a distance that is no number"))?,
        note: note.as_deref().filter(|note| !note.is_empty()),
    };
    match kind.as_str() {
        "Filtered" => Ok(()),
        "Twice" => {
            emit(&item)?;
            emit(&Item { id: item.id + 1_000_000, ..item })
        }
        // The row before it has the same key.
        "Duplicate" if twins != Twins::Unknown => emit(&Item { id: 0, ..item }),
        "Bad" => Err(Error::fatal("the distance of a bad row could be read")),
        _ => emit(&item),
    }
}

/// Rows of each place, by another way than the pipeline's: read, loaded, rejected, filtered, emitted.
pub(crate) fn expected_counts(rows: u64, twins: Twins) -> [u64; 5] {
    let count = |wanted: &[Fate]| of_fates(rows, wanted);
    let (bad, duplicate) = (count(&[Fate::Bad]), count(&[Fate::Duplicate]));
    let (filtered, twice) = (count(&[Fate::Filtered]), count(&[Fate::Twice]));
    let rejected = if twins == Twins::Refused { bad + duplicate } else { bad };
    let loaded = rows - rejected - filtered;
    [rows, loaded, rejected, filtered, loaded + twice]
}

/// Rows that are in the table when so many of the input have been read.
pub(crate) fn expected_rows(read: u64, twins: Twins) -> u64 {
    let [.., emitted] = expected_counts(read, twins);
    match twins {
        Twins::Unknown | Twins::Refused => emitted,
        Twins::Updating | Twins::PassedOver => emitted - of_fates(read, &[Fate::Duplicate]),
    }
}

/// The distance of row 0 by then, which all duplicates have the key of.
pub(crate) fn expected_distance(read: u64, twins: Twins) -> f64 {
    let mut duplicates = (0..read).filter(|id| fate(*id) == Fate::Duplicate);
    let last = if twins == Twins::Updating { duplicates.next_back() } else { None };
    (last.unwrap_or(0) * 3) as f64 + 0.25
}

fn of_fates(rows: u64, wanted: &[Fate]) -> u64 {
    (0..rows).filter(|id| wanted.contains(&fate(*id))).count() as u64
}
