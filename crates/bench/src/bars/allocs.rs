//! Allocations in the steady state, counted in a program of their own.

use super::{Ledger, Target};
use crate::{Result, sibling};

pub(super) fn measure(ledger: &mut Ledger<'_>) -> Result<()> {
    let name = "allocs_per_record";
    if !ledger.wants(name) {
        return Ok(());
    }
    match sibling::run("trommel-bench-allocs", &[]) {
        Ok(printed) => {
            let value = sibling::number(&printed, "allocs_per_record")?;
            ledger.add(name, value, Target::AtMost(0.0), printed.trim().replace('\n', "; "));
        }
        Err(why) => ledger.skip(name, Target::AtMost(0.0), why),
    }
    Ok(())
}
