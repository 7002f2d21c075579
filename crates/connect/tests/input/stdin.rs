//! Standard input as a source: a child that is fed by a pipe.

use crate::compress;
use std::fmt::Write as _;
use std::io::Write as _;
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::Duration;
use trommel::{Engine, Pipeline, Result, sinks};
use trommel_connect::input::Compression;
use trommel_connect::{csv, ndjson};

const VARIABLE: &str = "TROMMEL_STDIN_CHILD";

/// What the child does with its standard input: the ids of all rows, or the error.
fn ids(how: &str) -> Result<Vec<u64>> {
    let engine = Engine::builder().workers(2).build()?;
    let mut ids = sinks::collect();
    match how {
        "ndjson" => Pipeline::from(ndjson::Source::stdin()?)
            .transform(|row, out| out.emit(row.get::<u64>("id")?))
            .load_into(&mut ids)
            .run(&engine)?,
        how => {
            let source = match how {
                "gzip" => csv::Source::builder().compression(Compression::GZIP).stdin()?,
                _ => csv::Source::stdin()?,
            };
            let pipeline = Pipeline::from(source)
                .transform(|row, out| out.emit(row.get::<u64>("id")?))
                .load_into(&mut ids);
            let pipeline = if how == "job" { pipeline.resumable("job") } else { pipeline };
            pipeline.run(&engine)?
        }
    };
    Ok(ids.into_vec())
}

/// Feeds a child with the pieces, with pauses between them; answers what it found.
fn fed(how: &str, pieces: &[&[u8]], folder: &Path) -> String {
    let found = folder.join(how);
    let mut child = Command::new(std::env::current_exe().unwrap())
        .args(["--exact", "stdin::a_pipe_is_read_to_its_end"])
        .env(VARIABLE, format!("{how} {}", found.display()))
        .stdin(Stdio::piped())
        .stdout(Stdio::null())
        .spawn()
        .unwrap();
    let mut pipe = child.stdin.take().unwrap();
    for piece in pieces {
        // A child that has refused its input reads no more of it: what it says is looked at.
        let _ = pipe.write_all(piece).and_then(|()| pipe.flush());
        std::thread::sleep(Duration::from_millis(20));
    }
    drop(pipe);
    assert!(child.wait().unwrap().success(), "{how}");
    std::fs::read_to_string(found).unwrap()
}

#[test]
fn a_pipe_is_read_to_its_end() {
    if let Ok(asked) = std::env::var(VARIABLE) {
        let (how, found) = asked.split_once(' ').unwrap();
        let said = match ids(how) {
            Ok(ids) => format!("{ids:?}"),
            Err(error) => error.to_string(),
        };
        return std::fs::write(found, said).unwrap();
    }
    let folder = tempfile::tempdir().unwrap();
    let fed = |how, pieces: &[&[u8]]| fed(how, pieces, folder.path());
    // More than a pipe holds, cut in the middle of the header and of a record.
    let (mut text, mut objects) = (String::from("id,name\n"), String::new());
    for id in 0..20_000 {
        writeln!(text, "{id},\"item, {id}\"").unwrap();
        writeln!(objects, "{{\"id\":{id}}}").unwrap();
    }
    let all = format!("{:?}", Vec::from_iter(0..20_000));
    let (bytes, packed) = (text.as_bytes(), compress(Compression::GZIP, text.as_bytes()));
    let half = packed.len() / 2;
    assert_eq!(fed("csv", &[&bytes[..3], &bytes[3..100_003], &bytes[100_003..]]), all);
    assert_eq!(fed("gzip", &[&packed[..half], &packed[half..]]), all);
    assert_eq!(fed("ndjson", &[&objects.as_bytes()[..9], &objects.as_bytes()[9..]]), all);

    let said = fed("csv", &[b"id,name\n1,a\nx,b\n"]);
    assert!(said.contains("`x` is not a whole number, column `id`"), "{said}");
    assert!(said.contains("in standard input, line 3, byte 12"), "{said}");
    let said = fed("gzip", &[&packed[..half]]);
    assert!(said.contains("standard input"), "{said}");
    let said = fed("job", &[b"id,name\n1,a\n"]);
    assert!(said.contains("job `job` can't be resumed: its source has no positions"), "{said}");
    assert_eq!(fed("csv", &[]), "[]", "nothing at all");
}
