//! Peak memory of long runs, each in a process of its own.

use super::{Ledger, Target, engine};
use crate::{Result, jobs, origin, sibling};
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

/// What is generated.
#[derive(Debug, Clone, Copy, clap::ValueEnum)]
pub enum Form {
    /// Records and lines in arenas, tallied.
    Arena,
    /// Boxed records and lines, tallied.
    Boxed,
    /// Wide records, all held at once: what the origin does.
    Wide,
}

/// What the child does: prints the peak before and after a run.
///
/// # Errors
/// When the run fails, or rows are missing.
pub fn generate(rows: u64, form: Form) -> Result<()> {
    let before = sibling::peak_mib()?;
    let lines = match form {
        Form::Arena => jobs::generate_in(&engine()?, &Options::default(), rows)?.0.lines,
        Form::Boxed => jobs::boxed(&engine()?, &Options::default(), rows)?.0.lines,
        Form::Wide => {
            let users: Vec<_> = (0..rows).map(|id| origin::generator().wide(id)).collect();
            std::hint::black_box(&users).len() as u64
        }
    };
    if lines != rows {
        return Err(format!("{lines} of {rows} rows arrived").into());
    }
    println!("before_mib {before:.2}");
    println!("peak_mib {:.2}", sibling::peak_mib()?);
    Ok(())
}
