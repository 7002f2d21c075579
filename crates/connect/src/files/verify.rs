//! Reading back: whether a file holds what was given to it.

use crate::verify::{Digest, RowHash};
use std::path::Path;
use trommel::{Batch as _, Error, Fill, Limit, Result, Source};

/// Reads a file of the sink's format, as a source does.
pub(crate) type ReadBack = Box<dyn Fn(&Path) -> Result<Digest> + Send>;

/// Rows read at once.
const ROWS: usize = 4096;

/// All records of a source. Where there is a header it counts for the content, not for the rows.
pub(crate) fn digest<S: Source>(mut source: S, has_header: bool) -> Result<Digest> {
    let (mut digest, mut batch, mut rows) = (Digest::default(), S::Batch::default(), Vec::new());
    let mut is_header = has_header;
    loop {
        let fill = source.fill(&mut batch, &Limit::of_rows(ROWS))?;
        batch.for_each(0, |row| row.map(drop))?;
        rows.clear();
        rows.extend(0..batch.len());
        batch.locate(&rows, &mut |_, _, raw| match std::mem::take(&mut is_header) {
            true => digest.mark(&hash(raw)),
            false => digest.add(&hash(raw)),
        });
        if fill == Fill::End {
            return Ok(digest);
        }
    }
}

/// The hash of a record as it is written, whatever ends it.
pub(super) fn hash(record: &[u8]) -> RowHash {
    let record = record.strip_suffix(b"\n").unwrap_or(record);
    let mut hash = RowHash::new();
    hash.text(record.strip_suffix(b"\r").unwrap_or(record));
    hash
}

/// The digest of the file that lies at `side` until it gets its name.
pub(super) fn read(read_back: &ReadBack, side: &Path) -> Result<Digest> {
    read_back(side).map_err(|error| {
        let message = format!("verify: {} can't be read back", side.display());
        Error::fatal(message).caused_by(error)
    })
}
