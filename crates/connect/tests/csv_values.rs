//! From fields to values: by name, index and column, one by one and a row at once.
#![cfg(feature = "csv")]

use serde::Deserialize;
use serde::de::{Deserializer, Error as _};
use std::collections::{BTreeMap, HashMap};
use trommel::{Batch as _, ErrorKind, Limit, Result, Source as _};
use trommel_connect::csv::{Batch, Builder, Row, Source};

/// Runs `check` on the first row.
fn first(builder: Builder, text: &str, check: impl FnOnce(Row<'_>) -> Result<()>) {
    let mut source = builder.from_reader("x.csv", std::io::Cursor::new(text.to_string())).unwrap();
    let mut batch = Batch::default();
    source.fill(&mut batch, &Limit::of_rows(10)).unwrap();
    let mut check = Some(check);
    batch.for_each(0, |row| check.take().map_or(Ok(()), |check| check(row?))).unwrap();
    assert!(check.is_none(), "there was a row");
}

fn row(text: &str, check: impl FnOnce(Row<'_>) -> Result<()>) {
    first(Source::builder().nulls(["", "NA"]), text, check);
}

#[test]
fn fields_by_name_index_and_column() {
    let mut source = Source::from_reader("x", &b"a,b\n1,\"2\"\"\"\n"[..]).unwrap();
    let b = source.column("b").unwrap();
    assert_eq!(b.index(), 1);
    let mut batch = Batch::default();
    source.fill(&mut batch, &Limit::of_rows(1)).unwrap();
    batch
        .for_each(0, |row| {
            let row = row?;
            assert_eq!((row.str("b")?, row.str(1)?, row.str(b)?), ("2\"", "2\"", "2\""));
            assert_eq!(row.str(&String::from("a"))?, "1");
            assert_eq!((row.len(), row.is_empty()), (2, false));
            assert_eq!(format!("{row:?}"), r#"Row(0 ["1", "2\""])"#);
            Ok(())
        })
        .unwrap();
}

#[test]
fn a_name_is_compared_and_not_only_its_address() {
    let text = format!("{}\n{}\n", names(200).join(","), names(200).join(","));
    row(&text, |row| {
        let mut name = String::with_capacity(10);
        for _ in 0..3 {
            for index in 0..200 {
                name.clear();
                name.push_str(&names(200)[index]);
                assert_eq!(row.str(&name)?, name, "one address, many names");
            }
        }
        Ok(())
    });
}

fn names(count: usize) -> Vec<String> {
    (0..count).map(|index| format!("c{index:03}")).collect()
}

#[test]
fn a_batch_that_changes_its_source_forgets_the_columns() {
    let mut batch = Batch::default();
    for (text, value) in
        [("a,b\n1,2\n", Some("2")), ("b,a\n3,4\n", Some("3")), ("b,b\n1,2\n", None)]
    {
        let mut source = Source::from_reader("x", text.as_bytes()).unwrap();
        source.fill(&mut batch, &Limit::of_rows(1)).unwrap();
        batch
            .for_each(0, |row| {
                assert_eq!(row?.str("b").ok(), value);
                Ok(())
            })
            .unwrap();
    }
}

#[test]
fn unknown_columns_end_the_run_and_say_which_there_are() {
    row("air_time,distance\n1,2\n", |row| {
        let error = row.get::<f64>("airtime").unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Config);
        assert_eq!(
            error.to_string(),
            "no column `airtime` in x.csv; did you mean `air_time`? columns are: air_time, distance"
        );
        let error = row.get::<f64>(2).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Config);
        assert_eq!(error.message(), "no field 2 (counted from 0): the record has 2 fields");
        Ok(())
    });
    row("a,a\n1,2\n", |row| {
        assert!(row.str("a").unwrap_err().message().contains("use the index"));
        assert_eq!((row.str(0)?, row.str(1)?), ("1", "2"));
        Ok(())
    });
    first(Source::builder().has_headers(false), "1,2\n", |row| {
        assert!(row.str("a").unwrap_err().message().contains("has no header"));
        Ok(())
    });
}

#[test]
fn a_short_row_is_its_own_fault_where_rows_may_be_short() {
    first(Source::builder().flexible(true), "a,b\n1\n", |row| {
        for error in [row.str("b").unwrap_err(), row.decode::<Pair>().unwrap_err()] {
            assert_eq!((error.kind(), error.column()), (ErrorKind::Row, Some("b")));
        }
        Ok(())
    });
}

#[derive(Deserialize, Debug, PartialEq)]
struct Pair {
    a: u8,
    b: u8,
}

#[test]
fn nulls_are_what_the_options_say() {
    row("a,b,c\nNA,,x\n", |row| {
        assert!(row.is_null("a")? && row.is_null("b")? && !row.is_null("c")?);
        assert_eq!(row.get::<Option<u8>>("a")?, None);
        assert_eq!(row.get::<Option<&str>>("c")?, Some("x"));
        let error = row.get::<u8>("b").unwrap_err();
        assert_eq!(error.message(), "`` is not a whole number but a null: read it as an `Option`");
        Ok(())
    });
    first(Source::builder().nulls([""; 0]), "a,b\n,NA\n", |row| {
        assert!(!row.is_null("a")? && !row.is_null("b")?);
        Ok(())
    });
}

#[derive(Deserialize, Debug, PartialEq)]
#[serde(rename_all = "lowercase")]
enum Size {
    Small,
    Large,
}

#[derive(Deserialize, Debug, PartialEq)]
struct Thing<'a> {
    name: &'a str,
    #[serde(rename = "how many")]
    count: Option<u32>,
    size: Size,
    #[serde(deserialize_with = "percent")]
    share: f64,
    #[serde(default)]
    absent: Option<u8>,
    raw: &'a [u8],
    letter: char,
    owned: String,
    yes: bool,
}

fn percent<'de, D: Deserializer<'de>>(source: D) -> Result<f64, D::Error> {
    let text = <&str>::deserialize(source)?;
    let number = text.strip_suffix('%').ok_or_else(|| D::Error::custom("no percent sign"))?;
    number.parse().map(|number: f64| number / 100.0).map_err(D::Error::custom)
}

const THING: &str = "size,name,how many,unused,share,raw,letter,owned,yes\n";

#[test]
fn a_struct_by_the_names_of_its_fields() {
    row(&format!("{THING}large,\"a \"\"b\"\"\",NA,?,25%,\"r,\",é,o,true\n"), |row| {
        let thing = row.decode::<Thing<'_>>()?;
        let wanted = Thing {
            name: "a \"b\"",
            count: None,
            size: Size::Large,
            share: 0.25,
            absent: None,
            raw: b"r,",
            letter: 'é',
            owned: "o".into(),
            yes: true,
        };
        assert_eq!(thing, wanted);
        Ok(())
    });
}

#[test]
fn what_cannot_be_decoded_names_its_column() {
    let fault = |values: &str, column: &str, message: &str| {
        row(&format!("{THING}{values}\n"), |row| {
            let error = row.decode::<Thing<'_>>().unwrap_err();
            assert_eq!((error.kind(), error.column()), (ErrorKind::Row, Some(column)));
            assert!(error.message().contains(message), "{error}");
            Ok(())
        });
    };
    fault("large,n,x,?,25%,r,l,o,true", "how many", "`x` is not a whole number");
    fault("huge,n,1,?,25%,r,l,o,true", "size", "unknown variant `huge`");
    fault("large,n,1,?,25,r,l,o,true", "share", "no percent sign");
    fault("large,n,1,?,25%,r,ll,o,true", "letter", "not a single character");
    fault("large,n,1,?,25%,r,l,o,maybe", "yes", "not a boolean");
    row("a,c\n1,2\n", |row| {
        let error = row.decode::<Pair>().unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Config);
        assert!(error.message().starts_with("no column `b` in x.csv; did you mean"), "{error}");
        Ok(())
    });
    row("a,b,a\n1,2,3\n", |row| {
        let error = row.decode::<Pair>().unwrap_err();
        assert!(error.message().starts_with("2 columns of x.csv are called `a`"), "{error}");
        Ok(())
    });
}

#[derive(Deserialize, Debug, PartialEq)]
struct Wrapped(Pair);

#[derive(Deserialize, Debug, PartialEq)]
struct Flat {
    a: u8,
    #[serde(flatten)]
    rest: BTreeMap<String, Value>,
}

#[derive(Deserialize, Debug, PartialEq)]
#[serde(untagged)]
enum Value {
    Bool(bool),
    Whole(i64),
    Number(f64),
    Text(String),
    Null(()),
}

#[test]
fn other_shapes() {
    row("a,b\n1,2\n", |row| {
        assert_eq!(row.decode::<(u8, &str)>()?, (1, "2"));
        assert_eq!(row.decode::<Vec<u16>>()?, [1, 2]);
        assert_eq!(row.decode::<Wrapped>()?, Wrapped(Pair { a: 1, b: 2 }));
        assert_eq!(row.decode::<HashMap<&str, i64>>()?, HashMap::from([("a", 1), ("b", 2)]));
        assert_eq!(row.decode::<u8>()?, 1);
        Ok(())
    });
    row("a,b,c,d,e,f\n1,true,-2,0.5,x,NA\n", |row| {
        let flat = row.decode::<Flat>()?;
        let values = [
            ("b", Value::Bool(true)),
            ("c", Value::Whole(-2)),
            ("d", Value::Number(0.5)),
            ("e", Value::Text("x".into())),
            ("f", Value::Null(())),
        ];
        let rest = values.map(|(name, value)| (name.to_string(), value)).into();
        assert_eq!(flat, Flat { a: 1, rest });
        Ok(())
    });
    first(Source::builder().has_headers(false), "1,2\n", |row| {
        assert_eq!(row.decode::<Pair>()?, Pair { a: 1, b: 2 }, "in order without names");
        Ok(())
    });
}

#[test]
fn rows_may_be_shared_between_threads() {
    row("a,b\n1,2\n", |row| {
        let sum = std::thread::scope(|scope| {
            let a = scope.spawn(move || row.get::<u8>("a"));
            let b = scope.spawn(move || row.get::<u8>("b"));
            Ok::<_, trommel::Error>(a.join().unwrap()? + b.join().unwrap()?)
        });
        assert_eq!(sum?, 3);
        Ok(())
    });
}

/// What a field is to an `Option`, with quotes making a value or not.
#[test]
fn quotes_make_a_value_of_a_null_where_that_is_asked_for() {
    let text = "a,b,c,d,e\n\"\",,\"NA\",NA,\"N\"\"A\"\n";
    let builder = || Source::builder().nulls(["", "NA"]);
    let read = |builder: Builder, expected: [Option<&str>; 5]| {
        first(builder, text, |row| {
            assert_eq!(row.decode::<[Option<&str>; 5]>()?, expected);
            for (column, value) in expected.into_iter().enumerate() {
                assert_eq!(row.get::<Option<&str>>(column)?, value);
                assert_eq!(row.is_null(column)?, value.is_none());
            }
            Ok(())
        });
    };
    read(builder(), [None, None, None, None, Some("N\"A")]);
    let values = [Some(""), None, Some("NA"), None, Some("N\"A")];
    read(builder().quoted_nulls(false), values);
    // Blanks around are stripped within quotes too, and what is left is still a value.
    read(builder().quoted_nulls(false).trim(trommel_connect::csv::Trim::Fields), values);
}

#[derive(Deserialize, Debug, PartialEq)]
enum Shape {
    Point,
    Of(u8),
    Named { sizes: Vec<f64> },
}

/// Symptom: what `csv::Sink` wrote of a nested field was refused by `decode` of the same type. Cause:
/// a field was read as a plain value only. Fix: JSON is read where a list, an object or a variant
/// with fields is asked for.
#[test]
fn nested_values_are_read_from_json() {
    #[derive(Deserialize, Debug, PartialEq)]
    struct Nested<'a> {
        #[serde(borrow)]
        list: Vec<&'a str>,
        map: BTreeMap<String, Option<u8>>,
        pair: (u8, bool),
        shapes: Option<Vec<Shape>>,
        shape: Shape,
    }
    let read = |line: &str| -> std::result::Result<(), String> {
        let text = format!("list,map,pair,shapes,shape\n{line}\n");
        let mut seen = Ok(());
        first(Source::builder(), &text, |row| {
            seen = row.decode::<Nested<'_>>().map(drop).map_err(|error| error.to_string());
            Ok(())
        });
        seen
    };
    row(
        "list,map,pair,shapes,shape\n\
         \"[\"\"a\"\",\"\"b\"\"]\",\"{\"\"x\"\":null,\"\"y\"\":7}\",\"[1,true]\",,\"{\"\"Of\"\":3}\"\n",
        |row| {
            let nested: Nested<'_> = row.decode()?;
            assert_eq!(nested.list, ["a", "b"]);
            assert_eq!(nested.map, BTreeMap::from([("x".into(), None), ("y".into(), Some(7))]));
            assert_eq!((nested.pair, nested.shapes, nested.shape), ((1, true), None, Shape::Of(3)));
            Ok(())
        },
    );
    let good = [
        "[]",
        "{}",
        "\"[1,true]\"",
        "\"[\"\"Point\"\",{\"\"Named\"\":{\"\"sizes\"\":[0.5]}}]\"",
        "Point",
    ];
    read(&good.join(",")).unwrap();
    for (column, bad, says) in [
        (0, "x", "`x` is not a list as JSON, column `list`"),
        (0, "", "`` is not a list as JSON but a null: read it as an `Option`, column `list`"),
        (0, "[] []", "trailing characters"),
        (1, "[]", "`[]` is not an object as JSON, column `map`"),
        (1, "\"{\"\"x\"\":256}\"", "invalid value: integer `256`, expected u8"),
        (2, "[1]", "invalid length 1"),
        (4, "Circle", "unknown variant `Circle`"),
        (4, "\"{\"\"Circle\"\":1}\"", "is not a variant as JSON, column `shape`"),
    ] {
        let mut line = good;
        line[column] = bad;
        let error = read(&line.join(",")).unwrap_err();
        assert!(error.contains(says), "{bad}: {error}");
    }
}
