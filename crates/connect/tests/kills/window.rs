//! Windows: where a victim dies, and how that is proved.

use rustix::process::{Signal, getpid, kill_process};
use std::fs::OpenOptions;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::sync::OnceLock;
use std::sync::atomic::{AtomicU32, Ordering};

/// The windows around a sink; those inside of one are named by it.
pub(crate) const BEFORE_RESUME: &str = "before resume";
pub(crate) const AFTER_RESUME: &str = "after resume";
pub(crate) const BEFORE_FIRST_ROW: &str = "before the first row";
pub(crate) const MID_BATCH: &str = "mid-batch";
pub(crate) const BEFORE_WRITE: &str = "before write";
pub(crate) const AFTER_WRITE: &str = "after write";
pub(crate) const AFTER_REJECT: &str = "after keep_reject";
pub(crate) const BEFORE_COMMIT: &str = "before commit";
pub(crate) const AFTER_COMMIT: &str = "after commit";
pub(crate) const BEFORE_FINISH: &str = "before finish";
pub(crate) const AFTER_FINISH: &str = "after finish";

pub(crate) const AROUND: [&str; 11] = [
    BEFORE_RESUME,
    AFTER_RESUME,
    BEFORE_FIRST_ROW,
    MID_BATCH,
    BEFORE_WRITE,
    AFTER_WRITE,
    AFTER_REJECT,
    BEFORE_COMMIT,
    AFTER_COMMIT,
    BEFORE_FINISH,
    AFTER_FINISH,
];

/// What a victim does in its window.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Act {
    /// Dies, as by `kill -9`.
    Kill,
    /// Stops, as by `kill -STOP`, until somebody lets it go on.
    Stop,
}

/// What a victim is told, in its environment.
#[derive(Debug, Clone)]
pub(crate) struct Plan {
    pub(crate) destination: String,
    pub(crate) directory: PathBuf,
    /// Empty: in no window.
    pub(crate) window: String,
    /// On which visit of it, from 1.
    pub(crate) visit: u32,
    pub(crate) act: Act,
}

const VARIABLE: &str = "TROMMEL_VICTIM";

impl Plan {
    pub(crate) fn to_environment(&self) -> (&'static str, String) {
        let Plan { destination, directory, window, visit, act } = self;
        let directory = directory.to_str().expect("a path of the test's own");
        (VARIABLE, format!("{destination}\n{directory}\n{window}\n{visit}\n{act:?}"))
    }

    /// The plan of this process, if it is a victim.
    pub(crate) fn of_victim() -> Option<Plan> {
        let text = std::env::var(VARIABLE).ok()?;
        let [destination, directory, window, visit, act] =
            text.split('\n').collect::<Vec<_>>().try_into().expect("five lines");
        Some(Plan {
            destination: destination.into(),
            directory: directory.into(),
            window: window.into(),
            visit: visit.parse().expect("a number"),
            act: if act == "Stop" { Act::Stop } else { Act::Kill },
        })
    }
}

static PLAN: OnceLock<Plan> = OnceLock::new();
static VISITS: AtomicU32 = AtomicU32::new(0);

/// Makes [`reach`] follow the plan.
pub(crate) fn follow(plan: Plan) {
    PLAN.set(plan).expect("one plan for each victim");
}

/// The victim has come to a window.
pub(crate) fn reach(name: &'static str) {
    let Some(plan) = PLAN.get() else { return };
    if plan.window != name || VISITS.fetch_add(1, Ordering::Relaxed) + 1 != plan.visit {
        return;
    }
    note(&plan.directory, name);
    let signal = match plan.act {
        Act::Kill => Signal::KILL,
        Act::Stop => Signal::STOP,
    };
    kill_process(getpid(), signal).expect("one's own process");
    // A kill ends all threads at once. To stop, any thread may be told first: this one goes no
    // further before the campaign, which waits for all to have stopped, has taken the ledger.
    while ledger(&plan.directory).exists() {
        std::thread::yield_now();
    }
}

/// Adds a line to the ledger. What was written to a file before a kill stays written.
pub(crate) fn note(directory: &Path, line: &str) {
    let opened = OpenOptions::new().append(true).create(true).open(ledger(directory));
    opened.unwrap().write_all(format!("{line}\n").as_bytes()).unwrap();
}

/// The lines of the ledger since the last call.
pub(crate) fn take_ledger(directory: &Path) -> Vec<String> {
    let path = ledger(directory);
    let lines = std::fs::read_to_string(&path).unwrap_or_default();
    _ = std::fs::remove_file(&path);
    lines.lines().map(str::to_owned).collect()
}

fn ledger(directory: &Path) -> PathBuf {
    directory.join("ledger")
}
