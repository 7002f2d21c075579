//! From the wide record to the arena, step by step.

use super::{Cell, Row, Table, UNKNOWN, engine, records, rounds};
use crate::floors::rayon::Into;
use crate::floors::threads::{self, Dropped};
use crate::floors::{self, rayon, sequential};
use crate::origin::{Tally, generator};
use crate::plan::{Plan, WORKERS};
use crate::race::Race;
use crate::{Result, jobs};
use ::rayon::ThreadPool;
use trommel::{Engine, Options};

/// Rows per chunk or message of the floors: few of the wide records, which don't fit a cache in
/// greater numbers.
const CHUNK: usize = 2_048;
const WIDE_CHUNK: usize = 16;

/// What a step's records are.
#[derive(Debug, Clone, Copy)]
enum Form {
    Wide,
    Boxed,
    Arena,
}

impl Form {
    const ALL: [Form; 3] = [Form::Wide, Form::Boxed, Form::Arena];

    /// As the program calls it that counts bytes.
    fn name(self) -> &'static str {
        match self {
            Form::Wide => "wide",
            Form::Boxed => "packed, Box<str>",
            Form::Arena => "packed, arena",
        }
    }

    fn plain_loop(self, rows: u64) -> Tally {
        match self {
            Form::Wide => sequential::wide_made(rows),
            Form::Boxed => sequential::boxed(rows),
            Form::Arena => sequential::arena(rows),
        }
    }
}

/// One step: its name, the origin's figure, its rows, and how it and its floors are run.
struct Step {
    label: &'static str,
    origin: &'static str,
    form: Form,
    rows: u64,
    options: Options,
    run: fn(&Engine, &Options, u64) -> Result<Tally>,
    rayon: fn(&ThreadPool, u64) -> Tally,
    threads: fn(u64) -> Tally,
}

pub(super) fn measure(plan: &Plan) -> Result<Table> {
    let engine = engine(WORKERS)?;
    let pool = floors::pool(WORKERS)?;
    let bytes = records::bytes(Form::ALL.map(Form::name));
    let mut rows = Vec::new();
    for step in &steps(plan)? {
        let (count, pool) = (step.rows, &pool);
        let times = Race::new(count, step.form.plain_loop(count))
            .with("trommel", || (step.run)(&engine, &step.options, count))
            .with("loop", || Ok(step.form.plain_loop(count)))
            .with("rayon", move || Ok((step.rayon)(pool, count)))
            .with("threads", || Ok((step.threads)(count)))
            .run(rounds(plan))?;
        let unknown = || Cell::text(UNKNOWN);
        let bytes = bytes[step.form as usize];
        let mib = bytes.map(|bytes| times.rate(0).median * bytes / f64::from(1 << 20));
        let whole = |number: f64| Cell::number(number, format!("{number:.0}"));
        let cells = vec![
            Cell::rate(&times, 0),
            bytes.map_or_else(unknown, whole),
            mib.map_or_else(unknown, whole),
            Cell::ratio(&times, 0, 1),
            Cell::ratio(&times, 0, 2),
            Cell::ratio(&times, 0, 3),
        ];
        rows.push(Row::new(step.label, cells).origin(step.origin));
    }
    Ok(Table {
        name: "steps",
        title: "The origin's job, step by step",
        note: format!(
            "Records made, changed, written as lines, tallied; generation included; {WORKERS} \
             workers. Bytes are those of the table of records, counted by its allocator. The plain \
             loop is on one thread and never uses format!; rayon makes its records in the workers; \
             behind channels one thread makes them for {WORKERS} others."
        ),
        columns: [
            "records/s",
            "bytes/record",
            "MiB/s",
            "× plain loop",
            "× rayon",
            "× threads and channels",
        ]
        .map(String::from)
        .to_vec(),
        rows,
    })
}

fn steps(plan: &Plan) -> Result<[Step; 6]> {
    let fixed = |rows| Options::builder().fixed_batch_size(rows).build();
    let formatted_rayon: fn(&ThreadPool, u64) -> Tally = |pool, rows| {
        rayon::made(pool, rows, CHUNK, |id| jobs::formatted_line(generator().record(id)))
    };
    let formatted_threads: fn(u64) -> Tally =
        |rows| threads::owned(generator().records(0..rows), WORKERS, CHUNK, jobs::formatted_line);
    let boxed_rayon: fn(&ThreadPool, u64) -> Tally = |pool, rows| rayon::boxed(pool, rows, CHUNK);
    let boxed_threads: fn(u64) -> Tally =
        |rows| threads::iter(generator().records(0..rows), WORKERS, CHUNK, Dropped::ByWorker);
    Ok([
        Step {
            label: "original: wide record, transform concurrency 10",
            origin: "45.6 K",
            form: Form::Wide,
            rows: plan.rows(10_000),
            options: Options::builder().fixed_batch_size(128).transform_concurrency(10).build()?,
            run: |e, o, rows| Ok(jobs::wide_made(e, o, rows)?.0),
            rayon: |pool, rows| {
                rayon::made(pool, rows, WIDE_CHUNK, |id| jobs::wide_line(generator().wide(id)))
            },
            threads: |rows| {
                let users = (0..rows).map(|id| generator().wide(id));
                threads::owned(users, WORKERS, WIDE_CHUNK, jobs::wide_line)
            },
        },
        Step {
            label: "basic: packed record, one by one, format!, batches of 128",
            origin: UNKNOWN,
            form: Form::Boxed,
            rows: plan.rows(500_000),
            options: fixed(128)?,
            run: |e, o, rows| Ok(jobs::iter_formatted(e, o, rows)?.0),
            rayon: formatted_rayon,
            threads: formatted_threads,
        },
        Step {
            label: "batch generation: batches of 50, in the worker, format!",
            origin: UNKNOWN,
            form: Form::Boxed,
            rows: plan.rows(500_000),
            options: fixed(50)?,
            run: |e, o, rows| Ok(jobs::formatted(e, o, rows)?.0),
            rayon: formatted_rayon,
            threads: formatted_threads,
        },
        Step {
            label: "level 1: packed record, line without format!",
            origin: UNKNOWN,
            form: Form::Boxed,
            rows: plan.rows(1_000_000),
            options: fixed(128)?,
            run: |e, o, rows| Ok(jobs::iter_owned(e, o, rows)?.0),
            rayon: boxed_rayon,
            threads: boxed_threads,
        },
        Step {
            label: "level 2: generated by batch in the worker, changed in place",
            origin: UNKNOWN,
            form: Form::Boxed,
            rows: plan.rows(2_000_000),
            options: fixed(128)?,
            run: |e, o, rows| Ok(jobs::boxed(e, o, rows)?.0),
            rayon: boxed_rayon,
            threads: boxed_threads,
        },
        Step {
            label: "level 3: arena strings, adaptive batches",
            origin: "2.1 M (8 cores, 4 workers)",
            form: Form::Arena,
            rows: plan.rows(4_000_000),
            options: Options::default(),
            run: |e, o, rows| Ok(jobs::generate_in(e, o, rows)?.0),
            rayon: |pool, rows| rayon::generate_in(pool, rows, CHUNK, Into::Direct),
            // Nothing that lies in an arena can go to another thread: boxed records go around.
            threads: |rows| {
                threads::iter(generator().records(0..rows), WORKERS, CHUNK, Dropped::ByMaker)
            },
        },
    ])
}

// The wide record packs into the packed record of its id, so one tally serves all steps.
#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_form_of_the_job_has_the_same_tally() {
        assert_eq!(sequential::wide_made(300), sequential::boxed(300));
        assert_eq!(sequential::arena(3_000), sequential::boxed(3_000));
    }

    #[test]
    fn every_floor_has_the_tally_of_its_step() {
        let pool = floors::pool(2).unwrap();
        for step in steps(&Plan { quick: true, ..Plan::default() }).unwrap() {
            let expected = step.form.plain_loop(100);
            assert_eq!((step.rayon)(&pool, 100), expected, "{}", step.label);
            assert_eq!((step.threads)(100), expected, "{}", step.label);
        }
    }
}
