//! CSV out: what is written, and that it is read back as it was.
#![cfg(all(feature = "csv", feature = "gzip", feature = "zstd"))]

use proptest::prelude::*;
use serde::Serialize;
use std::collections::BTreeMap;
use std::io::Read;
use std::path::Path;
use tempfile::TempDir;
use trommel::{Engine, ErrorKind, Options, Pipeline, Reject, RejectPolicy, Result, sources};
use trommel_connect::csv::{QuoteStyle, Row, Sink, Source};
use trommel_connect::files::{Compression, Keyed};

/// Loads values and gives what the file holds.
fn written<T>(sink: impl Fn(&Path) -> Sink, values: Vec<T>) -> Result<String>
where
    T: Sync + Send + 'static,
    for<'t> &'t T: Serialize,
{
    let directory = TempDir::new().unwrap();
    let path = directory.path().join("out.csv");
    Pipeline::from(sources::slice(&values))
        .transform(|value: &T, out| out.emit(value))
        .load_into(sink(&path))
        .run(&Engine::builder().workers(2).build()?)?;
    Ok(std::fs::read_to_string(path).unwrap())
}

fn create(path: &Path) -> Sink {
    Sink::create(path).unwrap()
}

/// Passes a text through, row by row.
fn passed(text: &'static str, source: trommel_connect::csv::Builder, sink: Sink) -> Result<()> {
    Pipeline::from(source.from_reader("text", text.as_bytes())?)
        .transform(|row: Row<'_>, out| out.emit(row.with((row.record(),))))
        .load_into(sink.appended(["n"]))
        .run(&Engine::new()?)
        .map(|_| ())
}

#[derive(Serialize, Clone)]
struct Thing {
    id: u64,
    name: Option<String>,
    size: f64,
    on: bool,
    tags: Vec<u8>,
    kind: Kind,
    unit: (),
}

#[derive(Serialize, Clone)]
enum Kind {
    Small,
    Of(u8),
}

fn thing(id: u64, name: Option<&str>, kind: Kind) -> Thing {
    let name = name.map(str::to_owned);
    Thing { id, name, size: id as f64 / 4.0, on: id > 0, tags: vec![1, 2], kind, unit: () }
}

#[test]
fn every_kind_of_value_has_its_form() {
    let things = vec![thing(0, Some("a,b"), Kind::Small), thing(1, None, Kind::Of(3))];
    let header = "id,name,size,on,tags,kind,unit\n";
    assert_eq!(
        written(create, things.clone()).unwrap(),
        format!(
            "{header}0,\"a,b\",0.0,false,\"[1,2]\",Small,\n\
             1,,0.25,true,\"[1,2]\",\"{{\"\"Of\"\":3}}\",\n"
        )
    );
    let always = |path: &Path| create(path).quote_style(QuoteStyle::Always).null("NULL").crlf();
    assert_eq!(
        written(always, things[..1].to_vec()).unwrap(),
        "\"id\",\"name\",\"size\",\"on\",\"tags\",\"kind\",\"unit\"\r\n\
         \"0\",\"a,b\",\"0.0\",\"false\",\"[1,2]\",\"Small\",NULL\r\n"
    );
    let texts = |path: &Path| {
        create(path).quote_style(QuoteStyle::NonNumeric).delimiter(b';').quote(b'\'').header(false)
    };
    assert_eq!(
        written(texts, things[1..].to_vec()).unwrap(),
        "1;;0.25;true;'[1,2]';'{\"Of\":3}';\n"
    );
    let numbers = |path: &Path| create(path).delimiter(b'.').columns(["a", "b"]);
    assert_eq!(written(numbers, vec![(1.5, -1)]).unwrap(), "a.b\n\"1.5\".-1\n");
}

#[test]
fn tuples_and_maps_have_their_columns() {
    let named = |path: &Path| create(path).columns(["x", "y"]);
    assert_eq!(written(named, vec![(1, "a"), (2, "")]).unwrap(), "x,y\n1,a\n2,\"\"\n");
    let bare = |path: &Path| create(path).header(false);
    assert_eq!(written(bare, vec![(1, f64::NAN)]).unwrap(), "1,NaN\n");
    let map = BTreeMap::from([("b", Some(2)), ("a", None)]);
    assert_eq!(written(create, vec![map]).unwrap(), "a,b\n,2\n");
    // The only field is null: the line must not be empty.
    assert_eq!(written(bare, vec![(None::<u8>,), (Some(1),)]).unwrap(), "\"\"\n1\n");
    assert_eq!(written(named, Vec::<(u8, u8)>::new()).unwrap(), "x,y\n");
    assert_eq!(written(create, Vec::<Thing>::new()).unwrap(), "");
    let error = written(create, vec![(1, 2)]).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Config);
    assert!(error.to_string().contains("`.columns("), "{error}");
    let error = written(create, vec![7]).unwrap_err();
    assert!(error.to_string().contains("a number is not a record"), "{error}");
}

#[test]
fn records_with_other_columns_are_rejected_and_no_others() {
    #[derive(Serialize)]
    #[serde(untagged)]
    enum Either {
        One { a: u64, b: u64 },
        Other { a: u64, c: u64 },
        Turned { b: u64, a: u64 },
    }
    let directory = TempDir::new().unwrap();
    for (name, batch) in [("one.csv", 1), ("seven.csv", 7), ("all.csv", 4096), ("x.csv.gz", 50)] {
        let path = directory.path().join(name);
        let rejects = std::sync::Arc::new(std::sync::Mutex::new(Vec::new()));
        let kept = std::sync::Arc::clone(&rejects);
        let policy = RejectPolicy::dead_letter(
            move |reject: &Reject| {
                kept.lock().unwrap().push((reject.record, reject.reason.clone()));
                Ok(())
            },
            1000,
        );
        let options = Options::builder().fixed_batch_size(batch).on_reject(policy).build().unwrap();
        let report = Pipeline::from(sources::generate(100, |id| id))
            .options(options)
            .transform(|id, out| {
                out.emit(match id % 10 {
                    3 => Either::Other { a: id, c: id },
                    4 => Either::Turned { b: id, a: id },
                    _ => Either::One { a: id, b: id },
                })
            })
            .load_into(Sink::create(&path).unwrap())
            .run(&Engine::builder().workers(2).build().unwrap())
            .unwrap();
        assert_eq!((report.counts.loaded, report.counts.rejected), (80, 20), "{name}");
        let rejects = std::mem::take(&mut *rejects.lock().unwrap());
        let records: Vec<_> = rejects.iter().map(|(record, _)| record.unwrap()).collect();
        let bad: Vec<u64> = (0..100).filter(|id| matches!(id % 10, 3 | 4)).collect();
        assert_eq!(records, bad, "{name}");
        assert!(rejects[0].1.contains("`b` missing: `c` unknown"), "{}", rejects[0].1);
        assert!(rejects[1].1.contains("another order"), "{}", rejects[1].1);
        let good = (0..100).filter(|id| !matches!(id % 10, 3 | 4));
        let expected: String = good.map(|id| format!("{id},{id}\n")).collect();
        assert_eq!(unpacked(&path), format!("a,b\n{expected}"), "{name}");
    }
}

fn unpacked(path: &Path) -> String {
    let mut text = String::new();
    let file = std::fs::File::open(path).unwrap();
    match Compression::of_path(path) {
        Compression::Gzip(_) => {
            flate2::read::MultiGzDecoder::new(file).read_to_string(&mut text).unwrap()
        }
        Compression::Zstd(_) => {
            zstd::Decoder::new(file).unwrap().read_to_string(&mut text).unwrap()
        }
        _ => { file }.read_to_string(&mut text).unwrap(),
    };
    text
}

#[test]
fn rows_pass_through_byte_for_byte_unless_the_form_differs() {
    let directory = TempDir::new().unwrap();
    let path = directory.path().join("out.csv");
    let text = "a,b\r\n1,\"x,\"\"y\"\"\"\r\n\"2\",it's\r\n,\"\"\r\n";
    let case = |source, sink: Sink| {
        passed(text, source, sink).unwrap();
        std::fs::read_to_string(&path).unwrap()
    };
    let plain = || Source::builder();
    assert_eq!(case(plain(), create(&path)), "a,b,n\n1,\"x,\"\"y\"\"\",0\n\"2\",it's,1\n,\"\",2\n");
    assert_eq!(
        case(plain(), create(&path).delimiter(b';').quote(b'\'')),
        "a;b;n\n1;x,\"y\";0\n2;'it''s';1\n;;2\n"
    );
    assert_eq!(
        case(plain(), create(&path).quote_style(QuoteStyle::NonNumeric)),
        "\"a\",\"b\",\"n\"\n1,\"x,\"\"y\"\"\",0\n2,\"it's\",1\n,,2\n"
    );
}

#[test]
fn what_the_input_means_otherwise_is_written_anew() {
    let directory = TempDir::new().unwrap();
    let path = directory.path().join("out.csv");
    let case = |text, source| {
        passed(text, source, create(&path)).unwrap();
        std::fs::read_to_string(&path).unwrap()
    };
    assert_eq!(
        case("a,b\n\"1,x\"\n", Source::builder().quoting(false)),
        "a,b,n\n\"\"\"1\",\"x\"\"\",0\n"
    );
    assert_eq!(case("a\n\"x\\\"y\"\n", Source::builder().escape(b'\\')), "a,n\n\"x\"\"y\",0\n");
    let trimmed = Source::builder().trim(trommel_connect::csv::Trim::All);
    assert_eq!(case("a ,b\n x , y\n", trimmed), "a,b,n\nx,y,0\n");
    // Cut off within quotes: what is added must not end up inside of them.
    assert_eq!(case("a\n\"x", Source::builder().lenient_eof(true)), "a,n\nx,0\n");
    assert_eq!(case("a,a\n1,2", Source::builder()), "a,a,n\n1,2,0\n");
    let error = passed("1,2\n", Source::builder().has_headers(false), create(&path)).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Config);
    assert!(error.to_string().contains("`.columns("), "{error}");
    let named = create(&path).columns(["x", "y", "z"]);
    passed("1,2\n", Source::builder().has_headers(false), named).unwrap();
    assert_eq!(std::fs::read_to_string(&path).unwrap(), "x,y,z\n1,2,0\n");
}

#[test]
fn a_file_that_is_added_to_keeps_its_one_header() {
    let directory = TempDir::new().unwrap();
    for name in ["a.csv", "a.csv.gz", "a.csv.zst"] {
        let path = directory.path().join(name);
        for (number, from) in [(0, 0), (1, 3)] {
            Pipeline::from(sources::generate(3, move |id| id + from))
                .transform(|id, out| out.emit((id, id * id)))
                .load_into(create(&path).append().columns(["n", "square"]))
                .run(&Engine::new().unwrap())
                .unwrap_or_else(|error| panic!("{name}, {number}: {error}"));
        }
        assert_eq!(unpacked(&path), "n,square\n0,0\n1,1\n2,4\n3,9\n4,16\n5,25\n");
    }
    let path = directory.path().join("a.csv");
    let error = Pipeline::from(sources::generate(1, |id| id))
        .transform(|id, out| out.emit(BTreeMap::from([("other", id)])))
        .load_into(create(&path).append())
        .run(&Engine::new().unwrap())
        .unwrap_err();
    assert!(error.to_string().contains("`n`, `square` missing: `other` unknown"), "{error}");
}

/// A file per key, all below a folder, as `path: content`.
fn tree(folder: &Path) -> BTreeMap<String, String> {
    let mut files = BTreeMap::new();
    let mut folders = vec![folder.to_owned()];
    while let Some(next) = folders.pop() {
        for entry in std::fs::read_dir(next).unwrap() {
            let path = entry.unwrap().path();
            match path.is_dir() {
                true => folders.push(path),
                false => {
                    let name = path.strip_prefix(folder).unwrap().to_str().unwrap().to_owned();
                    files.insert(name, unpacked(&path));
                }
            }
        }
    }
    files
}

#[derive(Serialize, Clone)]
struct Event {
    year: u16,
    place: Option<&'static str>,
    id: u64,
}

#[test]
fn each_key_has_a_file() {
    let directory = TempDir::new().unwrap();
    let folder = directory.path().join("events");
    // More keys than open files.
    Pipeline::from(sources::generate(40, |id| id))
        .options(Options::builder().fixed_batch_size(7).build().unwrap())
        .transform(|id, out| {
            let place = [Some("a/b"), None, Some("ä 1")][id as usize % 3];
            out.emit(Event { year: 2000 + (id % 2) as u16, place, id })
        })
        .load_into(create(&folder).partition_by(["year", "place"]).max_open_files(2))
        .run(&Engine::builder().workers(2).build().unwrap())
        .unwrap();
    let files = tree(&folder);
    assert_eq!(files.len(), 6, "{:?}", files.keys());
    let ids = |from: usize| (from as u64..40).step_by(6);
    let lines = |from, place| -> String {
        let year = 2000 + from % 2;
        ids(from).map(|id| format!("{year},{place},{id}\n")).collect()
    };
    for (name, from, place) in [
        ("year=2000/place=a%2Fb/part-0.csv", 0, "a/b"),
        ("year=2001/place=__HIVE_DEFAULT_PARTITION__/part-0.csv", 1, ""),
        ("year=2000/place=ä 1/part-0.csv", 2, "ä 1"),
        ("year=2001/place=a%2Fb/part-0.csv", 3, "a/b"),
    ] {
        let expected = format!("year,place,id\n{}", lines(from, place));
        assert_eq!(files[name], expected, "{name}");
    }
    assert_eq!(std::fs::read_dir(directory.path()).unwrap().count(), 1, "no litter");
}

#[test]
fn keys_may_come_from_the_transform_and_files_may_roll() {
    let directory = TempDir::new().unwrap();
    let folder = directory.path().join("out");
    let sink = || create(&folder).compression(Compression::ZSTD).roll_rows(10);
    let report = Pipeline::from(sources::generate(100, |id| id))
        .options(
            Options::builder()
                .fixed_batch_size(25)
                .on_reject(RejectPolicy::skip(9))
                .build()
                .unwrap(),
        )
        .transform(|id, out| {
            let key = match id {
                7 => "../x",
                8 => "",
                _ if id % 4 == 0 => "even/four",
                _ => "odd",
            };
            out.emit(Keyed::new(key, (id,)))
        })
        .load_into(sink().columns(["id"]).partition_by(Vec::<String>::new()))
        .run(&Engine::builder().workers(2).build().unwrap())
        .unwrap();
    assert_eq!(report.counts.rejected, 2);
    let files = tree(&folder);
    let rows = |name: &str| files[name].lines().skip(1).count();
    let four: Vec<_> = (0..3).map(|n| rows(&format!("even/four/part-{n}.csv.zst"))).collect();
    assert_eq!(four, [10, 10, 4]);
    assert_eq!(files.len(), 3 + 8);
    assert!(files.values().all(|text| text.starts_with("id\n")));
    let all: usize = files.values().map(|text| text.lines().count() - 1).sum();
    assert_eq!(all, 98);
    let many = create(&folder).columns(["id"]).partition_by(Vec::<String>::new()).max_files(3);
    let error = Pipeline::from(sources::generate(100, |id| id))
        .transform(|id, out| {
            let key = out.text().int(id).finish();
            out.emit(Keyed::new(key, (id,)))
        })
        .load_into(many)
        .run(&Engine::new().unwrap())
        .unwrap_err();
    assert!(error.to_string().contains("max_files"), "{error}");
}

#[test]
fn files_roll_by_rows_and_by_bytes() {
    let directory = TempDir::new().unwrap();
    let path = directory.path().join("n.csv");
    let run = |sink: Sink| {
        Pipeline::from(sources::generate(1000, |id| id))
            .transform(|id, out| out.emit((id,)))
            .load_into(sink.columns(["n"]))
            .run(&Engine::new().unwrap())
            .unwrap();
        let files = tree(directory.path());
        let together: String =
            files.values().map(|text| text.strip_prefix("n\n").unwrap()).collect();
        let expected: String = (0..1000).map(|n| format!("{n}\n")).collect();
        assert_eq!(together, expected);
        std::fs::remove_dir_all(directory.path()).unwrap();
        std::fs::create_dir(directory.path()).unwrap();
        files
    };
    let files = run(create(&path).roll_rows(300));
    let rows: Vec<_> = files.values().map(|text| text.lines().count() - 1).collect();
    assert_eq!(rows, [300, 300, 300, 100]);
    assert!(files.contains_key("n-00003.csv"));
    let files = run(create(&path).roll_bytes(1000));
    assert!(files.values().all(|text| text.len() <= 1000), "{files:?}");
    assert_eq!(files.len(), 4);
}

/// Texts that need every kind of care.
fn field() -> impl Strategy<Value = String> {
    prop_oneof![
        3 => "[a-z0-9 ]{0,30}",
        2 => "[\",;'\r\n\tä]{0,6}",
        1 => Just("\u{feff}x".to_owned()),
        1 => "\\PC{0,60}",
    ]
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(120))]

    #[test]
    fn what_is_written_is_read_back(
        rows in prop::collection::vec((field(), field(), field()), 1..40),
        form in 0..48_u8,
    ) {
        let directory = TempDir::new().unwrap();
        let (delimiter, quote) = [(b',', b'"'), (b';', b'\''), (b'\t', b'"')][usize::from(form % 3)];
        let has_header = form / 3 % 2 == 0;
        let extension = ["csv", "csv.gz", "csv.zst", "csv"][usize::from(form / 6 % 4)];
        let style = match form / 24 {
            0 => QuoteStyle::Necessary,
            _ => QuoteStyle::Always,
        };
        let path = directory.path().join(format!("out.{extension}"));
        let sink = create(&path)
            .delimiter(delimiter)
            .quote(quote)
            .quote_style(style)
            .header(has_header)
            .columns(["a", "b", "c"]);
        Pipeline::from(sources::slice(&rows))
            .transform(|row: &(String, String, String), out| out.emit(row))
            .load_into(sink)
            .run(&Engine::builder().workers(2).build().unwrap())
            .unwrap();
        let text = unpacked(&path);
        let mut reader = csv::ReaderBuilder::new()
            .delimiter(delimiter)
            .quote(quote)
            .has_headers(has_header)
            .from_reader(text.as_bytes());
        let theirs: Vec<(String, String, String)> =
            reader.deserialize().map(|row| row.unwrap()).collect();
        prop_assert_eq!(&theirs, &rows);
        let source = Source::builder()
            .delimiter(delimiter)
            .quote(quote)
            .has_headers(has_header)
            .from_reader("text", std::io::Cursor::new(text))
            .unwrap();
        let mut ours = trommel::sinks::collect();
        Pipeline::from(source)
            .transform(|row: Row<'_>, out| {
                let text = |index: usize| row.str(index).map(str::to_owned);
                out.emit((text(0)?, text(1)?, text(2)?))
            })
            .load_into(&mut ours)
            .run(&Engine::new().unwrap())
            .unwrap();
        prop_assert_eq!(ours.into_vec(), rows);
    }

    #[test]
    fn what_passes_through_is_what_came(text in "[ab,\"\r\n]{0,80}") {
        let directory = TempDir::new().unwrap();
        let read = |text: &str| -> Vec<Vec<u8>> {
            let mut reader = csv::ReaderBuilder::new()
                .has_headers(false).flexible(true).from_reader(text.as_bytes());
            let rows = reader.byte_records().map(|row| {
                let row = row.unwrap();
                row.iter().collect::<Vec<_>>().join(&b'|')
            });
            rows.collect()
        };
        // One column more, and the same rows: passed on as they are, and written anew.
        for quote in [b'"', b'\''] {
            let path = directory.path().join("out.csv");
            let source = Source::builder()
                .has_headers(false)
                .flexible(true)
                .lenient_eof(quote == b'\'')
                .from_reader("text", std::io::Cursor::new(text.clone()))
                .unwrap();
            let options =
                Options::builder().on_reject(RejectPolicy::skip(u64::MAX)).build().unwrap();
            let report = Pipeline::from(source)
                .options(options)
                .transform(|row: Row<'_>, out| out.emit(row.with((7,))))
                .load_into(create(&path).header(false).quote(quote))
                .run(&Engine::new().unwrap())
                .unwrap();
            let expected: Vec<Vec<u8>> = read(&text);
            let mut reader = csv::ReaderBuilder::new()
                .has_headers(false).flexible(true).quote(quote).from_path(&path).unwrap();
            let got: Vec<Vec<u8>> = reader.byte_records().map(|row| {
                let row = row.unwrap();
                prop_assert_eq!(row.get(row.len() - 1).unwrap(), b"7");
                Ok(row.iter().take(row.len() - 1).collect::<Vec<_>>().join(&b'|'))
            }).collect::<Result<_, TestCaseError>>()?;
            // Rows of another length than the first, and one that is not closed, are rejects.
            prop_assert_eq!(got.len() as u64, report.counts.loaded);
            let mut left = expected.iter();
            for row in &got {
                prop_assert!(left.any(|came| came == row), "{:?} of {:?}", row, expected);
            }
            prop_assert_eq!(expected.len() as u64, report.counts.read);
        }
    }
}
