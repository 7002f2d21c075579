//! Loading into SQLite when others hold locks for long, or memory runs out.
#![cfg(feature = "sqlite")]

mod sqlite_support;

use rusqlite::Connection;
use sqlite_support::{Item, ids, items, says};
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::mpsc;
use std::time::{Duration, Instant};
use tempfile::TempDir;
use trommel::{
    Checkpoint, Commit, Engine, ErrorKind, Options, Pipeline, Position, Retry, Sink, sources,
};
use trommel_connect::sqlite::{self, rusqlite};

/// A directory with a database of one table `t` in it.
fn database() -> (TempDir, PathBuf) {
    let directory = TempDir::new().unwrap();
    let path = directory.path().join("t.db");
    Connection::open(&path).unwrap().execute_batch("CREATE TABLE t (id, size)").unwrap();
    (directory, path)
}

fn run(path: &Path, patience: Duration, retries: u32) -> trommel::Result<trommel::RunReport> {
    let sink = sqlite::Sink::open(path)?.busy_timeout(patience).table::<Item>("t");
    Pipeline::from(sources::iter(0..20_000))
        .map(|id| Item { id: *id, size: None })
        .load_into(sink)
        .options(Options::builder().retry(Retry::times(retries)).build()?)
        .run(&Engine::builder().workers(2).build()?)
}

#[test]
fn a_lock_that_passes_is_waited_for() {
    let (_directory, path) = database();
    let (locked, is_locked) = mpsc::channel();
    std::thread::scope(|scope| {
        let path = &path;
        scope.spawn(move || {
            let other = Connection::open(path).unwrap();
            other.execute_batch("BEGIN IMMEDIATE; INSERT INTO t VALUES (-1, NULL)").unwrap();
            locked.send(()).unwrap();
            std::thread::sleep(Duration::from_millis(200));
            other.execute_batch("COMMIT").unwrap();
        });
        is_locked.recv().unwrap();
        // However long it takes until the lock is free: the load goes on then.
        let report = run(path, Duration::from_millis(1), 1000).unwrap();
        assert_eq!(report.counts.loaded, 20_000);
    });
    assert_eq!(ids(&Connection::open(&path).unwrap()), (-1..20_000).collect::<Vec<_>>());
}

#[test]
fn a_lock_for_ever_ends_the_run_and_the_next_one_loads_all() {
    let (_directory, path) = database();
    let other = Connection::open(&path).unwrap();
    other.execute_batch("BEGIN IMMEDIATE").unwrap();
    let start = Instant::now();
    let parts = ["t.db", "holds the lock", "stopped", "busy_timeout"];
    says(run(&path, Duration::from_millis(10), 3), ErrorKind::Transient, &parts);
    // Four times 10 ms, and pauses of at most 50, 100 and 200 ms.
    assert!(start.elapsed() < Duration::from_secs(20), "{:?}", start.elapsed());
    other.execute_batch("COMMIT").unwrap();
    run(&path, Duration::from_millis(10), 3).unwrap();
    assert_eq!(ids(&other), (0..20_000).collect::<Vec<_>>());
}

/// Symptom: a run failed after 5 s, and another 5 s, whatever `busy_timeout` said, when an earlier
/// one had been stopped by SIGSTOP inside of a commit.
/// Cause: opening the database read it before the load's own patience was set.
/// Fix: a lock is no error when the database is opened; it is waited for when the load starts.
#[test]
fn a_runner_stopped_inside_a_commit_is_waited_for_as_long_as_was_said() {
    let (_directory, path) = database();
    let stopped = Connection::open(&path).unwrap();
    // As it is inside of a commit: not even readers get in.
    stopped.execute_batch("BEGIN EXCLUSIVE").unwrap();
    let start = Instant::now();
    let sink = sqlite::Sink::open(&path).unwrap().busy_timeout(Duration::from_millis(50));
    let mut table = sink.table::<Item>("t");
    let parts = ["t.db", "holds the lock", "stopped", "busy_timeout"];
    says(table.resume("job").map(drop), ErrorKind::Transient, &parts);
    assert!(start.elapsed() < Duration::from_secs(4), "{:?}", start.elapsed());
    stopped.execute_batch("ROLLBACK").unwrap();
    assert_eq!(table.resume("job").unwrap(), None);
}

const ROWS: i64 = 30_000;
/// Bytes that the child may take, and the database.
const CHILD: &str = "TROMMEL_TEST_HEAP_LIMIT";

/// Goes on with the job where it stopped, a transaction every few pages.
fn go_on(path: &Path) -> trommel::Result<()> {
    let mut table = sqlite::Sink::open(path)?.cache_bytes(1 << 20).table::<Item>("t");
    let stored = table.resume("job")?;
    let done = stored.and_then(|it| it.position).map_or(0, |it| it.numbers().unwrap()[0]);
    table.encoder()?;
    for start in (done as i64..ROWS).step_by(1000) {
        table.write(&mut items(start..start + 1000))?;
        let position = Some(Position::from_numbers(&[start as u64 + 1000]));
        let when = if start % 5000 == 4000 { Commit::Now } else { Commit::Grouped };
        table.commit(&Checkpoint { position, ..Checkpoint::default() }, when)?;
    }
    table.finish()
}

/// SQLite gives up memory for the whole process, and never takes a larger limit again: each limit
/// has a process of its own.
#[test]
fn memory_that_runs_out_ends_the_run_and_the_next_one_goes_on() {
    if let Ok(child) = std::env::var(CHILD) {
        let (limit, path) = child.split_once(' ').unwrap();
        let any = Connection::open_in_memory().unwrap();
        any.query_row(&format!("PRAGMA hard_heap_limit = {limit}"), [], |_| Ok(())).unwrap();
        if let Err(error) = go_on(Path::new(path)) {
            eprintln!("{:?}: {error}", error.kind());
            std::process::exit(42);
        }
        return;
    }
    let (_directory, path) = database();
    let mut ended = 0;
    for step in 0..16 {
        // From nearly nothing to enough.
        let limit = 40_000 * 5_usize.pow(step / 4) * [10, 15, 22, 33][step as usize % 4] / 10;
        let output = Command::new(std::env::current_exe().unwrap())
            .args(["--exact", "memory_that_runs_out_ends_the_run_and_the_next_one_goes_on"])
            .arg("--nocapture")
            .env(CHILD, format!("{limit} {}", path.display()))
            .output()
            .unwrap();
        let said = String::from_utf8_lossy(&output.stderr);
        match output.status.code() {
            Some(0) => {}
            Some(42) => {
                ended += 1;
                assert!(said.contains("t.db") && said.contains("memory"), "{limit}: {said}");
            }
            _ => panic!("{limit}: {:?} {said}", output.status),
        }
        let other = Connection::open(&path).unwrap();
        let stored = ids(&other);
        assert_eq!(stored, (0..stored.len() as i64).collect::<Vec<_>>(), "{limit}");
    }
    assert!(ended > 3, "{ended}");
    go_on(&path).unwrap();
    assert_eq!(ids(&Connection::open(&path).unwrap()), (0..ROWS).collect::<Vec<_>>());
}

/// Symptom: rows that were reported as loaded and were nowhere. Cause: SQLite takes an empty path for a database
/// that is gone when it is closed.
#[test]
fn an_empty_path_is_refused() {
    for opened in [sqlite::Sink::create(""), sqlite::Sink::open("")] {
        let error = opened.map(drop).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Io);
        assert!(error.to_string().contains("the path is empty"), "{error}");
    }
}
