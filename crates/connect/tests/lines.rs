//! Lines of files and streams.

use proptest::prelude::*;
use std::io::Write;
use trommel::{Batch, ErrorKind, Fill, Limit, Origin, Source as _};
use trommel_connect::lines::{Batch as Lines, Source};

/// A line and where it was: number, byte offset.
type Found = (Vec<u8>, u64, u64);

/// All lines that a source gives, in batches of `rows`, each cut in two where that can be.
fn all(source: &mut Source, rows: usize) -> Vec<Found> {
    let mut found = Vec::new();
    let mut batch = Lines::default();
    loop {
        let filled = source.fill(&mut batch, &Limit::of_rows(rows)).unwrap();
        let mut tail = Lines::default();
        let half = batch.len() / 2;
        batch.split_off(half, &mut tail);
        for batch in [&mut batch, &mut tail] {
            let count = batch.len();
            let mut lines = Vec::new();
            batch
                .for_each(0, |line| {
                    lines.push(line?.to_vec());
                    Ok(())
                })
                .unwrap();
            assert_eq!(lines.len(), count);
            let indices: Vec<usize> = (0..count).collect();
            batch.locate(&indices, &mut |row, origin, raw| {
                assert_eq!(raw, lines[row]);
                let Origin { record, line, offset, .. } = origin;
                assert_eq!(line, record.map(|record| record + 1));
                found.push((raw.to_vec(), record.unwrap(), offset.unwrap()));
            });
        }
        if filled == Fill::End {
            return found;
        }
    }
}

/// The same by hand.
fn expected(text: &[u8]) -> Vec<Found> {
    let mut offset = 0;
    let line = |(number, line): (usize, &[u8])| {
        let at = offset;
        offset += line.len() as u64;
        let line = line.strip_suffix(b"\n").unwrap_or(line);
        (line.strip_suffix(b"\r").unwrap_or(line).to_vec(), number as u64, at)
    };
    text.split_inclusive(|byte| *byte == b'\n').enumerate().map(line).collect()
}

/// A reader that gives a few bytes at a time.
struct Slow(std::io::Cursor<Vec<u8>>, usize);

impl std::io::Read for Slow {
    fn read(&mut self, space: &mut [u8]) -> std::io::Result<usize> {
        let most = space.len().min(self.1);
        std::io::Read::read(&mut self.0, &mut space[..most])
    }
}

proptest! {
    #[test]
    fn any_bytes_in_any_pieces_are_the_same_lines(
        pieces in prop::collection::vec(
            prop::sample::select(vec![&b"\n"[..], b"\r\n", b"\r", b"a", b"b\xff"]),
            0..60,
        ),
        rows in 1usize..40,
        step in 1usize..20,
    ) {
        let text = pieces.concat();
        let slow = Slow(std::io::Cursor::new(text.clone()), step);
        prop_assert_eq!(all(&mut Source::from_reader("x", slow).unwrap(), rows), expected(&text));
    }
}

#[test]
fn files_are_read_one_after_the_other_and_resumed_at_any_line() {
    let dir = tempfile::tempdir().unwrap();
    let paths = [("a", "1\n22\r\n"), ("b", ""), ("c", "333\n\n4")].map(|(name, text)| {
        let path = dir.path().join(name);
        std::fs::write(&path, text).unwrap();
        path
    });
    let open = || Source::open_many(&paths).unwrap();
    let lines = |found: Vec<Found>| -> Vec<_> { found.into_iter().map(|found| found.0).collect() };
    let mut wanted = lines(all(&mut open(), 1));
    assert_eq!(wanted, [&b"1"[..], b"22", b"333", b"", b"4"]);
    let mut first = open();
    while !wanted.is_empty() {
        let mut resumed = open();
        resumed.seek(&first.position().unwrap()).unwrap();
        assert_eq!(lines(all(&mut resumed, 2)), wanted);
        let mut batch = Lines::default();
        while batch.is_empty() {
            first.fill(&mut batch, &Limit::of_rows(1)).unwrap();
        }
        wanted.remove(0);
    }
    assert_eq!(Source::open(dir.path().join("none")).unwrap_err().kind(), ErrorKind::Io);
}

#[test]
fn a_last_line_without_an_end_is_a_bad_row_by_option() {
    for (text, rows, good, offset) in
        [("a\nb", 2, 1, 2), ("a\nb\n", 2, 2, 0), ("ab", 1, 0, 0), ("", 0, 0, 0)]
    {
        // Of a file, which never waits, all come in one batch.
        let mut file = tempfile::NamedTempFile::new().unwrap();
        file.write_all(text.as_bytes()).unwrap();
        let mut source = Source::open(file.path()).unwrap().terminated(true);
        let mut batch = Lines::default();
        assert_eq!(source.fill(&mut batch, &Limit::of_rows(9)).unwrap(), Fill::End);
        assert_eq!(batch.len(), rows, "{text:?}");
        for from in 0..=rows {
            let (mut visited, mut bad) = (0, 0);
            batch
                .for_each(from, |line| {
                    visited += 1;
                    if let Err(error) = line {
                        assert_eq!(error.origin().unwrap().offset, Some(offset), "{error}");
                        bad += 1;
                    }
                    Ok(())
                })
                .unwrap();
            assert_eq!((visited, bad), (rows - from, usize::from(good < rows && from < rows)));
        }
    }
}

#[test]
fn text_that_is_none_is_a_bad_row() {
    let mut file = tempfile::NamedTempFile::new().unwrap();
    file.write_all(b"good\nb\xffd\n").unwrap();
    let mut source = Source::open(file.path()).unwrap().text();
    let mut batch = Default::default();
    source.fill(&mut batch, &Limit::of_rows(9)).unwrap();
    let mut rows = Vec::new();
    batch
        .for_each(0, |row: trommel::Result<&str>| {
            rows.push(row.map(str::to_owned).map_err(|error| error.kind()));
            Ok(())
        })
        .unwrap();
    assert_eq!(rows, [Ok("good".to_owned()), Err(ErrorKind::Row)]);
}

/// Symptom: a batch of lines in a debug message was megabytes of numbers. Cause: its block wrote out
/// its buffer, byte by byte. Fix: blocks say how many bytes they hold.
#[test]
fn a_batch_says_what_it_is_without_its_bytes() {
    let mut source =
        Source::from_reader("letters", std::io::Cursor::new("abc\n".repeat(1000))).unwrap();
    let mut batch = Lines::default();
    source.fill(&mut batch, &Limit::of_rows(1000)).unwrap();
    let text = format!("{batch:?}");
    assert!(text.contains("rows: 1000, bytes: 4000") && text.len() < 400, "{text}");
}
