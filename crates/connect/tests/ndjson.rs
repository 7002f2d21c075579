//! JSON lines and arrays: what rows give, and what is said to bad ones.
#![cfg(feature = "ndjson")]

use serde::Deserialize;
use std::collections::HashMap;
use trommel::{Batch as _, Engine, Error, ErrorKind, Fill, Limit, Pipeline, Source as _};
use trommel::{Options, Reject, RejectPolicy, sinks};
use trommel_connect::ndjson::{Batch, Builder, Duplicates, Row, Source};

fn source(builder: Builder, text: &[u8]) -> Source {
    builder.from_reader("bad.ndjson", std::io::Cursor::new(text.to_vec())).unwrap()
}

/// What `look` makes of each row.
fn each<T>(
    builder: Builder,
    text: &[u8],
    limit: &Limit<'_>,
    mut look: impl FnMut(Row<'_>) -> trommel::Result<T>,
) -> Vec<Result<T, Error>> {
    let mut source = source(builder, text);
    let (mut batch, mut all) = (Batch::default(), Vec::new());
    loop {
        let fill = source.fill(&mut batch, limit).unwrap();
        batch
            .for_each(0, |row| {
                all.push(row.and_then(&mut look));
                Ok(())
            })
            .unwrap();
        if fill == Fill::End {
            return all;
        }
    }
}

fn texts<T: std::fmt::Debug>(results: Vec<Result<T, Error>>) -> Vec<String> {
    let text = |result: Result<T, Error>| match result {
        Ok(value) => format!("{value:?}"),
        Err(error) => {
            assert_eq!(error.kind(), ErrorKind::Row, "{error}");
            error.to_string()
        }
    };
    results.into_iter().map(text).collect()
}

fn all() -> Limit<'static> {
    Limit::of_rows(1000)
}

#[test]
fn what_is_not_json_is_said_with_its_place() {
    let text = b"{\"a\":1}\n\n  \r\n{\"a\":}\n{\"a\":1} x\n{\"a\":01}\n\xff\n{\"a\":[1,2";
    let seen = texts(each(Source::builder(), text, &all(), |row| row.get::<u8>("a")));
    assert_eq!(
        seen,
        [
            "1",
            "not valid JSON at byte 5 of the row: expected a value, in bad.ndjson, line 4, byte 13, \
             record 1",
            "not valid JSON at byte 8 of the row: more behind the end of the value, in bad.ndjson, \
             line 5, byte 20, record 2",
            "not valid JSON at byte 6 of the row: a number may not start with 0, in bad.ndjson, \
             line 6, byte 30, record 3",
            "not valid UTF-8 at byte 0 of the row, in bad.ndjson, line 7, byte 39, record 4: invalid \
             utf-8 sequence of 1 bytes from index 0",
            "not valid JSON at byte 9 of the row: the row ends inside an array or object: it was \
             cut off, in bad.ndjson, line 8, byte 41, record 5",
        ]
    );
}

#[test]
fn values_that_do_not_fit_name_their_path() {
    let text = b"{\"a\":300,\"b\":{\"c\":[1,\"x\"]},\"s\":\"\\ud800\",\"n\":null}\n";
    let get = |path: &'static str| {
        let seen = each(Source::builder(), text, &all(), |row| row.get::<u8>(path));
        texts(seen).remove(0)
    };
    assert_eq!(
        get("a"),
        "at byte 5 of the row: invalid value: integer `300`, expected u8, column `a`"
    );
    assert_eq!(
        get("b.c[1]"),
        "at byte 21 of the row: invalid type: string \"x\", expected u8, column `b.c[1]`"
    );
    assert_eq!(get("b.c[0]"), "1");
    assert_eq!(get("b.d"), "the row has no such key, or nothing at this path, column `b.d`");
    let seen = each(Source::builder(), text, &all(), |row| {
        Ok((
            row.get::<Option<u8>>("b.c[9]")?,
            row.get::<Option<u8>>("n")?,
            row.find("b")?.map(str::len),
        ))
    });
    assert_eq!(seen[0].as_ref().unwrap(), &(None, None, Some(13)));
    let seen = texts(each(Source::builder(), text, &all(), |row| row.get::<String>("s")));
    assert!(
        seen[0].contains("lone leading surrogate") || seen[0].contains("hex escape"),
        "{seen:?}"
    );
    let error = each(Source::builder(), text, &all(), |row| row.get::<u8>("a..b")).remove(0);
    assert_eq!(error.unwrap_err().kind(), ErrorKind::Config);
}

#[test]
fn what_cannot_be_decoded_names_its_key_and_byte() {
    #[derive(Deserialize, Debug)]
    #[allow(dead_code, reason = "shown by `Debug`")]
    struct Item<'a> {
        id: u8,
        name: &'a str,
    }
    let text = b"{\"id\":1,\"name\":\"x\"}\n{\"id\":256,\"name\":\"x\"}\n{\"id\":1}\n{\"id\":1,\"id\":2,\"name\":\"\"}\n[1]\n{\"id\":";
    let seen = each(Source::builder(), text, &all(), |row| {
        row.decode::<Item<'_>>().map(|item| format!("{item:?}"))
    });
    let seen = texts(seen);
    assert_eq!(seen[0], "\"Item { id: 1, name: \\\"x\\\" }\"");
    let expected = [
        "at byte 8 of the row: invalid value: integer `256`, expected u8, column `id`",
        "missing field `name`",
        "duplicate field `id`",
        "expected",
        "not valid JSON at byte",
    ];
    for (seen, expected) in seen[1..].iter().zip(expected) {
        assert!(seen.contains(expected), "{seen}");
    }
}

#[test]
fn a_key_that_occurs_twice_is_what_the_option_says() {
    let text = br#"{"a":1,"b":{"c":1,"c":2},"\u0061":3}"#;
    let with = |duplicates, path: &'static str| {
        let builder = Source::builder().duplicates(duplicates);
        texts(each(builder, text, &all(), |row| row.get::<u8>(path))).remove(0)
    };
    assert_eq!(
        with(Duplicates::Reject, "a"),
        "the key `a` occurs twice, again at byte 25 of the row, column `a`"
    );
    assert_eq!(
        with(Duplicates::Reject, "b.c"),
        "the key `c` occurs twice, again at byte 18 of the row, column `b.c`"
    );
    assert_eq!(
        (with(Duplicates::First, "a"), with(Duplicates::Last, "a")),
        ("1".into(), "3".into())
    );
    assert_eq!(with(Duplicates::Last, "b.c"), "2");
}

/// Symptom: a map that `decode` makes kept the last of two values silently. Cause: `Duplicates` was
/// about `get` only. Fix: with `RejectAll` every row is looked through.
#[test]
fn keys_that_occur_twice_anywhere_are_rejects_where_that_is_asked_for() {
    type Map = HashMap<String, serde_json::Value>;
    let text = br#"{"a":1,"b":[{"c":1},{"c":1}]}
{"a":1,"b":2,"\u0061":3}
{"a":1,"b":[0,{"c":{"d":1,"d":1}}]}
{"a":{"a":{"a":1}}}
"#;
    let with = |duplicates, array| {
        let builder = Source::builder().duplicates(duplicates).array(array);
        let joined =
            || text.trim_ascii().iter().map(|byte| if *byte == b'\n' { b',' } else { *byte });
        let text: Vec<u8> = match array {
            true => [b'['].into_iter().chain(joined()).chain([b']']).collect(),
            false => text.to_vec(),
        };
        texts(each(builder, &text, &all(), |row| row.decode::<Map>().map(|map| map.len())))
    };
    for array in [false, true] {
        assert_eq!(with(Duplicates::Reject, array), ["2", "2", "2", "1"]);
        let seen = with(Duplicates::RejectAll, array);
        assert_eq!((&*seen[0], &*seen[3]), ("2", "1"));
        assert!(seen[1].starts_with("at byte "), "{seen:?}");
        assert!(
            seen[1].contains("the key `a` occurs twice, column `a`, in bad.ndjson, line"),
            "{seen:?}"
        );
        assert!(
            seen[2].contains("the key `d` occurs twice, column `b`, in bad.ndjson"),
            "{seen:?}"
        );
    }
    // What nobody asks for is looked at as well, and so is a row whose text alone is wanted.
    let builder = Source::builder().duplicates(Duplicates::RejectAll);
    let seen = each(builder, text, &all(), |row| Ok(row.raw().len()));
    assert_eq!(seen.iter().map(Result::is_ok).collect::<Vec<_>>(), [true, false, false, true]);
}

#[test]
fn deep_nesting_is_a_reject_and_never_a_crash() {
    for depth in [128, 100_000, 1_000_000] {
        let deep = format!("{}{}\n{{\"a\":1}}\n", "[".repeat(depth), "]".repeat(depth));
        let objects = format!("{}1{}\n{{\"a\":1}}\n", "{\"a\":".repeat(depth), "}".repeat(depth));
        let open = format!("{}\n{{\"a\":1}}\n", "[".repeat(depth));
        for text in [deep, objects, open] {
            let get = each(Source::builder(), text.as_bytes(), &all(), |row| row.get::<u8>("a"));
            assert!(get[0].is_err() && matches!(get[1], Ok(1)));
            let decoded = each(Source::builder(), text.as_bytes(), &all(), |row| {
                row.decode::<HashMap<String, serde_json::Value>>().map(|map| map.len())
            });
            assert!(decoded[0].is_err() && matches!(decoded[1], Ok(1)));
        }
    }
}

#[test]
fn numbers_are_exact() {
    let text = b"{\"f\":0.1,\"u\":18446744073709551615,\"i\":-9223372036854775808,\"e\":2.2250738585072014e-308,\"g\":9007199254740993}\n";
    let seen = each(Source::builder(), text, &all(), |row| {
        assert_eq!(row.get::<f64>("f")?, 0.1);
        assert_eq!(row.get::<u64>("u")?, u64::MAX);
        assert_eq!(row.get::<i64>("i")?, i64::MIN);
        assert_eq!(row.get::<f64>("e")?, f64::MIN_POSITIVE);
        assert_eq!(row.get::<u64>("g")?, 9_007_199_254_740_993);
        assert!(row.get::<i64>("u").is_err());
        Ok(())
    });
    assert!(seen[0].is_ok(), "{seen:?}");
}

#[test]
fn an_array_document_is_cut_into_its_elements() {
    let text = b" [\n  {\"a\": 1, \"s\": \"],[\\\"\"},\n  {\"a\":\n 2},3\n]\n";
    let seen = each(Source::builder().array(true), text, &all(), |row| {
        Ok((row.record(), row.line(), row.get::<Option<u8>>("a")?, row.raw().len()))
    });
    let seen: Vec<_> = seen.into_iter().map(Result::unwrap).collect();
    assert_eq!(seen, [(0, 2, Some(1), 22), (1, 3, Some(2), 9), (2, 4, None, 1)]);
    for empty in ["[]", " [ ] ", ""] {
        let seen = each(Source::builder().array(true), empty.as_bytes(), &all(), |_| Ok(()));
        assert!(seen.is_empty(), "{empty}");
    }
}

#[test]
fn an_array_that_is_none_is_said_to_be_so() {
    let array = |text: &str| {
        let builder = Source::builder().array(true);
        texts(each(builder, text.as_bytes(), &all(), |row| row.decode::<serde_json::Value>()))
    };
    let cut_off = "the input ends inside the array: it was cut off";
    assert!(array("[1,2").last().unwrap().starts_with(cut_off));
    assert!(array("[1,").last().unwrap().starts_with(cut_off));
    assert!(array("[\"a").last().unwrap().starts_with(cut_off));
    assert_eq!(array("[1,2").len(), 2);
    assert!(array("{\"a\":1}\n{\"a\":2}")[0].starts_with("not an array document"));
    assert!(array("[1] [2]")[1].starts_with("not valid JSON at byte 0 of the row"));
    assert!(array("[1,,2]")[1].starts_with("not valid JSON"));
}

#[test]
fn a_row_larger_than_the_limit_is_passed_over() {
    let text = format!("{{\"a\":1}}\n{{\"a\":\"{}\"}}\n{{\"a\":3}}\n", "x".repeat(100_000));
    for text in [text.clone(), format!("[{}]", text.trim_end().replace('\n', ","))] {
        let builder = Source::builder().array(text.starts_with('['));
        let limit = Limit::of_rows(10).with_bytes(2_000);
        let seen = texts(each(builder, text.as_bytes(), &limit, |row| row.get::<u8>("a")));
        assert_eq!((seen.len(), &*seen[0], &*seen[2]), (3, "1", "3"), "{seen:?}");
        assert!(seen[1].contains("larger than the limit of 2000 bytes"), "{seen:?}");
    }
}

#[test]
fn rejects_are_replayable_and_everything_adds_up() {
    let mut text = String::new();
    for id in 0..10_000 {
        match id % 100 {
            7 => text.push_str("{\"id\":\n"),
            8 => text.push_str("{\"id\":\"x\"}\n"),
            _ => text.push_str(&format!("{{\"id\":{id}}}\n")),
        }
    }
    let bad = std::sync::Arc::new(std::sync::Mutex::new(Vec::new()));
    let keep = std::sync::Arc::clone(&bad);
    let policy = RejectPolicy::dead_letter(
        move |reject: &Reject| {
            keep.lock().unwrap().push(reject.clone());
            Ok(())
        },
        1000,
    );
    let mut sum =
        sinks::fold(|| 0, |sum: &mut u64, id: u64| *sum += id, |sum, other| *sum += other);
    let report =
        Pipeline::from(Source::from_reader("ids", std::io::Cursor::new(text.clone())).unwrap())
            .options(Options::builder().on_reject(policy).build().unwrap())
            .transform(|row: Row<'_>, out| out.emit(row.get::<u64>("id")?))
            .load_into(&mut sum)
            .run(&Engine::builder().workers(2).build().unwrap())
            .unwrap();
    assert!(report.counts.add_up());
    assert_eq!((report.counts.loaded, report.counts.rejected), (9_800, 200));
    let expected: u64 = (0..10_000).filter(|id| id % 100 != 7 && id % 100 != 8).sum();
    assert_eq!(sum.into_value(), expected);
    let bad = bad.lock().unwrap();
    let lines: Vec<&str> = text.lines().collect();
    for reject in bad.iter() {
        let line = reject.line.unwrap();
        assert_eq!(lines[line as usize - 1].as_bytes(), reject.raw);
        assert_eq!(reject.record, Some(line - 1));
        assert!(text.as_bytes()[reject.offset.unwrap() as usize..].starts_with(&reject.raw));
    }
    assert_eq!(bad[1].column.as_deref(), Some("id"));
}

/// Symptom: a row without `user` was rejected as one with a bad `amount`, its last key.
/// Cause: `serde` finds out what is missing at the closing brace, and the byte behind the last value
/// was counted as that value's.
/// Fix: a value ends before that byte; what is missing is the column.
#[test]
fn a_field_that_is_missing_is_the_column_of_its_reject() {
    #[derive(Deserialize, Debug)]
    #[serde(deny_unknown_fields)]
    struct Order {
        #[expect(dead_code, reason = "is only decoded")]
        user: String,
        #[expect(dead_code, reason = "is only decoded")]
        amount: u8,
    }
    let rows = "{\"amount\":75}\n{\"amount\": 75 }\n{\"user\":\"a\"}\n\
                {\"user\":\"a\",\"amount\":300}\n{\"user\":\"a\",\"amount\":true}\n\
                {\"user\":\"a\",\"mount\":1,\"amount\":1}\n{\"user\":[]}\n{}\n";
    let seen = each(Source::builder(), rows.as_bytes(), &all(), |row| row.decode::<Order>());
    let columns: Vec<_> = seen
        .iter()
        .map(|it| it.as_ref().unwrap_err().column().unwrap_or_default().to_owned())
        .collect();
    assert_eq!(
        columns,
        ["user", "user", "amount", "amount", "amount", "mount", "user", "user"],
        "{seen:?}"
    );
}

#[test]
fn a_string_with_escapes_that_was_to_be_borrowed_says_what_to_take_instead() {
    #[derive(Deserialize, Debug)]
    struct Person<'a> {
        #[expect(dead_code, reason = "is only decoded")]
        name: &'a str,
    }
    let row = br#"{"name":"a \"b\""}"#;
    let mut seen = Vec::new();
    each(Source::builder(), row, &all(), |row| {
        seen.push(row.decode::<Person<'_>>().unwrap_err());
        seen.push(row.get::<&str>("name").unwrap_err());
        Ok(())
    });
    for error in seen {
        assert!(error.message().ends_with("`Cow<str>` with `#[serde(borrow)]`"), "{error}");
        assert_eq!(error.column(), Some("name"));
    }
}
