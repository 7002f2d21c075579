//! What every sink of files does, shown with JSON lines: names, checkpoints, fencing, abort.
#![cfg(feature = "ndjson")]

use std::fs;
use std::path::{Path, PathBuf};
use tempfile::TempDir;
use trommel::{
    Checkpoint, Commit, Counts, Durability, Encode, Engine, Error, ErrorKind, Options, Pipeline,
    Position, RejectPolicy, Result, Sink as _, sources,
};
use trommel_connect::ndjson::Sink;

/// Encodes and writes numbers.
fn write(sink: &mut Sink, numbers: std::ops::Range<u64>) -> Result<()> {
    let encoder = sink.encoder()?;
    let mut page = Default::default();
    for number in numbers {
        Sink::encode(&encoder, &mut page, number)?;
    }
    sink.write(&mut page)
}

fn at(rows: u64) -> Checkpoint {
    Checkpoint {
        position: Some(Position::from_numbers(&[rows])),
        counts: Counts { read: rows, loaded: rows, emitted: rows, ..Counts::default() },
        ..Checkpoint::default()
    }
}

fn numbers(path: &Path) -> Vec<u64> {
    fs::read_to_string(path).unwrap().lines().map(|line| line.parse().unwrap()).collect()
}

fn suffixed(path: &Path, suffix: &str) -> PathBuf {
    PathBuf::from(format!("{}{suffix}", path.display()))
}

/// Names in a folder, sorted.
fn names(folder: &Path) -> Vec<String> {
    let entries = fs::read_dir(folder).unwrap();
    let mut names: Vec<_> =
        entries.map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect();
    names.sort();
    names
}

#[track_caller]
fn says<T>(result: Result<T>, kind: ErrorKind, parts: &[&str]) {
    let error = result.err().expect("an error");
    assert_eq!(error.kind(), kind, "{error}");
    for part in parts {
        assert!(error.to_string().contains(part), "no `{part}` in: {error}");
    }
}

fn place() -> (TempDir, PathBuf) {
    let directory = TempDir::new().unwrap();
    let path = directory.path().join("out.ndjson");
    (directory, path)
}

#[test]
fn a_file_has_its_name_only_when_it_is_whole() {
    let (directory, path) = place();
    fs::write(&path, "old\n").unwrap();
    let mut sink = Sink::create(&path).unwrap();
    sink.encoder().unwrap();
    write(&mut sink, 0..3).unwrap_or_else(|error| panic!("{error}"));
    assert_eq!(fs::read_to_string(&path).unwrap(), "old\n");
    assert_eq!(sink.commit(&at(3), Commit::Grouped).unwrap(), Durability::Pending);
    sink.finish().unwrap();
    assert_eq!(numbers(&path), [0, 1, 2]);
    assert_eq!(names(directory.path()), ["out.ndjson"]);
}

#[test]
fn an_abort_a_cancel_and_a_drop_leave_what_was_there() {
    let (directory, path) = place();
    fs::write(&path, "7\n").unwrap();
    for end in 0..3 {
        let mut sink = Sink::create(&path).unwrap();
        write(&mut sink, 0..3).unwrap();
        match end {
            0 => assert_eq!(sink.abort(), Durability::Pending),
            1 => assert_eq!(sink.commit(&at(3), Commit::Now).unwrap(), Durability::Pending),
            _ => drop(sink),
        }
        assert_eq!(numbers(&path), [7]);
        assert_eq!(names(directory.path()), ["out.ndjson"]);
    }
}

#[test]
fn a_file_that_is_there_is_refused_or_added_to() {
    let (_directory, path) = place();
    fs::write(&path, "7\n").unwrap();
    let mut sink = Sink::create(&path).unwrap().refuse_existing();
    says(sink.encoder(), ErrorKind::Io, &["out.ndjson", "is there already"]);
    let mut sink = Sink::create(&path).unwrap().append();
    write(&mut sink, 8..10).unwrap();
    assert_eq!(numbers(&path), [7]);
    sink.finish().unwrap();
    assert_eq!(numbers(&path), [7, 8, 9]);
}

/// Symptom: a value that was added to a file that ends without a line break shared a line with its last
/// one.
/// Cause: what was added began where the file ended.
/// Fix: a last line that nothing has ended is ended first, also by a job, which does it once.
#[test]
fn a_last_line_without_an_end_is_ended_before_more_is_added() {
    let (_directory, path) = place();
    fs::write(&path, "7").unwrap();
    let mut sink = Sink::create(&path).unwrap().append();
    write(&mut sink, 8..9).unwrap();
    sink.finish().unwrap();
    assert_eq!(fs::read_to_string(&path).unwrap(), "7\n8\n");
    fs::write(&path, "7").unwrap();
    for (from, to) in [(8, 9), (9, 10)] {
        let mut sink = Sink::create(&path).unwrap().append();
        sink.resume("job").unwrap();
        write(&mut sink, from..to).unwrap();
        match to {
            9 => drop(sink.commit(&at(1), Commit::Now).unwrap()),
            _ => sink.finish().unwrap(),
        }
    }
    assert_eq!(fs::read_to_string(&path).unwrap(), "7\n8\n9\n");
}

#[test]
fn two_runs_do_not_write_one_file() {
    let (_directory, path) = place();
    let mut first = Sink::create(&path).unwrap();
    write(&mut first, 0..2).unwrap();
    let mut second = Sink::create(&path).unwrap();
    says(second.encoder(), ErrorKind::Fatal, &["another run is writing", "out.ndjson"]);
    says(second.resume("job"), ErrorKind::Fatal, &["another run is writing"]);
    first.finish().unwrap();
    assert_eq!(numbers(&path), [0, 1]);
    write(&mut second, 5..6).unwrap();
    second.finish().unwrap();
    assert_eq!(numbers(&path), [5]);
}

#[test]
fn a_job_goes_on_where_its_last_commit_was() {
    let (directory, path) = place();
    let mut first = Sink::create(&path).unwrap();
    assert_eq!(first.resume("load").unwrap(), None);
    write(&mut first, 0..10).unwrap();
    assert_eq!(first.commit(&at(10), Commit::Now).unwrap(), Durability::Stored);
    write(&mut first, 10..20).unwrap();
    assert_eq!(first.commit(&at(20), Commit::Grouped).unwrap(), Durability::Pending);
    assert_eq!(first.abort(), Durability::Pending);
    drop(first);
    assert!(!path.exists());
    assert_eq!(numbers(&suffixed(&path, ".part")).len(), 20);

    let mut other = Sink::create(&path).unwrap();
    says(other.resume("another"), ErrorKind::Config, &["belongs to job `load`", "`another`"]);
    says(other.encoder(), ErrorKind::Config, &["job `load`", "not finished", "resumable"]);

    let mut second = Sink::create(&path).unwrap();
    assert_eq!(second.resume("load").unwrap(), Some(Checkpoint { epoch: 2, ..at(10) }));
    write(&mut second, 10..15).unwrap();
    second.commit(&at(15), Commit::Grouped).unwrap();
    second.finish().unwrap();
    assert_eq!(numbers(&path), (0..15).collect::<Vec<_>>());
    assert_eq!(names(directory.path()), ["out.ndjson", "out.ndjson.part.checkpoint"]);

    let mut third = Sink::create(&path).unwrap();
    let stored = third.resume("load").unwrap().unwrap();
    assert!(stored.finished);
    assert_eq!((stored.position, stored.counts), (at(15).position, at(15).counts));
    third.encoder().unwrap();
    third.finish().unwrap();
    assert_eq!(numbers(&path).len(), 15);

    // A run that is not the job's replaces the file, and the job's record with it.
    let mut plain = Sink::create(&path).unwrap();
    write(&mut plain, 1..2).unwrap();
    plain.finish().unwrap();
    assert_eq!(names(directory.path()), ["out.ndjson"]);
}

#[test]
fn a_runner_from_before_can_t_commit_or_spoil_anything() {
    let (directory, path) = place();
    let mut old = Sink::create(&path).unwrap();
    old.resume("load").unwrap();
    write(&mut old, 0..10).unwrap();
    old.commit(&at(10), Commit::Now).unwrap();
    write(&mut old, 10..12).unwrap();

    // The old one is alive and holds its lock: it is superseded.
    let mut new = Sink::create(&path).unwrap();
    assert_eq!(new.resume("load").unwrap(), Some(Checkpoint { epoch: 2, ..at(10) }));
    write(&mut new, 10..15).unwrap();
    write(&mut old, 12..1000).unwrap();
    let parts = ["out.ndjson", "job `load`", "taken over", "epoch 1", "newest 2"];
    says(old.commit(&at(1000), Commit::Now), ErrorKind::Fatal, &parts);
    says(old.finish(), ErrorKind::Fatal, &parts);
    old.abort();
    drop(old);
    new.commit(&at(15), Commit::Now).unwrap();
    write(&mut new, 15..16).unwrap();
    new.finish().unwrap();
    assert_eq!(numbers(&path), (0..16).collect::<Vec<_>>());
    assert_eq!(names(directory.path()), ["out.ndjson", "out.ndjson.part.checkpoint"]);
}

/// It rolled once, after the newer one had finished, and left a side file, which the next run took
/// for one that had still to get its name: over the data of the newer runner.
#[test]
fn a_runner_from_before_opens_no_file_of_a_finished_job() {
    let (directory, path) = place();
    let open = || Sink::create(&path).unwrap().roll_rows(5);
    let mut old = open();
    old.resume("load").unwrap();
    write(&mut old, 0..5).unwrap();
    old.commit(&at(5), Commit::Now).unwrap();
    let mut new = open();
    new.resume("load").unwrap();
    write(&mut new, 5..10).unwrap();
    new.commit(&at(10), Commit::Now).unwrap();
    new.finish().unwrap();

    let parts = ["out.ndjson", "job `load`", "taken over", "epoch 1", "newest 2"];
    says(write(&mut old, 5..6), ErrorKind::Fatal, &parts);
    let reject = serde_json::from_str(r#"{"stage":"sink","reason":"no","raw":"x"}"#).unwrap();
    says(old.keep_reject(&reject), ErrorKind::Fatal, &parts);
    old.abort();
    drop(old);
    let files = ["out-00000.ndjson", "out-00001.ndjson"];
    assert_eq!(names(directory.path()), [&files[..], &["out.ndjson.part.checkpoint"]].concat());
    assert!(open().resume("load").unwrap().unwrap().finished);
    assert_eq!(numbers(&directory.path().join(files[1])), [5, 6, 7, 8, 9]);
}

#[test]
fn a_kill_between_the_mark_and_the_name_is_made_good() {
    let (directory, path) = place();
    let mut sink = Sink::create(&path).unwrap();
    sink.resume("load").unwrap();
    write(&mut sink, 0..3).unwrap();
    sink.commit(&at(3), Commit::Grouped).unwrap();
    sink.finish().unwrap();
    drop(sink);
    // As the kill leaves it: marked, and not renamed; the lock file is there.
    fs::rename(&path, suffixed(&path, ".part")).unwrap();
    fs::write(suffixed(&path, ".part.lock"), "").unwrap();

    let mut again = Sink::create(&path).unwrap();
    assert!(again.resume("load").unwrap().unwrap().finished);
    assert_eq!(numbers(&path), [0, 1, 2]);
    assert_eq!(names(directory.path()), ["out.ndjson", "out.ndjson.part.checkpoint"]);
}

#[test]
fn what_a_kill_leaves_half_is_cut_off() {
    let (_directory, path) = place();
    let mut sink = Sink::create(&path).unwrap();
    sink.resume("load").unwrap();
    write(&mut sink, 0..3).unwrap();
    sink.commit(&at(3), Commit::Now).unwrap();
    drop(sink);
    let side = suffixed(&path, ".part");
    let mut content = fs::read(&side).unwrap();
    content.extend_from_slice(b"4\n5\n123");
    fs::write(&side, &content).unwrap();
    // A checkpoint that was being written when the kill came.
    fs::write(suffixed(&path, ".part.checkpoint.new"), "{\"form").unwrap();
    let mut again = Sink::create(&path).unwrap();
    assert_eq!(again.resume("load").unwrap().unwrap().counts.loaded, 3);
    write(&mut again, 3..4).unwrap();
    again.finish().unwrap();
    assert_eq!(numbers(&path), [0, 1, 2, 3]);
}

#[test]
fn damage_is_noticed() {
    let (_directory, path) = place();
    let begin = || {
        let mut sink = Sink::create(&path).unwrap();
        sink.resume("load").unwrap();
        write(&mut sink, 0..3).unwrap();
        sink.commit(&at(3), Commit::Now).unwrap();
    };
    begin();
    fs::write(suffixed(&path, ".part"), "0\n").unwrap();
    let open = || Sink::create(&path).unwrap();
    says(open().resume("load"), ErrorKind::Fatal, &[".part has 2 bytes", "says 6", "delete"]);
    fs::remove_file(suffixed(&path, ".part")).unwrap();
    says(open().resume("load"), ErrorKind::Io, &["cannot go on with", ".part"]);
    fs::write(suffixed(&path, ".part.checkpoint"), "{\"format\": 1").unwrap();
    says(open().resume("load"), ErrorKind::Fatal, &[".part.checkpoint", "damaged", "delete"]);
    says(open().encoder(), ErrorKind::Fatal, &[".part.checkpoint", "damaged"]);
    fs::remove_file(suffixed(&path, ".part.checkpoint")).unwrap();
    begin();
}

#[test]
fn places_that_cannot_be_written_are_named_with_a_remedy() {
    let directory = TempDir::new().unwrap();
    let inside = |name: &str| directory.path().join(name);
    let open = |name: &str| Sink::create(inside(name)).unwrap().encoder();
    fs::create_dir(inside("folder")).unwrap();
    fs::write(inside("file"), "").unwrap();
    says(open("folder"), ErrorKind::Io, &["folder", "is a directory", "name a file"]);
    says(open("none/out"), ErrorKind::Io, &["none", "does not exist", "create it"]);
    says(open("file/out"), ErrorKind::Io, &["file", "does not exist"]);
    says(Sink::create("").unwrap().encoder(), ErrorKind::Io, &["names no file"]);
    let mut folders = Sink::create(inside("file")).unwrap().partition_by(["a"]);
    says(folders.encoder(), ErrorKind::Io, &["file", "is a file", "name a directory"]);
    let mut rolls = Sink::create(inside("o")).unwrap().append().roll_rows(3);
    says(rolls.encoder(), ErrorKind::Config, &["append", "one file only"]);
    if cfg!(unix) {
        let error = Sink::create("/dev/full").unwrap().encoder();
        says(error, ErrorKind::Io, &["/dev/full", "no regular file", "from_writer"]);
    }
    let mut writer = Sink::from_writer("a pipe", std::io::sink());
    says(writer.resume("job"), ErrorKind::Unsupported, &["a pipe", "name a file"]);
    assert!(!writer.keeps_rejects());
}

fn job(path: &Path, fails_at: u64) -> Result<trommel::RunReport> {
    let options = Options::builder()
        .fixed_batch_size(100)
        .on_reject(RejectPolicy::with_data(u64::MAX))
        .build()?;
    Pipeline::from(sources::generate(10_000, |id| id))
        .options(options)
        .resumable("numbers")
        .transform(move |id, out| match id {
            _ if id == fails_at => Err(Error::fatal("the power went")),
            _ if id % 100 == 7 => Err(Error::row("ends in 07")),
            _ if id % 100 == 8 => Ok(()),
            _ => out.emit(id),
        })
        .load_into(Sink::create(path)?.commit_interval(std::time::Duration::ZERO))
        .run(&Engine::builder().workers(2).build()?)
}

#[test]
fn a_pipeline_is_resumed_with_its_rejects() {
    let (directory, path) = place();
    for fails_at in [2_222, 7_777] {
        job(&path, fails_at).unwrap_err();
        assert!(!path.exists());
    }
    let report = job(&path, u64::MAX).unwrap();
    assert_eq!(report.counts.read, 2_300, "the rest");
    let expected: Vec<u64> = (0..10_000).filter(|id| !matches!(id % 100, 7 | 8)).collect();
    assert_eq!(numbers(&path), expected);
    let rejects = suffixed(&path, ".rejects.ndjson");
    let records: Vec<u64> = fs::read_to_string(&rejects)
        .unwrap()
        .lines()
        .map(|line| {
            let reject: serde_json::Value = serde_json::from_str(line).unwrap();
            assert_eq!(reject["reason"], "ends in 07");
            reject["record"].as_u64().unwrap()
        })
        .collect();
    assert_eq!(records.len(), 100);
    assert_eq!(job(&path, u64::MAX).unwrap().counts.read, 0);
    assert_eq!(numbers(&path), expected);
    let names = names(directory.path());
    assert_eq!(names, ["out.ndjson", "out.ndjson.part.checkpoint", "out.ndjson.rejects.ndjson"]);
}
