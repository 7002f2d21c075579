//! Arrow IPC, there and back.

#![cfg(feature = "arrow")]

use serde::{Deserialize, Serialize};
use std::fs::{self, File};
use std::path::Path;
use std::sync::{Arc, Mutex};
use tempfile::TempDir;
use trommel::{
    Batch as _, Encode, Engine, ErrorKind, Fill, Limit, Options, Pipeline, Reject, RejectPolicy,
    Result, RunReport, Source as _, sinks, sources,
};
use trommel_connect::arrow::arrow_ipc::reader::FileReader;
use trommel_connect::arrow::arrow_schema::TimeUnit;
use trommel_connect::arrow::{
    Compression, DataType, Date, Decimal, RecordBatch, Sink, Source, Timestamp,
};

#[derive(Debug, PartialEq, Serialize, Deserialize)]
struct Item {
    id: u64,
    text: Option<String>,
    at: Timestamp,
    price: Decimal,
    list: Vec<i16>,
    part: Option<Part>,
}

#[derive(Debug, PartialEq, Serialize, Deserialize)]
struct Part {
    ratio: f32,
    flag: Option<bool>,
}

fn item(id: u64) -> Item {
    Item {
        id,
        text: (!id.is_multiple_of(4)).then(|| format!("text {id}")),
        at: Timestamp(id as i64 * 1_000),
        price: Decimal { value: i128::from(id) * 5, scale: 1 },
        list: (0..id as i16 % 5).collect(),
        part: id
            .is_multiple_of(3)
            .then(|| Part { ratio: id as f32, flag: id.is_multiple_of(2).then_some(true) }),
    }
}

fn write<K: Encode<Item>>(rows: u64, sink: K) -> Result<RunReport> {
    Pipeline::from(sources::generate(rows, |id| id))
        .map(item)
        .load_into(sink)
        .run(&Engine::builder().workers(2).build()?)
}

fn read(source: Source) -> Result<Vec<Item>> {
    let mut items = sinks::collect::<Item>();
    Pipeline::from(source)
        .transform(|row, out| out.emit(row.decode::<Item>()?))
        .load_into(&mut items)
        .run(&Engine::builder().workers(2).build()?)?;
    Ok(items.into_vec())
}

#[test]
fn both_formats_come_back_with_every_compression() {
    let directory = TempDir::new().unwrap();
    let path = directory.path().join("items");
    let expected: Vec<Item> = (0..10_000).map(item).collect();
    for compression in [Compression::None, Compression::Lz4, Compression::Zstd] {
        let sink = || Sink::create(&path).compression(compression).batch_rows(3_000);
        assert_eq!(write(10_000, sink()).unwrap().counts.loaded, 10_000);
        assert_eq!(read(Source::open(&path).unwrap()).unwrap(), expected);
        let reader = FileReader::try_new(File::open(&path).unwrap(), None).unwrap();
        let rows: Vec<_> = reader.map(|batch| batch.unwrap().num_rows()).collect();
        assert_eq!(rows.iter().sum::<usize>(), 10_000);
        assert!(rows.iter().all(|rows| *rows <= 3_000), "{rows:?}");

        write(10_000, sink().stream()).unwrap();
        assert!(!fs::read(&path).unwrap().starts_with(b"ARROW1"));
        assert_eq!(read(Source::open(&path).unwrap()).unwrap(), expected);
        let stream = Source::from_reader("items", File::open(&path).unwrap()).unwrap();
        assert_eq!(read(stream).unwrap(), expected);
    }
    assert_eq!(fs::read_dir(directory.path()).unwrap().count(), 1);
}

#[test]
fn record_batches_go_through_whole() {
    let directory = TempDir::new().unwrap();
    let (from, to) = (directory.path().join("from"), directory.path().join("to"));
    write(10_000, Sink::create(&from).batch_rows(1_000)).unwrap();
    let report = Pipeline::from(Source::open(&from).unwrap().columnar())
        .transform(|batch: RecordBatch, out| out.emit(batch))
        .load_into(Sink::create(&to).stream().columnar())
        .run(&Engine::builder().workers(2).build().unwrap())
        .unwrap();
    assert!(report.counts.add_up() && report.counts.read >= 10, "{report}");
    assert!(read(Source::open(&to).unwrap()).unwrap().into_iter().eq((0..10_000).map(item)));
}

#[test]
fn a_file_is_taken_up_at_any_record_batch() {
    let directory = TempDir::new().unwrap();
    let path = directory.path().join("items");
    write(5_000, Sink::create(&path).batch_rows(1_000)).unwrap();
    let mut source = Source::open(&path).unwrap();
    let mut batch = Default::default();
    let mut seen = 0;
    while source.fill(&mut batch, &Limit::of_rows(1)).unwrap() == Fill::More {
        seen += batch.len();
        let mut rest = Source::open(&path).unwrap();
        rest.seek(&source.position().unwrap()).unwrap();
        assert!(read(rest).unwrap().into_iter().eq((seen as u64..5_000).map(item)));
    }
    assert_eq!(seen, 5_000);
}

fn refusal(path: &Path) -> trommel::Error {
    match Source::open(path) {
        Ok(source) => read(source).unwrap_err(),
        Err(error) => error,
    }
}

#[test]
fn what_is_no_arrow_or_not_whole_is_an_error_that_names_the_file() {
    let directory = TempDir::new().unwrap();
    let path = directory.path().join("items");
    assert_eq!(refusal(&path).kind(), ErrorKind::Io);
    for is_stream in [false, true] {
        let sink = Sink::create(&path).batch_rows(1_000);
        write(5_000, if is_stream { sink.stream() } else { sink }).unwrap();
        let whole = fs::read(&path).unwrap();
        for length in (1..whole.len() - 16).step_by(whole.len() / 50) {
            fs::write(&path, &whole[..length]).unwrap();
            // A stream that ends between two messages is a stream.
            if let Ok(Ok(items)) = Source::open(&path).map(read) {
                assert!(is_stream && items.len() % 1_000 == 0, "{length}: {}", items.len());
                continue;
            }
            let error = refusal(&path);
            assert!(error.to_string().contains("items"), "{length}: {error}");
        }
    }
    fs::write(&path, "id,text\n1,one\n").unwrap();
    assert!(refusal(&path).to_string().contains("not an Arrow file"));
}

#[derive(Debug, PartialEq, Serialize, Deserialize)]
struct Moment<D, T> {
    day: D,
    at: T,
    here: T,
}

type Texts = Moment<&'static str, &'static str>;

/// Loads texts into columns that were declared to be dates and timestamps; what comes back, and what was
/// said of those that were refused.
fn load_moments(texts: &[Texts]) -> (Vec<Moment<Date, Timestamp>>, Vec<String>) {
    let directory = TempDir::new().unwrap();
    let path = directory.path().join("moments");
    let sink = Sink::create(&path)
        .column("day", DataType::Date32)
        .column("at", DataType::Timestamp(TimeUnit::Millisecond, None))
        .column("here", DataType::Timestamp(TimeUnit::Microsecond, Some("UTC".into())));
    let engine = Engine::builder().workers(1).build().unwrap();
    let refused = Arc::new(Mutex::new(Vec::new()));
    let said = Arc::clone(&refused);
    let keep = move |reject: &Reject| {
        said.lock().unwrap().push(format!("{:?}: {}", reject.column, reject.reason));
        Ok(())
    };
    let options = Options::builder().on_reject(RejectPolicy::dead_letter(keep, 100));
    Pipeline::from(sources::slice(texts))
        .options(options.build().unwrap())
        .transform(|texts, out| out.emit(texts))
        .load_into(sink)
        .run(&engine)
        .unwrap();
    let mut back = sinks::collect();
    Pipeline::from(Source::open(&path).unwrap())
        .transform(|row, out| out.emit(row.decode::<Moment<Date, Timestamp>>()?))
        .load_into(&mut back)
        .run(&engine)
        .unwrap();
    let refused = refused.lock().unwrap().clone();
    (back.into_vec(), refused)
}

#[test]
fn declared_columns_take_texts_as_dates_and_timestamps() {
    let (back, refused) = load_moments(&[
        Moment { day: "1970-01-02", at: "1970-01-01T00:00:01", here: "1970-01-01T00:00:01Z" },
        Moment {
            day: "-0221-09-04",
            at: "1969-12-31 23:59",
            here: "1970-01-01 01:00:00.000001+01",
        },
        Moment {
            day: "1969-12-31",
            at: "1970-01-01 00:00:00.5",
            here: "1970-01-01 00:00:00.1000000",
        },
    ]);
    assert!(refused.is_empty(), "{refused:?}");
    let moment =
        |day, at, here| Moment { day: Date(day), at: Timestamp(at), here: Timestamp(here) };
    let expected = [
        moment(1, 1_000_000, 1_000_000),
        moment(-800_000, -60_000_000, 1),
        moment(-1, 500_000, 100_000),
    ];
    assert_eq!(back, expected);
}

#[test]
fn texts_that_are_no_such_dates_are_refused_by_name() {
    let good = || Moment { day: "2026-11-22", at: "2026-11-22 12:00", here: "2026-11-22 12:00" };
    let texts = [
        Moment { day: "2026-02-29", ..good() },
        Moment { day: "22.11.2026", ..good() },
        Moment { at: "2026-11-22 12:00:00Z", ..good() },
        Moment { at: "2026-11-22 12:00:00.0005", ..good() },
        Moment { here: "noon", ..good() },
        Moment { here: "2026-11-22 12:00:00.0000001", ..good() },
        good(),
    ];
    let (back, refused) = load_moments(&texts);
    assert_eq!(back.len(), 1);
    let instead = [
        ["`2026-02-29` is not a date, as 2026-11-22", "\"day\""],
        ["`22.11.2026` is not a date", "\"day\""],
        ["`2026-11-22 12:00:00Z` is not a timestamp without a zone, as 2026-11-22 12:34", "\"at\""],
        ["does not fit a column of type Timestamp(ms) exactly", "\"at\""],
        ["`noon` is not a timestamp, as 2026-11-22 12:34:56.789+02:00", "\"here\""],
        ["`2026-11-22 12:00:00.0000001` is not a timestamp", "\"here\""],
    ];
    for (reason, parts) in refused.iter().zip(&instead) {
        assert!(parts.iter().all(|part| reason.contains(part)), "{reason}");
    }
    assert_eq!(refused.len(), instead.len());
}

#[test]
fn a_stream_can_t_be_resumed_and_says_so() {
    let directory = TempDir::new().unwrap();
    let path = directory.path().join("items");
    write(100, Sink::create(&path).stream()).unwrap();
    let mut source = Source::open(&path).unwrap();
    assert_eq!(source.position(), None);
    let error = source.seek(&trommel::Position::from_numbers(&[0, 0])).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Unsupported);
}
