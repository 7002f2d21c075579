//! Small files with one trap each, and how a source behaves over its life.
#![cfg(feature = "csv")]

use flate2::Compression;
use flate2::read::GzDecoder;
use flate2::write::GzEncoder;
use std::io::{Read, Write};
use std::sync::mpsc::{Receiver, Sender, channel};
use std::time::{Duration, Instant};
use trommel::{Batch as _, ErrorKind, Fill, Limit, Position, Source as _};
use trommel_connect::csv::{Batch, Builder, Source, Trim};

/// All rows, fields joined with `|`; a faulty row as its message.
fn rows(mut source: Source) -> Vec<String> {
    let mut rows = Vec::new();
    let mut batch = Batch::default();
    loop {
        let fill = source.fill(&mut batch, &Limit::of_rows(3)).unwrap();
        batch
            .for_each(0, |row| {
                rows.push(match row {
                    Ok(row) => {
                        let fields = row.iter().map(String::from_utf8_lossy);
                        fields.collect::<Vec<_>>().join("|")
                    }
                    Err(error) => {
                        assert_eq!(error.kind(), ErrorKind::Row);
                        error.to_string()
                    }
                });
                Ok(())
            })
            .unwrap();
        if fill == Fill::End {
            return rows;
        }
    }
}

fn read(builder: Builder, text: &str) -> Vec<String> {
    rows(builder.from_reader("x", std::io::Cursor::new(text.to_string())).unwrap())
}

fn plain(text: &str) -> Vec<String> {
    read(Source::builder(), text)
}

#[test]
fn traps_of_quoting() {
    assert_eq!(plain("a,b\n1,\"x, y\"\n"), ["1|x, y"]);
    assert_eq!(plain("a,b\n1,\"say \"\"hi\"\"\"\n"), ["1|say \"hi\""]);
    assert_eq!(plain("a,b\n1,\"two\nlines\"\n2,\"\"\n"), ["1|two\nlines", "2|"]);
    assert_eq!(plain("a,b\r\n1,\"two\r\nlines\"\r\n"), ["1|two\r\nlines"]);
    assert_eq!(plain("a,b\n1,{\"k\": \"v\"}\n"), ["1|{\"k\": \"v\"}"]);
    assert_eq!(plain("a,b\n1,\"{\"\"k\"\": [1, 2]}\"\n"), ["1|{\"k\": [1, 2]}"]);
    assert_eq!(plain("a,b\n\"x\"y,z\"w\"\n"), ["xy|z\"w\""]);
    assert_eq!(plain("a,b\n \"x\",1\n"), [" \"x\"|1"]);
    assert_eq!(plain("a,b\nʤ,ä€🦀\n"), ["ʤ|ä€🦀"]);
}

#[test]
fn traps_of_lines() {
    assert_eq!(plain("a,b\r1,2\r3,4"), ["1|2", "3|4"], "lines that end in \\r alone");
    assert_eq!(plain("a,b\n\n\r\n1,2\n\n\n"), ["1|2"], "empty lines are nothing");
    assert_eq!(plain("a\n \n"), [" "], "a blank is something");
    assert_eq!(plain("a,b\n1,"), ["1|"], "no line end at the end");
    assert_eq!(plain("a,b\n\0,\0\0\n"), ["\0|\0\0"], "zero bytes are text");
}

#[test]
fn options_change_what_counts() {
    let b = Source::builder;
    assert_eq!(read(b().delimiter(b'\t'), "a\tb\n1,5\t2\n"), ["1,5|2"]);
    assert_eq!(read(b().quote(b'\''), "a,b\n'1,5',\"\n"), ["1,5|\""]);
    assert_eq!(read(b().quoting(false), "a,b\n\"1,2\"\n"), ["\"1|2\""]);
    assert_eq!(read(b().escape(b'\\'), "a,b\n\"\\\"x\\\\\",2\n"), ["\"x\\|2"]);
    assert_eq!(read(b().double_quote(false), "a\n\"x\"\"y\"\n"), ["x\"y\""]);
    assert_eq!(read(b().comment(b'#'), "#a \"b\na\n#,\"\n1\n#"), ["1"]);
    assert_eq!(read(b().trim(Trim::Fields), "a , b\n 1 ,\" 2 \"\n"), ["1|2"]);
    assert_eq!(read(b().has_headers(false), "1,2\n3,4\n"), ["1|2", "3|4"]);
    assert_eq!(read(b().headers(["x", "y"]), "a,b\n3,4\n"), ["3|4"]);
    assert_eq!(read(b().flexible(true), "a,b\n1\n2,3,4\n"), ["1", "2|3|4"]);
}

#[test]
fn headers_are_trimmed_and_a_byte_order_mark_is_not_part_of_a_name() {
    let builder = Source::builder().trim(Trim::Headers);
    let source = builder.from_reader("x", "\u{feff}a , b\n".as_bytes()).unwrap();
    assert_eq!(source.headers().collect::<Vec<_>>(), ["a", "b"]);
}

/// Symptom: names lost their blanks, against what `Trim::Fields` says. Cause: the header was read as a row of
/// fields.
#[test]
fn trimmed_fields_leave_the_names_as_they_are() {
    let builder = || Source::builder().trim(Trim::Fields);
    let source = builder().from_reader("x", "a , b\n1,2\n".as_bytes()).unwrap();
    assert_eq!(source.headers().collect::<Vec<_>>(), ["a ", " b"]);
    let folder = tempfile::tempdir().unwrap();
    let files = ["one.csv", "two.csv"].map(|name| folder.path().join(name));
    for file in &files {
        std::fs::write(file, "a , b\n 1 , 2 \n").unwrap();
    }
    assert_eq!(rows(builder().open_many(&files).unwrap()), ["1|2", "1|2"]);
}

/// Symptom: a header that is no text was said to be in line 1, whatever came before it; one whose quote is
/// never closed was a row error. Fix: the header's own place, and an error of the configuration.
#[test]
fn a_bad_header_is_shown_where_it_is() {
    let open = |text: &'static [u8]| Source::builder().from_reader("x", text).map(drop);
    let error = open(b"\n\na,\xe9\n").unwrap_err();
    let origin = error.origin().expect("a place");
    assert_eq!((origin.line, origin.offset), (Some(3), Some(2)), "{error}");
    let error = open(b"a,\"b\n1,2\n").unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Config, "{error}");
    assert!(error.to_string().contains("never closed"), "{error}");
}

/// Symptom: a million blank lines took minutes where comments are allowed. Cause: at each of them all that
/// follow were looked at. The time is not asserted: it was as long as that of a hang.
#[test]
fn blank_lines_are_looked_at_once_where_comments_are_allowed() {
    let blanks = "\n".repeat(1 << 20);
    let text = format!("{blanks}#x\n{blanks}a\n1\n{blanks}# \"\n\r\n#y\n\n2\n{blanks}");
    assert_eq!(read(Source::builder().comment(b'#'), &text), ["1", "2"]);
}

#[test]
fn nothing_is_not_an_error() {
    for text in ["", "\n\r\n", "\u{feff}", "a,b", "a,b\r\n", "\u{feff}a,b\n"] {
        assert_eq!(plain(text), [""; 0], "{text:?}");
        assert_eq!(read(Source::builder().headers(["a", "b"]), text), [""; 0], "{text:?}");
    }
    assert_eq!(read(Source::builder().has_headers(false), "\u{feff}"), [""; 0]);
}

#[test]
fn a_batch_holds_the_rows_that_are_wanted_and_says_how_many_before_parsing() {
    let text: String = (0..10_000).map(|n| format!("{n},{}\n", "x".repeat(n % 97))).collect();
    let mut file = tempfile::NamedTempFile::new().unwrap();
    file.write_all(text.as_bytes()).unwrap();
    let mut batch = Batch::default();
    for wanted in [1, 7, 128, 4096, 20_000] {
        let mut source = Source::builder().has_headers(false).open(file.path()).unwrap();
        assert_eq!(source.size().bytes, Some(text.len() as u64));
        let mut next = 0;
        loop {
            let fill = source.fill(&mut batch, &Limit::of_rows(wanted)).unwrap();
            assert_eq!(batch.len(), wanted.min(10_000 - next));
            let len = batch.len();
            batch
                .for_each(0, |row| {
                    let row = row?;
                    assert_eq!(row.get::<usize>(0usize)?, next);
                    assert_eq!(row.bytes(1usize)?.len(), next % 97);
                    assert_eq!(row.record(), next as u64);
                    next += 1;
                    Ok(())
                })
                .unwrap();
            if fill == Fill::End {
                break;
            }
            assert_eq!(len, wanted);
        }
        assert_eq!(next, 10_000);
        assert_eq!(source.bytes_read(), text.len() as u64);
    }
}

#[test]
fn the_first_rows_can_be_passed_over_and_found() {
    let mut source = Source::from_reader("x.csv", "a\n0\n\n1\n2\n3\n".as_bytes()).unwrap();
    let mut batch = Batch::default();
    source.fill(&mut batch, &Limit::of_rows(9)).unwrap();
    let mut seen = Vec::new();
    batch
        .for_each(2, |row| {
            seen.push(row?.get::<u8>("a")?);
            Ok(())
        })
        .unwrap();
    assert_eq!(seen, [2, 3]);
    let mut found = Vec::new();
    batch.locate(&[1, 3, 9], &mut |row, origin, raw| {
        assert_eq!(origin.source.as_deref(), Some("x.csv"));
        found.push((row, origin.record, origin.line, origin.offset, raw.to_vec()));
    });
    assert_eq!(
        found,
        [
            (1, Some(1), Some(4), Some(5), b"1".to_vec()),
            (3, Some(3), Some(6), Some(9), b"3".to_vec()),
        ]
    );
}

#[test]
fn a_batch_is_split_at_the_very_row() {
    let text = "a\n\"0\n\"\n1\n\n2\n";
    for at in 1..3 {
        let mut source = Source::from_reader("x", text.as_bytes()).unwrap();
        let (mut batch, mut tail) = (Batch::default(), Batch::default());
        source.fill(&mut batch, &Limit::of_rows(9)).unwrap();
        assert!(!batch.split_off(0, &mut tail));
        assert!(!batch.split_off(3, &mut tail));
        assert!(batch.split_off(at, &mut tail));
        let mut seen = Vec::new();
        for part in [&mut batch, &mut tail] {
            part.for_each(0, |row| {
                let row = row?;
                seen.push((row.record(), row.line(), row.str("a")?.trim().to_string()));
                Ok(())
            })
            .unwrap();
        }
        let wanted = [(0, 2), (1, 4), (2, 6)];
        assert_eq!(seen, wanted.map(|(record, line)| (record, line, record.to_string())));
    }
}

#[test]
fn compressed_input_is_a_reader_like_any_other() {
    let text: String = (0..50_000).map(|n| format!("{n},\"{n}\"\n")).collect();
    let mut encoder = GzEncoder::new(Vec::new(), Compression::fast());
    encoder.write_all(b"a,b\n").unwrap();
    encoder.write_all(text.as_bytes()).unwrap();
    let packed = std::io::Cursor::new(encoder.finish().unwrap());
    let seen = rows(Source::from_reader("x.gz", GzDecoder::new(packed)).unwrap());
    assert_eq!(seen.len(), 50_000);
    assert_eq!(seen[49_999], "49999|49999");
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

fn pipe(first: &'static str) -> (Sender<&'static str>, Source) {
    let (sender, receiver) = channel();
    sender.send(first).unwrap();
    (sender, Source::from_reader("pipe", Pipe(receiver)).unwrap())
}

#[test]
fn rows_that_have_arrived_do_not_wait_for_those_that_have_not() {
    let (sender, mut source) = pipe("a\n1\n2\n\"3");
    let mut batch = Batch::default();
    let limit = Limit::of_rows(1000);
    assert_eq!(source.fill(&mut batch, &limit).unwrap(), Fill::More);
    assert_eq!(batch.len(), 2);
    let later = std::thread::spawn(move || {
        std::thread::sleep(Duration::from_millis(50));
        sender.send("\n\"\n").unwrap();
        sender
    });
    assert_eq!(source.fill(&mut batch, &limit).unwrap(), Fill::More);
    assert_eq!(batch.len(), 1, "it waits for a whole row");
    drop(later.join().unwrap());
    assert_eq!(source.fill(&mut batch, &limit).unwrap(), Fill::End);
    assert_eq!(batch.len(), 0);
}

#[test]
fn a_source_that_is_dropped_does_not_wait_for_its_reader() {
    let (sender, mut source) = pipe("a\n1\n");
    source.fill(&mut Batch::default(), &Limit::of_rows(10)).unwrap();
    let start = Instant::now();
    drop(source);
    assert!(start.elapsed() < Duration::from_secs(1));
    drop(sender);
}

#[test]
fn only_files_have_positions() {
    let mut source = Source::from_reader("x", "a\n1\n".as_bytes()).unwrap();
    assert_eq!(source.position(), None);
    let error = source.seek(&Position::from_numbers(&[2, 0, 2])).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Unsupported);

    let mut file = tempfile::NamedTempFile::new().unwrap();
    file.write_all(b"a\n1\n2\n").unwrap();
    let mut source = Source::open(file.path()).unwrap();
    assert_eq!(source.position(), Some(Position::from_numbers(&[2, 0, 2])));
    source.seek(&Position::from_numbers(&[4, 1, 3])).unwrap();
    assert_eq!(rows(source), ["2"]);

    let mut source = Source::open(file.path()).unwrap();
    let error = source.seek(&Position::from_numbers(&[7, 1, 3])).unwrap_err();
    assert!(error.message().contains("it has only 6 bytes"), "{error}");
    let error = source.seek(&Position::from_bytes(b"key")).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Unsupported);
}
