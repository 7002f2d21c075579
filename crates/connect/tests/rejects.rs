//! Reject files: nothing of a bad row is lost on the way out and back.
#![cfg(all(feature = "rejects", feature = "csv"))]

mod rejects_support;

use proptest::prelude::*;
use std::io::Read;
use trommel::{DeadLetter, ErrorKind, Reject, Stage};
use trommel_connect::rejects;

fn reject(raw: &[u8]) -> Reject {
    Reject {
        source: Some("a.csv".into()),
        record: Some(1),
        line: Some(2),
        offset: Some(30),
        column: Some("id".into()),
        stage: Stage::Transform,
        reason: "not a number: \"x\"".into(),
        raw: raw.to_vec(),
    }
}

#[test]
fn rows_come_back_byte_for_byte_also_when_they_are_no_text() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("bad.ndjson");
    let rows: [&[u8]; 4] = [b"a,1", b"\xff\x00,2\n", b"", b"\"two\nlines\",3\r\n"];
    let mut file = rejects::File::create(&path).unwrap();
    for row in &rows[..2] {
        file.write(&reject(row)).unwrap();
    }
    file.finish().unwrap();
    let mut file = rejects::File::append(&path).unwrap();
    for row in &rows[2..] {
        file.write(&reject(row)).unwrap();
    }
    file.finish().unwrap();

    let back: Vec<Reject> = rejects::read(&path).unwrap().map(Result::unwrap).collect();
    assert_eq!(back, rows.map(reject));
    let mut text = Vec::new();
    rejects::Replay::open(&path).unwrap().with_header("k,v").read_to_end(&mut text).unwrap();
    assert_eq!(text, b"k,v\na,1\n\xff\x00,2\n\"two\nlines\",3\r\n");
}

#[test]
fn a_line_that_was_cut_off_is_named() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("bad.ndjson");
    let whole = serde_json::to_string(&reject(b"a")).unwrap();
    std::fs::write(&path, format!("{whole}\n\n{}", &whole[..20])).unwrap();
    let mut read = rejects::read(&path).unwrap();
    assert_eq!(read.next().unwrap().unwrap(), reject(b"a"));
    let error = read.next().unwrap().unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Row);
    for part in ["bad.ndjson", "line 3", "mend or remove"] {
        assert!(error.to_string().contains(part), "{error}");
    }
    assert!(read.next().is_none());
    let mut text = Vec::new();
    let error = rejects::Replay::open(&path).unwrap().read_to_end(&mut text).unwrap_err();
    assert!(error.to_string().contains("line 3"), "{error}");
    let error = rejects::read(directory.path().join("none")).unwrap_err();
    assert!(error.to_string().contains("none"), "{error}");
}

proptest! {
    #[test]
    fn any_bytes_are_rejects_or_errors_that_name_their_line(
        lines in prop::collection::vec(
            (any::<bool>(), prop::collection::vec(any::<u8>(), 0..20), any::<prop::sample::Index>()),
            0..6,
        ),
    ) {
        let mut bytes = Vec::new();
        for (is_damaged, raw, at) in lines {
            let mut line = serde_json::to_vec(&reject(&raw)).unwrap();
            if is_damaged {
                let at = at.index(line.len());
                line[at] = raw.first().copied().unwrap_or(b'\n');
            }
            bytes.extend(line);
            bytes.push(b'\n');
        }
        rejects_support::check(tempfile::tempdir().unwrap().path(), &bytes);
    }
}

/// Symptom: the process was ended by a reject file without line breaks.
/// Cause: the buffer for a line grew as if memory could not run out.
/// Fix: it asks whether there is memory, and reading fails with an error that names the file.
#[test]
#[cfg(unix)]
fn a_line_that_there_is_no_memory_for_is_an_error() {
    const CHILD: &str = "TROMMEL_TEST_LARGE_REJECT";
    if let Some(path) = std::env::var_os(CHILD) {
        let error = rejects::read(path).unwrap().next().unwrap().unwrap_err();
        eprintln!("{:?}: {error}", error.kind());
        std::process::exit(42);
    }
    let directory = tempfile::TempDir::new().unwrap();
    let path = directory.path().join("rejects.ndjson");
    // Takes no room on the disk: it is one large hole.
    std::fs::File::create(&path).unwrap().set_len(2 << 30).unwrap();
    // In KiB; of it the program and its threads have a part already.
    let output = std::process::Command::new("sh")
        .args(["-c", "ulimit -v 700000; exec \"$@\"", "sh"])
        .arg(std::env::current_exe().unwrap())
        .args(["--exact", "a_line_that_there_is_no_memory_for_is_an_error", "--nocapture"])
        .env(CHILD, &path)
        .output()
        .unwrap();
    let said = String::from_utf8_lossy(&output.stderr);
    assert_eq!(output.status.code(), Some(42), "{}: {said}", output.status);
    for part in ["Io", "rejects.ndjson", "no memory for a line"] {
        assert!(said.contains(part), "no `{part}` in: {said}");
    }
}
