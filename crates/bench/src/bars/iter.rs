//! A sequential iterator, whose records move.
//!
//! The iterator at hand waits for nothing, and `iter` tells the engine so: workers call it in turns.
//! Without that promise (`iter.may_block`, `iter.in_place`) one thread makes the records, as it does by
//! hand.

use super::{Ledger, Target, engine};
use crate::floors::sequential;
use crate::floors::threads::{self, Dropped};
use crate::jobs::{self, Ran};
use crate::plan::WORKERS;
use crate::race::Race;
use crate::{Result, origin};
use trommel::{Engine, Options};

const BATCHES: [usize; 4] = [128, 1_024, 4_096, 8_192];

type Run = fn(&Engine, &Options, u64) -> Result<Ran>;

pub(super) fn measure(ledger: &mut Ledger<'_>) -> Result<()> {
    let engine = engine()?;
    let options = Options::default();
    let rows = ledger.plan().rows(2_000_000);
    let cases: [(_, Run, _, _); 3] = [
        ("iter", jobs::iter_never_blocks, Dropped::ByWorker, Target::AtLeast(1.0)),
        ("iter.may_block", jobs::iter_owned, Dropped::ByWorker, Target::AtLeast(1.0)),
        ("iter.in_place", jobs::iter_in_place, Dropped::ByMaker, Target::None),
    ];
    let expected = sequential::boxed(rows);
    for (name, run, dropped, target) in cases {
        if !ledger.wants(name) {
            continue;
        }
        let mut race =
            Race::new(rows, expected).with("trommel", || Ok(run(&engine, &options, rows)?.0));
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
