//! Races that examples of `trommel-connect` run by themselves, in processes of their own.

use super::{Ledger, Target, files};
use crate::files::{Data, ROWS};
use crate::{Result, sibling};
use std::process::Command;

/// Times that the shipped sample goes through the socket: 0.99 M rows.
const SENT: &str = "50";

pub(super) fn measure(ledger: &mut Ledger<'_>, data: &mut Option<Data>) -> Result<()> {
    parquet_fold(ledger, data)?;
    tcp_fold(ledger)
}

/// Over the `parquet` crate's own reader, divided by the workers.
fn parquet_fold(ledger: &mut Ledger<'_>, data: &mut Option<Data>) -> Result<()> {
    let [columnar, rows] = ["files.parquet_fold.columnar", "files.parquet_fold.rows"];
    if !ledger.wants(columnar) && !ledger.wants(rows) {
        return Ok(());
    }
    let plan = ledger.plan();
    let (amount, rounds) = (plan.rows(ROWS), plan.rounds().to_string());
    let data = files::made(data, ledger, amount)?;
    let parquet = data.folder().join("fold.parquet");
    let writer = sibling::example("csv_to_parquet", "csv,parquet")?;
    sibling::output(Command::new(writer).arg(data.csv(1)?).arg(&parquet))?;
    let reader = sibling::example("parquet_fold", "parquet")?;
    let printed = sibling::output(Command::new(reader).arg(&parquet).arg(rounds))?;
    std::fs::remove_file(&parquet)?;
    let note: Vec<&str> = printed.lines().map(str::trim_end).collect();
    let (note, at_most) = (note.join("; "), Target::AtMost(1.1));
    ledger.add(columnar, sibling::number(&printed, "ratio columnar")?, at_most, note.clone());
    ledger.add(rows, sibling::number(&printed, "ratio rows")?, at_most, note);
    Ok(())
}

/// JSON lines over the loopback.
fn tcp_fold(ledger: &mut Ledger<'_>) -> Result<()> {
    let name = "files.tcp_ndjson.rows_per_second";
    if !ledger.wants(name) {
        return Ok(());
    }
    let example = sibling::example("tcp_ndjson", "csv,ndjson,socket")?;
    let mut rates = Vec::new();
    for _ in 0..ledger.plan().runs().max(1) {
        let printed = sibling::output(Command::new(&example).arg(SENT))?;
        rates.push(sibling::number(&printed, "rows_per_second")?);
    }
    let rate = crate::stats::Spread::of(rates);
    let note = format!("{rate} rows/s, sender and workers on the same machine");
    ledger.add(name, rate.median, Target::AtLeast(1e6), note);
    Ok(())
}
