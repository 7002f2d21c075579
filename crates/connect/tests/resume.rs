//! A job that was cut off and is run again: every row is there once.

use rusqlite::Connection;
use serde::Serialize;
use std::io::Write;
use std::path::Path;
use std::time::Duration;
use trommel::{Engine, Error, ErrorKind, Options, Order, Pipeline, Result, RunReport};
use trommel_connect::sqlite::rusqlite;
use trommel_connect::{csv, sqlite};

const ROWS: u64 = 20_000;

#[derive(Serialize)]
struct Item<'a> {
    id: u64,
    name: &'a str,
}

fn write_csv(path: &Path) {
    let mut file = std::io::BufWriter::new(std::fs::File::create(path).unwrap());
    writeln!(file, "id,name").unwrap();
    for id in 0..ROWS {
        writeln!(file, "{id},\"item, {id}\"").unwrap();
    }
}

/// Runs the job; row `fails_at` ends it.
fn run(dir: &Path, fails_at: u64, order: Order) -> Result<RunReport> {
    let sink = sqlite::Sink::create(dir.join("items.db"))?
        .table::<Item<'_>>("items")
        .job("items")
        .commit_interval(Duration::ZERO);
    let options = Options::builder().fixed_batch_size(500).order(order).build()?;
    Pipeline::from(csv::Source::open(dir.join("items.csv"))?)
        .options(options)
        .transform(|row, out| {
            let id = row.get::<u64>("id")?;
            if id == fails_at {
                return Err(Error::fatal("the power went"));
            }
            out.emit(&Item { id, name: row.str("name")? })
        })
        .load_into(sink)
        .run(&Engine::builder().workers(2).build()?)
}

fn ids(dir: &Path) -> (u64, u64) {
    let database = Connection::open(dir.join("items.db")).unwrap();
    database
        .query_row("SELECT count(*), count(DISTINCT id) FROM items", [], |row| {
            Ok((row.get::<_, i64>(0)? as u64, row.get::<_, i64>(1)? as u64))
        })
        .unwrap()
}

#[test]
fn a_job_goes_on_from_its_checkpoint_and_a_finished_one_does_nothing() {
    let dir = tempfile::tempdir().unwrap();
    write_csv(&dir.path().join("items.csv"));
    let mut loaded = 0;
    for fails_at in [7_777, 12_345] {
        let error = run(dir.path(), fails_at, Order::Ordered).unwrap_err();
        loaded += error.report().unwrap().counts.loaded;
        let (rows, distinct) = ids(dir.path());
        // Whole batches, up to the one that failed.
        assert_eq!((rows, distinct), (fails_at / 500 * 500, rows));
        assert_eq!(loaded, rows, "reports of the runs add up to what is stored");
    }
    let report = run(dir.path(), u64::MAX, Order::Ordered).unwrap();
    assert_eq!(loaded + report.counts.loaded, ROWS);
    assert_eq!(ids(dir.path()), (ROWS, ROWS));

    let again = run(dir.path(), u64::MAX, Order::Ordered).unwrap();
    assert_eq!(again.counts.read, 0);
    assert_eq!(ids(dir.path()), (ROWS, ROWS));
}

#[test]
fn a_job_that_cannot_go_on_says_so_and_loads_nothing() {
    let dir = tempfile::tempdir().unwrap();
    write_csv(&dir.path().join("items.csv"));
    run(dir.path(), 5_000, Order::Ordered).unwrap_err();
    let before = ids(dir.path());
    let error = run(dir.path(), u64::MAX, Order::Completion).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Unsupported, "{error}");
    assert_eq!(ids(dir.path()), before);
}
