//! Inputs that begin like something else than text.
//!
//! Symptom: gzip bytes under `.csv`, `.zip` or `.br` files and UTF-16 said "the name of column 0 is
//! not valid UTF-8: give the names with `headers`". Cause: nothing looked at the first bytes. Fix: an
//! input that nobody has said the compression of is looked at before it is read.

use super::{METHODS, compress, table};
use std::io::{Cursor, Read};
use std::path::Path;
use trommel::{Batch as _, Error, ErrorKind, Fill, Limit, Result, Source};
use trommel_connect::input::Compression;
use trommel_connect::{csv, ndjson};

fn rows<S: Source>(mut source: S) -> Result<usize> {
    let (mut batch, mut rows) = (S::Batch::default(), 0);
    loop {
        let fill = source.fill(&mut batch, &Limit::of_rows(1000))?;
        rows += batch.len();
        if fill == Fill::End {
            return Ok(rows);
        }
    }
}

/// Checks that every way to read a file says the same.
#[track_caller]
fn refused(path: &Path, parts: &[&str]) {
    let bytes = std::fs::read(path).unwrap();
    // A byte at a time, as a slow peer sends them.
    struct Slow(Cursor<Vec<u8>>);
    impl Read for Slow {
        fn read(&mut self, space: &mut [u8]) -> std::io::Result<usize> {
            let one = space.len().min(1);
            self.0.read(&mut space[..one])
        }
    }
    let reader = || Slow(Cursor::new(bytes.clone()));
    let errors: [Error; 6] = [
        csv::Source::open(path).and_then(rows).unwrap_err(),
        csv::Source::builder()
            .has_headers(false)
            .flexible(true)
            .open(path)
            .and_then(rows)
            .unwrap_err(),
        csv::Source::from_reader("stream", reader()).and_then(rows).unwrap_err(),
        ndjson::Source::open(path).and_then(rows).unwrap_err(),
        ndjson::Source::open_many([path]).and_then(rows).unwrap_err(),
        ndjson::Source::builder()
            .array(true)
            .from_reader("stream", reader())
            .and_then(rows)
            .unwrap_err(),
    ];
    for error in errors {
        assert_eq!(error.kind(), ErrorKind::Config, "{error}");
        for part in parts {
            assert!(error.to_string().contains(part), "no `{part}` in: {error}");
        }
    }
}

#[test]
fn what_is_compressed_by_a_method_that_nobody_said_is_named_with_the_remedy() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("table.csv");
    for (method, _) in METHODS {
        if method == Compression::None {
            continue;
        }
        for data in [table(0, 100), String::new()] {
            std::fs::write(&path, compress(method, data.as_bytes())).unwrap();
            let says = match method {
                Compression::Gzip(_) => ["begins like gzip", ".compression(Compression::GZIP)"],
                Compression::Zstd(_) => ["begins like zstd", ".compression(Compression::ZSTD)"],
                Compression::Bzip2 => ["begins like bzip2", ".compression(Compression::Bzip2)"],
                Compression::Lz4 => ["begins like lz4", ".compression(Compression::Lz4)"],
                _ => ["begins like xz", ".compression(Compression::Xz)"],
            };
            refused(&path, &says);
        }
    }
}

#[test]
fn what_is_no_text_is_named_with_the_remedy() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("table.csv");
    let utf16 = |mark: [u8; 2], unit: fn(u16) -> [u8; 2]| {
        let text = table(0, 10);
        [mark].into_iter().chain(text.encode_utf16().map(unit)).flatten().collect::<Vec<_>>()
    };
    let cases: [(Vec<u8>, &[&str]); 7] = [
        (b"PK\x03\x04\x14\0\0\0".to_vec(), &["a zip archive", "unzip -p"]),
        (b"\x1f\x9d\x90ab".to_vec(), &["compress (.Z)", "zcat"]),
        (b"7z\xbc\xaf\x27\x1c\0\x04".to_vec(), &["a 7z archive", "7z x -so"]),
        (utf16([0xff, 0xfe], u16::to_le_bytes), &["UTF-16", "iconv -f UTF-16 -t UTF-8"]),
        (utf16([0xfe, 0xff], u16::to_be_bytes), &["UTF-16", "iconv -f UTF-16 -t UTF-8"]),
        (b"PAR1\x15\x04\x15".to_vec(), &["a file of Parquet", "parquet::Source"]),
        (b"SQLite format 3\0\x10\0".to_vec(), &["a file of SQLite", "sqlite::Source"]),
    ];
    for (bytes, says) in cases {
        std::fs::write(&path, bytes).unwrap();
        refused(&path, says);
    }
}

#[test]
fn an_extension_of_a_method_that_is_not_read_is_named_with_the_remedy() {
    let directory = tempfile::tempdir().unwrap();
    for (extension, says) in [
        ("csv.br", ["Brotli by its name", "brotli -dc"]),
        ("csv.Z", ["compress by its name", "zcat"]),
        ("zip", ["a zip archive by its name", "unzip -p"]),
        ("tgz", ["a tar archive by its name", "tar -xO"]),
    ] {
        let path = directory.path().join(format!("table.{extension}"));
        std::fs::write(&path, table(0, 10)).unwrap();
        let errors = [
            csv::Source::open(&path).map(drop).unwrap_err(),
            ndjson::Source::open_many([&path]).map(drop).unwrap_err(),
        ];
        for error in errors {
            assert_eq!(error.kind(), ErrorKind::Config, "{error}");
            for part in says {
                assert!(error.to_string().contains(part), "no `{part}` in: {error}");
            }
        }
        // Whoever knows better says so.
        let builder = csv::Source::builder().compression(Compression::None);
        assert_eq!(builder.open(&path).and_then(rows).unwrap(), 10);
    }
}

#[test]
fn a_method_that_the_file_is_not_of_is_named_with_what_it_is() {
    let directory = tempfile::tempdir().unwrap();
    for (method, extension) in METHODS {
        let path = directory.path().join(format!("table.{extension}"));
        for (other, name) in
            [(Compression::None, "does not begin like"), (Compression::ZSTD, "begins like zstd")]
        {
            if method == Compression::None || method == other {
                continue;
            }
            std::fs::write(&path, compress(other, table(0, 100).as_bytes())).unwrap();
            let error = csv::Source::open(&path).and_then(rows).unwrap_err();
            let text =
                std::error::Error::source(&error).map(ToString::to_string).unwrap_or_default();
            assert!(text.contains(name), "{extension}: {error}: {text}");
        }
    }
}

#[test]
fn text_is_text_whatever_it_begins_with() {
    for text in [
        "BZh91,b\n1,2\n",
        "PK,b\n1,2\n",
        "PAR1,b\n1,2\n",
        "SQLite format,b\n1,2\n",
        "\u{feff}a,b\n1,2\n",
    ] {
        let source = csv::Source::from_reader("text", Cursor::new(text)).unwrap();
        assert_eq!(rows(source).unwrap(), 1, "{text}");
    }
    // Latin-1 that happens to begin like zstd, and is said to be text.
    let text = b"(\xb5/\xfd,b\n1,2\n";
    let builder = || csv::Source::builder().headers(["a", "b"]);
    let error = builder().from_reader("text", &text[..]).and_then(rows).unwrap_err();
    assert!(error.to_string().contains("`Compression::None` if it is text"), "{error}");
    let builder = builder().compression(Compression::None);
    assert_eq!(builder.from_reader("text", &text[..]).and_then(rows).unwrap(), 1);
}

/// The second file of several, in the midst of a run.
#[test]
fn each_file_of_several_is_looked_at() {
    let directory = tempfile::tempdir().unwrap();
    let paths = ["a.csv", "b.csv"].map(|name| directory.path().join(name));
    std::fs::write(&paths[0], table(0, 10)).unwrap();
    std::fs::write(&paths[1], compress(Compression::GZIP, table(0, 10).as_bytes())).unwrap();
    let error = csv::Source::open_many(&paths).and_then(rows).unwrap_err();
    assert!(error.to_string().contains("b.csv is no text: it begins like gzip"), "{error}");
}
