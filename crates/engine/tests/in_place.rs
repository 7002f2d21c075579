//! Records that are changed where they are: a bad one is rejected like any other row, and what was
//! changed in it stays changed.

mod common;

use common::{batches_of, engine};
use trommel::{
    Counts, Engine, Error, ErrorKind, PanicPolicy, Pipeline, RejectPolicy, Result, RunReport,
    ZeroCopyTransform, sources,
};

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Account {
    cents: i64,
    visits: u32,
}

const ROWS: i64 = 1_000;

fn accounts() -> Vec<Account> {
    (0..ROWS).map(|cents| Account { cents, visits: 0 }).collect()
}

/// Notes the visit first, and refuses the accounts that end in 7.
fn withdraw(account: &mut Account) -> Result<()> {
    account.visits += 1;
    if account.cents % 10 == 7 {
        return Err(Error::row("an account ends in 7").in_column("cents"));
    }
    account.cents -= 1;
    Ok(())
}

/// The trait form.
struct Withdraw;

impl ZeroCopyTransform<Account> for Withdraw {
    fn apply(&self, account: &mut Account) -> Result<()> {
        withdraw(account)
    }
}

fn change(
    engine: &Engine,
    accounts: &mut [Account],
    policy: RejectPolicy,
    transform: impl ZeroCopyTransform<Account>,
) -> Result<RunReport> {
    let options = batches_of(7).on_reject(policy).on_panic(PanicPolicy::Reject);
    Pipeline::from(sources::slice_mut(accounts))
        .options(options.build().unwrap())
        .transform_in_place(transform)
        .run(engine)
}

#[test]
fn a_row_error_rejects_the_record_and_what_was_changed_stays_changed() {
    for workers in [1, 2, 4] {
        let engine = engine(workers);
        let (mut by_trait, mut by_closure) = (accounts(), accounts());
        let all = || RejectPolicy::skip(u64::MAX);
        let reports = [
            change(&engine, &mut by_trait, all(), Withdraw).unwrap(),
            change(&engine, &mut by_closure, all(), withdraw).unwrap(),
        ];
        for report in reports {
            let (read, rejected) = (ROWS as u64, ROWS as u64 / 10);
            let loaded = read - rejected;
            let expected = Counts { read, loaded, rejected, emitted: loaded, ..Counts::default() };
            assert_eq!(report.counts, expected, "{workers} workers");
        }
        for (cents, account) in (0..).zip(by_trait) {
            let taken = i64::from(cents % 10 != 7);
            assert_eq!(account, Account { cents: cents - taken, visits: 1 }, "{workers} workers");
            assert_eq!(account, by_closure[cents as usize]);
        }
    }
}

/// The same of a record whose change panics, and of the one at which a run ends.
#[test]
fn what_a_panic_or_the_last_row_of_a_run_has_changed_stays_changed_too() {
    let engine = engine(1);
    let mut records = accounts();
    let report = change(&engine, &mut records, RejectPolicy::skip(1), |account: &mut Account| {
        account.visits += 1;
        assert!(account.cents != 7, "seven");
        Ok(())
    });
    assert_eq!(report.unwrap().counts.rejected, 1);
    assert!(records.iter().all(|account| account.visits == 1));

    let mut records = accounts();
    let error = change(&engine, &mut records, RejectPolicy::Stop, Withdraw).unwrap_err();
    assert_eq!(
        (error.kind(), error.batch(), error.batch_row()),
        (ErrorKind::Row, Some(1), Some(0))
    );
    let (before, after) = records.split_at(8);
    assert!(before.iter().all(|account| account.visits == 1));
    assert_eq!((before[6].cents, before[7].cents), (5, 7));
    assert!(after[..6].iter().all(|account| account.visits == 0), "the rest of its batch");
}
