//! Compressed input and many files, through CSV and JSON lines.

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
        Compression::Gzip => {
            let mut encoder =
                flate2::write::GzEncoder::new(&mut packed, flate2::Compression::fast());
            encoder.write_all(data).unwrap();
            encoder.finish().unwrap();
        }
        Compression::Zstd => {
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
    (Compression::Gzip, "csv.gz"),
    (Compression::Zstd, "csv.zst"),
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

fn write_parts(dir: &Path) -> Vec<PathBuf> {
    let parts = [
        ("a.csv", 0, 500),
        ("b.csv.gz", 500, 500),
        ("c.csv.zst", 500, 2_000),
        ("d.csv", 2_000, 2_001),
    ];
    parts
        .into_iter()
        .map(|(name, from, to)| {
            let path = dir.join(name);
            let packed = compress(Compression::of_path(&path), table(from, to).as_bytes());
            std::fs::write(&path, packed).unwrap();
            path
        })
        .collect()
}

#[test]
fn many_files_are_one_source_whose_positions_name_the_file() {
    let dir = tempfile::tempdir().unwrap();
    let paths = write_parts(dir.path());
    std::fs::write(dir.path().join("_SUCCESS"), "").unwrap();
    std::fs::create_dir(dir.path().join("more")).unwrap();
    let pattern = format!("{}/*.csv*", dir.path().display());
    let sources = [
        csv::Source::open_many(&paths),
        csv::Source::open_directory(dir.path()),
        csv::Source::open_glob(&pattern),
    ];
    for source in sources {
        let mut source = source.unwrap();
        let stored: u64 = paths.iter().map(|path| path.metadata().unwrap().len()).sum();
        assert_eq!(source.size().bytes, Some(stored));
        assert_eq!(all_ids(&mut source), (0..2_001).collect::<Vec<_>>());
        assert_eq!(source.bytes_read(), stored);
    }
    let mut source = csv::Source::open_many(&paths).unwrap();
    let mut stops = vec![(source.position().unwrap(), 0)];
    let (all, _) = ids(&mut source, 300, |source, rows| {
        stops.push((source.position().unwrap(), rows));
    });
    for (position, rows) in &stops {
        let mut source = csv::Source::open_many(&paths).unwrap();
        source.seek(position).unwrap();
        assert_eq!(all_ids(&mut source), all[*rows..]);
    }
    // Another order is another source.
    let swapped = [&paths[1], &paths[0], &paths[3], &paths[2]];
    let mut source = csv::Source::open_many(swapped).unwrap();
    let error = source.seek(&stops.last().unwrap().0).unwrap_err();
    assert!(error.message().contains("is not the one in which the earlier run stopped"), "{error}");
    let mut one = csv::Source::open(&paths[0]).unwrap();
    assert_eq!(one.seek(&stops[0].0).unwrap_err().kind(), ErrorKind::Unsupported);
}

#[test]
fn rows_say_in_which_file_they_are() {
    let dir = tempfile::tempdir().unwrap();
    let paths = ["a", "b"].map(|name| dir.path().join(name));
    std::fs::write(&paths[0], "id,name\n1,x\n2\n").unwrap();
    std::fs::write(&paths[1], "id,name\n\n3\n4,y").unwrap();
    let mut source = csv::Source::open_many(&paths).unwrap();
    let mut batch = csv::Batch::default();
    let mut faults = HashMap::new();
    loop {
        let fill = source.fill(&mut batch, &Limit::of_rows(100)).unwrap();
        batch
            .for_each(0, |row| {
                if let Err(error) = row {
                    let origin = error.origin().unwrap();
                    let place = (origin.line, origin.offset, origin.record);
                    faults.insert(origin.source.clone().unwrap().to_string(), place);
                }
                Ok(())
            })
            .unwrap();
        if fill == Fill::End {
            break;
        }
    }
    let name = |path: &PathBuf| path.display().to_string();
    assert_eq!(faults[&name(&paths[0])], (Some(3), Some(12), Some(1)));
    assert_eq!(faults[&name(&paths[1])], (Some(3), Some(9), Some(0)));
}

#[test]
fn a_header_that_differs_ends_the_run_and_says_where() {
    let dir = tempfile::tempdir().unwrap();
    let paths = ["a", "b"].map(|name| dir.path().join(name));
    std::fs::write(&paths[0], "id,name\n1,x\n").unwrap();
    let cases = [
        ("name,id\n", "column 0 (counted from 0) is `name` and not `id`"),
        ("id\n", "1 field where 2 are expected"),
        ("id,name,more\n", "3 fields where 2 are expected"),
    ];
    for (header, expected) in cases {
        std::fs::write(&paths[1], format!("{header}1,2\n")).unwrap();
        let mut source = csv::Source::open_many(&paths).unwrap();
        let (seen, error) = ids(&mut source, 100, |_, _| {});
        let error = error.unwrap();
        assert_eq!((seen, error.kind()), (vec![1], ErrorKind::Config));
        assert!(error.message().contains(expected), "{error}");
        assert_eq!(error.origin().unwrap().source.as_deref(), paths[1].to_str());
        // Asked again it says the same, and doesn't go on as if nothing were.
        assert!(ids(&mut source, 100, |_, _| {}).1.is_some());
        let given = csv::Source::builder().headers(["x", "y"]).flexible(true);
        assert_eq!(all_ids(&mut given.open_many(&paths).unwrap()), [1, 1]);
    }
    std::fs::write(&paths[0], "").unwrap();
    std::fs::write(&paths[1], "id,name\n1,2\n").unwrap();
    assert_eq!(all_ids(&mut csv::Source::open_many(&paths).unwrap()), [1]);
}

#[test]
fn what_is_not_there_is_said_before_anything_is_read() {
    let dir = tempfile::tempdir().unwrap();
    let there = dir.path().join("a.csv");
    std::fs::write(&there, "id\n1\n").unwrap();
    let missing = dir.path().join("b.csv");
    let error = csv::Source::open_many([&there, &missing]).unwrap_err();
    assert!(
        error.message().contains("cannot open") && error.message().contains("b.csv"),
        "{error}"
    );
    let error = csv::Source::open_many([there.as_path(), dir.path()]).unwrap_err();
    assert!(error.message().contains("not a regular file"), "{error}");
    let none = Vec::<PathBuf>::new();
    assert_eq!(csv::Source::open_many(none).unwrap_err().kind(), ErrorKind::Config);
    let error = csv::Source::open_glob("/nowhere/*.csv").unwrap_err();
    assert!(error.message().contains("no file matches `/nowhere/*.csv`"), "{error}");
    assert_eq!(csv::Source::open_glob("a***").unwrap_err().kind(), ErrorKind::Config);
    let empty = tempfile::tempdir().unwrap();
    let error = csv::Source::open_directory(empty.path()).unwrap_err();
    assert!(error.message().contains("there is no file in"), "{error}");
    let error = csv::Source::open_directory(dir.path().join("x")).unwrap_err();
    assert!(error.message().contains("cannot list"), "{error}");
}

#[test]
fn a_changed_file_has_another_fingerprint() {
    let dir = tempfile::tempdir().unwrap();
    let paths = write_parts(dir.path());
    let print = || csv::Source::open_many(&paths).unwrap().fingerprint().unwrap().unwrap();
    let then = print();
    assert_eq!(then.difference(&print()), None);
    std::fs::write(&paths[3], table(2_000, 2_002)).unwrap();
    let difference = then.difference(&print()).unwrap();
    assert!(difference.contains("size of") && difference.contains("d.csv"), "{difference}");
    let one = |text: &str| {
        std::fs::write(&paths[0], text).unwrap();
        let file = std::fs::File::options().write(true).open(&paths[0]).unwrap();
        file.set_modified(std::time::UNIX_EPOCH).unwrap();
        csv::Source::open(&paths[0]).unwrap().fingerprint().unwrap().unwrap()
    };
    let difference = one("id\n1\n").difference(&one("id\n2\n")).unwrap();
    assert!(difference.contains("hash of the head"), "{difference}");
    let reader = csv::Source::from_reader("x", &b"id\n"[..]).unwrap();
    assert_eq!(reader.fingerprint().unwrap(), None);
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
    let packed = compress(Compression::Gzip, table(0, 10).as_bytes());
    let builder = ndjson::Source::builder().compression(Compression::Gzip);
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
