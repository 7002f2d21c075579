//! Places that can't be read or written: what is said by a child that has no permission, or no room.

use super::engine;
use serde::{Deserialize, Serialize};
use std::fs::{self, Permissions};
use std::os::unix::fs::PermissionsExt as _;
use std::os::unix::process::CommandExt as _;
use std::path::Path;
use std::process::Command;
use tempfile::TempDir;
use trommel::{DeadLetter as _, Encode, Pipeline, Reject, Result, sinks, sources};
use trommel_connect::{arrow, csv, lines, ndjson, parquet, rejects, sqlite};

/// Tells a child of a test which case it is for, and where.
const CHILD: &str = "TROMMEL_TEST_BAD_INPUT";

#[derive(Serialize, Deserialize)]
struct Item {
    id: u64,
    text: String,
}

fn load(rows: u64, sink: impl Encode<Item>) -> Result<()> {
    // What can't be packed into a few bytes.
    let text = |id: u64| format!("{:x}", (id + 1).wrapping_mul(0x9E37_79B9_7F4A_7C15));
    Pipeline::from(sources::generate(rows, |id| id))
        .map(move |id| Item { id, text: text(id) })
        .load_into(sink)
        .run(&engine())
        .map(drop)
}

fn reject() -> Reject {
    serde_json::from_str(r#"{"stage":"sink","reason":"no","raw":"x"}"#).unwrap()
}

/// Runs a test once more as a process of its own, by the words of `sh`, and gives what it said.
fn child(test: &str, shell: &str, is_nobody: bool, folder: &Path) -> String {
    let mut command = Command::new("sh");
    command
        .arg("-c")
        .arg(format!("{shell}; exec \"$0\" --nocapture --exact {test}"))
        .arg(std::env::current_exe().unwrap())
        .current_dir(folder)
        .env(CHILD, folder);
    let is_root = Command::new("id").arg("-u").output().unwrap().stdout == b"0\n";
    if is_root && is_nobody {
        // For root there are no permissions.
        command.uid(65_534).gid(65_534);
    }
    let output = command.output().unwrap();
    let said = String::from_utf8_lossy(&output.stderr).into_owned();
    assert!(output.status.success(), "{said}");
    said
}

fn tell<T>(name: &str, result: Result<T>) {
    match result {
        Ok(_) => eprintln!("{name}: no error"),
        Err(error) => eprintln!("{name}: {:?}: {error}", error.kind()),
    }
}

/// The line of `said` that is about `name` says all of `parts`.
#[track_caller]
fn says(said: &str, name: &str, parts: &[&str]) {
    let line = said.lines().find(|line| line.starts_with(&format!("{name}: ")));
    let line = line.unwrap_or_else(|| panic!("nothing about {name} in: {said}"));
    for part in parts {
        assert!(line.contains(part), "no `{part}` in: {line}");
    }
}

#[test]
fn a_missing_permission_is_an_error_that_names_the_file() {
    if let Some(folder) = std::env::var_os(CHILD) {
        let file = |name: &str| Path::new(&folder).join("locked").join(name);
        tell("csv", count!(csv::Source::open(file("a.csv"))));
        tell("csv many", count!(csv::Source::open_many([file("a.csv")])));
        tell("ndjson", count!(ndjson::Source::open(file("a.ndjson"))));
        tell("lines", count!(lines::Source::open(file("a.txt"))));
        tell("parquet", count!(parquet::Source::open(file("a.parquet"))));
        tell("arrow", count!(arrow::Source::open(file("a.arrow"))));
        tell("sqlite", count!(sqlite::Source::query(file("a.db"), "SELECT 1")));
        tell("rejects", rejects::read(file("bad.ndjson")));
        let file = |name: &str| Path::new(&folder).join("shut").join(name);
        tell("csv sink", csv::Sink::create(file("a.csv")).and_then(|sink| load(9, sink)));
        tell("ndjson sink", ndjson::Sink::create(file("a.ndjson")).and_then(|sink| load(9, sink)));
        tell("parquet sink", load(9, parquet::Sink::create(file("a.parquet"))));
        tell("arrow sink", load(9, arrow::Sink::create(file("a.arrow"))));
        let database = sqlite::Sink::create(file("a.db"));
        tell("sqlite sink", database.and_then(|sink| load(9, sink.table::<Item>("t"))));
        tell("rejects sink", rejects::File::create(file("bad.ndjson")));
        return;
    }
    let directory = TempDir::new().unwrap();
    let mode = |path: &Path, mode| fs::set_permissions(path, Permissions::from_mode(mode)).unwrap();
    mode(directory.path(), 0o755);
    let [locked, shut] = ["locked", "shut"].map(|name| directory.path().join(name));
    fs::create_dir(&locked).unwrap();
    fs::create_dir(&shut).unwrap();
    for name in ["a.csv", "a.ndjson", "a.txt", "a.parquet", "a.arrow", "a.db", "bad.ndjson"] {
        fs::write(locked.join(name), "id\n1\n").unwrap();
        mode(&locked.join(name), 0o000);
    }
    mode(&shut, 0o555);
    let test = "places::a_missing_permission_is_an_error_that_names_the_file";
    let said = child(test, ":", true, directory.path());
    mode(&shut, 0o755);
    for (name, file) in [
        ("csv", "a.csv"),
        ("csv many", "a.csv"),
        ("ndjson", "a.ndjson"),
        ("lines", "a.txt"),
        ("parquet", "a.parquet"),
        ("arrow", "a.arrow"),
        ("rejects", "bad.ndjson"),
    ] {
        says(&said, name, &["Io: ", "locked/", file, "Permission denied"]);
    }
    says(&said, "sqlite", &["Io: ", "locked/a.db"]);
    for (name, file, why) in [
        ("csv sink", "a.csv", "permission is missing"),
        ("ndjson sink", "a.ndjson", "permission is missing"),
        ("parquet sink", "a.parquet", "Permission denied"),
        ("arrow sink", "a.arrow", "Permission denied"),
        ("sqlite sink", "a.db", "may be read and written"),
        ("rejects sink", "bad.ndjson", "Permission denied"),
    ] {
        says(&said, name, &["Io: ", "shut/", file, why]);
    }
}

/// A limit on the size of files, the signal ignored, is met as a full disk is.
#[cfg(target_os = "linux")]
#[test]
fn a_full_disk_is_an_error_that_names_the_file_and_leaves_none() {
    if let Some(folder) = std::env::var_os(CHILD) {
        let file = |name: &str| Path::new(&folder).join(name);
        tell("csv", csv::Sink::create(file("a.csv")).and_then(|sink| load(50_000, sink)));
        tell("ndjson", ndjson::Sink::create(file("a.ndjson")).and_then(|sink| load(50_000, sink)));
        tell("parquet", load(50_000, parquet::Sink::create(file("a.parquet")).row_group_rows(999)));
        tell("arrow", load(50_000, arrow::Sink::create(file("a.arrow"))));
        let database = sqlite::Sink::create(file("a.db"));
        tell("sqlite", database.and_then(|sink| load(50_000, sink.table::<Item>("t"))));
        let kept = rejects::File::create(file("bad.ndjson")).and_then(|mut kept| {
            (0..9_999).try_for_each(|_| kept.write(&reject())).and_then(|()| kept.finish())
        });
        tell("rejects", kept);
        return;
    }
    let directory = TempDir::new().unwrap();
    let test = "places::a_full_disk_is_an_error_that_names_the_file_and_leaves_none";
    let said = child(test, "trap '' XFSZ; ulimit -f 100", false, directory.path());
    for (name, file) in [
        ("csv", "a.csv"),
        ("ndjson", "a.ndjson"),
        ("parquet", "a.parquet"),
        ("arrow", "a.arrow"),
        ("sqlite", "a.db"),
        ("rejects", "bad.ndjson"),
    ] {
        says(&said, name, &["Io: ", file]);
    }
    for name in ["a.csv", "a.ndjson", "a.parquet", "a.arrow"] {
        assert!(!directory.path().join(name).exists(), "{name}");
    }
}
