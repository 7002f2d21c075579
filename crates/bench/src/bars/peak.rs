//! Peak memory of long runs, each in a process of its own.

use super::{Ledger, Target, engine};
use crate::{Result, jobs, sibling};
use trommel::Options;

/// Rows of the long run.
const ROWS: u64 = 100_000_000;
/// Bytes of the large table.
const CSV_BYTES: u64 = 1 << 30;

pub(super) fn measure(ledger: &mut Ledger<'_>) -> Result<()> {
    let name = "peak_mib.generate";
    if ledger.wants(name) {
        let rows = ledger.plan().rows(ROWS);
        let printed = sibling::myself(&["child", "peak-generate", &rows.to_string()])?;
        let value = sibling::number(&printed, "peak_mib")?;
        ledger.add(name, value, Target::AtMost(32.0), format!("{rows} records, arena, fold"));
    }
    let name = "peak_mib.csv";
    if ledger.wants(name) {
        let bytes = ledger.plan().rows(CSV_BYTES);
        let printed = sibling::myself(&["child", "peak-csv", &bytes.to_string()])?;
        let value = sibling::number(&printed, "peak_mib")?;
        let note = format!("{} MiB of CSV, null", bytes >> 20);
        ledger.add(name, value, Target::AtMost(64.0), note);
    }
    Ok(())
}

/// What the child does: prints the peak after parsing so many bytes.
///
/// # Errors
/// When the run fails.
pub fn csv(bytes: u64) -> Result<()> {
    let report = jobs::csv::discard(&engine()?, bytes)?;
    if report.bytes_read < bytes {
        return Err(format!("{} of {bytes} bytes were read", report.bytes_read).into());
    }
    println!("peak_mib {:.1}", sibling::peak_mib()?);
    Ok(())
}

/// What the child does: prints the peak after a long run.
///
/// # Errors
/// When the run fails, or rows are missing.
pub fn generate(rows: u64) -> Result<()> {
    let (tally, _) = jobs::generate_in(&engine()?, &Options::default(), rows)?;
    if tally.lines != rows {
        return Err(format!("{} of {rows} rows arrived", tally.lines).into());
    }
    println!("peak_mib {:.1}", sibling::peak_mib()?);
    Ok(())
}
