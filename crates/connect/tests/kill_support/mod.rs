//! A process that is killed at any instant and started again, until it ends by itself.

use std::ffi::OsStr;
use std::process::{Command, Stdio};
use std::sync::{LazyLock, Mutex};
use std::thread::sleep;
use std::time::{Duration, Instant};

/// Set in a child, see [`dawdle`].
const DAWDLES: &str = "TROMMEL_TEST_DAWDLES";

/// In a child that is to be killed, sleeps for a millisecond at each row whose number is a multiple of
/// `every`, one thread at a time: with 200 such rows a job takes 200 ms or more.
///
/// Symptom: a quick machine had done all rows before the third kill, which proved nothing. Cause: the kills
/// come at fixed times. Fix: the job takes its time, too, however quick the machine.
pub(crate) fn dawdle(id: u64, every: u64) {
    static IS_CHILD: LazyLock<bool> = LazyLock::new(|| std::env::var_os(DAWDLES).is_some());
    static ONE_AT_A_TIME: Mutex<()> = Mutex::new(());
    if id.is_multiple_of(every) && *IS_CHILD {
        let _turn = ONE_AT_A_TIME.lock().unwrap();
        sleep(Duration::from_millis(1));
    }
}

/// This program once more, for one test alone, which finds `value` in `variable` and so knows that it
/// is the child.
pub(crate) fn child(test: &str, variable: &str, value: impl AsRef<OsStr>) -> Command {
    let mut command = Command::new(std::env::current_exe().unwrap());
    command
        .args(["--exact", test])
        .env(variable, value)
        .env(DAWDLES, "1")
        .stdout(Stdio::null())
        .stderr(Stdio::null());
    command
}

/// Kills the child `first` after its start and later, and `more` with each kill, so that it comes to
/// its end however slow the machine is. `look` sees what each kill has left.
pub(crate) fn kill_until_done(
    mut child: Command,
    first: Duration,
    more: Duration,
    mut look: impl FnMut(),
) {
    let (began, mut kills) = (Instant::now(), 0);
    loop {
        let mut running = child.spawn().unwrap();
        sleep(first + Duration::from_micros(u64::from(kills) * 7_919 % 31_000) + more * kills);
        if let Some(status) = running.try_wait().unwrap() {
            assert!(status.success(), "{status}");
            break;
        }
        running.kill().unwrap();
        running.wait().unwrap();
        kills += 1;
        assert!(began.elapsed() < Duration::from_secs(120), "no end after {kills} kills");
        look();
    }
    println!("{kills} kills");
    assert!(kills > 2, "{kills} kills prove nothing");
}
