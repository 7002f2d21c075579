//! Presets.

use super::{Options, OptionsBuilder, Retry};
use std::time::Duration;

/// What a pipeline mostly does; each tier is a preset of [`Options`].
///
/// A preset differs from the defaults only where that was measured to help, or where a value is for
/// something other than speed. The table of tiers in `docs/bench/report.md` runs each preset beside the
/// defaults, and with each of its values put back.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Tier {
    /// Records that are in memory already; a few nanoseconds a row. These are the defaults: adaptive
    /// batching finds the size before another first one could gain anything that can be measured.
    Memory,
    /// Up to a microsecond a row: parsing, formatting, arithmetic. These are the defaults, as for
    /// [`Memory`](Tier::Memory).
    Light,
    /// More than a microsecond a row: compression, cryptography, models. The first batch has 16 rows
    /// and sizes stay within `1..=1024`: measured quicker, since no worker is left with a long batch.
    Heavy,
    /// The sink or the source talks over a network. Transient errors are retried 8 times, and a row
    /// waits for its batch for at most 20 ms: for robustness and latency, not for throughput.
    Network,
    /// The sink is a database. Transient errors, of a database that is busy, are retried 8 times: for
    /// robustness, not for throughput.
    Database,
}

impl Options {
    /// Starts from the preset for a tier.
    pub fn tier(tier: Tier) -> OptionsBuilder {
        let builder = Options::builder();
        match tier {
            Tier::Memory | Tier::Light => builder,
            Tier::Heavy => builder.batch_size(16).adaptive(1..=1024),
            Tier::Network => {
                builder.retry(Retry::times(8)).flush_timeout(Duration::from_millis(20))
            }
            Tier::Database => builder.retry(Retry::times(8)),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_preset_changes_what_its_documentation_says() {
        let of = |options: Options| {
            (options.batch_size(), options.adaptive(), options.flush_timeout(), options.retry())
        };
        let preset = |tier| of(Options::tier(tier).build().unwrap());
        let defaults = of(Options::default());
        let (size, range, flush, retry) = defaults.clone();
        assert_eq!(preset(Tier::Memory), defaults);
        assert_eq!(preset(Tier::Light), defaults);
        assert_eq!(preset(Tier::Heavy), (16, Some(1..=1024), flush, retry));
        let eight = Retry::times(8);
        let short = Duration::from_millis(20);
        assert_eq!(preset(Tier::Network), (size, range.clone(), short, eight));
        assert_eq!(preset(Tier::Database), (size, range, flush, eight));
    }
}
