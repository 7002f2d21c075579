//! Tables that take every row: one COPY over many pages, and everything that can interrupt it.
#![cfg(any(feature = "postgres", feature = "postgres-system"))]

mod postgres_support;

use postgres_support::{Server, says};
use serde::Serialize;
use std::sync::atomic::{AtomicBool, Ordering};
use trommel::{Engine, Error, ErrorKind, Options, Pipeline, Result, Retry, RunReport, sources};
use trommel_connect::postgres::{Sink, Table};

const ROWS: u64 = 20_000;

#[derive(Serialize)]
struct Item {
    id: u64,
    text: String,
}

fn item(id: u64) -> Item {
    Item { id, text: format!("item {id} {}", "x".repeat(id as usize % 100)) }
}

fn prepare(server: &Server, schema: &str, constraint: &str) -> String {
    let conninfo = server.schema(schema);
    server.sql("trommel", &format!("CREATE TABLE {schema}.t (id bigint{constraint}, text text)"));
    conninfo
}

fn run(
    conninfo: &str,
    table: impl FnOnce(Table<Item>) -> Table<Item>,
    job: bool,
    each: impl Fn(u64) -> Result<()> + Sync,
) -> Result<RunReport> {
    let pipeline = Pipeline::from(sources::generate(ROWS, |id| id));
    let pipeline = if job { pipeline.resumable("load") } else { pipeline };
    pipeline
        .options(Options::builder().fixed_batch_size(100).retry(Retry::times(5)).build()?)
        .transform(|id, out| {
            each(id)?;
            out.emit(&item(id))
        })
        .load_into(table(Sink::connect(conninfo)?.table("t")))
        .run(&Engine::new()?)
}

#[track_caller]
fn complete(server: &Server, schema: &str) {
    let bytes: usize = (0..ROWS).map(|id| item(id).text.len()).sum();
    let sql = format!("SELECT count(*), count(DISTINCT id), sum(length(text)) FROM {schema}.t");
    assert_eq!(server.sql("trommel", &sql), [format!("{ROWS}|{ROWS}|{bytes}")]);
}

/// `COPY` statements that the server has logged.
fn copies(server: &Server, schema: &str) -> usize {
    server.log().matches(&format!("COPY \"{schema}\".\"t\"")).count()
}

#[test]
fn one_copy_takes_many_pages_unless_a_row_may_be_refused() {
    let Some(server) = postgres_support::start() else { return };
    server.sql("trommel", "ALTER DATABASE trommel SET log_statement = 'all'");
    for (schema, constraint, most) in [("plain", "", 20), ("keyed", " PRIMARY KEY", usize::MAX)] {
        prepare(&server, schema, constraint);
        let conninfo = server.address(schema, server.port);
        let table = Sink::connect(&conninfo).unwrap().table::<Item>(format!("{schema}.t"));
        let report = Pipeline::from(sources::generate(ROWS, item))
            .options(Options::builder().fixed_batch_size(100).build().unwrap())
            .load_into(table)
            .run(&Engine::new().unwrap())
            .unwrap();
        assert_eq!(report.counts.loaded, ROWS);
        complete(&server, schema);
        let copies = copies(&server, schema);
        // One for each commit, and one for each page.
        assert!(copies <= most && (most < usize::MAX || copies >= 200), "{schema}: {copies}");
    }
}

#[test]
fn a_lost_connection_is_replaced_and_nothing_is_lost_or_doubled() {
    let server = server_or_return!();
    for (schema, job) in [("streams_lost", false), ("streams_lost_job", true)] {
        let conninfo = prepare(server, schema, "");
        let cut = |id: u64| {
            if id % 4000 == 2000 {
                server.sql(
                    "trommel",
                    &format!(
                        "SELECT pg_terminate_backend(l.pid) FROM pg_locks l \
                         WHERE l.relation = '{schema}.t'::regclass"
                    ),
                );
            }
            Ok(())
        };
        let report = run(&conninfo, |table| table.commit_rows(3000), job, cut).unwrap();
        assert!(report.retries > 0, "no connection was lost");
        complete(server, schema);
    }
}

#[test]
fn a_run_that_fails_takes_back_what_was_sent() {
    let server = server_or_return!();
    let conninfo = prepare(server, "streams_failed", "");
    server.sql("trommel", "INSERT INTO streams_failed.t VALUES (7, 'old')");
    let old = || server.sql("trommel", "SELECT * FROM streams_failed.t");
    for replaces in [false, true] {
        let table = |table: Table<Item>| {
            let table = table.commit_interval(std::time::Duration::from_secs(600));
            if replaces { table.replace() } else { table }
        };
        let fails = |id| match id {
            15_000 => Err(Error::fatal("enough")),
            _ => Ok(()),
        };
        says(run(&conninfo, table, false, fails), ErrorKind::Fatal, &["enough"]);
        assert_eq!(old(), ["7|old"]);
    }
    let report = run(&conninfo, |table| table.replace(), false, |_| Ok(())).unwrap();
    assert_eq!(report.counts.loaded, ROWS);
    complete(server, "streams_failed");
}

#[test]
fn a_job_that_was_cut_off_goes_on() {
    let server = server_or_return!();
    let conninfo = prepare(server, "streams_job", "");
    let failed = AtomicBool::new(false);
    let fails = |id| match id == 15_000 && !failed.swap(true, Ordering::Relaxed) {
        true => Err(Error::fatal("cut off")),
        false => Ok(()),
    };
    let table = |table: Table<Item>| table.commit_rows(1000);
    says(run(&conninfo, table, true, fails), ErrorKind::Fatal, &["cut off"]);
    let stored = server.number("SELECT count(*) FROM streams_job.t");
    assert!((1000..ROWS as i64).contains(&stored), "{stored}");
    let checkpoint = server.number("SELECT loaded FROM streams_job.trommel_checkpoint");
    assert_eq!(checkpoint, stored);
    run(&conninfo, table, true, fails).unwrap();
    complete(server, "streams_job");
}
