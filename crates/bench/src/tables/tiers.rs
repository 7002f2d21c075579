//! The five tiers of workloads, each under its preset, under the defaults, and under the preset with
//! one of its values put back.

use super::{Cell, Row, Table, UNKNOWN, engine};
use crate::floors::sequential;
use crate::jobs::{database, network};
use crate::origin::Tally;
use crate::plan::{Plan, WORKERS};
use crate::race::Race;
use crate::workload::{FlightLines, HEAVY_ROUNDS};
use crate::{Result, jobs, origin};
use trommel::{Options, OptionsBuilder, Tier};
use trommel_record::UserRecord;

/// Rows of the first batch that are tried beside the preset's, with its other settings. They lie in
/// every preset's range, so that nothing else changes.
const STARTS: [usize; 4] = [16, 128, 512, 1_024];

/// The values that presets set.
const VALUES: [&str; 4] = ["first size", "range", "flush timeout", "retry"];

/// One tier: its label, the origin's expectation, rows, tally, and how it runs.
type Case<'a> = (
    Tier,
    &'static str,
    &'static str,
    u64,
    Tally,
    Box<dyn Fn(&Options) -> Result<Tally> + 'a>,
    Box<dyn Fn() -> Result<Tally> + 'a>,
);

pub(super) fn measure(plan: &Plan) -> Result<Table> {
    let engine = engine(WORKERS)?;
    let engine = &engine;
    let flights = FlightLines::new(plan.rows(200_000));
    let flights = &flights;
    let [memory, heavy, lines, inserts] =
        [2_000_000, 4_000, 100_000, 100_000].map(|rows| plan.rows(rows));
    let users: Vec<UserRecord> = origin::generator().records(0..heavy).collect();
    let users = &users[..];
    let text = network::json_lines(lines)?;
    let text = &text[..];
    let cases: [Case<'_>; 5] = [
        (
            Tier::Memory,
            "memory: generated, changed, written",
            UNKNOWN,
            memory,
            sequential::arena(memory),
            Box::new(move |options| Ok(jobs::generate_in(engine, options, memory)?.0)),
            Box::new(move || Ok(sequential::arena(memory))),
        ),
        (
            Tier::Light,
            "light: CSV lines parsed and formatted",
            UNKNOWN,
            flights.workload.rows,
            flights.workload.expected,
            Box::new(move |options| Ok(jobs::light(engine, options, &flights.lines)?.0)),
            Box::new(move || Ok(sequential::light(&flights.lines))),
        ),
        (
            Tier::Heavy,
            "heavy: 1,500 hashes a row",
            UNKNOWN,
            heavy,
            sequential::heavy(users, HEAVY_ROUNDS),
            Box::new(move |options| Ok(jobs::heavy(engine, options, users, HEAVY_ROUNDS)?.0)),
            Box::new(move || Ok(sequential::heavy(users, HEAVY_ROUNDS))),
        ),
        (
            Tier::Network,
            "network: JSON lines over loopback TCP",
            "50 K expected",
            lines,
            sequential::boxed(lines),
            Box::new(move |options| Ok(network::run(engine, options, text)?.0)),
            Box::new(move || network::plain(text)),
        ),
        (
            Tier::Database,
            "database: inserts into SQLite",
            "5–10 K expected",
            inserts,
            sequential::boxed(inserts),
            Box::new(move |options| Ok(database::run(engine, options, inserts)?.0)),
            Box::new(move || database::plain(inserts)),
        ),
    ];
    let defaults = Options::default();
    let mut rows = Vec::new();
    for (tier, label, origin, count, expected, run, plain) in &cases {
        let preset = Options::tier(*tier).build()?;
        // Where the preset has the value itself there is nothing to run.
        let variants: Vec<Option<Options>> = put_back(*tier, &preset, &defaults)?
            .into_iter()
            .chain(starts(*tier, &preset)?)
            .collect();
        let mut race = Race::new(*count, *expected)
            .with("preset", || run(&preset))
            .with("defaults", || run(&defaults))
            .with("loop", plain);
        for options in variants.iter().flatten() {
            race = race.with("variant", || run(options));
        }
        let times = race.run(plan.rounds())?;
        let mut cells = vec![
            Cell::rate(&times, 0),
            Cell::rate(&times, 1),
            Cell::rate(&times, 2),
            Cell::ratio(&times, 0, 2),
            Cell::ratio(&times, 0, 1),
        ];
        let mut contestants = 3..;
        for (index, variant) in variants.iter().enumerate() {
            let contestant = variant.as_ref().and_then(|_| contestants.next());
            cells.push(match contestant {
                Some(contestant) if index < VALUES.len() => Cell::ratio(&times, 0, contestant),
                Some(contestant) => Cell::ratio(&times, contestant, 0),
                None => Cell::text(UNKNOWN),
            });
        }
        rows.push(Row::new(*label, cells).origin(*origin));
    }
    let headings = ["tier's preset, rows/s", "defaults, rows/s", "plain loop, rows/s"];
    let ratios = ["preset × loop", "preset × defaults"];
    Ok(Table {
        name: "tiers",
        title: "The five tiers",
        note: format!(
            "SQLite in memory, so that the engine is measured and not the disk; {WORKERS} workers. \
             What the presets rest on: each beside the defaults, beside itself with one value put \
             back to its default ({UNKNOWN} where the preset has the default), and beside batches that \
             adapt from another first size. The presets of memory and light are the defaults: their \
             ratio is the noise. Retries and flush timeouts are there for robustness and latency."
        ),
        columns: (headings.into_iter().chain(ratios).map(String::from))
            .chain(VALUES.map(|value| format!("preset × with default {value}")))
            .chain(STARTS.map(|rows| format!("first {rows} × preset")))
            .collect(),
        rows,
    })
}

/// The preset with each of [`VALUES`] as the defaults have it; nothing where it has that already.
fn put_back(tier: Tier, preset: &Options, defaults: &Options) -> Result<Vec<Option<Options>>> {
    let builder = || Options::tier(tier);
    let range = defaults.adaptive().ok_or("the defaults adapt")?;
    let variants = [
        (preset.batch_size() != defaults.batch_size())
            .then(|| builder().batch_size(defaults.batch_size())),
        (preset.adaptive() != defaults.adaptive()).then(|| builder().adaptive(range)),
        (preset.flush_timeout() != defaults.flush_timeout())
            .then(|| builder().flush_timeout(defaults.flush_timeout())),
        (preset.retry() != defaults.retry()).then(|| builder().retry(defaults.retry())),
    ];
    built(variants)
}

/// The preset with each of [`STARTS`].
fn starts(tier: Tier, preset: &Options) -> Result<Vec<Option<Options>>> {
    built(
        STARTS.map(|rows| {
            (preset.batch_size() != rows).then(|| Options::tier(tier).batch_size(rows))
        }),
    )
}

fn built(
    variants: impl IntoIterator<Item = Option<OptionsBuilder>>,
) -> Result<Vec<Option<Options>>> {
    let options =
        variants.into_iter().map(|variant| variant.map(OptionsBuilder::build).transpose());
    Ok(options.collect::<trommel::Result<_>>()?)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_a_preset_changes_is_put_back() {
        let defaults = Options::default();
        let cases = [
            (Tier::Memory, [false, false, false, false]),
            (Tier::Light, [false, false, false, false]),
            (Tier::Heavy, [true, true, false, false]),
            (Tier::Network, [false, false, true, true]),
            (Tier::Database, [false, false, false, true]),
        ];
        for (tier, expected) in cases {
            let preset = Options::tier(tier).build().unwrap();
            let variants = put_back(tier, &preset, &defaults).unwrap();
            let present: Vec<bool> = variants.iter().map(Option::is_some).collect();
            assert_eq!(present, expected, "{tier:?}");
        }
    }

    #[test]
    fn every_start_lies_in_every_preset_s_range() {
        for tier in [Tier::Memory, Tier::Light, Tier::Heavy, Tier::Network, Tier::Database] {
            let preset = Options::tier(tier).build().unwrap();
            for (rows, options) in STARTS.into_iter().zip(starts(tier, &preset).unwrap()) {
                let size = options.as_ref().unwrap_or(&preset).batch_size();
                assert_eq!(size, rows, "{tier:?}");
            }
        }
    }
}
