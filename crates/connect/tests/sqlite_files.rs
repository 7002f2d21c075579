//! Loading into SQLite when something is wrong with the file, the disk or a lock.
#![cfg(feature = "sqlite")]

mod sqlite_support;
mod unprivileged;

use rusqlite::{Connection, OpenFlags};
use sqlite_support::{Item, ids, items, says};
use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::time::Duration;
use tempfile::TempDir;
use trommel::{Commit, ErrorKind, Sink};
use trommel_connect::sqlite::{self, rusqlite};
use unprivileged::{open_to_all, unprivileged};

/// A directory with a database of one table `t` in it.
fn database() -> (TempDir, PathBuf) {
    let directory = TempDir::new().unwrap();
    let path = directory.path().join("t.db");
    let connection = Connection::open(&path).unwrap();
    connection.execute_batch("CREATE TABLE t (id INTEGER PRIMARY KEY, size)").unwrap();
    (directory, path)
}

fn load(sink: trommel::Result<sqlite::Sink>, rows: i64) -> trommel::Result<()> {
    let mut table = sink?.table::<Item>("t");
    table.encoder()?;
    table.write(&mut items(0..rows))?;
    table.finish()
}

#[test]
fn files_that_can_t_be_opened_say_which_and_why() {
    let (directory, path) = database();
    let create = |path: &Path| sqlite::Sink::create(path).map(drop);
    let inside = directory.path().join("missing/t.db");
    says(create(&inside), ErrorKind::Io, &["missing/t.db", "does not exist: create it"]);
    says(create(directory.path()), ErrorKind::Io, &["directory", "name a file"]);
    let absent = directory.path().join("absent.db");
    says(sqlite::Sink::open(&absent).map(drop), ErrorKind::Io, &["absent.db", "no such file"]);
    assert!(!absent.exists());
    let text = directory.path().join("notes.txt");
    fs::write(&text, "These are notes, not a database.\n".repeat(100)).unwrap();
    says(create(&text), ErrorKind::Io, &["notes.txt", "not an SQLite database"]);

    let read = Connection::open_with_flags(&path, OpenFlags::SQLITE_OPEN_READ_ONLY).unwrap();
    let sink = sqlite::Sink::from_connection(read);
    says(load(Ok(sink), 1), ErrorKind::Io, &["t.db", "read-only"]);
    drop(directory);
    let (directory, path) = database();
    open_to_all(directory.path());
    fs::set_permissions(&path, fs::Permissions::from_mode(0o444)).unwrap();
    let result = unprivileged(|| create(&path));
    says(result, ErrorKind::Io, &["t.db", "read-only: make the file writable"]);
    fs::set_permissions(&path, fs::Permissions::from_mode(0o666)).unwrap();
    fs::set_permissions(directory.path(), fs::Permissions::from_mode(0o555)).unwrap();
    let result = unprivileged(|| load(sqlite::Sink::create(&path), 1));
    says(result, ErrorKind::Io, &["t.db", "directory"]);
    let result = unprivileged(|| create(&directory.path().join("new.db")));
    says(result, ErrorKind::Io, &["new.db", "may be read and written"]);
    fs::set_permissions(directory.path(), fs::Permissions::from_mode(0o755)).unwrap();
}

#[test]
fn a_damaged_file_says_so() {
    let (_directory, path) = database();
    load(sqlite::Sink::open(&path), 20_000).unwrap();
    let mut bytes = fs::read(&path).unwrap();
    bytes[4096..].fill(0xA5);
    fs::write(&path, bytes).unwrap();
    says(load(sqlite::Sink::open(&path), 10), ErrorKind::Io, &["t.db", "damaged", ".recover"]);
}

#[test]
fn a_full_disk_says_so_and_leaves_what_was_there() {
    let (_directory, path) = database();
    load(sqlite::Sink::open(&path), 10).unwrap();
    let connection = Connection::open(&path).unwrap();
    connection.query_row("PRAGMA max_page_count = 20", [], |_| Ok(())).unwrap();
    let mut table = sqlite::Sink::from_connection(connection).table::<Item>("t");
    let written = table.write(&mut items(10..50_000));
    says(written, ErrorKind::Io, &["t.db", "no room is left", "free space"]);
    table.abort();
    assert_eq!(ids(&table.into_connection()), (0..10).collect::<Vec<_>>());
}

#[test]
fn a_lock_is_passing_and_the_same_page_can_come_again() {
    let (_directory, path) = database();
    let other = Connection::open(&path).unwrap();
    let mut table = sqlite::Sink::open(&path)
        .unwrap()
        .busy_timeout(Duration::from_millis(20))
        .table::<Item>("t");
    table.encoder().unwrap();
    let mut page = items(0..1000);
    other.execute_batch("BEGIN IMMEDIATE").unwrap();
    for _ in 0..2 {
        says(table.write(&mut page), ErrorKind::Transient, &["t.db", "lock", "busy_timeout"]);
    }
    other.execute_batch("COMMIT; BEGIN; SELECT * FROM t").unwrap();
    // Now the other one reads: rows can be written, but not committed.
    table.write(&mut page).unwrap();
    let commit = |table: &mut sqlite::Table<Item>| table.commit(&Default::default(), Commit::Now);
    says(commit(&mut table), ErrorKind::Transient, &["t.db", "committed", "lock"]);
    other.execute_batch("COMMIT").unwrap();
    commit(&mut table).unwrap();
    table.finish().unwrap();
    assert_eq!(ids(&other), (0..1000).collect::<Vec<_>>());
}
