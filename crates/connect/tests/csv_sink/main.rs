//! CSV out: what is written, and that it is read back as it was.
#![cfg(all(feature = "csv", feature = "gzip", feature = "zstd"))]

mod files;

use proptest::prelude::*;
use serde::Serialize;
use std::collections::BTreeMap;
use std::io::Read;
use std::path::Path;
use tempfile::TempDir;
use trommel::{
    Checkpoint, Commit, Counts, Encode, Engine, ErrorKind, Options, Pipeline, Reject, RejectPolicy,
    Result, Sink as _, sources,
};
use trommel_connect::csv::{QuoteStyle, Row, Sink, Source};
use trommel_connect::files::{Compression, Keyed, KeyedPage, Partitioned};

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

/// What quotes made a value of stays one, also where fields are written anew.
#[test]
fn quoted_nulls_that_pass_through_stay_values() {
    let directory = TempDir::new().unwrap();
    let path = directory.path().join("out.csv");
    for (quoted_nulls, delimiter, expected) in [
        (false, b',', "a,b,c,n\n\"\",,\"x\",0\n"),
        (false, b';', "a;b;c;n\n\"\";;x;0\n"),
        (true, b';', "a;b;c;n\n;;x;0\n"),
    ] {
        let source = Source::builder().quoted_nulls(quoted_nulls);
        passed("a,b,c\n\"\",,\"x\"\n", source, create(&path).delimiter(delimiter)).unwrap();
        assert_eq!(std::fs::read_to_string(&path).unwrap(), expected);
    }
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
