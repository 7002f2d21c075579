//! Goes on from any bytes as a checkpoint: with a whole run of the job that they are said to be of,
//! and with sources that are sent to any position. Used by the property test and by the fuzz target.

use std::path::Path;
use std::sync::LazyLock;
use trommel::{
    Batch, Checkpoint, Engine, ErrorKind, Fill, Limit, Options, Pipeline, Position, RejectPolicy,
    Result, RunReport, Source,
};
use trommel_connect::{csv, ndjson};

static ENGINE: LazyLock<Engine> = LazyLock::new(|| Engine::builder().workers(1).build().unwrap());

const INPUT: &str = "id,text\n1,one\n2,\"two\n2\"\n3,three\n4,bad,row\n5,five\n";
const LINES: &str = "{\"id\":1}\n{\"id\":2}\n\n{\"id\":3}\n";

/// A folder with input and half an output, whose checkpoint the case brings.
pub(crate) fn prepare(folder: &Path) {
    std::fs::write(folder.join("in.csv"), INPUT).unwrap();
    std::fs::write(folder.join("in.ndjson"), LINES).unwrap();
}

/// What a file sink of the job `load` stores after two rows, so that mutations have a start.
#[allow(dead_code, reason = "the property test begins with it")]
pub(crate) fn sample(folder: &Path) -> Vec<u8> {
    use trommel::{Commit, Counts, Encode as _, Sink as _};
    prepare(folder);
    let mut source = csv::Source::open(folder.join("in.csv")).unwrap();
    let mut batch = csv::Batch::default();
    source.fill(&mut batch, &Limit::of_rows(2)).unwrap();
    let mut sink = sink(folder).verify();
    assert_eq!(sink.resume("load").unwrap(), None);
    let encoder = sink.encoder().unwrap();
    let mut page = Default::default();
    for row in [("1", "one"), ("2", "two\n2")] {
        csv::Sink::encode(&encoder, &mut page, row).unwrap();
    }
    sink.write(&mut page).unwrap();
    let checkpoint = Checkpoint {
        position: source.position(),
        counts: Counts { read: 2, loaded: 2, emitted: 2, ..Counts::default() },
        ..Checkpoint::default()
    };
    sink.commit(&checkpoint, Commit::Now).unwrap();
    drop(sink);
    std::fs::read(folder.join("out.csv.part.checkpoint")).unwrap()
}

fn sink(folder: &Path) -> csv::Sink {
    csv::Sink::create(folder.join("out.csv")).unwrap().columns(["id", "text"])
}

/// Runs the job with these bytes as its checkpoint file.
pub(crate) fn go_on(folder: &Path, data: &[u8]) -> Result<RunReport> {
    if let Ok(checkpoint) = serde_json::from_slice::<Checkpoint>(data) {
        let text = serde_json::to_string(&checkpoint).unwrap();
        assert_eq!(serde_json::from_str::<Checkpoint>(&text).unwrap(), checkpoint);
    }
    // Only names in the folder itself, so that a case leaves nothing to the next one.
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_file() && !path.file_name().unwrap().to_str().unwrap().starts_with("in.") {
            std::fs::remove_file(path).unwrap();
        }
    }
    std::fs::write(folder.join("out.csv.part"), "id,text\n1,one\n2,\"two\n2\"\nmore").unwrap();
    std::fs::write(folder.join("out.csv.part.checkpoint"), data).unwrap();
    // Without digests it is a job that is not verified.
    let is_verified = data.windows(8).any(|part| part == b"\"digest\"");
    let sink = if is_verified { sink(folder).verify() } else { sink(folder) };
    let options = Options::builder().on_reject(RejectPolicy::with_data(10)).build().unwrap();
    let result = Pipeline::from(csv::Source::open(folder.join("in.csv")).unwrap())
        .options(options)
        .resumable("load")
        .transform(|row, out| out.emit((row.str("id")?, row.str("text")?)))
        .load_into(sink)
        .run(&ENGINE);
    match &result {
        Ok(report) => assert!(report.counts.add_up(), "{:?}", report.counts),
        Err(error) => {
            assert_ne!(error.kind(), ErrorKind::Panic, "{error}");
            assert!(!error.to_string().is_empty());
        }
    }
    result
}

/// Sends sources to a position of these bytes, and reads on from there.
pub(crate) fn seek(folder: &Path, position: &[u8]) {
    let position = Position::from_bytes(position);
    read_on(csv::Source::open(folder.join("in.csv")).unwrap(), &position);
    read_on(ndjson::Source::open(folder.join("in.ndjson")).unwrap(), &position);
    let both = [folder.join("in.csv"), folder.join("in.csv")];
    read_on(csv::Source::open_many(both).unwrap(), &position);
    _ = trommel::sources::generate(10, |id| id).seek(&position);
}

fn read_on<S: Source>(mut source: S, position: &Position) {
    if let Err(error) = source.seek(position) {
        assert_ne!(error.kind(), ErrorKind::Panic, "{error}");
        return;
    }
    let mut batch = S::Batch::default();
    while source.fill(&mut batch, &Limit::of_rows(2)).unwrap() == Fill::More {
        look(&mut batch);
    }
    look(&mut batch);
    assert!(source.position().is_some());
}

fn look(batch: &mut impl Batch) {
    _ = batch.for_each(0, |row| {
        if let Err(error) = row {
            assert_eq!(error.kind(), ErrorKind::Row, "{error}");
        }
        Ok(())
    });
    let rows: Vec<usize> = (0..batch.len()).collect();
    batch.locate(&rows, &mut |_, origin, _| assert!(origin.line.is_some()));
}
