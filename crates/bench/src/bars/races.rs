//! A race that an example of `trommel-connect` runs by itself, in a process of its own.

use super::{Ledger, Target, files};
use crate::files::{Data, ROWS};
use crate::{Result, sibling};
use std::process::Command;

/// Over the `parquet` crate's own reader, divided by the workers.
pub(super) fn measure(ledger: &mut Ledger<'_>, data: &mut Option<Data>) -> Result<()> {
    let [columnar, rows] = ["files.parquet_fold.columnar", "files.parquet_fold.rows"];
    if !ledger.wants(columnar) && !ledger.wants(rows) {
        return Ok(());
    }
    let plan = ledger.plan();
    let (amount, rounds) = (plan.rows(ROWS), plan.rounds().to_string());
    let data = files::made(data, ledger, amount)?;
    let parquet = data.parquet(1)?;
    let reader = sibling::example("parquet_fold", "parquet")?;
    let printed = sibling::output(Command::new(reader).arg(parquet).arg(rounds))?;
    let note: Vec<&str> = printed.lines().map(str::trim_end).collect();
    let (note, at_most) = (note.join("; "), Target::AtMost(1.1));
    ledger.add(columnar, sibling::number(&printed, "ratio columnar")?, at_most, note.clone());
    ledger.add(rows, sibling::number(&printed, "ratio rows")?, at_most, note);
    Ok(())
}
