//! Through the engine: every path gives what a plain loop over the `csv` crate gives.
#![cfg(feature = "csv")]

use flate2::read::GzDecoder;
use std::collections::BTreeMap;
use std::io::{Read, Write};
use std::sync::mpsc::{Receiver, channel};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};
use trommel::{
    CancelToken, Engine, ErrorKind, Options, Order, Pipeline, Reject, RejectPolicy, sinks,
};
use trommel_connect::csv::{Builder, Row, Source};

/// Rows and miles by carrier.
type Totals = BTreeMap<String, (u64, u64)>;

fn sample() -> Vec<u8> {
    let packed = include_bytes!("../data/flights-sample.csv.gz");
    let mut text = Vec::new();
    GzDecoder::new(&packed[..]).read_to_end(&mut text).unwrap();
    text
}

/// Symptom: the rows of a file could not be counted without a transform. See
/// `rows_that_borrow_go_into_a_sink_as_they_are` in the engine's tests.
#[test]
fn rows_need_no_transform_to_be_counted() {
    let source = Source::from_reader("text", &b"id\n1\n2\n\n3\n"[..]).unwrap();
    let mut some = sinks::count();
    Pipeline::from(source)
        .filter(|row| row.str("id").is_ok_and(|id| id != "2"))
        .load_into(&mut some)
        .run(&Engine::new().unwrap())
        .unwrap();
    assert_eq!(some.values(), 2);
}

fn add(totals: &mut Totals, carrier: &str, miles: u64) {
    match totals.get_mut(carrier) {
        Some((rows, sum)) => (*rows, *sum) = (*rows + 1, *sum + miles),
        None => drop(totals.insert(carrier.to_owned(), (1, miles))),
    }
}

fn reference(text: &[u8]) -> Totals {
    let mut totals = Totals::new();
    for record in csv::Reader::from_reader(text).byte_records() {
        let record = record.unwrap();
        if &record[14] != b"NA" {
            let text = |column: usize| std::str::from_utf8(&record[column]).unwrap();
            add(&mut totals, text(9), text(15).parse().unwrap());
        }
    }
    totals
}

fn builder() -> Builder {
    Source::builder().nulls(["", "NA"])
}

fn totals(source: Source, engine: &Engine, options: Options) -> Totals {
    let mut fold = sinks::fold(
        Totals::new,
        |totals: &mut Totals, (carrier, miles): (&str, u64)| add(totals, carrier, miles),
        |totals, other| {
            for (carrier, (rows, miles)) in other {
                let sum = totals.entry(carrier).or_default();
                *sum = (sum.0 + rows, sum.1 + miles);
            }
        },
    );
    let report = Pipeline::from(source)
        .options(options)
        .transform(|row: Row<'_>, out| match row.get::<Option<f64>>("air_time")? {
            Some(_) => out.emit((row.str("carrier")?, row.get("distance")?)),
            None => Ok(()),
        })
        .load_into(&mut fold)
        .run(engine)
        .unwrap();
    assert!(report.counts.add_up());
    assert_eq!((report.counts.read, report.counts.filtered), (19_811, 569));
    fold.into_value()
}

#[test]
fn a_real_file_through_every_path() {
    let text = sample();
    let wanted = reference(&text);
    let quoted: Vec<u8> = {
        let mut writer =
            csv::WriterBuilder::new().quote_style(csv::QuoteStyle::Always).from_writer(Vec::new());
        for record in csv::ReaderBuilder::new().has_headers(false).from_reader(&text[..]).records()
        {
            writer.write_record(&record.unwrap()).unwrap();
        }
        writer.into_inner().unwrap()
    };
    let mut files = Vec::new();
    for text in [&text, &quoted] {
        let mut file = tempfile::NamedTempFile::new().unwrap();
        file.write_all(text).unwrap();
        files.push(file);
    }
    for workers in [1, 2, 4] {
        let engine = Engine::builder().workers(workers).build().unwrap();
        for order in [Order::Ordered, Order::Completion] {
            for (rows, pieces) in [(7, 0), (128, 1), (4096, 3), (0, 0)] {
                let options = || {
                    let options = Options::builder().order(order).transform_concurrency(pieces);
                    let options = if rows > 0 { options.fixed_batch_size(rows) } else { options };
                    options.build().unwrap()
                };
                let label = format!("{workers} workers, {order:?}, {rows} rows, {pieces} pieces");
                for file in &files {
                    let source = builder().open(file.path()).unwrap();
                    assert_eq!(totals(source, &engine, options()), wanted, "{label}");
                }
                let packed = &include_bytes!("../data/flights-sample.csv.gz")[..];
                let source = builder().from_reader("sample", GzDecoder::new(packed)).unwrap();
                assert_eq!(totals(source, &engine, options()), wanted, "{label}, compressed");
            }
        }
    }
}

#[test]
fn rejects_say_where_they_were_and_can_be_replayed() {
    let text = "id,name\n1,a\n2\n\n\"3\",\"c\nd\"\nfour,e\n5,\"f\" g\n6,h\n7,\"open\n";
    let rejects = Arc::new(Mutex::new(Vec::new()));
    let keep = Arc::clone(&rejects);
    let policy = RejectPolicy::dead_letter(
        move |reject: &Reject| {
            keep.lock().unwrap().push(reject.clone());
            Ok(())
        },
        10,
    );
    let options = Options::builder().fixed_batch_size(2).on_reject(policy).build().unwrap();
    let mut sink = sinks::collect();
    let report = Pipeline::from(Source::from_reader("in.csv", text.as_bytes()).unwrap())
        .options(options)
        .transform(|row: Row<'_>, out| out.emit((row.get::<u8>("id")?, row.get::<String>("name")?)))
        .load_into(&mut sink)
        .run(&Engine::builder().workers(2).build().unwrap())
        .unwrap();
    assert_eq!((report.counts.loaded, report.counts.rejected), (4, 3));
    let names: Vec<_> = sink.into_vec().into_iter().map(|(_, name)| name).collect();
    assert_eq!(names, ["a", "c\nd", "f g", "h"]);
    let rejects = rejects.lock().unwrap();
    let places: Vec<_> = rejects
        .iter()
        .map(|it| (it.line, it.record, it.offset, it.column.as_deref(), &it.raw[..]))
        .collect();
    assert_eq!(
        places,
        [
            (Some(3), Some(1), Some(12), None, &b"2"[..]),
            (Some(7), Some(3), Some(25), Some("id"), b"four,e"),
            (Some(10), Some(6), Some(44), None, b"7,\"open\n"),
        ]
    );
    for reject in rejects.iter() {
        assert_eq!(reject.source.as_deref(), Some("in.csv"));
        let offset = reject.offset.unwrap() as usize;
        assert!(text.as_bytes()[offset..].starts_with(&reject.raw));
    }
    assert!(rejects[1].reason.starts_with("`four` is not a whole number"), "{:?}", rejects[1]);
}

#[test]
fn an_unknown_column_ends_the_run_whatever_the_reject_policy() {
    let options = Options::builder().on_reject(RejectPolicy::skip(u64::MAX)).build().unwrap();
    let error = Pipeline::from(Source::from_reader("in.csv", &b"id,name\n1,a\n"[..]).unwrap())
        .options(options)
        .transform(|row: Row<'_>, out| out.emit(row.get::<u8>("Name")?))
        .load_into(sinks::count())
        .run(&Engine::builder().workers(1).build().unwrap())
        .unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Config);
    assert!(error.message().contains("did you mean `name`?"), "{error}");
}

#[test]
fn a_row_beyond_its_share_of_the_memory_limit_is_a_reject() {
    let long = "x".repeat(3 << 20);
    let text = format!("id,name\n1,a\n2,{long}\n3,c\n");
    let options =
        Options::builder().memory_limit(4 << 20).on_reject(RejectPolicy::skip(1)).build().unwrap();
    let source = Source::from_reader("in.csv", std::io::Cursor::new(text)).unwrap();
    let mut ids = sinks::collect();
    Pipeline::from(source)
        .options(options)
        .transform(|row: Row<'_>, out| out.emit(row.get::<u8>("id")?))
        .load_into(&mut ids)
        .run(&Engine::builder().workers(2).build().unwrap())
        .unwrap();
    assert_eq!(ids.into_vec(), [1, 3]);
}

/// Gives what is sent, and waits for more.
struct Pipe(Receiver<&'static str>);

impl Read for Pipe {
    fn read(&mut self, space: &mut [u8]) -> std::io::Result<usize> {
        let text = self.0.recv().unwrap_or_default();
        space[..text.len()].copy_from_slice(text.as_bytes());
        Ok(text.len())
    }
}

#[test]
fn rows_from_a_slow_pipe_are_loaded_as_they_come_and_a_run_can_be_cancelled_while_it_waits() {
    let (sender, receiver) = channel();
    sender.send("id\n1\n2\n").unwrap();
    let source = Source::from_reader("pipe", Pipe(receiver)).unwrap();
    let (loaded, arrivals) = channel();
    let token = CancelToken::new();
    let run = {
        let token = token.clone();
        std::thread::spawn(move || {
            Pipeline::from(source)
                .cancel_with(&token)
                .transform(|row: Row<'_>, out| out.emit(row.get::<u8>("id")?))
                .load_into(sinks::for_each(move |id: u8| {
                    loaded.send(id).map_err(|_| trommel::Error::fatal("nobody listens"))
                }))
                .run(&Engine::builder().workers(2).build().unwrap())
        })
    };
    let next = || arrivals.recv_timeout(Duration::from_secs(10)).expect("a row");
    assert_eq!((next(), next()), (1, 2));
    sender.send("3\n").unwrap();
    assert_eq!(next(), 3, "with the pipe still open");
    let start = Instant::now();
    token.cancel();
    let error = run.join().unwrap().unwrap_err();
    assert!(start.elapsed() < Duration::from_secs(4), "{:?}", start.elapsed());
    assert_eq!(error.kind(), ErrorKind::Cancelled);
    assert_eq!(error.report().unwrap().counts.loaded, 3);
    drop(sender);
}
