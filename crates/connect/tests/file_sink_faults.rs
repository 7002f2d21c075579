//! Destinations that fail: a clear error, nothing half under the final name, and a resume that is
//! right.
#![cfg(feature = "ndjson")]

#[cfg(unix)]
mod unprivileged;

use std::io::{self, Write};
use std::path::Path;
use std::time::Duration;
use tempfile::TempDir;
use trommel::{Engine, ErrorKind, Options, Pipeline, Result, RunReport, sources};
use trommel_connect::ndjson::Sink;
#[cfg(unix)]
use unprivileged::{open_to_all, unprivileged};

const ROWS: u64 = 20_000;

fn load(sink: Sink) -> Result<RunReport> {
    Pipeline::from(sources::generate(ROWS, |id| id))
        .options(Options::builder().fixed_batch_size(100).build()?)
        .transform(|id, out| out.emit(id))
        .load_into(sink)
        .run(&Engine::builder().workers(2).build()?)
}

/// Takes `left` bytes, in pieces, then fails.
struct Full {
    left: usize,
    kind: io::ErrorKind,
}

impl Write for Full {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let taken = bytes.len().min(self.left).min(37);
        self.left -= taken;
        match taken {
            0 if !bytes.is_empty() => Err(self.kind.into()),
            taken => Ok(taken),
        }
    }
    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

#[test]
fn a_writer_that_fails_ends_the_run_with_its_name() {
    for (kind, left) in [
        (io::ErrorKind::StorageFull, 0),
        (io::ErrorKind::BrokenPipe, 5_000),
        (io::ErrorKind::WouldBlock, 50_000),
    ] {
        let error = load(Sink::from_writer("the pipe", Full { left, kind })).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Io, "{error}");
        assert!(error.to_string().contains("writing to the pipe failed"), "{error}");
        let cause = std::error::Error::source(&error).unwrap().downcast_ref::<io::Error>();
        assert_eq!(cause.unwrap().kind(), kind);
        let counts = error.report().unwrap().counts;
        assert!(counts.add_up(), "{counts:?}");
    }
}

#[test]
fn a_writer_that_takes_little_at_a_time_gets_it_all() {
    let everything = Full { left: usize::MAX, kind: io::ErrorKind::Other };
    assert_eq!(load(Sink::from_writer("slow", everything)).unwrap().counts.loaded, ROWS);
}

const VARIABLE: &str = "TROMMEL_TEST_FULL_FILE";

fn resumable(path: &Path) -> Result<RunReport> {
    Pipeline::from(sources::generate(ROWS, |id| id))
        .options(Options::builder().fixed_batch_size(100).build()?)
        .resumable("load")
        .transform(|id, out| out.emit(id))
        .load_into(Sink::create(path)?.commit_interval(Duration::ZERO).commit_bytes(0))
        .run(&Engine::builder().workers(2).build()?)
}

/// A full disk by other means: the shell sets a limit on the size of files and ignores the signal.
#[cfg(target_os = "linux")]
#[test]
fn no_room_is_an_error_with_the_path_and_the_remedy() {
    if let Ok(path) = std::env::var(VARIABLE) {
        // The child: this test, started once more under a limit on the size of files.
        eprintln!("{}", resumable(Path::new(&path)).unwrap_err());
        return;
    }
    let directory = TempDir::new().unwrap();
    let path = directory.path().join("out.ndjson");
    // In blocks of 512 bytes: the file would be about 109 kB.
    let script = "trap '' XFSZ; ulimit -f 100; exec \"$0\" --nocapture --exact \
                  no_room_is_an_error_with_the_path_and_the_remedy";
    let output = std::process::Command::new("sh")
        .args(["-c", script])
        .arg(std::env::current_exe().unwrap())
        .env(VARIABLE, &path)
        .output()
        .unwrap();
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{said}");
    for part in ["cannot write to", "out.ndjson.part", "ulimit -f"] {
        assert!(said.contains(part), "no `{part}` in {said}");
    }
    assert!(!path.exists(), "nothing half under its name");
    // With room, the job goes on.
    let report = resumable(&path).unwrap();
    assert!(report.counts.read < ROWS, "some was committed before");
    let text = std::fs::read_to_string(&path).unwrap();
    let expected: String = (0..ROWS).map(|id| format!("{id}\n")).collect();
    assert!(text == expected);
}

#[cfg(unix)]
#[test]
fn a_folder_that_goes_away_or_may_not_be_written_is_named() {
    use std::os::unix::fs::PermissionsExt;
    let directory = TempDir::new().unwrap();
    let folder = directory.path().join("folder");
    std::fs::create_dir(&folder).unwrap();
    let sink = Sink::create(folder.join("out")).unwrap();
    std::fs::remove_dir(&folder).unwrap();
    let error = load(sink).unwrap_err();
    assert!(error.to_string().contains("does not exist; create it"), "{error}");

    std::fs::create_dir(&folder).unwrap();
    open_to_all(directory.path());
    std::fs::set_permissions(&folder, std::fs::Permissions::from_mode(0o555)).unwrap();
    let error = unprivileged(|| load(Sink::create(folder.join("out")).unwrap())).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Io);
    for part in ["folder/out", "permission is missing"] {
        assert!(error.to_string().contains(part), "{error}");
    }
    std::fs::set_permissions(&folder, std::fs::Permissions::from_mode(0o755)).unwrap();
}
