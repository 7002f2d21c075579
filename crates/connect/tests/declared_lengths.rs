//! Files that say that something is larger than it is, or than there is memory for: an error, where
//! memory taken for it would end the process.
#![cfg(all(unix, feature = "arrow", feature = "csv"))]

use serde::Serialize;
use std::fs::{self, File};
use std::path::Path;
use std::process::Command;
use tempfile::TempDir;
use trommel::{Engine, ErrorKind, Options, Pipeline, Result, RunReport, sinks, sources};
use trommel_connect::arrow::arrow_ipc::{Block, root_as_footer, root_as_message};
use trommel_connect::{arrow, csv};

#[derive(Serialize)]
struct Item {
    id: u64,
    text: &'static str,
}

fn write(path: &Path, compression: arrow::Compression) {
    Pipeline::from(sources::generate(5_000, |id| id))
        .map(|id| Item { id, text: "some text, always the same" })
        .load_into(arrow::Sink::create(path).compression(compression).batch_rows(1_000))
        .run(&Engine::builder().workers(1).build().unwrap())
        .unwrap();
}

fn read(path: &Path) -> Result<RunReport> {
    Pipeline::from(arrow::Source::open(path)?)
        .transform(|row, out| out.emit(row.get::<u64>("id")?))
        .load_into(sinks::count())
        .run(&Engine::builder().workers(1).build()?)
}

/// Where the second record batch lies.
fn second(file: &[u8]) -> Block {
    let tail = file.len() - 10;
    let length = i32::from_le_bytes(file[tail..tail + 4].try_into().unwrap()) as usize;
    let footer = root_as_footer(&file[tail - length..tail]).unwrap();
    *footer.recordBatches().unwrap().get(1)
}

fn says(path: &Path, what: &str) {
    let error = read(path).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Fatal, "{error}");
    let said = format!("{error} {:?}", std::error::Error::source(&error));
    assert!(said.contains("x.arrow is not an Arrow file") && said.contains(what), "{said}");
}

/// Symptom: the process was ended (`memory allocation of … bytes failed`) by a record batch of an
/// Arrow file with a damaged length, and panicked at a negative one.
/// Cause: the reader takes memory for what the file says, before it reads.
/// Fix: what is said of record batches and their buffers is held against the file when it is opened.
#[test]
fn an_arrow_file_with_hostile_lengths_is_not_read() {
    let directory = TempDir::new().unwrap();
    let path = directory.path().join("x.arrow");
    write(&path, arrow::Compression::None);
    let whole = fs::read(&path).unwrap();
    let block = second(&whole);
    let place = block.offset().to_le_bytes();
    let at = whole.windows(8).rposition(|bytes| bytes == place).unwrap();
    assert_eq!(whole[at + 16..at + 24], block.bodyLength().to_le_bytes());
    for length in [-1, i64::MIN, i64::MAX, 1 << 40, block.bodyLength() + (1 << 20)] {
        let mut damaged = whole.clone();
        damaged[at + 16..at + 24].copy_from_slice(&length.to_le_bytes());
        fs::write(&path, damaged).unwrap();
        says(&path, "beyond the end of the file");
    }

    for compression in [arrow::Compression::Lz4, arrow::Compression::Zstd] {
        write(&path, compression);
        let whole = fs::read(&path).unwrap();
        assert_eq!(read(&path).unwrap().counts.loaded, 5_000);
        let block = second(&whole);
        let body = block.offset() as usize + block.metaDataLength() as usize;
        let head = &whole[block.offset() as usize + 8..body];
        let message = root_as_message(head).unwrap();
        let buffers = message.header_as_record_batch().unwrap().buffers().unwrap();
        let packed = buffers.iter().filter(|buffer| buffer.length() > 8).collect::<Vec<_>>();
        assert!(!packed.is_empty());
        for buffer in packed {
            let at = body + buffer.offset() as usize;
            for unpacked in [1 << 40, i64::MAX, -2] {
                let mut damaged = whole.clone();
                damaged[at..at + 8].copy_from_slice(&i64::to_le_bytes(unpacked));
                fs::write(&path, damaged).unwrap();
                says(&path, &format!("can't unpack to {unpacked}"));
            }
        }
    }
}

/// Set in the child: the file that it reads.
const CHILD: &str = "TROMMEL_TEST_LARGE_RECORD";

/// Symptom: the process was ended by a record for which there was no memory, although
/// `memory_limit` allowed for it.
/// Cause: the buffer that records are gathered in grew as if memory could not run out.
/// Fix: it asks whether there is memory, and the run fails with an error that names the file.
#[test]
fn a_record_that_there_is_no_memory_for_ends_the_run_not_the_process() {
    if let Some(path) = std::env::var_os(CHILD) {
        let run = || {
            let options = Options::builder().memory_limit(16 << 30).build()?;
            Pipeline::from(csv::Source::open(path)?)
                .options(options)
                .transform(|row, out| out.emit(row.len()))
                .load_into(sinks::count())
                .run(&Engine::builder().workers(1).build()?)
        };
        match run() {
            Ok(_) => std::process::exit(43),
            Err(error) => eprintln!("{:?}: {error}", error.kind()),
        }
        std::process::exit(42);
    }
    let directory = TempDir::new().unwrap();
    let path = directory.path().join("large.csv");
    fs::write(&path, "a,b\n1,").unwrap();
    // Takes no room on the disk: it is one large hole.
    File::options().write(true).open(&path).unwrap().set_len(2 << 30).unwrap();
    // In KiB; of it the program and its threads have a part already.
    let output = Command::new("sh")
        .args(["-c", "ulimit -v 700000; exec \"$@\"", "sh"])
        .arg(std::env::current_exe().unwrap())
        .args(["--exact", "a_record_that_there_is_no_memory_for_ends_the_run_not_the_process"])
        .arg("--nocapture")
        .env(CHILD, &path)
        .output()
        .unwrap();
    let said = String::from_utf8_lossy(&output.stderr);
    assert_eq!(output.status.code(), Some(42), "{}: {said}", output.status);
    for part in ["Io", "large.csv", "no memory", "memory_limit"] {
        assert!(said.contains(part), "no `{part}` in: {said}");
    }
}
