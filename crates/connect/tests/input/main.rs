//! Compressed input and many files, through CSV and JSON lines.

mod heads;
mod many;
mod stdin;

use std::collections::HashMap;
use std::io::{Cursor, Read, Write};
use std::path::{Path, PathBuf};
use trommel::{Batch as _, Error, ErrorKind, Fill, Limit, Source as _};
use trommel_connect::input::Compression;
use trommel_connect::{csv, ndjson};

const ROWS: u64 = 30_000;

fn table(from: u64, to: u64) -> String {
    let mut text = String::from("id,name\n");
    for id in from..to {
        text.push_str(&format!("{id},\"item, {}\"\n", id * 7919 % 10_007));
    }
    text
}

fn compress(method: Compression, data: &[u8]) -> Vec<u8> {
    let mut packed = Vec::new();
    match method {
        Compression::Gzip(_) => {
            let mut encoder =
                flate2::write::GzEncoder::new(&mut packed, flate2::Compression::fast());
            encoder.write_all(data).unwrap();
            encoder.finish().unwrap();
        }
        Compression::Zstd(_) => {
            let mut encoder = zstd::Encoder::new(&mut packed, 1).unwrap();
            encoder.include_checksum(true).unwrap();
            encoder.write_all(data).unwrap();
            encoder.finish().unwrap();
        }
        Compression::Bzip2 => {
            let mut encoder = bzip2::write::BzEncoder::new(&mut packed, bzip2::Compression::fast());
            encoder.write_all(data).unwrap();
            encoder.finish().unwrap();
        }
        Compression::Lz4 => {
            let info = lz4_flex::frame::FrameInfo::new().content_checksum(true);
            let mut encoder = lz4_flex::frame::FrameEncoder::with_frame_info(info, &mut packed);
            encoder.write_all(data).unwrap();
            encoder.finish().unwrap();
        }
        Compression::Xz => {
            let options = lzma_rust2::XzOptions::with_preset(1);
            let mut encoder = lzma_rust2::XzWriter::new(&mut packed, options).unwrap();
            encoder.write_all(data).unwrap();
            encoder.finish().unwrap();
        }
        _ => packed = data.to_vec(),
    }
    packed
}

const METHODS: [(Compression, &str); 6] = [
    (Compression::None, "csv"),
    (Compression::GZIP, "csv.gz"),
    (Compression::ZSTD, "csv.zst"),
    (Compression::Bzip2, "csv.bz2"),
    (Compression::Lz4, "csv.lz4"),
    (Compression::Xz, "csv.xz"),
];

/// The ids up to the end or to an error; calls `after` behind each batch.
fn ids(
    source: &mut csv::Source,
    rows: usize,
    mut after: impl FnMut(&csv::Source, usize),
) -> (Vec<u64>, Option<Error>) {
    let mut batch = csv::Batch::default();
    let mut all = Vec::new();
    loop {
        let fill = match source.fill(&mut batch, &Limit::of_rows(rows)) {
            Ok(fill) => fill,
            Err(error) => return (all, Some(error)),
        };
        batch
            .for_each(0, |row| {
                all.push(row?.get::<u64>(0)?);
                Ok(())
            })
            .unwrap();
        after(source, all.len());
        if fill == Fill::End {
            return (all, None);
        }
    }
}

fn all_ids(source: &mut csv::Source) -> Vec<u64> {
    let (ids, error) = ids(source, 1000, |_, _| {});
    assert!(error.is_none(), "{error:?}");
    ids
}

#[test]
fn every_method_by_extension_and_by_option_from_files_and_readers() {
    let dir = tempfile::tempdir().unwrap();
    let text = table(0, ROWS);
    let (head, tail) = text.split_at(text.len() / 3);
    for (method, extension) in METHODS {
        // Of two members, frames or streams.
        let packed =
            [compress(method, head.as_bytes()), compress(method, tail.as_bytes())].concat();
        let path = dir.path().join(format!("items.{extension}"));
        std::fs::write(&path, &packed).unwrap();
        let mut by_name = csv::Source::open(&path).unwrap();
        assert_eq!(by_name.size().bytes, Some(packed.len() as u64));
        assert_eq!(all_ids(&mut by_name), (0..ROWS).collect::<Vec<_>>(), "{method:?}");
        assert_eq!(by_name.bytes_read(), packed.len() as u64, "{method:?}");

        let odd = dir.path().join("items");
        std::fs::write(&odd, &packed).unwrap();
        let mut by_option = csv::Source::builder().compression(method).open(&odd).unwrap();
        assert_eq!(all_ids(&mut by_option).len() as u64, ROWS);
        let builder = csv::Source::builder().compression(method);
        let mut reader = builder.from_reader("items", Cursor::new(packed)).unwrap();
        assert_eq!(all_ids(&mut reader).len() as u64, ROWS);
        assert_eq!(reader.position(), None);
    }
}

#[test]
fn a_stream_that_is_cut_off_or_damaged_is_an_error_with_its_place() {
    let dir = tempfile::tempdir().unwrap();
    let text = table(0, ROWS);
    for (method, extension) in &METHODS[1..] {
        let packed = compress(*method, text.as_bytes());
        let path = dir.path().join(format!("items.{extension}"));
        for cut in [packed.len() - 1, packed.len() - 5, packed.len() / 2] {
            std::fs::write(&path, &packed[..cut]).unwrap();
            // The header may be in a block that was cut off.
            let (ids, error) = match csv::Source::open(&path) {
                Ok(mut source) => ids(&mut source, 1000, |_, _| {}),
                Err(error) => (Vec::new(), Some(error)),
            };
            let error = error.unwrap_or_else(|| panic!("{method:?} of {cut} bytes")).to_string();
            assert!(error.contains(&format!("cannot read {}", path.display())), "{error}");
            assert!(error.contains(&format!("compressed byte {cut}")), "{error}");
            assert!(ids.iter().copied().eq(0..ids.len() as u64), "rows before it are good");
        }
        let mut damaged = packed.clone();
        let middle = packed.len() / 2;
        damaged[middle..middle + 40].fill(0x55);
        std::fs::write(&path, &damaged).unwrap();
        // Small ones are read whole with the header. Until the damage shows, bytes may be wrong.
        let error = match csv::Source::open(&path) {
            Ok(mut source) => loop {
                let limit = Limit::of_rows(1000);
                match source.fill(&mut csv::Batch::default(), &limit) {
                    Ok(Fill::More) => {}
                    Ok(Fill::End) => break None,
                    Err(error) => break Some(error),
                }
            },
            Err(error) => Some(error),
        };
        assert!(error.unwrap().to_string().contains("stream"), "{method:?}");

        std::fs::write(&path, text.as_bytes()).unwrap();
        let error = csv::Source::open(&path).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Io);
        assert!(error.to_string().contains("not a sound"), "{error}");
    }
}

#[test]
fn positions_in_compressed_files_resume_exactly() {
    let dir = tempfile::tempdir().unwrap();
    let text = table(0, 5_000);
    for (method, extension) in METHODS {
        let path = dir.path().join(format!("items.{extension}"));
        std::fs::write(&path, compress(method, text.as_bytes())).unwrap();
        let mut stops = Vec::new();
        let mut source = csv::Source::open(&path).unwrap();
        let (all, _) = ids(&mut source, 700, |source, rows| {
            stops.push((source.position().unwrap(), rows));
        });
        for (position, rows) in stops {
            let mut source = csv::Source::open(&path).unwrap();
            source.seek(&position).unwrap();
            assert_eq!(all_ids(&mut source), all[rows..], "{method:?}");
        }
    }
}

#[test]
fn json_lines_come_from_the_same_inputs() {
    let dir = tempfile::tempdir().unwrap();
    let lines =
        |ids: std::ops::Range<u64>| ids.map(|id| format!("{{\"id\":{id}}}\n")).collect::<String>();
    for (name, ids) in
        [("a.ndjson.gz", 0..3_000), ("b.ndjson", 3_000..3_001), ("c.ndjson.zst", 3_001..9_000)]
    {
        let path = dir.path().join(name);
        std::fs::write(&path, compress(Compression::of_path(&path), lines(ids).as_bytes()))
            .unwrap();
    }
    let mut source = ndjson::Source::open_directory(dir.path()).unwrap();
    let mut batch = ndjson::Batch::default();
    let (mut seen, mut stops) = (Vec::new(), Vec::new());
    loop {
        let fill = source.fill(&mut batch, &Limit::of_rows(800)).unwrap();
        batch
            .for_each(0, |row| {
                seen.push(row?.get::<u64>("id")?);
                Ok(())
            })
            .unwrap();
        stops.push((source.position().unwrap(), seen.len()));
        if fill == Fill::End {
            break;
        }
    }
    assert_eq!(seen, (0..9_000).collect::<Vec<_>>());
    for (position, rows) in stops {
        source.seek(&position).unwrap();
        source.fill(&mut batch, &Limit::of_rows(1)).unwrap();
        let mut next = None;
        batch
            .for_each(0, |row| {
                next = Some(row?.get::<u64>("id")?);
                Ok(())
            })
            .unwrap();
        if !batch.is_empty() {
            assert_eq!(next, Some(rows as u64));
        }
    }
}

#[test]
fn a_method_that_reads_slowly_does_not_hold_back_rows() {
    /// Gives one compressed member, then waits until it is dropped.
    struct Slow(Cursor<Vec<u8>>, std::sync::mpsc::Receiver<()>);
    impl Read for Slow {
        fn read(&mut self, space: &mut [u8]) -> std::io::Result<usize> {
            match self.0.read(space)? {
                0 => {
                    let _ = self.1.recv();
                    Ok(0)
                }
                count => Ok(count),
            }
        }
    }
    let (release, wait) = std::sync::mpsc::channel();
    let packed = compress(Compression::GZIP, table(0, 10).as_bytes());
    let builder = ndjson::Source::builder().compression(Compression::GZIP);
    let mut source = builder.from_reader("slow", Slow(Cursor::new(packed), wait)).unwrap();
    let mut batch = ndjson::Batch::default();
    let mut rows = 0;
    while rows < 11 {
        source.fill(&mut batch, &Limit::of_rows(1000)).unwrap();
        rows += batch.len();
    }
    drop(release);
    assert_eq!(rows, 11);
}
