//! CSV against the `csv` crate.

use super::{Ledger, Target, engine};
use crate::Result;
use crate::jobs::csv::{self, Sums};
use crate::origin::Tally;
use crate::race::Race;
use crate::workload::FlightCsv;
use trommel::Options;

pub(super) fn measure(ledger: &mut Ledger<'_>) -> Result<()> {
    if !ledger.wants("csv.parse") {
        return Ok(());
    }
    let engine = engine()?;
    let options = Options::default();
    let text = FlightCsv::new(ledger.plan().rows(64 << 20)).into_text();
    // A source owns its reader; the text lives as long as the program, which ends soon.
    let text: &'static str = text.leak();
    let expected = csv::plain(text)?;
    let duel = Race::new(expected.rows, tally(expected))
        .with("trommel", || Ok(tally(csv::parse(&engine, &options, text)?)))
        .with("csv::ByteRecord, one thread", || Ok(tally(csv::plain(text)?)))
        .duel(ledger.plan())?;
    let mib = text.len() as f64 / f64::from(1 << 20) / duel.times.time(0).median;
    let note = format!("{duel}, {mib:.0} MiB/s");
    ledger.add("csv.parse", duel.ratio().median, Target::AtLeast(1.8), note);
    Ok(())
}

/// Sums in the form that a race compares.
fn tally(sums: Sums) -> Tally {
    let Sums { rows, flown, miles, minutes, delay } = sums;
    Tally {
        lines: rows,
        bytes: flown,
        sum: miles.wrapping_mul(31) ^ minutes.wrapping_mul(37) ^ delay as u64,
    }
}
