//! The five tiers of workloads, each under its preset and under the defaults.

use super::{Cell, Row, Table, engine, rounds};
use crate::floors::sequential;
use crate::jobs::{database, network};
use crate::origin::Tally;
use crate::plan::{Plan, WORKERS};
use crate::race::Race;
use crate::workload::{FlightLines, HEAVY_ROUNDS};
use crate::{Result, jobs, origin};
use trommel::{Options, Tier};
use trommel_record::UserRecord;

/// Rows of the first batch that are tried beside the preset's, with its other settings.
const STARTS: [usize; 5] = [16, 128, 512, 2_048, 8_192];

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
            super::UNKNOWN,
            memory,
            sequential::arena(memory),
            Box::new(move |options| Ok(jobs::generate_in(engine, options, memory)?.0)),
            Box::new(move || Ok(sequential::arena(memory))),
        ),
        (
            Tier::Light,
            "light: CSV lines parsed and formatted",
            super::UNKNOWN,
            flights.workload.rows,
            flights.workload.expected,
            Box::new(move |options| Ok(jobs::light(engine, options, &flights.lines)?.0)),
            Box::new(move || Ok(sequential::light(&flights.lines))),
        ),
        (
            Tier::Heavy,
            "heavy: 1,500 hashes a row",
            super::UNKNOWN,
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
        let mut race = Race::new(*count, *expected)
            .with("preset", || run(&preset))
            .with("defaults", || run(&defaults))
            .with("loop", plain);
        for start in STARTS {
            let options = Options::tier(*tier).batch_size(start).adaptive(1..=8_192).build()?;
            race = race.with(format!("first {start}"), move || run(&options));
        }
        let times = race.run(rounds(plan))?;
        let mut cells = vec![
            Cell::rate(&times, 0),
            Cell::rate(&times, 1),
            Cell::rate(&times, 2),
            Cell::ratio(&times, 0, 2),
        ];
        cells.extend((3..3 + STARTS.len()).map(|start| Cell::ratio(&times, start, 0)));
        rows.push(Row::new(*label, cells).origin(*origin));
    }
    Ok(Table {
        name: "tiers",
        title: "The five tiers",
        note: format!(
            "SQLite in memory, so that the engine is measured and not the disk; {WORKERS} workers. \
             The last columns are what the presets rest on: batches that adapt from another first \
             size, against the preset."
        ),
        columns: [
            "tier's preset, rows/s",
            "defaults, rows/s",
            "plain loop, rows/s",
            "preset × loop",
        ]
        .map(String::from)
        .into_iter()
        .chain(STARTS.map(|rows| format!("first {rows} × preset")))
        .collect(),
        rows,
    })
}
