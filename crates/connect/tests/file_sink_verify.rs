//! Files that are read back before they get their names, on request.
#![cfg(all(feature = "csv", feature = "gzip", feature = "ndjson", feature = "zstd"))]

use std::fs::{self, OpenOptions};
use std::io::{Seek, SeekFrom, Write};
use std::path::{Path, PathBuf};
use tempfile::TempDir;
use trommel::{
    Checkpoint, Commit, Counts, Encode, Engine, ErrorKind, Options, Pipeline, Position, Result,
    Sink as _, sources,
};
use trommel_connect::csv::{self, QuoteStyle};
use trommel_connect::files::Compression;
use trommel_connect::ndjson;

fn place(name: &str) -> (TempDir, PathBuf) {
    let directory = TempDir::new().unwrap();
    let path = directory.path().join(name);
    (directory, path)
}

fn suffixed(path: &Path, suffix: &str) -> PathBuf {
    PathBuf::from(format!("{}{suffix}", path.display()))
}

#[track_caller]
fn says<T>(result: Result<T>, kind: ErrorKind, parts: &[&str]) {
    let error = result.err().expect("an error");
    assert_eq!(error.kind(), kind, "{error}");
    for part in parts {
        assert!(error.to_string().contains(part), "no `{part}` in: {error}");
    }
}

/// Rows of every awkward kind, through the whole pipeline.
fn load(sink: csv::Sink, rows: u64) -> Result<()> {
    let options = Options::builder().fixed_batch_size(100).build()?;
    Pipeline::from(sources::generate(rows, |id| id))
        .options(options)
        .transform(|id, out| {
            let text = ["plain", "", "a, b", "two\nlines", "\"quoted\"", "\r\n", "ä\u{feff}"];
            out.emit((id, text[id as usize % text.len()], (id % 3 > 0).then_some(id as f64 / 3.0)))
        })
        .load_into(sink.columns(["id", "text", "third"]).verify())
        .run(&Engine::builder().workers(2).build()?)
        .map(drop)
}

fn page<T>(sink: &mut T, numbers: std::ops::Range<u64>) -> T::Page
where
    T: Encode<(u64, u64)>,
{
    let encoder = sink.encoder().unwrap();
    let mut page = T::Page::default();
    for number in numbers {
        T::encode(&encoder, &mut page, (number, number * number)).unwrap();
    }
    page
}

fn at(rows: u64) -> Checkpoint {
    Checkpoint {
        position: Some(Position::from_numbers(&[rows])),
        counts: Counts { read: rows, loaded: rows, emitted: rows, ..Counts::default() },
        ..Checkpoint::default()
    }
}

/// Overwrites bytes of a file in place, as whatever damages files does.
fn damage(path: &Path, at: u64, bytes: &[u8]) {
    let mut file = OpenOptions::new().write(true).open(path).unwrap();
    file.seek(SeekFrom::Start(at)).unwrap();
    file.write_all(bytes).unwrap();
}

#[test]
fn what_was_written_is_there() {
    let (folder, path) = place("a.csv");
    let sink = || csv::Sink::create(&path).unwrap();
    load(sink(), 1000).unwrap();
    load(sink(), 0).unwrap();
    load(sink().crlf(), 1000).unwrap();
    load(sink().append(), 500).unwrap();
    load(sink().delimiter(b'\t').quote(b'\'').quote_style(QuoteStyle::Always), 1000).unwrap();
    load(sink().header(false).null("NULL"), 1000).unwrap();
    load(sink().header(false).append().null("NULL"), 1000).unwrap();
    for compression in [Compression::GZIP, Compression::ZSTD] {
        load(sink().compression(compression), 1000).unwrap();
        load(sink().compression(compression).append(), 1000).unwrap();
        load(sink().compression(compression), 0).unwrap();
    }
    let rolled = folder.path().join("rolled.csv.zst");
    load(csv::Sink::create(rolled).unwrap().roll_rows(333), 1000).unwrap();
    assert!(folder.path().join("rolled-00003.csv.zst").exists());
    // A column of nulls only, which are not lines without anything.
    Pipeline::from(sources::generate(10, |id| id))
        .transform(|_, out| out.emit((None::<u64>,)))
        .load_into(sink().columns(["n"]).verify())
        .run(&Engine::new().unwrap())
        .unwrap();

    let lines = folder.path().join("a.ndjson.gz");
    for appended in [false, true] {
        let sink = ndjson::Sink::create(&lines).unwrap().verify();
        Pipeline::from(sources::generate(1000, |id| id))
            .transform(|id, out| out.emit((id, "a\n\u{2028}b")))
            .load_into(if appended { sink.append() } else { sink })
            .run(&Engine::new().unwrap())
            .unwrap();
    }
    #[derive(serde::Serialize)]
    struct Event {
        kind: u64,
        id: u64,
    }
    let keyed = folder.path().join("events");
    Pipeline::from(sources::generate(1000, |id| id))
        .transform(|id, out| out.emit(Event { kind: id % 7, id }))
        .load_into(ndjson::Sink::create(&keyed).unwrap().verify().partition_by(["kind"]))
        .run(&Engine::new().unwrap())
        .unwrap();
    assert!(keyed.join("kind=6/part-0.ndjson").exists());
}

#[test]
fn what_was_changed_behind_the_sink_is_found_and_gets_no_name() {
    // A digit, a record lost, one doubled, one cut in two, and the header.
    let changes: [(u64, &[u8]); 5] =
        [(10, b"7"), (8, b"\n\n\n\n"), (12, b"0,0\n"), (13, b"\n"), (0, b"N")];
    for (offset, bytes) in changes {
        let (folder, path) = place("a.csv");
        fs::write(&path, "what was there").unwrap();
        let mut sink = csv::Sink::create(&path).unwrap().columns(["n", "square"]).verify();
        let mut page = page(&mut sink, 0..1000);
        sink.write(&mut page).unwrap();
        damage(&suffixed(&path, ".part"), offset, bytes);
        let parts = ["verify", "a.csv.part should hold 1000 rows, content", "it holds", "changed"];
        says(sink.finish(), ErrorKind::Fatal, &parts);
        sink.abort();
        assert_eq!(fs::read_to_string(&path).unwrap(), "what was there");
        assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 1);
    }
    // A frame that can't be unpacked.
    let (_folder, path) = place("a.ndjson.gz");
    let mut sink = ndjson::Sink::create(&path).unwrap().verify();
    let mut page = page(&mut sink, 0..1000);
    sink.write(&mut page).unwrap();
    damage(&suffixed(&path, ".part"), 100, b"........");
    says(sink.finish(), ErrorKind::Fatal, &["verify", "a.ndjson.gz.part can't be read back"]);
    assert!(!path.exists());
}

#[test]
fn the_digests_of_a_job_live_on_in_its_later_runs() {
    for name in ["a.csv", "a.csv.gz"] {
        let (_folder, path) = place(name);
        let sink = || csv::Sink::create(&path).unwrap().columns(["n", "square"]).roll_rows(15);
        let step = |sink: &mut csv::Sink, from: u64, to: u64| {
            let mut page = page(sink, from..to);
            sink.write(&mut page).unwrap();
            sink.commit(&at(to), Commit::Now).unwrap();
        };
        let mut first = sink().verify();
        assert_eq!(first.resume("load").unwrap(), None);
        step(&mut first, 0, 10);
        // Not committed, so not given.
        let mut more = page(&mut first, 10..15);
        first.write(&mut more).unwrap();
        drop(first);

        let mut second = sink().verify();
        assert_eq!(second.resume("load").unwrap().unwrap().counts.read, 10);
        step(&mut second, 10, 20);
        drop(second);

        let side = path.with_file_name(name.replacen('.', "-00000.", 1) + ".part");
        let whole = fs::read(&side).unwrap();
        damage(&side, 12, b"xx");
        let mut third = sink().verify();
        third.resume("load").unwrap();
        third.encoder().unwrap();
        says(third.finish(), ErrorKind::Fatal, &["verify", "-00000.csv"]);
        drop(third);
        // Mended, it finishes: the failure has finished nothing.
        fs::write(&side, whole).unwrap();
        let mut fourth = sink().verify();
        assert!(!fourth.resume("load").unwrap().unwrap().finished);
        fourth.encoder().unwrap();
        fourth.finish().unwrap();
        assert!(sink().verify().resume("load").unwrap().unwrap().finished);
    }
}

#[test]
fn what_can_t_be_verified_is_refused() {
    let mut writer = ndjson::Sink::from_writer("out", Vec::new()).verify();
    says(writer.encoder().map(drop), ErrorKind::Config, &["verify", "name a file"]);

    // Begun, or gone on with, without it.
    for begins_with in [false, true] {
        let (_folder, path) = place("a.csv");
        let sink = || csv::Sink::create(&path).unwrap().header(false);
        let with = |is_on: bool| if is_on { sink().verify() } else { sink() };
        for (is_on, from) in [(begins_with, 0), (false, 10)] {
            let mut run = with(is_on);
            run.resume("load").unwrap();
            let mut page = page(&mut run, from..from + 10);
            run.write(&mut page).unwrap();
            run.commit(&at(from + 10), Commit::Now).unwrap();
        }
        let parts = ["verify", "job `load`", "without it"];
        says(sink().verify().resume("load").map(drop), ErrorKind::Config, &parts);
        let mut last = sink();
        last.resume("load").unwrap();
        last.encoder().unwrap();
        last.finish().unwrap();
    }
}
