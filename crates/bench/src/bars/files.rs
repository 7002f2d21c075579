//! Jobs on files and databases, against peers and floors that are processes of their own.

use super::{Ledger, Target, races};
use crate::Result;
use crate::files::{self, Data, Outcome};

pub(super) fn measure(ledger: &mut Ledger<'_>) -> Result<()> {
    let mut data = None;
    for &job in files::ALL.iter() {
        let plan = ledger.plan();
        let (rounds, rows) = (plan.runs(), plan.rows(files::ROWS));
        if job.goals.iter().any(|goal| ledger.wants(&goal.bar(job))) {
            let data = made(&mut data, ledger, rows)?;
            let outcome = match Outcome::of(job, data, rounds) {
                Ok(outcome) => outcome,
                // The other jobs are worth showing all the same.
                Err(why) => {
                    for goal in job.goals {
                        ledger.skip(goal.bar(job), goal.target, &why);
                    }
                    continue;
                }
            };
            for goal in job.goals {
                match outcome.value(goal.what) {
                    Ok((value, note)) => {
                        ledger.add(goal.bar(job), value.median, goal.target, note);
                    }
                    Err(why) => ledger.skip(goal.bar(job), goal.target, why),
                }
            }
            ledger.take(outcome);
        }
        let name = format!("memory.{}", job.name);
        if ledger.plan().long && ledger.wants(&name) {
            let data = made(&mut data, ledger, rows)?;
            let [once, ten_times] = Outcome::peaks(job, data)?;
            let note = format!("{ten_times:.1} MiB for ten times the input, {once:.1} MiB for it");
            ledger.add(name, ten_times / once, Target::AtMost(1.1), note);
        }
    }
    races::measure(ledger, &mut data)
}

pub(super) fn made<'a>(
    data: &'a mut Option<Data>,
    ledger: &Ledger<'_>,
    rows: u64,
) -> Result<&'a Data> {
    if data.is_none() {
        *data = Some(Data::new(ledger.plan().flights.as_deref(), rows)?);
    }
    data.as_ref().ok_or_else(|| "no data".into())
}
