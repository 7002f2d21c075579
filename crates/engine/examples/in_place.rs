//! Records changed where they are, on all cores: nothing is copied, nothing is loaded.
//!
//! `cargo run -p trommel --example in_place`

use trommel::{Engine, Error, Pipeline, Result, ZeroCopyTransform, sources};

struct Account {
    cents: i64,
}

/// Adds a year's interest.
struct Interest {
    percent: i64,
}

impl ZeroCopyTransform<Account> for Interest {
    fn apply(&self, account: &mut Account) -> Result<()> {
        let interest =
            account.cents.checked_mul(self.percent).ok_or_else(|| Error::row("too rich"))?;
        account.cents += interest / 100;
        Ok(())
    }
}

fn main() -> Result<()> {
    let mut accounts: Vec<Account> = (0..100_000).map(|id| Account { cents: id * 100 }).collect();
    let report = Pipeline::from(sources::slice_mut(&mut accounts))
        .transform_in_place(Interest { percent: 3 })
        .run(&Engine::new()?)?;

    println!(
        "{} accounts, the last now holds {} cents",
        report.counts.read, accounts[99_999].cents
    );
    assert_eq!(accounts[99_999].cents, 9_999_900 + 299_997);
    Ok(())
}
