//! What is wrong with the input is said with its place and the remedy; nothing panics or hangs.
#![cfg(feature = "csv")]

#[cfg(unix)]
mod unprivileged;

use std::error::Error as _;
use std::io::{Read, Write};
use trommel::{Batch as _, Error, ErrorKind, Fill, Limit, Source as _};
use trommel_connect::csv::{Batch, Builder, Source};
#[cfg(unix)]
use unprivileged::{open_to_all, unprivileged};

fn source(builder: Builder, bytes: &[u8]) -> Source {
    builder.from_reader("bad.csv", std::io::Cursor::new(bytes.to_vec())).unwrap()
}

/// Number of good rows, and the faults with their index in the batch.
fn faults(source: &mut Source, limit: &Limit<'_>) -> (usize, Vec<Error>) {
    let (mut good, mut faults) = (0, Vec::new());
    let mut batch = Batch::default();
    loop {
        let fill = source.fill(&mut batch, limit).unwrap();
        batch
            .for_each(0, |row| {
                match row {
                    Ok(_) => good += 1,
                    Err(error) => faults.push(error),
                }
                Ok(())
            })
            .unwrap();
        if fill == Fill::End {
            return (good, faults);
        }
    }
}

#[test]
fn rows_with_another_number_of_fields() {
    let mut source = source(Source::builder(), b"a,b\n1,2\n3\n\n4,5,6\n,,,,,,,,,,,,,,,,\n7,8\n");
    let (good, faults) = faults(&mut source, &Limit::of_rows(100));
    assert_eq!(good, 2);
    let messages: Vec<_> = faults.iter().map(ToString::to_string).collect();
    assert_eq!(
        messages,
        [
            "1 field where 2 are expected, in bad.csv, line 3, byte 8, record 1",
            "3 fields where 2 are expected, in bad.csv, line 5, byte 11, record 2",
            "17 fields where 2 are expected, in bad.csv, line 6, byte 17, record 3",
        ]
    );
}

#[test]
fn a_row_of_nothing_but_delimiters_is_counted_not_kept() {
    let text = format!("a,b\n{}\n1,2\n{}\"\"\n", ",".repeat(1_000_000), "\"\",".repeat(999));
    let mut source = source(Source::builder(), text.as_bytes());
    let mut batch = Batch::default();
    let mut messages = Vec::new();
    loop {
        let fill = source.fill(&mut batch, &Limit::of_rows(10)).unwrap();
        batch
            .for_each(0, |row| {
                messages.extend(row.err().map(|it| it.to_string()));
                Ok(())
            })
            .unwrap();
        assert!(batch.bytes() < 3 * text.len(), "{} bytes", batch.bytes());
        if fill == Fill::End {
            break;
        }
    }
    assert!(messages[0].starts_with("1000001 fields where 2"), "{}", messages[0]);
    assert!(messages[1].starts_with("1000 fields where 2"), "{}", messages[1]);
}

#[test]
fn an_input_that_ends_inside_a_quote() {
    let text = b"a,b\n1,2\n3,\"four\n5,6\n";
    let (good, found) = faults(&mut source(Source::builder(), text), &Limit::of_rows(9));
    assert_eq!((good, found.len()), (1, 1));
    assert_eq!(
        found[0].to_string(),
        "the input ends inside a quoted field; the quote at line 3, byte 10 is never closed, in \
         bad.csv, line 3, byte 8, record 1"
    );
    let builder = Source::builder().lenient_eof(true);
    assert_eq!(faults(&mut source(builder, text), &Limit::of_rows(9)).0, 2);
    let Err(error) = Source::from_reader("bad.csv", &b"a,\"b\n1,2\n"[..]) else {
        panic!("a header that never ends");
    };
    assert!(error.message().contains("ends inside a quoted field"), "{error}");
}

#[test]
fn a_record_larger_than_the_limit_is_passed_over() {
    let long = "x".repeat(300_000);
    let text = format!("a,b\n1,2\n3,\"{long}\n\"\n5,6\n{long}\n7,8\n");
    let mut source = source(Source::builder(), text.as_bytes());
    let limit = Limit::of_rows(100).with_bytes(10_000);
    let mut batch = Batch::default();
    let (mut seen, mut places) = (Vec::new(), Vec::new());
    loop {
        let fill = source.fill(&mut batch, &limit).unwrap();
        batch
            .for_each(0, |row| {
                seen.push(match row {
                    Ok(row) => format!("{} line {}", row.record(), row.line()),
                    Err(error) => error.to_string(),
                });
                Ok(())
            })
            .unwrap();
        let all: Vec<usize> = (0..batch.len()).collect();
        batch.locate(&all, &mut |_, origin, raw| places.push((origin.offset, raw.len())));
        assert!(batch.bytes() <= 12_000, "{} bytes", batch.bytes());
        if fill == Fill::End {
            break;
        }
    }
    assert_eq!(
        seen,
        [
            "0 line 2",
            "the record of 300005 bytes is larger than the limit of 10000 bytes; raise \
             memory_limit, or close the quote at line 3, byte 10, in bad.csv, line 3, byte 8, \
             record 1",
            "2 line 5",
            "the record of 300000 bytes is larger than the limit of 10000 bytes; raise \
             memory_limit, in bad.csv, line 6, byte 300018, record 3",
            "4 line 7",
        ]
    );
    let lengths: Vec<_> = places.iter().map(|(_, length)| *length).collect();
    assert_eq!(lengths, [3, 4096, 3, 4096, 3]);
    assert_eq!(places[4].0, Some(600_019));
}

#[test]
fn bytes_that_are_not_utf8() {
    let mut source = source(Source::builder(), b"a,b\nx,ab\xffc\n");
    let mut batch = Batch::default();
    source.fill(&mut batch, &Limit::of_rows(9)).unwrap();
    batch
        .for_each(0, |row| {
            let row = row?;
            let error = row.str("b").unwrap_err();
            assert_eq!((error.kind(), error.column()), (ErrorKind::Row, Some("b")));
            assert!(error.message().contains("from byte 2 of the field"), "{error}");
            assert!(error.source().is_some());
            assert!(row.get::<String>("b").is_err() && row.get::<f64>("b").is_err());
            assert_eq!(row.bytes("b")?, b"ab\xffc");
            assert_eq!(row.str("a")?, "x");
            Ok(())
        })
        .unwrap();
    let Err(error) = Source::from_reader("bad.csv", &b"a,\xe9t\xe9\n"[..]) else {
        panic!("a name that is not text");
    };
    assert!(error.message().contains("the name of column 1"), "{error}");
    let named = Source::builder().headers(["a", "summer"]);
    assert!(named.from_reader("bad.csv", &b"a,\xe9t\xe9\n"[..]).is_ok());
}

#[test]
fn files_that_cannot_be_opened() {
    let directory = tempfile::tempdir().unwrap();
    let error = Source::open(directory.path()).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Io);
    assert!(error.message().contains("is a directory"), "{error}");
    let error = Source::open(directory.path().join("none.csv")).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Io);
    assert!(error.message().ends_with("none.csv"), "{error}");
    assert!(error.to_string().contains("No such file"), "{error}");
}

#[cfg(unix)]
#[test]
fn a_file_that_may_not_be_read_says_so() {
    use std::os::unix::fs::PermissionsExt;
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("secret.csv");
    std::fs::write(&path, "a\n1\n").unwrap();
    std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o000)).unwrap();
    open_to_all(directory.path());
    let error = unprivileged(|| Source::open(&path)).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Io);
    assert!(error.message().contains("secret.csv"), "{error}");
    assert!(error.to_string().contains("Permission denied"), "{error}");
}

/// Gives some bytes, then fails.
struct Broken(&'static [u8]);

impl Read for Broken {
    fn read(&mut self, space: &mut [u8]) -> std::io::Result<usize> {
        match self.0.read(space)? {
            0 => Err(std::io::Error::other("the cable is out")),
            count => Ok(count),
        }
    }
}

#[test]
fn rows_before_a_read_error_are_handed_over() {
    let mut source = Source::from_reader("net", Broken(b"a\n1\n2\n3")).unwrap();
    let mut batch = Batch::default();
    let limit = Limit::of_rows(9);
    assert_eq!(source.fill(&mut batch, &limit).unwrap(), Fill::More);
    assert_eq!(batch.len(), 2);
    let error = source.fill(&mut batch, &limit).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Io);
    assert_eq!(error.to_string(), "cannot read net beyond byte 7: the cable is out");
}

/// Panics at the second read.
struct Panicking(bool);

impl Read for Panicking {
    fn read(&mut self, space: &mut [u8]) -> std::io::Result<usize> {
        assert!(!std::mem::replace(&mut self.0, true), "deliberate");
        (&b"a\n1\n"[..]).read(space)
    }
}

#[test]
fn a_reader_that_panics_is_an_error() {
    let mut source = Source::from_reader("x", Panicking(false)).unwrap();
    let mut batch = Batch::default();
    let limit = Limit::of_rows(9);
    let mut results = (0..2).map(|_| source.fill(&mut batch, &limit));
    let error = results.find_map(Result::err).expect("an error");
    assert!(error.to_string().contains("the reader panicked"), "{error}");
}

#[test]
fn options_that_cannot_work_name_themselves() {
    let b = Source::builder;
    let cases = [
        (b().delimiter(b'\n'), "delimiter: `\\n` ends a record"),
        (b().quote(b','), "quote: `,` is the delimiter already"),
        (b().escape(b'"'), "escape: `\\\"` is the quote already"),
        (b().comment(b'\r'), "comment: `\\r` ends a record"),
        (b().escape(b'\\').quoting(false), "escape: works within quotes only"),
        (b().block_size(usize::MAX), "block_size: "),
        (b().headers([""; 0]), "headers: no names"),
    ];
    for (builder, message) in cases {
        let error = builder.from_reader("x", &b"a\n"[..]).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Config);
        assert!(error.message().starts_with(message), "{error}");
    }
    assert!(b().quote(b',').quoting(false).from_reader("x", &b"a\n"[..]).is_ok());
}

#[test]
fn a_file_that_shrinks_ends_early() {
    let mut file = tempfile::NamedTempFile::new().unwrap();
    file.write_all(b"a\n1\n2\n").unwrap();
    let mut source = Source::open(file.path()).unwrap();
    file.as_file().set_len(0).unwrap();
    let (good, faults) = faults(&mut source, &Limit::of_rows(9));
    assert!(good <= 2 && faults.is_empty());
}
