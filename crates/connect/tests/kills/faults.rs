//! Faults of the system: the n-th write, fsync, open, rename or truncate of the destination's files
//! fails. The run must end with an error that names the file and, where there is one, the remedy; the
//! next run, on a system that is well again, must end as a clean one.
//!
//! The process's n-th allocation or thread fails likewise. Rust ends a process without memory; a run
//! may end so, too, or with an error where code asks before it takes.

use crate::campaign::{End, Job, clean, wanted};
use crate::destination::Destination;
use crate::window::AFTER_COMMIT;
use std::path::PathBuf;
use std::process::Command;
use std::sync::LazyLock;
use std::time::Instant;

/// What fails, and how.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Fault {
    pub(crate) name: &'static str,
    call: &'static str,
    /// 0: a short write, which is no error.
    error: i32,
    /// All later calls fail as well.
    sticky: bool,
    /// One of these must be in the message.
    remedies: &'static [&'static str],
    /// Kinds of destinations that can do without: for those alone the run may end all the same.
    spared: &'static [&'static str],
    /// The latest call to fail.
    latest: u32,
}

const fn fault(
    name: &'static str,
    call: &'static str,
    error: i32,
    remedies: &'static [&'static str],
) -> Fault {
    // A disk that is full stays full, and files that are open stay open.
    let sticky = matches!(error, 24 | 28);
    let latest = match call.as_bytes() {
        b"write" => 40,
        b"alloc" => 3_000,
        b"truncate" => 2,
        b"mkdir" | b"unlink" => 1,
        b"thread" => 5,
        _ => 12,
    };
    Fault { name, call, error, sticky, remedies, latest, spared: &[] }
}

const fn lasting(
    name: &'static str,
    call: &'static str,
    error: i32,
    remedies: &'static [&'static str],
) -> Fault {
    Fault { sticky: true, ..fault(name, call, error, remedies) }
}

/// These destinations may end all the same.
const fn harmless(fault: Fault, spared: &'static [&'static str]) -> Fault {
    Fault { spared, ..fault }
}

/// Where SQLite, closing its last connection, passes over what keeps it from moving a write-ahead log into
/// the database: the log stays, and the next connection reads it.
const LOG: &[&str] = &["sqlite-wal"];
/// Where SQLite, having synced a new journal, passes over what its folder's sync says (`unixSync`). What a
/// loss of power leaves of a run whose syncs succeed is held by `power.rs`.
const JOURNAL: &[&str] = &["sqlite"];

/// What is said then: by SQLite and libpq, by zlib-rs, by zstd; and of a server whose message libpq
/// had no memory for, for the rest of which it waits.
const NO_MEMORY: &[&str] =
    &["memory", "MemError", "null pointer", "could not allocate", "raise `timeout`"];
/// Where some do without: SQLite without a cache, a thread without its guard page's address.
const SPARE: &[&str] = &["sqlite", "csv", "parquet", "postgres"];

pub(crate) const FAULTS: &[Fault] = &[
    harmless(fault("write ENOSPC", "write", 28, &["room", "full"]), LOG),
    harmless(fault("write EIO", "write", 5, &[]), LOG),
    fault("write short", "write", 0, &[]),
    harmless(fault("read EIO", "read", 5, &[]), LOG),
    harmless(fault("sync EIO", "sync", 5, &[]), JOURNAL),
    harmless(fault("sync ENOSPC", "sync", 28, &["room", "full"]), JOURNAL),
    fault("open EMFILE", "open", 24, &["ulimit -n"]),
    fault("rename EIO", "rename", 5, &[]),
    harmless(fault("truncate EIO", "truncate", 5, &[]), LOG),
    harmless(fault("unlink EIO", "unlink", 5, &[]), LOG),
    harmless(fault("alloc ENOMEM", "alloc", 12, NO_MEMORY), SPARE),
    lasting("alloc ENOMEM for good", "alloc", 12, NO_MEMORY),
    // `std::thread::Scope::spawn` panics where a thread can't be started, and the panic went through
    // `run` to its caller. The engine asks for its threads now, and ends the run with an error.
    fault("thread EAGAIN", "thread", 11, &["thread"]),
    fault("mkdir EACCES", "mkdir", 13, &["permission"]),
    // All that was written has been synced by then.
    harmless(fault("close EIO", "close", 5, &[]), &["sqlite", "csv", "parquet"]),
];

/// The library that is preloaded, built once.
pub(crate) static SHIM: LazyLock<PathBuf> = LazyLock::new(|| {
    let directory = tempfile::Builder::new().prefix("trommel-shim-").tempdir().unwrap().keep();
    let library = directory.join("shim.so");
    let source = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/kills/shim.c");
    let output = Command::new("cc")
        .args(["-shared", "-fPIC", "-O1", "-o"])
        .arg(&library)
        .args([source, "-ldl"])
        .output()
        .expect("a C compiler, which the crate needs anyway");
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    library
});

impl Fault {
    /// The environment of a victim that meets it at the `nth` call.
    fn environment(&self, job: &Job, nth: u32) -> [(&'static str, String); 4] {
        let Fault { call, error, sticky, .. } = self;
        [
            ("LD_PRELOAD", SHIM.display().to_string()),
            ("TROMMEL_FAULT", format!("{call}:{nth}:{error}:{}", u8::from(*sticky))),
            // What is printed for an abort is of one line, and takes no memory.
            ("RUST_BACKTRACE", "0".into()),
            ("TROMMEL_LEDGER", job.path().join("ledger").display().to_string()),
        ]
    }

    /// Whether a run may end so.
    fn explains(&self, message: &str) -> bool {
        let is_error = message.starts_with("exit status: 1: ");
        match self.call {
            // Rust ends a process whose allocation fails, so does glibc at the start of a thread;
            // zlib-rs panics.
            "alloc" if message.starts_with("signal: 6 (SIGABRT)") => {
                message.contains("memory allocation of ") || message.contains("out of memory")
            }
            "alloc" => is_error || message.contains("MemError"),
            "thread" => is_error,
            // Its own folder has no name where names are relative to it.
            _ => is_error && (message.contains("out") || message.contains("directory .")),
        }
    }
}

/// Lets jobs meet a fault until it has been met often enough.
pub(crate) fn met(destination: Destination, fault: &Fault) {
    let began = Instant::now();
    let (wanted, mut random) = wanted(&format!("{destination:?} {}", fault.name));
    let clean = clean(destination);
    let (mut met, mut tries, mut jobs) = (0, 0, 0);
    let mut example = String::new();
    while met < wanted && tries < wanted * 3 {
        jobs += 1;
        let job = Job::new(destination);
        let mut story = Vec::new();
        // Something to recover, or to remove: a part that no manifest lists.
        let window = match (fault.call, destination) {
            ("unlink", Destination::Parquet) => {
                "parquet: part and rejects in place, before the manifest"
            }
            _ => AFTER_COMMIT,
        };
        if matches!(fault.call, "truncate" | "unlink") || fault.call != "mkdir" && random.bool() {
            assert_eq!(job.run(window, 3), End::Killed(Some(window.into())));
            story.push("killed".to_owned());
        }
        for _ in 0..random.u32(1..=4) {
            tries += 1;
            // A run's begin is short, and has most that differs.
            let latest = if random.bool() { fault.latest } else { fault.latest.div_ceil(8) };
            let nth = random.u32(1..=latest);
            story.push(format!("{} {nth}", fault.name));
            let (end, faults) = job.run_with(&fault.environment(&job, nth));
            match end {
                End::Failed(message) if faults > 0 && fault.error != 0 => {
                    met += 1;
                    assert!(fault.explains(&message), "{message} after {story:?}");
                    let has = |remedy: &&str| message.contains(remedy);
                    let remedies = fault.remedies;
                    assert!(remedies.is_empty() || remedies.iter().any(has), "{message}");
                    example = message.trim_end().to_owned();
                }
                End::Ended { .. } => {
                    let name = destination.name();
                    let spared = fault.spared.iter().any(|spared| name.starts_with(spared));
                    assert!(
                        faults == 0 || fault.error == 0 || spared,
                        "{name} has passed over {faults} faults, after {story:?}"
                    );
                    met += u32::from(faults > 0);
                    break;
                }
                other => panic!("{other:?} with {faults} faults after {story:?}"),
            }
        }
        job.conclude(Some(&clean), &story);
    }
    eprintln!(
        "faults: {}, {}: met {met} times in {jobs} jobs, {:.1} s; {example}",
        destination.name(),
        fault.name,
        began.elapsed().as_secs_f64()
    );
    assert!(met >= wanted, "{} was met {met} times only", fault.name);
}
