//! Peak memory of long runs, each in a process of its own.

use super::{Ledger, Target, engine};
use crate::{Result, jobs, sibling};
use trommel::Options;

/// Rows of the long run.
const ROWS: u64 = 100_000_000;
/// Bytes of the large table.
const CSV_BYTES: u64 = 1 << 30;

pub(super) fn measure(ledger: &mut Ledger<'_>) -> Result<()> {
    let rows = ledger.plan().rows(ROWS);
    let what = format!("{rows} records, arena, fold");
    peak(ledger, "peak_mib.generate", "peak-generate", rows, 32.0, &what)?;
    let bytes = ledger.plan().rows(CSV_BYTES);
    let what = format!("{} MiB of CSV, null", bytes >> 20);
    peak(ledger, "peak_mib.csv", "peak-csv", bytes, 64.0, &what)
}

/// Two processes: in small pages, which counts, and as the kernel is set up.
fn peak(
    ledger: &mut Ledger<'_>,
    name: &str,
    child: &str,
    amount: u64,
    limit: f64,
    what: &str,
) -> Result<()> {
    if !ledger.wants(name) {
        return Ok(());
    }
    let arguments = ["child", child, &amount.to_string()];
    let used = sibling::number(&sibling::myself_in_small_pages(&arguments)?, "peak_mib")?;
    let resident = sibling::number(&sibling::myself(&arguments)?, "peak_mib")?;
    let note = format!("{what}; {resident:.1} with the kernel's huge pages as they are set up");
    ledger.add(name, used, Target::AtMost(limit), note);
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
