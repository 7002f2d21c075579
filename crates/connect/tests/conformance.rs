//! What others have collected of how CSV and JSON are written: every file of csv-spectrum, and cases
//! in the manner of JSONTestSuite.
#![cfg(all(feature = "csv", feature = "ndjson"))]

use serde_json::Value;
use std::collections::BTreeMap;
use std::io::Cursor;
use std::path::Path;
use trommel::{Batch as _, ErrorKind, Fill, Limit, Result, Source as _};
use trommel_connect::{csv, ndjson};

type Record = BTreeMap<String, String>;

fn csv_records(path: &Path, rows: usize) -> Vec<Record> {
    let mut source = csv::Source::open(path).unwrap();
    let (mut batch, mut records) = (csv::Batch::default(), Vec::new());
    loop {
        let fill = source.fill(&mut batch, &Limit::of_rows(rows)).unwrap();
        batch
            .for_each(0, |row| {
                records.push(row?.decode::<Record>()?);
                Ok(())
            })
            .unwrap();
        if fill == Fill::End {
            return records;
        }
    }
}

#[test]
fn every_file_of_csv_spectrum_reads_as_its_json_says() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/data/csv-spectrum");
    let mut names: Vec<_> = std::fs::read_dir(folder.join("csvs"))
        .unwrap()
        .map(|entry| entry.unwrap().path().file_stem().unwrap().to_str().unwrap().to_owned())
        .collect();
    names.sort();
    assert_eq!(names.len(), 12, "{names:?}");
    for name in names {
        let json = std::fs::read_to_string(folder.join(format!("json/{name}.json"))).unwrap();
        let expected = match serde_json::from_str(&json).unwrap() {
            Value::Array(records) => records,
            record => vec![record],
        };
        let mut expected: Vec<Record> =
            expected.into_iter().map(|record| serde_json::from_value(record).unwrap()).collect();
        if name == "location_coordinates" {
            // The two files come with different numbers.
            let number = "2095257564".to_owned();
            expected[0].insert("Contact Phone Number".to_owned(), number);
        }
        for rows in [1, 2, 100] {
            let csv = folder.join(format!("csvs/{name}.csv"));
            assert_eq!(csv_records(&csv, rows), expected, "{name}, {rows} rows at a time");
        }
    }
}

/// Texts that are JSON.
const GOOD: &[&str] = &[
    "null",
    "true",
    " false ",
    "0",
    "-0",
    "-1",
    "20e1",
    "1E+2",
    "1e-2",
    "123.456e78",
    "-0.0",
    "0e+1",
    "1.5",
    "18446744073709551615",
    "-9223372036854775808",
    "\"\"",
    "\"a\"",
    "\" \"",
    r#""\"\\\/\b\f\n\r\t""#,
    r#""\u0060\u012a\u12AB""#,
    r#""\uD801\udc37""#,
    r#""\u0000""#,
    r#""\u005C""#,
    "\"\u{7f}\u{2028}\u{2029}\u{10ffff}\"",
    "\"\u{feff}\"",
    "[]",
    "[ ]",
    "[null, 1]",
    "[[[]],{}]",
    "[\"a\",\t1 ]",
    "{}",
    "{ \"a\" : [] }",
    r#"{"":0}"#,
    r#"{"a":{"b":{"c":null}}}"#,
    r#"{"\u0061":1}"#,
    r#"{"min":-1.0e+28,"max":1.0e+28}"#,
    "[1,\r 2]",
    "\t[true]\t",
];

/// Texts that are none, each on one line.
const BAD: &[&str] = &[
    "nul",
    "True",
    "NaN",
    "Infinity",
    "-",
    "-Infinity",
    "+1",
    "01",
    "-01",
    "1.",
    ".5",
    "1.e1",
    "1e",
    "1e+",
    "0x1",
    "1 000",
    "1_000",
    "--1",
    "1a",
    "\"",
    "\"a",
    "'a'",
    "a",
    "\"\t\"",
    "\"\u{1}\"",
    r#""\x00""#,
    r#""\a""#,
    r#""\u00A""#,
    r#""\u00GG""#,
    r#""\""#,
    r#""\uD800""#,
    r#""\uDFAA""#,
    r#""\uD800\n""#,
    r#""\uD800\u0061""#,
    "[",
    "]",
    "[1",
    "[1,",
    "[1,]",
    "[,1]",
    "[1,,2]",
    "[1 2]",
    "[1:2]",
    "[\"a\" \"b\"]",
    "[1]]",
    "[1}",
    "{",
    "}",
    "{\"a\"",
    "{\"a\":",
    "{\"a\":1",
    "{\"a\":1,}",
    "{,\"a\":1}",
    "{\"a\" 1}",
    "{\"a\",1}",
    "{a:1}",
    "{1:1}",
    "{'a':1}",
    "{\"a\":1 \"b\":2}",
    "{\"a\":1}}",
    "{\"a\":1}#",
    "{} {}",
    "[1]/*x*/",
    "// x",
    "\u{feff}\u{feff}1",
    "\u{a0}1",
    "\u{c}1",
    "1\u{0}",
    "\0",
];

/// Texts of which JSON's standard leaves to the reader what they are.
const OPEN: &[&str] = &[
    "1e999",
    "-1e999",
    "1e-999",
    "123456789012345678901234567890",
    "-123123123123123123123123123123",
    "0.4e00669999999999999999999999999999999999",
    r#"{"a":1,"a":1}"#,
    r#"{"a":1,"a":2}"#,
    "100000000000000000000e0",
    "1.7976931348623159e308",
];

/// What each row is as a value, read as lines or as an array; a row alone, so that none can spoil
/// another.
fn read(text: &str, array: bool) -> Vec<Result<Value>> {
    let text = if array { format!("[{text}]") } else { format!("{text}\n") };
    let builder = ndjson::Source::builder().array(array);
    let mut source = builder.from_reader("case", Cursor::new(text.into_bytes())).unwrap();
    let (mut batch, mut rows) = (ndjson::Batch::default(), Vec::new());
    loop {
        let fill = source.fill(&mut batch, &Limit::of_rows(10)).unwrap();
        batch
            .for_each(0, |row| {
                rows.push(row.and_then(|row| row.decode::<Value>()));
                Ok(())
            })
            .unwrap();
        if fill == Fill::End {
            return rows;
        }
    }
}

#[test]
fn json_is_what_serde_json_says_it_is() {
    for text in GOOD {
        let expected: Value = serde_json::from_str(text).unwrap_or_else(|e| panic!("{text}: {e}"));
        assert!(!text.contains('\n'), "{text}");
        for array in [false, true] {
            let rows = read(text, array);
            assert_eq!(rows.len(), 1, "{text}, array: {array}");
            assert_eq!(rows[0].as_ref().unwrap(), &expected, "{text}, array: {array}");
        }
    }
    for text in BAD {
        assert!(serde_json::from_str::<Value>(text).is_err(), "{text}");
        let rows = read(text, false);
        assert_eq!(rows.len(), 1, "{text}");
        let error = rows[0].as_ref().unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Row, "{text}: {error}");
        assert!(error.to_string().contains("at byte "), "{text}: {error}");
    }
    for text in OPEN {
        let (theirs, rows) = (serde_json::from_str::<Value>(text), read(text, false));
        match (theirs, &rows[..]) {
            (Ok(theirs), [Ok(ours)]) => assert_eq!(&theirs, ours, "{text}"),
            (Err(_), [Err(error)]) => assert_eq!(error.kind(), ErrorKind::Row, "{text}: {error}"),
            (theirs, ours) => panic!("{text}: {theirs:?}, {ours:?}"),
        }
    }
}

#[test]
fn bytes_that_are_no_utf8_are_no_json() {
    let bad: &[&[u8]] = &[
        b"\"\xe9\"",
        b"\"\xc0\xaf\"",
        b"\"\xed\xa0\x80\"",
        b"\"\xf4\xbf\xbf\xbf\"",
        b"\"\xff\"",
        b"\xe5",
        b"{\"\xb9\":1}",
        b"[\xff]",
    ];
    for text in bad {
        let line = [text, &b"\n"[..]].concat();
        let mut source = ndjson::Source::from_reader("case", Cursor::new(line)).unwrap();
        let (mut batch, mut errors) = (ndjson::Batch::default(), Vec::new());
        source.fill(&mut batch, &Limit::of_rows(10)).unwrap();
        batch
            .for_each(0, |row| {
                errors.extend(row.err());
                Ok(())
            })
            .unwrap();
        assert_eq!(errors.len(), 1, "{}", text.escape_ascii());
        assert!(errors[0].to_string().contains("not valid UTF-8 at byte"), "{}", errors[0]);
    }
}

/// Deep nesting is a reject before it is a full stack.
#[test]
fn depth_is_bounded() {
    for (open, close, good) in [("[", "]", 127), ("{\"a\":", "}", 127)] {
        for (depth, is_good) in [(good, true), (good + 1, false), (100_000, false)] {
            let inner = if open == "[" { "" } else { "1" };
            let text = format!("{}{inner}{}", open.repeat(depth), close.repeat(depth));
            let rows = read(&text, false);
            assert_eq!(rows.len(), 1);
            assert_eq!(rows[0].is_ok(), is_good, "{open} {depth}");
            let unclosed = read(&open.repeat(depth), false);
            assert!(unclosed.iter().all(Result::is_err), "{open} {depth}");
        }
    }
}
