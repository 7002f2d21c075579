//! JSON lines out: what is written, and that it is read back as it was.
#![cfg(all(feature = "ndjson", feature = "gzip", feature = "zstd"))]

use proptest::prelude::*;
use serde::Serialize;
use std::collections::HashMap;
use std::fs::File;
use std::io::Read;
use std::path::Path;
use tempfile::TempDir;
use trommel::{Engine, Options, Pipeline, RejectPolicy, sources};
use trommel_connect::files::Compression;
use trommel_connect::ndjson::{NonFinite, Sink};

fn unpacked(path: &Path) -> String {
    let (mut text, file) = (String::new(), File::open(path).unwrap());
    let read = match Compression::of_path(path) {
        Compression::Gzip(_) => flate2::read::MultiGzDecoder::new(file).read_to_string(&mut text),
        Compression::Zstd(_) => zstd::Decoder::new(file).unwrap().read_to_string(&mut text),
        _ => { file }.read_to_string(&mut text),
    };
    read.unwrap();
    text
}

#[derive(Serialize)]
struct Flight<'a> {
    id: &'a str,
    speed: f64,
    stops: Option<[u8; 2]>,
}

#[test]
fn a_value_is_a_line() {
    let directory = TempDir::new().unwrap();
    let path = directory.path().join("out.ndjson");
    Pipeline::from(sources::generate(3, |id| id))
        .transform(|number, out| {
            let id = out.text().str("line\n").int(number).finish();
            let speed = [0.5, f64::NAN, 1e300][number as usize];
            out.emit(Flight { id, speed, stops: (number == 0).then_some([1, 2]) })
        })
        .load_into(Sink::create(&path).unwrap())
        .run(&Engine::new().unwrap())
        .unwrap();
    assert_eq!(
        unpacked(&path),
        "{\"id\":\"line\\n0\",\"speed\":0.5,\"stops\":[1,2]}\n\
         {\"id\":\"line\\n1\",\"speed\":null,\"stops\":null}\n\
         {\"id\":\"line\\n2\",\"speed\":1e+300,\"stops\":null}\n"
    );
}

#[test]
fn what_has_no_json_is_a_reject_and_leaves_no_trace() {
    let directory = TempDir::new().unwrap();
    let path = directory.path().join("out.ndjson.gz");
    let options = Options::builder()
        .fixed_batch_size(3)
        .on_reject(RejectPolicy::with_data(10))
        .build()
        .unwrap();
    let report = Pipeline::from(sources::generate(10, |id| id))
        .options(options)
        .transform(|id, out| match id {
            // The keys of an object are texts.
            4 => out.emit(HashMap::from([((1, 2), 3)])),
            5 => {
                out.emit(id)?;
                Err(trommel::Error::row("too late"))
            }
            _ => out.emit(id),
        })
        .load_into(Sink::create(&path).unwrap())
        .run(&Engine::builder().workers(2).build().unwrap())
        .unwrap();
    assert_eq!((report.counts.loaded, report.counts.rejected), (8, 2));
    assert_eq!(unpacked(&path), "0\n1\n2\n3\n6\n7\n8\n9\n");
    let rejects = directory.path().join("out.ndjson.gz.rejects.ndjson");
    let rejects = std::fs::read_to_string(rejects).unwrap();
    assert!(rejects.lines().next().unwrap().contains("can't be written as JSON"), "{rejects}");
    assert!(rejects.lines().nth(1).unwrap().contains("too late"), "{rejects}");
}

#[test]
fn partitions_are_by_columns() {
    #[derive(Serialize)]
    struct Event {
        day: u64,
        id: u64,
    }
    let directory = TempDir::new().unwrap();
    let folder = directory.path().join("events");
    Pipeline::from(sources::generate(10, |id| id))
        .transform(|id, out| out.emit(Event { day: id / 5, id }))
        .load_into(Sink::create(&folder).unwrap().roll_rows(4).partition_by(["day"]))
        .run(&Engine::new().unwrap())
        .unwrap();
    let lines = |name: &str| unpacked(&folder.join(name)).lines().count();
    assert_eq!(lines("day=0/part-0.ndjson"), 4);
    assert_eq!(lines("day=0/part-1.ndjson"), 1);
    assert_eq!(unpacked(&folder.join("day=1/part-1.ndjson")), "{\"day\":1,\"id\":9}\n");
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(60))]

    #[test]
    fn what_is_written_is_read_back(
        rows in prop::collection::vec((any::<i64>(), "\\PC{0,20}", any::<Option<f32>>()), 0..300),
        packed in 0..3_usize,
    ) {
        let directory = TempDir::new().unwrap();
        let path = directory.path().join(["a", "a.gz", "a.zst"][packed]);
        Pipeline::from(sources::slice(&rows))
            .transform(|row: &(i64, String, Option<f32>), out| out.emit(row))
            .load_into(Sink::create(&path).unwrap())
            .run(&Engine::builder().workers(2).build().unwrap())
            .unwrap();
        let read: Vec<(i64, String, Option<f32>)> =
            unpacked(&path).lines().map(|line| serde_json::from_str(line).unwrap()).collect();
        let finite = |it: &(i64, String, Option<f32>)| {
            (it.0, it.1.clone(), it.2.filter(|number| number.is_finite()))
        };
        prop_assert_eq!(read, rows.iter().map(finite).collect::<Vec<_>>());
    }
}

#[test]
fn numbers_that_json_has_no_form_for_are_null_or_a_reject() {
    #[derive(Serialize, Clone)]
    enum Deep {
        Of(f64),
        Named { list: Vec<Option<f32>> },
    }
    #[derive(Serialize, Clone)]
    struct Row {
        id: u64,
        speed: f64,
        none: Option<f64>,
        deep: HashMap<String, Deep>,
    }
    let deep = |deep| HashMap::from([("key".to_owned(), deep)]);
    let row = |id, speed, inner| Row { id, speed, none: None, deep: deep(inner) };
    let rows = [
        row(0, 0.5, Deep::Of(1.0)),
        row(1, f64::NAN, Deep::Of(1.0)),
        row(2, 0.5, Deep::Of(f64::NEG_INFINITY)),
        row(3, 0.5, Deep::Named { list: vec![None, Some(f32::INFINITY)] }),
        row(4, 0.5, Deep::Named { list: vec![None] }),
    ];
    let directory = TempDir::new().unwrap();
    let path = directory.path().join("out.ndjson");
    let run = |sink: Sink| {
        let options = Options::builder().on_reject(RejectPolicy::with_data(10)).build().unwrap();
        let report = Pipeline::from(sources::slice(&rows))
            .options(options)
            .transform(|row: &Row, out| out.emit(row))
            .load_into(sink)
            .run(&Engine::new().unwrap())
            .unwrap();
        let lines: Vec<String> = unpacked(&path).lines().map(str::to_owned).collect();
        (report.counts.rejected, lines)
    };
    let (rejected, lines) = run(Sink::create(&path).unwrap());
    assert_eq!((rejected, lines.len()), (0, 5));
    assert_eq!(lines[1], r#"{"id":1,"speed":null,"none":null,"deep":{"key":{"Of":1.0}}}"#);
    let sink = Sink::create(&path).unwrap().non_finite(NonFinite::Reject);
    let (rejected, lines) = run(sink);
    assert_eq!((rejected, lines.len()), (3, 2));
    assert!(lines[1].starts_with("{\"id\":4"), "{lines:?}");
    let rejects = directory.path().join("out.ndjson.rejects.ndjson");
    let rejects = std::fs::read_to_string(rejects).unwrap();
    for (line, says) in rejects.lines().zip([
        "\"column\":\"speed\",\"stage\":\"transform\",\"reason\":\"NaN has no form in JSON",
        "-inf has no form in JSON",
        "inf has no form in JSON",
    ]) {
        assert!(line.contains(says), "{line}");
    }
}
