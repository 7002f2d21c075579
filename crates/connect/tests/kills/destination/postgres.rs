//! A table of a PostgreSQL database, on a server of the campaign's own.

use super::{Contents, Destination};
use crate::data::{BATCH, COMMIT, Item, expected_distance, expected_rows};
use crate::postgres_support::{Server, server};
use crate::victim::pipeline;
use crate::window::{
    AFTER_COMMIT, AFTER_RESUME, AFTER_WRITE, BEFORE_COMMIT, BEFORE_FINISH, MID_BATCH,
};
use std::path::Path;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;
use trommel::{Result, RunReport};
use trommel_connect::postgres;

pub(super) const WINDOWS: &[&str] = &[
    "postgres: epoch taken, before others are ended",
    "postgres: rejects stored, before checkpoint and COMMIT",
    "postgres: checkpoint and COMMIT sent, before the answer",
    "postgres: checkpoint and COMMIT answered, before it is noted",
];

/// Where rows go over one `COPY` until the commit.
pub(super) const OPEN_WINDOWS: &[&str] = &[
    "postgres: rows sent over a COPY that stays open",
    BEFORE_COMMIT,
    "postgres: rejects stored, before checkpoint and COMMIT",
    "postgres: checkpoint and COMMIT sent, before the answer",
    "postgres: checkpoint and COMMIT answered, before it is noted",
];

/// Where rows meet others with their key, in a staging table.
pub(super) const MODE_WINDOWS: &[&str] = &[
    MID_BATCH,
    AFTER_WRITE,
    "postgres: rejects stored, before checkpoint and COMMIT",
    "postgres: checkpoint and COMMIT sent, before the answer",
];

pub(super) const STOPS: &[&str] =
    &[AFTER_RESUME, MID_BATCH, AFTER_WRITE, BEFORE_COMMIT, AFTER_COMMIT, BEFORE_FINISH];

/// Where a victim finds what it must know of the server.
const ADDRESS: &str = "address";

pub(super) fn is_there() -> bool {
    server().is_some()
}

fn running() -> &'static Server {
    server().expect("checked by `is_there`")
}

/// Gives the job a schema of its own.
pub(super) fn prepare(directory: &Path) {
    static JOBS: AtomicU32 = AtomicU32::new(0);
    let schema = format!("job_{}", JOBS.fetch_add(1, Ordering::Relaxed));
    let address = running().schema(&schema);
    std::fs::write(directory.join(ADDRESS), format!("{schema}\n{address}")).unwrap();
}

pub(super) fn load(destination: Destination) -> Result<RunReport> {
    let known = std::fs::read_to_string(ADDRESS)?;
    let (_, address) = known.split_once('\n').unwrap();
    let table = postgres::Sink::connect(address)?
        .timeout(Duration::from_secs(20))
        .table::<Item<'_>>("items")
        .commit_rows(BATCH * COMMIT)
        .commit_interval(Duration::from_secs(3600));
    let table = match destination {
        Destination::PostgresOpen => table.verify(),
        Destination::PostgresUpsert => table.key(["id"]).upsert(),
        Destination::PostgresIgnore => table.key(["id"]).ignore_duplicates(),
        _ => table.key(["id"]),
    };
    pipeline(destination.twins(), table)
}

fn lines(directory: &Path, sql: &str) -> Vec<String> {
    let known = std::fs::read_to_string(directory.join(ADDRESS)).unwrap();
    let (schema, _) = known.split_once('\n').unwrap();
    let mut lines = running().sql("trommel", &format!("SET search_path = {schema}; {sql}"));
    lines.sort_unstable();
    lines
}

pub(super) fn look(destination: Destination, directory: &Path) {
    let exists = lines(directory, "SELECT to_regclass('items') IS NOT NULL");
    if exists == ["t"] {
        let rejects = match lines(directory, "SELECT to_regclass('trommel_reject')")[0].as_str() {
            "NULL" => "SELECT 0",
            _ => "SELECT count(*) FROM trommel_reject",
        };
        // In one statement: what a dead runner has sent may still be committed.
        let found = format!(
            "SELECT read, rejected, (SELECT count(*) FROM items), ({rejects}), \
             coalesce((SELECT distance FROM items WHERE id = 0), 0.25) FROM trommel_checkpoint"
        );
        let [found] = lines(directory, &found).try_into().expect("one job");
        let found: Vec<f64> = found.split('|').map(|number| number.parse().unwrap()).collect();
        let (read, twins) = (found[0] as u64, destination.twins());
        let (rows, distance) = (expected_rows(read, twins), expected_distance(read, twins));
        assert_eq!(found, [found[0], found[1], rows as f64, found[1], distance]);
    }
}

pub(super) fn contents(directory: &Path) -> Contents {
    let rejects = "SELECT to_jsonb(r) - 'rejected' FROM trommel_reject r";
    Contents {
        rows: lines(directory, "SELECT to_jsonb(i) FROM items i"),
        rejects: lines(directory, rejects),
        ..Contents::default()
    }
}
