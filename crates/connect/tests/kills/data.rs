//! What is loaded: rows of all fates, and texts that are easily damaged.

use serde::Serialize;
use std::io::{BufWriter, Write};
use std::path::Path;
use trommel::{Error, Result};
use trommel_connect::csv;

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
    /// A key that is there already: refused by tables with a key.
    Duplicate,
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

/// Writes the input.
pub(crate) fn write_input(path: &Path, rows: u64) {
    let mut file = BufWriter::new(std::fs::File::create(path).unwrap());
    writeln!(file, "id,kind,distance,note").unwrap();
    for id in 0..rows {
        let kind = format!("{:?}", fate(id));
        let distance = if fate(id) == Fate::Bad { "far".into() } else { format!("{}.25", id * 3) };
        let note = match id % 4 {
            0 => "\"two\nlines, \"\"quoted\"\"\"".to_owned(),
            1 => "x".repeat(id as usize % 90),
            2 => "żółw €".to_owned(),
            _ => String::new(),
        };
        writeln!(file, "{id},{kind},{distance},{note}").unwrap();
    }
}

/// What is loaded of a row.
#[derive(Debug, Serialize)]
pub(crate) struct Item<'a> {
    pub(crate) id: u64,
    pub(crate) distance: f64,
    pub(crate) note: Option<&'a str>,
}

/// What the pipeline does with a row, for any sink: `emit` takes what is loaded.
pub(crate) fn transform(
    row: &csv::Row<'_>,
    has_keys: bool,
    mut emit: impl FnMut(&Item<'_>) -> Result<()>,
) -> Result<()> {
    crate::window::reach(crate::window::MID_BATCH);
    let kind = row.str("kind")?;
    let item = Item {
        id: row.get("id")?,
        distance: row.get("distance")?,
        note: Some(row.str("note")?).filter(|note| !note.is_empty()),
    };
    match kind {
        "Filtered" => Ok(()),
        "Twice" => {
            emit(&item)?;
            emit(&Item { id: item.id + 1_000_000, ..item })
        }
        // The row before it has the same key.
        "Duplicate" if has_keys => emit(&Item { id: 0, ..item }),
        "Bad" => Err(Error::fatal("the distance of a bad row could be read")),
        _ => emit(&item),
    }
}

/// Rows of each place, by another way than the pipeline's: read, loaded, rejected, filtered, emitted.
pub(crate) fn expected_counts(rows: u64, has_keys: bool) -> [u64; 5] {
    let count = |wanted: &[Fate]| (0..rows).filter(|id| wanted.contains(&fate(*id))).count() as u64;
    let (bad, duplicate) = (count(&[Fate::Bad]), count(&[Fate::Duplicate]));
    let (filtered, twice) = (count(&[Fate::Filtered]), count(&[Fate::Twice]));
    let rejected = if has_keys { bad + duplicate } else { bad };
    let loaded = rows - rejected - filtered;
    [rows, loaded, rejected, filtered, loaded + twice]
}
