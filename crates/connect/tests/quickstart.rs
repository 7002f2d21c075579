//! The quickstart as its user meets it: what it says of bad input and output.
#![cfg(all(feature = "csv", feature = "gzip", feature = "sqlite"))]

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};
use std::sync::{Arc, LazyLock, Mutex};
use trommel::{Engine, Pipeline, sinks};
use trommel_connect::csv;

const HEADER: &str = "carrier,flight,origin,dest,time_hour,distance,air_time\n";
const ROW: &str = "UA,1545,EWR,IAH,2013-01-01T10:00:00Z,1400,227\n";

/// The program. `cargo test` and `cargo nextest run` build it beside the tests; with `--all-targets`
/// or for this test alone they do not, and it is built here.
fn program() -> &'static Path {
    static PROGRAM: LazyLock<PathBuf> = LazyLock::new(|| {
        let test = std::env::current_exe().unwrap();
        let folder = test.parent().and_then(Path::parent).unwrap();
        let name = format!("quickstart{}", std::env::consts::EXE_SUFFIX);
        let program = folder.join("examples").join(name);
        let package = Path::new(env!("CARGO_MANIFEST_DIR"));
        let modified = |path: &Path| fs::metadata(path).and_then(|it| it.modified()).ok();
        if modified(&program) < modified(&package.join("examples/quickstart.rs")) {
            let mut build = Command::new(env!("CARGO"));
            build.args(["build", "--locked", "--example", "quickstart", "--target-dir"]);
            build.arg(folder.parent().unwrap()).current_dir(package);
            if folder.ends_with("release") {
                build.arg("--release");
            }
            assert!(build.status().unwrap().success());
        }
        program
    });
    &PROGRAM
}

fn run(folder: &Path, arguments: &[&str]) -> Output {
    Command::new(program()).args(arguments).current_dir(folder).output().unwrap()
}

fn text(bytes: &[u8]) -> &str {
    std::str::from_utf8(bytes).unwrap()
}

#[test]
fn loads_a_file_and_replaces_what_it_loaded_before() {
    let folder = tempfile::tempdir().unwrap();
    fs::write(folder.path().join("in.csv"), format!("{HEADER}{ROW}{ROW}")).unwrap();
    for _ in 0..2 {
        let output = run(folder.path(), &["in.csv", "out.db"]);
        assert!(output.status.success(), "{}", text(&output.stderr));
        let said = text(&output.stdout);
        assert!(said.contains("read 2 = loaded 2"), "{said}");
        assert!(said.ends_with("all              2     370.0\n"), "{said}");
    }
}

/// Symptom: the shipped sample showed no progress bar. Cause: the program unpacked it itself, so that no
/// size was known. Fix: the source unpacks it, and counts what it has taken from the file.
#[test]
fn a_packed_file_tells_how_far_it_has_come() {
    let sample = Path::new(env!("CARGO_MANIFEST_DIR")).join("data/flights-sample.csv.gz");
    let seen = Arc::new(Mutex::new(Vec::new()));
    let see = Arc::clone(&seen);
    Pipeline::from(csv::Source::open(sample).unwrap())
        .on_progress(move |progress| see.lock().unwrap().push(progress.fraction))
        .transform(|row, out| out.emit(row.str("carrier")?.len()))
        .load_into(sinks::count())
        .run(&Engine::builder().workers(2).build().unwrap())
        .unwrap();
    let seen: Vec<f64> = seen.lock().unwrap().iter().map(|fraction| fraction.unwrap()).collect();
    assert!(
        seen.is_sorted() && seen.iter().all(|fraction| (0.0..=1.0).contains(fraction)),
        "{seen:?}"
    );
    assert_eq!(seen.last(), Some(&1.0), "it is told at the end, too: {seen:?}");
}

#[test]
fn a_file_of_nothing_but_a_header_is_no_error() {
    let folder = tempfile::tempdir().unwrap();
    fs::write(folder.path().join("in.csv"), HEADER).unwrap();
    let output = run(folder.path(), &["in.csv", "out.db"]);
    assert!(output.status.success(), "{}", text(&output.stderr));
    assert!(text(&output.stdout).contains("no flight with an air time"));
}

#[test]
fn bad_input_and_output_are_one_clear_error() {
    let folder = tempfile::tempdir().unwrap();
    let write = |name: &str, text: String| fs::write(folder.path().join(name), text).unwrap();
    write("good.csv", format!("{HEADER}{ROW}"));
    write("cut.csv", format!("{HEADER}{ROW}UA,1714,\"LGA,IA"));
    write("short.csv", format!("{HEADER}{ROW}UA,1714,LGA\n"));
    write("column.csv", format!("{}{ROW}", HEADER.replace("air_time", "airtime")));
    write("number.csv", format!("{HEADER}{}", ROW.replace("1400", "far")));
    write("text.db", "this is no database\n".repeat(100));
    write("plain.csv.gz", format!("{HEADER}{ROW}"));
    fs::create_dir(folder.path().join("folder")).unwrap();

    let cases: [(&str, &str, &[&str]); 11] = [
        ("missing.csv", "out.db", &["cannot open missing.csv", "No such file"]),
        ("missing.csv.gz", "out.db", &["cannot open missing.csv.gz", "No such file"]),
        ("folder", "out.db", &["cannot read folder: it is a directory; name a file in it"]),
        ("plain.csv.gz", "out.db", &["plain.csv.gz", "gzip"]),
        ("cut.csv", "out.db", &["ends inside a quoted field", "in cut.csv, line 3", "byte 109"]),
        ("short.csv", "out.db", &["3 fields where 7 are expected, in short.csv, line 3"]),
        ("column.csv", "out.db", &["no column `air_time` in column.csv; did you mean `airtime`?"]),
        ("number.csv", "out.db", &["`far` is not a whole number, column `distance`", "line 2"]),
        ("good.csv", "text.db", &["`text.db`", "not an SQLite database", "choose another file"]),
        ("good.csv", "folder", &["`folder`: this is a directory: name a file in it"]),
        ("good.csv", "none/out.db", &["directory `none` does not exist: create it first"]),
    ];
    for (input, from, parts) in cases {
        let output = run(folder.path(), &[input, from]);
        let said = text(&output.stderr);
        assert_eq!(output.status.code(), Some(1), "{input} {from}: {said}");
        assert_eq!(text(&output.stdout), "", "{input} {from}");
        assert_eq!(said.matches("error: ").count(), 1, "{input} {from}: {said}");
        assert!(!said.contains("panicked"), "{input} {from}: {said}");
        for part in parts {
            assert!(said.contains(part), "{input} {from}: no `{part}` in: {said}");
        }
    }
}
