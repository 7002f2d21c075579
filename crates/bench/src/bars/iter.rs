//! A sequential iterator: one thread makes the records, and they move.

use super::{Ledger, Target, engine};
use crate::floors::sequential;
use crate::floors::threads::{self, Dropped};
use crate::plan::WORKERS;
use crate::race::Race;
use crate::{Result, jobs, origin};
use trommel::Options;

const BATCHES: [usize; 4] = [128, 1_024, 4_096, 8_192];

pub(super) fn measure(ledger: &mut Ledger<'_>) -> Result<()> {
    let engine = engine()?;
    let options = Options::default();
    let rows = ledger.plan().rows(2_000_000);
    let cases = [
        ("iter", Dropped::ByWorker, Target::AtLeast(1.0)),
        ("iter.in_place", Dropped::ByMaker, Target::None),
    ];
    let expected = sequential::boxed(rows);
    for (name, dropped, target) in cases {
        if !ledger.wants(name) {
            continue;
        }
        let mut race = Race::new(rows, expected).with("trommel", || {
            let ran = match dropped {
                Dropped::ByWorker => jobs::iter_owned(&engine, &options, rows)?,
                Dropped::ByMaker => jobs::iter_in_place(&engine, &options, rows)?,
            };
            Ok(ran.0)
        });
        for batch in BATCHES {
            race = race.with(format!("threads and channels, batches of {batch}"), move || {
                let records = origin::generator().records(0..rows);
                Ok(threads::iter(records, WORKERS, batch, dropped))
            });
        }
        let duel = race.duel(ledger.plan())?;
        ledger.add(name, duel.ratio().median, target, duel.to_string());
    }
    Ok(())
}
