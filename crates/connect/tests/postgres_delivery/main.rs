//! Exactly once, whatever happens to runner, connection and server. `TROMMEL_KILLS=300` asks for so
//! many trials of each kind that can be repeated, `TROMMEL_SEED` for other random instants.
#![cfg(any(feature = "postgres", feature = "postgres-system"))]

mod commit;
mod destination;
#[path = "../kill_support/mod.rs"]
mod kill_support;
#[path = "../postgres_support/mod.rs"]
mod postgres_support;

use kill_support::{dawdle, kill_until_done};
use postgres_support::{Server, says};
use rustix::process::{Pid, Signal, WaitOptions, getpid, kill_process, waitpid};
use serde::Serialize;
use std::hash::{Hash, Hasher};
use std::process::{Command, Stdio};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};
use trommel::{
    Checkpoint, Commit, Counts, Durability, Encode, Engine, ErrorKind, Options, Pipeline, Position,
    Retry, RunReport, Sink as _, sources,
};
use trommel_connect::postgres::{self, Sink};

#[derive(Serialize)]
struct Item {
    id: u64,
    text: String,
}

const ROWS: u64 = 20_000;

fn item(id: u64) -> Item {
    Item { id, text: format!("item {id} {}", "x".repeat(id as usize % 100)) }
}

fn table(conninfo: &str) -> trommel::Result<postgres::Table<Item>> {
    Ok(Sink::connect(conninfo)?.table("t").commit_rows(700))
}

/// A whole job: what a program would run again and again until it succeeds.
fn job(conninfo: &str, attempts: u32, each: impl Fn(u64) + Sync) -> trommel::Result<RunReport> {
    let retry = Retry::times(attempts);
    Pipeline::from(sources::generate(ROWS, |id| id))
        .resumable("load")
        .options(Options::builder().fixed_batch_size(100).retry(retry).build()?)
        .transform(|id, out| {
            dawdle(id, 100);
            each(id);
            out.emit(&item(id))
        })
        .load_into(table(conninfo)?)
        .run(&Engine::new()?)
}

fn prepare(server: &Server, schema: &str) -> String {
    let conninfo = server.schema(schema);
    server.sql("trommel", &format!("CREATE TABLE {schema}.t (id bigint PRIMARY KEY, text text)"));
    conninfo
}

/// All rows are there once, with their content, and the checkpoint says so.
#[track_caller]
fn complete(server: &Server, schema: &str) {
    let expected: usize = (0..ROWS).map(|id| item(id).text.len()).sum();
    let found = server.sql(
        "trommel",
        &format!(
            "SELECT count(*), count(DISTINCT id), min(id), max(id), sum(length(text)) \
             FROM {schema}.t"
        ),
    );
    assert_eq!(found, [format!("{ROWS}|{ROWS}|0|{}|{expected}", ROWS - 1)]);
    let sql = format!("SELECT loaded, emitted, finished FROM {schema}.trommel_checkpoint");
    assert_eq!(server.sql("trommel", &sql), [format!("{ROWS}|{ROWS}|t")]);
}

/// Empties what [`prepare`] has made, for one more job.
fn empty(server: &Server, schema: &str) {
    let sql = format!("TRUNCATE {schema}.t; DROP TABLE IF EXISTS {schema}.trommel_checkpoint");
    server.sql("trommel", &sql);
}

/// Trials that are asked for, so many unless told otherwise, and the random numbers for them.
fn trials(otherwise: usize, of: &str) -> (usize, fastrand::Rng) {
    let number = |variable: &str| std::env::var(variable).ok().map(|text| text.parse().unwrap());
    let mut hasher = std::hash::DefaultHasher::new();
    (of, number("TROMMEL_SEED").unwrap_or(0_u64)).hash(&mut hasher);
    let wanted = number("TROMMEL_KILLS").map_or(otherwise, |kills| kills as usize);
    (wanted, fastrand::Rng::with_seed(hasher.finish()))
}

fn at(rows: u64) -> Checkpoint {
    Checkpoint {
        position: Some(Position::from_numbers(&[rows])),
        counts: Counts { read: rows, loaded: rows, emitted: rows, ..Counts::default() },
        ..Checkpoint::default()
    }
}

fn page(encoder: &postgres::Encoder, ids: std::ops::Range<u64>) -> postgres::Page {
    let mut page = postgres::Page::default();
    for id in ids {
        postgres::Table::<Item>::encode(encoder, &mut page, item(id)).unwrap();
    }
    page
}

#[test]
fn a_finished_job_does_nothing_and_a_runner_from_before_can_t_commit() {
    let server = server_or_return!();
    let conninfo = prepare(server, "fenced");
    let mut old = table(&conninfo).unwrap();
    assert_eq!(old.resume("load").unwrap(), None);
    let encoder = old.encoder().unwrap();
    old.write(&mut page(&encoder, 0..10)).unwrap();
    assert_eq!(old.commit(&at(10), Commit::Now).unwrap(), Durability::Stored);
    // Holds locks on these rows when the new one comes.
    old.write(&mut page(&encoder, 10..20)).unwrap();

    let mut new = table(&conninfo).unwrap();
    assert_eq!(new.resume("load").unwrap(), Some(Checkpoint { epoch: 2, ..at(10) }));
    let encoder = new.encoder().unwrap();
    new.write(&mut page(&encoder, 10..15)).unwrap();

    // Its session was ended; it may try as often as it likes.
    for _ in 0..3 {
        assert!(old.commit(&at(20), Commit::Now).is_err());
    }
    new.commit(&at(15), Commit::Now).unwrap();
    drop((old, new));
    assert_eq!(server.number("SELECT max(id) FROM fenced.t"), 14);

    server.sql("trommel", "DROP TABLE fenced.t, fenced.trommel_checkpoint");
    server.sql("trommel", "CREATE TABLE fenced.t (id bigint PRIMARY KEY, text text)");
    assert_eq!(job(&conninfo, 0, |_| {}).unwrap().counts.loaded, ROWS);
    complete(server, "fenced");
    let again = job(&conninfo, 0, |_| panic!("nothing is to be done")).unwrap();
    assert_eq!(again.counts.loaded, 0);
    complete(server, "fenced");
}

#[test]
fn a_fenced_commit_names_the_newer_runner() {
    let server = server_or_return!();
    let conninfo = prepare(server, "epoch");
    let mut old = table(&conninfo).unwrap();
    old.resume("load").unwrap();
    let encoder = old.encoder().unwrap();
    old.write(&mut page(&encoder, 0..10)).unwrap();
    // As a newer runner does, but its session lives.
    server.sql("trommel", "UPDATE epoch.trommel_checkpoint SET epoch = epoch + 1");
    let result = old.commit(&at(10), Commit::Now);
    says(result, ErrorKind::Fatal, &["job `load`", "taken over", "epoch 1"]);
    assert_eq!(server.number("SELECT count(*) FROM epoch.t"), 0);
}

/// Ends the sessions of the load again and again while it runs.
#[test]
fn a_backend_that_is_killed_is_replaced_and_nothing_is_lost_or_doubled() {
    let server = server_or_return!();
    let conninfo = prepare(server, "killed");
    let (wanted, mut random) = trials(20, "backend");
    let (kills, mut jobs) = (AtomicUsize::new(0), 0);
    while kills.load(Ordering::Relaxed) < wanted {
        assert!(jobs < wanted, "hardly any session was killed");
        jobs += 1;
        let instants: Vec<u64> = (0..7).map(|_| random.u64(..ROWS)).collect();
        let report = job(&conninfo, 20, |id| {
            if instants.contains(&id) {
                let found = server.sql(
                    "trommel",
                    "SELECT pg_terminate_backend(pid) FROM pg_stat_activity \
                     WHERE application_name LIKE 'trommel %' AND query LIKE '%killed%' \
                     OR pid IN (SELECT pid FROM pg_locks WHERE relation = 'killed.t'::regclass)",
                );
                kills.fetch_add(found.len(), Ordering::Relaxed);
            }
        })
        .unwrap_or_else(|error| panic!("{error} after kills at {instants:?}"));
        complete(server, "killed");
        assert!(report.counts.add_up());
        empty(server, "killed");
    }
    eprintln!("kills: postgres, backend: {} hits in {jobs} jobs", kills.into_inner());
}

/// Two crashes, as each takes a second: `TROMMEL_KILLS` asks for more.
#[test]
fn a_server_that_crashes_and_comes_back_finds_the_load_going_on() {
    let Some(server) = postgres_support::start() else { return };
    let conninfo = prepare(&server, "crashed");
    let (wanted, mut random) = trials(2, "crash");
    let crashes = AtomicUsize::new(0);
    while crashes.load(Ordering::Relaxed) < wanted {
        // After the first commit, for there to be something.
        let instant = random.u64(7_000..ROWS);
        let crash = |id| {
            if id == instant {
                assert!(server.control("stop -m immediate"));
                assert!(server.control("start"), "{}", server.log());
                crashes.fetch_add(1, Ordering::Relaxed);
            }
        };
        if crashes.load(Ordering::Relaxed).is_multiple_of(2) {
            // Without retries: the run fails, and is run again.
            let result = job(&conninfo, 0, crash);
            says(result, ErrorKind::Transient, &["connection was lost", "resumable"]);
            let stored = server.number("SELECT count(*) FROM crashed.t");
            assert_eq!(server.number("SELECT loaded FROM crashed.trommel_checkpoint"), stored);
            job(&conninfo, 0, |_| {}).unwrap();
        } else {
            job(&conninfo, 10, crash).unwrap();
        }
        complete(&server, "crashed");
        empty(&server, "crashed");
    }
    eprintln!("kills: postgres, crash: {} hits in {0} jobs", crashes.into_inner());
}

const VARIABLE: &str = "TROMMEL_TEST_CRASH_PG";
/// A row that the child stops itself at.
const STOPS_AT: &str = "TROMMEL_TEST_STOPS_AT";

fn child(conninfo: &str) -> Command {
    kill_support::child("killed_at_any_point_nothing_is_lost_or_doubled", VARIABLE, conninfo)
}

#[test]
fn killed_at_any_point_nothing_is_lost_or_doubled() {
    if let Ok(conninfo) = std::env::var(VARIABLE) {
        // The child: this test, started once more.
        let stops_at = std::env::var(STOPS_AT).ok().map(|id| id.parse().unwrap());
        let stop = |id| {
            if Some(id) == stops_at {
                kill_process(getpid(), Signal::STOP).unwrap();
            }
        };
        job(&conninfo, 0, stop).unwrap();
        return;
    }
    let server = server_or_return!();
    let conninfo = prepare(server, "crash");
    let (mut seen, mut midway) = (0, 0);
    let (first, more) = (Duration::from_millis(15), Duration::from_micros(1_500));
    kill_until_done(child(&conninfo), first, more, || {
        let rows = server.number("SELECT count(*) FROM crash.t");
        let table =
            "SELECT count(*) FROM pg_class WHERE oid = to_regclass('crash.trommel_checkpoint')";
        if server.number(table) == 0 {
            return;
        }
        // What the dead runner had sent may still be committed: the two are read together.
        let both = server.sql(
            "trommel",
            "SELECT (SELECT count(*) FROM crash.t) - \
             coalesce((SELECT loaded FROM crash.trommel_checkpoint), 0)",
        );
        assert_eq!(both, ["0"]);
        assert!(rows >= seen, "{rows} rows after {seen}");
        midway += i64::from(rows > seen);
        seen = rows;
    });
    assert!(midway > 0, "no kill was followed by progress, which proves nothing");
    complete(server, "crash");
}

/// A runner that was stopped wakes up after another has finished its job.
#[test]
fn a_stopped_runner_that_wakes_up_too_late_changes_nothing() {
    let server = server_or_return!();
    let conninfo = prepare(server, "zombie");
    // Some has been committed by then: more than the ring holds has gone before.
    let mut old = child(&conninfo).env(STOPS_AT, (ROWS / 2).to_string()).spawn().unwrap();
    let pid = Pid::from_child(&old);
    let (_, status) = waitpid(Some(pid), WaitOptions::UNTRACED).unwrap().unwrap();
    assert!(status.stopped(), "{status:?}");
    let loaded = server.number("SELECT max(loaded) FROM zombie.trommel_checkpoint");
    assert!(0 < loaded && loaded < ROWS as i64, "{loaded} rows: it was not stopped in the middle");
    job(&conninfo, 3, |_| {}).unwrap();
    complete(server, "zombie");
    kill_process(pid, Signal::CONT).unwrap();
    assert!(!old.wait().unwrap().success(), "the zombie claims success");
    complete(server, "zombie");
}

// Symptom: a runner whose predecessor hung in its commit waited for it until `timeout`. Cause: the
// predecessor's session holds the checkpoint's row, and was ended only after the row was taken. Fix:
// it is waited for shortly, and then ended first.
#[test]
fn a_session_that_keeps_the_checkpoint_is_ended() {
    let server = server_or_return!();
    let conninfo = prepare(server, "keeper");
    let error = job(&conninfo, 0, |id| assert!(id < ROWS / 2)).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Panic, "{error}");
    let mut keeper = server
        .psql(
            "trommel",
            "SELECT set_config('application_name', 'trommel ' || \
             'keeper.trommel_checkpoint'::regclass::oid || ' ' || md5('load'), false);
             BEGIN; SELECT * FROM keeper.trommel_checkpoint FOR UPDATE; SELECT pg_sleep(600)",
        )
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()
        .unwrap();
    let asleep = "SELECT count(*) FROM pg_stat_activity WHERE wait_event = 'PgSleep' \
                  AND application_name LIKE 'trommel %'";
    let began = Instant::now();
    while server.number(asleep) == 0 {
        assert!(began.elapsed() < Duration::from_secs(60), "the row is not kept");
    }
    job(&conninfo, 0, |_| {}).unwrap();
    complete(server, "keeper");
    assert!(!keeper.wait().unwrap().success());
}
